#include "sync/pull/replica.h"

#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "keys/sshsig.h"
#include "sync/pull/cosigning.h"
#include "sync/pull/open_part.h"
#include "sync/pull/quota.h"
#include "sync/sparse.h"
#include "sync/ties.h"

#define RECENT_SIZE_MAX (128 * 1024)   /* bytes of new records kept to show that they do not fit (FORMAT.md, EV9) */

typedef struct {
    Session *session;
    const ReplicaOrder *order;
    ReplicaResult *result;
    LedgerLock *lock;
    LedgerHead head;            /* what the next record must continue */
    Identity *identity;         /* key state within the batch being read, before the ledger knows it */
    Record *last;               /* verified */
    GPtrArray *batch;           /* of Record*: verified records of the batch being read */
    guint expected;             /* records of that batch; 0: beyond what was offered */
    GBytes *signature;          /* of its commit */
    guint64 begin;              /* where the new records begin */
    GPtrArray *recent;          /* of Record*: all new ones; NULL if they are too many to show */
    gsize recent_size;
} Replica;

void
replica_result_clear(ReplicaResult *result)
{
    conflict_clear(&result->conflict);
}

static void
replica_clear(Replica *replica)
{
    g_clear_pointer(&replica->lock, ledger_unlock);
    g_clear_pointer(&replica->identity, identity_free);
    g_clear_pointer(&replica->last, record_free);
    g_clear_pointer(&replica->batch, g_ptr_array_unref);
    g_clear_pointer(&replica->signature, g_bytes_unref);
    g_clear_pointer(&replica->recent, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Replica, replica_clear)

/* PU6: the ledger may have grown since the offer: whole batches beyond the checkpoint are passed over. */
static gboolean
take_batch(gpointer data, guint64 first, guint count, GBytes *signature, GError **error)
{
    Replica *replica = data;
    const LedgerOffer *offer = replica->order->offer;

    if (!session_check(replica->session, error))
        return FALSE;
    replica->expected = 0;
    if (replica->head.size == offer->size)
        return TRUE;
    if (first != replica->head.size || count > offer->size - first)
        return chama_error(error, CHAMA_ERROR_MALFORMED,
                           "ledger: PU6: want a batch from record %" G_GUINT64_FORMAT " to at most %" G_GUINT64_FORMAT ", have %u from %" G_GUINT64_FORMAT,
                           replica->head.size, offer->size, count, first);
    replica->expected = count;
    g_ptr_array_set_size(replica->batch, 0);
    g_clear_pointer(&replica->signature, g_bytes_unref);
    replica->signature = g_bytes_ref(signature);
    return TRUE;
}

/* Who signed a record that does not continue the one before?  Only if it was the owner is it a fork, and then both are kept to show it. */
static gboolean
keep_contradiction(Replica *replica, const RecordReceived *received, GError *fork, GError **error)
{
    const Record *claims = record_received_claims(received);
    const LedgerHead claimed = { .size = claims->seq, .head = claims->prev, .identity = replica->head.identity };
    g_autoptr(Record) offered = record_verify(received, &claimed, error);
    g_autoptr(Record) held = NULL;

    if (!offered) {
        g_error_free(fork);
        return FALSE;
    }
    held = replica->last ? record_copy(replica->last) : ledger_get(replica->result->ledger, replica->head.size - 1, NULL);
    if (held)
        conflict_add_record(&replica->result->conflict, held);
    conflict_add_record(&replica->result->conflict, offered);
    g_propagate_prefixed_error(error, fork, "ledger: two histories: ");
    return FALSE;
}

static Record *
verify_entry(Replica *replica, const RecordReceived *received, GError **error)
{
    const Record *claims = record_received_claims(received);
    GError *local = NULL;
    Record *record;

    if (claims->seq != replica->head.size)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "ledger: PU6: want record %" G_GUINT64_FORMAT ", have %" G_GUINT64_FORMAT, replica->head.size,
                                claims->seq);
    record = record_verify(received, &replica->head, &local);
    if (record && strcmp(record->node, replica->order->offer->node) != 0) {
        record_free(record);
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "ledger: PU6: want the inception of %s, have that of another node", replica->order->offer->node);
    }
    if (g_error_matches(local, CHAMA_ERROR, CHAMA_ERROR_FORK) && replica->head.size > 0)
        keep_contradiction(replica, received, local, error);
    else if (local)
        g_propagate_error(error, local);
    return record;
}

/* What might have to be shown, as long as it is little. */
static void
remember(Replica *replica, const Record *record)
{
    if (replica->head.size == 0 || strcmp(record->type, ROTATION_TYPE) == 0)
        conflict_add_key(&replica->result->conflict, record);
    replica->recent_size += g_bytes_get_size(record->bytes) + SSHSIG_SIZE_MAX;
    if (replica->recent && replica->recent_size <= RECENT_SIZE_MAX)
        g_ptr_array_add(replica->recent, record_copy(record));
    else
        g_clear_pointer(&replica->recent, g_ptr_array_unref);
}

static gboolean
advance(Replica *replica, Record *record, GError **error)
{
    Identity *after = record_identity_after(record, replica->head.identity, error);

    remember(replica, record);
    g_clear_pointer(&replica->last, record_free);
    replica->last = record_copy(record);
    g_ptr_array_add(replica->batch, record);
    if (!after)
        return FALSE;
    identity_free(replica->identity);
    replica->identity = after;
    replica->head = (LedgerHead){ replica->head.size + 1, record->address, after };
    return TRUE;
}

/* A new ledger gets its folder only now that its inception has been verified, and counts against the quota even if the rest never comes. */
static gboolean
open_ledger(Replica *replica, GError **error)
{
    const char *node = replica->order->offer->node;
    Session *session = replica->session;

    if (!replica->result->ledger) {
        if (!quota_add(session->home, session->peer->node, node, replica->order->relayed, TRUE, 0, error))
            return FALSE;
        replica->result->ledger = home_peer_ledger_create(session->home, node, error);
    }
    if (!replica->result->ledger || replica->lock)
        return replica->lock != NULL;
    replica->lock = ledger_lock(replica->result->ledger, error);
    if (replica->lock && ledger_head(replica->result->ledger)->size > 0)
        return chama_error(error, CHAMA_ERROR_EXISTS, "ledger: PU51: another session has brought it meanwhile");
    return replica->lock != NULL;
}

static gboolean
close_batch(Replica *replica, GError **error)
{
    if (!open_ledger(replica, error) || !ledger_replicate(replica->result->ledger, replica->batch, replica->signature, error))
        return FALSE;
    replica->head = *ledger_replicate_head(replica->result->ledger);
    replica->result->records += replica->batch->len;
    return TRUE;
}

static gboolean
take_entry(gpointer data, const char *entry, gsize size, GError **error)
{
    Replica *replica = data;
    g_autoptr(RecordReceived) received = NULL;
    Record *record;

    if (replica->expected == 0)
        return TRUE;
    if (size > replica->order->bytes_max - replica->result->bytes)
        return chama_error(error, CHAMA_ERROR_LIMIT, "ledger: PU18: want at most %" G_GUINT64_FORMAT " bytes of new records, have more", replica->order->bytes_max);
    replica->result->bytes += size;
    received = record_receive(entry, size, error);
    record = received ? verify_entry(replica, received, error) : NULL;
    if (!record || !advance(replica, record, error))
        return FALSE;
    return replica->batch->len < replica->expected || close_batch(replica, error);
}

static gboolean
feed(gpointer data, const void *bytes, gsize size, GError **error)
{
    return record_stream_feed(data, bytes, size, error);
}

static gboolean
read_stream(Replica *replica, GError **error)
{
    static const RecordStreamEvents events = { .batch = take_batch, .entry = take_entry };
    g_autoptr(RecordStream) stream = record_stream_new(&events, replica);
    g_autofree char *path =
        g_strdup_printf("/v1/ledgers/%s/records?from=%" G_GUINT64_FORMAT, replica->order->offer->node, replica->head.size);

    return transport_request(replica->session->transport, "GET", path, NULL, NULL, feed, stream, error) && record_stream_end(stream, error);
}

/* The checkpoint seen and the one of what came: EV8, or EV10 if that is of fewer records. */
static void
keep_seen(Replica *replica)
{
    Conflict *conflict = &replica->result->conflict;
    const ReplicaOrder *order = replica->order;

    conflict->checkpoints[0] = sparse_checkpoint(replica->session->home, order->offer->node);
    conflict->checkpoints[1] = g_strdup(order->offer->checkpoint);
    conflict->rollback = order->offer->size < order->seen_size;
    if (!conflict->rollback)
        conflict_of_checkpoints(conflict, ledger_merkle(replica->result->ledger), order->seen_size, order->offer->size, NULL);
}

/* Z10. */
static gboolean
supersedes_seen(Replica *replica)
{
    Catalogue *catalogue = home_catalogue(replica->session->home, NULL);
    g_autoptr(Identity) seen = catalogue ? catalogue_identity(catalogue, replica->order->offer->node, NULL) : NULL;

    return seen && ties_judge(replica->session->home, replica->session->options->policy, seen, replica->head.identity, replica->order->offer->checkpoint, NULL, NULL) == BRANCH_OFFERED;
}

static gboolean
let_seen_give_way(Replica *replica, const Conflict *conflict, GError **error)
{
    const ReplicaOrder *order = replica->order;

    replica->result->gave_way = TRUE;
    return open_part_give_way(replica->session, order->offer->node, conflict, order->seen_size, order->offer->size, error);
}

/* PU5: a ledger of which only the open part was held must be the one of which that was a part.  PU31: but its owner, who gives the whole of it, is not to be shut out by
 * a part that someone else may have shown. */
static gboolean
check_against_seen(Replica *replica, GError **error)
{
    const ReplicaOrder *order = replica->order;
    guint64 size = order->seen_size;
    Digest root;

    if (size == 0)
        return TRUE;
    if (size <= order->offer->size && !ledger_replicate_root(replica->result->ledger, size, &root, error))
        return FALSE;
    if (size <= order->offer->size && digest_equal(&root, &order->seen_root))
        return TRUE;
    if (supersedes_seen(replica))
        return let_seen_give_way(replica, NULL, error);
    keep_seen(replica);
    if (order->from_owner)
        return let_seen_give_way(replica, &replica->result->conflict, error);
    return chama_error(error, CHAMA_ERROR_FORK, "ledger: PU5: two histories: its first %" G_GUINT64_FORMAT " records are not those whose open part is held here", size);
}

/* EV9: the records from the checkpoint held on, and the checkpoint that is not theirs. */
static void
keep_misfit(Replica *replica)
{
    Conflict *conflict = &replica->result->conflict;
    Ledger *ledger = replica->result->ledger;

    conflict->checkpoints[0] = replica->begin > 0 ? ledger_checkpoint(ledger, NULL) : NULL;
    conflict->checkpoints[1] = g_strdup(replica->order->offer->checkpoint);
    conflict->hashes = merkle_file_peaks(ledger_merkle(ledger), replica->begin, NULL);
    if (replica->recent)
        conflict->records = g_steal_pointer(&replica->recent);
    else {
        conflict_add_record(conflict, replica->last);
        conflict->cut = TRUE;
    }
}

/* PU6: what came is what the owner signed, to the last record, or it is not taken. */
static gboolean
check_against_checkpoint(Replica *replica, GError **error)
{
    const LedgerOffer *offer = replica->order->offer;
    g_autoptr(Checkpoint) checkpoint = NULL;
    Digest root;

    if (replica->head.size != offer->size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "ledger: PU6: want %" G_GUINT64_FORMAT " records as offered, have %" G_GUINT64_FORMAT, offer->size,
                           replica->head.size);
    checkpoint = checkpoint_verify_by(offer->checkpoint, strlen(offer->checkpoint), replica->head.identity, error);
    if (!checkpoint)
        return FALSE;
    if (checkpoint->size != offer->size)
        return chama_error(error, CHAMA_ERROR_VERIFY, "ledger: PU6: want a checkpoint of %" G_GUINT64_FORMAT " records, have one of %" G_GUINT64_FORMAT,
                           offer->size, checkpoint->size);
    if (!ledger_replicate_root(replica->result->ledger, offer->size, &root, error))
        return FALSE;
    if (digest_equal(&root, &checkpoint->root))
        return check_against_seen(replica, error);
    keep_misfit(replica);
    return chama_error(error, CHAMA_ERROR_FORK, "ledger: its first %" G_GUINT64_FORMAT " records are not those of its checkpoint", offer->size);
}

static gboolean
replicate(Replica *replica, GError **error)
{
    return read_stream(replica, error) && check_against_checkpoint(replica, error) &&
           ledger_replicate_finish(replica->result->ledger, error);
}

gboolean
replica_fetch(Session *session, const ReplicaOrder *order, ReplicaResult *result, GError **error)
{
    g_auto(Replica) replica = { .session = session, .order = order, .result = result };

    result->ledger = order->ledger;
    replica.batch = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    replica.recent = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    if (order->ledger && !(replica.lock = ledger_lock(order->ledger, error)))
        return FALSE;
    if (order->ledger)
        replica.head = *ledger_head(order->ledger);
    replica.begin = replica.head.size;
    /* Another process may have brought it here since it was offered. */
    if (replica.head.size >= order->offer->size)
        return TRUE;
    if (!replicate(&replica, error)) {
        if (replica.lock)
            ledger_replicate_abort(result->ledger);
        result->records = 0;
        return FALSE;
    }
    return cosigning_keep_checkpoint(result->ledger, order->offer->checkpoint, error);
}
