/* Sparse ledgers held here: verified whole, kept as they came, projected; Z1 to Z8 of sync/PROTOCOL.md. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "keys/history.h"
#include "keys/rotation.h"
#include "sync/sparse.h"
#include "sync/ties.h"
#include "sync/wire.h"

#define KEPT_NAME "stream"

/* What reading a stream has found so far. */
typedef struct {
    const char *node;
    Identity *identity;          /* newest: from the inception, which comes first, and the rotations */
    Checkpoint *checkpoint;      /* which comes last */
    char *note;                  /* as it came */
    guint64 old_size;
    Digest proof[WIRE_PROOF_MAX];
    guint proof_count;
    guint64 next;                /* the least index that the next entry may have */
    guint entries;
    GPtrArray *records;          /* of Record*; second reading */
} Reading;

static void
reading_clear(Reading *reading)
{
    g_clear_pointer(&reading->identity, identity_free);
    g_clear_pointer(&reading->checkpoint, checkpoint_free);
    g_clear_pointer(&reading->note, g_free);
    g_clear_pointer(&reading->records, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reading, reading_clear)

/* Z3: the inception is the node's and signed by its own key. */
static Record *
read_inception(Reading *reading, const char *entry, gsize size, GError **error)
{
    const LedgerHead nothing = { .size = 0 };
    g_autoptr(RecordReceived) received = record_receive(entry, size, error);
    g_autoptr(Record) record = received ? record_verify(received, &nothing, error) : NULL;

    if (record && strcmp(record->node, reading->node) != 0)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "sparse: Z3: want the inception of %s, have that of %s", reading->node, record->node);
    return g_steal_pointer(&record);
}

/* Z5: rotations change the key that counts from their number on.  Each is signed by the key that was committed to, so that none can be made up; the checkpoint,
 * by the log key that the last one names, shows that none was left out. */
static gboolean
meet_rotation(Reading *reading, guint64 index, const char *entry, gsize size, GError **error)
{
    g_autoptr(RecordReceived) received = record_receive(entry, size, error);
    const Record *claims = received ? record_received_claims(received) : NULL;
    g_autoptr(Record) record = NULL;
    Identity *after;

    if (!claims)
        return FALSE;
    if (strcmp(claims->type, ROTATION_TYPE) != 0)
        return TRUE;
    record = record_verify(received, &(LedgerHead){ index, claims->prev, reading->identity }, error);
    after = record ? record_identity_after(record, reading->identity, error) : NULL;
    if (!after)
        return FALSE;
    identity_free(reading->identity);
    reading->identity = after;
    return TRUE;
}

/* First reading: who the owner is, and under which checkpoint the rest stands. */
static gboolean
meet_entry(gpointer data, guint64 index, const char *entry, gsize size, const Digest *proof, guint count, GError **error)
{
    Reading *reading = data;
    g_autoptr(Record) inception = NULL;

    if (reading->checkpoint)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "sparse: Z2: want the checkpoint after all entries");
    if (++reading->entries > SPARSE_ENTRIES_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "sparse: Z1: want at most %d entries, have more", SPARSE_ENTRIES_MAX);
    if (reading->identity)
        return meet_rotation(reading, index, entry, size, error);
    inception = index == 0 ? read_inception(reading, entry, size, error) : NULL;
    if (index != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "sparse: Z2: want the inception first, have entry %" G_GUINT64_FORMAT, index);
    reading->identity = inception ? identity_parse_inception(inception->bytes, error) : NULL;
    return reading->identity != NULL;
}

static gboolean
meet_checkpoint(gpointer data, guint64 old_size, const Digest *proof, guint count, const char *note, gsize size, GError **error)
{
    Reading *reading = data;

    if (!reading->identity || reading->checkpoint)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "sparse: Z2: want one checkpoint after the entries");
    reading->checkpoint = checkpoint_verify_by(note, size, reading->identity, error);
    if (!reading->checkpoint)
        return FALSE;
    if (old_size > reading->checkpoint->size || (count == 0) != (old_size == 0 || old_size == reading->checkpoint->size))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "sparse: Z6: want a proof of consistency from %" G_GUINT64_FORMAT " records on", old_size);
    reading->note = g_strndup(note, size);
    reading->old_size = old_size;
    reading->proof_count = count;
    if (count > 0)
        memcpy(reading->proof, proof, count * sizeof *proof);
    return TRUE;
}

/* Z4, Z5: each entry in its place under the checkpoint, and signed.  What it says it continues is a claim: the tree proves its place. */
static gboolean
check_entry(gpointer data, guint64 index, const char *entry, gsize size, const Digest *proof, guint count, GError **error)
{
    Reading *reading = data;
    g_autoptr(RecordReceived) received = record_receive(entry, size, error);
    const Record *claims = received ? record_received_claims(received) : NULL;
    Record *record;
    Digest leaf;

    if (!claims)
        return FALSE;
    if (index < reading->next || claims->seq != index || strcmp(claims->node, reading->node) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "sparse: Z4: want entries of %s in order, have %" G_GUINT64_FORMAT " as %" G_GUINT64_FORMAT,
                           reading->node, claims->seq, index);
    reading->next = index + 1;
    merkle_leaf(entry, size, &leaf);
    if (!merkle_check_inclusion(index, reading->checkpoint->size, &leaf, proof, count, &reading->checkpoint->root, error))
        return FALSE;
    record = index == 0 ? read_inception(reading, entry, size, error)
                        : record_verify(received, &(LedgerHead){ index, claims->prev, identity_at(reading->identity, index - 1) }, error);
    if (record)
        g_ptr_array_add(reading->records, record);
    return record != NULL;
}

static gboolean
pass_checkpoint(gpointer data, guint64 old_size, const Digest *proof, guint count, const char *note, gsize size, GError **error)
{
    return TRUE;
}

static gboolean
feed(const RecordStreamEvents *events, Reading *reading, GBytes *stream, GError **error)
{
    g_autoptr(RecordStream) parser = record_stream_new(events, reading);
    gsize size;
    const void *data = g_bytes_get_data(stream, &size);

    return record_stream_feed(parser, data, size, error) && record_stream_end(parser, error);
}

static void
free_record(gpointer record)
{
    record_free(record);
}

/* The first of two readings: the checkpoint comes last, and nothing counts before it is known. */
static gboolean
read_frame(const char *node, GBytes *stream, Reading *reading, GError **error)
{
    static const RecordStreamEvents events = { .sparse = meet_entry, .checkpoint = meet_checkpoint };

    reading->node = node;
    reading->records = g_ptr_array_new_with_free_func(free_record);
    if (g_bytes_get_size(stream) > SPARSE_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "sparse: Z1: want at most %d bytes, have %zu", SPARSE_SIZE_MAX, g_bytes_get_size(stream));
    if (!feed(&events, reading, stream, error))
        return FALSE;
    return reading->checkpoint || chama_error(error, CHAMA_ERROR_MALFORMED, "sparse: Z2: want a checkpoint, have none");
}

static gboolean
read_entries(GBytes *stream, Reading *reading, GError **error)
{
    static const RecordStreamEvents events = { .sparse = check_entry, .checkpoint = pass_checkpoint };

    return feed(&events, reading, stream, error);
}

static char *
folder_of(Home *home, const char *node)
{
    return g_build_filename(home_path(home), "sparse", node, NULL);
}

/* The stream kept, or NULL; without an error if there is none. */
static GBytes *
read_kept(Home *home, const char *node, GError **error)
{
    g_autofree char *path = g_build_filename(home_path(home), "sparse", node, KEPT_NAME, NULL);
    g_autoptr(GError) local = NULL;
    GBytes *bytes = node_id_valid(node) ? durable_read(path, SPARSE_SIZE_MAX, &local) : NULL;

    if (local && !g_error_matches(local, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        g_propagate_error(error, g_steal_pointer(&local));
    return bytes;
}

static gboolean
keep(Home *home, const char *node, GBytes *stream, GError **error)
{
    g_autofree char *all = g_build_filename(home_path(home), "sparse", NULL);
    g_autofree char *folder = folder_of(home, node);
    g_autofree char *path = g_build_filename(folder, KEPT_NAME, NULL);
    gsize size;
    const void *data = g_bytes_get_data(stream, &size);

    return durable_mkdir(all, 0700, error) && durable_mkdir(folder, 0700, error) && durable_write(path, data, size, 0600, error);
}

gsize
sparse_size(Home *home, const char *node)
{
    g_autofree char *path = g_build_filename(home_path(home), "sparse", node, KEPT_NAME, NULL);
    struct stat status;

    return stat(path, &status) == 0 ? (gsize)status.st_size : 0;
}

gboolean
sparse_drop(Home *home, const char *node, GError **error)
{
    g_autofree char *folder = folder_of(home, node);
    g_autofree char *path = g_build_filename(folder, KEPT_NAME, NULL);

    return !g_file_test(path, G_FILE_TEST_EXISTS) || durable_unlink(path, error);
}

static gboolean
project(Home *home, const Reading *reading, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);

    for (guint i = 0; catalogue && i < reading->records->len; i++)
        if (!catalogue_project_record(catalogue, reading->records->pdata[i], error))
            return FALSE;
    return catalogue != NULL;
}

/* Z6: what is new continues what is held: I3. */
static gboolean
check_consistent(const Reading *reading, guint64 size, const Digest *root, GError **error)
{
    const Checkpoint *checkpoint = reading->checkpoint;

    if (checkpoint->size < size)
        return chama_error(error, CHAMA_ERROR_FORK, "%s: Z6: want at least %" G_GUINT64_FORMAT " records, have a checkpoint of %" G_GUINT64_FORMAT,
                           reading->node, size, checkpoint->size);
    if (checkpoint->size == size) {
        if (digest_equal(&checkpoint->root, root))
            return TRUE;
        return chama_error(error, CHAMA_ERROR_FORK, "%s: Z6: two checkpoints of %" G_GUINT64_FORMAT " records with different roots", reading->node, size);
    }
    if (reading->old_size != size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: Z6: want a proof from %" G_GUINT64_FORMAT " records on, have one from %" G_GUINT64_FORMAT,
                           reading->node, size, reading->old_size);
    if (merkle_check_consistency(size, root, checkpoint->size, &checkpoint->root, reading->proof, reading->proof_count, NULL))
        return TRUE;
    return chama_error(error, CHAMA_ERROR_FORK, "%s: Z6: want a history that continues the %" G_GUINT64_FORMAT " records seen before, have another",
                       reading->node, size);
}

/* Z10: of two histories the one counts that has a rotation which the other has not; of two rotations what a person decided (N16). */
static BranchVerdict
judge(Home *home, const Reading *reading)
{
    g_autoptr(GBytes) kept = read_kept(home, reading->node, NULL);
    g_auto(Reading) held = { 0 };

    return kept && read_frame(reading->node, kept, &held, NULL) ? ties_judge(home, NULL, held.identity, reading->identity, "", NULL, NULL) : BRANCH_NEITHER;
}

/* *@counts: FALSE if it is another history that counts for nothing.  What is superseded is forgotten. */
static gboolean
check_continues(Home *home, const Reading *reading, guint64 size, const Digest *root, gboolean *counts, GError **error)
{
    GError *failed = NULL;
    BranchVerdict verdict = BRANCH_NEITHER;
    Catalogue *catalogue;

    *counts = TRUE;
    if (check_consistent(reading, size, root, &failed))
        return TRUE;
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_FORK) || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_MALFORMED))
        verdict = judge(home, reading);
    if (verdict != BRANCH_HELD && verdict != BRANCH_OFFERED) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    g_error_free(failed);
    *counts = verdict == BRANCH_OFFERED;
    if (!*counts)
        return TRUE;
    catalogue = home_catalogue(home, error);
    return catalogue && catalogue_forget(catalogue, reading->node, error);
}

gboolean
sparse_accept(Home *home, const char *node, GBytes *stream, GError **error)
{
    g_auto(Reading) reading = { 0 };
    gboolean counts = TRUE;
    guint64 size;
    Digest root;
    gint64 time;

    if (!node_id_valid(node))
        return chama_error(error, CHAMA_ERROR_USAGE, "sparse: want a node id");
    if (!read_frame(node, stream, &reading, error) || !read_entries(stream, &reading, error) ||
        !sparse_position(home, node, &size, &root, &time, error))
        return FALSE;
    if (size > 0 && !check_continues(home, &reading, size, &root, &counts, error))
        return FALSE;
    if (!counts)
        return TRUE;
    /* an older checkpoint of the same tree is nothing new */
    if (reading.checkpoint->size == size && reading.checkpoint->time < time)
        return TRUE;
    return keep(home, node, stream, error) && project(home, &reading, error);
}

/* I8: a catalogue made anew has forgotten what stands in no ledger held whole.  Where one is, a kill left an open part that was to go (PU31). */
static gboolean
project_if_forgotten(Home *home, GBytes *kept, Reading *reading, GError **error)
{
    Ledger *whole = home_peer_ledger(home, reading->node, NULL);
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Identity) known = catalogue ? catalogue_identity(catalogue, reading->node, NULL) : NULL;

    if (whole && ledger_head(whole)->size > 0)
        return TRUE;
    return catalogue && (known || (read_entries(kept, reading, error) && project(home, reading, error)));
}

/* Z8: what is held here was verified when it came; one that no longer is what came was damaged since. */
static gboolean
read_damaged(const char *node, GError **local, GError **error)
{
    return chama_error(error, CHAMA_ERROR_DAMAGED, "sparse/%s: Z8: %s; remove that folder and sync again", node, (*local)->message);
}

gboolean
sparse_position(Home *home, const char *node, guint64 *size, Digest *root, gint64 *time, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(GBytes) kept = read_kept(home, node, &local);
    g_auto(Reading) reading = { 0 };

    *size = 0;
    *time = 0;
    memset(root, 0, sizeof *root);
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    if (!kept)
        return TRUE;
    if (!read_frame(node, kept, &reading, &local))
        return read_damaged(node, &local, error);
    *size = reading.checkpoint->size;
    *root = reading.checkpoint->root;
    *time = reading.checkpoint->time;
    return project_if_forgotten(home, kept, &reading, error);
}

GBytes *
sparse_stream(Home *home, const char *node, GError **error)
{
    g_autoptr(GError) local = NULL;
    GBytes *kept = read_kept(home, node, &local);

    if (local)
        g_propagate_error(error, g_steal_pointer(&local));
    else if (!kept)
        chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no ledger of this node is held here", node);
    return kept;
}

char *
sparse_checkpoint(Home *home, const char *node)
{
    g_autoptr(GBytes) kept = read_kept(home, node, NULL);
    g_auto(Reading) reading = { 0 };

    return kept && read_frame(node, kept, &reading, NULL) ? g_steal_pointer(&reading.note) : NULL;
}

gboolean
sparse_verify(Home *home, const char *node, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(GBytes) kept = read_kept(home, node, &local);
    g_auto(Reading) reading = { 0 };

    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    if (!kept)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no sparse ledger of this node is held here", node);
    return (read_frame(node, kept, &reading, &local) && read_entries(kept, &reading, &local)) || read_damaged(node, &local, error);
}

static int
compare_nodes(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
sparse_nodes(Home *home, GError **error)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *path = g_build_filename(home_path(home), "sparse", NULL);
    g_autoptr(GDir) folder = g_file_test(path, G_FILE_TEST_IS_DIR) ? g_dir_open(path, 0, NULL) : NULL;
    const char *name;

    if (!folder && access(path, F_OK) == 0)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: cannot be read", path);
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *file = g_build_filename(path, name, KEPT_NAME, NULL);

        if (node_id_valid(name) && g_file_test(file, G_FILE_TEST_IS_REGULAR))
            g_ptr_array_add(nodes, g_strdup(name));
    }
    g_ptr_array_sort(nodes, compare_nodes);
    return g_steal_pointer(&nodes);
}

void
sparse_project_all(Home *home)
{
    g_autoptr(GPtrArray) nodes = sparse_nodes(home, NULL);
    guint64 size;
    Digest root;
    gint64 time;

    for (guint i = 0; nodes && i < nodes->len; i++)
        sparse_position(home, nodes->pdata[i], &size, &root, &time, NULL);
}

GHashTable *
sparse_addresses(Home *home, const char *node, guint64 *size, GError **error)
{
    g_autoptr(GHashTable) set = g_hash_table_new_full(digest_hash, digest_equal, g_free, NULL);
    g_autoptr(GError) local = NULL;
    g_autoptr(GBytes) kept = read_kept(home, node, &local);
    g_auto(Reading) reading = { 0 };

    if (!kept && !local)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no sparse ledger of this node is held here", node);
    if (!kept || !read_frame(node, kept, &reading, &local) || !read_entries(kept, &reading, &local)) {
        read_damaged(node, &local, error);
        return NULL;
    }
    for (guint i = 0; i < reading.records->len; i++)
        g_hash_table_add(set, g_memdup2(&((const Record *)reading.records->pdata[i])->address, sizeof(Digest)));
    *size = reading.checkpoint->size;
    return g_steal_pointer(&set);
}

struct SparseRecord {
    Reading reading;
    const Record *record;        /* one of its records */
};

void
sparse_record_free(SparseRecord *record)
{
    if (!record)
        return;
    reading_clear(&record->reading);
    g_free(record);
}

SparseRecord *
sparse_record_read(const char *node, GBytes *stream, const Digest *address, GError **error)
{
    g_autoptr(SparseRecord) record = g_new0(SparseRecord, 1);
    char text[DIGEST_TEXT_SIZE];

    if (!node_id_valid(node))
        return chama_error_null(error, CHAMA_ERROR_USAGE, "sparse: want a node id");
    if (!read_frame(node, stream, &record->reading, error) || !read_entries(stream, &record->reading, error))
        return NULL;
    record->reading.node = NULL; /* borrowed */
    for (guint i = 0; i < record->reading.records->len && !record->record; i++) {
        const Record *one = record->reading.records->pdata[i];

        record->record = digest_equal(&one->address, address) ? one : NULL;
    }
    if (!record->record)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: Z9: want the record %s, have others", node, digest_format(address, text));
    return g_steal_pointer(&record);
}

const Record *
sparse_record_record(const SparseRecord *record)
{
    return record->record;
}

const Checkpoint *
sparse_record_checkpoint(const SparseRecord *record)
{
    return record->reading.checkpoint;
}

const char *
sparse_record_note(const SparseRecord *record)
{
    return record->reading.note;
}

gboolean
sparse_record_continues(const SparseRecord *record, guint64 size, const Digest *root, GError **error)
{
    Reading reading = record->reading;

    reading.node = sparse_record_record(record)->node;
    return check_consistent(&reading, size, root, error);
}
