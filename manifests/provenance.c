#include "manifests/provenance.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/text.h"

GPtrArray *
provenance_labels_new(void)
{
    return g_ptr_array_new_with_free_func(g_free);
}

GPtrArray *
provenance_inputs_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)input_free);
}

Input *
input_copy(const Input *input)
{
    Input *copy = g_memdup2(input, sizeof *input);

    copy->role = g_strdup(input->role);
    return copy;
}

void
input_free(Input *input)
{
    if (!input)
        return;
    g_free(input->role);
    g_free(input);
}

static gboolean
read_dataset(const char *dataset, const char *what, Input *input, GError **error)
{
    return dataset_parse(dataset, input->node, input->name) ||
           chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M13: want NODE/NAME in an input's dataset, have another text", what);
}

static gboolean
read_input(const json_t *object, const char *what, Input *input, GError **error)
{
    static const char *const known[] = { "dataset", "manifest", "role", "version", NULL };
    const char *dataset;
    gint64 version;

    if (!member_only(object, what, known, error) ||
        !member_string(object, what, "dataset", NODE_ID_LENGTH + 1 + DATASET_NAME_MAX, &dataset, error) ||
        !read_dataset(dataset, what, input, error) || !member_digest(object, what, "manifest", &input->manifest, error) ||
        !text_read(object, what, "M13", "role", ROLE_MAX, &input->role, error) ||
        !member_integer(object, what, "version", 1, G_MAXINT64, &version, error))
        return FALSE;
    input->version = version;
    return TRUE;
}

static gboolean
read_inputs(const json_t *object, const char *what, guint max, GPtrArray *inputs, GError **error)
{
    const json_t *array;

    if (!member_has(object, "inputs"))
        return TRUE;
    if (!member_array(object, what, "inputs", max, &array, error))
        return FALSE;
    if (json_array_size(array) == 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M16: want inputs absent or with entries, have it empty", what);
    for (size_t i = 0; i < json_array_size(array); i++) {
        g_autoptr(Input) input = g_new0(Input, 1);

        if (!json_is_object(json_array_get(array, i)))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M13: want objects in inputs, have something else", what);
        if (!read_input(json_array_get(array, i), what, input, error))
            return FALSE;
        g_ptr_array_add(inputs, g_steal_pointer(&input));
    }
    return TRUE;
}

/* M14: every name and string of the parameters is text too, for they are shown.  The depth is bounded by the canonical parser. */
static gboolean
parameters_show(const json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;

    if (json_is_string(value))
        return strlen(json_string_value(value)) == json_string_length(value) && text_shows(json_string_value(value), TRUE);
    json_array_foreach(value, i, member)
        if (!parameters_show(member))
            return FALSE;
    json_object_foreach((json_t *)value, name, member)
        if (!text_shows(name, FALSE) || !parameters_show(member))
            return FALSE;
    return TRUE;
}

static gboolean
check_activity(const json_t *activity, const char *what, GError **error)
{
    static const char *const known[] = { "kind", "observed", "parameters", "tool", NULL };
    const json_t *parameters;
    g_autofree char *kind = NULL, *tool = NULL;

    if (!member_only(activity, what, known, error) || !text_read(activity, what, "M14", "kind", LABEL_MAX, &kind, error) ||
        !text_read_optional(activity, what, "M14", "tool", TITLE_MAX, &tool, error))
        return FALSE;
    if (!json_is_boolean(json_object_get(activity, "observed")))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M14: want observed true or false in the activity, have neither", what);
    if (!member_has(activity, "parameters"))
        return TRUE;
    if (!member_object(activity, what, "parameters", &parameters, error))
        return FALSE;
    if (!parameters_show(parameters))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M6: want text in the activity's parameters, have characters that do not show", what);
    return TRUE;
}

static gboolean
read_activity(const json_t *object, const char *what, char **text, GError **error)
{
    const json_t *activity;
    g_autoptr(GBytes) bytes = NULL;

    if (!member_has(object, "activity"))
        return TRUE;
    if (!member_object(object, what, "activity", &activity, error) || !check_activity(activity, what, error))
        return FALSE;
    bytes = canonical_format(activity, error);
    if (!bytes)
        return FALSE;
    if (g_bytes_get_size(bytes) > ACTIVITY_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: M14: want an activity of at most %d bytes, have %" G_GSIZE_FORMAT, what,
                           ACTIVITY_MAX, g_bytes_get_size(bytes));
    g_free(*text);
    *text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return TRUE;
}

gboolean
provenance_read(const json_t *object, const char *what, guint inputs_max, const Provenance *p, GError **error)
{
    return text_read_list(object, what, "M12", "labels", LABELS_MAX, LABEL_MAX, p->labels, error) &&
           read_inputs(object, what, inputs_max, p->inputs, error) && read_activity(object, what, p->activity, error) &&
           text_read_list(object, what, "M15", "evidence", EVIDENCE_MAX, EVIDENCE_TEXT_MAX, p->evidence, error);
}

static void
write_inputs(json_t *object, const GPtrArray *inputs)
{
    json_t *array;

    if (inputs->len == 0)
        return;
    array = json_array();
    for (guint i = 0; i < inputs->len; i++) {
        const Input *input = g_ptr_array_index(inputs, i);
        g_autofree char *dataset = g_strdup_printf("%s/%s", input->node, input->name);
        char manifest[DIGEST_TEXT_SIZE];
        json_t *item = json_object();

        text_write(item, "dataset", dataset);
        text_write(item, "manifest", digest_format(&input->manifest, manifest));
        text_write(item, "role", input->role ? input->role : "source");
        json_object_set_new(item, "version", json_integer(input->version));
        json_array_append_new(array, item);
    }
    json_object_set_new(object, "inputs", array);
}

gboolean
provenance_write(json_t *object, const char *what, const Provenance *p, GError **error)
{
    json_t *activity;

    text_write_list(object, "labels", p->labels);
    text_write_list(object, "evidence", p->evidence);
    write_inputs(object, p->inputs);
    if (!*p->activity)
        return TRUE;
    activity = canonical_parse(*p->activity, strlen(*p->activity), ACTIVITY_MAX, what, error);
    return activity && json_object_set_new(object, "activity", activity) == 0;
}
