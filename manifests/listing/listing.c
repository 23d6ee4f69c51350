#include "manifests/listing/listing.h"

#include "keys/error.h"
#include "manifests/listing/descent.h"

struct ListingPages {
    Descent tree;
};

static gboolean
no_such_page(guint level, guint64 first_item, GError **error)
{
    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "listing: want the place of a page, have level %u, item %" G_GUINT64_FORMAT, level, first_item);
}

ListingPages *
listing_pages_new(const Digest *root, ListingGet get, gpointer data, GError **error)
{
    g_autoptr(ListingPages) pages = g_new0(ListingPages, 1);

    return descent_open(&pages->tree, root, get, data, error) ? g_steal_pointer(&pages) : NULL;
}

void
listing_pages_free(ListingPages *pages)
{
    if (!pages)
        return;
    descent_close(&pages->tree);
    g_free(pages);
}

gboolean
listing_pages_find(ListingPages *pages, guint level, guint64 first_item, Digest *digest, GError **error)
{
    Descent *tree = &pages->tree;
    const Frame *root = &tree->frames[0];
    g_autoptr(GError) failed = NULL;

    if (level == page_level(root->page) && first_item == 0) {
        *digest = root->digest;
        return TRUE;
    }
    if (level < page_level(root->page) && descent_go_to_page(tree, level + 1, first_item, &failed) && descent_stand_at_item(tree, first_item)) {
        const Frame *above = descent_top(tree);

        *digest = page_child(above->page, above->index)->digest;
        return TRUE;
    }
    if (!failed)
        return no_such_page(level, first_item, error);
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
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
