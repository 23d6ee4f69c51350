#include "manifests/checkout/merge.h"

#include <string.h>

typedef struct {
    ListingCursor *cursor;     /* NULL: nothing (more) */
    const Item *item;
} Arm;

struct Merge {
    ListingGet get;
    gpointer data;
    GArray *arms, *sides;
    GString *path;             /* of the entry given last: its arms move on at the next call */
};

static void
arm_clear(gpointer data)
{
    Arm *arm = data;

    g_clear_pointer(&arm->cursor, listing_cursor_free);
    arm->item = NULL;
}

Merge *
merge_new(ListingGet get, gpointer data)
{
    Merge *merge = g_new0(Merge, 1);

    merge->get = get;
    merge->data = data;
    merge->arms = g_array_new(FALSE, FALSE, sizeof(Arm));
    g_array_set_clear_func(merge->arms, arm_clear);
    merge->sides = g_array_new(FALSE, TRUE, sizeof(Side));
    merge->path = g_string_new(NULL);
    return merge;
}

void
merge_free(Merge *merge)
{
    if (!merge)
        return;
    g_array_unref(merge->arms);
    g_array_unref(merge->sides);
    g_string_free(merge->path, TRUE);
    g_free(merge);
}

void
side_of(const Item *item, Side *side)
{
    memset(side, 0, sizeof(*side));
    side->kind = item->kind;
    side->size = item->size;
    if (item->kind == ITEM_LINK)
        digest_of(item->target, strlen(item->target), &side->digest);
    else if (item->kind != ITEM_FOLDER)
        side->digest = item->digest;
}

/* To the next entry; the parts of a file belong to the item that ends it. */
static gboolean
arm_next(Arm *arm, GError **error)
{
    GError *failed = NULL;

    do
        if (!listing_cursor_next(arm->cursor, &arm->item, NULL, NULL, &failed)) {
            arm_clear(arm);
            break;
        }
    while (arm->item->kind == ITEM_PART);
    if (!failed)
        return TRUE;
    g_propagate_error(error, failed);
    return FALSE;
}

gboolean
merge_add(Merge *merge, const Digest *root, GError **error)
{
    Arm arm = { 0 };

    if (root && (!(arm.cursor = listing_cursor_new(root, merge->get, merge->data, error)) || !arm_next(&arm, error))) {
        arm_clear(&arm);
        return FALSE;
    }
    g_array_append_val(merge->arms, arm);
    g_array_set_size(merge->sides, merge->arms->len);
    return TRUE;
}

/* Past the entry given last. */
static gboolean
move_on(Merge *merge, GError **error)
{
    for (guint i = 0; i < merge->arms->len; i++) {
        Arm *arm = &g_array_index(merge->arms, Arm, i);

        if (g_array_index(merge->sides, Side, i).kind != ITEM_PART && !arm_next(arm, error))
            return FALSE;
    }
    return TRUE;
}

static const char *
lowest_path(const Merge *merge)
{
    const char *lowest = NULL;

    for (guint i = 0; i < merge->arms->len; i++) {
        const Item *item = g_array_index(merge->arms, Arm, i).item;

        if (item && (!lowest || path_compare(item->path, lowest) < 0))
            lowest = item->path;
    }
    return lowest;
}

gboolean
merge_next(Merge *merge, Merged *merged, GError **error)
{
    const Arm *first = &g_array_index(merge->arms, Arm, 0);
    const char *path = move_on(merge, error) ? lowest_path(merge) : NULL;

    if (!path)
        return FALSE;
    g_string_assign(merge->path, path);
    memset(merge->sides->data, 0, merge->sides->len * sizeof(Side));
    for (guint i = 0; i < merge->arms->len; i++) {
        const Item *item = g_array_index(merge->arms, Arm, i).item;

        if (item && strcmp(item->path, merge->path->str) == 0)
            side_of(item, &g_array_index(merge->sides, Side, i));
    }
    *merged = (Merged){ merge->path->str, (const Side *)merge->sides->data, NULL, first->item ? first->item->path : NULL };
    if (g_array_index(merge->sides, Side, 0).kind == ITEM_LINK)
        merged->target = first->item->target;
    return TRUE;
}
