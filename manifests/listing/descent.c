#include "manifests/listing/descent.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/listing/format.h"

Frame *
descent_top(Descent *descent)
{
    return &descent->frames[descent->depth - 1];
}

static void
frame_clear(Frame *frame)
{
    g_clear_pointer(&frame->page, page_free);
    g_clear_pointer(&frame->bytes, g_bytes_unref);
}

/* Reads a page into the next frame, which is not yet in use. */
static gboolean
load(Descent *descent, const Digest *digest, GError **error)
{
    Frame *frame = &descent->frames[descent->depth];
    char hex[DIGEST_HEX_SIZE];

    *frame = (Frame){ .digest = *digest };
    frame->bytes = descent->get(descent->data, digest, error);
    if (!frame->bytes)
        return FALSE;
    frame->page = page_parse(frame->bytes, error);
    if (frame->page)
        return TRUE;
    g_prefix_error(error, "%.16s: ", digest_format_hex(digest, hex));
    frame_clear(frame);
    return FALSE;
}

/* L23: the root is not a page with one child. */
gboolean
descent_open(Descent *descent, const Digest *root, ListingGet get, gpointer data, GError **error)
{
    *descent = (Descent){ .get = get, .data = data };
    if (!load(descent, root, error))
        return FALSE;
    if (page_level(descent->frames[0].page) > 0 && page_count(descent->frames[0].page) == 1) {
        frame_clear(&descent->frames[0]);
        return chama_error(error, CHAMA_ERROR_MALFORMED, "listing root: L23: want at least 2 children, have 1");
    }
    descent->depth = 1;
    return TRUE;
}

void
descent_close(Descent *descent)
{
    while (descent->depth > 0)
        frame_clear(&descent->frames[--descent->depth]);
}

static gboolean
same_counts(const PageRef *a, const PageRef *b)
{
    return a->items == b->items && a->files == b->files && a->positions == b->positions && a->bytes == b->bytes;
}

/* L24: the page is what its parent says.  L23: only the last page of a level may have one child. */
static gboolean
check_child(const Descent *descent, const Frame *parent, const PageRef *reference, const Page *page, GError **error)
{
    PageRef root, totals;

    page_totals(descent->frames[0].page, &root);
    page_totals(page, &totals);
    if (page_level(page) + 1 != page_level(parent->page))
        return chama_error(error, CHAMA_ERROR_VERIFY, "listing page: L24: want level %u below its parent, have %u",
                           page_level(parent->page) - 1, page_level(page));
    if (!same_counts(&totals, reference) || strcmp(totals.path, reference->path) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "listing page: L24: want the first path and the counts that its parent states, have others");
    if (page_level(page) > 0 && page_count(page) == 1 && parent->items + reference->items < root.items)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "listing page: L23: want at least 2 children except at the end, have 1");
    return TRUE;
}

gboolean
descent_enter(Descent *descent, GError **error)
{
    const Frame *parent = descent_top(descent);
    const PageRef *reference = page_child(parent->page, parent->index);
    Frame *frame = &descent->frames[descent->depth];

    if (!load(descent, &reference->digest, error))
        return FALSE;
    if (!check_child(descent, parent, reference, frame->page, error)) {
        frame_clear(frame);
        return FALSE;
    }
    frame->items = parent->items;
    frame->positions = parent->positions;
    frame->content = parent->content;
    descent->depth++;
    return TRUE;
}

void
descent_leave(Descent *descent)
{
    frame_clear(&descent->frames[--descent->depth]);
}

void
descent_rewind(Descent *descent)
{
    Frame *root = &descent->frames[0];

    while (descent->depth > 1)
        descent_leave(descent);
    root->index = 0;
    root->items = root->positions = root->content = 0;
}

gboolean
frame_at_end(const Frame *frame)
{
    return frame->index >= page_count(frame->page);
}

void
frame_step(Frame *frame)
{
    if (page_level(frame->page) == 0) {
        const Item *item = page_item(frame->page, frame->index);

        frame->items++;
        frame->positions += item->chunk_count;
        frame->content += item_bytes(item);
    } else {
        const PageRef *child = page_child(frame->page, frame->index);

        frame->items += child->items;
        frame->positions += child->positions;
        frame->content += child->bytes;
    }
    frame->index++;
}

/* To the last child whose first path is before @path: the items before the next child's first are in it. */
static void
step_to_path(Frame *frame, const char *path)
{
    while (frame->index + 1 < page_count(frame->page) && path_compare(page_child(frame->page, frame->index + 1)->path, path) < 0)
        frame_step(frame);
}

gboolean
descent_seek_path(Descent *descent, const char *path, GError **error)
{
    Frame *frame;

    descent_rewind(descent);
    while (page_level(descent_top(descent)->page) > 0) {
        step_to_path(descent_top(descent), path);
        if (!descent_enter(descent, error))
            return FALSE;
    }
    frame = descent_top(descent);
    while (!frame_at_end(frame) && path_compare(page_item(frame->page, frame->index)->path, path) < 0)
        frame_step(frame);
    return TRUE;
}

static guint64
positions_here(const Frame *frame)
{
    if (page_level(frame->page) == 0)
        return page_item(frame->page, frame->index)->chunk_count;
    return page_child(frame->page, frame->index)->positions;
}

gboolean
descent_seek_position(Descent *descent, guint64 position, GError **error)
{
    descent_rewind(descent);
    for (;;) {
        Frame *frame = descent_top(descent);

        /* The counts were checked, so the position is within one of them. */
        while (position >= frame->positions + positions_here(frame))
            frame_step(frame);
        if (page_level(frame->page) == 0)
            return TRUE;
        if (!descent_enter(descent, error))
            return FALSE;
    }
}

static guint64
items_here(const Frame *frame)
{
    return page_level(frame->page) == 0 ? 1 : page_child(frame->page, frame->index)->items;
}

static void
step_to_item(Frame *frame, guint64 item)
{
    while (!frame_at_end(frame) && item >= frame->items + items_here(frame))
        frame_step(frame);
}

gboolean
descent_stand_at_item(Descent *descent, guint64 item)
{
    Frame *frame = descent_top(descent);

    step_to_item(frame, item);
    return !frame_at_end(frame) && frame->items == item;
}

gboolean
descent_seek_item(Descent *descent, guint64 item, GError **error)
{
    descent_rewind(descent);
    if (!descent_go_to_page(descent, 0, item, error))
        return FALSE;
    return descent_stand_at_item(descent, item);
}

/* Does the item lie below the top page, and not before where that stands? */
static gboolean
is_ahead(const Descent *descent, guint64 item)
{
    const Frame *frame = &descent->frames[descent->depth - 1];
    const Frame *parent = frame - 1;
    PageRef root;

    if (descent->depth > 1)
        return item >= frame->items && item < parent->items + page_child(parent->page, parent->index)->items;
    page_totals(frame->page, &root);
    return item >= frame->items && item < root.items;
}

gboolean
descent_go_to_page(Descent *descent, guint level, guint64 item, GError **error)
{
    while (descent->depth > 1 && (page_level(descent_top(descent)->page) < level || !is_ahead(descent, item)))
        descent_leave(descent);
    if (!is_ahead(descent, item))
        descent_rewind(descent);
    for (Frame *frame = descent_top(descent); page_level(frame->page) > level; frame = descent_top(descent)) {
        step_to_item(frame, item);
        if (frame_at_end(frame) || !descent_enter(descent, error))
            return FALSE;
    }
    return page_level(descent_top(descent)->page) == level;
}
