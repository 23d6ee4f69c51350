#include <string.h>

#include "keys/error.h"
#include "manifests/evidence.h"
#include "sync/audit/questions.h"

static const struct {
    const char *kind;
    AuditKind found;
    gboolean proof;      /* a document that anyone can check */
} kinds[] = {
    { EVIDENCE_FORK, AUDIT_FORK, TRUE },
    { EVIDENCE_ROLLBACK, AUDIT_ROLLBACK, TRUE },
    { EVIDENCE_OWN_FORK, AUDIT_OWN_FORK, FALSE },
    { EVIDENCE_SEEN, AUDIT_CONTRADICTION_SEEN, FALSE },
};

/* AU17: what is kept says the same as its row. */
static gboolean
holds(const Evidence *row, GError **error)
{
    g_autoptr(GBytes) bytes = g_bytes_new(row->text, strlen(row->text));
    g_autoptr(Contradiction) shown = evidence_verify(bytes, error);

    if (!shown)
        return FALSE;
    return (strcmp(shown->node, row->node) == 0 && strcmp(contradiction_kind(shown), row->kind) == 0) ||
           chama_error(error, CHAMA_ERROR_DAMAGED, "AU17: it is a %s of node %s", contradiction_kind(shown), shown->node);
}

static void
look_at(Auditing *auditing, const Evidence *row)
{
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].kind, row->kind) != 0)
            continue;
        if (kinds[i].proof && !holds(row, &error))
            audit_find(auditing, AUDIT_EVIDENCE_DAMAGED, row->node, -1, row->time, error->message, NULL);
        else if (audit_wanted(auditing, row->node) || !auditing->options->nodes)
            audit_find(auditing, kinds[i].found, row->node, -1, row->time, NULL);
        return;
    }
    if (strcmp(row->kind, EVIDENCE_REPUDIATED) != 0)
        audit_find(auditing, AUDIT_EVIDENCE_DAMAGED, row->node, -1, row->time, "AU17: its kind is none that there is", NULL);
}

gboolean
audit_evidence(Auditing *auditing, GError **error)
{
    State *state = auditing->home ? home_state(auditing->home, error) : NULL;
    g_autoptr(GPtrArray) evidence = state ? state_evidence(state, error) : NULL;

    for (guint i = 0; evidence && i < evidence->len; i++)
        look_at(auditing, g_ptr_array_index(evidence, i));
    return evidence != NULL || !auditing->home;
}
