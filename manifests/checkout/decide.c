#include "manifests/checkout/decide.h"

#include <sys/stat.h>

#include "keys/error.h"
#include "manifests/checkout/recall.h"

#define BATCH_BYTES (16 * 1024 * 1024)
#define BATCH_ENTRIES 256

struct DecideBatch {
    int root;
    gint64 begun;
    Progress *progress;
    GStringChunk *names;
    GArray *entries, *known;
    guint64 bytes;
    GError *error;
};

DecideBatch *
decide_batch_new(int root, gint64 begun, Progress *progress)
{
    DecideBatch *batch = g_new0(DecideBatch, 1);

    batch->root = root;
    batch->begun = begun;
    batch->progress = progress;
    batch->names = g_string_chunk_new(4096);
    batch->entries = g_array_new(FALSE, FALSE, sizeof(DecideEntry));
    batch->known = g_array_new(FALSE, FALSE, sizeof(Side));
    return batch;
}

void
decide_batch_free(DecideBatch *batch)
{
    if (!batch)
        return;
    g_string_chunk_free(batch->names);
    g_array_unref(batch->entries);
    g_array_unref(batch->known);
    g_clear_error(&batch->error);
    g_free(batch);
}

void
decide_batch_add(DecideBatch *batch, const Merged *merged, guint others, gboolean selected, const Stamp *recalled)
{
    const Side *new = &merged->sides[0], *base = &merged->sides[1];
    DecideEntry entry = { .in_new = new->kind != ITEM_PART, .in_base = base->kind != ITEM_PART, .want = *new };

    if (!entry.in_new && !entry.in_base)
        return;
    entry.path = g_string_chunk_insert(batch->names, merged->path);
    entry.goes_on = base->kind == ITEM_FOLDER && merged->upcoming && path_is_below(merged->upcoming, merged->path);
    if (recalled)
        entry.recalled = *recalled;
    entry.decision = selected ? DECIDE_KEEP : DECIDE_NOTHING;
    entry.first_known = batch->known->len;
    for (guint i = 1; i < others + 2; i++)
        if (merged->sides[i].kind != ITEM_PART)
            g_array_append_val(batch->known, merged->sides[i]);
    entry.known_count = batch->known->len - entry.first_known;
    g_array_append_val(batch->entries, entry);
    batch->bytes += new->size;
}

gboolean
decide_batch_is_full(const DecideBatch *batch)
{
    return batch->entries->len >= BATCH_ENTRIES || batch->bytes >= BATCH_BYTES;
}

static gboolean
is_known(const DecideBatch *batch, const DecideEntry *entry, BeneathFolder *folder, Local *local, gboolean *known, GError **error)
{
    *known = FALSE;
    for (guint i = 0; i < entry->known_count && !*known; i++)
        if (!local_is(folder, entry->path, local, &g_array_index(batch->known, Side, entry->first_known + i), batch->progress, known, error))
            return FALSE;
    return TRUE;
}

/* It has the right content. */
static Decision
decide_equal(const DecideEntry *entry, const Local *local)
{
    gboolean executable = (local->mode & S_IXUSR) != 0;

    if (local->kind != LOCAL_FILE || executable == (entry->want.kind == ITEM_EXECUTABLE))
        return DECIDE_KEEP;
    return DECIDE_MODE;
}

/* A folder that only the base has: it goes if it is empty. */
static Decision
decide_old_folder(const DecideBatch *batch, const DecideEntry *entry)
{
    gboolean was_folder = entry->known_count > 0 && g_array_index(batch->known, Side, entry->first_known).kind == ITEM_FOLDER;

    return was_folder && !entry->goes_on ? DECIDE_REMOVE : DECIDE_NOTHING;
}

/* CO8: nothing happened to it since it was what the base has there. */
static void
recall(const DecideBatch *batch, const DecideEntry *entry, Local *local)
{
    if (!entry->in_base || local->kind != LOCAL_FILE || !stamp_equal(&local->stamp, &entry->recalled) ||
        !recall_is_settled(&local->stamp, batch->begun))
        return;
    local->digest = g_array_index(batch->known, Side, entry->first_known).digest;
    local->hashed = TRUE;
}

static gboolean
decide(const DecideBatch *batch, DecideEntry *entry, BeneathFolder *folder, GError **error)
{
    gboolean equal = FALSE, known;
    Local local;

    if (!local_look(folder, entry->path, &local, error))
        return FALSE;
    entry->found = local.kind;
    entry->decision = entry->in_new ? DECIDE_WRITE : DECIDE_NOTHING;
    if (local.kind == LOCAL_NOTHING || local.kind == LOCAL_BLOCKED)
        return TRUE;
    recall(batch, entry, &local);
    if (entry->in_new && !local_is(folder, entry->path, &local, &entry->want, batch->progress, &equal, error))
        return FALSE;
    if (equal) {
        if (recall_is_settled(&local.stamp, batch->begun))
            entry->stamp = local.stamp;
        entry->decision = decide_equal(entry, &local);
        return TRUE;
    }
    if (local.kind == LOCAL_FOLDER) {
        entry->decision = entry->in_new ? DECIDE_WRITE : decide_old_folder(batch, entry);
        return TRUE;
    }
    if (!is_known(batch, entry, folder, &local, &known, error))
        return FALSE;
    entry->edited = !known;
    entry->decision = !entry->in_new ? DECIDE_REMOVE : entry->want.kind == ITEM_FOLDER ? DECIDE_WRITE : DECIDE_REPLACE;
    return TRUE;
}

void
decide_batch_work(DecideBatch *batch)
{
    g_auto(BeneathFolder) folder = BENEATH_FOLDER_INIT(batch->root);

    for (guint i = 0; i < batch->entries->len && !batch->error; i++) {
        DecideEntry *entry = &g_array_index(batch->entries, DecideEntry, i);

        if (progress_cancelled(batch->progress))
            chama_error(&batch->error, CHAMA_ERROR_CANCELLED, "stopped");
        else if (entry->decision != DECIDE_NOTHING)
            decide(batch, entry, &folder, &batch->error);
    }
}

GArray *
decide_batch_take(DecideBatch *batch, GError **error)
{
    if (!batch->error)
        return batch->entries;
    g_propagate_error(error, g_steal_pointer(&batch->error));
    return NULL;
}
