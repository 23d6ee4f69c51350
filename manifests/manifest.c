#include "manifests/manifest.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/provenance.h"
#include "manifests/text.h"

#define WHAT "manifest/1"
#define INTEGER_MAX ((G_GINT64_CONSTANT(1) << 53) - 1)

/* M1: the members of a manifest record, with those that all records have. */
static const char *const known_members[] = { "type",   "node",    "seq",    "prev",     "time",    "name",  "version", "previous", "title", "message", "level",
                                             "share",  "files",   "bytes",  "listing",  "details", "labels", "inputs",  "activity", "evidence", "content", NULL };
/* M11: what a version that is not open would give away. */
static const char *const open_members[] = { "listing", "details", "labels", "inputs", "activity", "evidence", NULL };

static const char *const shares[] = { [SHARE_OPEN] = "open", [SHARE_CONDITIONAL] = "conditional", [SHARE_NONE] = "none" };

const char *
share_format(Share share)
{
    return shares[share];
}

gboolean
share_parse(const char *text, Share *share, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(shares); i++)
        if (strcmp(text, shares[i]) == 0) {
            *share = i;
            return TRUE;
        }
    return chama_error(error, CHAMA_ERROR_MALFORMED, "share: M8: want open, conditional or none, have %s", text_shows(text, FALSE) && *text ? text : "another word");
}

gboolean
dataset_name_valid(const char *name)
{
    gsize size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");

    return size > 0 && size <= DATASET_NAME_MAX && name[size] == '\0' && g_ascii_isalnum(name[0]);
}

gboolean
dataset_parse(const char *text, char node[NODE_ID_SIZE], char name[DATASET_NAME_MAX + 1])
{
    char id[NODE_ID_SIZE];

    if (strlen(text) <= NODE_ID_LENGTH + 1 || text[NODE_ID_LENGTH] != '/')
        return FALSE;
    g_strlcpy(id, text, sizeof id);
    text += NODE_ID_LENGTH + 1;
    if (!node_id_valid(id) || !dataset_name_valid(text))
        return FALSE;
    g_strlcpy(node, id, NODE_ID_SIZE);
    g_strlcpy(name, text, DATASET_NAME_MAX + 1);
    return TRUE;
}

gboolean
dataset_name_check(const char *name, GError **error)
{
    if (dataset_name_valid(name))
        return TRUE;
    return chama_error(error, CHAMA_ERROR_USAGE, "dataset name: M2: want at most %d of a-z 0-9 . _ - beginning with a letter or digit, have %s",
                       DATASET_NAME_MAX, *name == 0 ? "an empty one" : text_shows(name, FALSE) ? name : "something else");
}

guint64
round_up_to_power_of_two(guint64 value)
{
    guint64 power = 1;

    while (power < value && power < G_GUINT64_CONSTANT(1) << 63)
        power <<= 1;
    return value == 0 ? 0 : power;
}

Manifest *
manifest_new(void)
{
    Manifest *m = g_new0(Manifest, 1);

    m->labels = provenance_labels_new();
    m->inputs = provenance_inputs_new();
    m->evidence = provenance_labels_new();
    return m;
}

void
manifest_free(Manifest *m)
{
    if (!m)
        return;
    g_free(m->title_zh);
    g_free(m->title_en);
    g_free(m->message);
    g_free(m->level);
    g_free(m->activity);
    g_ptr_array_unref(m->labels);
    g_ptr_array_unref(m->inputs);
    g_ptr_array_unref(m->evidence);
    g_free(m);
}

static Provenance
provenance_of(Manifest *m)
{
    return (Provenance){ .labels = m->labels, .inputs = m->inputs, .evidence = m->evidence, .activity = &m->activity };
}

static gboolean
read_name(Manifest *m, const json_t *object, GError **error)
{
    const char *name;

    if (!member_string(object, WHAT, "name", DATASET_NAME_MAX, &name, error))
        return FALSE;
    if (!dataset_name_valid(name))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M2: want a name of a-z 0-9 . _ - beginning with a letter or digit, have another", WHAT);
    g_strlcpy(m->name, name, sizeof m->name);
    return TRUE;
}

static gboolean
read_version(Manifest *m, const json_t *object, GError **error)
{
    gint64 version;

    if (!member_integer(object, WHAT, "version", 1, INTEGER_MAX, &version, error))
        return FALSE;
    m->version = version;
    m->has_previous = member_has(object, "previous");
    if (m->has_previous != (version > 1))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M3: want previous in every version but the first, have it %s in version %" G_GINT64_FORMAT,
                           WHAT, m->has_previous ? "present" : "absent", version);
    return !m->has_previous || member_digest(object, WHAT, "previous", &m->previous, error);
}

static gboolean
read_words(Manifest *m, const json_t *object, GError **error)
{
    return (!member_has(object, "title") || text_read_names(object, WHAT, "M4", "title", TITLE_MAX, &m->title_zh, &m->title_en, error)) &&
           (!member_has(object, "message") || text_read_lines(object, WHAT, "M5", "message", MESSAGE_MAX, &m->message, error)) &&
           text_read_optional(object, WHAT, "M7", "level", LEVEL_MAX, &m->level, error);
}

/* M9: an exact size of what may not be read says too much about it. */
static gboolean
read_size(Manifest *m, const json_t *object, const char *name, guint64 *value, GError **error)
{
    gint64 read;

    if (!member_integer(object, WHAT, name, 0, INTEGER_MAX, &read, error))
        return FALSE;
    if (m->share != SHARE_OPEN && round_up_to_power_of_two(read) != (guint64)read)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M9: want %s of a version that is not open to be 0 or a power of two, have %" G_GINT64_FORMAT,
                           WHAT, name, read);
    *value = read;
    return TRUE;
}

static gboolean
read_rights(Manifest *m, const json_t *object, GError **error)
{
    const char *share;

    return member_string(object, WHAT, "share", LEVEL_MAX, &share, error) && share_parse(share, &m->share, error) &&
           read_size(m, object, "files", &m->files, error) && read_size(m, object, "bytes", &m->bytes, error);
}

static gboolean
read_open_content(Manifest *m, const json_t *object, GError **error)
{
    const Provenance provenance = provenance_of(m);

    if (member_has(object, "content"))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M10: want listing and details in an open version, have content", WHAT);
    return member_digest(object, WHAT, "listing", &m->listing, error) && member_digest(object, WHAT, "details", &m->details, error) &&
           provenance_read(object, WHAT, INPUTS_MAX, &provenance, error);
}

static gboolean
read_content(Manifest *m, const json_t *object, GError **error)
{
    if (m->share == SHARE_OPEN)
        return read_open_content(m, object, error);
    for (guint i = 0; open_members[i]; i++)
        if (member_has(object, open_members[i]))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: M11: want only content in a version that is not open, have %s", WHAT, open_members[i]);
    return member_digest(object, WHAT, "content", &m->content, error);
}

static gboolean
read_members(Manifest *m, const json_t *object, GError **error)
{
    return member_only(object, WHAT, known_members, error) && read_name(m, object, error) && read_version(m, object, error) &&
           read_words(m, object, error) && read_rights(m, object, error) && read_content(m, object, error);
}

Manifest *
manifest_parse(const Record *record, GError **error)
{
    g_autoptr(Manifest) m = manifest_new();
    g_autoptr(json_t) object = NULL;

    if (strcmp(record->type, WHAT) != 0)
        return chama_error_null(error, CHAMA_ERROR_UNSUPPORTED, "%s: M1: want a record of this type, have %s", WHAT, record->type);
    object = canonical_parse(g_bytes_get_data(record->bytes, NULL), g_bytes_get_size(record->bytes), RECORD_SIZE_MAX, WHAT, error);
    if (!object || !read_members(m, object, error))
        return NULL;
    m->address = record->address;
    g_strlcpy(m->node, record->node, sizeof m->node);
    m->seq = record->seq;
    m->time = record->time;
    return g_steal_pointer(&m);
}

static void
write_digest(json_t *object, const char *name, const Digest *digest)
{
    char text[DIGEST_TEXT_SIZE];

    text_write(object, name, digest_format(digest, text));
}

static void
write_head(const Manifest *m, json_t *object)
{
    text_write(object, "name", m->name);
    json_object_set_new(object, "version", json_integer(m->version));
    if (m->has_previous)
        write_digest(object, "previous", &m->previous);
    text_write_names(object, "title", m->title_zh, m->title_en);
    text_write(object, "message", m->message);
    text_write(object, "level", m->level);
    text_write(object, "share", share_format(m->share));
    json_object_set_new(object, "files", json_integer(m->files));
    json_object_set_new(object, "bytes", json_integer(m->bytes));
}

/* M11: provenance is written whatever the sharing is, so that a caller who puts it where it does not belong is refused, not obeyed. */
static gboolean
write_content(const Manifest *m, json_t *object, GError **error)
{
    const Provenance provenance = provenance_of((Manifest *)m);

    if (m->share == SHARE_OPEN) {
        write_digest(object, "listing", &m->listing);
        write_digest(object, "details", &m->details);
    } else {
        write_digest(object, "content", &m->content);
    }
    return provenance_write(object, WHAT, &provenance, error);
}

GBytes *
manifest_format(const Manifest *m, GError **error)
{
    g_autoptr(json_t) object = json_object();
    g_autoptr(Manifest) again = manifest_new();

    write_head(m, object);
    if (!write_content(m, object, error) || !read_members(again, object, error))
        return NULL;
    return canonical_format(object, error);
}
