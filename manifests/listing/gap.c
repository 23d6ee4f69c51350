/* gap: pages that a cursor leaves out because the caller knows them.  What the rules ask of the places where they meet others is checked all the
 * same, by the first and the last item of what was left out in one piece: two descents, which share most of their pages. */
#include "manifests/listing/cursor_private.h"
#include "manifests/listing/format.h"

void
listing_cursor_leave_out(ListingCursor *cursor, ListingKnows knows, gpointer data)
{
    cursor->knows = knows;
    cursor->knows_data = data;
}

/* The leaf with item number @number, standing there; NULL with an error. */
static const Frame *
look_at(ListingCursor *cursor, guint64 number, GError **error)
{
    const Descent *tree = &cursor->tree;
    Descent *aside = &cursor->aside;

    if (aside->depth == 0 && !descent_open(aside, &tree->frames[0].digest, tree->get, tree->data, error))
        return NULL;
    if (!descent_go_to_page(aside, 0, number, error))
        return NULL;
    descent_stand_at_item(aside, number);
    return descent_top(aside);
}

/* L14, L15, L19 where known pages begin: with something whole, for of a file that goes on there the sum would not be known. */
static gboolean
check_begin(ListingCursor *cursor, guint64 number, gboolean *whole, GError **error)
{
    const Frame *leaf = look_at(cursor, number, error);
    const Item *item = leaf ? page_item(leaf->page, leaf->index) : NULL;

    if (!item)
        return FALSE;
    *whole = item->kind != ITEM_PART && (!item_is_file(item) || item_bytes(item) == item->size);
    return !*whole || !cursor->has_previous || cursor_check_path(cursor, item->path, FALSE, error);
}

gboolean
cursor_pass_known(ListingCursor *cursor, gboolean *passed, GError **error)
{
    Frame *frame = descent_top(&cursor->tree);
    const PageRef *child = page_child(frame->page, frame->index);
    gboolean whole = TRUE;
    ListingKnown known;

    *passed = FALSE;
    if (!cursor->knows || child->files == 0 || (cursor->in_file && !cursor->gap))
        return TRUE;
    known = cursor->knows(cursor->knows_data, page_level(frame->page) - 1, child, cursor->gap);
    if (known == LISTING_UNKNOWN)
        return TRUE;
    if (known == LISTING_KNOWN && (!cursor_close_gap(cursor, error) || (!cursor->in_file && !check_begin(cursor, frame->items, &whole, error))))
        return FALSE;
    if (known == LISTING_KNOWN && (cursor->in_file || !whole))
        return TRUE;
    cursor->gap = *passed = TRUE;
    frame_step(frame);
    return TRUE;
}

/* Where the file begins whose part the last item is. */
static gboolean
find_start(ListingCursor *cursor, GError **error)
{
    Descent *aside = &cursor->aside;

    if (!descent_seek_path(aside, cursor->previous, error))
        return FALSE;
    cursor->file_start = descent_top(aside)->content;
    return TRUE;
}

gboolean
cursor_close_gap(ListingCursor *cursor, GError **error)
{
    const Frame *leaf;

    if (!cursor->gap)
        return TRUE;
    leaf = look_at(cursor, descent_top(&cursor->tree)->items - 1, error);
    if (!leaf)
        return FALSE;
    cursor->gap = FALSE;
    cursor_remember_last(cursor, leaf->page);
    cursor->in_file = cursor->previous_kind == ITEM_PART;
    return !cursor->in_file || find_start(cursor, error);
}
