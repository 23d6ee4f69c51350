#include "keys/history.h"
#include "sync/audit/questions.h"

/* N11, N12: what a change of keys says beside that there are new ones. */
static void
look_at_change(Auditing *auditing, const AuditNode *node, const Identity *state)
{
    g_autofree char *from = g_strdup_printf("%" G_GUINT64_FORMAT, state->disavowed);

    audit_find(auditing, state->endorsed ? AUDIT_KEYS_ROTATED : AUDIT_KEYS_RECOVERED, node->node, (gint64)state->since, state->time, NULL);
    if (state->disavowed > 0)
        audit_find(auditing, AUDIT_RECORDS_DISAVOWED, node->node, (gint64)state->since, state->time, from, NULL);
}

gboolean
audit_keys(Auditing *auditing, GError **error)
{
    for (guint i = 0; i < auditing->audit->nodes->len; i++) {
        const AuditNode *node = g_ptr_array_index(auditing->audit->nodes, i);
        g_autoptr(Identity) newest = catalogue_identity(auditing->catalogue, node->node, NULL);

        for (const Identity *state = newest; state && state->before; state = state->before)
            look_at_change(auditing, node, state);
    }
    return TRUE;
}
