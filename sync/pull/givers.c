#include "sync/pull/givers.h"

#include <string.h>

static void
giver_free(gpointer data)
{
    Giver *giver = data;

    g_free(giver->alias);
    g_free(giver->dropped);
    g_free(giver);
}

GPtrArray *
givers_new(void)
{
    return g_ptr_array_new_with_free_func(giver_free);
}

static Giver *
find(GPtrArray *givers, const Peer *peer)
{
    Giver *giver;

    for (guint i = 0; i < givers->len; i++)
        if (strcmp(((const Giver *)givers->pdata[i])->node, peer->node) == 0)
            return givers->pdata[i];
    giver = g_new0(Giver, 1);
    g_strlcpy(giver->node, peer->node, sizeof giver->node);
    giver->alias = g_strdup(peer->alias);
    g_ptr_array_add(givers, giver);
    return giver;
}

void
givers_add(GPtrArray *givers, const Peer *peer, guint64 chunks, guint64 bytes, const GError *dropped)
{
    Giver *giver;

    if (chunks == 0 && !dropped)
        return;
    giver = find(givers, peer);
    giver->chunks += chunks;
    giver->bytes += bytes;
    if (dropped && !giver->dropped)
        giver->dropped = g_strdup(dropped->message);
}

char *
givers_tell(const GPtrArray *givers)
{
    g_autoptr(GString) line = g_string_new(NULL);
    guint count = 0;

    for (guint i = 0; i < givers->len; i++) {
        const Giver *giver = givers->pdata[i];

        if (giver->chunks > 0)
            g_string_append_printf(line, "%s%s %.1f MiB", count++ ? ", " : "", giver->alias ? giver->alias : giver->node, (double)giver->bytes / (1024 * 1024));
    }
    return count > 1 ? g_string_free(g_steal_pointer(&line), FALSE) : NULL;
}
