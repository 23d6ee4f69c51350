#include "sync/pull/rumours.h"

#include <string.h>

#include "keys/error.h"
#include "sync/pull/heard.h"
#include "sync/sparse.h"

#define EVIDENCE_A_SESSION 32     /* documents taken, and documents given */
#define QUESTIONS_A_SESSION 64

static gboolean
talk_of_evidence(Session *session, const Contradiction *found, GError **error)
{
    g_autofree char *name = strcmp(found->node, home_id(session->home)) == 0 ? g_strdup("this node") : peers_display(session->home, found->node);
    g_autofree char *words = contradiction_describe(found);
    GError *problem = NULL;

    session_tell_alarm(session, found->node, words);
    chama_error(&problem, CHAMA_ERROR_FORK, "evidence from %s: %s; see `chama evidence`", session->peer->alias ? session->peer->alias : session->peer->node, words);
    session_problem(session, name, problem);
    return TRUE;
}

/* An error with one piece is a problem, and the rest goes on. */
static gboolean
survive(Session *session, const char *node, GError *failed, GError **error)
{
    if (!session_over(failed)) {
        g_autofree char *name = peers_display(session->home, node);

        session_problem(session, name, failed);
        return TRUE;
    }
    g_propagate_error(error, failed);
    return FALSE;
}

static gboolean
fetch_evidence(Session *session, const EvidenceName *name, GError **error)
{
    g_autofree char *path = g_strdup_printf("/v1/evidence/%s/%s", name->node, name->rollback ? EVIDENCE_KIND_ROLLBACK : EVIDENCE_KIND_FORK);
    g_autoptr(GBytes) document = transport_fetch(session->transport, "GET", path, NULL, NULL, EVIDENCE_SIZE_MAX, error);
    g_autoptr(Contradiction) found = NULL;
    gboolean fresh;

    if (!document || !evidence_accept(session->home, session->peer->node, document, &fresh, &found, error))
        return FALSE;
    return !fresh || talk_of_evidence(session, found, error);
}

/* PU22: what this node lacks, as far as it would take it. */
static gboolean
take_evidence(Session *session, GError **error)
{
    g_autoptr(GArray) lacking = evidence_lacking(session->home, session->peer->node, session->reply->evidence, error);

    for (guint i = 0; lacking && i < lacking->len && i < EVIDENCE_A_SESSION; i++) {
        const EvidenceName *name = &g_array_index(lacking, EvidenceName, i);
        GError *failed = NULL;

        if (!fetch_evidence(session, name, &failed) && !survive(session, name->node, failed, error))
            return FALSE;
    }
    return lacking != NULL;
}

/* Who cannot be reached must be told by those who call.  What the peer does not take is its own affair. */
static gboolean
give_evidence(Session *session, GError **error)
{
    const GArray *wanted = session->reply->evidence_wanted;

    for (guint i = 0; i < wanted->len && i < EVIDENCE_A_SESSION; i++) {
        g_autoptr(GBytes) document = evidence_document(session->home, &g_array_index(wanted, EvidenceName, i), NULL);
        g_autoptr(GError) failed = NULL;
        g_autoptr(GBytes) answer =
            document ? transport_fetch(session->transport, "POST", "/v1/evidence", document, NULL, WIRE_PROBLEM_MAX, &failed) : NULL;

        if (failed && session_over(failed)) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
    }
    return TRUE;
}

gboolean
pull_evidence(Session *session, GError **error)
{
    return take_evidence(session, error) && give_evidence(session, error);
}

/* What is held here of a ledger: its keys, and the newest checkpoint. */
typedef struct {
    const char *node;
    Ledger *ledger;          /* NULL: held sparse */
    Identity *identity;
    char *note;              /* may be NULL */
    Checkpoint *checkpoint;
} Copy;

static void
copy_clear(Copy *copy)
{
    g_clear_pointer(&copy->identity, identity_free);
    g_clear_pointer(&copy->note, g_free);
    g_clear_pointer(&copy->checkpoint, checkpoint_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Copy, copy_clear)

static Checkpoint *
verify_note(const Copy *copy, const char *note, GError **error)
{
    return checkpoint_verify_by(note, strlen(note), copy->identity, error);
}

/* FALSE if nothing is known of the node. */
static gboolean
find_copy(Session *session, const char *node, Copy *copy)
{
    Catalogue *catalogue = home_catalogue(session->home, NULL);

    copy->node = node;
    copy->identity = catalogue ? catalogue_identity(catalogue, node, NULL) : NULL;
    if (!copy->identity)
        return FALSE;
    copy->ledger = home_peer_ledger(session->home, node, NULL);
    if (copy->ledger && ledger_head(copy->ledger)->size == 0)
        copy->ledger = NULL;
    copy->note = copy->ledger ? ledger_checkpoint(copy->ledger, NULL) : sparse_checkpoint(session->home, node);
    copy->checkpoint = copy->note ? verify_note(copy, copy->note, NULL) : NULL;
    return TRUE;
}

typedef enum { SETTLED, OPEN, FORKED } Verdict;

/* What was found out before is no news. */
static gboolean
alarm_of(Session *session, const char *node, const Conflict *conflict, GError **error)
{
    gboolean fresh;

    if (!session_alarm(session, node, conflict, &fresh, error))
        return FALSE;
    return !fresh || chama_error(error, CHAMA_ERROR_FORK, "ledger: two histories: %s was told of another than is held here",
                                 session->peer->alias ? session->peer->alias : session->peer->node);
}

/* E29: is @note (@checkpoint) the beginning of what the peer holds?  FALSE with FORK if not. */
static gboolean
ask(Session *session, const Copy *copy, const char *note, const Checkpoint *checkpoint, Verdict *verdict, GError **error)
{
    g_autofree char *path = g_strdup_printf("/v1/ledgers/%s/compare", copy->node);
    g_autoptr(GBytes) body = g_bytes_new(note, strlen(note));
    g_autoptr(GError) failed = NULL;
    g_autoptr(GBytes) bytes = transport_fetch(session->transport, "POST", path, body, NULL, WIRE_COMPARISON_MAX, &failed);
    g_autoptr(Comparison) answer = bytes ? comparison_parse(bytes, &failed) : NULL;
    g_autoptr(Checkpoint) theirs = answer ? verify_note(copy, answer->checkpoint, &failed) : NULL;
    g_auto(Conflict) conflict = { 0 };

    *verdict = OPEN;
    if (failed && session_over(failed)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    /* Who does not say, or does not prove, has said nothing. */
    if (!theirs || !answer->has_root ||
        !merkle_check_consistency(checkpoint->size, &answer->root, theirs->size, &theirs->root, (const Digest *)(gpointer)answer->hashes->data, answer->hashes->len, NULL))
        return TRUE;
    if (digest_equal(&answer->root, &checkpoint->root)) {
        *verdict = SETTLED;
        return TRUE;
    }
    *verdict = FORKED;
    conflict.checkpoints[0] = g_strdup(note);
    conflict.checkpoints[1] = g_strdup(answer->checkpoint);
    if (checkpoint->size < theirs->size) {
        conflict.has_root = TRUE;
        conflict.root = answer->root;
        conflict.hashes = g_array_ref(answer->hashes);
    }
    return alarm_of(session, copy->node, &conflict, error);
}

gboolean
rumours_ask(Session *session, const char *node, GError **error)
{
    g_auto(Copy) copy = { 0 };
    Verdict verdict;

    if (!find_copy(session, node, &copy) || !copy.checkpoint)
        return TRUE;
    return ask(session, &copy, copy.note, copy.checkpoint, &verdict, error);
}

/* Against the records held: no one need be asked. */
static gboolean
compare_here(Session *session, const Copy *copy, const char *note, const Checkpoint *heard, Verdict *verdict, GError **error)
{
    g_auto(Conflict) conflict = { 0 };
    Digest root;

    *verdict = OPEN;
    if (copy->ledger && heard->size <= ledger_head(copy->ledger)->size) {
        if (!ledger_root(copy->ledger, heard->size, &root, error))
            return FALSE;
        *verdict = digest_equal(&root, &heard->root) ? SETTLED : FORKED;
        if (*verdict == SETTLED || !conflict_of_copy(&conflict, copy->ledger, note, heard, error))
            return *verdict == SETTLED;
        return alarm_of(session, copy->node, &conflict, error);
    }
    if (!copy->checkpoint || copy->checkpoint->size != heard->size)
        return TRUE;
    *verdict = digest_equal(&copy->checkpoint->root, &heard->root) ? SETTLED : FORKED;
    if (*verdict == SETTLED)
        return TRUE;
    conflict.checkpoints[0] = g_strdup(copy->note);
    conflict.checkpoints[1] = g_strdup(note);
    return alarm_of(session, copy->node, &conflict, error);
}

gboolean
rumours_compare(Session *session, const char *node, const char *note, GError **error)
{
    g_auto(Copy) copy = { 0 };
    g_autoptr(Checkpoint) told = find_copy(session, node, &copy) ? verify_note(&copy, note, NULL) : NULL;
    Verdict verdict;

    return !told || compare_here(session, &copy, note, told, &verdict, error);
}

/* PU27: settled once both what is held and what was heard are found in one larger history.  @reach: how many records of it the peer has. */
static gboolean
compare(Session *session, const Copy *copy, const char *note, const Checkpoint *heard, guint64 reach, Verdict *verdict, GError **error)
{
    if (!compare_here(session, copy, note, heard, verdict, error))
        return FALSE;
    if (*verdict != OPEN || reach < heard->size || (copy->checkpoint && reach < copy->checkpoint->size))
        return TRUE;
    if (!ask(session, copy, note, heard, verdict, error))
        return FALSE;
    return *verdict != SETTLED || !copy->checkpoint || ask(session, copy, copy->note, copy->checkpoint, verdict, error);
}

/* A note that cannot be believed, or of a ledger of which nothing is known, is no news. */
static gboolean
listen(Session *session, const char *node, const char *note, guint64 reach, GError **error)
{
    g_auto(Copy) copy = { 0 };
    g_autoptr(Checkpoint) heard = NULL;
    HeardState state;
    Verdict verdict;

    if (!find_copy(session, node, &copy) || !(heard = verify_note(&copy, note, NULL)) || heard->size == 0)
        return TRUE;
    if (!heard_state(session->home, node, heard, &state, error))
        return FALSE;
    if (state == HEARD_SETTLED)
        return TRUE;
    if (!compare(session, &copy, note, heard, reach, &verdict, error)) {
        if (state == HEARD_OPEN)
            heard_forget(session->home, node, heard, NULL);
        return FALSE;
    }
    /* What the records held here say need not be remembered. */
    if (verdict == SETTLED && copy.ledger)
        return state == HEARD_NOT || heard_forget(session->home, node, heard, error);
    return (state == HEARD_OPEN && verdict == OPEN) || heard_keep(session->home, node, note, heard, verdict != OPEN, error);
}

/* Whoever offers what it does not give has all the same signed it. */
void
rumours_note(Session *session, const char *node, const char *note)
{
    g_auto(Copy) copy = { 0 };
    g_autoptr(Checkpoint) offered = find_copy(session, node, &copy) ? verify_note(&copy, note, NULL) : NULL;
    HeardState state;

    if (!offered || (copy.checkpoint && offered->size <= copy.checkpoint->size) || !heard_state(session->home, node, offered, &state, NULL) || state != HEARD_NOT)
        return;
    heard_keep(session->home, node, note, offered, FALSE, NULL);
}

/* "chama/NODE", perhaps an epoch, LF, the number of records.  Only to know whose it is: it is verified by the keys of that node. */
static gboolean
read_note_head(const char *note, char node[NODE_ID_SIZE], guint64 *size)
{
    const char *line = strchr(note, '\n');

    if (!g_str_has_prefix(note, "chama/") || !line || strlen(note) < strlen("chama/") + NODE_ID_LENGTH + 1)
        return FALSE;
    memcpy(node, note + strlen("chama/"), NODE_ID_LENGTH);
    node[NODE_ID_LENGTH] = '\0';
    *size = g_ascii_strtoull(line + 1, NULL, 10);
    return node_id_valid(node);
}

/* How far the peer says that its copy goes: of what it offers, and of what it only told of. */
static guint64
reach_of(const Session *session, const char *node)
{
    const ExchangeReply *reply = session->reply;

    if (strcmp(node, session->peer->node) == 0)
        return G_MAXUINT64;
    for (guint i = 0; i < reply->ledgers->len; i++) {
        const LedgerOffer *offer = reply->ledgers->pdata[i];

        if (strcmp(offer->node, node) == 0)
            return offer->size;
    }
    for (guint i = 0; i < reply->seen->len; i++) {
        char owner[NODE_ID_SIZE];
        guint64 size;

        if (read_note_head(reply->seen->pdata[i], owner, &size) && strcmp(owner, node) == 0)
            return size;
    }
    return 0;
}

/* W18 */
static gboolean
listen_to_seen(Session *session, GError **error)
{
    const GPtrArray *seen = session->reply->seen;

    for (guint i = 0; i < seen->len; i++) {
        char node[NODE_ID_SIZE];
        GError *failed = NULL;
        guint64 size;

        if (!read_note_head(seen->pdata[i], node, &size) || strcmp(node, home_id(session->home)) == 0)
            continue;
        if (!listen(session, node, seen->pdata[i], i < QUESTIONS_A_SESSION ? reach_of(session, node) : 0, &failed) && !survive(session, node, failed, error))
            return FALSE;
    }
    return TRUE;
}

/* A mirror that is behind the open part held here: PU5 passes it over, and yet it may be of another history. */
static gboolean
listen_to_offers(Session *session, GError **error)
{
    const GPtrArray *offers = session->reply->ledgers;

    for (guint i = 0; i < offers->len; i++) {
        const LedgerOffer *offer = offers->pdata[i];
        Ledger *whole = home_peer_ledger(session->home, offer->node, NULL);
        GError *failed = NULL;

        if (strcmp(offer->node, home_id(session->home)) == 0 || strcmp(offer->node, session->peer->node) == 0 || (whole && ledger_head(whole)->size > 0))
            continue;
        if (!listen(session, offer->node, offer->checkpoint, reach_of(session, offer->node), &failed) && !survive(session, offer->node, failed, error))
            return FALSE;
    }
    return TRUE;
}

/* What was heard elsewhere and is open: the records may be here by now; else the owner can tell, and who holds enough of the ledger. */
static gboolean
settle_open(Session *session, GError **error)
{
    g_autoptr(GPtrArray) open = heard_open(session->home, error);

    for (guint i = 0; open && i < open->len; i++) {
        const Heard *heard = open->pdata[i];
        GError *failed = NULL;

        if (!session_check(session, error))
            return FALSE;
        if (!listen(session, heard->node, heard->note, i < QUESTIONS_A_SESSION ? reach_of(session, heard->node) : 0, &failed) &&
            !survive(session, heard->node, failed, error))
            return FALSE;
    }
    return open != NULL;
}

gboolean
pull_rumours(Session *session, GError **error)
{
    return settle_open(session, error) && listen_to_seen(session, error) && listen_to_offers(session, error);
}
