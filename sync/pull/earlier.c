#include "sync/pull/earlier.h"

#include <string.h>

/* Looks at versions. */
#define BEFORE_MAX 16
#define AFTER_MAX 4

/* Version @number of the transfer's dataset, if it is held whole, or came whole and waits to be. */
static gboolean
find_held(Transfer *transfer, guint64 number, Held *held)
{
    const Manifest *manifest = transfer->manifest;
    Home *home = transfer->session->home;
    g_autoptr(Manifest) other = catalogue_version(home_catalogue(home, NULL), manifest->node, manifest->name, number, NULL);
    const Held *waiting = other ? landing_find(transfer->session->landing, &other->address) : NULL;

    if (waiting)
        *held = *waiting;
    return waiting || (other && state_held(home_state(home, NULL), &other->address, held, NULL) && held->complete);
}

/* PU20: the newest version before it that is held, of the last few. */
static gboolean
find_before(Transfer *transfer, Held *held)
{
    guint64 number = transfer->manifest->version;

    for (guint64 i = 1; i <= BEFORE_MAX && i < number; i++) {
        if (find_held(transfer, number - i, held))
            return TRUE;
    }
    return FALSE;
}

static gboolean
find_after(Transfer *transfer, Held *held)
{
    for (guint64 i = 1; i <= AFTER_MAX; i++) {
        if (find_held(transfer, transfer->manifest->version + i, held))
            return TRUE;
    }
    return FALSE;
}

/* The session's landing has a writer, so gc frees nothing of what is held now.  What cannot be read is not known. */
gboolean
earlier_learn(Transfer *transfer, GError **error)
{
    Session *session = transfer->session;
    g_autofree char *name = g_strdup_printf("%s/%s", transfer->manifest->node, transfer->manifest->name);
    gboolean found;
    Held held;

    if (!home_catalogue(session->home, error) || !home_state(session->home, error))
        return FALSE;
    found = find_before(transfer, &held);
    if (found)
        transfer->base = held.manifest;
    transfer->has_base = found && !transfer->whole;
    if (g_strcmp0(session->known_of, name) == 0)
        return TRUE;
    earlier_forget(session);
    session->known_of = g_steal_pointer(&name);
    session->known = known_pages_new();
    if (found || find_after(transfer, &held))
        known_pages_add(session->known, &held.listing, transfer_page, transfer, NULL);
    return TRUE;
}

void
earlier_add(Transfer *transfer)
{
    if (!transfer->session->options->dry_run)
        known_pages_add(transfer->session->known, &transfer->held.listing, transfer_page, transfer, NULL);
}

void
earlier_forget(Session *session)
{
    g_clear_pointer(&session->known, known_pages_free);
    g_clear_pointer(&session->known_of, g_free);
}
