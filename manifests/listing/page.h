/*
 * page: one page of a listing, bytes <-> items (manifests/FORMAT.md, part 4, rules L1-L26).  A listing is a tree of pages cut by
 * content.  Leaf pages (level 0) hold items in path order; pages above hold references to the pages below with their counts.
 *
 * The order of paths: bytes, with '/' below every other byte, so that a folder's content is contiguous and comes right after
 * where the folder would be.  A file is zero or more ITEM_PART items (runs of its chunks) followed by one ITEM_FILE, which
 * holds its size, digest and last chunks.  A page stands alone: parsing needs nothing but its bytes.
 *
 * Pure and bounded: at most PAGE_SIZE_MAX bytes, every count checked before its allocation.
 */
#ifndef CHAMA_MANIFESTS_LISTING_PAGE_H
#define CHAMA_MANIFESTS_LISTING_PAGE_H

#include <glib.h>

#include "keys/digest.h"

#define PAGE_SIZE_MAX (64 * 1024)
#define PAGE_LEVEL_MAX 15
#define PATH_SIZE_MAX 1024
#define PATH_COMPONENT_MAX 255
#define LINK_TARGET_MAX 4095
#define ITEM_CHUNKS_MAX 1024          /* chunk references in one item */
#define LISTING_FILES_MAX 100000000
#define LISTING_ITEMS_MAX 1000000000
#define CHUNK_SIZE_MAX (256 * 1024)
#define CHUNK_RUN_MAX (G_GUINT64_CONSTANT(1) << 40)

typedef enum { ITEM_PART = 0, ITEM_FILE = 1, ITEM_EXECUTABLE = 2, ITEM_LINK = 3, ITEM_FOLDER = 4 } ItemKind;

/* One position of a listing: a chunk, @run times in a row (a hole of 5 GiB is one reference). */
typedef struct {
    Digest digest;
    guint32 size;  /* 1..CHUNK_SIZE_MAX */
    guint64 run;   /* 1.. */
} ChunkRef;

typedef struct {
    ItemKind kind;
    const char *path;         /* NUL-terminated; any bytes but NUL, in components */
    guint64 size;             /* of the whole file: ITEM_FILE, ITEM_EXECUTABLE */
    Digest digest;            /* SHA-256 of the whole file: the same kinds */
    const char *target;       /* ITEM_LINK */
    const ChunkRef *chunks;   /* PART, FILE, EXECUTABLE */
    guint chunk_count;
} Item;

/* Bytes of content of an item's chunks. */
guint64 item_bytes(const Item *item);

/* A reference to a page one level below. */
typedef struct {
    Digest digest;
    const char *path;         /* of the first item below */
    guint64 items;            /* items in the leaves below */
    guint64 files;            /* of which files, links and folders (all but parts) */
    guint64 positions;        /* chunk references below */
    guint64 bytes;            /* bytes of content below */
} PageRef;

typedef struct Page Page;

/* Parses and checks every rule that one page can show (order, spelling, limits, counts).  Borrows nothing from @bytes after
 * return.  MALFORMED, LIMIT or (another version or chunker) UNSUPPORTED, with the rule number. */
Page *page_parse(GBytes *bytes, GError **error);
void page_free(Page *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Page, page_free)

guint page_level(const Page *page);
guint page_count(const Page *page);
const Item *page_item(const Page *page, guint index);         /* level 0 */
const PageRef *page_child(const Page *page, guint index);     /* level > 0 */
/* What a reference to this page must say, but for its digest.  path is NULL for the empty root. */
void page_totals(const Page *page, PageRef *totals);

/* Rules L3-L7 for one path, as it stands in a listing: MALFORMED naming the rule and the path (escaped). */
gboolean path_check(const char *path, GError **error);
/* The order of L2; <0, 0, >0. */
int path_compare(const char *a, const char *b);
/* TRUE if @below lies in the folder @path. */
gboolean path_is_below(const char *below, const char *path);
/* For people: valid UTF-8 as it is, other bytes and control characters as \xNN, backslash doubled.  The caller's. */
char *path_display(const char *path);

/* Bytes of a page being built. */
typedef struct PageBuilder PageBuilder;
PageBuilder *page_builder_new(guint level);
void page_builder_free(PageBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PageBuilder, page_builder_free)
/* Appends; the caller keeps the order.  Returns FALSE (and appends nothing) if the page would pass PAGE_SIZE_MAX. */
gboolean page_builder_add_item(PageBuilder *builder, const Item *item);
gboolean page_builder_add_child(PageBuilder *builder, const PageRef *child);
gsize page_builder_size(const PageBuilder *builder);
guint page_builder_count(const PageBuilder *builder);
/* The bytes, and what a reference to them says (totals->path is the caller's to g_free via page_ref_clear()); the builder is empty again. */
GBytes *page_builder_take(PageBuilder *builder, PageRef *reference);
void page_ref_clear(PageRef *reference);

#endif
