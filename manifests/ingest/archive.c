#include <string.h>
#include <sys/stat.h>

#include "keys/error.h"
#include "manifests/ingest.h"
#include "manifests/ingest/archive_reader.h"
#include "manifests/ingest/cutter.h"
#include "manifests/ingest/left_out.h"
#include "manifests/ingest/unsorted.h"
#include "manifests/tree/beneath.h"
#include "manifests/tree/walk.h"

#define ALIGNED_MIN (16 * 1024)

/* Files whose content is on its way through the cutter wait, in their order, for their digests. */
typedef struct {
    Sink sink;
    Walk walk;                 /* says what to do with special files */
    ArchiveReader *reader;
    Cutter *cutter;
    Earlier *earlier;          /* NULL if there is no version before */
    Unsorted *unsorted;
    GQueue waiting;            /* of Waiting */
    Patterns *excluded;        /* the command's lines alone: what they leave out is not even read */
    GByteArray *lines;         /* of ".chamaignore", wherever in the archive it stands; NULL: none so far */
    guint64 number;
    guint64 foreign;           /* names that are not UTF-8 */
} Archiving;

typedef struct {
    ArchivedKind kind;
    guint64 number;
    char path[];
} Waiting;

static void
archiving_clear(Archiving *archiving)
{
    g_clear_pointer(&archiving->cutter, cutter_free);
    g_clear_pointer(&archiving->reader, archive_reader_free);
    g_clear_pointer(&archiving->earlier, earlier_free);
    sink_clear(&archiving->sink);
    g_clear_pointer(&archiving->unsorted, unsorted_free);
    g_queue_clear_full(&archiving->waiting, g_free);
    g_clear_pointer(&archiving->excluded, patterns_free);
    g_clear_pointer(&archiving->lines, g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Archiving, archiving_clear)

static gboolean
take_chunk(gpointer data, const ChunkRef *chunk, GError **error)
{
    Archiving *archiving = data;

    return unsorted_add_chunk(archiving->unsorted, chunk, error);
}

static gboolean
take_file(gpointer data, guint64 size, const Digest *digest, GError **error)
{
    Archiving *archiving = data;
    g_autofree Waiting *file = g_queue_pop_head(&archiving->waiting);
    Archived archived = { .kind = file->kind, .number = file->number, .size = size, .digest = *digest, .path = file->path, .target = "" };

    progress_add(archiving->sink.progress, 0, 1);
    return unsorted_add(archiving->unsorted, &archived, error);
}

static gboolean
keep_lines(Archiving *archiving, const guint8 *data, gsize size, GError **error)
{
    if (archiving->lines->len + size > LEFT_OUT_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, LEFT_OUT_NAME ": want at most %d bytes", LEFT_OUT_SIZE_MAX);
    g_byte_array_append(archiving->lines, data, (guint)size);
    return TRUE;
}

/* Entries come in any order, and each look at the version before is a descent: not for files of next to nothing. */
static void
align(Archiving *archiving, const char *path)
{
    g_autoptr(Alignment) alignment = archiving->earlier ? earlier_align(archiving->earlier, path, 0) : NULL;

    cutter_align(archiving->cutter, alignment);
}

static gboolean
read_content(Archiving *archiving, const char *path, gboolean lines, GError **error)
{
    for (gboolean first = TRUE;; first = FALSE) {
        gsize size, count;
        guint8 *room = cutter_room(archiving->cutter, &size);

        if (!sink_goes_on(&archiving->sink, error) || !archive_reader_read(archiving->reader, room, size, &count, error))
            return FALSE;
        if (count == 0)
            return cutter_end(archiving->cutter, error);
        if (first && count >= ALIGNED_MIN)
            align(archiving, path);
        if ((lines && !keep_lines(archiving, room, count, error)) || !cutter_filled(archiving->cutter, count, error))
            return FALSE;
    }
}

static gboolean
add_file(Archiving *archiving, const char *path, mode_t mode, GError **error)
{
    gboolean lines = strcmp(path, LEFT_OUT_NAME) == 0;
    Waiting *file = g_malloc(sizeof(*file) + strlen(path) + 1);

    strcpy(file->path, path);
    file->kind = mode & S_IXUSR ? ARCHIVED_EXECUTABLE : ARCHIVED_FILE;
    file->number = archiving->number;
    g_queue_push_tail(&archiving->waiting, file);
    if (lines && !archiving->lines)
        archiving->lines = g_byte_array_new();
    return read_content(archiving, path, lines, error);
}

static gboolean
add_other(Archiving *archiving, ArchivedKind kind, const char *path, const char *target, GError **error)
{
    Archived archived = { .kind = kind, .number = archiving->number, .path = path, .target = target };

    if (kind != ARCHIVED_FOLDER && strcmp(path, LEFT_OUT_NAME) == 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, LEFT_OUT_NAME ": want a regular file");
    return unsorted_add(archiving->unsorted, &archived, error);
}

/* AR4: "./a/b/" is "a/b", "./" is "": as archivers write what people mean. The rest is for path_check(). */
static char *
plain_path(const char *path)
{
    gsize size;

    while (path[0] == '.' && path[1] == '/')
        path += 2 + strspn(path + 2, "/");
    size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    return size == 1 && path[0] == '.' ? g_strdup("") : g_strndup(path, size);
}

/* A hard link that brings content of its own (old cpio does that) would change the file that it names. */
static gboolean
add_hard_link(Archiving *archiving, const char *path, const char *target, GError **error)
{
    g_autofree char *plain = plain_path(target), *shown = path_display(path);
    guint8 byte;
    gsize count;

    if (!path_check(plain, error) || !archive_reader_read(archiving->reader, &byte, 1, &count, error))
        return FALSE;
    if (count > 0)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: AR3: want a hard link without content of its own, have some", shown);
    return add_other(archiving, ARCHIVED_HARD_LINK, path, plain, error);
}

static gboolean
add_link(Archiving *archiving, const char *path, const char *target, GError **error)
{
    if (!target || !*target || strlen(target) > LINK_TARGET_MAX)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: L20: want a link target of 1 to %d bytes", path, LINK_TARGET_MAX);
    progress_add(archiving->sink.progress, 0, 1);
    return link_check(path, target, error) && add_other(archiving, ARCHIVED_LINK, path, target, error);
}

static gboolean
add_entry(Archiving *archiving, const ArchiveEntry *entry, const char *path, GError **error)
{
    gboolean folder = S_ISDIR(entry->mode) && !entry->hard_link;

    if (!path_check(path, error))
        return FALSE;
    if (patterns_match_deep(archiving->excluded, path, folder, NULL))
        return add_other(archiving, folder ? ARCHIVED_FOLDER : ARCHIVED_LEFT_OUT, path, "", error);
    if (entry->hard_link)
        return add_hard_link(archiving, path, entry->hard_link, error);
    if (folder)
        return add_other(archiving, ARCHIVED_FOLDER, path, "", error);
    if (S_ISLNK(entry->mode))
        return add_link(archiving, path, entry->link, error);
    if (!S_ISREG(entry->mode))
        return walk_special(&archiving->walk, path, entry->mode, error);
    return add_file(archiving, path, entry->mode, error);
}

static gboolean
read_all(Archiving *archiving, GError **error)
{
    GError *failed = NULL;
    ArchiveEntry entry;

    while (archive_reader_next(archiving->reader, &entry, &failed)) {
        g_autofree char *path = plain_path(entry.path);

        archiving->number++;
        archiving->foreign += !g_utf8_validate(path, -1, NULL);
        if (!sink_goes_on(&archiving->sink, error))
            return FALSE;
        if ((*path || !S_ISDIR(entry.mode)) && !add_entry(archiving, &entry, path, error))
            return FALSE;
    }
    if (!failed)
        return cutter_drain(archiving->cutter, error);
    g_propagate_error(error, failed);
    return FALSE;
}

/* They are published as they are; but mostly they are Chinese, of an old zip. */
static void
say_foreign(const Archiving *archiving, const IngestOptions *options)
{
    g_autofree char *message = NULL;

    if (archiving->foreign == 0 || !options->warn)
        return;
    message = g_strdup_printf("%" G_GUINT64_FORMAT " names in the archive are not UTF-8 and are kept as they are; of an old zip give --encoding (GBK)",
                              archiving->foreign);
    options->warn(options->warn_data, message);
}

static gboolean
write_listing(Archiving *archiving, const IngestOptions *options, IngestResult *result, GError **error)
{
    g_autoptr(ListingWriter) listing = listing_writer_new(sink_page, &archiving->sink);
    g_autoptr(Patterns) left_out = patterns_new();
    GByteArray *lines = archiving->lines;

    if (lines && !patterns_add_text(left_out, (const char *)lines->data, lines->len, error)) {
        g_prefix_error(error, LEFT_OUT_NAME ": ");
        return FALSE;
    }
    result->skipped = archiving->walk.skipped;
    return left_out_add(left_out, options->exclude, error) &&
           unsorted_write(archiving->unsorted, left_out, listing, &result->skipped, error) &&
           listing_writer_finish(listing, &result->totals, error);
}

gboolean
ingest_archive(StoreWriter *writer, const char *path, const IngestOptions *options, IngestResult *result, GError **error)
{
    g_auto(Archiving) archiving = { .sink = { .writer = writer, .progress = options->progress, .store = options->store, .earlier = options->earlier } };
    CutterTold told = { take_chunk, take_file, &archiving };

    memset(result, 0, sizeof(*result));
    archiving.walk = (Walk){ .skip_special = options->skip_special, .warn = options->warn, .warn_data = options->warn_data };
    archiving.excluded = patterns_new();
    if (!left_out_add(archiving.excluded, options->exclude, error))
        return FALSE;
    archiving.reader = archive_reader_open(path, options->encoding, error);
    if (!archiving.reader)
        return FALSE;
    if (options->earlier)
        archiving.earlier = earlier_new(options->store, options->earlier);
    archiving.unsorted = unsorted_new();
    archiving.cutter = cutter_new(&archiving.sink, &told);
    if (!read_all(&archiving, error) || !write_listing(&archiving, options, result, error))
        return FALSE;
    result->new_bytes = archiving.sink.new_bytes;
    say_foreign(&archiving, options);
    return TRUE;
}
