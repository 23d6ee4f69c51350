#include "manifests/checkout/plan.h"

#include <errno.h>
#include <string.h>

#include "keys/error.h"
#include "manifests/checkout/decide.h"
#include "manifests/checkout/merge.h"
#include "manifests/checkout/obstacle.h"
#include "manifests/checkout/sweep.h"
#include "manifests/tree/pipeline.h"

#define DECISIONS_IN_MEMORY (8 * 1024 * 1024)
#define EDITS_SHOWN 5

typedef struct {
    Plan *plan;
    Pipeline *batches;
    DecideBatch *filling;
    char *replaced;            /* the last file of the base that is in the way of nothing any more: it will be removed */
    char *swept;               /* the folder that was last looked through for what a killed checkout left */
    char *obstacle;            /* the last obstacle dealt with: what lies below it needs no second look */
} Planning;

static void
planning_clear(Planning *planning)
{
    g_clear_pointer(&planning->batches, pipeline_free);
    g_clear_pointer(&planning->filling, decide_batch_free);
    g_clear_pointer(&planning->replaced, g_free);
    g_clear_pointer(&planning->swept, g_free);
    g_clear_pointer(&planning->obstacle, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Planning, planning_clear)

void
plan_clear(Plan *plan)
{
    g_clear_pointer(&plan->of_new, spool_free);
    g_clear_pointer(&plan->of_base, spool_free);
    g_clear_pointer(&plan->clear, g_ptr_array_unref);
    g_clear_pointer(&plan->edited, g_ptr_array_unref);
}

static void
note_edit(Plan *plan, const char *path)
{
    if (plan->edits++ < EDITS_SHOWN)
        g_ptr_array_add(plan->edited, path_display(path));
}

/* What stands above a new path, where a folder should be. */
static gboolean
meet_obstacle(Planning *planning, const char *path, GError **error)
{
    Plan *plan = planning->plan;
    g_autofree char *above = NULL;
    gboolean known = FALSE;

    if ((planning->replaced && path_is_below(path, planning->replaced)) || (planning->obstacle && path_is_below(path, planning->obstacle)))
        return TRUE;
    above = local_obstacle(plan->root, path);
    if (!above)
        return TRUE;
    if (!obstacle_is_known(plan, above, &known, error))
        return FALSE;
    if (known || plan->options->force)
        g_ptr_array_add(plan->clear, g_strdup(above));
    else
        note_edit(plan, above);
    g_free(planning->obstacle);
    planning->obstacle = g_steal_pointer(&above);
    return TRUE;
}

/* A folder where a file or link is to be: it may go only with all that is in it. */
static gboolean
meet_folder(Planning *planning, const char *path, GError **error)
{
    g_autoptr(GPtrArray) strange = g_ptr_array_new_with_free_func(g_free);

    if (!obstacle_clear_folder(planning->plan, path, strange, error))
        return FALSE;
    for (guint i = 0; i < strange->len; i++)
        note_edit(planning->plan, g_ptr_array_index(strange, i));
    return TRUE;
}

static gboolean
meet(Planning *planning, const DecideEntry *entry, GError **error)
{
    Plan *plan = planning->plan;
    gboolean something = entry->found == LOCAL_FILE || entry->found == LOCAL_LINK || entry->found == LOCAL_SPECIAL;

    if (entry->edited && !plan->options->force)
        note_edit(plan, entry->path);
    if (!entry->in_new) {
        g_free(planning->replaced);
        planning->replaced = something ? g_strdup(entry->path) : NULL;
        return TRUE;
    }
    if (entry->found == LOCAL_BLOCKED)
        return meet_obstacle(planning, entry->path, error);
    if (entry->found == LOCAL_FOLDER && entry->want.kind != ITEM_FOLDER)
        return meet_folder(planning, entry->path, error);
    if (something && entry->want.kind == ITEM_FOLDER)
        g_ptr_array_add(plan->clear, g_strdup(entry->path));
    return TRUE;
}

static gboolean
is_regular(const Side *side)
{
    return side->kind == ITEM_FILE || side->kind == ITEM_EXECUTABLE;
}

/* What is written or changed now is read by the next checkout. */
static void
note_stamp(const Plan *plan, const DecideEntry *entry)
{
    if (plan->recall && entry->in_new && is_regular(&entry->want))
        recall_add(plan->recall, entry->decision == DECIDE_KEEP ? &entry->stamp : NULL);
}

static gboolean
keep_decision(Plan *plan, const DecideEntry *entry, GError **error)
{
    guint8 decision = (guint8)entry->decision;

    if (decision == DECIDE_KEEP || decision == DECIDE_MODE)
        progress_add(plan->options->progress, (gint64)entry->want.size, 1);
    plan->removals += decision == DECIDE_REMOVE;
    note_stamp(plan, entry);
    return spool_add(entry->in_new ? plan->of_new : plan->of_base, &decision, 1, error);
}

static gboolean
take_entry(Planning *planning, const DecideEntry *entry, GError **error)
{
    guint8 nothing = DECIDE_NOTHING;

    /* The base's byte for a path that the new version has too. */
    if (entry->in_new && entry->in_base && !spool_add(planning->plan->of_base, &nothing, 1, error))
        return FALSE;
    return (entry->decision == DECIDE_NOTHING || meet(planning, entry, error)) && keep_decision(planning->plan, entry, error);
}

static gboolean
take_batch(gpointer job, gpointer data, GError **error)
{
    Planning *planning = data;
    GArray *entries = decide_batch_take(job, error);

    if (!entries)
        return FALSE;
    for (guint i = 0; i < entries->len; i++)
        if (!take_entry(planning, &g_array_index(entries, DecideEntry, i), error))
            return FALSE;
    return TRUE;
}

static void
work_batch(gpointer job, gpointer data)
{
    decide_batch_work(job);
}

static DecideBatch *
new_batch(const Plan *plan)
{
    return decide_batch_new(plan->root, plan->recall ? recall_begun(plan->recall) : 0, plan->options->progress);
}

static gboolean
send_batch(Planning *planning, GError **error)
{
    DecideBatch *full = g_steal_pointer(&planning->filling);

    planning->filling = new_batch(planning->plan);
    return pipeline_push(planning->batches, full, error);
}

static void
sweep_around(Planning *planning, const char *path)
{
    gsize size = (gsize)(beneath_name(path) - path);

    if (planning->swept && strlen(planning->swept) == size && memcmp(planning->swept, path, size) == 0)
        return;
    g_free(planning->swept);
    planning->swept = g_strndup(path, size);
    g_autofree char *folder = beneath_parent(path);

    sweep_folder(planning->plan->root, folder);
}

static gboolean
add(Planning *planning, const Merged *merged, GError **error)
{
    const Plan *plan = planning->plan;
    const GArray *others = plan->options->others;
    Stamp recalled = { 0 };
    gboolean selected = !plan->only || patterns_match_deep(plan->only, merged->path, merged->sides[0].kind == ITEM_FOLDER, NULL);

    /* CO1: before anything is written. */
    if (selected && merged->target && !link_check(merged->path, merged->target, error))
        return FALSE;
    sweep_around(planning, merged->path);
    if (plan->recall && is_regular(&merged->sides[1]))
        recall_next(plan->recall, &recalled);
    decide_batch_add(planning->filling, merged, others ? others->len : 0, selected, &recalled);
    return !decide_batch_is_full(planning->filling) || send_batch(planning, error);
}

static gboolean
open_merge(Merge *merge, const Plan *plan, const Digest *root, GError **error)
{
    const GArray *others = plan->options->others;

    if (!merge_add(merge, root, error) || !merge_add(merge, plan->options->base, error))
        return FALSE;
    for (guint i = 0; others && i < others->len; i++)
        if (!merge_add(merge, &g_array_index(others, Digest, i), error))
            return FALSE;
    return TRUE;
}

static gboolean
decide_all(Planning *planning, Merge *merge, GError **error)
{
    GError *failed = NULL;
    Merged merged;

    while (merge_next(merge, &merged, &failed))
        if (!add(planning, &merged, error))
            return FALSE;
    if (!failed)
        return send_batch(planning, error) && pipeline_drain(planning->batches, error);
    g_propagate_error(error, failed);
    return FALSE;
}

static gboolean
refuse_edits(const Plan *plan, GError **error)
{
    g_autofree char *shown = NULL;

    if (plan->edits == 0)
        return TRUE;
    g_ptr_array_add(plan->edited, NULL);
    shown = g_strjoinv(", ", (char **)plan->edited->pdata);
    return chama_error(error, CHAMA_ERROR_EXISTS, "local changes: CO3: want none, have %" G_GUINT64_FORMAT ": %s%s; move them away, or give --force to overwrite them",
                       plan->edits, shown, plan->edits > EDITS_SHOWN ? ", and more" : "");
}

gboolean
plan_make(Plan *plan, const Digest *root, GError **error)
{
    g_autoptr(Merge) merge = merge_new(store_listing_get, plan->store);
    g_auto(Planning) planning = { .plan = plan };
    guint threads = pipeline_threads();
    PipelineKind kind = { threads, 2 * threads + 2, work_batch, take_batch, (GDestroyNotify)decide_batch_free, &planning };

    plan->of_new = spool_new(DECISIONS_IN_MEMORY);
    plan->of_base = spool_new(DECISIONS_IN_MEMORY);
    plan->clear = g_ptr_array_new_with_free_func(g_free);
    plan->edited = g_ptr_array_new_with_free_func(g_free);
    planning.filling = new_batch(plan);
    planning.batches = pipeline_new(&kind);
    return open_merge(merge, plan, root, error) && decide_all(&planning, merge, error) && refuse_edits(plan, error);
}
