#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/manifest.h"
#include "manifests/provenance.h"
#include "manifests/text.h"

#define DETAILS "details/1"
#define CONTENT "content/1"
#define INTEGER_MAX ((G_GINT64_CONSTANT(1) << 53) - 1)

Details *
details_new(void)
{
    Details *d = g_new0(Details, 1);

    d->labels = provenance_labels_new();
    d->inputs = provenance_inputs_new();
    d->evidence = provenance_labels_new();
    return d;
}

void
details_free(Details *d)
{
    if (!d)
        return;
    g_free(d->activity);
    g_ptr_array_unref(d->labels);
    g_ptr_array_unref(d->inputs);
    g_ptr_array_unref(d->evidence);
    g_free(d);
}

/* Neither document is a record, so each says its own type. */
static gboolean
check_type(const json_t *object, const char *want, const char *rule, GError **error)
{
    const char *type;

    if (!member_string(object, want, "type", RECORD_TYPE_MAX, &type, error))
        return FALSE;
    if (strcmp(type, want) != 0)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: %s: want a document of this type, have another", want, rule);
    return TRUE;
}

static gboolean
read_count(const json_t *object, const char *name, guint64 *count, GError **error)
{
    gint64 value;

    if (!member_integer(object, DETAILS, name, 0, INTEGER_MAX, &value, error))
        return FALSE;
    *count = value;
    return TRUE;
}

/* M17 */
static gboolean
read_details(Details *d, const json_t *object, GError **error)
{
    static const char *const known[] = { "activity", "bytes", "chunks", "evidence", "files", "folders", "inputs", "labels", "links", "type", NULL };
    const Provenance provenance = { .labels = d->labels, .inputs = d->inputs, .evidence = d->evidence, .activity = &d->activity };

    return check_type(object, DETAILS, "M17", error) && member_only(object, DETAILS, known, error) &&
           read_count(object, "files", &d->files, error) && read_count(object, "folders", &d->folders, error) &&
           read_count(object, "links", &d->links, error) && read_count(object, "bytes", &d->bytes, error) &&
           read_count(object, "chunks", &d->chunks, error) && provenance_read(object, DETAILS, INPUTS_DETAILS_MAX, &provenance, error);
}

Details *
details_parse(GBytes *bytes, GError **error)
{
    g_autoptr(Details) d = details_new();
    g_autoptr(json_t) object = canonical_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), DETAILS_SIZE_MAX, DETAILS, error);

    if (!object || !read_details(d, object, error))
        return NULL;
    return g_steal_pointer(&d);
}

GBytes *
details_format(const Details *d, GError **error)
{
    g_autoptr(json_t) object = json_object();
    g_autoptr(Details) again = details_new();
    const Provenance provenance = { .labels = d->labels, .inputs = d->inputs, .evidence = d->evidence, .activity = (char **)&d->activity };

    text_write(object, "type", DETAILS);
    json_object_set_new(object, "files", json_integer(d->files));
    json_object_set_new(object, "folders", json_integer(d->folders));
    json_object_set_new(object, "links", json_integer(d->links));
    json_object_set_new(object, "bytes", json_integer(d->bytes));
    json_object_set_new(object, "chunks", json_integer(d->chunks));
    if (!provenance_write(object, DETAILS, &provenance, error) || !read_details(again, object, error))
        return NULL;
    return canonical_format(object, error);
}

static gboolean
read_salt(const json_t *object, guint8 salt[SALT_SIZE], GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    const char *text;

    if (!member_string(object, CONTENT, "salt", 4 * SALT_SIZE, &text, error))
        return FALSE;
    bytes = base64_parse(text, strlen(text), SALT_SIZE, error);
    if (!bytes)
        return FALSE;
    if (g_bytes_get_size(bytes) != SALT_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M18: want a salt of %d bytes, have %" G_GSIZE_FORMAT, CONTENT, SALT_SIZE, g_bytes_get_size(bytes));
    memcpy(salt, g_bytes_get_data(bytes, NULL), SALT_SIZE);
    return TRUE;
}

/* M18 */
gboolean
content_parse(GBytes *bytes, Content *content, GError **error)
{
    static const char *const known[] = { "details", "listing", "salt", "type", NULL };
    g_autoptr(json_t) object = canonical_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), CONTENT_SIZE_MAX, CONTENT, error);
    Content read;

    if (!object || !check_type(object, CONTENT, "M18", error) || !member_only(object, CONTENT, known, error) ||
        !member_digest(object, CONTENT, "details", &read.details, error) || !member_digest(object, CONTENT, "listing", &read.listing, error) ||
        !read_salt(object, read.salt, error))
        return FALSE;
    *content = read;
    return TRUE;
}

GBytes *
content_format(const Content *content, GError **error)
{
    g_autoptr(json_t) object = json_object();
    g_autofree char *salt = base64_format(content->salt, SALT_SIZE);
    char text[DIGEST_TEXT_SIZE];

    text_write(object, "type", CONTENT);
    text_write(object, "details", digest_format(&content->details, text));
    text_write(object, "listing", digest_format(&content->listing, text));
    text_write(object, "salt", salt);
    return canonical_format(object, error);
}
