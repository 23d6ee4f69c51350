#include "node/when.h"

#include "manifests/bracket.h"
#include "manifests/sightings.h"
#include "node/print.h"
#include "sync/peers.h"

/* Witnesses' cosignatures of checkpoints that cover the record. */
static GArray *
sightings(Home *home, const char *node, guint64 seq)
{
    g_autoptr(Sightings) loaded = sightings_load(home, node, NULL);
    g_autoptr(GArray) seen = loaded ? sightings_of(loaded, seq) : NULL;
    GArray *bounds = g_array_new(FALSE, TRUE, sizeof(Bound));

    for (guint i = 0; seen && i < seen->len; i++) {
        const Sighting *sighting = &g_array_index(seen, Sighting, i);
        Bound bound = { .basis = BOUND_COSIGNATURE, .time = sighting->time };

        g_strlcpy(bound.node, sighting->witness, sizeof bound.node);
        g_array_append_val(bounds, bound);
    }
    return bounds;
}

static gboolean
look(Home *home, const char *node, guint64 seq, gint64 time, Bracket *bracket)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(GArray) seen = sightings(home, node, seq);

    return catalogue && bracket_of_record(catalogue, node, seq, time, seen, bracket, NULL);
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
