#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "sync/audit/questions.h"
#include "sync/audit/verified.h"
#include "sync/sparse.h"

/* A mirror may serve by grants for a week (A8 of sync/PROTOCOL.md); an auditor wants to know of older ones. */
#define CHECKPOINT_OLD (7 * 24 * 3600)
/* Times that a ledger may grow while it is verified. */
#define MOVES_MAX 5

void
audit_look_at_age(Auditing *auditing, AuditNode *node, gint64 signed_at)
{
    char time[TIME_TEXT_SIZE];

    node->checkpoint_time = signed_at;
    if (signed_at < auditing->options->now - CHECKPOINT_OLD)
        audit_find(auditing, AUDIT_CHECKPOINT_OLD, node->node, -1, signed_at, time_format(signed_at, time), NULL);
}

static void
look_at_checkpoint(Auditing *auditing, AuditNode *node, const Checkpoint *checkpoint)
{
    g_autofree char *covered = g_strdup_printf("%" G_GUINT64_FORMAT, checkpoint->size), *held = g_strdup_printf("%" G_GUINT64_FORMAT, node->size);

    audit_look_at_age(auditing, node, checkpoint->time);
    node->covered = MIN(checkpoint->size, node->size);
    if (checkpoint->size < node->size)
        audit_find(auditing, AUDIT_CHECKPOINT_BEHIND, node->node, -1, checkpoint->time, covered, held, NULL);
}

/* ledger_verify() has said if the note does not hold, or the keys cannot be read. */
static void
find_checkpoint(Auditing *auditing, AuditNode *node, Ledger *ledger)
{
    g_autofree char *note = ledger_checkpoint(ledger, NULL);
    const Identity *identity = ledger_identity(ledger);
    g_autoptr(Checkpoint) checkpoint = note && identity ? checkpoint_verify_by(note, strlen(note), identity, NULL) : NULL;

    /* One's own is signed when somebody asks. */
    if (!note && auditing->home && strcmp(node->node, home_id(auditing->home)) != 0)
        audit_find(auditing, AUDIT_NO_CHECKPOINT, node->node, -1, 0, NULL);
    else if (checkpoint)
        look_at_checkpoint(auditing, node, checkpoint);
}

/* A ledger that is being verified, its records passing. */
typedef struct {
    AuditWalk walk;
    GPtrArray *complaints;
    gboolean stopped;
} Verifying;

static void
complain(gpointer verifying, const char *message)
{
    g_ptr_array_add(((Verifying *)verifying)->complaints, g_strdup(message));
}

/* Each once, however often the ledger is gone through, and up to the first that is not in its place. */
static gboolean
pass(gpointer data, const Record *record, gconstpointer looked)
{
    Verifying *verifying = data;

    if (record->seq == verifying->walk.node->seen)
        verifying->stopped = !audit_take(&verifying->walk, record, looked);
    return !verifying->stopped;
}

static gboolean
verify_once(Verifying *verifying, Ledger *ledger)
{
    const LedgerWatch watch = { .report = complain, .look = audit_look, .free = audit_looked_free, .visit = pass, .data = verifying };
    Auditing *auditing = verifying->walk.auditing;
    const char *node = verifying->walk.node->node;
    g_autoptr(GError) failed = NULL;
    LedgerVerified verified = { 0 };

    if (auditing->home && !auditing->options->full)
        verified_get(auditing->home, node, &verified, NULL);
    if (!ledger_verify_again(ledger, auditing->home != NULL, &verified, &watch, &failed)) {
        /* AU17: that it could not even begin is wrong, too */
        if (verifying->complaints->len == 0)
            complain(verifying, failed->message);
        return FALSE;
    }
    verifying->walk.node->verified = verified;
    /* AU11: what cannot be remembered is checked again, and is no failure */
    if (auditing->home)
        verified_set(auditing->home, node, &verified, NULL);
    return TRUE;
}

/* TRUE if another process appended to the ledger since it was opened, so that files are not those of the ledger as it was then. */
static gboolean
has_moved(Ledger *ledger)
{
    guint64 size = ledger_head(ledger)->size;

    return ledger_refresh(ledger, NULL) && ledger_head(ledger)->size != size;
}

/* FALSE only if it was stopped. */
static gboolean
verify(Auditing *auditing, AuditNode *node, Ledger *ledger, gboolean *good, GError **error)
{
    g_autoptr(GPtrArray) complaints = g_ptr_array_new_with_free_func(g_free);
    Verifying verifying = { { auditing, node, 0 }, complaints, FALSE };

    *good = verify_once(&verifying, ledger);
    for (guint i = 0; !*good && !verifying.stopped && i < MOVES_MAX && has_moved(ledger); i++) {
        g_ptr_array_set_size(complaints, 0);
        *good = verify_once(&verifying, ledger);
    }
    if (verifying.stopped)
        return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped before all was looked at");
    for (guint i = 0; i < complaints->len; i++)
        audit_find(auditing, AUDIT_LEDGER_BROKEN, node->node, -1, 0, g_ptr_array_index(complaints, i), NULL);
    return TRUE;
}

static gboolean
audit_whole(Auditing *auditing, AuditNode *node, Ledger *ledger, GError **error)
{
    g_autofree char *count = NULL;
    gboolean good;

    node->whole = TRUE;
    if (!verify(auditing, node, ledger, &good, error))
        return FALSE;
    node->size = ledger_head(ledger)->size;
    ledger_root(ledger, node->size, &node->root, NULL);
    if (good) {
        count = g_strdup_printf("%" G_GUINT64_FORMAT, node->size);
        audit_find(auditing, AUDIT_LEDGER_GOOD, node->node, -1, 0, count, NULL);
    }
    if (node->size == 0)
        return TRUE;
    find_checkpoint(auditing, node, ledger);
    audit_tell_of_unknown_types(auditing, node);
    return TRUE;
}

/* The manifests that anyone may see, and how many records there are that they do not show. */
static gboolean
audit_sparse(Auditing *auditing, AuditNode *node, GError **error)
{
    g_autoptr(GPtrArray) manifests = catalogue_manifests(auditing->catalogue, node->node, error);
    g_autofree char *seen = NULL, *all = NULL;
    g_autoptr(GError) broken = NULL;
    AuditWalk walk = { auditing, node, 0 };

    if (!manifests)
        return FALSE;
    if (!sparse_position(auditing->home, node->node, &node->size, &node->root, &node->checkpoint_time, &broken) ||
        !sparse_verify(auditing->home, node->node, &broken)) {
        audit_find(auditing, AUDIT_LEDGER_BROKEN, node->node, -1, 0, broken->message, NULL);
        return TRUE;
    }
    for (guint i = 0; i < manifests->len; i++) {
        const Manifest *manifest = g_ptr_array_index(manifests, i);
        g_autoptr(Record) record = catalogue_record(auditing->catalogue, &manifest->address, error);

        if (!record || !audit_visit(&walk, record, error))
            return FALSE;
    }
    seen = g_strdup_printf("%" G_GUINT64_FORMAT, node->seen);
    all = g_strdup_printf("%" G_GUINT64_FORMAT, node->size);
    audit_find(auditing, AUDIT_SPARSE_GOOD, node->node, -1, 0, seen, all, NULL);
    return TRUE;
}

static gboolean
audit_one(Auditing *auditing, AuditNode *node, GError **error)
{
    g_autoptr(GError) broken = NULL;
    Ledger *ledger = audit_ledger(auditing, node->node, &broken);

    if (!ledger && !broken)
        return audit_sparse(auditing, node, error);
    if (!ledger) {
        audit_find(auditing, AUDIT_LEDGER_UNREADABLE, node->node, -1, 0, broken->message, NULL);
        return TRUE;
    }
    if (audit_whole(auditing, node, ledger, &broken))
        return TRUE;
    if (g_error_matches(broken, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
        g_propagate_error(error, g_steal_pointer(&broken));
        return FALSE;
    }
    audit_find(auditing, AUDIT_LEDGER_BROKEN, node->node, -1, 0, broken->message, NULL);
    return TRUE;
}

gboolean
audit_ledgers(Auditing *auditing, GError **error)
{
    for (guint i = 0; i < auditing->audit->nodes->len; i++)
        if (!audit_one(auditing, g_ptr_array_index(auditing->audit->nodes, i), error))
            return FALSE;
    return TRUE;
}
