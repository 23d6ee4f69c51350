#include "manifests/statement.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/text.h"

#define SEALED "sealed/1"
#define OPENING "opening/1"
#define GRANT "grant/1"
#define REVOCATION "revocation/1"

/* The object of a record of @type, which has the members @known and no other (S1). */
static json_t *
parse_record(const Record *record, const char *type, const char *const *known, GError **error)
{
    g_autoptr(json_t) object = NULL;

    if (strcmp(record->type, type) != 0)
        return chama_error_null(error, CHAMA_ERROR_UNSUPPORTED, "%s: S1: want a record of this type, have %s", type, record->type);
    object = canonical_parse(g_bytes_get_data(record->bytes, NULL), g_bytes_get_size(record->bytes), RECORD_SIZE_MAX, type, error);
    if (!object || !member_only(object, type, known, error))
        return NULL;
    return g_steal_pointer(&object);
}

/* The same for a document that says its own type. */
static json_t *
parse_document(GBytes *bytes, gsize limit, const char *want, const char *const *known, GError **error)
{
    g_autoptr(json_t) object = canonical_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), limit, want, error);
    const char *type;

    if (!object || !member_string(object, want, "type", RECORD_TYPE_MAX, &type, error))
        return NULL;
    if (strcmp(type, want) != 0)
        return chama_error_null(error, CHAMA_ERROR_UNSUPPORTED, "%s: S1: want a document of this type, have another", want);
    return member_only(object, want, known, error) ? g_steal_pointer(&object) : NULL;
}

static void
write_digest(json_t *object, const char *name, const Digest *digest)
{
    char text[DIGEST_TEXT_SIZE];

    text_write(object, name, digest_format(digest, text));
}

/* S9 */
gboolean
sealed_parse(const Record *record, Digest *digest, GError **error)
{
    static const char *const known[] = { "type", "node", "seq", "prev", "time", "digest", NULL };
    g_autoptr(json_t) object = parse_record(record, SEALED, known, error);

    return object && member_digest(object, SEALED, "digest", digest, error);
}

GBytes *
sealed_format(const Digest *digest, GError **error)
{
    g_autoptr(json_t) object = json_object();

    write_digest(object, "digest", digest);
    return canonical_format(object, error);
}

static GBytes *
read_base64(const json_t *object, const char *name, gsize max, GError **error)
{
    const char *text;

    if (!member_string(object, OPENING, name, (max + 2) / 3 * 4, &text, error))
        return NULL;
    return base64_parse(text, strlen(text), max, error);
}

/* S10: a body is canonical too, or one statement could be sealed under several digests. */
static gboolean
check_body(GBytes *body, GError **error)
{
    g_autoptr(json_t) object = canonical_parse(g_bytes_get_data(body, NULL), g_bytes_get_size(body), RECORD_SIZE_MAX, "sealed body", error);
    const char *type;

    return object && member_string(object, "sealed body", "type", RECORD_TYPE_MAX, &type, error);
}

static gboolean
read_opening(Opening *opening, const json_t *object, GError **error)
{
    g_autoptr(GBytes) salt = read_base64(object, "salt", SALT_SIZE, error);

    if (!salt)
        return FALSE;
    if (g_bytes_get_size(salt) != SALT_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S10: want a salt of %d bytes, have %" G_GSIZE_FORMAT, OPENING, SALT_SIZE, g_bytes_get_size(salt));
    memcpy(opening->salt, g_bytes_get_data(salt, NULL), SALT_SIZE);
    opening->body = read_base64(object, "body", RECORD_SIZE_MAX, error);
    return opening->body && check_body(opening->body, error) && member_digest(object, OPENING, "record", &opening->record, error);
}

Opening *
opening_parse(GBytes *bytes, GError **error)
{
    static const char *const known[] = { "body", "record", "salt", "type", NULL };
    g_autoptr(json_t) object = parse_document(bytes, OPENING_SIZE_MAX, OPENING, known, error);
    g_autoptr(Opening) opening = g_new0(Opening, 1);

    if (!object || !read_opening(opening, object, error))
        return NULL;
    return g_steal_pointer(&opening);
}

GBytes *
opening_format(const Opening *opening, GError **error)
{
    g_autoptr(json_t) object = json_object();
    g_autofree char *salt = base64_format(opening->salt, SALT_SIZE);
    g_autofree char *body = NULL;

    if (!check_body(opening->body, error))
        return NULL;
    body = base64_format(g_bytes_get_data(opening->body, NULL), g_bytes_get_size(opening->body));
    text_write(object, "type", OPENING);
    text_write(object, "salt", salt);
    text_write(object, "body", body);
    write_digest(object, "record", &opening->record);
    return canonical_format(object, error);
}

void
opening_free(Opening *opening)
{
    if (!opening)
        return;
    g_clear_pointer(&opening->body, g_bytes_unref);
    g_free(opening);
}

static gboolean
read_node(const json_t *object, const char *name, char node[NODE_ID_SIZE], GError **error)
{
    const char *text;

    if (!member_string(object, GRANT, name, NODE_ID_LENGTH, &text, error))
        return FALSE;
    if (!node_id_valid(text))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S11: want a node id in %s, have another text", GRANT, name);
    g_strlcpy(node, text, NODE_ID_SIZE);
    return TRUE;
}

/* S11: a grant without an end would outlive the agreement that it rests on, so `until` is not optional. */
static gboolean
read_grant(Grant *grant, const json_t *object, GError **error)
{
    const char *name;

    if (!read_node(object, "grantee", grant->grantee, error) || !member_string(object, GRANT, "name", DATASET_NAME_MAX, &name, error))
        return FALSE;
    if (!dataset_name_valid(name))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S11: want the name of a dataset, have another text", GRANT);
    g_strlcpy(grant->name, name, sizeof grant->name);
    return member_time(object, GRANT, "until", &grant->until, error);
}

gboolean
grant_parse(const Record *record, Grant *grant, GError **error)
{
    static const char *const known[] = { "type", "node", "seq", "prev", "time", "grantee", "name", "until", NULL };
    g_autoptr(json_t) object = parse_record(record, GRANT, known, error);
    Grant read;

    if (!object || !read_grant(&read, object, error))
        return FALSE;
    g_strlcpy(read.owner, record->node, sizeof read.owner);
    *grant = read;
    return TRUE;
}

gboolean
grant_parse_body(GBytes *body, Grant *grant, GError **error)
{
    static const char *const known[] = { "grantee", "name", "node", "type", "until", NULL };
    g_autoptr(json_t) object = parse_document(body, RECORD_SIZE_MAX, GRANT, known, error);
    Grant read;

    if (!object || !read_grant(&read, object, error) || !read_node(object, "node", read.owner, error))
        return FALSE;
    *grant = read;
    return TRUE;
}

static json_t *
grant_object(const Grant *grant)
{
    json_t *object = json_object();
    char until[TIME_TEXT_SIZE];

    text_write(object, "grantee", grant->grantee);
    text_write(object, "name", grant->name);
    text_write(object, "until", time_format(grant->until, until));
    return object;
}

GBytes *
grant_format(const Grant *grant, GError **error)
{
    g_autoptr(json_t) object = grant_object(grant);
    Grant again;

    if (!read_grant(&again, object, error))
        return NULL;
    return canonical_format(object, error);
}

GBytes *
grant_format_body(const Grant *grant, GError **error)
{
    g_autoptr(json_t) object = grant_object(grant);
    Grant again;

    text_write(object, "type", GRANT);
    text_write(object, "node", grant->owner);
    if (!read_grant(&again, object, error) || !read_node(object, "node", again.owner, error))
        return NULL;
    return canonical_format(object, error);
}

/* S12 */
gboolean
revocation_parse(const Record *record, Digest *of, GError **error)
{
    static const char *const known[] = { "type", "node", "seq", "prev", "time", "of", NULL };
    g_autoptr(json_t) object = parse_record(record, REVOCATION, known, error);

    return object && member_digest(object, REVOCATION, "of", of, error);
}

GBytes *
revocation_format(const Digest *of, GError **error)
{
    g_autoptr(json_t) object = json_object();

    write_digest(object, "of", of);
    return canonical_format(object, error);
}
