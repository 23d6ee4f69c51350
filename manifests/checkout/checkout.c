#include "manifests/checkout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/checkout/big.h"
#include "manifests/checkout/fresh.h"
#include "manifests/checkout/plan.h"
#include "manifests/checkout/remove.h"
#include "manifests/checkout/stage.h"
#include "manifests/checkout/sweep.h"
#include "manifests/checkout/write.h"
#include "manifests/tree/beneath.h"
#include "manifests/tree/pipeline.h"

#define PART_CHUNKS_MAX (64 * 1024)   /* of a file that is kept for a batch: 3 MiB */

typedef struct {
    WriteTarget target;
    const Plan *plan;          /* without decisions: into a stage, where nothing is in the way */
    Pipeline *batches;
    WriteBatch *filling;
    GArray *parts;             /* ChunkRef: of the file whose parts are coming, as long as it may be one of a batch, */
    guint64 part_bytes;
    BigWrite *big;             /* and once it may not */
    guint64 file_max;          /* larger files are written by all threads together */
    guint64 entry;             /* number of the next entry of the listing */
    CheckoutResult *result;
} Checkout;

static void
checkout_clear(Checkout *c)
{
    g_clear_pointer(&c->big, big_write_free);
    g_clear_pointer(&c->parts, g_array_unref);
    g_clear_pointer(&c->batches, pipeline_free);
    g_clear_pointer(&c->filling, write_batch_free);
    g_clear_pointer(&c->target.writeback, writeback_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Checkout, checkout_clear)

static void
work_batch(gpointer job, gpointer data)
{
    write_batch_work(job);
}

static gboolean
take_batch(gpointer job, gpointer data, GError **error)
{
    return write_batch_take(job, error);
}

static gboolean
send_batch(Checkout *c, GError **error)
{
    WriteBatch *full = g_steal_pointer(&c->filling);

    c->filling = write_batch_new(&c->target);
    return pipeline_push(c->batches, full, error);
}

static gboolean
failed_at(const char *path, GError **error)
{
    int saved = errno;
    g_autofree char *shown = path_display(path);

    return chama_error_errno(error, saved, "%s", shown);
}

/* Chunks of a file that is too large for a batch, after those that were kept when that was not known. */
static gboolean
add_big(Checkout *c, const Item *item, GError **error)
{
    if (!c->big && (!(c->big = big_write_new(&c->target, item->path, error)) || !big_write_add(c->big, (const ChunkRef *)(gpointer)c->parts->data, c->parts->len, error)))
        return FALSE;
    return big_write_add(c->big, item->chunks, item->chunk_count, error);
}

static void
forget_parts(Checkout *c)
{
    g_array_set_size(c->parts, 0);
    c->part_bytes = 0;
}

static gboolean
add_part(Checkout *c, const Item *item, GError **error)
{
    if (c->big || c->part_bytes + item_bytes(item) > c->file_max || c->parts->len + item->chunk_count > PART_CHUNKS_MAX)
        return add_big(c, item, error);
    g_array_append_vals(c->parts, item->chunks, item->chunk_count);
    c->part_bytes += item_bytes(item);
    return TRUE;
}

static gboolean
end_big(Checkout *c, const Item *item, gboolean replace, GError **error)
{
    g_autoptr(BigWrite) big = NULL;

    if (!add_big(c, item, error))
        return FALSE;
    big = g_steal_pointer(&c->big);
    forget_parts(c);
    return big_write_end(big, item, replace, error);
}

static gboolean
add_to_batch(Checkout *c, const Item *item, gboolean replace, GError **error)
{
    Item whole = *item;

    if (write_batch_is_full(c->filling, item) && !send_batch(c, error))
        return FALSE;
    if (c->parts->len > 0) {
        g_array_append_vals(c->parts, item->chunks, item->chunk_count);
        whole.chunks = (const ChunkRef *)(gpointer)c->parts->data;
        whole.chunk_count = c->parts->len;
    }
    write_batch_add(c->filling, &whole, replace);
    forget_parts(c);
    return TRUE;
}

static gboolean
write_item(Checkout *c, const Item *item, gboolean replace, GError **error)
{
    c->result->written++;
    c->result->bytes_written += item->size;
    return c->big || item->size > c->file_max ? end_big(c, item, replace, error) : add_to_batch(c, item, replace, error);
}

/* Also one that was there when it was looked at: taking away what was in it may have taken it too. */
static gboolean
write_folder(Checkout *c, const Item *item, Decision decision, GError **error)
{
    if (decision == DECIDE_KEEP)
        c->result->kept++;
    else {
        c->result->written++;
        progress_add(c->target.progress, 0, 1);
    }
    return beneath_make_folder(c->target.root, item->path) || failed_at(item->path, error);
}

static gboolean
set_mode(Checkout *c, const Item *item, GError **error)
{
    int fd = beneath_open(c->target.root, item->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

    if (fd < 0)
        return failed_at(item->path, error);
    gboolean ok = fresh_set_executable(fd, item->path, item->kind == ITEM_EXECUTABLE, error);

    close(fd);
    return ok;
}

static gboolean
act(Checkout *c, const Item *item, Decision decision, GError **error)
{
    if (item->kind == ITEM_PART)
        return (decision != DECIDE_WRITE && decision != DECIDE_REPLACE) || add_part(c, item, error);
    if (item->kind == ITEM_FOLDER && decision != DECIDE_NOTHING)
        return write_folder(c, item, decision, error);
    if (decision == DECIDE_WRITE || decision == DECIDE_REPLACE)
        return write_item(c, item, decision == DECIDE_REPLACE, error);
    c->result->kept += decision == DECIDE_KEEP || decision == DECIDE_MODE;
    return decision != DECIDE_MODE || set_mode(c, item, error);
}

static gboolean
is_selected(const Plan *plan, const Item *item)
{
    return !plan->only || patterns_match_deep(plan->only, item->path, item->kind == ITEM_FOLDER, NULL);
}

static gboolean
act_as_planned(Checkout *c, const Item *item, GError **error)
{
    guint8 decision;

    if (c->plan->of_new)
        return spool_read(c->plan->of_new, c->entry, &decision, 1, error) && act(c, item, decision, error);
    if (!is_selected(c->plan, item))
        return TRUE;
    /* CO1: before anything has its place. */
    return (item->kind != ITEM_LINK || link_check(item->path, item->target, error)) && act(c, item, DECIDE_WRITE, error);
}

static gboolean
act_on_all(Checkout *c, const Digest *root, GError **error)
{
    g_autoptr(ListingCursor) cursor = listing_cursor_new(root, store_listing_get, c->target.store, error);
    GError *failed = NULL;
    const Item *item;
    PageRef totals;

    if (!cursor)
        return FALSE;
    listing_cursor_totals(cursor, &totals);
    c->file_max = pipeline_file_max(totals.bytes);
    while (listing_cursor_next(cursor, &item, NULL, NULL, &failed)) {
        if (progress_cancelled(c->target.progress))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
        if (!act_as_planned(c, item, error))
            return FALSE;
        c->entry += item->kind != ITEM_PART;
    }
    if (!failed)
        return send_batch(c, error) && pipeline_drain(c->batches, error);
    g_propagate_error(error, failed);
    return FALSE;
}

/* Files are not synced one by one: all of them at the end. */
static gboolean
sync_all(int root, const char *folder, GError **error)
{
    return syncfs(root) == 0 || chama_error_errno(error, errno, "%s", folder);
}

static gboolean
write_planned(const Plan *plan, const Digest *root, CheckoutResult *result, GError **error)
{
    guint threads = pipeline_threads();
    g_auto(Checkout) c = { .target = { plan->store, plan->root, !plan->of_new, plan->options->progress, root }, .plan = plan, .result = result };
    PipelineKind kind = { threads, 2 * threads + 2, work_batch, take_batch, (GDestroyNotify)write_batch_free, &c };

    c.target.writeback = writeback_new(plan->root);
    c.parts = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    c.filling = write_batch_new(&c.target);
    c.batches = pipeline_new(&kind);
    return act_on_all(&c, root, error);
}

/* Of a selection they are not known. */
static gboolean
set_totals(Store *store, const Digest *root, const CheckoutOptions *options, GError **error)
{
    Progress *progress = options->only ? NULL : options->progress;
    g_autoptr(ListingCursor) cursor = listing_cursor_new(root, store_listing_get, store, error);
    PageRef totals;

    if (!cursor)
        return FALSE;
    listing_cursor_totals(cursor, &totals);
    if (progress) {
        __atomic_store_n(&progress->bytes_total, (gint64)totals.bytes, __ATOMIC_RELAXED);
        __atomic_store_n(&progress->files_total, (gint64)totals.files, __ATOMIC_RELAXED);
    }
    return TRUE;
}

static gboolean
read_only(Patterns *patterns, char **globs, GError **error)
{
    for (; *globs; globs++)
        if (!patterns_add_path(patterns, *globs, error))
            return FALSE;
    return TRUE;
}

static gboolean
update(Plan *plan, const Digest *root, CheckoutResult *result, GError **error)
{
    return plan_make(plan, root, error) && remove_planned(plan, &result->removed, error) && write_planned(plan, root, result, error);
}

/* What was left on the stage by one that was killed, whole or not, was put there by nobody else. */
static gboolean
fill_stage(const Plan *plan, const Stage *stage, const Digest *root, CheckoutResult *result, GError **error)
{
    CheckoutOptions options = *plan->options;
    g_auto(Plan) staged = { .store = plan->store, .root = stage->fd, .only = plan->only, .options = &options };

    options.base = NULL;
    options.others = NULL;
    options.force = TRUE;
    return stage->resumed ? update(&staged, root, result, error) : write_planned(&staged, root, result, error);
}

/* All is durable before any of it can be seen.  After a failure what is whole stays, and the next checkout goes on from there; but nothing of a listing
 * that breaks a rule, nor of a stage on which not all was looked at. */
static gboolean
check_out_fresh(const Plan *plan, const char *name, const Digest *root, const char *folder, CheckoutResult *result, GError **error)
{
    g_auto(Stage) stage = STAGE_INIT;
    g_autoptr(GError) failed = NULL;

    if (!stage_open(&stage, plan->root, name, error))
        return FALSE;
    if (fill_stage(plan, &stage, root, result, &failed) && sync_all(stage.fd, folder, &failed) &&
        (!plan->recall || recall_add_stage(plan->recall, plan->store, root, stage.fd, &failed)) && stage_settle(&stage, &failed))
        return durable_fsync_folder(folder, error);
    if (stage.resumed || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_MALFORMED) || !stage_settle(&stage, NULL))
        stage_discard(&stage);
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static gboolean
checkout_into(Plan *plan, const Digest *root, const char *folder, CheckoutResult *result, GError **error)
{
    char name[32];

    if (!sweep_lock(plan->root, folder, error) || !set_totals(plan->store, root, plan->options, error))
        return FALSE;
    stage_name(root, plan->options->only, name);
    if (sweep_top(plan->root, name))
        return check_out_fresh(plan, name, root, folder, result, error);
    sweep_tree(plan->root, name);
    return update(plan, root, result, error) && sync_all(plan->root, folder, error);
}

gboolean
checkout(Store *store, const Digest *root, const char *folder, const CheckoutOptions *options, CheckoutResult *result, GError **error)
{
    g_autoptr(StoreHold) hold = store_hold(store, error);
    g_autoptr(Patterns) only = patterns_new();
    g_auto(Plan) plan = { .store = store, .root = -1, .only = options->only ? only : NULL, .options = options };

    memset(result, 0, sizeof(*result));
    if (!hold || (options->only && !read_only(only, options->only, error)))
        return FALSE;
    if (g_mkdir_with_parents(folder, 0777) != 0 || (plan.root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return chama_error_errno(error, errno, "%s", folder);
    g_autoptr(Recall) recall = plan.recall = recall_open(plan.root, options);
    gboolean ok = checkout_into(&plan, root, folder, result, error);

    if (ok && recall)
        recall_keep(recall, root);
    close(plan.root);
    return ok;
}
