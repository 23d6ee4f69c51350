#include "manifests/ledger/ahead.h"

#include "keys/error.h"

/* Records that a core takes at once: whole leaf folders of ten. */
#define BLOCK_RECORDS 50
/* Blocks under way, for each core: one at work, others waiting so that none is idle while the taker looks at what came. */
#define BLOCKS_PER_CORE 3

typedef struct {
    guint64 from;
    guint count, taken;
    gboolean done;
    AheadRecord records[BLOCK_RECORDS];
} Block;

struct Ahead {
    Ledger *ledger;
    git_oid root;
    git_odb *database;       /* for the workers, who may not open it anew */
    guint64 next, end;       /* of the block to be sent */
    AheadOptions options;
    GThreadPool *pool;
    guint most;
    GQueue blocks;           /* of Block*, in order */
    GMutex mutex;
    GCond done;
};

static void
record_clear(const Ahead *ahead, AheadRecord *record)
{
    g_clear_pointer(&record->received, record_received_free);
    g_clear_pointer(&record->view, view_free);
    g_clear_error(&record->error);
    if (record->looked && ahead->options.free)
        ahead->options.free(record->looked);
    record->looked = NULL;
}

static void
block_free(const Ahead *ahead, Block *block)
{
    for (guint i = 0; i < block->count; i++)
        record_clear(ahead, &block->records[i]);
    g_free(block);
}

static GBytes *
read_object(gpointer data, const git_oid *id, git_object_t type, GError **error)
{
    const Ahead *ahead = data;

    return repository_read_from(ahead->ledger->repository, ahead->database, id, type, error);
}

static GBytes *
read_object_again(gpointer data, const git_oid *id, git_object_t type, GError **error)
{
    return repository_read(((const Ahead *)data)->ledger->repository, id, type, error);
}

static void
take_entry(const Ahead *ahead, GBytes *entry, AheadRecord *record)
{
    const void *data = g_bytes_get_data(entry, NULL);
    gsize size = g_bytes_get_size(entry);

    record->read = TRUE;
    merkle_leaf(data, size, &record->leaf);
    record->received = record_receive(data, size, &record->error);
    if (!record->received)
        return;
    if (ahead->options.views)
        record->view = view_of(record_received_claims(record->received));
    if (ahead->options.look)
        record->looked = ahead->options.look(record_received_claims(record->received));
}

static void
run_block(gpointer data, gpointer user_data)
{
    Block *block = data;
    Ahead *ahead = user_data;
    const ObjectSource source = { read_object, ahead };
    g_autoptr(GBytes) leaf = NULL;

    for (guint i = 0; i < block->count; i++) {
        guint64 seq = block->from + i;
        g_autoptr(GBytes) entry = NULL;

        if (!leaf || seq % TREE_LEAF_RECORDS == 0) {
            g_clear_pointer(&leaf, g_bytes_unref);
            leaf = ledger_read_leaf(&source, &ahead->root, seq, NULL);
        }
        entry = leaf ? ledger_entry_in_leaf(&source, leaf, seq, NULL) : NULL;
        if (entry)
            take_entry(ahead, entry, &block->records[i]);
    }
    g_mutex_lock(&ahead->mutex);
    block->done = TRUE;
    g_cond_signal(&ahead->done);
    g_mutex_unlock(&ahead->mutex);
}

static void
send_blocks(Ahead *ahead)
{
    while (ahead->next < ahead->end && ahead->blocks.length < ahead->most) {
        Block *block = g_new0(Block, 1);

        block->from = ahead->next;
        block->count = (guint)MIN(BLOCK_RECORDS - ahead->next % BLOCK_RECORDS, ahead->end - ahead->next);
        ahead->next += block->count;
        g_queue_push_tail(&ahead->blocks, block);
        g_thread_pool_push(ahead->pool, block, NULL);
    }
}

Ahead *
ahead_new(Ledger *ledger, const git_oid *root, guint64 from, guint64 to, const AheadOptions *options)
{
    Ahead *ahead = g_new0(Ahead, 1);
    g_autoptr(GBytes) tree = NULL;
    guint cores = g_get_num_processors();

    ahead->ledger = ledger;
    ahead->root = *root;
    ahead->next = from;
    ahead->end = to;
    ahead->options = *options;
    ahead->most = BLOCKS_PER_CORE * cores;
    g_queue_init(&ahead->blocks);
    g_mutex_init(&ahead->mutex);
    g_cond_init(&ahead->done);
    /* Opens it, if nothing was read yet.  Without a database workers read nothing, and the taker reads all. */
    tree = repository_read(ledger->repository, root, GIT_OBJECT_TREE, NULL);
    if (repository_git(ledger->repository))
        libgit2.git_repository_odb(&ahead->database, repository_git(ledger->repository));
    ahead->pool = g_thread_pool_new(run_block, ahead, (gint)cores, FALSE, NULL);
    send_blocks(ahead);
    return ahead;
}

static void
wait_for(Ahead *ahead, const Block *block)
{
    g_mutex_lock(&ahead->mutex);
    while (!block->done)
        g_cond_wait(&ahead->done, &ahead->mutex);
    g_mutex_unlock(&ahead->mutex);
}

/* Packs may have been replaced since: this thread opens the repository anew, and knows what is wrong if that does not help. */
static void
read_again(Ahead *ahead, guint64 seq, AheadRecord *record)
{
    const ObjectSource source = { read_object_again, ahead };
    g_autoptr(GBytes) leaf = ledger_read_leaf(&source, &ahead->root, seq, &record->error);
    g_autoptr(GBytes) entry = leaf ? ledger_entry_in_leaf(&source, leaf, seq, &record->error) : NULL;

    if (entry)
        take_entry(ahead, entry, record);
    else
        ledger_damaged(ahead->ledger, seq, &record->error);
}

gboolean
ahead_next(Ahead *ahead, AheadRecord **record)
{
    Block *block = g_queue_peek_head(&ahead->blocks);

    if (block && block->taken == block->count) {
        block_free(ahead, g_queue_pop_head(&ahead->blocks));
        send_blocks(ahead);
        block = g_queue_peek_head(&ahead->blocks);
    }
    if (!block)
        return FALSE;
    wait_for(ahead, block);
    if (block->taken > 0)
        record_clear(ahead, &block->records[block->taken - 1]);
    *record = &block->records[block->taken];
    if (!(*record)->read)
        read_again(ahead, block->from + block->taken, *record);
    block->taken++;
    return TRUE;
}

void
ahead_free(Ahead *ahead)
{
    if (!ahead)
        return;
    g_thread_pool_free(ahead->pool, FALSE, TRUE);
    while (ahead->blocks.length > 0)
        block_free(ahead, g_queue_pop_head(&ahead->blocks));
    g_clear_pointer(&ahead->database, libgit2.git_odb_free);
    g_mutex_clear(&ahead->mutex);
    g_cond_clear(&ahead->done);
    g_free(ahead);
}
