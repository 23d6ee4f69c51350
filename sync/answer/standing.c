#include <string.h>

#include "keys/error.h"
#include "manifests/sightings.h"
#include "sync/answer/answer_private.h"

void
standing_clear(Standing *standing)
{
    g_clear_pointer(&standing->note, g_free);
}

/* A node that must not sign (it learned of another history of its own ledger) still answers, with what it signed before. */
static char *
own_note(Home *home, GError **error)
{
    g_autoptr(GError) local = NULL;
    char *note = home_checkpoint(home, &local);
    Ledger *ledger;

    if (note)
        return note;
    ledger = home_ledger(home, error);
    note = ledger ? ledger_checkpoint(ledger, NULL) : NULL;
    if (!note && ledger)
        g_propagate_error(error, g_steal_pointer(&local));
    return note;
}

static Ledger *
current_ledger(Home *home, const char *node, GError **error)
{
    Ledger *ledger = strcmp(node, home_id(home)) == 0 ? home_ledger(home, error) : home_peer_ledger(home, node, error);

    return ledger && ledger_refresh(ledger, error) ? ledger : NULL;
}

gboolean
standing_of(Home *home, const char *node, Standing *standing, GError **error)
{
    Ledger *ledger = current_ledger(home, node, error);
    const Identity *identity = ledger ? ledger_identity(ledger) : NULL;
    g_autofree char *note = NULL;
    g_autoptr(Checkpoint) checkpoint = NULL;

    if (!ledger)
        return FALSE;
    note = strcmp(node, home_id(home)) == 0 ? own_note(home, error) : ledger_checkpoint(ledger, error);
    if (!note || !identity)
        return error && *error ? FALSE : chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no checkpoint of this ledger is held here", node);
    checkpoint = checkpoint_verify_by(note, strlen(note), identity, error);
    if (!checkpoint)
        return FALSE;
    *standing = (Standing){ g_steal_pointer(&note), checkpoint->size, checkpoint->root, checkpoint->time, identity->before != NULL, identity->record };
    return TRUE;
}

void
standing_add_cosignatures(Home *home, const char *node, Standing *standing)
{
    char *note = sightings_note(home, node, standing->note, NULL);

    /* without them it is as true */
    if (!note)
        return;
    g_free(standing->note);
    standing->note = note;
}
