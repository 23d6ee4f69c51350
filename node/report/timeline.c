#include <string.h>

#include "keys/canonical.h"
#include "node/report/report.h"

#define WIDTH 960
#define LEFT 170           /* names of nodes */
#define RIGHT 20
#define LANE 46
#define TOP 12
#define SLOTS 240          /* places on a lane; what falls into one is one mark */
#define MARK_MIN 8
#define MARK_MAX 32

/* By LaneKind, in the order of the legend; also that in which parts of a mark stand on each other, so that what is rare is on top. */
static const struct {
    Word word;
    const char *colour;
} kinds[LANE_KINDS] = {
    [LANE_VERSION] = { WORD_LANE_VERSION, "#2b6cb0" },       [LANE_SEALED] = { WORD_LANE_SEALED, "#a0aec0" },     [LANE_GIVEN] = { WORD_LANE_GIVEN, "#2f855a" },
    [LANE_TAKEN_BACK] = { WORD_LANE_TAKEN_BACK, "#c53030" }, [LANE_ATTESTED] = { WORD_LANE_ATTESTED, "#b7791f" }, [LANE_KEYS] = { WORD_LANE_KEYS, "#6b46c1" },
    [LANE_OTHER] = { WORD_OTHER, "#4a5568" },
};

typedef struct {
    guint count[SLOTS][LANE_KINDS];
} Marks;

typedef struct {
    gint64 from, span;
} Axis;

static guint
count_of(const guint32 counts[LANE_KINDS])
{
    guint sum = 0;

    for (guint kind = 0; kind < LANE_KINDS; kind++)
        sum += counts[kind];
    return sum;
}

/* From the first record of all to the last, as far as lanes tell. */
static gboolean
find_axis(const Audit *audit, Axis *axis)
{
    gint64 from = G_MAXINT64, to = G_MININT64;

    for (guint i = 0; i < audit->nodes->len; i++) {
        const AuditLane *lane = &((const AuditNode *)g_ptr_array_index(audit->nodes, i))->lane;

        for (guint place = 0; place < AUDIT_LANE_PLACES; place++) {
            if (count_of(lane->count[place]) == 0)
                continue;
            from = MIN(from, lane->from + (gint64)place * lane->width);
            to = MAX(to, lane->from + ((gint64)place + 1) * lane->width);
        }
    }
    *axis = (Axis){ from, MAX(1, to - from) };
    return from < to;
}

static void
fill(const AuditLane *lane, const Axis *axis, Marks *marks)
{
    memset(marks, 0, sizeof *marks);
    for (guint place = 0; place < AUDIT_LANE_PLACES; place++) {
        gint64 time = lane->from + (gint64)place * lane->width;
        guint slot;

        if (count_of(lane->count[place]) == 0)
            continue;
        slot = (guint)((double)(time - axis->from) / (double)axis->span * (SLOTS - 1));
        for (guint kind = 0; kind < LANE_KINDS; kind++)
            marks->count[slot][kind] += lane->count[place][kind];
    }
}

static double
place_of(guint slot)
{
    return LEFT + (double)slot / (SLOTS - 1) * (WIDTH - LEFT - RIGHT);
}

static void
draw_part(GString *svg, guint slot, double top, double height, const char *colour)
{
    char x[G_ASCII_DTOSTR_BUF_SIZE], y[G_ASCII_DTOSTR_BUF_SIZE], h[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append_printf(svg, "<rect x=\"%s\" y=\"%s\" width=\"3\" height=\"%s\" fill=\"%s\"/>", g_ascii_formatd(x, sizeof x, "%.1f", place_of(slot)),
                           g_ascii_formatd(y, sizeof y, "%.1f", top), g_ascii_formatd(h, sizeof h, "%.1f", height), colour);
}

static void
draw_mark(GString *svg, const guint counts[LANE_KINDS], guint slot, guint most, guint bottom)
{
    guint sum = count_of(counts);
    double height = MARK_MIN + (double)(MARK_MAX - MARK_MIN) * sum / most, at = bottom;

    g_string_append_printf(svg, "<g><title>%u</title>", sum);
    for (guint kind = 0; kind < LANE_KINDS; kind++) {
        double part = height * counts[kind] / sum;

        if (counts[kind] > 0)
            draw_part(svg, slot, at -= part, part, kinds[kind].colour);
    }
    g_string_append(svg, "</g>\n");
}

static void
draw_marks(GString *svg, const Marks *marks, guint bottom)
{
    guint most = 1;

    for (guint slot = 0; slot < SLOTS; slot++)
        most = MAX(most, count_of(marks->count[slot]));
    for (guint slot = 0; slot < SLOTS; slot++)
        if (count_of(marks->count[slot]) > 0)
            draw_mark(svg, marks->count[slot], slot, most, bottom);
}

static void
draw_lane(GString *svg, const Report *report, const AuditNode *node, const Marks *marks, guint bottom)
{
    g_autofree char *name = report_node(report, node->node), *shown = g_markup_escape_text(name, -1);

    /* A picture of its own, which cuts off a name that is wider. */
    g_string_append_printf(svg, "<svg x=\"0\" y=\"%u\" width=\"%d\" height=\"20\"><text x=\"4\" y=\"14\">%s</text></svg>\n<line x1=\"%d\" x2=\"%d\" y1=\"%u\" y2=\"%u\" stroke=\"#cbd5e0\"/>\n", bottom - 18, LEFT - 8, shown, LEFT,
                           WIDTH - RIGHT, bottom, bottom);
    draw_marks(svg, marks, bottom);
}

static void
draw_axis(GString *svg, const Axis *axis, guint y)
{
    for (guint i = 0; i <= 4; i++) {
        char time[TIME_TEXT_SIZE], x[G_ASCII_DTOSTR_BUF_SIZE];

        time_format(axis->from + axis->span * i / 4, time);
        time[10] = ' ';
        time[axis->span > 4 * 86400 ? 10 : axis->span > 3600 ? 16 : 19] = '\0'; /* days, minutes, seconds */
        g_string_append_printf(svg, "<text x=\"%s\" y=\"%u\" text-anchor=\"%s\" class=\"axis\">%s</text>\n",
                               g_ascii_formatd(x, sizeof x, "%.1f", place_of((SLOTS - 1) * i / 4)), y, i == 0 ? "start" : i == 4 ? "end" : "middle", time);
    }
}

static void
draw_legend(GString *svg, const Report *report, guint y)
{
    for (guint kind = 0; kind < LANE_KINDS; kind++) {
        guint x = 4 + kind * 136;

        g_string_append_printf(svg, "<rect x=\"%u\" y=\"%u\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%u\" y=\"%u\" class=\"axis\">%s</text>\n", x, y - 9,
                               kinds[kind].colour, x + 15, y, words_of(report->language, kinds[kind].word));
    }
}

char *
report_timeline(const Report *report)
{
    const Audit *audit = report->audit;
    guint height = TOP + LANE * audit->nodes->len + 52;
    g_autoptr(GString) svg = g_string_new(NULL);
    g_autofree Marks *marks = g_new(Marks, 1);
    Axis axis;

    if (!find_axis(audit, &axis))
        return NULL;
    g_string_append_printf(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" role=\"img\" font-family=\"sans-serif\" font-size=\"13\">\n", WIDTH,
                           height);
    for (guint i = 0; i < audit->nodes->len; i++) {
        const AuditNode *node = g_ptr_array_index(audit->nodes, i);

        fill(&node->lane, &axis, marks);
        draw_lane(svg, report, node, marks, TOP + LANE * (i + 1) - 6);
    }
    draw_axis(svg, &axis, height - 36);
    draw_legend(svg, report, height - 8);
    g_string_append(svg, "</svg>\n");
    return g_string_free(g_steal_pointer(&svg), FALSE);
}
