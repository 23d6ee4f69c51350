#include "manifests/lineage/derivation.h"

#include <string.h>

#include <jansson.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/provenance.h"

static gboolean
add_parameter(json_t *parameters, const char *text, GError **error)
{
    const char *equals = strchr(text, '=');
    g_autofree char *name = equals ? g_strndup(text, (gsize)(equals - text)) : NULL;

    if (!equals || equals == text)
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want a parameter as NAME=VALUE", text);
    if (json_object_get(parameters, name))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want each parameter once, have it twice", name);
    json_object_set_new(parameters, name, json_string(equals + 1));
    return TRUE;
}

/* As a reader of the manifest will. */
static char *
check_activity(const json_t *root, GError **error)
{
    g_autoptr(GPtrArray) labels = provenance_labels_new(), inputs = provenance_inputs_new(), evidence = provenance_labels_new();
    g_autofree char *activity = NULL;
    const Provenance provenance = { .labels = labels, .inputs = inputs, .evidence = evidence, .activity = &activity };

    return provenance_read(root, "activity", 0, &provenance, error) ? g_steal_pointer(&activity) : NULL;
}

char *
activity_format(const char *kind, const char *tool, char *const *parameters, GError **error)
{
    g_autoptr(json_t) root = json_object(), given = json_object();
    json_t *activity = json_object();

    json_object_set_new(root, "activity", activity);
    json_object_set_new(activity, "kind", json_string(kind));
    json_object_set_new(activity, "observed", json_false());
    if (tool)
        json_object_set_new(activity, "tool", json_string(tool));
    for (guint i = 0; parameters && parameters[i]; i++)
        if (!add_parameter(given, parameters[i], error))
            return NULL;
    if (json_object_size(given) > 0)
        json_object_set(activity, "parameters", given);
    return check_activity(root, error);
}

gboolean
activity_read(const char *activity, char **kind, char **tool, char **parameters, gboolean *observed)
{
    g_autoptr(json_t) object = activity ? canonical_parse(activity, strlen(activity), ACTIVITY_MAX, "activity", NULL) : NULL;
    const json_t *given = json_object_get(object, "parameters");
    const char *words = json_string_value(json_object_get(object, "kind"));
    g_autoptr(GBytes) bytes = given ? canonical_format(given, NULL) : NULL;

    if (!words)
        return FALSE;
    *kind = g_strdup(words);
    *tool = g_strdup(json_string_value(json_object_get(object, "tool")));
    *parameters = bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;
    *observed = json_is_true(json_object_get(object, "observed"));
    return TRUE;
}

/* Whether it was observed is not what was done: left out. */
static GBytes *
what_was_done(const char *activity)
{
    g_autoptr(json_t) object = canonical_parse(activity, strlen(activity), ACTIVITY_MAX, "activity", NULL);

    if (!object)
        return NULL;
    json_object_del(object, "observed");
    return canonical_format(object, NULL);
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "ADDRESS ROLE", sorted. */
static GPtrArray *
lines_of(const GPtrArray *inputs)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < inputs->len; i++) {
        const Input *input = g_ptr_array_index(inputs, i);
        char hex[DIGEST_HEX_SIZE];

        g_ptr_array_add(lines, g_strdup_printf("%s %s\n", digest_format_hex(&input->manifest, hex), input->role ? input->role : "source"));
    }
    g_ptr_array_sort(lines, compare_lines);
    return lines;
}

gboolean
derivation_digest(const Digest *listing, const char *activity, const GPtrArray *inputs, Digest *digest)
{
    g_autoptr(GBytes) done = activity && inputs->len > 0 ? what_was_done(activity) : NULL;
    g_autoptr(GPtrArray) lines = NULL;
    g_autoptr(GString) text = NULL;
    char hex[DIGEST_HEX_SIZE];

    if (!done)
        return FALSE;
    lines = lines_of(inputs);
    text = g_string_new("chama-derivation\n");
    g_string_append_printf(text, "%s\n", digest_format_hex(listing, hex));
    g_string_append_len(text, g_bytes_get_data(done, NULL), (gssize)g_bytes_get_size(done));
    g_string_append_c(text, '\n');
    for (guint i = 0; i < lines->len; i++)
        if (i == 0 || strcmp(lines->pdata[i], lines->pdata[i - 1]) != 0)
            g_string_append(text, lines->pdata[i]);
    digest_of(text->str, text->len, digest);
    return TRUE;
}
