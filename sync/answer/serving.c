#include <string.h>

#include "keys/error.h"
#include "manifests/listing/listing.h"
#include "manifests/store/extent.h"
#include "sync/answer/answer_private.h"
#include "sync/answer/serving.h"

#define PAGES_KEPT 4          /* root to leaf, so that a seek reads one page anew */
#define WAITING_MAX 256
#define STEP_POSITIONS 4096   /* up to here, going on is cheaper than a seek: a few pages' worth */

typedef struct {
    Digest digest;
    GBytes *bytes;            /* NULL: free */
} KeptPage;

struct Serving {
    Store *store;
    Against *against;         /* NULL: patches are of no use to the caller */
    Digest root;
    Scope scope;
    KeptPage kept[PAGES_KEPT];
    guint kept_next;
    GArray *places, *ranges;  /* one of them */
    guint at;                 /* which of them is next */
    ListingPages *pages;
    ListingCursor *cursor;
    const Item *item;         /* where the cursor is; NULL: nowhere */
    guint64 item_position;    /* of its first chunk */
    guint64 position;         /* next position of range @at; meaningful while in_range */
    gboolean in_range;
    guint waiting_count, waiting_bytes;
    StoreExtent waiting[WAITING_MAX];   /* chunks of the present piece that are to be read */
};

/* A ListingGet: pages held for the owner, the last few kept. */
static GBytes *
get_page(gpointer data, const Digest *digest, GError **error)
{
    Serving *serving = data;
    KeptPage *kept;

    for (guint i = 0; i < PAGES_KEPT; i++)
        if (serving->kept[i].bytes && digest_equal(&serving->kept[i].digest, digest))
            return g_bytes_ref(serving->kept[i].bytes);
    kept = &serving->kept[serving->kept_next];
    if (!store_has(serving->store, digest, &serving->scope))
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "listing: a page is not held here");
    g_clear_pointer(&kept->bytes, g_bytes_unref);
    kept->bytes = store_get(serving->store, digest, error);
    if (!kept->bytes)
        return NULL;
    kept->digest = *digest;
    serving->kept_next = (serving->kept_next + 1) % PAGES_KEPT;
    return g_bytes_ref(kept->bytes);
}

Serving *
serving_new(Store *store, const Digest *root, const Scope *scope)
{
    g_autoptr(Serving) serving = g_new0(Serving, 1);

    serving->store = store;
    serving->root = *root;
    serving->scope = *scope;
    return g_steal_pointer(&serving);
}

void
serving_free(gpointer data)
{
    Serving *serving = data;

    if (!serving)
        return;
    for (guint i = 0; i < PAGES_KEPT; i++)
        g_clear_pointer(&serving->kept[i].bytes, g_bytes_unref);
    g_clear_pointer(&serving->places, g_array_unref);
    g_clear_pointer(&serving->ranges, g_array_unref);
    g_clear_pointer(&serving->pages, listing_pages_free);
    g_clear_pointer(&serving->cursor, listing_cursor_free);
    against_free(serving->against);
    g_free(serving);
}

gboolean
serving_ask_pages(Serving *serving, GArray *places, GError **error)
{
    serving->places = places;
    serving->pages = listing_pages_new(&serving->root, get_page, serving, error);
    return serving->pages != NULL;
}

gboolean
serving_ask_chunks(Serving *serving, GArray *ranges, GError **error)
{
    const PositionRange *last = &g_array_index(ranges, PositionRange, ranges->len - 1);
    PageRef totals;

    serving->ranges = ranges;
    serving->cursor = listing_cursor_new(&serving->root, get_page, serving, error);
    if (!serving->cursor)
        return FALSE;
    listing_cursor_totals(serving->cursor, &totals);
    /* E16: else a short request would call for frames without end */
    if (last->last >= totals.positions)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "chunks: E16: want positions below %" G_GUINT64_FORMAT ", have %" G_GUINT64_FORMAT,
                           totals.positions, last->last);
    return TRUE;
}

static void
append_nothing(GByteArray *out)
{
    const FrameHeader header = { 0 };
    guint8 bytes[WIRE_FRAME_HEADER_SIZE];

    frame_header_format(&header, bytes);
    g_byte_array_append(out, bytes, sizeof bytes);
}

void
serving_set_against(Serving *serving, Against *against)
{
    serving->against = against;
}

/* As it lies in the pack, but for patches, which not every caller can open: chunks under codec 2 are append_patch()'s. */
static gboolean
get_object(Serving *serving, const Digest *digest, ObjectKind kind, StoredObject *object)
{
    if (!store_get_stored(serving->store, digest, &serving->scope, object, NULL))
        return FALSE;
    return serving->against && kind == OBJECT_PAGE ? against_page(serving->against, digest, object, NULL)
                                                   : store_make_whole(serving->store, digest, object, NULL);
}

static void
append_frame(GByteArray *out, ObjectKind kind, const StoredObject *object)
{
    gsize size;
    const guint8 *stored = g_bytes_get_data(object->stored, &size);
    const FrameHeader header = { (guint8)kind, object->codec, (guint32)size, object->plain_size };
    guint8 bytes[WIRE_FRAME_HEADER_SIZE];

    frame_header_format(&header, bytes);
    g_byte_array_append(out, bytes, sizeof bytes);
    g_byte_array_append(out, stored, (guint)size);
}

/* One frame: the object, or "not here". */
static void
append_object(Serving *serving, GByteArray *out, const Digest *digest, ObjectKind kind)
{
    StoredObject object = { 0 };

    if (get_object(serving, digest, kind, &object))
        append_frame(out, kind, &object);
    else
        append_nothing(out);
    stored_object_clear(&object);
}

/* The chunk at which the cursor's item and the position stand. */
static void
append_patch(Serving *serving, GByteArray *out)
{
    guint index = (guint)(serving->position - serving->item_position);
    const Digest *digest = &serving->item->chunks[index].digest;
    StoredObject object = { 0 };

    if (store_get_stored(serving->store, digest, &serving->scope, &object, NULL) &&
        (serving->against ? against_chunk(serving->against, serving->item, index, &object, NULL)
                          : store_make_whole(serving->store, digest, &object, NULL)))
        append_frame(out, OBJECT_CHUNK, &object);
    else
        append_nothing(out);
    stored_object_clear(&object);
}

static void
append_page(Serving *serving, GByteArray *out)
{
    const PagePlace *place = &g_array_index(serving->places, PagePlace, serving->at++);
    Digest digest = serving->root;

    if (place->level == WIRE_LEVEL_ROOT || listing_pages_find(serving->pages, place->level, place->first_item, &digest, NULL))
        append_object(serving, out, &digest, OBJECT_PAGE);
    else
        append_nothing(out);
}

static gboolean
next_item(Serving *serving)
{
    if (!listing_cursor_next(serving->cursor, &serving->item, &serving->item_position, NULL, NULL)) {
        serving->item = NULL;
        return FALSE;
    }
    return TRUE;
}

static gboolean
item_holds(const Serving *serving, guint64 position)
{
    return serving->item && position >= serving->item_position && position - serving->item_position < serving->item->chunk_count;
}

/* Brings the cursor to the item that holds the position: by going on if that is near, else by a descent.  FALSE if the listing is not here
 * so far. */
static gboolean
go_to(Serving *serving, guint64 position)
{
    gboolean near = serving->item && position >= serving->item_position && position - serving->item_position < STEP_POSITIONS;

    if (!near) {
        serving->item = NULL;
        if (!listing_cursor_seek_position(serving->cursor, position, NULL) || !next_item(serving))
            return FALSE;
    }
    while (!item_holds(serving, position))
        if (!next_item(serving) || serving->item_position > position)
            return FALSE;
    return TRUE;
}

/* The chunks that are sent as they lie in packs are read together, to where they stand in the answer. */
static void
append_waiting(Serving *serving, GByteArray *out)
{
    guint8 *rooms[WAITING_MAX];
    guint start = out->len;
    guint8 *at;

    g_byte_array_set_size(out, start + serving->waiting_bytes);
    at = out->data + start;
    for (guint i = 0; i < serving->waiting_count; i++) {
        const StoreExtent *extent = &serving->waiting[i];
        const FrameHeader header = { OBJECT_CHUNK, extent->codec, extent->stored_size, extent->plain_size };

        frame_header_format(&header, at);
        rooms[i] = at + WIRE_FRAME_HEADER_SIZE;
        at = rooms[i] + extent->stored_size;
    }
    if (!store_read_extents(serving->store, serving->waiting, rooms, serving->waiting_count)) {
        g_byte_array_set_size(out, start);
        for (guint i = 0; i < serving->waiting_count; i++)
            append_object(serving, out, &serving->waiting[i].digest, OBJECT_CHUNK);
    }
    serving->waiting_count = serving->waiting_bytes = 0;
}

static void
append_digest(Serving *serving, GByteArray *out, const Digest *digest)
{
    StoreExtent *extent = &serving->waiting[serving->waiting_count];

    if (!store_find_extent(serving->store, digest, &serving->scope, extent) || extent->codec == CODEC_PATCH) {
        append_waiting(serving, out);
        append_patch(serving, out);
        return;
    }
    serving->waiting_bytes += WIRE_FRAME_HEADER_SIZE + extent->stored_size;
    if (++serving->waiting_count == WAITING_MAX)
        append_waiting(serving, out);
}

static void
append_chunk(Serving *serving, GByteArray *out)
{
    const PositionRange *range = &g_array_index(serving->ranges, PositionRange, serving->at);

    if (!serving->in_range)
        serving->position = range->first;
    if (item_holds(serving, serving->position) || go_to(serving, serving->position)) {
        append_digest(serving, out, &serving->item->chunks[serving->position - serving->item_position].digest);
    } else {
        append_waiting(serving, out);
        append_nothing(out);
    }
    serving->in_range = serving->position++ < range->last;
    if (!serving->in_range)
        serving->at++;
}

GBytes *
serving_next(gpointer data, GError **error)
{
    Serving *serving = data;
    GByteArray *out = g_byte_array_new();
    void (*append)(Serving *, GByteArray *) = serving->places ? append_page : append_chunk;
    guint count = serving->places ? serving->places->len : serving->ranges->len;

    while (serving->at < count && out->len + serving->waiting_bytes < ANSWER_PIECE)
        append(serving, out);
    append_waiting(serving, out);
    if (out->len > 0)
        return g_byte_array_free_to_bytes(out);
    g_byte_array_unref(out);
    return NULL;
}
