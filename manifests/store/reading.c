#include "manifests/store/reading.h"

#include "keys/error.h"
#include "manifests/store/bases.h"
#include "manifests/store/codec.h"

#define WINDOW_SIZE (1024 * 1024)
/* Bytes between two wanted frames that are read with them, because that is cheaper than another read. */
#define GAP_MAX (16 * 1024)
#define FRAME_SIZE_MAX (FRAME_HEADER_SIZE + OBJECT_SIZE_MAX)

G_STATIC_ASSERT(WINDOW_SIZE <= FRAME_SIZE_MAX);

struct StoreReading {
    Store *store;
    GArray *entries;          /* IndexEntry; of pack 0 if it was not found */
    guint next;
    guint64 pack, start;      /* of what is in the window */
    gsize filled;
    guint8 *window, *plain;
    GBytes *other;            /* what store_get() gave */
};

StoreReading *
store_reading_new(Store *store)
{
    StoreReading *reading = g_async_queue_try_pop(store->idle_readings);

    if (reading)
        return reading;
    reading = g_new0(StoreReading, 1);
    reading->store = store;
    reading->entries = g_array_new(FALSE, FALSE, sizeof(IndexEntry));
    reading->window = g_malloc(FRAME_SIZE_MAX);
    reading->plain = g_malloc(OBJECT_SIZE_MAX);
    return reading;
}

void
store_reading_destroy(gpointer data)
{
    StoreReading *reading = data;

    g_array_unref(reading->entries);
    g_free(reading->window);
    g_free(reading->plain);
    g_free(reading);
}

void
store_reading_free(StoreReading *reading)
{
    if (!reading)
        return;
    g_clear_pointer(&reading->other, g_bytes_unref);
    g_array_set_size(reading->entries, 0);
    reading->next = 0;
    reading->filled = 0;
    g_async_queue_push(reading->store->idle_readings, reading);
}

void
store_reading_expect(StoreReading *reading, const Digest *digest)
{
    IndexEntry entry;

    if (!store_locate(reading->store, digest, &entry))
        entry = (IndexEntry){ .digest = *digest };
    g_array_append_val(reading->entries, entry);
}

static guint64
end_of(const IndexEntry *entry)
{
    return entry->offset + FRAME_HEADER_SIZE + entry->stored_size;
}

/* Where a read that begins with @entry should end: after the last of those that come next and lie close behind one another. */
static guint64
choose_end(const StoreReading *reading, const IndexEntry *entry)
{
    guint64 end = end_of(entry);

    for (guint i = reading->next; i < reading->entries->len; i++) {
        const IndexEntry *following = &g_array_index(reading->entries, IndexEntry, i);

        if (following->pack != entry->pack || following->offset < entry->offset || following->offset > end + GAP_MAX ||
            end_of(following) > entry->offset + WINDOW_SIZE)
            break;
        end = MAX(end, end_of(following));
    }
    return end;
}

static gboolean
fill_window(StoreReading *reading, const IndexEntry *entry)
{
    g_autoptr(PackFile) file = pack_folder_get(reading->store->packs, entry->pack, NULL);
    gsize size = (gsize)(choose_end(reading, entry) - entry->offset);

    reading->filled = 0;
    if (!file || size > FRAME_SIZE_MAX || !pack_pread(file->fd, "", entry->offset, reading->window, size, NULL))
        return FALSE;
    reading->pack = entry->pack;
    reading->start = entry->offset;
    reading->filled = size;
    return TRUE;
}

static gboolean
is_in_window(const StoreReading *reading, const IndexEntry *entry, gsize size)
{
    return reading->pack == entry->pack && entry->offset >= reading->start && entry->offset - reading->start <= reading->filled &&
           size <= reading->filled - (entry->offset - reading->start);
}

/* The stored bytes, their checksum checked; NULL if anything is wrong. */
static const guint8 *
stored_bytes(StoreReading *reading, const IndexEntry *entry)
{
    gsize size = FRAME_HEADER_SIZE + entry->stored_size;
    const guint8 *frame;

    if (entry->pack == 0 || (!is_in_window(reading, entry, size) && !fill_window(reading, entry)))
        return NULL;
    frame = reading->window + (entry->offset - reading->start);
    return store_check_frame(entry, frame, size, NULL) ? frame + FRAME_HEADER_SIZE : NULL;
}

/* What is stored as it is needs no copy, unless @room is wanted. */
static const guint8 *
open_entry(StoreReading *reading, const IndexEntry *entry, ReadingProof proof, guint8 *room)
{
    const guint8 *stored = stored_bytes(reading, entry), *plain = room ? room : reading->plain;

    if (!stored)
        return NULL;
    if (entry->codec == CODEC_STORED && !room)
        plain = entry->stored_size == entry->plain_size ? stored : NULL;
    else if (!store_expand_entry(reading->store, entry, stored, entry->stored_size, room ? room : reading->plain, NULL))
        plain = NULL;
    return plain && (proof == READING_STATED || codec_prove(&entry->digest, plain, entry->plain_size, NULL)) ? plain : NULL;
}

/* Whatever is wrong, the ordinary way finds out and says so; or gc has moved the object meanwhile, and it is found. */
static const guint8 *
get_otherwise(StoreReading *reading, const Digest *digest, gsize *size, GError **error)
{
    g_clear_pointer(&reading->other, g_bytes_unref);
    reading->other = store_get(reading->store, digest, error);
    return reading->other ? g_bytes_get_data(reading->other, size) : NULL;
}

const guint8 *
store_reading_next(StoreReading *reading, ReadingProof proof, gsize *size, GError **error)
{
    const IndexEntry *entry = &g_array_index(reading->entries, IndexEntry, reading->next++);
    const guint8 *plain = open_entry(reading, entry, proof, NULL);

    *size = entry->plain_size;
    return plain ? plain : get_otherwise(reading, &entry->digest, size, error);
}

gboolean
store_reading_next_to(StoreReading *reading, ReadingProof proof, guint8 *room, gsize size, GError **error)
{
    const IndexEntry *entry = &g_array_index(reading->entries, IndexEntry, reading->next++);
    char text[DIGEST_TEXT_SIZE];
    const guint8 *plain;
    gsize have;

    if (entry->plain_size == size && open_entry(reading, entry, proof, room))
        return TRUE;
    if (!(plain = get_otherwise(reading, &entry->digest, &have, error)))
        return FALSE;
    if (have != size)
        return chama_error(error, CHAMA_ERROR_VERIFY, "object %s: want %zu bytes, have %zu", digest_format(&entry->digest, text), size, have);
    memcpy(room, plain, size);
    return TRUE;
}

void
store_reading_skip(StoreReading *reading, guint count)
{
    reading->next += count;
}
