#include "manifests/lineage/branches.h"

#include <stdlib.h>

#include "manifests/lineage/derivation.h"

guint
branch_near(const Lineage *lineage, const LineageEdge *edge)
{
    return lineage->downstream ? edge->source : edge->derived;
}

guint
branch_far(const Lineage *lineage, const LineageEdge *edge)
{
    return lineage->downstream ? edge->derived : edge->source;
}

/* Counting sort by near end: edges of one version keep their order, worst first. */
static void
collect(Branches *b)
{
    const Lineage *lineage = b->lineage;
    g_autofree guint *next = g_new0(guint, lineage->versions->len + 1);

    for (guint i = 0; i < lineage->edges->len; i++)
        b->first[branch_near(lineage, lineage_edge(lineage, i)) + 1]++;
    for (guint i = 0; i < lineage->versions->len; i++)
        next[i + 1] = b->first[i + 1] += b->first[i];
    for (guint i = 0; i < lineage->edges->len; i++)
        b->edges[next[branch_near(lineage, lineage_edge(lineage, i))]++] = i;
}

/* Deeper versions first would not do: one that is reached by several ways may lie beyond a later one.  So until nothing changes; each round
 * goes at least one step further, and from the last version to the first nearly all in one. */
static void
spread_worst(Branches *b)
{
    const Lineage *lineage = b->lineage;
    gboolean changed = TRUE;

    for (guint i = 0; i < lineage->versions->len; i++)
        b->worst[i] = lineage_version(lineage, i)->facts->fault ? VERDICT_BROKEN : VERDICTS;
    while (changed) {
        changed = FALSE;
        for (guint v = lineage->versions->len; v-- > 0;)
            for (guint i = b->first[v]; i < b->first[v + 1]; i++) {
                const LineageEdge *edge = lineage_edge(lineage, b->edges[i]);
                guint far = branch_far(lineage, edge);
                Verdict beyond = far == LINEAGE_NOTHING ? edge->verdict : MIN(edge->verdict, b->worst[far]);

                changed = changed || beyond < b->worst[v];
                b->worst[v] = MIN(b->worst[v], beyond);
            }
    }
}

static int
compare_branches(gconstpointer a, gconstpointer b, gpointer data)
{
    const Branches *branches = data;
    const LineageEdge *x = lineage_edge(branches->lineage, *(const guint *)a), *y = lineage_edge(branches->lineage, *(const guint *)b);
    guint far_x = branch_far(branches->lineage, x), far_y = branch_far(branches->lineage, y);
    Verdict worst_x = far_x == LINEAGE_NOTHING ? x->verdict : MIN(x->verdict, branches->worst[far_x]);
    Verdict worst_y = far_y == LINEAGE_NOTHING ? y->verdict : MIN(y->verdict, branches->worst[far_y]);

    if (worst_x != worst_y)
        return worst_x < worst_y ? -1 : 1;
    if (x->verdict != y->verdict)
        return x->verdict < y->verdict ? -1 : 1;
    return far_x < far_y ? -1 : far_x > far_y;
}

Branches *
branches_new(const Lineage *lineage)
{
    Branches *b = g_new0(Branches, 1);

    b->lineage = lineage;
    b->first = g_new0(guint, lineage->versions->len + 1);
    b->edges = g_new0(guint, lineage->edges->len + 1);
    b->worst = g_new0(Verdict, lineage->versions->len);
    collect(b);
    spread_worst(b);
    for (guint v = 0; v < lineage->versions->len; v++)
        g_qsort_with_data(b->edges + b->first[v], (int)(b->first[v + 1] - b->first[v]), sizeof *b->edges, compare_branches, b);
    return b;
}

void
branches_free(Branches *b)
{
    if (!b)
        return;
    g_free(b->first);
    g_free(b->edges);
    g_free(b->worst);
    g_free(b);
}

char *
branch_activity(const VersionFacts *facts)
{
    g_autofree char *kind = NULL, *tool = NULL, *parameters = NULL;
    gboolean observed;

    if (!facts->activity || !activity_read(facts->activity, &kind, &tool, &parameters, &observed))
        return NULL;
    return g_strdup_printf("%s%s%s%s%s (%s)", kind, tool ? " with " : "", tool ? tool : "", parameters ? " " : "", parameters ? parameters : "",
                           observed ? "observed" : "as stated");
}

char *
branch_title(const VersionFacts *facts)
{
    return g_strdup_printf("%s%s%s", facts->title_zh ? facts->title_zh : "", facts->title_zh && facts->title_en ? " " : "",
                           facts->title_en ? facts->title_en : "");
}
