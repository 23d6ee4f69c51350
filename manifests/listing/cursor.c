/* cursor: the items of a tree in order.  The parser checks each page by itself; here is what shows only where pages meet. */
#include <string.h>

#include "keys/error.h"
#include "manifests/listing/cursor_private.h"
#include "manifests/listing/format.h"

ListingCursor *
listing_cursor_new(const Digest *root, ListingGet get, gpointer data, GError **error)
{
    ListingCursor *cursor = g_new0(ListingCursor, 1);

    if (descent_open(&cursor->tree, root, get, data, error))
        return cursor;
    g_free(cursor);
    return NULL;
}

void
listing_cursor_free(ListingCursor *cursor)
{
    if (!cursor)
        return;
    descent_close(&cursor->aside);
    descent_close(&cursor->tree);
    g_free(cursor);
}

void
listing_cursor_pass_over(ListingCursor *cursor, ListingPassOver pass_over, gpointer data)
{
    cursor->pass_over = pass_over;
    cursor->pass_over_data = data;
}

void
listing_cursor_totals(const ListingCursor *cursor, PageRef *totals)
{
    page_totals(cursor->tree.frames[0].page, totals);
    totals->digest = cursor->tree.frames[0].digest;
}

void
listing_cursor_look_ahead(ListingCursor *cursor, ListingAhead ahead, gpointer data)
{
    cursor->ahead = ahead;
    cursor->ahead_data = data;
}

void
cursor_remember_last(ListingCursor *cursor, const Page *page)
{
    const Item *item = page_item(page, page_count(page) - 1);

    cursor->has_previous = TRUE;
    g_strlcpy(cursor->previous, item->path, sizeof cursor->previous);
    cursor->previous_kind = item->kind;
    if (item->kind == ITEM_PART)
        cursor->previous_chunk = item->chunks[item->chunk_count - 1].digest;
}

gboolean
cursor_check_path(const ListingCursor *cursor, const char *path, gboolean goes_on, GError **error)
{
    gboolean same = strcmp(cursor->previous, path) == 0;

    if (same != (cursor->previous_kind == ITEM_PART) || (same && !goes_on))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "listing: L14: want parts before the rest of their file and each path once, have it otherwise");
    if (path_is_below(path, cursor->previous))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "listing: L15: want nothing below a file, link or empty folder, have a path below one");
    if (path_compare(cursor->previous, path) > 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "listing: L14: want paths in ascending order, have a page out of order");
    return TRUE;
}

/* L14, L15, L17 from one page to the next. */
static gboolean
check_follows(const ListingCursor *cursor, const Item *item, GError **error)
{
    if (!cursor_check_path(cursor, item->path, item->kind == ITEM_PART || item_is_file(item), error))
        return FALSE;
    if (strcmp(cursor->previous, item->path) == 0 && digest_equal(&cursor->previous_chunk, &item->chunks[0].digest))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "listing: L17: want neighbouring references to different chunks, have the same chunk twice");
    return TRUE;
}

/* Steps over the child that comes next if nobody needs it.  Its last chunk, which L17 would compare, is not known then. */
static gboolean
pass_over(ListingCursor *cursor)
{
    Frame *frame = descent_top(&cursor->tree);
    const PageRef *child = page_child(frame->page, frame->index);

    if (!cursor->pass_over || child->files > 0 || !cursor->pass_over(cursor->pass_over_data, &child->digest))
        return FALSE;
    memset(&cursor->previous_chunk, 0, sizeof cursor->previous_chunk);
    frame_step(frame);
    return TRUE;
}

/* Up from what is at its end.  FALSE at the end of the tree, without an error unless it ends within a file. */
static gboolean
climb(ListingCursor *cursor, GError **error)
{
    Descent *tree = &cursor->tree;

    while (frame_at_end(descent_top(tree))) {
        if (page_level(descent_top(tree)->page) == 0 && page_count(descent_top(tree)->page) > 0)
            cursor_remember_last(cursor, descent_top(tree)->page);
        if (tree->depth == 1) {
            if (cursor_close_gap(cursor, error) && cursor->in_file)
                chama_error(error, CHAMA_ERROR_MALFORMED, "listing: L14: want the end of a file after its parts, have the end of the listing");
            return FALSE;
        }
        descent_leave(tree);
        frame_step(descent_top(tree));
    }
    return TRUE;
}

/* Past the child that comes next, or into it. */
static gboolean
step(ListingCursor *cursor, GError **error)
{
    gboolean passed;

    if (!cursor_pass_known(cursor, &passed, error))
        return FALSE;
    if (passed)
        return climb(cursor, error);
    if (!cursor_close_gap(cursor, error))
        return FALSE;
    if (pass_over(cursor))
        return climb(cursor, error);
    const Frame *frame = descent_top(&cursor->tree);

    return (!cursor->ahead || cursor->ahead(cursor->ahead_data, frame->page, frame->index, frame->items, error)) && descent_enter(&cursor->tree, error);
}

/* To the next leaf with an item.  FALSE without an error at the end of the tree. */
static gboolean
to_leaf(ListingCursor *cursor, GError **error)
{
    if (!climb(cursor, error))
        return FALSE;
    while (page_level(descent_top(&cursor->tree)->page) > 0) {
        if (!step(cursor, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
listing_cursor_next(ListingCursor *cursor, const Item **item, guint64 *first_position, guint64 *offset, GError **error)
{
    Frame *leaf;
    const Item *next;

    if (!to_leaf(cursor, error))
        return FALSE;
    leaf = descent_top(&cursor->tree);
    next = page_item(leaf->page, leaf->index);
    if (leaf->index == 0 && cursor->has_previous && !check_follows(cursor, next, error))
        return FALSE;
    if (!cursor->in_file)
        cursor->file_start = leaf->content;
    if (item_is_file(next) && leaf->content - cursor->file_start + item_bytes(next) != next->size)
        return chama_error(error, CHAMA_ERROR_VERIFY, "listing: L19: want a file of %" G_GUINT64_FORMAT " bytes to have so many in chunks, have others",
                           next->size);
    if (first_position)
        *first_position = leaf->positions;
    if (offset)
        *offset = leaf->content - cursor->file_start;
    *item = next;
    cursor->in_file = next->kind == ITEM_PART;
    frame_step(leaf);
    return TRUE;
}

gboolean
listing_cursor_seek_path(ListingCursor *cursor, const char *path, GError **error)
{
    cursor->has_previous = cursor->gap = FALSE;
    cursor->in_file = FALSE;
    return descent_seek_path(&cursor->tree, path, error);
}

/* Where the file of the item at which the leaf stands begins.  Its first part may be on an earlier page: then a second descent. */
static gboolean
find_file_start(ListingCursor *cursor, GError **error)
{
    const Descent *tree = &cursor->tree;
    const Frame *leaf = descent_top(&cursor->tree);
    const char *path = page_item(leaf->page, leaf->index)->path;
    g_auto(Descent) other = { .depth = 0 };
    guint first = leaf->index;

    cursor->file_start = leaf->content;
    while (first > 0 && strcmp(page_item(leaf->page, first - 1)->path, path) == 0)
        cursor->file_start -= item_bytes(page_item(leaf->page, --first));
    cursor->in_file = first < leaf->index;
    if (first > 0 || leaf->items == leaf->index)
        return TRUE;

    if (!descent_open(&other, &tree->frames[0].digest, tree->get, tree->data, error) || !descent_seek_path(&other, path, error))
        return FALSE;
    if (descent_top(&other)->content < cursor->file_start) {
        cursor->file_start = descent_top(&other)->content;
        cursor->in_file = TRUE;
    }
    return TRUE;
}

gboolean
listing_cursor_seek_position(ListingCursor *cursor, guint64 position, GError **error)
{
    PageRef totals;

    cursor->has_previous = cursor->gap = FALSE;
    listing_cursor_totals(cursor, &totals);
    if (position >= totals.positions)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "listing: want a position below %" G_GUINT64_FORMAT ", have %" G_GUINT64_FORMAT,
                           totals.positions, position);
    return descent_seek_position(&cursor->tree, position, error) && find_file_start(cursor, error);
}
