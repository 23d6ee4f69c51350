#include "manifests/export/bagging.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/bag.h"
#include "manifests/checkout.h"

/* The lines of the payload's manifest: made twice, for their number and digest must be known before they can be written. */
typedef struct {
    ArchiveWriter *writer;     /* NULL: they are counted */
    GString *line;
    DigestStream *stream;
    guint64 size;              /* of the lines */
    guint64 files, bytes;      /* that they speak of */
} Lines;

typedef struct {
    ArchiveWriter *writer;
    const char *top;
    GString *sums;             /* of the tag manifest */
} Bagging;

char *
bagging_top(const Manifest *manifest)
{
    return g_strdup_printf("%s-%" G_GUINT64_FORMAT "/", manifest->name, manifest->version);
}

char *
bagging_payload(const Manifest *manifest)
{
    g_autofree char *top = bagging_top(manifest);

    return g_strconcat(top, BAG_PAYLOAD, NULL);
}

static gboolean
refuse_link(const char *path, GError **error)
{
    g_autofree char *shown = path_display(path);

    return chama_error(error, CHAMA_ERROR_USAGE, "%s: EX10: want files only, which a bag can hold, have a link; `--format tar` and zip hold it, or choose files with --only", shown);
}

static gboolean
add_line(Lines *lines, const Item *item, GError **error)
{
    g_autofree char *path = g_strconcat(BAG_PAYLOAD, item->path, NULL);

    if (item->kind == ITEM_LINK)
        return refuse_link(item->path, error);
    if (item->kind != ITEM_FILE && item->kind != ITEM_EXECUTABLE)
        return TRUE;
    g_string_truncate(lines->line, 0);
    if (!bag_line_append(lines->line, &item->digest, path, error))
        return FALSE;
    lines->files++;
    lines->bytes += item->size;
    lines->size += lines->line->len;
    if (lines->writer)
        return archive_writer_bytes(lines->writer, lines->line->str, lines->line->len, error);
    digest_stream_update(lines->stream, lines->line->str, lines->line->len);
    return TRUE;
}

static gboolean
go_through(Lines *lines, Store *store, const Digest *root, const Patterns *only, Progress *progress, GError **error)
{
    g_autoptr(ListingCursor) cursor = listing_cursor_new(root, store_listing_get, store, error);
    GError *failed = NULL;
    const Item *item;

    if (!cursor)
        return FALSE;
    while (listing_cursor_next(cursor, &item, NULL, NULL, &failed)) {
        if (progress_cancelled(progress))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
        if ((!only || patterns_match_deep(only, item->path, item->kind == ITEM_FOLDER, NULL)) && !add_line(lines, item, error))
            return FALSE;
    }
    if (failed)
        g_propagate_error(error, failed);
    return !failed;
}

static gboolean
write_tag(Bagging *bagging, const char *name, const void *bytes, gsize size, GError **error)
{
    g_autofree char *path = g_strconcat(bagging->top, name, NULL);
    Digest digest;

    digest_of(bytes, size, &digest);
    return bag_line_append(bagging->sums, &digest, name, error) && archive_writer_file(bagging->writer, path, size, FALSE, error) &&
           archive_writer_bytes(bagging->writer, bytes, size, error);
}

/* Only what stays so: what a publisher calls itself today, and what is proven of the version today, is not of the version. */
static GString *
bag_info(const Digest *root, const ExportOptions *options, const Lines *lines)
{
    const Manifest *m = options->manifest;
    g_autofree char *identifier = g_strdup_printf("%s/%s@%" G_GUINT64_FORMAT, m->node, m->name, m->version);
    g_autofree char *oxum = g_strdup_printf("%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT, lines->bytes, lines->files);
    GString *text = g_string_new(NULL);
    char time[TIME_TEXT_SIZE], digest[DIGEST_TEXT_SIZE];

    bag_info_append(text, "External-Identifier", identifier);
    bag_info_append(text, "External-Description", m->title_zh);
    bag_info_append(text, "External-Description", m->title_en);
    bag_info_append(text, "Internal-Sender-Description", m->message);
    time_format(m->time, time)[strlen("2026-01-01")] = 0;
    bag_info_append(text, "Bagging-Date", time);
    bag_info_append(text, "Payload-Oxum", oxum);
    bag_info_append(text, "Chama-Record", digest_format(&m->address, digest));
    bag_info_append(text, "Chama-Listing", digest_format(root, digest));
    for (char **only = options->only; only && *only; only++) {
        g_autofree char *glob = g_utf8_make_valid(*only, -1);

        bag_info_append(text, "Chama-Only", glob);
    }
    return text;
}

static gboolean
write_manifest(Bagging *bagging, Lines *lines, Store *store, const Digest *root, const Patterns *only, Progress *progress, GError **error)
{
    g_autofree char *path = g_strconcat(bagging->top, BAG_MANIFEST_NAME, NULL);
    guint64 size = lines->size;
    Digest digest;

    digest_stream_reset(lines->stream, &digest);
    lines->writer = bagging->writer;
    return bag_line_append(bagging->sums, &digest, BAG_MANIFEST_NAME, error) && archive_writer_file(bagging->writer, path, size, FALSE, error) &&
           go_through(lines, store, root, only, progress, error);
}

static gboolean
write_sums(const Bagging *bagging, GError **error)
{
    g_autofree char *path = g_strconcat(bagging->top, BAG_TAG_MANIFEST_NAME, NULL);

    return archive_writer_file(bagging->writer, path, bagging->sums->len, FALSE, error) &&
           archive_writer_bytes(bagging->writer, bagging->sums->str, bagging->sums->len, error);
}

static gboolean
write_texts(Bagging *bagging, Lines *lines, Store *store, const Digest *root, const Patterns *only, const ExportOptions *options, GError **error)
{
    g_autoptr(GString) info = bag_info(root, options, lines);
    gsize size;

    if (!write_tag(bagging, BAG_DECLARATION_NAME, BAG_DECLARATION, strlen(BAG_DECLARATION), error) ||
        !write_tag(bagging, BAG_INFO_NAME, info->str, info->len, error))
        return FALSE;
    for (const ExportTag *tag = options->tags; tag && tag->name; tag++) {
        const void *bytes = g_bytes_get_data(tag->bytes, &size);

        if (!write_tag(bagging, tag->name, bytes, size, error))
            return FALSE;
    }
    return write_manifest(bagging, lines, store, root, only, options->progress, error) && write_sums(bagging, error);
}

gboolean
bagging_write(ArchiveWriter *writer, Store *store, const Digest *root, const Patterns *only, const ExportOptions *options, GError **error)
{
    g_autofree char *top = bagging_top(options->manifest), *payload = bagging_payload(options->manifest);
    g_autoptr(GString) sums = g_string_new(NULL), line = g_string_new(NULL);
    g_autoptr(DigestStream) stream = digest_stream_new();
    Bagging bagging = { writer, top, sums };
    Lines lines = { .line = line, .stream = stream };

    payload[strlen(payload) - 1] = 0;
    /* EX7: the folder of the content is there also of a version without a file. */
    return go_through(&lines, store, root, only, options->progress, error) &&
           write_texts(&bagging, &lines, store, root, only, options, error) && archive_writer_folder(writer, payload, error);
}
