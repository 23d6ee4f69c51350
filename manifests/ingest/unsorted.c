#include "manifests/ingest/unsorted.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/ingest/big.h"

#define MEMORY (16 * 1024 * 1024)

struct Unsorted {
    Records *records;
    Spool *chunks;
    guint64 next_chunk;        /* where the next file's chunks begin */
    GHashTable *hard;          /* paths that hard links name -> Archived*, NULL until it is found */
};

Unsorted *
unsorted_new(void)
{
    Unsorted *unsorted = g_new0(Unsorted, 1);

    unsorted->records = records_new(MEMORY);
    unsorted->chunks = spool_new(MEMORY);
    unsorted->hard = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return unsorted;
}

void
unsorted_free(Unsorted *unsorted)
{
    if (!unsorted)
        return;
    records_free(unsorted->records);
    spool_free(unsorted->chunks);
    g_hash_table_unref(unsorted->hard);
    g_free(unsorted);
}

gboolean
unsorted_add_chunk(Unsorted *unsorted, const ChunkRef *chunk, GError **error)
{
    return spool_add(unsorted->chunks, chunk, sizeof(*chunk), error);
}

gboolean
unsorted_add(Unsorted *unsorted, Archived *archived, GError **error)
{
    if (archived->kind == ARCHIVED_FILE || archived->kind == ARCHIVED_EXECUTABLE) {
        archived->first_chunk = unsorted->next_chunk;
        unsorted->next_chunk = spool_size(unsorted->chunks) / sizeof(ChunkRef);
        archived->chunk_count = unsorted->next_chunk - archived->first_chunk;
    }
    if (archived->kind == ARCHIVED_HARD_LINK && !g_hash_table_contains(unsorted->hard, archived->target)) {
        if (g_hash_table_size(unsorted->hard) >= HARD_LINKS_MAX)
            return chama_error(error, CHAMA_ERROR_LIMIT, "archive: want hard links to at most %d files", HARD_LINKS_MAX);
        g_hash_table_insert(unsorted->hard, g_strdup(archived->target), NULL);
    }
    return records_add(unsorted->records, archived, error);
}

/* A copy that holds its strings behind itself. */
static Archived *
archived_copy(const Archived *archived)
{
    gsize path = strlen(archived->path) + 1, target = strlen(archived->target) + 1;
    Archived *copy = g_malloc(sizeof(*copy) + path + target);
    char *strings = (char *)(copy + 1);

    *copy = *archived;
    copy->path = memcpy(strings, archived->path, path);
    copy->target = memcpy(strings + path, archived->target, target);
    return copy;
}

/* A first pass, if there are hard links: what they name. */
static gboolean
find_hard(Unsorted *unsorted, GError **error)
{
    GError *failed = NULL;
    Archived archived;

    if (g_hash_table_size(unsorted->hard) == 0)
        return TRUE;
    if (!records_rewind(unsorted->records, error))
        return FALSE;
    while (records_next(unsorted->records, &archived, &failed)) {
        Archived *found;

        if (g_hash_table_lookup_extended(unsorted->hard, archived.path, NULL, (gpointer *)&found) && !found)
            g_hash_table_insert(unsorted->hard, g_strdup(archived.path), archived_copy(&archived));
    }
    if (!failed)
        return TRUE;
    g_propagate_error(error, failed);
    return FALSE;
}

static gboolean
may_be_named(const Archived *archived)
{
    return archived->kind == ARCHIVED_FILE || archived->kind == ARCHIVED_EXECUTABLE || archived->kind == ARCHIVED_HARD_LINK;
}

/* AR3: the numbers fall with each step, so this ends. */
static gboolean
resolve(const Unsorted *unsorted, Archived *archived, GError **error)
{
    const Archived *at = archived;

    while (at->kind == ARCHIVED_HARD_LINK) {
        const Archived *named = g_hash_table_lookup(unsorted->hard, at->target);

        if (!named || named->number >= at->number || !may_be_named(named)) {
            g_autofree char *shown = path_display(archived->path), *target = path_display(archived->target);

            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: AR3: want a hard link to a file that came before it, have %s", shown, target);
        }
        at = named;
    }
    archived->kind = at->kind;
    archived->size = at->size;
    archived->digest = at->digest;
    archived->first_chunk = at->first_chunk;
    archived->chunk_count = at->chunk_count;
    return TRUE;
}

/* What was written last, and the folder that is going to be written unless something in it comes. */
typedef struct {
    Unsorted *unsorted;
    ListingWriter *listing;
    const Patterns *left_out;
    guint64 *skipped;
    GString *before;           /* path of the record before, whatever it was; "" at first */
    ArchivedKind before_kind;
    GString *leaf;             /* the last file or link: nothing may lie below it; "" at first */
    GString *written;          /* the last entry of the listing; "" at first */
    GString *pending;          /* a folder; "" if there is none */
    GString *left;             /* the last thing left out, with all below it */
} Writing;

static gboolean
within(const char *path, const GString *folder)
{
    return folder->len > 0 && (strcmp(path, folder->str) == 0 || path_is_below(path, folder->str));
}

static gboolean
check_neighbours(Writing *writing, const Archived *archived, GError **error)
{
    g_autofree char *shown = NULL;
    gboolean folders = archived->kind == ARCHIVED_FOLDER && writing->before_kind == ARCHIVED_FOLDER;

    if (writing->before->len > 0 && strcmp(writing->before->str, archived->path) == 0 && !folders) {
        shown = path_display(archived->path);
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: AR1: want each path once, have it twice", shown);
    }
    if (writing->leaf->len > 0 && path_is_below(archived->path, writing->leaf->str)) {
        shown = path_display(writing->leaf->str);
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: AR2: want a file or a folder, have both", shown);
    }
    g_string_assign(writing->before, archived->path);
    writing->before_kind = archived->kind;
    if (archived->kind != ARCHIVED_FOLDER)
        g_string_assign(writing->leaf, archived->path);
    return TRUE;
}

static gboolean
settle_pending(Writing *writing, const char *next, GError **error)
{
    gboolean empty = writing->pending->len > 0 && !(next && within(next, writing->pending));

    if (empty && !listing_writer_folder(writing->listing, writing->pending->str, error))
        return FALSE;
    if (empty)
        g_string_assign(writing->written, writing->pending->str);
    g_string_truncate(writing->pending, 0);
    return TRUE;
}

/* There is a folder @path; in it there may be nothing. */
static gboolean
offer_folder(Writing *writing, const char *path, GError **error)
{
    if (!settle_pending(writing, path, error))
        return FALSE;
    if (writing->written->len == 0 || !path_is_below(writing->written->str, path))
        g_string_assign(writing->pending, path);
    return TRUE;
}

static gboolean
offer_file(Writing *writing, Archived *archived, GError **error)
{
    Unsorted *unsorted = writing->unsorted;
    ListingWriter *listing = writing->listing;

    if (!settle_pending(writing, archived->path, error) || !resolve(unsorted, archived, error))
        return FALSE;
    g_string_assign(writing->written, archived->path);
    if (archived->kind == ARCHIVED_LINK)
        return listing_writer_link(listing, archived->path, archived->target, error);
    return listing_writer_begin_file(listing, archived->path, error) &&
           spooled_chunks_write(unsorted->chunks, archived->first_chunk, archived->chunk_count, listing, error) &&
           listing_writer_end_file(listing, archived->kind == ARCHIVED_EXECUTABLE, archived->size, &archived->digest, error);
}

/* The first @size bytes of @path are what is left out: the folder that holds it is there, though. */
static gboolean
leave_out(Writing *writing, const char *path, gsize size, GError **error)
{
    g_autofree char *top = g_strndup(path, size);
    char *slash = strrchr(top, '/');

    if (!within(path, writing->left)) {
        g_string_assign(writing->left, top);
        ++*writing->skipped;
    }
    if (!slash)
        return TRUE;
    *slash = 0;
    return offer_folder(writing, top, error);
}

static gboolean
write_one(Writing *writing, Archived *archived, GError **error)
{
    gsize size = strlen(archived->path);

    if (!check_neighbours(writing, archived, error))
        return FALSE;
    if (patterns_match_deep(writing->left_out, archived->path, archived->kind == ARCHIVED_FOLDER, &size) || archived->kind == ARCHIVED_LEFT_OUT)
        return leave_out(writing, archived->path, size, error);
    return archived->kind == ARCHIVED_FOLDER ? offer_folder(writing, archived->path, error) : offer_file(writing, archived, error);
}

static gboolean
write_all(Writing *writing, GError **error)
{
    Records *records = writing->unsorted->records;
    GError *failed = NULL;
    Archived archived;

    if (!records_rewind(records, error))
        return FALSE;
    while (records_next(records, &archived, &failed))
        if (!write_one(writing, &archived, error))
            return FALSE;
    if (!failed)
        return settle_pending(writing, NULL, error);
    g_propagate_error(error, failed);
    return FALSE;
}

gboolean
unsorted_write(Unsorted *unsorted, const Patterns *left_out, ListingWriter *listing, guint64 *skipped, GError **error)
{
    g_autoptr(GString) before = g_string_new(NULL), leaf = g_string_new(NULL), written = g_string_new(NULL), pending = g_string_new(NULL),
                       left = g_string_new(NULL);
    Writing writing = { .unsorted = unsorted, .listing = listing, .left_out = left_out, .skipped = skipped, .before = before, .leaf = leaf,
                        .written = written, .pending = pending, .left = left };

    return find_hard(unsorted, error) && write_all(&writing, error);
}
