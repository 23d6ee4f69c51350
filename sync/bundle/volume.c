#include "sync/bundle/volume.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/bag.h"
#include "sync/decimal.h"

#define TAG_FILES 4
#define COUNT_MAX 100000

typedef struct {
    const TarFile *file;
    Digest digest;              /* as the manifest says */
    gboolean named;
} Payload;

struct Volume {
    Tar *tar;
    char *name;
    VolumeInfo info;
    gsize top;                  /* bytes of each path before its part in the bag: "NAME/" */
    GArray *payload;            /* of Payload */
    GHashTable *by_path;        /* below data/ -> index + 1 */
    const TarFile *tags[TAG_FILES];
};

static const char *const tag_names[TAG_FILES] = { BAG_DECLARATION_NAME, BAG_INFO_NAME, BAG_MANIFEST_NAME, BAG_TAG_MANIFEST_NAME };
enum { DECLARATION, INFO, MANIFEST, TAG_MANIFEST };

static const char *
path_in_bag(const Volume *volume, const TarFile *file)
{
    return file->path + volume->top;
}

/* B7 */
static gboolean
place_file(Volume *volume, const TarFile *file, GError **error)
{
    const char *path = path_in_bag(volume, file);
    const Payload payload = { .file = file };

    for (guint i = 0; i < TAG_FILES; i++) {
        if (strcmp(path, tag_names[i]) == 0) {
            volume->tags[i] = file;
            return TRUE;
        }
    }
    if (!g_str_has_prefix(path, BAG_PAYLOAD))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: B7: want a tag file of a bag or a file below data/", volume->name, path);
    g_array_append_val(volume->payload, payload);
    g_hash_table_insert(volume->by_path, (gpointer)(path + strlen(BAG_PAYLOAD)), GUINT_TO_POINTER(volume->payload->len));
    return TRUE;
}

static gboolean
place_files(Volume *volume, GError **error)
{
    const GArray *files = tar_files(volume->tar);
    const char *first = g_array_index(files, TarFile, 0).path, *slash = strchr(first, '/');

    volume->top = slash ? (gsize)(slash - first) + 1 : 0;
    for (guint i = 0; i < files->len; i++) {
        const TarFile *file = &g_array_index(files, TarFile, i);

        if (volume->top == 0 || strncmp(file->path, first, volume->top) != 0)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B7: want one folder with a bag in it, have more", volume->name);
        if (!place_file(volume, file, error))
            return FALSE;
    }
    for (guint i = 0; i < TAG_FILES; i++) {
        if (!volume->tags[i])
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B7: want %s in it, have none", volume->name, tag_names[i]);
    }
    return TRUE;
}

typedef gboolean (*LineTaken)(Volume *volume, const Digest *digest, const char *path, GError **error);

static gboolean
read_lines(Volume *volume, guint tag, LineTaken take, GError **error)
{
    g_autoptr(GBytes) bytes = tar_read(volume->tar, volume->tags[tag], error);
    gsize size;
    const char *line = bytes ? g_bytes_get_data(bytes, &size) : NULL, *end = line ? line + size : NULL, *feed;

    if (!bytes)
        return FALSE;
    for (; line < end; line = feed + 1) {
        g_autofree char *path = NULL;
        Digest digest;

        feed = memchr(line, '\n', (gsize)(end - line));
        if (!feed)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: EX8: want lines, have an end without a line feed", volume->name, tag_names[tag]);
        if (!bag_line_parse(line, (gsize)(feed - line), &digest, &path, error)) {
            g_prefix_error(error, "%s: %s: ", volume->name, tag_names[tag]);
            return FALSE;
        }
        if (!take(volume, &digest, path, error))
            return FALSE;
    }
    return TRUE;
}

/* B8 */
static gboolean
check_tag(Volume *volume, const Digest *digest, const char *path, GError **error)
{
    for (guint i = 0; i < TAG_MANIFEST; i++) {
        g_autoptr(GBytes) bytes = NULL;
        Digest have;

        if (strcmp(path, tag_names[i]) != 0)
            continue;
        bytes = tar_read(volume->tar, volume->tags[i], error);
        if (!bytes)
            return FALSE;
        digest_of_bytes(bytes, &have);
        return digest_equal(&have, digest) ||
               chama_error(error, CHAMA_ERROR_VERIFY, "%s: B8: %s is not what the tag manifest names: copy it again", volume->name, path);
    }
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B8: want tag files alone in the tag manifest, have another", volume->name);
}

/* B9 */
static gboolean
name_payload(Volume *volume, const Digest *digest, const char *path, GError **error)
{
    guint found = g_str_has_prefix(path, BAG_PAYLOAD) ? GPOINTER_TO_UINT(g_hash_table_lookup(volume->by_path, path + strlen(BAG_PAYLOAD))) : 0;
    Payload *payload = found ? &g_array_index(volume->payload, Payload, found - 1) : NULL;

    if (!payload || payload->named)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B9: want each payload file once in the manifest and in the archive, but not %s", volume->name, path);
    payload->digest = *digest;
    payload->named = TRUE;
    return TRUE;
}

static gboolean
check_named(const Volume *volume, GError **error)
{
    for (guint i = 0; i < volume->payload->len; i++) {
        if (!g_array_index(volume->payload, Payload, i).named)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B9: want each payload file once in the manifest and in the archive, but not data/%s", volume->name,
                               volume_path(volume, i));
    }
    return TRUE;
}

static gboolean
wrong_info(const Volume *volume, const char *rule, const char *label, GError **error)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: want a %s as a bundle has it, have another", volume->name, rule, label);
}

/* NULL: there is none. */
static char *
info_get(GBytes *info, const char *label)
{
    return bag_info_get(g_bytes_get_data(info, NULL), g_bytes_get_size(info), label, NULL);
}

/* B12: "N of M" or "N of ?". */
static gboolean
parse_count(const char *text, VolumeInfo *info)
{
    g_auto(GStrv) words = g_strsplit(text, " ", 4);
    guint64 number, count = 0;

    if (g_strv_length(words) != 3 || strcmp(words[1], "of") != 0 || !decimal_parse(words[0], COUNT_MAX, &number) || number == 0)
        return FALSE;
    if (strcmp(words[2], "?") != 0 && (!decimal_parse(words[2], COUNT_MAX, &count) || count < number))
        return FALSE;
    info->number = (guint)number;
    info->count = (guint)count;
    return TRUE;
}

static gboolean
is_group(const char *text)
{
    gsize size = strspn(text, "0123456789abcdef");

    return size == VOLUME_GROUP_LENGTH && !text[size];
}

static gboolean
read_node(GBytes *bytes, const char *label, const char *prefix, char node[NODE_ID_SIZE])
{
    g_autofree char *text = info_get(bytes, label);

    if (!text)
        return TRUE;
    if (!g_str_has_prefix(text, prefix) || !node_id_valid(text + strlen(prefix)))
        return FALSE;
    g_strlcpy(node, text + strlen(prefix), NODE_ID_SIZE);
    return TRUE;
}

/* B10, B12 */
static gboolean
read_info(Volume *volume, GError **error)
{
    VolumeInfo *info = &volume->info;
    g_autoptr(GBytes) bytes = tar_read(volume->tar, volume->tags[INFO], error);
    g_autofree char *format = NULL, *group = NULL, *count = NULL, *date = NULL;

    if (!bytes)
        return FALSE;
    format = bag_info_get(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), VOLUME_LABEL_FORMAT, error);
    if (!format) {
        g_prefix_error(error, "%s: B10: no bundle: ", volume->name);
        return FALSE;
    }
    if (strcmp(format, VOLUME_FORMAT) != 0)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: B10: want format " VOLUME_FORMAT " of bundles, have another: a newer chama reads it", volume->name);
    group = info_get(bytes, VOLUME_LABEL_GROUP);
    count = info_get(bytes, VOLUME_LABEL_COUNT);
    date = info_get(bytes, VOLUME_LABEL_DATE);
    if (!group || !is_group(group))
        return wrong_info(volume, "B12", VOLUME_LABEL_GROUP, error);
    if (!count || !parse_count(count, info))
        return wrong_info(volume, "B12", VOLUME_LABEL_COUNT, error);
    if (!read_node(bytes, VOLUME_LABEL_WRITER, VOLUME_WRITER_PREFIX, info->writer))
        return wrong_info(volume, "B10", VOLUME_LABEL_WRITER, error);
    if (!read_node(bytes, VOLUME_LABEL_RECEIVER, "", info->receiver))
        return wrong_info(volume, "B10", VOLUME_LABEL_RECEIVER, error);
    g_strlcpy(info->group, group, sizeof info->group);
    if (date && strspn(date, "0123456789-") == strlen(date))
        g_strlcpy(info->date, date, sizeof info->date);
    return TRUE;
}

static gboolean
check_declaration(Volume *volume, GError **error)
{
    g_autoptr(GBytes) bytes = tar_read(volume->tar, volume->tags[DECLARATION], error);

    if (!bytes || bag_declaration_check(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error))
        return bytes != NULL;
    g_prefix_error(error, "%s: ", volume->name);
    return FALSE;
}

static void
add_up(Volume *volume)
{
    for (guint i = 0; i < volume->payload->len; i++)
        volume->info.payload += volume_size(volume, i);
}

Volume *
volume_open(const char *path, const char *spool, guint64 reserve, GError **error)
{
    Volume *volume = g_new0(Volume, 1);

    volume->name = g_path_get_basename(path);
    volume->payload = g_array_new(FALSE, FALSE, sizeof(Payload));
    volume->by_path = g_hash_table_new(g_str_hash, g_str_equal);
    volume->tar = tar_open(path, spool, reserve, error);
    if (volume->tar && place_files(volume, error) && check_declaration(volume, error) && read_lines(volume, TAG_MANIFEST, check_tag, error) &&
        read_info(volume, error) && read_lines(volume, MANIFEST, name_payload, error) && check_named(volume, error)) {
        add_up(volume);
        return volume;
    }
    volume_free(volume);
    return NULL;
}

void
volume_free(Volume *volume)
{
    g_clear_pointer(&volume->tar, tar_free);
    g_hash_table_unref(volume->by_path);
    g_array_unref(volume->payload);
    g_free(volume->name);
    g_free(volume);
}

const VolumeInfo *
volume_info(const Volume *volume)
{
    return &volume->info;
}

const char *
volume_name(const Volume *volume)
{
    return volume->name;
}

guint
volume_files(const Volume *volume)
{
    return volume->payload->len;
}

const char *
volume_path(const Volume *volume, guint index)
{
    return path_in_bag(volume, g_array_index(volume->payload, Payload, index).file) + strlen(BAG_PAYLOAD);
}

guint64
volume_size(const Volume *volume, guint index)
{
    return g_array_index(volume->payload, Payload, index).file->size;
}

gboolean
volume_find(const Volume *volume, const char *path, guint *index)
{
    guint found = GPOINTER_TO_UINT(g_hash_table_lookup(volume->by_path, path));

    *index = found - 1;
    return found > 0;
}

GBytes *
volume_read(Volume *volume, guint index, GError **error)
{
    const Payload *payload = &g_array_index(volume->payload, Payload, index);
    g_autoptr(GBytes) bytes = tar_read(volume->tar, payload->file, error);
    Digest have;

    if (!bytes)
        return NULL;
    digest_of_bytes(bytes, &have);
    if (!digest_equal(&have, &payload->digest))
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: B11: data/%s is not what the manifest names: copy it again", volume->name, volume_path(volume, index));
    return g_steal_pointer(&bytes);
}
