#include "node/when.h"

#include "manifests/bracket.h"
#include "manifests/sightings.h"
#include "manifests/verifiers.h"
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
    g_autoptr(NoteVerifier) verifier = verifiers_is_word(node) ? verifiers_by_word(data, node) : NULL;
    char *name = verifier ? g_strdup(verifier->name) : peers_display(data, node);

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

/* Who is no node is called by its name as a witness. */
static void
set_bound(Home *home, json_t *root, const char *member, const Bound *bound)
{
    g_autoptr(NoteVerifier) verifier = verifiers_is_word(bound->node) ? verifiers_by_word(home, bound->node) : NULL;

    if (bound->basis != BOUND_NONE)
        json_object_set_new(root, member, json_pack("{s:o, s:s, s:s}", "time", json_time(bound->time), verifier ? "witness" : "node",
                                                    verifier ? verifier->name : bound->node, "basis", bound->basis == BOUND_COSIGNATURE ? "cosignature" : "anchor"));
}

json_t *
when_json(Home *home, const char *node, guint64 seq, gint64 time)
{
    Bracket bracket = { .claimed = time };
    json_t *root;

    look(home, node, seq, time, &bracket);
    root = json_pack("{s:o, s:s}", "claimed", json_time(time), "verdict", bracket_verdict(bracket.verdict));
    set_bound(home, root, "not_before", &bracket.after);
    set_bound(home, root, "not_after", &bracket.before);
    return root;
}
