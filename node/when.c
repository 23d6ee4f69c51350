#include "node/when.h"

#include "manifests/bracket.h"
#include "node/print.h"
#include "sync/peers.h"

static gboolean
look(Home *home, const char *node, guint64 seq, gint64 time, Bracket *bracket)
{
    Catalogue *catalogue = home_catalogue(home, NULL);

    return catalogue && bracket_of_record(catalogue, node, seq, time, NULL, bracket, NULL);
}

static char *
name_of(gpointer data, const char *node)
{
    char *name = peers_display(data, node);

    if (*name)
        return name;
    g_free(name);
    return g_strdup("this node");
}

char *
when_text(Home *home, const char *node, guint64 seq, gint64 time)
{
    Bracket bracket;

    return look(home, node, seq, time, &bracket) && bracket.verdict != BRACKET_OPEN ? bracket_format(&bracket, name_of, home) : NULL;
}

static void
set_bound(json_t *root, const char *member, const Bound *bound)
{
    if (bound->basis != BOUND_NONE)
        json_object_set_new(root, member, json_pack("{s:o, s:s, s:s}", "time", json_time(bound->time), "node", bound->node, "basis",
                                                    bound->basis == BOUND_COSIGNATURE ? "cosignature" : "anchor"));
}

json_t *
when_json(Home *home, const char *node, guint64 seq, gint64 time)
{
    Bracket bracket = { .claimed = time };
    json_t *root;

    look(home, node, seq, time, &bracket);
    root = json_pack("{s:o, s:s}", "claimed", json_time(time), "verdict", bracket_verdict(bracket.verdict));
    set_bound(root, "not_before", &bracket.after);
    set_bound(root, "not_after", &bracket.before);
    return root;
}
