#include "sync/pull/erasures.h"

#include "manifests/erasing.h"

static void
tell(gpointer data, const Manifest *manifest)
{
    Session *session = data;
    g_autofree char *node = peers_display(session->home, manifest->node);

    session_talk(session, "%s/%s@%" G_GUINT64_FORMAT ": erased by its owner; erasing it here", node, manifest->name, manifest->version);
}

/* While others use the store it is not waited for: access is refused already, and the next sync or gc does it. */
static gboolean
finish(Session *session, GError **error)
{
    guint pending = 0;
    gboolean busy = FALSE;
    GcTotals totals;

    if (!erasing_pending(session->home, &pending, error))
        return FALSE;
    if (pending == 0)
        return TRUE;
    if (!erasing_finish(session->home, &busy, NULL, &totals, error))
        return FALSE;
    if (busy)
        session_talk(session, "%u erased version%s still in the store, which others use; the next sync or `chama gc` takes %s away", pending,
                     pending == 1 ? " is" : "s are", pending == 1 ? "it" : "them");
    return TRUE;
}

gboolean
pull_erasures(Session *session, GError **error)
{
    GError *failed = NULL;

    if (session->options->dry_run)
        return TRUE;
    if (!erasing_follow(session->home, tell, session, &failed) || !finish(session, &failed))
        session_problem(session, "what was erased", failed);
    return session_check(session, error);
}
