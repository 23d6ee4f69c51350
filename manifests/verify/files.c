#include "manifests/verify/files.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/checkout.h"
#include "manifests/checkout/segments.h"
#include "manifests/tree/pipeline.h"

/* References of a file that are kept until its end is seen and with it whether it is known: 24 MiB. */
#define KNOWN_CHUNKS_MAX (512 * 1024)

typedef struct {
    Store *store;
    const Digest *listing;
    FoundGood *found_good;
    VersionReport report;
    gpointer report_data;
    Progress *progress;
    Pipeline *batches;
    VerifyBatch *filling;
    GArray *chunks;            /* ChunkRef, of the file whose parts are coming */
    Segments *big;             /* that file, if its chunks are too many to be kept; or broken */
    gboolean broken;
    guint faults;
    guint64 file_max;          /* larger files are read by all threads together */
    guint64 files, bytes;      /* that were not left out */
} Verification;

static void
verification_clear(Verification *v)
{
    g_clear_pointer(&v->big, segments_free);
    g_clear_pointer(&v->batches, pipeline_free);
    g_clear_pointer(&v->filling, verify_batch_free);
    g_clear_pointer(&v->chunks, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Verification, verification_clear)

static void
tell(gpointer data, const char *message)
{
    Verification *v = data;

    v->faults++;
    v->report(v->report_data, message);
}

static void
work_batch(gpointer job, gpointer data)
{
    verify_batch_work(job);
}

static gboolean
take_batch(gpointer job, gpointer data, GError **error)
{
    Verification *v = data;
    guint count;
    const Digest *good = verify_batch_take(job, tell, v, &count);

    for (guint i = 0; i < count; i++)
        found_good_add(v->found_good, &good[i]);
    return TRUE;
}

static gboolean
send_batch(Verification *v, GError **error)
{
    VerifyBatch *full = g_steal_pointer(&v->filling);

    v->filling = verify_batch_new(v->store, v->progress);
    return pipeline_push(v->batches, full, error);
}

/* ---- a big file ---- */

static void
say(Verification *v, char *message)
{
    g_autofree char *mine = message;

    tell(v, mine);
}

/* Which of its chunks are not right; @whole, which is taken over, if each of them is. */
static gboolean
say_what_is_wrong(Verification *v, const char *path, char *whole, GError **error)
{
    g_autoptr(ListingCursor) cursor = listing_cursor_new(v->listing, store_listing_get, v->store, error);
    g_autofree char *mine = whole, *fault = NULL;
    gboolean found = FALSE;
    const Item *item;

    if (!cursor || !listing_cursor_seek_path(cursor, path, error))
        return FALSE;
    while (!progress_cancelled(v->progress) && listing_cursor_next(cursor, &item, NULL, NULL, NULL) && strcmp(item->path, path) == 0)
        for (guint i = 0; i < item->chunk_count; i++) {
            if (!(fault = verify_chunk_fault(v->store, path, &item->chunks[i])))
                continue;
            say(v, g_steal_pointer(&fault));
            found = TRUE;
        }
    if (!found)
        say(v, g_steal_pointer(&mine));
    return TRUE;
}

/* What goes wrong here ends this file, not the verification; its other parts are passed over. */
static gboolean
read_big(Verification *v, const char *path, const ChunkRef *chunks, guint count, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autofree char *shown = NULL;

    if (!v->big && !v->broken)
        v->big = segments_new(v->store, v->progress, NULL, NULL);
    if (v->broken || segments_add(v->big, chunks, count, &failed))
        return TRUE;
    v->broken = TRUE;
    g_clear_pointer(&v->big, segments_free);
    shown = path_display(path);
    return progress_cancelled(v->progress) || say_what_is_wrong(v, path, g_strdup_printf("%s: %s", shown, failed->message), error);
}

static gboolean
end_big(Verification *v, const Item *item, const Digest *name, GError **error)
{
    g_autoptr(Segments) big = g_steal_pointer(&v->big);
    g_autoptr(GError) failed = NULL;
    g_autofree char *shown = NULL;
    gboolean broken = v->broken;
    guint64 size;
    Digest digest;

    v->broken = FALSE;
    progress_add(v->progress, 0, 1);
    if (broken || progress_cancelled(v->progress))
        return TRUE;
    if (!segments_end(big, &size, &digest, &failed)) {
        shown = path_display(item->path);
        return progress_cancelled(v->progress) || say_what_is_wrong(v, item->path, g_strdup_printf("%s: %s", shown, failed->message), error);
    }
    if (!digest_equal(&digest, &item->digest))
        return say_what_is_wrong(v, item->path, verify_whole_fault(item->path, &item->digest, &digest), error);
    if (name)
        found_good_add(v->found_good, name);
    return TRUE;
}

/* ---- the walk ---- */

static gboolean
keep_part(Verification *v, const Item *item, GError **error)
{
    if (!v->big && !v->broken && v->chunks->len + item->chunk_count <= KNOWN_CHUNKS_MAX) {
        g_array_append_vals(v->chunks, item->chunks, item->chunk_count);
        return TRUE;
    }
    gboolean ok = read_big(v, item->path, (const ChunkRef *)(gpointer)v->chunks->data, v->chunks->len, error) &&
                  read_big(v, item->path, item->chunks, item->chunk_count, error);

    g_array_set_size(v->chunks, 0);
    return ok;
}

/* A file all of whose chunks are at hand. */
static gboolean
check_file(Verification *v, const Item *item, const ChunkRef *chunks, guint count, GError **error)
{
    Digest name;

    content_name(&item->digest, chunks, count, &name);
    if (found_good_has(v->found_good, &name)) {
        progress_add(v->progress, (gint64)item->size, 1);
        return TRUE;
    }
    if (item->size > v->file_max)
        return read_big(v, item->path, chunks, count, error) && end_big(v, item, &name, error);
    verify_batch_add(v->filling, item->path, item->size, &item->digest, &name, chunks, count);
    return !verify_batch_is_full(v->filling) || send_batch(v, error);
}

static gboolean
end_file(Verification *v, const Item *item, GError **error)
{
    gboolean ok;

    if (v->chunks->len == 0 && !v->big && !v->broken)
        return check_file(v, item, item->chunks, item->chunk_count, error);
    if (!keep_part(v, item, error))
        return FALSE;
    if (v->big || v->broken)
        return end_big(v, item, NULL, error);
    ok = check_file(v, item, (const ChunkRef *)(gpointer)v->chunks->data, v->chunks->len, error);
    g_array_set_size(v->chunks, 0);
    return ok;
}

/* Its first parts stood on pages that were left out. */
static gboolean
keep_parts_before(Verification *v, const Item *item, guint64 offset, GError **error)
{
    g_autoptr(ListingCursor) cursor = listing_cursor_new(v->listing, store_listing_get, v->store, error);
    const Item *part;

    if (!cursor || !listing_cursor_seek_path(cursor, item->path, error))
        return FALSE;
    for (guint64 at = 0; at < offset;) {
        if (!listing_cursor_next(cursor, &part, NULL, NULL, error) || !keep_part(v, part, error))
            return FALSE;
        for (guint i = 0; i < part->chunk_count; i++)
            at += part->chunks[i].size * part->chunks[i].run;
    }
    return TRUE;
}

static gboolean
check_item(Verification *v, const Item *item, guint64 offset, GError **error)
{
    gboolean begun = v->chunks->len > 0 || v->big || v->broken;

    v->files += item->kind != ITEM_PART;
    if (item->kind == ITEM_LINK || item->kind == ITEM_FOLDER)
        return TRUE;
    if (offset > 0 && !begun && !keep_parts_before(v, item, offset, error))
        return FALSE;
    if (item->kind == ITEM_PART)
        return keep_part(v, item, error);
    v->bytes += item->size;
    return end_file(v, item, error);
}

static void
count_left_out(Verification *v, const ListingCursor *cursor)
{
    PageRef totals;

    listing_cursor_totals(cursor, &totals);
    progress_add(v->progress, (gint64)(totals.bytes - v->bytes), (gint64)(totals.files - v->files));
}

/* The cursor proves the listing as it goes. */
static gboolean
walk(Verification *v, GError **error)
{
    g_autoptr(ListingCursor) cursor = listing_cursor_new(v->listing, store_listing_get, v->store, error);
    GError *failed = NULL;
    const Item *item;
    PageRef totals;
    guint64 offset;

    if (!cursor)
        return FALSE;
    listing_cursor_totals(cursor, &totals);
    v->file_max = pipeline_file_max(totals.bytes);
    if (v->found_good)
        listing_cursor_leave_out(cursor, known_pages_knows, found_good_pages(v->found_good));
    while (listing_cursor_next(cursor, &item, NULL, &offset, &failed)) {
        if (progress_cancelled(v->progress))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped before all was read");
        if (!check_item(v, item, offset, error))
            return FALSE;
    }
    if (failed)
        g_propagate_error(error, failed);
    else
        count_left_out(v, cursor);
    return !failed;
}

/* Pages are good if all of the version is.  What cannot be noted is read again. */
static void
note_good_pages(Verification *v)
{
    if (v->found_good && v->faults == 0 && !progress_cancelled(v->progress))
        known_pages_add(found_good_pages(v->found_good), v->listing, store_listing_get, v->store, NULL);
}

gboolean
files_verify(Store *store, const Digest *listing, FoundGood *found_good, VersionReport report, gpointer report_data, Progress *progress, GError **error)
{
    g_auto(Verification) v = { store, listing, found_good, report, report_data, progress };
    guint threads = pipeline_threads();
    PipelineKind kind = { threads, 2 * threads + 2, work_batch, take_batch, (GDestroyNotify)verify_batch_free, &v };

    v.chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    v.filling = verify_batch_new(store, progress);
    v.batches = pipeline_new(&kind);
    gboolean walked = walk(&v, error);
    /* What was read before a page that is broken counts, too; and take_batch() does not fail. */
    gboolean drained = send_batch(&v, NULL) && pipeline_drain(v.batches, NULL);

    if (walked && drained)
        note_good_pages(&v);
    return walked && drained;
}
