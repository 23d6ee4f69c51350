#include "manifests/ingest/memory.h"

#include <string.h>

#include "manifests/ingest/stamps.h"

static const Stamp unknown;
static const Digest no_state;

struct Memory {
    MemoryPlace place;
    Digest root;               /* of what was, with @count files; NULL below: nothing is known, or no more of it */
    guint64 count;
    StampsReader *stamps;
    ListingCursor *cursor;
    const Item *item;          /* where the cursor stands; valid while it does */
    Stamp stamp;               /* of the file to which it belongs */
    StampsWriter *writer;      /* of what is */
    guint64 added, recalled;
};

Memory *
memory_open(const MemoryPlace *place)
{
    Memory *memory = g_new0(Memory, 1);

    memory->place = *place;
    memory->place.file = g_strdup(place->file);
    memory->stamps = place->anew ? NULL : stamps_reader_open(place->file, &place->key);
    if (memory->stamps) {
        memory->root = *stamps_reader_root(memory->stamps);
        memory->count = stamps_reader_count(memory->stamps);
    }
    return memory;
}

static void
forget(Memory *memory)
{
    g_clear_pointer(&memory->cursor, listing_cursor_free);
    g_clear_pointer(&memory->stamps, stamps_reader_free);
    memory->item = NULL;
}

void
memory_free(Memory *memory)
{
    if (!memory)
        return;
    forget(memory);
    stamps_writer_free(memory->writer);
    g_free((char *)memory->place.file);
    g_free(memory);
}

static gboolean
is_regular(const Item *item)
{
    return item->kind == ITEM_FILE || item->kind == ITEM_EXECUTABLE;
}

gboolean
memory_is_held(const Memory *memory)
{
    return memory->stamps && !digest_equal(&memory->place.state, &no_state) && digest_equal(&memory->place.state, stamps_reader_state(memory->stamps));
}

/* To the next item; with the first one of a file, to its stamp. */
static gboolean
step(Memory *memory)
{
    gboolean within = memory->item && memory->item->kind == ITEM_PART;

    if (!listing_cursor_next(memory->cursor, &memory->item, NULL, NULL, NULL)) {
        forget(memory);
        return FALSE;
    }
    if (within || memory->item->kind == ITEM_LINK || memory->item->kind == ITEM_FOLDER)
        return TRUE;
    if (stamps_reader_next(memory->stamps, &memory->stamp))
        return TRUE;
    forget(memory);
    return FALSE;
}

static gboolean
begin(Memory *memory)
{
    memory->cursor = listing_cursor_new(&memory->root, memory->place.get, memory->place.get_data, NULL);
    if (memory->cursor)
        return step(memory);
    forget(memory);
    return FALSE;
}

/* To the first item that is not before @path. */
static gboolean
seek(Memory *memory, const char *path)
{
    if (!memory->stamps || (!memory->cursor && !begin(memory)))
        return FALSE;
    while (path_compare(memory->item->path, path) < 0)
        if (!step(memory))
            return FALSE;
    return TRUE;
}

/* AR10 also holds for the stamp of now: the clock may have been set back since it was written down. */
gboolean
memory_recalls(Memory *memory, const char *path, const Stamp *stamp)
{
    return seek(memory, path) && strcmp(memory->item->path, path) == 0 && (memory->item->kind == ITEM_PART || is_regular(memory->item)) &&
           stamp_equal(&memory->stamp, stamp) && stamp_is_settled(stamp, memory->place.begun);
}

gboolean
memory_tell(Memory *memory, MemoryTake take, gpointer data, Digest *digest)
{
    for (;;) {
        const Item *item = memory->item;

        for (guint i = 0; i < item->chunk_count; i++)
            if (!take(data, &item->chunks[i]))
                return FALSE;
        if (is_regular(item)) {
            *digest = item->digest;
            memory->recalled++;
            /* Else the stamps are not those of this listing. */
            return item->size == memory->stamp.size;
        }
        if (!step(memory))
            return FALSE;
    }
}

void
memory_add(Memory *memory, const Stamp *stamp)
{
    if (!memory->writer)
        memory->writer = stamps_writer_new(memory->place.file, &memory->place.key);
    memory->added++;
    stamps_writer_add(memory->writer, stamp && stamp_is_settled(stamp, memory->place.begun) ? stamp : &unknown);
}

void
memory_keep(Memory *memory, const Digest *root, const Digest *state)
{
    gboolean same = digest_equal(&memory->root, root) && memory->count == memory->added && memory->recalled == memory->added && memory->stamps &&
                    digest_equal(stamps_reader_state(memory->stamps), state);

    if (memory->writer && !same)
        stamps_writer_keep(memory->writer, root, state);
}
