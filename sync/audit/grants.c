#include <string.h>

#include "keys/canonical.h"
#include "manifests/statements.h"
#include "sync/audit/questions.h"

#define ENDS_SOON (30 * 24 * 3600)

static void
look_at_grant(Auditing *auditing, const GrantRow *row)
{
    gint64 now = auditing->options->now;
    char until[TIME_TEXT_SIZE];

    time_format(row->grant.until, until);
    if (row->revoked)
        audit_find(auditing, AUDIT_GRANT_REVOKED, row->grant.owner, (gint64)row->seq, row->time, row->grant.name, row->grant.grantee, NULL);
    else if (row->grant.until < now)
        audit_find(auditing, AUDIT_GRANT_OVER, row->grant.owner, (gint64)row->seq, row->time, row->grant.name, row->grant.grantee, until, NULL);
    else if (row->grant.until < now + ENDS_SOON)
        audit_find(auditing, AUDIT_GRANT_ENDS, row->grant.owner, (gint64)row->seq, row->time, row->grant.name, row->grant.grantee, until, NULL);
}

/* Sealed statements of which no opening is here: withheld from this auditor. */
static void
count_closed(Auditing *auditing, const AuditNode *node, guint64 open)
{
    guint sealed = GPOINTER_TO_UINT(g_hash_table_lookup(node->types, "sealed/1"));
    g_autofree char *closed = g_strdup_printf("%" G_GUINT64_FORMAT, sealed - MIN(sealed, open));

    if (sealed > open)
        audit_find(auditing, AUDIT_SEALED_CLOSED, node->node, -1, 0, closed, NULL);
}

static gboolean
audit_node_grants(Auditing *auditing, const AuditNode *node, GError **error)
{
    g_autoptr(GPtrArray) grants = catalogue_grants(auditing->catalogue, node->node, NULL, NULL, error);
    guint64 open = 0;

    if (!grants || !catalogue_count_opened(auditing->catalogue, node->node, &open, error))
        return FALSE;
    for (guint i = 0; i < grants->len; i++) {
        const GrantRow *row = g_ptr_array_index(grants, i);

        open += row->sealed;
        look_at_grant(auditing, row);
    }
    count_closed(auditing, node, open);
    return TRUE;
}

gboolean
audit_grants(Auditing *auditing, GError **error)
{
    for (guint i = 0; i < auditing->audit->nodes->len; i++)
        if (!audit_node_grants(auditing, g_ptr_array_index(auditing->audit->nodes, i), error))
            return FALSE;
    return TRUE;
}
