/* A lineage for graphviz: LI14 of manifests/FORMAT.md. */
#include "keys/canonical.h"
#include "manifests/lineage/branches.h"
#include "manifests/lineage/format.h"

static const char *const colours[VERDICTS] = {
    [VERDICT_BROKEN] = "#c1121f",   [VERDICT_MISSING] = "#c2410c", [VERDICT_WITHHELD] = "#7048a8", [VERDICT_ERASED] = "#5c636a",
    [VERDICT_STATED] = "#1c64b5",   [VERDICT_REPEATED] = "#0b7285", [VERDICT_PROVEN] = "#2b7a38",
};

/* In a string of double quotes graphviz knows \" alone; in what becomes a label also \n, \N and others, so that each backslash is doubled. */
static void
append_quoted(GString *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        if (*p == '\n')
            g_string_append(out, "\\n");
        else
            g_string_append_c(out, *p);
    }
}

static void
append_version(GString *out, const LineageVersion *version, guint index)
{
    const VersionFacts *facts = version->facts;
    g_autofree char *title = branch_title(facts);
    char time[TIME_TEXT_SIZE];

    g_string_append_printf(out, "  v%u [label=\"", index);
    append_quoted(out, version->label);
    if (*title)
        g_string_append(out, "\\n");
    append_quoted(out, title);
    g_string_append(out, "\\n");
    append_quoted(out, facts->known ? version->publisher : "record not known here");
    if (facts->known)
        g_string_append_printf(out, "\\n%s", time_format(facts->time, time));
    if (facts->fault)
        g_string_append(out, "\\ndoes not verify");
    if (facts->withdrawn)
        g_string_append(out, "\\nwithdrawn");
    g_string_append_printf(out, "\"%s%s];\n", facts->known ? "" : ", style=dashed", facts->fault ? ", color=\"#c1121f\", penwidth=2" : index == 0 ? ", penwidth=2" : "");
}

static void
append_edge(GString *out, const LineageEdge *edge, guint index)
{
    if (edge->source == LINEAGE_NOTHING)
        g_string_append_printf(out, "  u%u [label=\"sources: %s\", style=dashed];\n  u%u", index, verdict_format(edge->verdict), index);
    else
        g_string_append_printf(out, "  v%u", edge->source);
    g_string_append_printf(out, " -> v%u [label=\"%s\", color=\"%s\", fontcolor=\"%s\", tooltip=\"", edge->derived, verdict_format(edge->verdict), colours[edge->verdict],
                           colours[edge->verdict]);
    append_quoted(out, edge->reason);
    g_string_append(out, "\"];\n");
}

char *
lineage_dot(const Lineage *lineage)
{
    GString *out = g_string_new("digraph lineage {\n  rankdir=LR;\n  charset=\"UTF-8\";\n  node [shape=box, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=10];\n");

    for (guint i = 0; i < lineage->versions->len; i++)
        append_version(out, lineage_version(lineage, i), i);
    for (guint i = 0; i < lineage->edges->len; i++)
        append_edge(out, lineage_edge(lineage, i), i);
    g_string_append(out, "}\n");
    return g_string_free(out, FALSE);
}
