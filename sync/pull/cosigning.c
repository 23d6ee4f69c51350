#include "sync/pull/cosigning.h"

#include <string.h>

#include "manifests/branches.h"
#include "manifests/sightings.h"
#include "sync/witness.h"

#define COUNT_MAX 16   /* bytes of the answer: how many were new */

static Ledger *
ledger_of(Home *home, const char *node, GError **error)
{
    return strcmp(node, home_id(home)) == 0 ? home_ledger(home, error) : home_peer_ledger(home, node, error);
}

gboolean
cosigning_keep_checkpoint(Ledger *ledger, const char *note, GError **error)
{
    g_autofree char *bare = checkpoint_bare(note, strlen(note), ledger_identity(ledger), error);

    return bare && ledger_keep_checkpoint(ledger, bare, error);
}

/* What the peer has not yet: its note came without our line. */
static gboolean
is_new_to_peer(Session *session, const char *note, const NoteSignature *line)
{
    gsize text_size;
    g_autoptr(GPtrArray) signatures = note_signatures(note, strlen(note), &text_size, NULL);

    return signatures && !note_signatures_find(signatures, line->name, &line->id);
}

/* Of a history that is known to be another one no records were taken (PU23), and there is nothing to be said of its checkpoint. */
static gboolean
is_held(Ledger *ledger, const char *note)
{
    g_autoptr(Checkpoint) claims = checkpoint_claims(note, strlen(note), NULL);
    Digest root;

    return claims && claims->size <= ledger_head(ledger)->size && ledger_root(ledger, claims->size, &root, NULL) && digest_equal(&root, &claims->root);
}

/* N14: what this node cosigned last under that origin is of a history that was superseded since; a witness signs no other under the same, until an epoch begins. */
static gboolean
signed_another(Home *home, Ledger *ledger, const char *note)
{
    g_autoptr(Checkpoint) claims = checkpoint_claims(note, strlen(note), NULL);
    g_auto(Witnessed) latest = { 0 };
    Digest root;

    if (!branches_has_repudiated(home, ledger_node(ledger)) || !claims || !witness_latest(home, claims->origin, &latest, NULL) || latest.size == 0)
        return FALSE;
    return latest.size > ledger_head(ledger)->size || (ledger_root(ledger, latest.size, &root, NULL) && !digest_equal(&root, &latest.root));
}

gboolean
cosigning_take(Session *session, const char *node, const char *note, GError **error)
{
    Ledger *ledger = ledger_of(session->home, node, error);
    g_autoptr(NoteSignature) line = NULL;

    if (!ledger)
        return FALSE;
    if (!is_held(ledger, note))
        return TRUE;
    if (!sightings_learn(session->home, node, note, NULL, error))
        return FALSE;
    if (strcmp(node, home_id(session->home)) == 0 || home_is_recovering(session->home) || signed_another(session->home, ledger, note))
        return TRUE;
    if (!witness_replica(session->home, ledger, note, &line, error))
        return FALSE;
    if (!line || strcmp(node, session->peer->node) != 0 || !is_new_to_peer(session, note, line))
        return TRUE;
    g_free(session->cosigned);
    session->cosigned = sightings_note(session->home, node, note, error);
    return session->cosigned != NULL;
}

gboolean
pull_cosignatures(Session *session, GError **error)
{
    g_autoptr(GBytes) body = session->cosigned ? g_bytes_new(session->cosigned, strlen(session->cosigned)) : NULL;
    g_autoptr(GBytes) answer = NULL;
    GError *failed = NULL;

    if (!body)
        return TRUE;
    g_clear_pointer(&session->cosigned, g_free);
    answer = transport_fetch(session->transport, "POST", "/v1/cosignatures", body, NULL, COUNT_MAX, &failed);
    if (answer)
        return TRUE;
    if (session_over(failed)) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    g_error_free(failed);
    return TRUE;
}
