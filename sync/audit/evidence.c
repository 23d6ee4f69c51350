#include <string.h>

#include "sync/audit/questions.h"

gboolean
audit_evidence(Auditing *auditing, GError **error)
{
    static const struct {
        const char *kind;
        AuditKind found;
    } kinds[] = { { EVIDENCE_FORK, AUDIT_FORK }, { EVIDENCE_ROLLBACK, AUDIT_ROLLBACK }, { EVIDENCE_OWN_FORK, AUDIT_OWN_FORK }, { EVIDENCE_SEEN, AUDIT_CONTRADICTION_SEEN } };
    State *state = auditing->home ? home_state(auditing->home, error) : NULL;
    g_autoptr(GPtrArray) evidence = state ? state_evidence(state, error) : NULL;

    for (guint i = 0; evidence && i < evidence->len; i++) {
        const Evidence *at = g_ptr_array_index(evidence, i);

        for (guint k = 0; k < G_N_ELEMENTS(kinds); k++)
            if (strcmp(kinds[k].kind, at->kind) == 0 && (audit_wanted(auditing, at->node) || !auditing->options->nodes))
                audit_find(auditing, kinds[k].found, at->node, -1, at->time, NULL);
    }
    return evidence != NULL || !auditing->home;
}
