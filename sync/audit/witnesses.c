#include "keys/canonical.h"
#include "manifests/sightings.h"
#include "sync/audit/questions.h"

/* Of the last record: who saw it saw all. */
static void
tell(Auditing *auditing, const AuditNode *node, guint64 covered, const Seen *seen)
{
    g_autofree char *records = g_strdup_printf("%" G_GUINT64_FORMAT, covered), *count = g_strdup_printf("%u", seen->verdict.seen);
    g_autofree char *of = g_strdup_printf("%u", seen->verdict.witnesses);
    char time[TIME_TEXT_SIZE];

    if (seen->other_log)
        audit_find(auditing, AUDIT_LOG_NOT_IN_POLICY, node->node, -1, 0, NULL);
    else if (seen->by_policy)
        audit_find(auditing, seen->verdict.quorum ? AUDIT_WITNESSED : AUDIT_WITNESSES_MISSING, node->node, -1, seen->verdict.earliest, count, of,
                   seen->verdict.earliest ? time_format(seen->verdict.earliest, time) : "-", records, NULL);
    else if (seen->verdict.seen > 0)
        audit_find(auditing, AUDIT_COSIGNED, node->node, -1, seen->verdict.earliest, count, time_format(seen->verdict.earliest, time), records, NULL);
    else
        audit_find(auditing, AUDIT_COSIGNED_BY_NONE, node->node, -1, 0, records, NULL);
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
    return TRUE;
}

gboolean
audit_witnesses(Auditing *auditing, GError **error)
{
    for (guint i = 0; auditing->home && i < auditing->audit->nodes->len; i++)
        if (!audit_node_witnesses(auditing, g_ptr_array_index(auditing->audit->nodes, i), error))
            return FALSE;
    return TRUE;
}
