#include "sync/pull/missing.h"

#include <string.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "sync/evidence.h"
#include "sync/pull/session.h"
#include "sync/sparse.h"

#define FOLDER "records"
#define STREAM_MAX (256 * 1024)    /* PU24: inception, record, proofs, note */

/* A peer that may be asked. */
typedef struct {
    Peer *peer;
    Session *session;
    guint url;                     /* of its addresses: the one that answered, or is next to be tried */
    gboolean gone;                 /* none answers */
} Source;

struct Missing {
    Home *home;
    MissingOptions options;
    PullOptions pull;
    PullResult result;
    GPtrArray *sources;            /* of Source*; NULL: not looked up yet */
    GHashTable *sparse;            /* node id to set of addresses, as sparse_addresses() gives it */
    GHashTable *sizes;             /* node id to the size of that ledger, as text for people */
    GHashTable *positions;         /* node id to Position */
    guint64 requests;
    guint fetched;
    int kept;                      /* records kept; -1: not counted yet */
};

/* What is known of a ledger, with which a record from it must agree. */
typedef struct {
    Ledger *ledger;                /* held whole, or NULL */
    guint64 size;                  /* 0: nothing is known */
    Digest root;
} Position;

static GHashTable *
positions_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void
source_free(gpointer data)
{
    Source *source = data;

    session_hang_up(source->session);
    g_free(source->session);
    peer_free(source->peer);
    g_free(source);
}

Missing *
missing_new(Home *home, const MissingOptions *options)
{
    Missing *missing = g_new0(Missing, 1);

    missing->home = home;
    missing->options = *options;
    pull_options_defaults(&missing->pull);
    missing->pull.progress = options->progress;
    missing->sparse = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    missing->sizes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    missing->positions = positions_new();
    missing->kept = -1;
    return missing;
}

void
missing_free(Missing *missing)
{
    if (!missing)
        return;
    g_clear_pointer(&missing->sources, g_ptr_array_unref);
    g_hash_table_unref(missing->sparse);
    g_hash_table_unref(missing->sizes);
    g_hash_table_unref(missing->positions);
    pull_result_clear(&missing->result);
    g_free(missing);
}

guint64
missing_requests(const Missing *missing)
{
    return missing->requests;
}

guint
missing_fetched(const Missing *missing)
{
    return missing->fetched;
}

static void talk(Missing *missing, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
talk(Missing *missing, const char *format, ...)
{
    g_autofree char *line = NULL;
    va_list arguments;

    if (!missing->options.talk)
        return;
    va_start(arguments, format);
    line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    missing->options.talk(missing->options.talk_data, line);
}

/* Sparse ledgers held. */

static gboolean
stands(gpointer data, const Record *record, char **place, GError **error)
{
    Missing *missing = data;
    GHashTable *set = g_hash_table_lookup(missing->sparse, record->node);
    guint64 size;

    if (!set) {
        set = sparse_addresses(missing->home, record->node, &size, error);
        if (!set)
            return FALSE;
        g_hash_table_insert(missing->sparse, g_strdup(record->node), set);
        g_hash_table_insert(missing->sizes, g_strdup(record->node), g_strdup_printf("%" G_GUINT64_FORMAT, size));
    }
    if (!g_hash_table_contains(set, &record->address))
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "the open part of its ledger that is held here does not have it");
    *place = g_strdup_printf("record %" G_GUINT64_FORMAT " of %s under its owner's checkpoint, proven with the open part of the ledger", record->seq,
                             (const char *)g_hash_table_lookup(missing->sizes, record->node));
    return TRUE;
}

static gboolean
read_position(Home *home, const char *node, Position *position, GError **error)
{
    gint64 time;

    position->ledger = strcmp(node, home_id(home)) == 0 ? home_ledger(home, NULL) : home_peer_ledger(home, node, NULL);
    if (position->ledger && ledger_head(position->ledger)->size == 0)
        position->ledger = NULL;
    if (!position->ledger)
        return sparse_position(home, node, &position->size, &position->root, &time, error);
    position->size = ledger_head(position->ledger)->size;
    return ledger_root(position->ledger, position->size, &position->root, error);
}

/* Read once: of a sparse ledger all of it is gone through. */
static gboolean
position_of(Home *home, GHashTable *positions, const char *node, Position *position, GError **error)
{
    const Position *known = g_hash_table_lookup(positions, node);

    if (known) {
        *position = *known;
        return TRUE;
    }
    if (!read_position(home, node, position, error))
        return FALSE;
    g_hash_table_insert(positions, g_strdup(node), g_memdup2(position, sizeof *position));
    return TRUE;
}

/* PU7: two checkpoints of which one must be wrong. */
static void
keep_evidence(Home *home, const char *node, const Position *position, const SparseRecord *record)
{
    const Checkpoint *offered = sparse_record_checkpoint(record);
    g_auto(Conflict) conflict = { 0 };

    if (position->ledger && offered->size <= position->size) {
        conflict_of_copy(&conflict, position->ledger, sparse_record_note(record), offered, NULL);
    } else {
        conflict.checkpoints[0] = position->ledger ? ledger_checkpoint(position->ledger, NULL) : sparse_checkpoint(home, node);
        conflict.checkpoints[1] = g_strdup(sparse_record_note(record));
    }
    evidence_keep(home, node, &conflict, NULL, NULL);
}

/* PU24: the checkpoint is of the ledger that is known.  Of a ledger held whole any beginning can be compared; of one held sparsely an older
 * checkpoint cannot, and is not taken. */
static gboolean
agrees(Home *home, const char *node, const Position *position, const SparseRecord *record, GError **error)
{
    const Checkpoint *offered = sparse_record_checkpoint(record);
    g_autoptr(GError) local = NULL;
    Digest root;

    if (position->size == 0)
        return TRUE;
    if (offered->size < position->size && !position->ledger)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "PU24: want a checkpoint of at least %" G_GUINT64_FORMAT " records, have one of %" G_GUINT64_FORMAT,
                           position->size, offered->size);
    if (offered->size < position->size) {
        if (!ledger_root(position->ledger, offered->size, &root, error))
            return FALSE;
        if (digest_equal(&root, &offered->root))
            return TRUE;
        chama_error(&local, CHAMA_ERROR_FORK, "PU24: want a checkpoint of the ledger held here, have one of another history");
    } else if (sparse_record_continues(record, position->size, &position->root, &local)) {
        return TRUE;
    }
    if (g_error_matches(local, CHAMA_ERROR, CHAMA_ERROR_FORK))
        keep_evidence(home, node, position, record);
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

/* Kept records. */

static char *
path_of(Home *home, const char *node, const Digest *address)
{
    char hex[DIGEST_HEX_SIZE];

    return g_build_filename(home_path(home), FOLDER, node, digest_format_hex(address, hex), NULL);
}

/* A record that was kept before more of its ledger came must still agree; what cannot be compared any more counted when it came. */
static gboolean
still_agrees(Home *home, GHashTable *positions, const char *node, const SparseRecord *record, GError **error)
{
    Position position = { 0 };

    if (!position_of(home, positions, node, &position, error))
        return FALSE;
    if (!position.ledger || sparse_record_checkpoint(record)->size > position.size)
        return TRUE;
    return agrees(home, node, &position, record, error);
}

static SparseRecord *
read_kept(Home *home, GHashTable *positions, const char *node, const Digest *address, GError **error)
{
    g_autofree char *path = path_of(home, node, address);
    g_autoptr(GBytes) stream = durable_read(path, STREAM_MAX, error);
    g_autoptr(SparseRecord) record = stream ? sparse_record_read(node, stream, address, error) : NULL;

    return record && still_agrees(home, positions, node, record, error) ? g_steal_pointer(&record) : NULL;
}

GPtrArray *
missing_nodes(Home *home, GError **error)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *path = home_file(home, FOLDER);
    g_autoptr(GDir) folder = g_file_test(path, G_FILE_TEST_IS_DIR) ? g_dir_open(path, 0, NULL) : NULL;
    const char *name;

    while (folder && (name = g_dir_read_name(folder)))
        if (node_id_valid(name))
            g_ptr_array_add(nodes, g_strdup(name));
    return g_steal_pointer(&nodes);
}

/* Calls @visit for each record kept of @node. */
static guint
each_kept(Home *home, const char *node, void (*visit)(gpointer data, const char *node, const Digest *address), gpointer data)
{
    g_autofree char *path = g_build_filename(home_path(home), FOLDER, node, NULL);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    guint count = 0;
    const char *name;
    Digest address;

    while (folder && (name = g_dir_read_name(folder))) {
        if (!digest_parse_hex(name, &address, NULL))
            continue;
        count++;
        if (visit)
            visit(data, node, &address);
    }
    return count;
}

typedef struct {
    Home *home;
    GHashTable *positions;
    void (*report)(gpointer data, const char *message);
    gpointer data;
} Verifying;

static void
verify_one(gpointer data, const char *node, const Digest *address)
{
    const Verifying *v = data;
    g_autoptr(GError) failed = NULL;
    g_autoptr(SparseRecord) record = read_kept(v->home, v->positions, node, address, &failed);
    char hex[DIGEST_HEX_SIZE];
    g_autofree char *message = NULL;

    if (record)
        return;
    message = g_strdup_printf(FOLDER "/%s/%s: %s; remove it, and `chama lineage` fetches it again", node, digest_format_hex(address, hex), failed->message);
    v->report(v->data, message);
}

gboolean
missing_verify(Home *home, const char *node, void (*report)(gpointer data, const char *message), gpointer data, GError **error)
{
    g_autoptr(GHashTable) positions = positions_new();
    Verifying verifying = { home, positions, report, data };

    each_kept(home, node, verify_one, &verifying);
    return TRUE;
}

static int
count_kept(Home *home)
{
    g_autoptr(GPtrArray) nodes = missing_nodes(home, NULL);
    guint count = 0;

    for (guint i = 0; nodes && i < nodes->len; i++)
        count += each_kept(home, nodes->pdata[i], NULL, NULL);
    return (int)count;
}

/* I6: beyond the limit it is used and not kept. */
static gboolean
keep(Missing *missing, const char *node, const Digest *address, GBytes *stream, GError **error)
{
    g_autofree char *all = home_file(missing->home, FOLDER);
    g_autofree char *folder = g_build_filename(all, node, NULL);
    g_autofree char *path = path_of(missing->home, node, address);

    if (missing->kept < 0)
        missing->kept = count_kept(missing->home);
    if (missing->kept >= MISSING_KEPT_MAX)
        return TRUE;
    missing->kept++;
    return durable_mkdir(all, 0700, error) && durable_mkdir(folder, 0700, error) &&
           durable_write(path, g_bytes_get_data(stream, NULL), g_bytes_get_size(stream), 0600, error);
}

/* Asking. */

static gboolean
learn_sources(Missing *missing, GError **error)
{
    g_autoptr(GPtrArray) peers = NULL;

    if (missing->sources)
        return TRUE;
    peers = peers_all(missing->home, PEER_ACCEPTED, error);
    if (!peers)
        return FALSE;
    missing->sources = g_ptr_array_new_with_free_func(source_free);
    g_ptr_array_set_free_func(peers, NULL);
    for (guint i = 0; i < peers->len; i++) {
        Source *source = g_new0(Source, 1);

        source->peer = peers->pdata[i];
        source->session = g_new0(Session, 1);
        *source->session = (Session){ .home = missing->home, .peer = source->peer, .options = &missing->pull, .result = &missing->result };
        source->gone = source->peer->urls->len == 0;
        g_ptr_array_add(missing->sources, source);
    }
    return TRUE;
}

static const char *
name_of(const Source *source)
{
    return source->peer->alias ? source->peer->alias : source->peer->node;
}

/* From the address that answers; one that does not is not asked again. */
static GBytes *
fetch(Missing *missing, Source *source, const char *path, GError **error)
{
    Session *session = source->session;
    g_autoptr(GError) failed = NULL;
    GBytes *stream = NULL;

    while (!source->gone) {
        g_clear_error(&failed);
        if (!session->transport)
            session->transport = session_connect(session, source->peer->urls->pdata[source->url], &failed);
        missing->requests++;
        if (session->transport)
            stream = transport_fetch(session->transport, "GET", path, NULL, NULL, STREAM_MAX, &failed);
        if (stream)
            return stream;
        if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED) || (session->transport && !session_over(failed) &&
                                                                            !g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_VERIFY)))
            break;
        g_clear_pointer(&session->transport, transport_close);
        source->gone = ++source->url >= source->peer->urls->len;
        if (source->gone)
            talk(missing, "%s was not asked for what is missing: %s", name_of(source), failed->message);
    }
    if (failed)
        g_propagate_error(error, g_steal_pointer(&failed));
    return NULL;
}

/* NULL without an error: this peer does not have it, or not so that it counts here. */
static Record *
ask(Missing *missing, Source *source, const Input *named, const Position *position, GError **error)
{
    char hex[DIGEST_HEX_SIZE];
    g_autofree char *path = g_strdup_printf("/v1/records/%s?from=%" G_GUINT64_FORMAT, digest_format_hex(&named->manifest, hex), position->size);
    g_autoptr(GError) failed = NULL;
    g_autoptr(GBytes) stream = fetch(missing, source, path, &failed);
    g_autoptr(SparseRecord) record = stream ? sparse_record_read(named->node, stream, &named->manifest, &failed) : NULL;

    if (record && agrees(missing->home, named->node, position, record, &failed)) {
        if (!keep(missing, named->node, &named->manifest, stream, error))
            return NULL;
        missing->fetched++;
        return record_copy(sparse_record_record(record));
    }
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    /* what was sent and does not hold is worth a word; a plain no is not */
    if (stream)
        talk(missing, "%s gave a record of %s/%s@%" G_GUINT64_FORMAT " that was not taken: %s", name_of(source), named->node, named->name, named->version,
             failed->message);
    return NULL;
}

/* PU24: an address that stands in details may be told to the owner of these details, and to the owner of what it names; to nobody else. */
static gboolean
may_be_told(const Source *source, const Input *named, const char *namer)
{
    return !namer || strcmp(source->peer->node, named->node) == 0 || strcmp(source->peer->node, namer) == 0;
}

/* The record's own node first. */
static Record *
ask_all(Missing *missing, const Input *named, const char *namer, GError **error)
{
    Position position = { 0 };
    GError *failed = NULL;
    Record *record = NULL;

    if (!learn_sources(missing, error) || !position_of(missing->home, missing->positions, named->node, &position, error))
        return NULL;
    for (guint turn = 0; turn < 2; turn++)
        for (guint i = 0; i < missing->sources->len && !record && !failed; i++) {
            Source *source = missing->sources->pdata[i];
            gboolean owners = strcmp(source->peer->node, named->node) == 0;

            if (owners == (turn == 0) && !source->gone && may_be_told(source, named, namer))
                record = ask(missing, source, named, &position, &failed);
        }
    if (failed)
        g_propagate_error(error, failed);
    return record;
}

static char *
place_of(const SparseRecord *record)
{
    return g_strdup_printf("record %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " under its owner's checkpoint, proven alone", sparse_record_record(record)->seq,
                           sparse_record_checkpoint(record)->size);
}

static Record *
find(gpointer data, const Input *named, const char *namer, char **place, GError **error)
{
    Missing *missing = data;
    g_autoptr(SparseRecord) kept = NULL;
    g_autoptr(Record) fetched = NULL;

    if (!node_id_valid(named->node))
        return NULL;
    kept = read_kept(missing->home, missing->positions, named->node, &named->manifest, NULL);
    if (!kept && !missing->options.offline) {
        fetched = ask_all(missing, named, namer, error);
        kept = fetched ? read_kept(missing->home, missing->positions, named->node, &named->manifest, NULL) : NULL;
    }
    if (kept)
        *place = place_of(kept);
    else if (fetched)
        *place = g_strdup("proven alone, and not kept: too many are");
    return fetched ? g_steal_pointer(&fetched) : kept ? record_copy(sparse_record_record(kept)) : NULL;
}

LineageBeyond
missing_beyond(Missing *missing)
{
    return (LineageBeyond){ .data = missing, .stands = stands, .find = find };
}
