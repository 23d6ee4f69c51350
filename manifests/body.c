#include "manifests/body.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/text.h"

#define INTEGER_MAX G_GINT64_CONSTANT(9007199254740991)

void
subject_of(const Manifest *manifest, Subject *subject)
{
    subject->manifest = manifest->address;
    g_strlcpy(subject->node, manifest->node, sizeof subject->node);
    g_strlcpy(subject->name, manifest->name, sizeof subject->name);
    subject->version = manifest->version;
}

gboolean
subject_is(const Subject *subject, const Manifest *manifest)
{
    return digest_equal(&subject->manifest, &manifest->address) && strcmp(subject->node, manifest->node) == 0 &&
           strcmp(subject->name, manifest->name) == 0 && subject->version == manifest->version;
}

static gboolean
check_known(const json_t *object, const char *type, gboolean sealed, const char *const *own, GError **error)
{
    static const char *const record[] = { "seq", "prev", "time", NULL };
    g_autoptr(GPtrArray) known = g_ptr_array_new();

    g_ptr_array_add(known, (gpointer) "type");
    g_ptr_array_add(known, (gpointer) "node");
    for (guint i = 0; own[i]; i++)
        g_ptr_array_add(known, (gpointer)own[i]);
    for (guint i = 0; !sealed && record[i]; i++)
        g_ptr_array_add(known, (gpointer)record[i]);
    g_ptr_array_add(known, NULL);
    return member_only(object, type, (const char *const *)known->pdata, error);
}

json_t *
body_parse(GBytes *bytes, const char *type, gboolean sealed, const char *const *own, GError **error)
{
    g_autoptr(json_t) object = canonical_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), RECORD_SIZE_MAX, type, error);
    const char *have;

    if (!object || !member_string(object, type, "type", RECORD_TYPE_MAX - 1, &have, error))
        return NULL;
    if (strcmp(have, type) != 0)
        return chama_error_null(error, CHAMA_ERROR_UNSUPPORTED, "%s: S1: want a statement of this type, have another", type);
    return check_known(object, type, sealed, own, error) ? g_steal_pointer(&object) : NULL;
}

GBytes *
body_seal(const char *type, const char *node, GBytes *members, GError **error)
{
    g_autoptr(json_t) object = canonical_parse(g_bytes_get_data(members, NULL), g_bytes_get_size(members), RECORD_SIZE_MAX, type, error);

    if (!object)
        return NULL;
    text_write(object, "type", type);
    text_write(object, "node", node);
    return canonical_format(object, error);
}

gboolean
body_read_head(GBytes *body, char type[RECORD_TYPE_MAX], char node[NODE_ID_SIZE], GError **error)
{
    static const char what[] = "sealed body";
    g_autoptr(json_t) object = canonical_parse(g_bytes_get_data(body, NULL), g_bytes_get_size(body), RECORD_SIZE_MAX, what, error);
    const char *text;

    if (!object || !member_string(object, what, "type", RECORD_TYPE_MAX - 1, &text, error))
        return FALSE;
    g_strlcpy(type, text, RECORD_TYPE_MAX);
    *node = '\0';
    if (member_has(object, "node") && member_string(object, what, "node", NODE_ID_LENGTH, &text, NULL))
        g_strlcpy(node, text, NODE_ID_SIZE);
    return TRUE;
}

gboolean
subject_read(const json_t *object, const char *what, Subject *subject, GError **error)
{
    const char *dataset;
    gint64 version;

    if (!member_digest(object, what, "manifest", &subject->manifest, error) ||
        !member_string(object, what, "dataset", NODE_ID_LENGTH + 1 + DATASET_NAME_MAX, &dataset, error))
        return FALSE;
    if (!dataset_parse(dataset, subject->node, subject->name))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S13: want NODE/NAME in dataset, have another text", what);
    if (!member_integer(object, what, "version", 1, INTEGER_MAX, &version, error))
        return FALSE;
    subject->version = (guint64)version;
    return TRUE;
}

void
subject_write(json_t *object, const Subject *subject)
{
    g_autofree char *dataset = g_strdup_printf("%s/%s", subject->node, subject->name);

    body_write_digest(object, "manifest", &subject->manifest);
    text_write(object, "dataset", dataset);
    json_object_set_new(object, "version", json_integer((json_int_t)subject->version));
}

void
body_write_digest(json_t *object, const char *name, const Digest *digest)
{
    char text[DIGEST_TEXT_SIZE];

    text_write(object, name, digest_format(digest, text));
}

void
body_write_time(json_t *object, const char *name, gint64 seconds)
{
    char text[TIME_TEXT_SIZE];

    text_write(object, name, time_format(seconds, text));
}
