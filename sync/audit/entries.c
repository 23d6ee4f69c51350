#include "sync/audit/entries.h"

#include "keys/error.h"

#define JOB_RECORDS 32      /* that a core takes at once */
#define KEEP_BUNDLES 32     /* bundles after which the position is kept */

/* Records of one bundle, as far as they are new. */
typedef struct {
    Remote *remote;
    TileTree *tree;
    guint64 size;
    EntriesPosition *position;
    const EntriesEvents *events;
    GPtrArray *received;    /* of RecordReceived*, */
    GArray *heads;          /* and of LedgerHead: what each must continue */
    GPtrArray *states;      /* of Identity*: those that the heads speak of */
    Record **records;       /* as verified; NULL where it does not hold */
    GMutex mutex;
    GCond done;
    guint jobs;             /* under way */
    gint64 failed;          /* the first that does not hold, or -1 */
    GError *error;          /* what is wrong with it */
} Entries;

static Tile
bundle_at(const Entries *entries, guint64 index)
{
    return (Tile){ TRUE, 0, index, tile_width(0, index, entries->size) };
}

/* AU10: an entry is the one of its leaf, whose place under the checkpoint is proven. */
static gboolean
check_leaf(const Tile *tile, guint place, GBytes *entry, const Digest *leaf, GError **error)
{
    char path[TILE_PATH_SIZE];
    Digest have;

    merkle_leaf(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &have);
    return digest_equal(&have, leaf) ||
           chama_error(error, CHAMA_ERROR_VERIFY, "%s: AU10: entry %u is not the one of its leaf", tile_format(tile, path), place);
}

/* Takes an entry at its word to go on; its signature is checked with the others of the bundle. */
static gboolean
take_entry(Entries *entries, guint64 seq, GBytes *entry, GError **error)
{
    RecordReceived *received = record_receive(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), error);
    EntriesPosition *position = entries->position;
    LedgerHead head = { position->size, position->head, position->identity };
    Identity *after;

    if (!received) {
        g_prefix_error(error, "record %" G_GUINT64_FORMAT ": ", seq);
        return FALSE;
    }
    g_ptr_array_add(entries->received, received);
    g_array_append_val(entries->heads, head);
    /* what breaks a rule of keys is told of when it is verified */
    after = record_identity_after(record_received_claims(received), position->identity, NULL);
    if (after) {
        g_ptr_array_add(entries->states, position->identity);
        position->identity = after;
    }
    position->head = record_received_claims(received)->address;
    position->size++;
    return TRUE;
}

static void
verify_one(Entries *entries, guint i)
{
    g_autoptr(GError) error = NULL;

    entries->records[i] = record_verify(g_ptr_array_index(entries->received, i), &g_array_index(entries->heads, LedgerHead, i), &error);
    if (entries->records[i])
        return;
    g_mutex_lock(&entries->mutex);
    if (entries->failed < 0 || i < entries->failed) {
        entries->failed = i;
        g_clear_error(&entries->error);
        entries->error = g_steal_pointer(&error);
    }
    g_mutex_unlock(&entries->mutex);
}

/* @data: the job's number, from 1. */
static void
run_job(gpointer data, gpointer user_data)
{
    Entries *entries = user_data;
    guint from = (GPOINTER_TO_UINT(data) - 1) * JOB_RECORDS, to = MIN(from + JOB_RECORDS, entries->received->len);

    for (guint i = from; i < to; i++)
        verify_one(entries, i);
    g_mutex_lock(&entries->mutex);
    entries->jobs--;
    g_cond_signal(&entries->done);
    g_mutex_unlock(&entries->mutex);
}

static void
verify_all(Entries *entries, GThreadPool *pool)
{
    guint jobs = (entries->received->len + JOB_RECORDS - 1) / JOB_RECORDS;

    entries->failed = -1;
    entries->jobs = jobs;
    for (guint i = 1; i <= jobs; i++)
        g_thread_pool_push(pool, GUINT_TO_POINTER(i), NULL);
    g_mutex_lock(&entries->mutex);
    while (entries->jobs > 0)
        g_cond_wait(&entries->done, &entries->mutex);
    g_mutex_unlock(&entries->mutex);
}

/* Those before the first that does not hold. */
static gboolean
hand_on(Entries *entries, GError **error)
{
    guint good = entries->failed < 0 ? entries->received->len : (guint)entries->failed;

    for (guint i = 0; i < good; i++)
        if (!entries->events->visit(entries->events->data, entries->records[i], error))
            return FALSE;
    if (entries->failed < 0)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&entries->error));
    return FALSE;
}

static void
forget_bundle(Entries *entries)
{
    for (guint i = 0; i < entries->received->len; i++)
        record_free(entries->records[i]);
    g_ptr_array_set_size(entries->received, 0);
    g_array_set_size(entries->heads, 0);
    g_ptr_array_set_size(entries->states, 0);
}

static GPtrArray *
parse_bundle(const Tile *tile, GBytes *bytes, GError **error)
{
    GPtrArray *entries = tile_parse_bundle(bytes, tile->width, error);
    char path[TILE_PATH_SIZE];

    if (!entries)
        g_prefix_error(error, "%s: ", tile_format(tile, path));
    return entries;
}

static gboolean
take_bundle(Entries *entries, guint64 index, GThreadPool *pool, GError **error)
{
    const Tile tile = bundle_at(entries, index), next = bundle_at(entries, index + 1);
    g_autoptr(GBytes) bytes = remote_bundle(entries->remote, &tile, next.width > 0 ? &next : NULL, error);
    g_autoptr(GPtrArray) all = bytes ? parse_bundle(&tile, bytes, error) : NULL;
    const Digest *leaves = all ? tile_tree_leaves(entries->tree, index, error) : NULL;
    guint64 first = entries->position->size;
    gboolean good = leaves != NULL;

    for (guint i = 0; good && i < tile.width; i++)
        good = check_leaf(&tile, i, g_ptr_array_index(all, i), &leaves[i], error);
    for (guint64 seq = first; good && seq < index * TILE_WIDTH + tile.width; seq++)
        good = take_entry(entries, seq, g_ptr_array_index(all, seq - index * TILE_WIDTH), error);
    if (good) {
        verify_all(entries, pool);
        good = hand_on(entries, error);
    }
    return good;
}

/* Where it stood if a bundle does not hold. */
static EntriesPosition
position_copy(const EntriesPosition *position)
{
    EntriesPosition copy = *position;

    copy.identity = position->identity ? identity_ref(position->identity) : NULL;
    return copy;
}

static gboolean
take_all(Entries *entries, GThreadPool *pool, GError **error)
{
    EntriesPosition *position = entries->position;
    guint bundles = 0;

    while (position->size < entries->size) {
        EntriesPosition before = position_copy(position);
        gboolean good = take_bundle(entries, position->size / TILE_WIDTH, pool, error);

        forget_bundle(entries);
        g_clear_pointer(good ? &before.identity : &position->identity, identity_free);
        if (!good) {
            *position = before;
            return FALSE;
        }
        if (++bundles % KEEP_BUNDLES == 0 && !entries->events->keep(entries->events->data, position, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
entries_verify(Remote *remote, TileTree *tree, guint64 size, EntriesPosition *position, const EntriesEvents *events, GError **error)
{
    g_autoptr(GPtrArray) received = g_ptr_array_new_with_free_func((GDestroyNotify)record_received_free);
    g_autoptr(GPtrArray) states = g_ptr_array_new_with_free_func((GDestroyNotify)identity_free);
    g_autoptr(GArray) heads = g_array_new(FALSE, FALSE, sizeof(LedgerHead));
    g_autofree Record **records = g_new0(Record *, TILE_WIDTH);
    Entries entries = { .remote = remote, .tree = tree, .size = size, .position = position, .events = events, .received = received, .heads = heads,
                        .states = states, .records = records };
    GThreadPool *pool = g_thread_pool_new(run_job, &entries, (gint)g_get_num_processors(), FALSE, NULL);
    GError *failed = NULL;
    gboolean good;

    g_mutex_init(&entries.mutex);
    g_cond_init(&entries.done);
    good = take_all(&entries, pool, &failed);
    g_thread_pool_free(pool, FALSE, TRUE);
    g_cond_clear(&entries.done);
    g_mutex_clear(&entries.mutex);
    good = events->keep(events->data, position, failed ? NULL : error) && good;
    if (failed)
        g_propagate_error(error, failed);
    return good;
}
