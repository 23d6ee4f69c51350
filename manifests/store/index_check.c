/*
 * index_check: the pages of an LMDB file, read without LMDB, which trusts what it reads and would crash, or free a page in use (P24 of
 * manifests/FORMAT.md).  Everything that LMDB follows is looked at: page numbers, kinds, bounds, the order of keys, the counts of the
 * tables, and that no page is used twice or both used and free.  The layout is LMDB's own, version 0.9, 64 bits, little-endian.
 */
#include "manifests/store/index_check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/store/littleendian.h"
#include "manifests/store/pack.h"

#define PAGE_HEADER_SIZE 16
#define NODE_HEADER_SIZE 8
#define PAGE_BRANCH 0x01
#define PAGE_LEAF 0x02
#define PAGE_OVERFLOW 0x04
#define PAGE_META 0x08
#define NODE_BIG 0x01
#define NODE_TABLE 0x02
#define META_MAGIC 0xBEEFC0DE
#define META_VERSION 1
#define META_INTEGER_KEYS 0x08
#define TABLE_SIZE 48
#define META_TABLES_OFFSET (PAGE_HEADER_SIZE + 24)
#define NO_PAGE G_MAXUINT64
#define SLACK_PAGES (1 << 20)
#define DEPTH_MAX 32
#define TABLES 3

typedef struct {
    guint16 flags, depth;
    guint64 branch_pages, leaf_pages, overflow_pages, entries, root;
} Table;

typedef struct {
    gsize page_size;
    guint64 last_page, transaction;
    Table free, tables;
} Meta;

typedef struct Check Check;
typedef struct {
    const guint8 *key;
    gsize key_size;
    guint flags;
    const guint8 *data; /* NULL if it lies in overflow pages */
    gsize size;
    guint64 page;       /* branch: the child; big: the first overflow page */
} Node;

typedef gboolean (*LeafVisit)(Check *check, const Node *node, GError **error);

struct Check {
    int fd;
    Meta meta;
    guint8 *used;       /* a bit a page */
    guint8 *big;        /* content of a value in overflow pages */
    Table found;        /* counts of the tree being walked */
    gboolean integer_keys;
    LeafVisit leaf;
    Table named[TABLES]; /* their records, when the table of tables was walked */
    gboolean has[TABLES];
};

static gboolean
bad(GError **error, guint64 page, const char *what)
{
    return chama_error(error, CHAMA_ERROR_DAMAGED, "index: P24: page %" G_GUINT64_FORMAT ": %s; chama fsck --rebuild-index", page, what);
}

static void
parse_table(const guint8 *at, Table *table)
{
    table->flags = get_le16(at + 4);
    table->depth = get_le16(at + 6);
    table->branch_pages = get_le64(at + 8);
    table->leaf_pages = get_le64(at + 16);
    table->overflow_pages = get_le64(at + 24);
    table->entries = get_le64(at + 32);
    table->root = get_le64(at + 40);
}

/* ---- the two meta pages ---- */

static gboolean
parse_meta(const guint8 *page, guint64 number, Meta *meta, GError **error)
{
    if (get_le16(page + 10) != PAGE_META || get_le32(page + PAGE_HEADER_SIZE) != META_MAGIC ||
        get_le32(page + PAGE_HEADER_SIZE + 4) != META_VERSION)
        return bad(error, number, "no meta page of LMDB");
    meta->page_size = get_le32(page + META_TABLES_OFFSET);
    parse_table(page + META_TABLES_OFFSET, &meta->free);
    parse_table(page + META_TABLES_OFFSET + TABLE_SIZE, &meta->tables);
    meta->last_page = get_le64(page + META_TABLES_OFFSET + 2 * TABLE_SIZE);
    meta->transaction = get_le64(page + META_TABLES_OFFSET + 2 * TABLE_SIZE + 8);
    if (meta->page_size < 512 || meta->page_size > 65536 || (meta->page_size & (meta->page_size - 1)) != 0)
        return bad(error, number, "a page size that cannot be");
    if (meta->free.flags != META_INTEGER_KEYS || meta->tables.flags != 0)
        return bad(error, number, "flags that cannot be");
    return TRUE;
}

/* Pages at the very end may be free and never written; but not many: before anything is allocated or mapped for them. */
static gboolean
check_last_page(const Meta *meta, guint64 number, guint64 file_size, GError **error)
{
    return meta->last_page <= file_size / meta->page_size + SLACK_PAGES || bad(error, number, "a last page beyond the end of the file");
}

static gboolean
read_metas(int fd, Meta metas[2], GError **error)
{
    guint8 page[META_TABLES_OFFSET + 2 * TABLE_SIZE + 16];
    struct stat about;

    if (fstat(fd, &about) < 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "index: the file cannot be looked at");
    for (guint64 number = 0; number < 2; number++)
        if (!pack_pread(fd, "index", number * metas[0].page_size, page, sizeof page, error) ||
            !parse_meta(page, number, &metas[number], error) || !check_last_page(&metas[number], number, (guint64)about.st_size, error))
            return FALSE;
    return metas[0].page_size == metas[1].page_size || bad(error, 1, "another page size");
}

gboolean
index_check_head(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Meta metas[2] = { 0 };
    gboolean ok;

    if (fd < 0)
        return chama_error_errno(error, errno, "%s", path);
    ok = read_metas(fd, metas, error);
    close(fd);
    return ok;
}

/* The one of @transaction, which a read transaction keeps alive. */
static gboolean
read_meta(int fd, guint64 transaction, Meta *meta, GError **error)
{
    Meta metas[2] = { 0 };

    if (!read_metas(fd, metas, error))
        return FALSE;
    *meta = metas[metas[1].transaction == transaction];
    return meta->transaction == transaction || bad(error, 0, "no meta page of the last change");
}

/* ---- pages ---- */

/* Each page has one user: a tree, a value or the list of free pages. */
static gboolean
use_page(Check *check, guint64 page, GError **error)
{
    guint8 bit = (guint8)(1 << (page % 8));

    if (page < 2 || page > check->meta.last_page)
        return bad(error, page, "used, and not in the file");
    if (check->used[page / 8] & bit)
        return bad(error, page, "used twice");
    check->used[page / 8] |= bit;
    return TRUE;
}

static gboolean
read_page(Check *check, guint64 number, guint8 *page, GError **error)
{
    return use_page(check, number, error) &&
           pack_pread(check->fd, "index", number * check->meta.page_size, page, check->meta.page_size, error) &&
           (get_le64(page) == number || bad(error, number, "it says that it is another"));
}

/* A value that begins in overflow page @node->page: all of it, in check->big. */
static gboolean
read_big(Check *check, Node *node, GError **error)
{
    guint64 count = (PAGE_HEADER_SIZE + node->size + check->meta.page_size - 1) / check->meta.page_size;
    guint8 header[PAGE_HEADER_SIZE];

    if (count > check->meta.last_page || node->page > check->meta.last_page - count + 1)
        return bad(error, node->page, "a value that passes the end");
    if (!pack_pread(check->fd, "index", node->page * check->meta.page_size, header, sizeof header, error))
        return FALSE;
    if (get_le64(header) != node->page || get_le16(header + 10) != PAGE_OVERFLOW || get_le32(header + 12) != count)
        return bad(error, node->page, "no overflow page of that value");
    for (guint64 i = 0; i < count; i++)
        if (!use_page(check, node->page + i, error))
            return FALSE;
    check->found.overflow_pages += count;
    check->big = g_realloc(check->big, node->size);
    node->data = check->big;
    return pack_pread(check->fd, "index", node->page * check->meta.page_size + PAGE_HEADER_SIZE, check->big, node->size, error);
}

/* The bytes that a node takes of its page, or 0 if it cannot be one. */
static gsize
parse_node(const Check *check, const guint8 *page, gsize at, gboolean leaf, Node *node)
{
    gsize room = check->meta.page_size, size = NODE_HEADER_SIZE;

    if (at % 2 != 0 || at + NODE_HEADER_SIZE > room)
        return 0;
    memset(node, 0, sizeof *node);
    node->flags = leaf ? get_le16(page + at + 4) : 0;
    node->key_size = get_le16(page + at + 6);
    node->key = page + at + NODE_HEADER_SIZE;
    size += node->key_size;
    if (leaf)
        node->size = get_le32(page + at);
    else
        node->page = get_le32(page + at) | (guint64)get_le16(page + at + 4) << 32;
    if (leaf)
        size += node->flags & NODE_BIG ? sizeof(guint64) : node->size;
    if (size > room || at + size > room)
        return 0;
    node->data = leaf ? node->key + node->key_size : NULL;
    if (node->flags & NODE_BIG)
        node->page = get_le64(node->data);
    return size + size % 2;
}

static int
compare_keys(const Check *check, const Node *a, const Node *b)
{
    gsize common = MIN(a->key_size, b->key_size);
    int order;

    if (check->integer_keys) {
        guint64 x = get_le64(a->key), y = get_le64(b->key);

        return (x > y) - (x < y);
    }
    order = memcmp(a->key, b->key, common);
    return order ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

static gboolean
check_leaf_node(Check *check, guint64 number, Node *node, GError **error)
{
    check->found.entries++;
    if (node->flags & ~(guint)(NODE_BIG | NODE_TABLE))
        return bad(error, number, "a value of a kind that none of ours is");
    if ((node->flags & NODE_BIG) && !read_big(check, node, error))
        return FALSE;
    return check->leaf(check, node, error);
}

/* @low and @high: what the keys below must not be under, and must be under; NULL: no bound. */
typedef struct {
    const Node *low, *high;
} Bounds;

static gboolean check_page(Check *check, guint64 number, guint depth, Bounds bounds, GError **error);

/* Is the key of node @index in order with the one before it, and within the bounds?  A branch's first key stands for "lowest". */
static gboolean
key_in_order(const Check *check, guint index, gboolean leaf, const Node *before, const Node *node, Bounds bounds)
{
    if (!leaf && index == 0)
        return TRUE;
    if (check->integer_keys && node->key_size != sizeof(guint64))
        return FALSE;
    if (node->key_size == 0 || ((leaf ? index > 0 : index > 1) && compare_keys(check, before, node) >= 0))
        return FALSE;
    return (!bounds.low || compare_keys(check, bounds.low, node) <= 0) && (!bounds.high || compare_keys(check, node, bounds.high) < 0);
}

static gboolean
check_nodes(Check *check, guint64 number, const guint8 *page, guint depth, guint count, Bounds bounds, GError **error)
{
    gboolean leaf = depth == 1;
    Node before = { 0 }, node, next;
    gsize taken = 0, size;

    for (guint i = 0; i < count; i++, before = node) {
        size = parse_node(check, page, get_le16(page + PAGE_HEADER_SIZE + 2 * i), leaf, &node);
        taken += size;
        if (size == 0 || !key_in_order(check, i, leaf, &before, &node, bounds))
            return bad(error, number, "a key or value out of place");
        if (leaf && !check_leaf_node(check, number, &node, error))
            return FALSE;
        if (leaf)
            continue;
        if (i + 1 < count && (!parse_node(check, page, get_le16(page + PAGE_HEADER_SIZE + 2 * (i + 1)), FALSE, &next) ||
                              (check->integer_keys && next.key_size != sizeof(guint64))))
            return bad(error, number, "a key out of place");
        if (!check_page(check, node.page, depth - 1,
                        (Bounds){ i == 0 ? bounds.low : &node, i + 1 < count ? &next : bounds.high }, error))
            return FALSE;
    }
    /* LMDB leaves no holes between nodes. */
    return taken == check->meta.page_size - get_le16(page + 14) || bad(error, number, "nodes that do not fill their room");
}

/* @depth 1: a leaf.  The recursion is as deep as the tree, at most DEPTH_MAX. */
static gboolean
check_page(Check *check, guint64 number, guint depth, Bounds bounds, GError **error)
{
    g_autofree guint8 *page = g_malloc(check->meta.page_size);
    guint lower, upper;

    if (!read_page(check, number, page, error))
        return FALSE;
    lower = get_le16(page + 12);
    upper = get_le16(page + 14);
    if (get_le16(page + 10) != (depth == 1 ? PAGE_LEAF : PAGE_BRANCH))
        return bad(error, number, "another kind of page than its place says");
    if (lower < PAGE_HEADER_SIZE + 2 || lower % 2 != 0 || lower > upper || upper > check->meta.page_size)
        return bad(error, number, "bounds that cannot be");
    *(depth == 1 ? &check->found.leaf_pages : &check->found.branch_pages) += 1;
    return check_nodes(check, number, page, depth, (lower - PAGE_HEADER_SIZE) / 2, bounds, error);
}

static gboolean
check_table(Check *check, const Table *table, gboolean integer_keys, LeafVisit leaf, GError **error)
{
    memset(&check->found, 0, sizeof check->found);
    check->integer_keys = integer_keys;
    check->leaf = leaf;
    if (table->depth > DEPTH_MAX || (table->root == NO_PAGE) != (table->depth == 0))
        return bad(error, table->root, "a tree that cannot be");
    if (table->depth > 0 && !check_page(check, table->root, table->depth, (Bounds){ NULL, NULL }, error))
        return FALSE;
    if (check->found.entries != table->entries || check->found.leaf_pages != table->leaf_pages ||
        check->found.branch_pages != table->branch_pages || check->found.overflow_pages != table->overflow_pages)
        return bad(error, table->root, "a tree of another size than its table says");
    return TRUE;
}

/* ---- the tables ---- */

/* The value of the list of free pages: a count, then at least that many page numbers. */
static gboolean
visit_free(Check *check, const Node *node, GError **error)
{
    guint64 room = node->size / sizeof(guint64), count = room ? get_le64(node->data) : 0;

    if (room == 0 || node->size % sizeof(guint64) != 0 || count > room - 1)
        return bad(error, check->meta.free.root, "a list of free pages that cannot be");
    for (guint64 i = 1; i <= count; i++)
        if (!use_page(check, get_le64(node->data + i * sizeof(guint64)), error))
            return FALSE;
    return TRUE;
}

static gboolean
visit_value(Check *check, const Node *node, GError **error)
{
    return node->flags == 0 || bad(error, 0, "a value of a kind that none of ours is");
}

/* In the order in which they are walked: the last ones grow with the store. */
static const char *const table_names[TABLES] = { "packs", "marks", "objects" };

static gboolean
visit_name(Check *check, const Node *node, GError **error)
{
    if (node->flags == 0)
        return TRUE;
    for (guint i = 0; i < TABLES; i++) {
        if (node->flags != NODE_TABLE || node->size != TABLE_SIZE || node->key_size != strlen(table_names[i]) ||
            memcmp(node->key, table_names[i], node->key_size) != 0)
            continue;
        parse_table(node->data, &check->named[i]);
        check->has[i] = check->named[i].flags == 0;
        return check->has[i] || bad(error, 0, "a table with flags that none of ours has");
    }
    return bad(error, 0, "a table that is none of ours");
}

static gboolean
check_all(Check *check, guint tables, GError **error)
{
    check->used = g_malloc0(check->meta.last_page / 8 + 1);
    if (!check_table(check, &check->meta.tables, FALSE, visit_name, error))
        return FALSE;
    for (guint i = 0; i < TABLES; i++)
        if (!check->has[i])
            return bad(error, 0, "a table is missing");
    for (guint i = 0; i < tables; i++)
        if (!check_table(check, &check->named[i], FALSE, visit_value, error))
            return FALSE;
    return check_table(check, &check->meta.free, TRUE, visit_free, error);
}

gboolean
index_check_pages(int fd, guint64 transaction, gboolean whole, GError **error)
{
    Check check = { .fd = fd };
    gboolean ok;

    if (!read_meta(fd, transaction, &check.meta, error))
        return FALSE;
    ok = check_all(&check, whole ? TABLES : 1, error);
    g_free(check.used);
    g_free(check.big);
    return ok;
}
