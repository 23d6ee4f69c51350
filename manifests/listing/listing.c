#include "manifests/listing/listing.h"

#include "keys/error.h"
#include "manifests/listing/descent.h"

static gboolean
no_such_page(guint level, guint64 first_item, GError **error)
{
    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "listing: want the place of a page, have level %u, item %" G_GUINT64_FORMAT, level, first_item);
}

GBytes *
listing_page_at(const Digest *root, guint level, guint64 first_item, ListingGet get, gpointer data, Digest *digest, GError **error)
{
    g_auto(Descent) tree = { .depth = 0 };
    Frame *frame;

    if (!descent_open(&tree, root, get, data, error))
        return NULL;
    for (frame = descent_top(&tree); page_level(frame->page) > level; frame = descent_top(&tree)) {
        while (!frame_at_end(frame) && frame->items + page_child(frame->page, frame->index)->items <= first_item)
            frame_step(frame);
        if (frame_at_end(frame)) {
            no_such_page(level, first_item, error);
            return NULL;
        }
        if (!descent_enter(&tree, error))
            return NULL;
    }
    if (page_level(frame->page) != level || frame->items != first_item) {
        no_such_page(level, first_item, error);
        return NULL;
    }
    *digest = frame->digest;
    return g_bytes_ref(frame->bytes);
}

/* Shows the top page; TRUE if what lies below it is wanted as well. */
static gboolean
visit_top(Descent *tree, ListingVisit visit, gpointer data, GError **error)
{
    const Frame *frame = descent_top(tree);

    return visit(data, &frame->digest, frame->page, frame->items, error) && page_level(frame->page) > 0;
}

static gboolean
next_page(Descent *tree, gboolean below, GError **error)
{
    if (!below) {
        do {
            if (tree->depth == 1)
                return FALSE;
            descent_leave(tree);
            frame_step(descent_top(tree));
        } while (frame_at_end(descent_top(tree)));
    }
    return descent_enter(tree, error);
}

gboolean
listing_foreach_page(const Digest *root, ListingGet get, gpointer get_data, ListingVisit visit, gpointer visit_data, GError **error)
{
    g_auto(Descent) tree = { .depth = 0 };
    g_autoptr(GError) failure = NULL;
    gboolean more = descent_open(&tree, root, get, get_data, &failure);

    while (more) {
        gboolean below = visit_top(&tree, visit, visit_data, &failure);

        more = !failure && next_page(&tree, below, &failure);
    }
    if (!failure)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}
