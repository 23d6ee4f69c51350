#include "sync/pull/recovery.h"

#include <string.h>

#include "keys/durable.h"
#include "keys/error.h"

#define MARKER_MAX (256 * 1024)

/* Those that have said it, a line each; what else is in the file says nothing. */
static char *
read_heard(const char *marker)
{
    g_autoptr(GBytes) bytes = durable_read(marker, MARKER_MAX, NULL);

    return bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : g_strdup("");
}

static gboolean
is_heard(char **lines, const char *node)
{
    return g_strv_contains((const char *const *)lines, node);
}

/* Names of those that have not, with their number; only who can be dialled is waited for. */
static char *
waiting_for(Home *home, char **heard, guint *count, GError **error)
{
    g_autoptr(GPtrArray) peers = peers_all(home, PEER_ACCEPTED, error);
    g_autoptr(GString) names = g_string_new(NULL);

    *count = 0;
    for (guint i = 0; peers && i < peers->len; i++) {
        const Peer *peer = peers->pdata[i];

        if (peer->urls->len == 0 || is_heard(heard, peer->node))
            continue;
        (*count)++;
        g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", peer->alias);
    }
    return peers ? g_string_free(g_steal_pointer(&names), FALSE) : NULL;
}

gboolean
recovery_heard(Session *session, GError **error)
{
    const char *name = session->peer->alias ? session->peer->alias : session->peer->node;
    g_autofree char *marker = home_file(session->home, HOME_RECOVERING);
    g_autofree char *text = NULL, *with = NULL, *names = NULL;
    g_auto(GStrv) heard = NULL;
    guint count;

    if (!home_is_recovering(session->home))
        return TRUE;
    if (!session->reply->peer) {
        session_talk(session, "%s does not know this node by the TLS key that it shows; if it was a peer there, send its people the line of `chama invite`, for their `chama peer add`", name);
        return TRUE;
    }
    text = read_heard(marker);
    with = g_strdup_printf("%s%s\n", text, session->peer->node);
    heard = g_strsplit(with, "\n", -1);
    names = waiting_for(session->home, heard, &count, error);
    if (!names)
        return FALSE;
    if (count > 0) {
        session_talk(session, "this node: restored from a backup, and has what %s holds of its ledger; it signs nothing before it has heard from %s, too", name, names);
        return strlen(with) > MARKER_MAX || durable_write(marker, with, strlen(with), 0600, error);
    }
    session_talk(session, "this node: restored from a backup, and up to date by what its peers hold: it may sign again");
    return durable_unlink(marker, error);
}
