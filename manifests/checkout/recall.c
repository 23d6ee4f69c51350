#include "manifests/checkout/recall.h"

#include <sys/stat.h>

#include "manifests/ingest/stamps.h"
#include "manifests/tree/look.h"

#define SECOND G_GINT64_CONSTANT(1000000000)
/* CO8: the tick of the kernel's clock is at most 10 ms. */
#define SETTLED_AFTER (SECOND / 10)

static const Stamp unknown;
static const Digest no_state;

struct Recall {
    StampsReader *reader;      /* NULL: nothing is known, or no more */
    StampsWriter *writer;
    gint64 begun;
};

Recall *
recall_open(int root, const CheckoutOptions *options)
{
    Recall *recall;

    if (!options->stamps || options->only || !file_system_is_local(root))
        return NULL;
    recall = g_new0(Recall, 1);
    recall->begun = stamp_now();
    recall->reader = options->base ? stamps_reader_open(options->stamps, &options->stamps_key) : NULL;
    if (recall->reader && !digest_equal(stamps_reader_root(recall->reader), options->base))
        g_clear_pointer(&recall->reader, stamps_reader_free);
    recall->writer = stamps_writer_new(options->stamps, &options->stamps_key);
    return recall;
}

void
recall_free(Recall *recall)
{
    if (!recall)
        return;
    g_clear_pointer(&recall->reader, stamps_reader_free);
    stamps_writer_free(recall->writer);
    g_free(recall);
}

void
recall_next(Recall *recall, Stamp *stamp)
{
    if (recall->reader && stamps_reader_next(recall->reader, stamp))
        return;
    g_clear_pointer(&recall->reader, stamps_reader_free);
    *stamp = unknown;
}

gint64
recall_begun(const Recall *recall)
{
    return recall->begun;
}

/* A file system of whole seconds has no others: then AR10's two of them. */
gboolean
recall_is_settled(const Stamp *stamp, gint64 now)
{
    if (stamp->changed % SECOND == 0)
        return stamp_is_settled(stamp, now);
    return stamp->inode != 0 && stamp->changed < now - SETTLED_AFTER;
}

void
recall_add(Recall *recall, const Stamp *stamp)
{
    stamps_writer_add(recall->writer, stamp ? stamp : &unknown);
}

static gboolean
add_found(gpointer data, const Found *found, GError **error)
{
    Recall *recall = data;

    recall_add(recall, recall_is_settled(&found->stamp, recall->begun) ? &found->stamp : NULL);
    return TRUE;
}

gboolean
recall_add_stage(Recall *recall, Store *store, const Digest *listing, int stage, GError **error)
{
    g_autoptr(ListingCursor) cursor = listing_cursor_new(listing, store_listing_get, store, error);
    g_autoptr(Look) look = look_new(stage, add_found, recall);
    GError *failed = NULL;
    const Item *item;

    recall->begun = stamp_now();
    while (cursor && listing_cursor_next(cursor, &item, NULL, NULL, &failed))
        if ((item->kind == ITEM_FILE || item->kind == ITEM_EXECUTABLE) && !look_add(look, item->path, S_IFREG, error))
            return FALSE;
    if (failed)
        g_propagate_error(error, failed);
    return cursor && !failed && look_finish(look, error);
}

void
recall_keep(Recall *recall, const Digest *listing)
{
    stamps_writer_keep(recall->writer, listing, &no_state);
}
