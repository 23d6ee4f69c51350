/*
 * gc: packs without what is no longer wanted (manifests/FORMAT.md, P19, P29).  A pack is either kept as it is or emptied.
 */
#include <sys/file.h>

#include "keys/error.h"
#include "manifests/store/gc_private.h"

#define SMALL_PACK (16 * 1024 * 1024) /* cheap to rewrite */
#define SMALL_PACKS_MAX 8             /* of one scope, before they are put together */

/* ---- what to do with each pack ---- */

static guint64
content_bytes(const GcPack *pack)
{
    return pack->record.length - PACK_HEADER_SIZE;
}

/* Packs with nothing live first, which frees room for the others; then scope by scope. */
static int
compare_packs(gconstpointer a, gconstpointer b)
{
    const GcPack *x = a, *y = b;

    if ((x->live_bytes == 0) != (y->live_bytes == 0))
        return x->live_bytes == 0 ? -1 : 1;
    return digest_compare(&x->record.scope, &y->record.scope);
}

static guint
count_small(const GcMarks *marks, const Scope *scope)
{
    guint count = 0;

    for (guint i = 0; i < marks->pack_count; i++)
        count += digest_equal(&marks->packs[i].record.scope, scope) && content_bytes(&marks->packs[i]) < SMALL_PACK;
    return count;
}

/* P19. */
static gboolean
is_worth_it(const GcMarks *marks, const GcPack *pack)
{
    guint64 content = content_bytes(pack);

    if (pack->record.doomed)
        return FALSE;
    if (marks->purge)
        return pack->live_bytes < content;
    if (pack->live_bytes == 0 || pack->live_bytes < content / 4 * 3)
        return TRUE;
    if (content >= SMALL_PACK)
        return FALSE;
    return pack->live_bytes < content || count_small(marks, &pack->record.scope) > SMALL_PACKS_MAX;
}

static gboolean
plan(GcMarks *marks, GError **error)
{
    if (!gc_marks_weigh(marks, error))
        return FALSE;
    for (guint i = 0; i < marks->pack_count; i++)
        marks->packs[i].empty_it = is_worth_it(marks, &marks->packs[i]);
    return TRUE;
}

/* ---- all of it ---- */

static gboolean
carry_out(Store *store, GcMarks *marks, GcTotals *totals, GError **error)
{
    Gc gc = { .store = store, .marks = marks, .totals = totals };
    gboolean ok = TRUE;

    for (guint i = 0; ok && i < marks->pack_count; i++)
        ok = !marks->packs[i].empty_it || gc_empty_pack(&gc, &marks->packs[i], error);
    pack_writer_free(gc.out);
    pack_folder_forget_removed(store->packs);
    return ok;
}

/* Sorted only when the marks are set: the bits are found through by_id. */
static void
sort_packs(GcMarks *marks)
{
    if (marks->pack_count > 0)
        qsort(marks->packs, marks->pack_count, sizeof *marks->packs, compare_packs);
    g_hash_table_remove_all(marks->by_id);
    for (guint i = 0; i < marks->pack_count; i++)
        g_hash_table_insert(marks->by_id, &marks->packs[i].record.id, &marks->packs[i]);
}

static gboolean
collect(Store *store, GcMarks *marks, gboolean dry_run, GcTotals *totals, GError **error)
{
    StoreTotals after;

    if (!plan(marks, error))
        return FALSE;
    sort_packs(marks);
    if (!dry_run && !carry_out(store, marks, totals, error))
        return FALSE;
    for (guint i = 0; dry_run && i < marks->pack_count; i++)
        if (marks->packs[i].empty_it)
            gc_count(totals, &marks->packs[i]);
    if (!store_totals(store, &after, error))
        return FALSE;
    totals->bytes_kept = after.pack_bytes - (dry_run ? totals->bytes_freed : 0);
    return TRUE;
}

/* One way through: marks, then @act with them. */
typedef gboolean (*GcAct)(Store *store, GcMarks *marks, gboolean dry_run, GcTotals *totals, GError **error);

static gboolean
mark_and(GcAct act, Store *store, gboolean purge, gboolean dry_run, GcMark mark, gpointer data, GcTotals *totals, GError **error)
{
    g_autoptr(Index) index = store_index(store);
    GcMarks *marks = gc_marks_new(store, index, purge, error);
    gboolean ok;

    if (!marks)
        return FALSE;
    ok = mark(marks, data, error) && act(store, marks, dry_run, totals, error);
    gc_marks_free(marks);
    return ok;
}

static gboolean
gc_locked(Store *store, gboolean dry_run, GcMark mark, gpointer data, GcTotals *totals, GError **error)
{
    return store_refresh(store, NULL, error) && (dry_run || store_salvage(store, error)) &&
           mark_and(collect, store, FALSE, dry_run, mark, data, totals, error);
}

static gboolean
make_whole(Store *store, GcMarks *marks, gboolean dry_run, GcTotals *totals, GError **error)
{
    return store_free_bases(store, marks->index, gc_is_named, marks, &totals->made_whole, error);
}

/* P29: the digests of what went are in pages of the index that are free, and enough to guess a small dataset by. */
static gboolean
renew_index(Store *store, GError **error)
{
    g_autoptr(Index) index = store_index(store);

    return store_renew_index_locked(store->path, index, error) && store_refresh(store, NULL, error);
}

/* P29: what a patch needs that nobody names is no longer needed; then it is as dead as all else. */
static gboolean
purge_locked(Store *store, GcMark mark, gpointer data, GcTotals *totals, GError **error)
{
    return store_refresh(store, NULL, error) && store_salvage(store, error) &&
           mark_and(make_whole, store, TRUE, FALSE, mark, data, totals, error) && mark_and(collect, store, TRUE, FALSE, mark, data, totals, error) &&
           renew_index(store, error);
}

/* The store's lock, exclusive; *@lock -1 and *@busy set if others have it and it is not to be waited for. */
static gboolean
lock_alone(Store *store, gboolean *busy, void (*waiting)(void), int *lock, GError **error)
{
    if (!store_lock(store->lock_path, LOCK_EX, FALSE, lock, error))
        return FALSE;
    if (busy)
        *busy = *lock < 0;
    if (*lock >= 0 || busy)
        return TRUE;
    if (waiting)
        waiting();
    return store_lock(store->lock_path, LOCK_EX, TRUE, lock, error);
}

gboolean
store_purge(Store *store, GcMark mark, gpointer data, gboolean *busy, void (*waiting)(void), GcTotals *totals, GError **error)
{
    gboolean ok;
    int lock;

    memset(totals, 0, sizeof *totals);
    if (!lock_alone(store, busy, waiting, &lock, error))
        return FALSE;
    if (lock < 0)
        return TRUE;
    ok = purge_locked(store, mark, data, totals, error);
    base_cache_clear(store->bases);
    store_unlock(lock);
    return ok;
}

gboolean
store_gc(Store *store, gboolean dry_run, GcMark mark, gpointer data, void (*waiting)(void), GcTotals *totals, GError **error)
{
    GcTotals nowhere;
    gboolean ok;
    int lock;

    if (!lock_alone(store, NULL, waiting, &lock, error))
        return FALSE;
    totals = totals ? totals : &nowhere;
    memset(totals, 0, sizeof *totals);
    ok = gc_locked(store, dry_run, mark, data, totals, error);
    store_unlock(lock);
    return ok;
}
