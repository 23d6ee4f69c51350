/* GET /v1/evidence/NODE/KIND and POST /v1/evidence: E26 of sync/PROTOCOL.md.  For accepted peers: the records in it are those of a ledger. */
#include <string.h>

#include "keys/error.h"
#include "sync/answer/answer_private.h"
#include "sync/evidence.h"

static gboolean
check_peer(const Answer *answer, GError **error)
{
    return answer->caller.accepted || chama_error(error, CHAMA_ERROR_DENIED, "E26: not for this caller");
}

gboolean
answer_evidence(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    EvidenceName wanted = { .rollback = g_str_has_suffix(request->path, "/rollback") };
    GBytes *bytes;

    if (!check_peer(answer, error))
        return FALSE;
    g_strlcpy(wanted.node, name, sizeof wanted.node);
    bytes = evidence_document(answer->home, &wanted, error);
    if (bytes)
        answer_set_body(answer, "application/json", bytes);
    return bytes != NULL;
}

gboolean
answer_take_evidence(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    g_autoptr(Contradiction) found = NULL;
    g_autofree char *words = NULL, *remark = NULL;
    gboolean fresh;

    if (!check_peer(answer, error))
        return FALSE;
    if (!request->body)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: E26: want a document, have none");
    if (!evidence_accept(answer->home, answer->caller.node, request->body, &fresh, &found, error))
        return FALSE;
    words = contradiction_describe(found);
    remark = g_strdup_printf("%s: %s: %s", fresh ? "ALARM" : "known already", found->node, words);
    answer_set_remark(answer, remark);
    answer_set_body(answer, "application/json", g_bytes_new_static("{}", 2));
    return TRUE;
}
