#include "manifests/checkout/obstacle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/checkout/local.h"
#include "manifests/checkout/merge.h"
#include "manifests/tree/walk.h"

/* What one version says of @path; kind ITEM_PART if it does not have it. */
static gboolean
look_up(const Plan *plan, const Digest *root, const char *path, Side *side, GError **error)
{
    g_autoptr(ListingCursor) cursor = listing_cursor_new(root, store_listing_get, plan->store, error);
    GError *failed = NULL;
    const Item *item;

    side->kind = ITEM_PART;
    if (!cursor || !listing_cursor_seek_path(cursor, path, error))
        return FALSE;
    while (listing_cursor_next(cursor, &item, NULL, NULL, &failed) && strcmp(item->path, path) == 0)
        if (item->kind != ITEM_PART) {
            side_of(item, side);
            return TRUE;
        }
    if (!failed)
        return TRUE;
    g_propagate_error(error, failed);
    return FALSE;
}

typedef struct {
    Plan *plan;
    const char *folder;
    GPtrArray *strange;
    BeneathFolder parent;
} Clearing;

/* *@there: some version has a path of this name; *@known: with this content. */
static gboolean
compare(const Plan *plan, BeneathFolder *parent, const char *path, gboolean *there, gboolean *known, GError **error)
{
    const GArray *others = plan->options->others;
    guint count = others ? others->len : 0;
    Local local;

    *there = *known = FALSE;
    if (!local_look(parent, path, &local, error))
        return FALSE;
    for (guint i = 0; i <= count && !*known; i++) {
        const Digest *root = i < count ? &g_array_index(others, Digest, i) : plan->options->base;
        Side side;

        if (!root)
            continue;
        if (!look_up(plan, root, path, &side, error) || !local_is(parent, path, &local, &side, plan->options->progress, known, error))
            return FALSE;
        *there = *there || side.kind != ITEM_PART;
    }
    return TRUE;
}

gboolean
obstacle_is_known(const Plan *plan, const char *path, gboolean *known, GError **error)
{
    g_auto(BeneathFolder) parent = BENEATH_FOLDER_INIT(plan->root);
    gboolean there;

    return compare(plan, &parent, path, &there, known, error);
}

static gboolean
clear_found(gpointer data, const Found *found, GError **error)
{
    Clearing *clearing = data;
    g_autofree char *path = g_strdup_printf("%s/%s", clearing->folder, found->path);
    gboolean there, known;

    if (S_ISDIR(found->mode))
        return TRUE;
    if (!compare(clearing->plan, &clearing->parent, path, &there, &known, error))
        return FALSE;
    gboolean goes = known || (there && clearing->plan->options->force);

    g_ptr_array_add(goes ? clearing->plan->clear : clearing->strange, g_steal_pointer(&path));
    return TRUE;
}

gboolean
obstacle_clear_folder(Plan *plan, const char *path, GPtrArray *strange, GError **error)
{
    g_autoptr(Patterns) none = patterns_new();
    Clearing clearing = { plan, path, strange, BENEATH_FOLDER_INIT(plan->root) };
    Walk walk = { .left_out = none, .skip_special = TRUE, .visit = clear_found, .visit_data = &clearing };

    walk.root = beneath_open(plan->root, path, O_RDONLY | O_DIRECTORY, 0);
    if (walk.root < 0)
        return chama_error_errno(error, errno, "%s", path);
    gboolean ok = walk_folder(&walk, error);

    close(walk.root);
    beneath_folder_clear(&clearing.parent);
    /* A socket or the like is the person's own. */
    if (walk.skipped > 0)
        g_ptr_array_add(strange, g_strdup(path));
    g_ptr_array_add(plan->clear, g_strdup(path));
    return ok;
}
