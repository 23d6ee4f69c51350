#include "manifests/listing/page.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/listing/format.h"
#include "manifests/listing/varint.h"

#define ITEM_SIZE_MIN 4                      /* kind, shared, length, one byte of path */
#define CHILD_SIZE_MIN (DIGEST_SIZE + 2 + 4) /* digest, shared, length, four counts */
#define CHUNK_REF_SIZE_MIN (1 + DIGEST_SIZE)

struct Page {
    guint level;
    guint count;
    Item *items;             /* level 0 */
    PageRef *children;       /* level > 0 */
    ChunkRef *chunks;        /* of all items; sized by the bytes of the page, so that pointers into it stay */
    GStringChunk *strings;
    PageRef totals;
};

/* What is being read.  A failed step sets @error and returns FALSE. */
typedef struct {
    const guint8 *at, *end;
    Page *page;
    const char *path;        /* of the item or child before; "" at first */
    gsize path_size;
    gsize paths_size;        /* L12 */
    guint chunk_count;       /* of the page so far */
    guint64 file_bytes;      /* of the file being read, as far as this page shows it */
    gboolean continued;      /* that file may have begun on an earlier page */
    GError **error;
} Parser;

/* A path as it was read: the same as the one before, or one that follows it. */
typedef struct {
    const char *text;
    gboolean same;
} ParsedPath;

const Digest digest_of_nothing = {{
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
}};

guint64
item_bytes(const Item *item)
{
    guint64 sum = 0;

    for (guint i = 0; i < item->chunk_count; i++)
        sum += item->chunks[i].size * item->chunks[i].run;
    return sum;
}

gboolean
item_is_file(const Item *item)
{
    return item->kind == ITEM_FILE || item->kind == ITEM_EXECUTABLE;
}

gboolean
item_digest_is_implied(const Item *item)
{
    if (item->chunk_count == 0)
        return item->size == 0;
    return item->chunk_count == 1 && item->chunks[0].run == 1 && item->chunks[0].size == item->size;
}

static gboolean
malformed(Parser *parser, const char *rule, const char *want)
{
    return chama_error(parser->error, CHAMA_ERROR_MALFORMED, "listing page: %s: want %s", rule, want);
}

static gboolean
too_much(Parser *parser, const char *rule, const char *what, guint64 most, guint64 have)
{
    return chama_error(parser->error, CHAMA_ERROR_LIMIT, "listing page: %s: want at most %" G_GUINT64_FORMAT " %s, have %" G_GUINT64_FORMAT,
                       rule, most, what, have);
}

static gsize
left(const Parser *parser)
{
    return (gsize)(parser->end - parser->at);
}

static gboolean
read_number(Parser *parser, const char *what, guint64 *value)
{
    if (varint_read(&parser->at, parser->end, value))
        return TRUE;
    return chama_error(parser->error, CHAMA_ERROR_MALFORMED,
                       "listing page: L9: want %s as a number of at most 2^53-1 in its shortest form, have something else", what);
}

static const guint8 *
read_bytes(Parser *parser, guint64 size, const char *what)
{
    const guint8 *bytes = parser->at;

    if (size > left(parser))
        return chama_error_null(parser->error, CHAMA_ERROR_MALFORMED, "listing page: L10: want %" G_GUINT64_FORMAT " bytes of %s, have %zu",
                                size, what, left(parser));
    parser->at += size;
    return bytes;
}

static gboolean
read_digest(Parser *parser, Digest *digest)
{
    const guint8 *bytes = read_bytes(parser, DIGEST_SIZE, "a digest");

    if (!bytes)
        return FALSE;
    memcpy(digest->bytes, bytes, DIGEST_SIZE);
    return TRUE;
}

static gboolean
read_magic(Parser *parser)
{
    const guint8 *magic = read_bytes(parser, PAGE_MAGIC_SIZE, "magic");

    if (!magic)
        return FALSE;
    if (memcmp(magic, PAGE_MAGIC, PAGE_MAGIC_SIZE - 1) != 0)
        return malformed(parser, "L8", "a page that begins with \"" PAGE_MAGIC "\", have other bytes");
    if (magic[PAGE_MAGIC_SIZE - 1] != PAGE_MAGIC[PAGE_MAGIC_SIZE - 1])
        return chama_error(parser->error, CHAMA_ERROR_UNSUPPORTED, "listing page: L8: want version 1, have version byte 0x%02x",
                           magic[PAGE_MAGIC_SIZE - 1]);
    return TRUE;
}

/* L8, and L10: the count is bounded by the bytes that are there, before it sizes anything. */
static gboolean
read_head(Parser *parser)
{
    const guint8 *place;
    guint64 count;

    if (!read_magic(parser) || !(place = read_bytes(parser, PAGE_HEAD_SIZE - PAGE_MAGIC_SIZE, "head")))
        return FALSE;
    if (place[0] > PAGE_LEVEL_MAX)
        return too_much(parser, "L8", "as level", PAGE_LEVEL_MAX, place[0]);
    if (place[1] != PAGE_CHUNKER_FASTCDC_1)
        return chama_error(parser->error, CHAMA_ERROR_UNSUPPORTED, "listing page: L8: want chunker 1 (fastcdc/1), have %u", place[1]);
    if (!read_number(parser, "the count", &count))
        return FALSE;
    if (count > left(parser) / (place[0] == 0 ? ITEM_SIZE_MIN : CHILD_SIZE_MIN))
        return malformed(parser, "L10", "no more items than the page has bytes for, have a larger count");
    parser->page->level = place[0];
    parser->page->count = (guint)count;
    return TRUE;
}

/* L11: the prefix is the longest one, so its end decides the order (L2). */
static gboolean
check_prefix(Parser *parser, guint64 shared, const guint8 *rest, guint64 rest_size)
{
    if (shared > parser->path_size)
        return malformed(parser, "L11", "a prefix no longer than the path before, have a longer one");
    if (rest_size > 0 && shared < parser->path_size && (guint8)parser->path[shared] == rest[0])
        return malformed(parser, "L11", "the longest shared prefix, have a shorter one");
    if (shared + rest_size > PATH_SIZE_MAX || shared + rest_size == 0)
        return malformed(parser, "L3", "a path of 1 to " G_STRINGIFY(PATH_SIZE_MAX) " bytes, have none or more");
    if (memchr(rest, '\0', rest_size))
        return malformed(parser, "L7", "a path without NUL, have one");
    return TRUE;
}

/* L14 (L23 above the leaves): the order, which also keeps equal paths adjacent; L15: nothing below what is not a folder. */
static gboolean
check_order(Parser *parser, const char *text)
{
    if (parser->path_size == 0)
        return TRUE;
    if (path_is_below(text, parser->path))
        return malformed(parser, "L15", "nothing below a file, link or empty folder, have a path below the one before");
    if (path_compare(parser->path, text) > 0)
        return malformed(parser, parser->page->level == 0 ? "L14" : "L23", "paths in ascending order, have one before the one before");
    return TRUE;
}

static gboolean
read_path(Parser *parser, ParsedPath *path)
{
    char text[PATH_SIZE_MAX + 1];
    guint64 shared, rest_size;
    const guint8 *rest;

    if (!read_number(parser, "the shared length of a path", &shared) || !read_number(parser, "the length of a path", &rest_size)
        || !(rest = read_bytes(parser, rest_size, "a path")) || !check_prefix(parser, shared, rest, rest_size))
        return FALSE;
    parser->paths_size += shared + rest_size + 1;
    if (parser->paths_size > PAGE_PATHS_MAX)
        return too_much(parser, "L12", "bytes of paths", PAGE_PATHS_MAX, parser->paths_size);
    path->same = rest_size == 0 && shared == parser->path_size;
    path->text = parser->path;
    if (path->same)
        return TRUE;

    memcpy(text, parser->path, shared);
    memcpy(text + shared, rest, rest_size);
    text[shared + rest_size] = '\0';
    if (!path_check(text, parser->error) || !check_order(parser, text))
        return FALSE;
    path->text = g_string_chunk_insert_len(parser->page->strings, text, (gssize)(shared + rest_size));
    parser->path = path->text;
    parser->path_size = shared + rest_size;
    return TRUE;
}

static gboolean
read_chunk(Parser *parser, ChunkRef *chunk)
{
    guint64 size, more = 0;

    if (!read_number(parser, "the size of a chunk", &size) || !read_digest(parser, &chunk->digest))
        return FALSE;
    if ((size & 1) && !read_number(parser, "the run of a chunk", &more))
        return FALSE;
    chunk->run = size & 1 ? more + 2 : 1;
    size >>= 1;
    if (size == 0)
        return malformed(parser, "L16", "chunks of at least 1 byte, have one of 0");
    if (size > CHUNK_SIZE_MAX)
        return too_much(parser, "L16", "bytes in a chunk", CHUNK_SIZE_MAX, size);
    if (chunk->run > CHUNK_RUN_MAX)
        return too_much(parser, "L16", "chunks in a run", CHUNK_RUN_MAX, chunk->run);
    if (size * chunk->run > VARINT_MAX) /* so that the sums of an item cannot wrap */
        return too_much(parser, "L22", "bytes", VARINT_MAX, size * chunk->run);
    chunk->size = (guint32)size;
    return TRUE;
}

/* L17: equal neighbours are one run, in an item and from one item of a file to the next. */
static gboolean
read_chunks(Parser *parser, Item *item, const Item *before)
{
    const ChunkRef *last = before && before->chunk_count > 0 ? &before->chunks[before->chunk_count - 1] : NULL;
    ChunkRef *chunks = parser->page->chunks + parser->chunk_count;
    guint64 count;

    if (!read_number(parser, "the count of chunks", &count))
        return FALSE;
    if (count > ITEM_CHUNKS_MAX)
        return too_much(parser, "L18", "chunk references in an item", ITEM_CHUNKS_MAX, count);
    if (count == 0 && (item->kind == ITEM_PART || item->size > 0))
        return malformed(parser, "L18", "at least one chunk reference unless the file is empty, have none");
    for (guint i = 0; i < count; i++) {
        if (!read_chunk(parser, &chunks[i]))
            return FALSE;
        if (last && digest_equal(&last->digest, &chunks[i].digest))
            return malformed(parser, "L17", "neighbouring references to different chunks, have the same chunk twice");
        last = &chunks[i];
    }
    parser->chunk_count += (guint)count;
    item->chunks = chunks;
    item->chunk_count = (guint)count;
    parser->file_bytes += item_bytes(item);
    return parser->file_bytes <= VARINT_MAX || too_much(parser, "L22", "bytes", VARINT_MAX, parser->file_bytes);
}

/* L19: a file that began on this page must have its size in chunks here; of one that may have begun earlier the tree shows it. */
static gboolean
read_file_end(Parser *parser, Item *item)
{
    if (parser->continued ? parser->file_bytes > item->size : parser->file_bytes != item->size)
        return chama_error(parser->error, CHAMA_ERROR_MALFORMED,
                           "listing page: L19: want a file of %" G_GUINT64_FORMAT " bytes to have so many in chunks, have %" G_GUINT64_FORMAT,
                           item->size, parser->file_bytes);
    if (!item_digest_is_implied(item))
        return read_digest(parser, &item->digest);
    item->digest = item->chunk_count == 0 ? digest_of_nothing : item->chunks[0].digest;
    return TRUE;
}

static gboolean
read_target(Parser *parser, Item *item)
{
    const guint8 *target;
    guint64 size;

    if (!read_number(parser, "the length of a link", &size) || !(target = read_bytes(parser, size, "a link")))
        return FALSE;
    if (size == 0 || size > LINK_TARGET_MAX || memchr(target, '\0', size))
        return malformed(parser, "L20", "a link of 1 to " G_STRINGIFY(LINK_TARGET_MAX) " bytes without NUL, have another");
    item->target = g_string_chunk_insert_len(parser->page->strings, (const char *)target, (gssize)size);
    return TRUE;
}

/* L14: all items of a file follow each other; only parts come before others with the same path. */
static gboolean
check_sequence(Parser *parser, const Item *item, const Item *before, gboolean same)
{
    if (same && before->kind != ITEM_PART)
        return malformed(parser, "L14", "each path once, have one twice");
    if (same && item->kind != ITEM_PART && !item_is_file(item))
        return malformed(parser, "L14", "a file after its parts, have a link or folder of the same path");
    if (!same && before && before->kind == ITEM_PART)
        return malformed(parser, "L14", "a part to be followed by more of its file, have another path");
    return TRUE;
}

static gboolean
add(Parser *parser, guint64 *sum, guint64 more, guint64 most, const char *what)
{
    *sum += more; /* both below 2^60: no overflow */
    return *sum <= most || too_much(parser, "L22", what, most, *sum);
}

static gboolean
count_up(Parser *parser, guint64 items, guint64 files, guint64 positions, guint64 bytes)
{
    PageRef *totals = &parser->page->totals;

    return add(parser, &totals->items, items, LISTING_ITEMS_MAX, "items") && add(parser, &totals->files, files, LISTING_FILES_MAX, "files")
           && add(parser, &totals->positions, positions, VARINT_MAX, "positions") && add(parser, &totals->bytes, bytes, VARINT_MAX, "bytes");
}

static gboolean
read_body(Parser *parser, Item *item, const Item *before)
{
    switch (item->kind) {
    case ITEM_PART:
        return read_chunks(parser, item, before);
    case ITEM_FILE:
    case ITEM_EXECUTABLE:
        return read_number(parser, "the size of a file", &item->size) && read_chunks(parser, item, before) && read_file_end(parser, item);
    case ITEM_LINK:
        return read_target(parser, item);
    default: /* ITEM_FOLDER has nothing more */
        return TRUE;
    }
}

static gboolean
read_item(Parser *parser, guint index)
{
    const Item *before = index > 0 ? &parser->page->items[index - 1] : NULL;
    Item *item = &parser->page->items[index];
    const guint8 *kind = read_bytes(parser, 1, "an item");
    ParsedPath path;

    if (!kind)
        return FALSE;
    if (*kind > ITEM_FOLDER)
        return malformed(parser, "L13", "an item of kind 0 to 4, have another");
    if (!read_path(parser, &path))
        return FALSE;
    item->kind = (ItemKind)*kind;
    item->path = path.text;
    if (!check_sequence(parser, item, before, path.same))
        return FALSE;
    if (!path.same) {
        parser->file_bytes = 0;
        parser->continued = index == 0;
    }
    return read_body(parser, item, path.same ? before : NULL)
           && count_up(parser, 1, item->kind != ITEM_PART, item->chunk_count, item_bytes(item));
}

/* L21: what counts of one child can be: parts have chunks, chunks have bytes. */
static gboolean
check_counts(Parser *parser, const PageRef *child)
{
    if (child->items == 0 || child->files > child->items || child->items - child->files > child->positions
        || child->positions > child->bytes || (child->positions == 0 && child->bytes > 0))
        return malformed(parser, "L21", "counts of a child that can be, have others");
    return TRUE;
}

/* L23: a page of parts alone is followed by a page that goes on with the same file, and no other is. */
static gboolean
read_child(Parser *parser, guint index)
{
    const PageRef *before = index > 0 ? &parser->page->children[index - 1] : NULL;
    PageRef *child = &parser->page->children[index];
    ParsedPath path;

    if (!read_digest(parser, &child->digest) || !read_path(parser, &path))
        return FALSE;
    child->path = path.text;
    if (before && path.same != (before->files == 0))
        return malformed(parser, "L23", "the same path after a child of parts alone and only there, have it otherwise");
    return read_number(parser, "the items of a child", &child->items) && read_number(parser, "the files of a child", &child->files)
           && read_number(parser, "the positions of a child", &child->positions) && read_number(parser, "the bytes of a child", &child->bytes)
           && check_counts(parser, child) && count_up(parser, child->items, child->files, child->positions, child->bytes);
}

static gboolean
read_items(Parser *parser)
{
    Page *page = parser->page;

    page->items = g_new0(Item, page->count);
    page->chunks = g_new(ChunkRef, left(parser) / CHUNK_REF_SIZE_MIN + 1);
    for (guint i = 0; i < page->count; i++) {
        if (!read_item(parser, i))
            return FALSE;
    }
    page->totals.path = page->count > 0 ? page->items[0].path : NULL;
    return TRUE;
}

static gboolean
read_children(Parser *parser)
{
    Page *page = parser->page;

    if (page->count == 0)
        return malformed(parser, "L23", "a page above the leaves to have children, have none");
    page->children = g_new0(PageRef, page->count);
    for (guint i = 0; i < page->count; i++) {
        if (!read_child(parser, i))
            return FALSE;
    }
    page->totals.path = page->children[0].path;
    return TRUE;
}

Page *
page_parse(GBytes *bytes, GError **error)
{
    g_autoptr(Page) page = g_new0(Page, 1);
    Parser parser = { .page = page, .path = "", .error = error };
    gsize size;

    page->strings = g_string_chunk_new(4096);
    parser.at = g_bytes_get_data(bytes, &size);
    parser.end = parser.at + size;
    if (size > PAGE_SIZE_MAX) {
        too_much(&parser, "L1", "bytes", PAGE_SIZE_MAX, size);
        return NULL;
    }
    if (!read_head(&parser) || !(page->level == 0 ? read_items(&parser) : read_children(&parser)))
        return NULL;
    if (left(&parser) > 0) {
        malformed(&parser, "L10", "nothing after the last item, have more bytes");
        return NULL;
    }
    return g_steal_pointer(&page);
}

void
page_free(Page *page)
{
    if (!page)
        return;
    g_free(page->items);
    g_free(page->children);
    g_free(page->chunks);
    g_string_chunk_free(page->strings);
    g_free(page);
}

guint
page_level(const Page *page)
{
    return page->level;
}

guint
page_count(const Page *page)
{
    return page->count;
}

const Item *
page_item(const Page *page, guint index)
{
    return &page->items[index];
}

const PageRef *
page_child(const Page *page, guint index)
{
    return &page->children[index];
}

void
page_totals(const Page *page, PageRef *totals)
{
    *totals = page->totals;
}
