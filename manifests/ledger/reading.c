#include <string.h>

#include "keys/error.h"
#include "keys/sshsig.h"
#include "manifests/ledger/ahead.h"
#include "manifests/ledger/commit.h"
#include "manifests/ledger/internal.h"

gboolean
ledger_damaged(Ledger *ledger, guint64 seq, GError **error)
{
    /* A disk that does not answer is not damage. */
    if (error && *error && !g_error_matches(*error, CHAMA_ERROR, CHAMA_ERROR_FAILED))
        (*error)->code = CHAMA_ERROR_DAMAGED;
    g_prefix_error(error, "%s: record %" G_GUINT64_FORMAT ": ", ledger->git, seq);
    return FALSE;
}

static GBytes *
read_object(gpointer ledger, const git_oid *id, git_object_t type, GError **error)
{
    return repository_read(((const Ledger *)ledger)->repository, id, type, error);
}

GBytes *
ledger_read_leaf(const ObjectSource *source, const git_oid *root, guint64 seq, GError **error)
{
    g_autoptr(GBytes) tree = source->read(source->data, root, GIT_OBJECT_TREE, error);
    char name[32] = "records";
    git_oid id;

    for (guint level = 0; level < TREE_LEVELS && tree; level++) {
        if (!tree_find(tree, name, &id))
            return chama_error_null(error, CHAMA_ERROR_DAMAGED, "G5: %s is not in the tree", name);
        g_bytes_unref(g_steal_pointer(&tree));
        tree = source->read(source->data, &id, GIT_OBJECT_TREE, error);
        tree_component(level, seq, name);
    }
    return g_steal_pointer(&tree);
}

static GBytes *
read_file(const ObjectSource *source, GBytes *leaf, guint64 seq, const char *suffix, GError **error)
{
    char component[32], name[40];
    git_oid id;

    g_snprintf(name, sizeof name, "%s%s", tree_component(TREE_LEVELS - 1, seq, component), suffix);
    if (!tree_find(leaf, name, &id))
        return chama_error_null(error, CHAMA_ERROR_DAMAGED, "G5: %s is not in the tree", name);
    return source->read(source->data, &id, GIT_OBJECT_BLOB, error);
}

/* R2 from the two files of a record. */
static GBytes *
make_entry(GBytes *record, GBytes *armour, GError **error)
{
    g_autoptr(GBytes) signature = sshsig_dearmour(g_bytes_get_data(armour, NULL), g_bytes_get_size(armour), error);
    g_autofree char *text = NULL;
    GString *entry;

    if (!signature)
        return NULL;
    text = base64_format(g_bytes_get_data(signature, NULL), g_bytes_get_size(signature));
    entry = g_string_sized_new(g_bytes_get_size(record) + strlen(text) + 3);
    g_string_append_len(entry, g_bytes_get_data(record, NULL), (gssize)g_bytes_get_size(record));
    g_string_append_c(entry, '\n');
    g_string_append(entry, text);
    g_string_append_c(entry, '\n');
    return g_string_free_to_bytes(entry);
}

GBytes *
ledger_entry_in_leaf(const ObjectSource *source, GBytes *leaf, guint64 seq, GError **error)
{
    g_autoptr(GBytes) record = read_file(source, leaf, seq, "", error);
    g_autoptr(GBytes) armour = record ? read_file(source, leaf, seq, ".sig", error) : NULL;

    return armour ? make_entry(record, armour, error) : NULL;
}

GBytes *
ledger_read_entry(Ledger *ledger, const git_oid *root, guint64 seq, GError **error)
{
    const ObjectSource source = { read_object, ledger };
    g_autoptr(GBytes) leaf = ledger_read_leaf(&source, root, seq, error);
    GBytes *entry = leaf ? ledger_entry_in_leaf(&source, leaf, seq, error) : NULL;

    if (!entry)
        ledger_damaged(ledger, seq, error);
    return entry;
}

typedef gboolean (*EntryVisit)(gpointer data, guint64 seq, GBytes *entry, GError **error);

/* Entries from..to-1 as the tree @root has them, a leaf folder at a time. */
static gboolean
visit_entries(Ledger *ledger, const git_oid *root, guint64 from, guint64 to, EntryVisit visit, gpointer data, GError **error)
{
    const ObjectSource source = { read_object, ledger };
    g_autoptr(GBytes) leaf = NULL;

    for (guint64 seq = from; seq < to; seq++) {
        g_autoptr(GBytes) entry = NULL;

        if (!leaf || seq % TREE_LEAF_RECORDS == 0) {
            g_clear_pointer(&leaf, g_bytes_unref);
            leaf = ledger_read_leaf(&source, root, seq, error);
        }
        entry = leaf ? ledger_entry_in_leaf(&source, leaf, seq, error) : NULL;
        if (!entry)
            return ledger_damaged(ledger, seq, error);
        if (!visit(data, seq, entry, error))
            return FALSE;
    }
    return TRUE;
}

/* A record is what its place says: its number, this node, after @prev (NULL: not known). */
static gboolean
check_place(Ledger *ledger, guint64 seq, const Record *record, const Digest *prev, GError **error)
{
    if (record->seq == seq && (!ledger->identity || strcmp(record->node, ledger->identity->id) == 0) &&
        (!prev || seq == 0 || digest_equal(&record->prev, prev)))
        return TRUE;
    return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: record %" G_GUINT64_FORMAT ": G5: what is stored there is another record", ledger->git, seq);
}

static Record *
parse_entry(Ledger *ledger, guint64 seq, GBytes *entry, const Digest *prev, GError **error)
{
    g_autoptr(Record) record = record_trust(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), error);

    if (!record)
        return ledger_damaged(ledger, seq, error), NULL;
    return check_place(ledger, seq, record, prev, error) ? g_steal_pointer(&record) : NULL;
}

Record *
ledger_get(Ledger *ledger, guint64 seq, GError **error)
{
    g_autoptr(GBytes) entry = NULL;

    if (seq >= ledger->head.size)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: want record %" G_GUINT64_FORMAT ", have %" G_GUINT64_FORMAT " records",
                                ledger->git, seq, ledger->head.size);
    entry = ledger_read_entry(ledger, &ledger->root, seq, error);
    return entry ? parse_entry(ledger, seq, entry, NULL, error) : NULL;
}

typedef struct {
    Ledger *ledger;
    LedgerVisit visit;
    gpointer data;
    gboolean has_prev;
    Digest prev;
} Walk;

static gboolean
visit_record(gpointer data, guint64 seq, GBytes *entry, GError **error)
{
    Walk *walk = data;
    g_autoptr(Record) record = parse_entry(walk->ledger, seq, entry, walk->has_prev ? &walk->prev : NULL, error);

    if (!record)
        return FALSE;
    walk->prev = record->address;
    walk->has_prev = TRUE;
    return walk->visit(walk->data, record, error);
}

static gboolean
take_ahead(Walk *walk, guint64 seq, AheadRecord *at, GError **error)
{
    const Record *record = at->received ? record_received_claims(at->received) : NULL;

    if (!record) {
        g_propagate_error(error, g_steal_pointer(&at->error));
        return at->read ? ledger_damaged(walk->ledger, seq, error) : FALSE;
    }
    if (!check_place(walk->ledger, seq, record, walk->has_prev ? &walk->prev : NULL, error))
        return FALSE;
    walk->prev = record->address;
    walk->has_prev = TRUE;
    return walk->visit(walk->data, record, error);
}

static gboolean
foreach_ahead(Walk *walk, const git_oid *root, guint64 from, guint64 to, GError **error)
{
    const AheadOptions options = { FALSE };
    g_autoptr(Ahead) ahead = ahead_new(walk->ledger, root, from, to, &options);
    AheadRecord *at;

    for (; ahead_next(ahead, &at); from++)
        if (!take_ahead(walk, from, at, error))
            return FALSE;
    return TRUE;
}

gboolean
ledger_foreach(Ledger *ledger, guint64 from, LedgerVisit visit, gpointer data, GError **error)
{
    Walk walk = { .ledger = ledger, .visit = visit, .data = data };
    /* A copy: the visitor may refresh the ledger. */
    git_oid root = ledger->root;

    if (ledger->head.size > from && ledger->head.size - from >= AHEAD_WORTH)
        return foreach_ahead(&walk, &root, from, ledger->head.size, error);
    return visit_entries(ledger, &root, from, ledger->head.size, visit_record, &walk, error);
}

static void
reverse(GArray *commits)
{
    for (guint i = 0; i < commits->len / 2; i++) {
        LedgerCommit *a = &g_array_index(commits, LedgerCommit, i), *b = &g_array_index(commits, LedgerCommit, commits->len - 1 - i);
        LedgerCommit swap = *a;

        *a = *b;
        *b = swap;
    }
}

GArray *
ledger_commits(Ledger *ledger, guint64 from, GError **error)
{
    g_autoptr(GArray) commits = g_array_new(FALSE, FALSE, sizeof(LedgerCommit));
    LedgerCommit next = { ledger->commit, 0 };
    guint64 end = ledger->head.size;

    while (end > from) {
        g_autoptr(GBytes) bytes = repository_read(ledger->repository, &next.id, GIT_OBJECT_COMMIT, error);
        g_auto(Commit) commit = { 0 };

        if (!bytes || !commit_parse(bytes, &commit, error))
            return ledger_damaged(ledger, end - 1, error), NULL;
        if (commit.last + 1 != end || oid_is_zero(&commit.parent) != (commit.first == 0))
            return chama_error_null(error, CHAMA_ERROR_DAMAGED, "%s: record %" G_GUINT64_FORMAT ": G8: its commit is of other records", ledger->git,
                                    end - 1);
        next.first = end = commit.first;
        g_array_append_val(commits, next);
        next.id = commit.parent;
    }
    reverse(commits);
    return g_steal_pointer(&commits);
}

struct LedgerBatches {
    Ledger *ledger;
    GArray *commits;     /* of LedgerCommit */
    guint at;
    guint64 size;        /* of the ledger when the walk was made */
};

LedgerBatches *
ledger_batches_new(Ledger *ledger, guint64 from, GError **error)
{
    g_autoptr(GArray) commits = ledger_commits(ledger, from, error);
    LedgerBatches *batches;

    if (!commits)
        return NULL;
    if (commits->len > 0 && g_array_index(commits, LedgerCommit, 0).first != from)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "%s: G8: no batch begins with record %" G_GUINT64_FORMAT, ledger->git, from);
    batches = g_new0(LedgerBatches, 1);
    batches->ledger = ledger;
    batches->commits = g_steal_pointer(&commits);
    batches->size = ledger->head.size;
    return batches;
}

gboolean
ledger_batches_next(LedgerBatches *batches, LedgerBatch *batch, GError **error)
{
    const LedgerCommit *at = &g_array_index(batches->commits, LedgerCommit, batches->at);
    gboolean last = batches->at + 1 >= batches->commits->len;
    g_autoptr(GBytes) bytes = NULL;
    g_auto(Commit) commit = { 0 };

    if (batches->at >= batches->commits->len)
        return FALSE;
    bytes = repository_read(batches->ledger->repository, &at->id, GIT_OBJECT_COMMIT, error);
    if (!bytes || !commit_parse(bytes, &commit, error))
        return FALSE;
    batch->first = at->first;
    batch->count = (guint)((last ? batches->size : at[1].first) - at->first);
    batch->signature = g_bytes_ref(commit.signature);
    batches->at++;
    return TRUE;
}

void
ledger_batches_free(LedgerBatches *batches)
{
    g_array_unref(batches->commits);
    g_free(batches);
}

/* Leaves wait here to be appended many at a time. */
typedef struct {
    MerkleFile *merkle;
    GArray *leaves;
} Leaves;

#define LEAVES_AT_ONCE 4096

static gboolean
flush_leaves(Leaves *leaves, GError **error)
{
    gboolean done = merkle_file_append(leaves->merkle, (const Digest *)(const void *)leaves->leaves->data, leaves->leaves->len, error);

    g_array_set_size(leaves->leaves, 0);
    return done;
}

static gboolean
collect_leaves(Ledger *ledger, guint64 from, Leaves *leaves, GError **error)
{
    const AheadOptions options = { FALSE };
    g_autoptr(Ahead) ahead = ahead_new(ledger, &ledger->root, from, ledger->head.size, &options);
    AheadRecord *at;

    while (ahead_next(ahead, &at)) {
        if (!at->read) {
            g_propagate_error(error, g_steal_pointer(&at->error));
            return FALSE;
        }
        g_array_append_val(leaves->leaves, at->leaf);
        if (leaves->leaves->len >= LEAVES_AT_ONCE && !flush_leaves(leaves, error))
            return FALSE;
    }
    return flush_leaves(leaves, error);
}

/* TRUE if the last leaf that ledger and file share is the one of the record there. */
static gboolean
last_leaf_holds(Ledger *ledger, guint64 size)
{
    gboolean newest = size == ledger->head.size;
    g_autoptr(GBytes) entry = newest ? NULL : ledger_read_entry(ledger, &ledger->root, size - 1, NULL);
    Digest want = ledger->leaf, have;

    if ((!newest && !entry) || !merkle_file_leaf(ledger->merkle, size - 1, &have, NULL))
        return FALSE;
    if (!newest)
        merkle_leaf(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &want);
    return digest_equal(&want, &have);
}

gboolean
ledger_align_hashes(Ledger *ledger, GError **error)
{
    guint64 size;
    g_autoptr(GArray) array = g_array_new(FALSE, FALSE, sizeof(Digest));
    Leaves leaves = { ledger->merkle, array };

    if (!merkle_file_reload(ledger->merkle, error))
        return FALSE;
    size = MIN(merkle_file_size(ledger->merkle), ledger->head.size);
    /* G14: another ledger's file, or one torn by a crash: it is made anew. */
    if (size > 0 && !last_leaf_holds(ledger, size)) {
        size = 0;
        if (!merkle_file_truncate(ledger->merkle, 0, error))
            return FALSE;
    }
    if (size == ledger->head.size)
        return TRUE;
    return collect_leaves(ledger, size, &leaves, error) && merkle_file_sync(ledger->merkle, error);
}
