/* Records and checkpoints of this node itself: home_state_record(), home_checkpoint(). */
#include <string.h>

#include "keys/error.h"
#include "manifests/anchoring.h"
#include "manifests/home_private.h"

#define CHECKPOINT_FRESH_FOR 3600

gboolean
home_is_recovering(Home *home)
{
    g_autofree char *marker = home_file(home, HOME_RECOVERING);

    return g_file_test(marker, G_FILE_TEST_EXISTS);
}

/* H8: a copy from a backup may lack records that this node signed since: it learns of them from a peer before it signs others in their place. */
static gboolean
check_not_recovering(Home *home, GError **error)
{
    g_autofree char *marker = home_file(home, HOME_RECOVERING);

    return !home_is_recovering(home) ||
           chama_error(error, CHAMA_ERROR_FORK, "this node: H8: it was restored from a backup, and signs nothing before its peers have said what they hold of this ledger: run "
                       "`chama sync`, which says whom it waits for; `chama peer rm` who is gone for good; if no peer has ever synced with it, remove %s", marker);
}

/* T10: what was signed once is never signed away, whatever became of the records. */
static gboolean
check_not_behind(Home *home, GError **error)
{
    g_autofree char *note = ledger_checkpoint(home->ledger, NULL);
    const Identity *identity = ledger_identity(home->ledger);
    g_autoptr(Checkpoint) kept = note ? checkpoint_verify_by(note, strlen(note), identity, NULL) : NULL;

    if (!kept || kept->size <= ledger_head(home->ledger)->size)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_FORK, "this node: T10: it signed a checkpoint of %" G_GUINT64_FORMAT " records, its ledger has %" G_GUINT64_FORMAT
                       ": run `chama sync` to take the others back from peers; nothing is signed before", kept->size, ledger_head(home->ledger)->size);
}

/* PU7: a node that learned of another history of its own ledger signs nothing until people have decided. */
gboolean
home_check_may_sign(Home *home, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) evidence = state ? state_evidence_of(state, home_id(home), error) : NULL;
    const Identity *identity = ledger_identity(home->ledger);

    if (!evidence || !check_not_recovering(home, error) || !check_not_behind(home, error))
        return FALSE;
    for (guint i = 0; i < evidence->len; i++) {
        const Evidence *e = g_ptr_array_index(evidence, i);

        /* A rotation since goes before that other history; one that was killed had no time to say so. */
        if (strcmp(e->kind, EVIDENCE_OWN_FORK) == 0 && !(identity->before && identity->time >= e->time))
            return chama_error(error, CHAMA_ERROR_FORK, "this node: a peer holds another history of its ledger (a restored backup, or a stolen key?); "
                               "nothing is signed until that is settled: see `chama status` and `chama keys rotate --help`");
    }
    return TRUE;
}

/* S30: what this node knew of others when it published, in the same batch, so that it costs no commit. */
static gboolean
add_anchor(Home *home, LedgerHead *head, GPtrArray *batch, gint64 now, const Keypair *signing, GError **error)
{
    g_autoptr(GArray) due = anchoring_due(home, error);
    g_autoptr(GBytes) members = NULL;
    Record *record;

    if (!due || due->len == 0)
        return due != NULL;
    members = anchor_format(due, error);
    record = members ? record_sign(head, ANCHOR, members, now, signing, error) : NULL;
    if (!record)
        return FALSE;
    g_ptr_array_add(batch, record);
    *head = (LedgerHead){ head->size + 1, record->address, head->identity };
    return TRUE;
}

static Record *
sign_and_append(Home *home, const char *type, GBytes *members, HomeBefore before, gpointer data, GError **error)
{
    Keypair *signing = home_signing_key(home, error);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    LedgerHead head = *ledger_head(home->ledger);
    Record *record;

    if (!signing || (strcmp(type, "manifest/1") == 0 && !add_anchor(home, &head, batch, now, signing, error)))
        return NULL;
    record = record_sign(&head, type, members, now, signing, error);
    if (!record)
        return NULL;
    g_ptr_array_add(batch, record);
    if ((before && !before(data, record, error)) || !ledger_append(home->ledger, batch, signing, error) ||
        !catalogue_project(home->catalogue, home->ledger, error))
        return NULL;
    return record_copy(record);
}

Record *
home_state_built(Home *home, const char *type, HomeBuild build, HomeBefore before, gpointer data, GError **error)
{
    g_autoptr(LedgerLock) lock = NULL;
    g_autoptr(GBytes) members = NULL;
    Catalogue *catalogue = home_catalogue(home, error);

    if (!catalogue || !home_check_may_sign(home, error) || !home_signing_key(home, error))
        return NULL;
    lock = ledger_lock(home->ledger, error);
    if (!lock || !catalogue_project(catalogue, home->ledger, error))
        return NULL;
    members = build(data, home, error);
    return members ? sign_and_append(home, type, members, before, data, error) : NULL;
}

typedef struct {
    GBytes *members;
    HomeBefore before;
    gpointer data;
} Stating;

static GBytes *
stating_members(gpointer data, Home *home, GError **error)
{
    return g_bytes_ref(((Stating *)data)->members);
}

static gboolean
stating_before(gpointer data, const Record *record, GError **error)
{
    Stating *stating = data;

    return !stating->before || stating->before(stating->data, record, error);
}

Record *
home_state_record(Home *home, const char *type, GBytes *members, HomeBefore before, gpointer data, GError **error)
{
    Stating stating = { members, before, data };

    return home_state_built(home, type, stating_members, stating_before, &stating, error);
}

static gboolean
sign_all(Home *home, const char *type, const GPtrArray *members, GPtrArray *records, GError **error)
{
    Keypair *signing = home_signing_key(home, error);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    LedgerHead head = *ledger_head(home->ledger);

    for (guint i = 0; signing && i < members->len; i++) {
        Record *record = record_sign(&head, type, members->pdata[i], now, signing, error);

        if (!record)
            return FALSE;
        g_ptr_array_add(records, record);
        head.size++;
        head.head = record->address;
    }
    return signing != NULL;
}

gboolean
home_state_many(Home *home, const char *type, HomeBuildMany build, HomeBeforeMany before, gpointer data, GError **error)
{
    g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(LedgerLock) lock = NULL;

    if (!catalogue || !home_check_may_sign(home, error) || !home_signing_key(home, error))
        return FALSE;
    lock = ledger_lock(home->ledger, error);
    if (!lock || !catalogue_project(catalogue, home->ledger, error) || !build(data, home, members, error))
        return FALSE;
    if (members->len == 0)
        return TRUE;
    return sign_all(home, type, members, records, error) && before(data, records, error) &&
           ledger_append(home->ledger, records, home_signing_key(home, error), error) && catalogue_project(catalogue, home->ledger, error);
}

/* The checkpoint kept, if it is for the present size and fresh. */
static char *
fresh_checkpoint(Home *home, gint64 now, GError **error)
{
    g_autofree char *note = ledger_checkpoint(home->ledger, NULL);
    g_autoptr(Checkpoint) kept = NULL;

    if (note)
        kept = checkpoint_verify_by(note, strlen(note), ledger_identity(home->ledger), NULL);
    if (!kept || kept->size != ledger_head(home->ledger)->size || kept->time > now || now - kept->time > CHECKPOINT_FRESH_FOR)
        return NULL;
    return g_steal_pointer(&note);
}

/* T10: no earlier than what these keys signed last, whatever the clock says now: of fewer records and a later time is what EV10 calls a rollback. */
static gint64
checkpoint_time(Home *home)
{
    const Identity *identity = ledger_identity(home->ledger);
    g_autofree char *note = ledger_checkpoint(home->ledger, NULL);
    g_autoptr(Checkpoint) kept = note ? checkpoint_verify_by(note, strlen(note), identity, NULL) : NULL;
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;

    return kept && kept->size > identity->since ? MAX(now, kept->time) : now;
}

char *
home_checkpoint(Home *home, GError **error)
{
    gint64 now;
    g_autofree char *origin = NULL;
    g_autofree char *note = NULL;
    Keypair *key;
    Digest root;

    if (!ledger_refresh(home->ledger, error))
        return NULL;
    now = checkpoint_time(home);
    note = fresh_checkpoint(home, now, error);
    if (note)
        return g_steal_pointer(&note);
    key = home_log_key(home, error);
    if (!key || !home_check_may_sign(home, error) || !ledger_root(home->ledger, ledger_head(home->ledger)->size, &root, error))
        return NULL;
    origin = checkpoint_origin_of(ledger_identity(home->ledger));
    note = checkpoint_sign(origin, ledger_head(home->ledger)->size, &root, now, key, error);
    /* Kept before it leaves: a log never signs two inconsistent checkpoints. */
    return note && ledger_keep_checkpoint(home->ledger, note, error) ? g_steal_pointer(&note) : NULL;
}
