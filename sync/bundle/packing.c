#include "sync/bundle/packing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/bag.h"

#define TAR_SUFFIX ".tar"
#define ZSTD_SUFFIX ".tar.zst"
#define TOP_MAX 60
#define TAGS_ROOM (8 * TAR_END_SIZE)   /* what a volume holds beside its payload and its manifest */
#define COMMON_PART 2                  /* at most one of so many parts of a volume is common */

/* A file of the spool. */
typedef struct {
    char *path;
    guint64 offset, size;
} Common;

/* A volume, under its temporary name. */
typedef struct {
    char *path, *temporary, *top;
    TarWriter *tar;
    int fd;
    guint number;
    GString *manifest;
    GString *contents;          /* sealed: "NUMBER PATH" lines */
    guint64 files, payload;     /* of the payload: how many, bytes */
    guint64 size;               /* that it will have without compression, but for tag files */
} Open;

struct Packing {
    char *path, *stem;
    const char *suffix;
    guint64 volume_max;
    char *info;
    const Sealing *sealing;
    char *group;
    int spool;
    guint64 spooled;
    DigestStream *spool_digest;
    GArray *common;             /* of Common */
    Open *open;                 /* NULL: none was begun */
    GPtrArray *done;            /* of char*: pairs of temporary and final name */
    guint64 bytes;
    gboolean finished;
};

static void
common_clear(gpointer common)
{
    g_free(((Common *)common)->path);
}

static gboolean
make_spool(Packing *packing, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(packing->path);

    packing->spool = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    /* a file system that has no nameless files */
    if (packing->spool < 0) {
        g_autofree char *name = g_strdup_printf("%s/.chama-bundle-XXXXXX", folder);

        packing->spool = mkostemp(name, O_CLOEXEC);
        if (packing->spool >= 0)
            unlink(name);
    }
    return packing->spool >= 0 || chama_error_errno(error, errno, "%s: cannot write into this folder", folder);
}

static gboolean
check_name(const char *path, const char **suffix, GError **error)
{
    *suffix = g_str_has_suffix(path, ZSTD_SUFFIX) ? ZSTD_SUFFIX : TAR_SUFFIX;
    if (!g_str_has_suffix(path, *suffix))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want a name that ends in " TAR_SUFFIX " or " ZSTD_SUFFIX, path);
    return TRUE;
}

Packing *
packing_new(const char *path, const PackingOptions *options, GError **error)
{
    g_autoptr(Packing) packing = NULL;
    const char *suffix;

    if (!check_name(path, &suffix, error))
        return NULL;
    if (access(path, F_OK) == 0)
        return chama_error_null(error, CHAMA_ERROR_EXISTS, "%s: is there already: name another file, or take it away", path);
    packing = g_new0(Packing, 1);
    packing->path = g_strdup(path);
    packing->suffix = suffix;
    packing->stem = g_strndup(path, strlen(path) - strlen(suffix));
    packing->volume_max = options->volume_max;
    packing->info = g_strdup(options->info);
    packing->sealing = options->sealing;
    packing->common = g_array_new(FALSE, FALSE, sizeof(Common));
    g_array_set_clear_func(packing->common, common_clear);
    packing->done = g_ptr_array_new_with_free_func(g_free);
    packing->spool_digest = digest_stream_new();
    packing->spool = -1;
    return make_spool(packing, error) ? g_steal_pointer(&packing) : NULL;
}

static void
open_free(Open *volume)
{
    g_clear_pointer(&volume->tar, tar_writer_free);
    if (volume->fd >= 0)
        close(volume->fd);
    g_free(volume->path);
    g_free(volume->temporary);
    g_free(volume->top);
    g_string_free(volume->manifest, TRUE);
    g_string_free(volume->contents, TRUE);
    g_free(volume);
}

void
packing_free(Packing *packing)
{
    if (!packing)
        return;
    if (packing->open)
        unlink(packing->open->temporary);
    for (guint i = 0; i < packing->done->len && !packing->finished; i += 2)
        unlink(packing->done->pdata[i]);
    g_clear_pointer(&packing->open, open_free);
    if (packing->spool >= 0)
        close(packing->spool);
    g_clear_pointer(&packing->spool_digest, digest_stream_free);
    g_ptr_array_unref(packing->done);
    g_array_unref(packing->common);
    g_free(packing->group);
    g_free(packing->info);
    g_free(packing->stem);
    g_free(packing->path);
    g_free(packing);
}

const char *
packing_group(const Packing *packing)
{
    return packing->group;
}

static gboolean
write_spool(Packing *packing, GBytes *bytes, GError **error)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);

    for (gsize done = 0; done < size;) {
        ssize_t count = pwrite(packing->spool, data + done, size - done, (off_t)(packing->spooled + done));

        if (count < 0 && errno != EINTR)
            return chama_error_errno(error, errno, "%s: cannot write", packing->path);
        done += count > 0 ? (gsize)count : 0;
    }
    return TRUE;
}

static gboolean
check_common(const Packing *packing, guint64 size, GError **error)
{
    if (packing->volume_max == 0 || packing->spooled + size <= packing->volume_max / COMMON_PART)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_LIMIT,
                       "--volumes: B13: want volumes of which half holds the ledgers and listings, %" G_GUINT64_FORMAT " bytes and more, have volumes of %" G_GUINT64_FORMAT,
                       packing->spooled + size, packing->volume_max);
}

gboolean
packing_add_common(Packing *packing, const char *path, GBytes *bytes, GError **error)
{
    Common common = { g_strdup(path), packing->spooled, g_bytes_get_size(bytes) };
    Digest digest;

    g_array_append_val(packing->common, common);
    if (!check_common(packing, common.size, error) || !write_spool(packing, bytes, error))
        return FALSE;
    digest_of_bytes(bytes, &digest);
    digest_stream_update(packing->spool_digest, path, strlen(path) + 1);
    digest_stream_update(packing->spool_digest, &digest, sizeof digest);
    packing->spooled += common.size;
    return TRUE;
}

static GBytes *
read_spool(Packing *packing, const Common *common, GError **error)
{
    g_autofree guint8 *bytes = g_malloc(common->size + 1);

    for (guint64 done = 0; done < common->size;) {
        ssize_t count = pread(packing->spool, bytes + done, common->size - done, (off_t)(common->offset + done));

        if (count == 0 || (count < 0 && errno != EINTR))
            return chama_error_errno(error, count ? errno : EIO, "%s: cannot read what was put aside", packing->path), NULL;
        done += count > 0 ? (guint64)count : 0;
    }
    return g_bytes_new_take(g_steal_pointer(&bytes), common->size);
}

/* The bag's folder is called as its file is, so that several can be unpacked beside each other. */
static char *
top_of(const char *path, const char *suffix)
{
    g_autofree char *name = g_path_get_basename(path);
    g_autoptr(GString) top = g_string_new(NULL);

    name[strlen(name) - strlen(suffix)] = '\0';
    for (const char *at = name; *at && top->len < TOP_MAX; at++)
        g_string_append_c(top, g_ascii_isalnum(*at) || (*at == '.' && top->len > 0) || *at == '-' || *at == '_' ? *at : '_');
    return g_string_free(g_steal_pointer(&top), FALSE);
}

static char *
volume_file(const Packing *packing, guint number)
{
    return packing->volume_max > 0 ? g_strdup_printf("%s.%03u%s", packing->stem, number, packing->suffix) : g_strdup(packing->path);
}

static gboolean
create_temporary(Open *volume, gboolean zstd, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(volume->path), *name = g_path_get_basename(volume->path);

    if (access(volume->path, F_OK) == 0)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: is there already: name another file, or take it away", volume->path);
    volume->temporary = g_strdup_printf("%s/.%s.XXXXXX", folder, name);
    volume->fd = mkostemp(volume->temporary, O_CLOEXEC);
    if (volume->fd < 0)
        return chama_error_errno(error, errno, "%s: cannot write", volume->path);
    volume->tar = tar_writer_new(volume->fd, volume->path, zstd, error);
    return volume->tar != NULL;
}

static gboolean
put_in_tar(Packing *packing, const char *path, GBytes *bytes, GError **error)
{
    Open *volume = packing->open;
    g_autofree char *whole = g_strconcat(volume->top, "/", path, NULL);

    volume->size += tar_file_size(g_bytes_get_size(bytes));
    return tar_writer_add(volume->tar, whole, bytes, error);
}

static gboolean
put_payload(Packing *packing, const char *path, GBytes *bytes, GError **error)
{
    Open *volume = packing->open;
    g_autofree char *name = g_strconcat(BAG_PAYLOAD, path, NULL);
    Digest digest;

    digest_of_bytes(bytes, &digest);
    volume->files++;
    volume->payload += g_bytes_get_size(bytes);
    return bag_line_append(volume->manifest, &digest, name, error) && put_in_tar(packing, name, bytes, error);
}

/* B20: a sealed file has a number for a name. */
static gboolean
put(Packing *packing, const char *path, GBytes *bytes, GError **error)
{
    g_autoptr(GBytes) closed = NULL;
    g_autofree char *name = NULL;

    if (!packing->sealing || strcmp(path, SEALING_KEY_FILE) == 0)
        return put_payload(packing, path, bytes, error);
    name = g_strdup_printf("%03u-%08" G_GUINT64_FORMAT, packing->open->number, packing->open->files);
    g_string_append_printf(packing->open->contents, "%s %s\n", name, path);
    closed = sealing_close(packing->sealing, name, bytes);
    return put_payload(packing, name, closed, error);
}

static gboolean
put_common(Packing *packing, GError **error)
{
    for (guint i = 0; i < packing->common->len; i++) {
        const Common *common = &g_array_index(packing->common, Common, i);
        g_autoptr(GBytes) bytes = read_spool(packing, common, error);

        if (!bytes || !put(packing, common->path, bytes, error))
            return FALSE;
    }
    return TRUE;
}

static void
name_group(Packing *packing)
{
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    if (packing->group)
        return;
    digest_stream_finish(g_steal_pointer(&packing->spool_digest), &digest);
    packing->group = packing->sealing ? sealing_group(packing->sealing) : g_strndup(digest_format_hex(&digest, hex), VOLUME_GROUP_LENGTH);
}

static gboolean
begin_volume(Packing *packing, GError **error)
{
    Open *volume = packing->open = g_new0(Open, 1);

    name_group(packing);
    volume->fd = -1;
    volume->number = packing->done->len / 2 + 1;
    volume->path = volume_file(packing, volume->number);
    volume->top = top_of(volume->path, packing->suffix);
    volume->manifest = g_string_new(NULL);
    volume->contents = g_string_new(NULL);
    if (create_temporary(volume, strcmp(packing->suffix, ZSTD_SUFFIX) == 0, error))
        return put_common(packing, error);
    g_clear_pointer(&packing->open, open_free);
    return FALSE;
}

static GBytes *
text_bytes(GString *text)
{
    return g_bytes_new(text->str, text->len);
}

static gboolean
put_tag(Packing *packing, GString *tags, const char *name, GBytes *bytes, GError **error)
{
    Digest digest;

    digest_of_bytes(bytes, &digest);
    return bag_line_append(tags, &digest, name, error) && put_in_tar(packing, name, bytes, error);
}

static GBytes *
make_info(const Packing *packing, gboolean last)
{
    const Open *volume = packing->open;
    g_autoptr(GString) text = g_string_new(packing->info);
    g_autofree char *oxum = g_strdup_printf("%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT, volume->payload, volume->files);
    g_autofree char *count = last ? g_strdup_printf("%u of %u", volume->number, volume->number) : g_strdup_printf("%u of ?", volume->number);

    bag_info_append(text, VOLUME_LABEL_OXUM, oxum);
    bag_info_append(text, VOLUME_LABEL_GROUP, packing->group);
    bag_info_append(text, VOLUME_LABEL_COUNT, count);
    return text_bytes(text);
}

static gboolean
put_tags(Packing *packing, gboolean last, GError **error)
{
    g_autoptr(GString) tags = g_string_new(NULL);
    g_autoptr(GBytes) declaration = g_bytes_new_static(BAG_DECLARATION, strlen(BAG_DECLARATION));
    g_autoptr(GBytes) info = make_info(packing, last), manifest = NULL, all = NULL;

    manifest = text_bytes(packing->open->manifest);
    if (!put_tag(packing, tags, BAG_INFO_NAME, info, error) || !put_tag(packing, tags, BAG_DECLARATION_NAME, declaration, error) ||
        !put_tag(packing, tags, BAG_MANIFEST_NAME, manifest, error))
        return FALSE;
    all = text_bytes(tags);
    return put_in_tar(packing, BAG_TAG_MANIFEST_NAME, all, error);
}

static gboolean
put_contents(Packing *packing, GError **error)
{
    g_autoptr(GBytes) contents = text_bytes(packing->open->contents), closed = NULL;
    g_autofree char *name = NULL;

    if (!packing->sealing)
        return TRUE;
    /* B20: the number keeps one volume's contents from being taken for another's */
    name = g_strdup_printf(SEALING_CONTENTS_FILE "-%03u", packing->open->number);
    closed = sealing_close(packing->sealing, name, contents);
    return put_payload(packing, name, closed, error);
}

static gboolean
end_volume(Packing *packing, gboolean last, GError **error)
{
    Open *volume = packing->open;
    off_t size;

    if (!put_contents(packing, error) || !put_tags(packing, last, error) || !tar_writer_finish(volume->tar, error) ||
        !durable_fsync(volume->fd, volume->path, error))
        return FALSE;
    size = lseek(volume->fd, 0, SEEK_END);
    packing->bytes += size > 0 ? (guint64)size : 0;
    g_ptr_array_add(packing->done, g_steal_pointer(&volume->temporary));
    g_ptr_array_add(packing->done, g_strdup(volume->path));
    g_clear_pointer(&packing->open, open_free);
    return TRUE;
}

/* What the volume will take with a file of @size bytes more. */
static guint64
size_with(const Packing *packing, const char *path, guint64 size)
{
    const Open *volume = packing->open;

    return volume->size + tar_file_size(size + 64) + volume->manifest->len + 2 * volume->contents->len + 2 * strlen(path) + 256 + TAGS_ROOM;
}

gboolean
packing_add(Packing *packing, const char *path, GBytes *bytes, GError **error)
{
    guint64 fresh;

    if (!packing->open && !begin_volume(packing, error))
        return FALSE;
    fresh = packing->common->len;
    if (packing->volume_max > 0 && packing->open->files > fresh && size_with(packing, path, g_bytes_get_size(bytes)) > packing->volume_max &&
        (!end_volume(packing, FALSE, error) || !begin_volume(packing, error)))
        return FALSE;
    return put(packing, path, bytes, error);
}

static gboolean
show_all(Packing *packing, GPtrArray *files, GError **error)
{
    for (guint i = 0; i < packing->done->len; i += 2) {
        if (!durable_rename(packing->done->pdata[i], packing->done->pdata[i + 1], error))
            return FALSE;
        g_ptr_array_add(files, g_strdup(packing->done->pdata[i + 1]));
    }
    return TRUE;
}

gboolean
packing_finish(Packing *packing, GPtrArray **files, guint64 *bytes, GError **error)
{
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);

    if ((!packing->open && !begin_volume(packing, error)) || !end_volume(packing, TRUE, error) || !show_all(packing, made, error))
        return FALSE;
    packing->finished = TRUE;
    *files = g_steal_pointer(&made);
    *bytes = packing->bytes;
    return TRUE;
}
