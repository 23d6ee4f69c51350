#include "manifests/listing/compare.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/listing/descent.h"
#include "manifests/listing/format.h"

/* One of the two listings.  It stands at an item, or at a child that is not yet open.  Parts are passed over: the end of a file tells all. */
typedef struct {
    Descent tree;                /* depth 0: there is no such listing */
    char path[PATH_SIZE_MAX + 1]; /* of the last item taken */
} Half;

/* The pages that begin where a half stands, the highest first: any of them can be skipped as a whole. */
typedef struct {
    guint count;
    const Digest *digests[PAGE_LEVEL_MAX + 2];
    guint depths[PAGE_LEVEL_MAX + 2];  /* of the frame that is the page, or one more for the child that is not open */
} Starts;

typedef struct {
    Half before, after;
    ChangeVisit visit;
    gpointer data;
} Comparison;

/* Where a half stands. */
typedef struct {
    const char *path;
    const Item *item;            /* NULL: a child */
    guint level;                 /* of the page that the child is */
} Place;

void
change_free(Change *change)
{
    if (!change)
        return;
    g_free(change->path);
    g_free(change->old_path);
    g_free(change);
}

static gboolean
is_only_parts(const Page *page, guint index)
{
    return page_level(page) == 0 ? page_item(page, index)->kind == ITEM_PART : page_child(page, index)->files == 0;
}

/* Moves on to what can be a change.  FALSE at the end. */
static gboolean
settle(Half *half)
{
    Descent *tree = &half->tree;

    while (tree->depth > 0) {
        Frame *top = descent_top(tree);

        if (!frame_at_end(top) && !is_only_parts(top->page, top->index))
            return TRUE;
        if (!frame_at_end(top)) {
            frame_step(top);
        } else {
            if (tree->depth == 1)
                return FALSE;
            descent_leave(tree);
            frame_step(descent_top(tree));
        }
    }
    return FALSE;
}

static Place
place_of(Half *half)
{
    const Frame *top = descent_top(&half->tree);
    Place place = { .level = page_level(top->page) };

    if (place.level == 0)
        place.item = page_item(top->page, top->index);
    else
        place.level--;
    place.path = place.item ? place.item->path : page_child(top->page, top->index)->path;
    return place;
}

static gboolean
is_at_begin(const Frame *frame)
{
    for (guint i = 0; i < frame->index; i++) {
        if (!is_only_parts(frame->page, i))
            return FALSE;
    }
    return TRUE;
}

static void
find_starts(const Half *half, Starts *starts)
{
    const Descent *tree = &half->tree;
    const Frame *top = &tree->frames[tree->depth - 1];
    guint first = tree->depth;

    starts->count = 0;
    while (first > 0 && is_at_begin(&tree->frames[first - 1]))
        first--;
    for (guint i = first; i < tree->depth; i++) {
        starts->digests[starts->count] = &tree->frames[i].digest;
        starts->depths[starts->count++] = i;
    }
    if (page_level(top->page) > 0) {
        starts->digests[starts->count] = &page_child(top->page, top->index)->digest;
        starts->depths[starts->count++] = tree->depth;
    }
}

/* Passes the page that is (or would be) frame @depth. */
static void
skip_page(Half *half, guint depth)
{
    Descent *tree = &half->tree;

    while (tree->depth > MAX(depth, 1))
        descent_leave(tree);
    do
        frame_step(descent_top(tree));
    while (depth == 0 && !frame_at_end(descent_top(tree)));
}

/* If the same page begins at both places, what lies below it is the same. */
static gboolean
skip_same(Comparison *comparison)
{
    Starts before, after;

    find_starts(&comparison->before, &before);
    find_starts(&comparison->after, &after);
    for (guint i = 0; i < before.count; i++) {
        for (guint k = 0; k < after.count; k++) {
            if (digest_equal(before.digests[i], after.digests[k])) {
                skip_page(&comparison->before, before.depths[i]);
                skip_page(&comparison->after, after.depths[k]);
                return TRUE;
            }
        }
    }
    return FALSE;
}

static Side
side_of(const Item *item)
{
    Side side = { .kind = item->kind, .size = item->size };

    if (item_is_file(item))
        side.digest = item->digest;
    else if (item->kind == ITEM_LINK)
        digest_of(item->target, strlen(item->target), &side.digest);
    return side;
}

static gboolean
side_equal(const Side *a, const Side *b)
{
    return a->kind == b->kind && a->size == b->size && digest_equal(&a->digest, &b->digest);
}

/* Takes the item at which @half stands.  L14 once more: where pages meet, the parser has not seen the order. */
static gboolean
take(Half *half, Side *side, GError **error)
{
    Frame *leaf = descent_top(&half->tree);
    const Item *item = page_item(leaf->page, leaf->index);

    if (path_compare(half->path, item->path) >= 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "listing: L14: want paths in ascending order, have a page out of order");
    g_strlcpy(half->path, item->path, sizeof half->path);
    *side = side_of(item);
    frame_step(leaf);
    return TRUE;
}

/* Takes items of the same path, or of one half, and tells what is different. */
static gboolean
tell(Comparison *comparison, gboolean in_before, gboolean in_after, GError **error)
{
    Change change = { .kind = in_before ? (in_after ? CHANGE_CHANGED : CHANGE_REMOVED) : CHANGE_ADDED };

    if (in_before && !take(&comparison->before, &change.before, error))
        return FALSE;
    if (in_after && !take(&comparison->after, &change.after, error))
        return FALSE;
    if (change.kind == CHANGE_CHANGED && side_equal(&change.before, &change.after))
        return TRUE;
    change.path = in_after ? comparison->after.path : comparison->before.path;
    return comparison->visit(comparison->data, &change, error);
}

/* Only the half whose path comes first is opened, so that the other can still be skipped as a whole. */
static gboolean
step_both(Comparison *comparison, GError **error)
{
    Place before = place_of(&comparison->before), after = place_of(&comparison->after);
    int order = path_compare(before.path, after.path);

    if (order == 0 && !(before.item && after.item)) /* the higher one is opened, a page rather than an item */
        order = !before.item && (after.item || before.level >= after.level) ? -1 : 1;
    if (order < 0 && !before.item)
        return descent_enter(&comparison->before.tree, error);
    if (order > 0 && !after.item)
        return descent_enter(&comparison->after.tree, error);
    return tell(comparison, order <= 0, order >= 0, error);
}

static gboolean
step_one(Comparison *comparison, gboolean in_before, GError **error)
{
    Half *half = in_before ? &comparison->before : &comparison->after;

    if (!place_of(half).item)
        return descent_enter(&half->tree, error);
    return tell(comparison, in_before, !in_before, error);
}

static gboolean
run(Comparison *comparison, GError **error)
{
    for (;;) {
        gboolean in_before = settle(&comparison->before), in_after = settle(&comparison->after);

        if (!in_before && !in_after)
            return TRUE;
        if (in_before != in_after) {
            if (!step_one(comparison, in_before, error))
                return FALSE;
        } else if (!skip_same(comparison) && !step_both(comparison, error)) {
            return FALSE;
        }
    }
}

gboolean
listing_compare_foreach(const Digest *old_root, const Digest *new_root, ListingGet get, gpointer get_data, ChangeVisit visit,
                        gpointer visit_data, GError **error)
{
    g_autofree Comparison *comparison = g_new0(Comparison, 1);
    gboolean done;

    if (old_root && digest_equal(old_root, new_root))
        return TRUE;
    comparison->visit = visit;
    comparison->data = visit_data;
    done = (!old_root || descent_open(&comparison->before.tree, old_root, get, get_data, error))
           && descent_open(&comparison->after.tree, new_root, get, get_data, error) && run(comparison, error);
    descent_close(&comparison->before.tree);
    descent_close(&comparison->after.tree);
    return done;
}

static gboolean
collect(gpointer changes, const Change *change, GError **error)
{
    Change *copy = g_memdup2(change, sizeof *change);

    copy->path = g_strdup(change->path);
    g_ptr_array_add(changes, copy);
    return TRUE;
}

static gboolean
has_content(const Side *side)
{
    return (side->kind == ITEM_FILE || side->kind == ITEM_EXECUTABLE) && side->size > 0;
}

/* The removed files by digest, each list in path order. */
static GHashTable *
index_removed(GPtrArray *changes)
{
    GHashTable *removed = g_hash_table_new_full(digest_hash, digest_equal, NULL, (GDestroyNotify)g_queue_free);

    for (guint i = 0; i < changes->len; i++) {
        Change *change = changes->pdata[i];
        GQueue *same;

        if (change->kind != CHANGE_REMOVED || !has_content(&change->before))
            continue;
        same = g_hash_table_lookup(removed, &change->before.digest);
        if (!same)
            g_hash_table_insert(removed, &change->before.digest, same = g_queue_new());
        g_queue_push_tail(same, change);
    }
    return removed;
}

/* What is left of @changes is freed with it. */
static GPtrArray *
join_renames(GPtrArray *changes)
{
    g_autoptr(GHashTable) removed = index_removed(changes);
    g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
    GPtrArray *joined = g_ptr_array_new_with_free_func((GDestroyNotify)change_free);

    for (guint i = 0; i < changes->len; i++) {
        Change *change = changes->pdata[i], *old;
        GQueue *same = change->kind == CHANGE_ADDED && has_content(&change->after) ? g_hash_table_lookup(removed, &change->after.digest) : NULL;

        if (!same || !(old = g_queue_pop_head(same)))
            continue;
        change->kind = CHANGE_RENAMED;
        change->before = old->before;
        change->old_path = g_strdup(old->path);
        g_hash_table_add(used, old);
    }
    for (guint i = 0; i < changes->len; i++) {
        if (!g_hash_table_contains(used, changes->pdata[i]))
            g_ptr_array_add(joined, g_steal_pointer(&changes->pdata[i]));
    }
    return joined;
}

GPtrArray *
listing_compare(const Digest *old_root, const Digest *new_root, gboolean renames, ListingGet get, gpointer data, GError **error)
{
    g_autoptr(GPtrArray) changes = g_ptr_array_new_with_free_func((GDestroyNotify)change_free);

    if (!listing_compare_foreach(old_root, new_root, get, data, collect, changes, error))
        return NULL;
    return renames ? join_renames(changes) : g_steal_pointer(&changes);
}
