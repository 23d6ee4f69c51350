#include "manifests/export.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/export/archive_writer.h"
#include "manifests/export/bagging.h"
#include "manifests/export/feed.h"
#include "manifests/tree/beneath.h"

typedef struct {
    ExportOut out;
    gpointer out_data;
    ArchiveWriter *writer;
    GString *path;             /* its beginning, of @prefix bytes, is the folder of the content */
    gsize prefix;
    ExportResult *result;
} Export;

gboolean
export_format_parse(const char *word, ExportFormat *format, GError **error)
{
    static const char *const words[] = { "tar", "zip", "bagit" };

    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(word, words[i]) == 0) {
            *format = (ExportFormat)i;
            return TRUE;
        }
    }
    return chama_error(error, CHAMA_ERROR_USAGE, "--format: want tar, zip or bagit, have \"%s\"", word);
}

static gboolean
hand_on(gpointer data, const void *bytes, gsize size, GError **error)
{
    Export *export = data;

    export->result->size += size;
    return export->out(export->out_data, bytes, size, error);
}

static gboolean
begin(gpointer data, const Item *item, GError **error)
{
    Export *export = data;
    const char *path = item->path;

    if (export->prefix > 0) {
        g_string_truncate(export->path, export->prefix);
        path = g_string_append(export->path, item->path)->str;
    }
    switch (item->kind) {
    case ITEM_LINK:
        export->result->links++;
        return link_check(item->path, item->target, error) && archive_writer_link(export->writer, path, item->target, error);
    case ITEM_FOLDER:
        export->result->folders++;
        return archive_writer_folder(export->writer, path, error);
    default:
        export->result->files++;
        export->result->bytes += item->size;
        return archive_writer_file(export->writer, path, item->size, item->kind == ITEM_EXECUTABLE, error);
    }
}

static gboolean
take_bytes(gpointer data, const guint8 *bytes, gsize size, GError **error)
{
    Export *export = data;

    return archive_writer_bytes(export->writer, bytes, size, error);
}

static gboolean
read_only(Patterns *patterns, char **globs, GError **error)
{
    for (; globs && *globs; globs++)
        if (!patterns_add_path(patterns, *globs, error))
            return FALSE;
    return TRUE;
}

gboolean
export_archive(Store *store, const Digest *root, const ExportOptions *options, ExportOut out, gpointer data, ExportResult *result, GError **error)
{
    gboolean bag = options->format == EXPORT_BAG;
    g_autoptr(StoreHold) hold = store_hold(store, error);
    g_autoptr(Patterns) globs = patterns_new();
    g_autoptr(GString) path = g_string_new(NULL);
    g_autoptr(ArchiveWriter) writer = NULL;
    const Patterns *only = options->only ? globs : NULL;
    Export export = { .out = out, .out_data = data, .path = path, .result = result };
    FeedTold told = { begin, take_bytes, &export };

    memset(result, 0, sizeof *result);
    if (!hold || !read_only(globs, options->only, error))
        return FALSE;
    writer = archive_writer_new(options->format == EXPORT_ZIP ? ARCHIVE_WRITER_ZIP : ARCHIVE_WRITER_TAR, options->manifest->time, hand_on, &export, error);
    if (!writer)
        return FALSE;
    export.writer = writer;
    if (bag) {
        g_autofree char *payload = bagging_payload(options->manifest);

        export.prefix = g_string_append(path, payload)->len;
    }
    return (!bag || bagging_write(writer, store, root, only, options, error)) && feed(store, root, only, &told, options->progress, error) &&
           archive_writer_finish(writer, error);
}
