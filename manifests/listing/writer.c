/* writer: entries to pages, in one pass.  Where items and pages end is rules L25 and L26. */
#include <string.h>

#include "keys/error.h"
#include "manifests/listing/format.h"
#include "manifests/listing/listing.h"
#include "manifests/listing/varint.h"

/* L26: of 2^32, for each byte that an item or child weighs, so that 12 KiB follow the minimum on average. */
#define CUT_PER_BYTE (G_GUINT64_CONSTANT(0x100000000) / (12 * 1024))
#define ITEM_WEIGHT 24
#define CHUNK_WEIGHT 36
#define CHILD_WEIGHT 64

typedef struct {
    PageBuilder *builder;
    guint64 mark;            /* of the last item in or below the builder */
    guint64 pages;           /* finished on this level */
    PageRef last;            /* the last of them */
} Level;

struct ListingWriter {
    ListingPut put;
    gpointer data;
    Level levels[PAGE_LEVEL_MAX + 1];
    ListingTotals totals;
    GString *path;           /* of the last entry */
    gboolean in_file;
    guint64 file_bytes;
    GArray *chunks;          /* of ChunkRef: of the file's item being filled */
};

ListingWriter *
listing_writer_new(ListingPut put, gpointer data)
{
    ListingWriter *writer = g_new0(ListingWriter, 1);

    writer->put = put;
    writer->data = data;
    writer->path = g_string_sized_new(PATH_SIZE_MAX + 1);
    writer->chunks = g_array_sized_new(FALSE, FALSE, sizeof(ChunkRef), ITEM_CHUNKS_MAX);
    return writer;
}

void
listing_writer_free(ListingWriter *writer)
{
    if (!writer)
        return;
    for (guint i = 0; i <= PAGE_LEVEL_MAX; i++) {
        page_builder_free(writer->levels[i].builder);
        page_ref_clear(&writer->levels[i].last);
    }
    g_array_unref(writer->chunks);
    g_string_free(writer->path, TRUE);
    g_free(writer);
}

/* FNV-1a of 64 bits. */
static guint64
mark_of_path(const char *path)
{
    guint64 hash = G_GUINT64_CONSTANT(0xcbf29ce484222325);

    for (; *path; path++)
        hash = (hash ^ (guint8)*path) * G_GUINT64_CONSTANT(0x100000001b3);
    return hash;
}

static guint64
mark_of_digest(const Digest *digest)
{
    guint64 mark;

    memcpy(&mark, digest->bytes, sizeof mark);
    return GUINT64_FROM_BE(mark);
}

/* L26: a file's mark is that of its path, so that new content does not move its cuts; parts of one file share the path, so theirs is that
 * of their last chunk. */
static guint64
mark_of(const Item *item)
{
    return item->kind == ITEM_PART ? mark_of_digest(&item->chunks[item->chunk_count - 1].digest) : mark_of_path(item->path);
}

/* The finaliser of SplitMix64: every bit of the mark tells in the upper half, and levels cut independently of each other. */
static guint64
mix(guint64 mark, guint level)
{
    guint64 z = mark + level * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static gboolean
is_cut(const Level *level, guint number, guint64 weight)
{
    return page_builder_size(level->builder) >= PAGE_SIZE_MIN && (mix(level->mark, number) >> 32) < weight * CUT_PER_BYTE;
}

/* Finishes the page being built on level @number; its reference becomes the level's last. */
static gboolean
flush(ListingWriter *writer, guint number, GError **error)
{
    Level *level = &writer->levels[number];
    g_autoptr(GBytes) page = NULL;

    page_ref_clear(&level->last);
    page = page_builder_take(level->builder, &level->last);
    level->pages++;
    return writer->put(writer->data, page, &level->last.digest, error);
}

static gboolean
need_level(ListingWriter *writer, guint number, GError **error)
{
    if (number > PAGE_LEVEL_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "listing: L8: want at most %d as level, have more", PAGE_LEVEL_MAX);
    if (!writer->levels[number].builder)
        writer->levels[number].builder = page_builder_new(number);
    return TRUE;
}

/* Puts what the level below finished last into level @number, and finishes pages upwards as far as L26 says.  The recursion is as deep as
 * the tree is high. */
static gboolean
add_child(ListingWriter *writer, guint number, GError **error)
{
    const Level *below = &writer->levels[number - 1];
    Level *level = &writer->levels[number];

    if (!need_level(writer, number, error))
        return FALSE;
    if (!page_builder_add_child(level->builder, &below->last)) {
        if (!flush(writer, number, error) || !add_child(writer, number + 1, error))
            return FALSE;
        page_builder_add_child(level->builder, &below->last);
    }
    level->mark = below->mark;
    if (!is_cut(level, number, CHILD_WEIGHT))
        return TRUE;
    return flush(writer, number, error) && add_child(writer, number + 1, error);
}

static gboolean
count_up(ListingWriter *writer, const Item *item, GError **error)
{
    ListingTotals *totals = &writer->totals;

    totals->items++;
    totals->positions += item->chunk_count;
    totals->bytes += item_bytes(item);
    totals->files += item_is_file(item);
    totals->links += item->kind == ITEM_LINK;
    totals->folders += item->kind == ITEM_FOLDER;
    if (totals->items > LISTING_ITEMS_MAX || totals->files + totals->links + totals->folders > LISTING_FILES_MAX || totals->bytes > VARINT_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "listing: L22: want at most %d files, %d items and 2^53-1 bytes, have more",
                           LISTING_FILES_MAX, LISTING_ITEMS_MAX);
    return TRUE;
}

static gboolean
add_item(ListingWriter *writer, const Item *item, GError **error)
{
    Level *leaf = &writer->levels[0];

    if (!count_up(writer, item, error) || !need_level(writer, 0, error))
        return FALSE;
    if (!page_builder_add_item(leaf->builder, item)) {
        if (!flush(writer, 0, error) || !add_child(writer, 1, error))
            return FALSE;
        page_builder_add_item(leaf->builder, item);
    }
    leaf->mark = mark_of(item);
    if (!is_cut(leaf, 0, ITEM_WEIGHT + CHUNK_WEIGHT * (guint64)item->chunk_count))
        return TRUE;
    return flush(writer, 0, error) && add_child(writer, 1, error);
}

static gboolean
refuse(const char *path, const char *rule, GError **error)
{
    g_autofree char *shown = path_display(path);

    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s", shown, rule);
}

/* L2-L7, L14, L15 for the next entry. */
static gboolean
begin_entry(ListingWriter *writer, const char *path, GError **error)
{
    if (writer->in_file)
        return chama_error(error, CHAMA_ERROR_FAILED, "listing: want the end of a file before the next entry, have the next entry");
    if (!path_check(path, error))
        return FALSE;
    if (path_is_below(path, writer->path->str))
        return refuse(path, "L15: want nothing below a file, link or empty folder, have this", error);
    if (path_compare(writer->path->str, path) >= 0)
        return refuse(path, "L14: want paths in ascending order, each once, have this out of order", error);
    g_string_assign(writer->path, path);
    return TRUE;
}

gboolean
listing_writer_begin_file(ListingWriter *writer, const char *path, GError **error)
{
    if (!begin_entry(writer, path, error))
        return FALSE;
    writer->in_file = TRUE;
    writer->file_bytes = 0;
    g_array_set_size(writer->chunks, 0);
    return TRUE;
}

/* L25: a part ends after a chunk whose digest says so (one in 64), or when it is full, and only if more follows. */
static gboolean
end_part(ListingWriter *writer, GError **error)
{
    const ChunkRef *chunks = (const ChunkRef *)(gpointer)writer->chunks->data;
    guint count = writer->chunks->len;
    Item part = { .kind = ITEM_PART, .path = writer->path->str, .chunks = chunks, .chunk_count = count };

    if (count == 0 || (count < ITEM_CHUNKS_MAX && (chunks[count - 1].digest.bytes[DIGEST_SIZE - 1] & 63) != 0))
        return TRUE;
    if (!add_item(writer, &part, error))
        return FALSE;
    g_array_set_size(writer->chunks, 0);
    return TRUE;
}

static gboolean
check_chunk(const ChunkRef *chunk, GError **error)
{
    if (chunk->size == 0 || chunk->size > CHUNK_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "listing: L16: want chunks of 1 to %d bytes, have %u", CHUNK_SIZE_MAX, chunk->size);
    if (chunk->run == 0 || chunk->run > CHUNK_RUN_MAX || chunk->run * chunk->size > VARINT_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "listing: L16: want runs of 1 to 2^40 chunks and 2^53-1 bytes, have %" G_GUINT64_FORMAT, chunk->run);
    return TRUE;
}

gboolean
listing_writer_chunk(ListingWriter *writer, const ChunkRef *chunk, GError **error)
{
    ChunkRef *last = writer->chunks->len > 0 ? &g_array_index(writer->chunks, ChunkRef, writer->chunks->len - 1) : NULL;

    if (!writer->in_file)
        return chama_error(error, CHAMA_ERROR_FAILED, "listing: want chunks only in a file, have one outside");
    if (!check_chunk(chunk, error))
        return FALSE;
    writer->file_bytes += chunk->size * chunk->run;
    if (writer->file_bytes > VARINT_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "listing: L22: want at most 2^53-1 bytes, have more");
    if (last && digest_equal(&last->digest, &chunk->digest)) {
        ChunkRef joined = { .digest = last->digest, .size = last->size, .run = last->run + chunk->run };

        if (last->size != chunk->size)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "listing: L17: want one size of a chunk, have %u and %u", last->size, chunk->size);
        *last = joined;
        return check_chunk(&joined, error);
    }
    if (!end_part(writer, error))
        return FALSE;
    g_array_append_val(writer->chunks, *chunk);
    return TRUE;
}

/* L19, as far as it can be known from references. */
static gboolean
check_file(const ListingWriter *writer, const Item *file, GError **error)
{
    const Digest *implied = file->chunk_count == 0 ? &digest_of_nothing : &file->chunks[0].digest;

    if (file->size != writer->file_bytes)
        return refuse(file->path, "L19: want its size to be that of its chunks, have another", error);
    if (item_digest_is_implied(file) && !digest_equal(implied, &file->digest))
        return refuse(file->path, "L19: want the digest of its one chunk or of nothing, have another", error);
    return TRUE;
}

gboolean
listing_writer_end_file(ListingWriter *writer, gboolean executable, guint64 size, const Digest *digest, GError **error)
{
    Item file = { .kind = executable ? ITEM_EXECUTABLE : ITEM_FILE, .path = writer->path->str, .size = size, .digest = *digest };

    if (!writer->in_file)
        return chama_error(error, CHAMA_ERROR_FAILED, "listing: want the begin of a file before its end, have none");
    file.chunks = (const ChunkRef *)(gpointer)writer->chunks->data;
    file.chunk_count = writer->chunks->len;
    if (!check_file(writer, &file, error))
        return FALSE;
    writer->in_file = FALSE;
    return add_item(writer, &file, error);
}

gboolean
listing_writer_link(ListingWriter *writer, const char *path, const char *target, GError **error)
{
    gsize size = strnlen(target, LINK_TARGET_MAX + 1);
    Item link = { .kind = ITEM_LINK, .target = target };

    if (!begin_entry(writer, path, error))
        return FALSE;
    if (size == 0 || size > LINK_TARGET_MAX)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "listing: L20: want a link of 1 to %d bytes, have %s", LINK_TARGET_MAX,
                           size == 0 ? "none" : "more");
    link.path = writer->path->str;
    return add_item(writer, &link, error);
}

gboolean
listing_writer_folder(ListingWriter *writer, const char *path, GError **error)
{
    Item folder = { .kind = ITEM_FOLDER };

    if (!begin_entry(writer, path, error))
        return FALSE;
    folder.path = writer->path->str;
    return add_item(writer, &folder, error);
}

/* L23: the first level with one page has the root. */
gboolean
listing_writer_finish(ListingWriter *writer, ListingTotals *totals, GError **error)
{
    if (writer->in_file)
        return chama_error(error, CHAMA_ERROR_FAILED, "listing: want the end of a file before the end of the listing, have none");
    if (!need_level(writer, 0, error))
        return FALSE;
    for (guint number = 0; ; number++) {
        Level *level = &writer->levels[number];
        gboolean open = page_builder_count(level->builder) > 0;

        if ((open || level->pages == 0) && !flush(writer, number, error))
            return FALSE;
        if (level->pages == 1) {
            writer->totals.root = level->last.digest;
            *totals = writer->totals;
            return TRUE;
        }
        if (open && !add_child(writer, number + 1, error))
            return FALSE;
    }
}
