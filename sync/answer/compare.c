/* POST /v1/ledgers/NODE/compare: E29 of sync/PROTOCOL.md.  Two who hold a ledger see whether its owner told both the same. */
#include <string.h>

#include "keys/error.h"
#include "sync/answer/answer_private.h"
#include "sync/evidence.h"

/* E29: the own ledger for anyone, another's for accepted peers; in both cases for who shows what its owner signed. */
static Checkpoint *
read_shown(Answer *answer, const AnswerRequest *request, const char *node, Ledger *ledger, char **note, GError **error)
{
    gsize size = 0;
    const char *data = request->body ? g_bytes_get_data(request->body, &size) : NULL;
    g_autoptr(GError) failed = NULL;
    Checkpoint *shown;

    if (strcmp(node, home_id(answer->home)) != 0 && !answer->caller.accepted)
        return chama_error_null(error, CHAMA_ERROR_DENIED, "E29: %s: not for this caller", node);
    shown = checkpoint_verify_by(size > 0 ? data : "", size, ledger_identity(ledger), &failed);
    if (!shown)
        return chama_error_null(error, CHAMA_ERROR_DENIED, "E29: want a checkpoint of this ledger: %s", failed->message);
    *note = g_strndup(data, size);
    return shown;
}

static Ledger *
find_ledger(Home *home, const char *node, GError **error)
{
    Ledger *ledger = strcmp(node, home_id(home)) == 0 ? home_ledger(home, error) : home_peer_ledger(home, node, error);

    return ledger && ledger_refresh(ledger, error) ? ledger : NULL;
}

/* PU7 holds for who is asked as well: the caller showed what the owner signed. */
static gboolean
keep_if_other(Answer *answer, Ledger *ledger, const char *note, const Checkpoint *shown, const Digest *root, GError **error)
{
    const char *node = ledger_node(ledger);
    g_auto(Conflict) conflict = { 0 };
    g_autofree char *remark = NULL;
    gboolean fresh;

    if (digest_equal(root, &shown->root))
        return TRUE;
    if (!conflict_of_copy(&conflict, ledger, note, shown, error) || !evidence_keep(answer->home, node, &conflict, &fresh, error))
        return FALSE;
    remark = g_strdup_printf("%s: two histories of the ledger of %s", fresh ? "ALARM" : "known already", node);
    answer_set_remark(answer, remark);
    return TRUE;
}

static gboolean
compare(Answer *answer, Ledger *ledger, const char *note, const Checkpoint *shown, Comparison *comparison, GError **error)
{
    g_auto(Standing) standing = { 0 };

    if (!standing_of(answer->home, ledger_node(ledger), &standing, error))
        return FALSE;
    comparison->checkpoint = g_steal_pointer(&standing.note);
    if (shown->size > standing.size)
        return TRUE;
    g_clear_pointer(&comparison->hashes, g_array_unref);
    comparison->hashes = merkle_file_consistency(ledger_merkle(ledger), shown->size, standing.size, error);
    comparison->has_root = TRUE;
    return comparison->hashes && ledger_root(ledger, shown->size, &comparison->root, error) &&
           keep_if_other(answer, ledger, note, shown, &comparison->root, error);
}

gboolean
answer_compare(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    Ledger *ledger = node_id_valid(name) ? find_ledger(answer->home, name, error) : NULL;
    g_autofree char *note = NULL;
    g_autoptr(Checkpoint) shown = ledger && ledger_identity(ledger) ? read_shown(answer, request, name, ledger, &note, error) : NULL;
    g_autoptr(Comparison) comparison = comparison_new();
    GBytes *bytes;

    if (!shown)
        return error && *error ? FALSE : chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: want a ledger that is held here", name);
    if (!compare(answer, ledger, note, shown, comparison, error))
        return FALSE;
    bytes = comparison_format(comparison, error);
    if (bytes)
        answer_set_body(answer, "application/json", bytes);
    return bytes != NULL;
}
