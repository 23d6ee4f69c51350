/* A lineage as a tree of lines: LI12 of manifests/FORMAT.md. */
#include "keys/canonical.h"
#include "manifests/lineage/branches.h"
#include "manifests/lineage/format.h"

#define INDENT_MAX 32   /* steps; what lies further is not moved in any more, so that the text does not grow with the square of the depth */

/* A version on the way that is being written; a way may be longer than a stack is deep. */
typedef struct {
    guint next, end;           /* of its branches: the next to be written */
    gsize prefix;              /* how long the prefix was before it */
} Step;

typedef struct {
    const Lineage *lineage;
    Branches *branches;
    GString *out;
    GString *prefix;           /* before the lines of what hangs below */
    gboolean *shown;           /* of each version: its branches were written */
    GArray *steps;             /* of Step: the way from the version asked about to where the writing is */
} Writing;

static void
write_name(Writing *w, const LineageVersion *version)
{
    const VersionFacts *facts = version->facts;
    g_autofree char *title = branch_title(facts);
    char text[DIGEST_TEXT_SIZE], time[TIME_TEXT_SIZE];

    g_string_append(w->out, version->label);
    if (!facts->known) {
        g_string_append_printf(w->out, " %s", digest_format(&facts->manifest, text));
        return;
    }
    g_string_append_printf(w->out, "%s%s  [%s%s%s]", *title ? "  " : "", title, version->publisher, *version->publisher ? ", " : "", time_format(facts->time, time));
}

static void
write_line(Writing *w, const char *line)
{
    g_string_append_printf(w->out, "%s%s\n", w->prefix->str, line);
}

/* A reason may have several lines. */
static void
write_reason(Writing *w, const char *bar, const char *what, const char *reason)
{
    g_auto(GStrv) lines = g_strsplit(reason, "\n", -1);

    for (guint i = 0; lines[i]; i++)
        g_string_append_printf(w->out, "%s%s%s: %s\n", w->prefix->str, bar, what, lines[i]);
}

/* How it was made, and how its record is known to stand. */
static void
write_about(Writing *w, const LineageVersion *version, gboolean more)
{
    const VersionFacts *facts = version->facts;
    g_autofree char *activity = branch_activity(facts);
    const char *bar = more ? "│ " : "  ";

    if (activity)
        g_string_append_printf(w->out, "%s%smade by %s\n", w->prefix->str, bar, activity);
    if (facts->fault)
        g_string_append_printf(w->out, "%s%sBAD: %s\n", w->prefix->str, bar, facts->fault);
    if (facts->disavowed)
        write_reason(w, bar, "disavowed", facts->disavowed);
    if (facts->withdrawn)
        write_reason(w, bar, "withdrawn", facts->withdrawn);
    if (facts->erased)
        write_reason(w, bar, "erased", facts->erased);
    if (!facts->fault && facts->place)
        g_string_append_printf(w->out, "%s%s%s\n", w->prefix->str, bar, facts->place);
}

/* On to what hangs below a version. */
static void
descend(Writing *w, guint index, gboolean last)
{
    const Step step = { w->branches->first[index], w->branches->first[index + 1], w->prefix->len };

    w->shown[index] = TRUE;
    if (w->steps->len > 0 && w->steps->len <= INDENT_MAX)
        g_string_append(w->prefix, last ? "   " : "│  ");
    g_array_append_val(w->steps, step);
}

static void
write_far_end(Writing *w, guint index, gboolean last)
{
    const Branches *b = w->branches;
    gboolean branches = b->first[index] < b->first[index + 1], again = w->shown[index];

    descend(w, index, last);
    if (again) {
        write_line(w, branches ? "  shown above" : "  the same as above");
        g_array_index(w->steps, Step, w->steps->len - 1).next = b->first[index + 1];
    } else {
        write_about(w, lineage_version(w->lineage, index), branches);
    }
}

static void
write_edge(Writing *w, const LineageEdge *edge, gboolean last)
{
    guint far = branch_far(w->lineage, edge);
    const LineageVersion *version = far == LINEAGE_NOTHING ? NULL : lineage_version(w->lineage, far);

    g_string_append_printf(w->out, "%s%s %-8s ", w->prefix->str, last ? "└─" : "├─", verdict_format(edge->verdict));
    if (!version) {
        g_string_append_printf(w->out, " %s\n", edge->reason);
        return;
    }
    if (w->steps->len > INDENT_MAX)
        g_string_append_printf(w->out, " (step %u)", w->steps->len);
    g_string_append_c(w->out, ' ');
    write_name(w, version);
    g_string_append_printf(w->out, "\n%s%s            as %s; %s\n", w->prefix->str, last ? " " : "│", edge->role, edge->reason);
    write_far_end(w, far, last);
}

static void
write_tree(Writing *w)
{
    descend(w, 0, TRUE);
    while (w->steps->len > 0) {
        Step *step = &g_array_index(w->steps, Step, w->steps->len - 1);

        if (step->next < step->end) {
            guint edge = w->branches->edges[step->next++];

            write_edge(w, lineage_edge(w->lineage, edge), step->next == step->end);
            continue;
        }
        g_string_truncate(w->prefix, step->prefix);
        g_array_set_size(w->steps, w->steps->len - 1);
    }
}

static void
write_verdict(GString *out, const Lineage *lineage)
{
    guint edges = lineage->edges->len;
    const char *comma = "";

    if (lineage->verdict == VERDICTS) {
        g_string_append(out, lineage->not_looked_into > 0 ? "verdict: none, nothing was looked into\n"
                             : lineage->downstream ? "verdict: none, nothing that is known here was derived from it\n"
                                                   : "verdict: none, no source is stated\n");
        return;
    }
    g_string_append_printf(out, "verdict: %s", verdict_format(lineage->verdict));
    if (edges > 0)
        g_string_append_printf(out, ", the worst of %u step%s: ", edges, edges == 1 ? "" : "s");
    for (guint i = 0; i < VERDICTS; i++) {
        if (lineage->counts[i] == 0)
            continue;
        g_string_append_printf(out, "%s%u %s", comma, lineage->counts[i], verdict_format(i));
        comma = ", ";
    }
    g_string_append_c(out, '\n');
}

static void
write_end(GString *out, const Lineage *lineage)
{
    if (lineage->not_looked_into > 0)
        g_string_append_printf(out, "not looked into: %u version%s\n", lineage->not_looked_into, lineage->not_looked_into == 1 ? "" : "s");
    if (lineage->full)
        g_string_append_printf(out, "stopped at %u versions and %u steps (LI2): there is more\n", lineage->versions->len, lineage->edges->len);
    if (lineage->downstream)
        g_string_append(out, "of versions that are not open only those whose details are held here could be asked (LI11)\n");
}

char *
lineage_text(const Lineage *lineage)
{
    g_autoptr(Branches) branches = branches_new(lineage);
    g_autoptr(GString) prefix = g_string_new(NULL);
    g_autofree gboolean *shown = g_new0(gboolean, lineage->versions->len);
    g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(Step));
    Writing w = { lineage, branches, g_string_new(NULL), prefix, shown, steps };

    write_verdict(w.out, lineage);
    write_name(&w, lineage_version(lineage, 0));
    g_string_append_c(w.out, '\n');
    write_about(&w, lineage_version(lineage, 0), lineage->edges->len > 0);
    write_tree(&w);
    write_end(w.out, lineage);
    return g_string_free(w.out, FALSE);
}
