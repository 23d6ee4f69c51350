#include "manifests/listing/lookup.h"

#include "manifests/listing/descent.h"

#define STEPS_MAX 64   /* items to go on before a descent from the root is cheaper */

struct ListingLookup {
    Digest root;
    ListingGet get;
    gpointer data;
    ListingCursor *cursor;     /* NULL before the first question */
    const Item *item;          /* where it stands; NULL: nowhere, or at the end */
};

ListingLookup *
listing_lookup_new(const Digest *root, ListingGet get, gpointer data)
{
    ListingLookup *lookup = g_new0(ListingLookup, 1);

    lookup->root = *root;
    lookup->get = get;
    lookup->data = data;
    return lookup;
}

void
listing_lookup_free(ListingLookup *lookup)
{
    if (!lookup)
        return;
    g_clear_pointer(&lookup->cursor, listing_cursor_free);
    g_free(lookup);
}

/* ---- chunks ---- */

/* FALSE without an error at the end. */
static gboolean
step(ListingLookup *lookup, GError **error)
{
    if (listing_cursor_next(lookup->cursor, &lookup->item, NULL, NULL, error))
        return TRUE;
    lookup->item = NULL;
    return FALSE;
}

static gboolean
stands_at(const ListingLookup *lookup, const char *path)
{
    return lookup->item && path_compare(lookup->item->path, path) == 0;
}

/* By going on, if that is near: FALSE if it is not. */
static gboolean
go_on(ListingLookup *lookup, const char *path, GError **error)
{
    for (guint i = 0; lookup->item && i < STEPS_MAX && path_compare(lookup->item->path, path) < 0; i++)
        if (!step(lookup, error))
            return FALSE;
    return stands_at(lookup, path);
}

static gboolean
go_to(ListingLookup *lookup, const char *path, GError **error)
{
    GError *failed = NULL;

    if (!lookup->cursor && !(lookup->cursor = listing_cursor_new(&lookup->root, lookup->get, lookup->data, error)))
        return FALSE;
    if (go_on(lookup, path, &failed))
        return TRUE;
    lookup->item = NULL;
    if (!failed && listing_cursor_seek_path(lookup->cursor, path, &failed) && step(lookup, &failed))
        return stands_at(lookup, path);
    if (failed)
        g_propagate_error(error, failed);
    return FALSE;
}

gboolean
listing_lookup_chunks(ListingLookup *lookup, const char *path, ListingLookupVisit visit, gpointer data, GError **error)
{
    if (!go_to(lookup, path, error) || lookup->item->kind > ITEM_EXECUTABLE)
        return FALSE;
    for (;;) {
        const Item *item = lookup->item;

        for (guint i = 0; i < item->chunk_count; i++)
            if (!visit(data, &item->chunks[i]))
                return TRUE;
        if (item->kind != ITEM_PART)
            return TRUE;
        if (!step(lookup, error))
            return FALSE;
    }
}

/* ---- pages ---- */

/* The last path that is known to lie below it; NULL of an empty page. */
static const char *
last_path(const Page *page)
{
    guint count = page_count(page);

    if (count == 0)
        return NULL;
    return page_level(page) == 0 ? page_item(page, count - 1)->path : page_child(page, count - 1)->path;
}

/* Stands at the page of the level, or (a listing of fewer levels) at the root. */
static const Digest *
page_over(Descent *descent, guint level, const char *path, GError **error)
{
    guint depth = 0;

    if (!descent_seek_path(descent, path, error))
        return NULL;
    while (depth + 1 < descent->depth && page_level(descent->frames[depth].page) > level)
        depth++;
    return page_level(descent->frames[depth].page) == level ? &descent->frames[depth].digest : NULL;
}

static guint
add_once(Digest *digests, guint count, guint most, const Digest *digest)
{
    for (guint i = 0; i < count; i++)
        if (digest_equal(&digests[i], digest))
            return count;
    if (count < most)
        digests[count++] = *digest;
    return count;
}

guint
listing_lookup_pages(ListingLookup *lookup, const Page *page, Digest *digests, guint most, GError **error)
{
    g_auto(Descent) descent = { .depth = 0 };
    const char *paths[3] = { NULL, NULL, last_path(page) };
    guint count = 0, middle = page_count(page) / 2;

    if (!paths[2] || !descent_open(&descent, &lookup->root, lookup->get, lookup->data, error))
        return 0;
    paths[0] = page_level(page) == 0 ? page_item(page, 0)->path : page_child(page, 0)->path;
    paths[1] = page_level(page) == 0 ? page_item(page, middle)->path : page_child(page, middle)->path;
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        GError *failed = NULL;
        const Digest *digest = page_over(&descent, page_level(page), paths[i], &failed);

        if (failed) {
            g_propagate_error(error, failed);
            return 0;
        }
        if (digest)
            count = add_once(digests, count, most, digest);
    }
    return count;
}
