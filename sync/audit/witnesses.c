#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/history.h"
#include "manifests/sightings.h"
#include "sync/audit/questions.h"

static void
tell_of_policy(Auditing *auditing, const AuditNode *node, guint64 covered, const PolicyVerdict *verdict)
{
    g_autofree char *records = g_strdup_printf("%" G_GUINT64_FORMAT, covered), *count = g_strdup_printf("%u", verdict->seen);
    g_autofree char *of = g_strdup_printf("%u", verdict->witnesses);
    char time[TIME_TEXT_SIZE];

    audit_find(auditing, verdict->quorum ? AUDIT_WITNESSED : AUDIT_WITNESSES_MISSING, node->node, -1, verdict->earliest, count, of,
               verdict->earliest ? time_format(verdict->earliest, time) : "-", records, NULL);
}

/* Of the last record: who saw it saw all. */
static void
tell(Auditing *auditing, const AuditNode *node, guint64 covered, const Seen *seen)
{
    g_autofree char *records = g_strdup_printf("%" G_GUINT64_FORMAT, covered), *count = g_strdup_printf("%u", seen->verdict.seen);
    char time[TIME_TEXT_SIZE];

    if (seen->other_log)
        audit_find(auditing, AUDIT_LOG_NOT_IN_POLICY, node->node, -1, 0, NULL);
    else if (seen->by_policy)
        tell_of_policy(auditing, node, covered, &seen->verdict);
    else if (seen->verdict.seen > 0)
        audit_find(auditing, AUDIT_COSIGNED, node->node, -1, seen->verdict.earliest, count, time_format(seen->verdict.earliest, time), records, NULL);
    else
        audit_find(auditing, AUDIT_COSIGNED_BY_NONE, node->node, -1, 0, records, NULL);
}

/* AU17 */
static void
tell_of_damaged(Auditing *auditing, const char *node, guint damaged)
{
    g_autofree char *many = g_strdup_printf("%u", damaged);

    if (damaged > 0)
        audit_find(auditing, AUDIT_COSIGNATURES_DAMAGED, node, -1, 0, many, NULL);
}

/* Of the records that its newest checkpoint covers; a witness cannot have seen more. */
static gboolean
audit_node_witnesses(Auditing *auditing, const AuditNode *node, GError **error)
{
    g_autoptr(Sightings) sightings = node->size > 0 ? sightings_load(auditing->home, node->node, error) : NULL;
    guint64 covered = node->covered ? node->covered : node->size;
    Seen seen;

    if (node->size == 0 || !sightings)
        return node->size == 0;
    sightings_judge(sightings, covered - 1, auditing->options->policy, &seen);
    tell(auditing, node, covered, &seen);
    tell_of_damaged(auditing, node->node, sightings_damaged(sightings));
    return TRUE;
}

/* The key that signed it, and the log that it is of. */
static gboolean
is_allowed(const Policy *policy, const Checkpoint *checkpoint, const Identity *identity)
{
    const Identity *then = identity_at(identity, checkpoint->size > 0 ? checkpoint->size - 1 : 0);

    return policy_allows_log(policy, checkpoint->origin, &then->log);
}

void
audit_note_witnesses(Auditing *auditing, const AuditNode *node, const char *note, const Checkpoint *checkpoint, const Identity *identity)
{
    const Policy *policy = auditing->options->policy;
    g_autofree gint64 *times = policy ? g_new0(gint64, policy_witnesses(policy) + 1) : NULL;
    g_autoptr(GError) error = NULL;
    PolicyVerdict verdict;

    if (!policy)
        return;
    if (checkpoint && !is_allowed(policy, checkpoint, identity)) {
        audit_find(auditing, AUDIT_LOG_NOT_IN_POLICY, node->node, -1, 0, NULL);
        return;
    }
    if (note && !policy_read(policy, note, strlen(note), times, &error)) {
        audit_find(auditing, AUDIT_CHECKPOINT_BROKEN, node->node, -1, 0, error->message, NULL);
        return;
    }
    verdict = policy_judge(policy, times);
    tell_of_policy(auditing, node, checkpoint ? checkpoint->size : node->size, &verdict);
}

/* T10, of a checkpoint that was given beside a clone.  NULL, told of, if it does not hold. */
static Checkpoint *
check_given(Auditing *auditing, const AuditNode *node, Ledger *ledger, const char *note)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Checkpoint) checkpoint = checkpoint_verify_by(note, strlen(note), ledger_identity(ledger), &error);
    g_autofree char *covers = checkpoint ? g_strdup_printf("%" G_GUINT64_FORMAT, checkpoint->size) : NULL;
    g_autofree char *held = g_strdup_printf("%" G_GUINT64_FORMAT, node->size);
    char time[TIME_TEXT_SIZE];
    Digest root;

    if (checkpoint && checkpoint->size > node->size) {
        audit_find(auditing, AUDIT_CHECKPOINT_BEYOND, node->node, -1, checkpoint->time, covers, held, NULL);
        return g_steal_pointer(&checkpoint);
    }
    if (checkpoint && ledger_root(ledger, checkpoint->size, &root, &error) && !digest_equal(&root, &checkpoint->root))
        chama_error(&error, CHAMA_ERROR_VERIFY, "T10: its root is not the one of the first %s records", covers);
    if (error) {
        audit_find(auditing, AUDIT_CHECKPOINT_BROKEN, node->node, -1, 0, error->message, NULL);
        return NULL;
    }
    audit_find(auditing, AUDIT_CHECKPOINT_GOOD, node->node, -1, checkpoint->time, covers, held, checkpoint->time ? time_format(checkpoint->time, time) : "-", NULL);
    return g_steal_pointer(&checkpoint);
}

/* AU16: a clone has no checkpoints and no cosignatures: those that were given with it. */
static void
audit_clone_witnesses(Auditing *auditing, const AuditNode *node)
{
    const GPtrArray *notes = clones_checkpoints(auditing->options->clones, node->node);
    Ledger *ledger = audit_ledger(auditing, node->node, NULL);

    for (guint i = 0; ledger && i < notes->len; i++) {
        const char *note = g_ptr_array_index(notes, i);
        g_autoptr(Checkpoint) checkpoint = check_given(auditing, node, ledger, note);

        if (checkpoint)
            audit_note_witnesses(auditing, node, note, checkpoint, ledger_identity(ledger));
    }
    if (notes->len == 0)
        audit_note_witnesses(auditing, node, NULL, NULL, NULL);
}

gboolean
audit_witnesses(Auditing *auditing, GError **error)
{
    guint strays = 0;

    if (auditing->home && !sightings_strays(auditing->home, &strays, error))
        return FALSE;
    if (auditing->home)
        tell_of_damaged(auditing, home_id(auditing->home), strays);
    for (guint i = 0; i < auditing->audit->nodes->len; i++) {
        const AuditNode *node = g_ptr_array_index(auditing->audit->nodes, i);

        if (!auditing->home)
            audit_clone_witnesses(auditing, node);
        else if (!audit_node_witnesses(auditing, node, error))
            return FALSE;
    }
    return TRUE;
}
