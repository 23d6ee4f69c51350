#include <string.h>

#include "keys/canonical.h"
#include "node/report/report.h"

#define WIDTH 960
#define LEFT 170           /* names of nodes */
#define RIGHT 20
#define LANE 46
#define TOP 12
#define SLOTS 240          /* places on a lane; what falls into one is one mark */
#define MARK_MAX 32

/* How many records of a node fall into each place, and what the weightiest of them is. */
typedef struct {
    guint count[SLOTS];
    const char *colour[SLOTS];
} Lane;

/* In the order of the legend; all other types are of the colour OTHER. */
#define OTHER "#4a5568"
static const struct {
    const char *type, *colour;
} colours[] = {
    { "manifest/1", "#2b6cb0" },    { "sealed/1", "#a0aec0" },   { "grant/1", "#2f855a" },      { "revocation/1", "#c05621" },
    { "attestation/1", "#b7791f" }, { "rotation/1", "#6b46c1" }, { "withdrawal/1", "#c53030" },
};

static const char *
colour_of(const char *type)
{
    for (guint i = 0; i < G_N_ELEMENTS(colours); i++)
        if (strcmp(colours[i].type, type) == 0)
            return colours[i].colour;
    return OTHER;
}

static void
fill_lane(const Audit *audit, const char *node, gint64 from, gint64 span, Lane *lane)
{
    memset(lane, 0, sizeof *lane);
    for (guint i = 0; i < audit->events->len; i++) {
        const AuditEvent *event = &g_array_index(audit->events, AuditEvent, i);
        guint slot;

        if (strcmp(event->node, node) != 0)
            continue;
        slot = (guint)((double)(event->time - from) / (double)span * (SLOTS - 1));
        lane->count[slot]++;
        lane->colour[slot] = colour_of(event->type);
    }
}

static double
place_of(guint slot)
{
    return LEFT + (double)slot / (SLOTS - 1) * (WIDTH - LEFT - RIGHT);
}

static void
draw_marks(GString *svg, const Lane *lane, guint bottom)
{
    char x[G_ASCII_DTOSTR_BUF_SIZE];
    guint most = 1;

    for (guint slot = 0; slot < SLOTS; slot++)
        most = MAX(most, lane->count[slot]);
    for (guint slot = 0; slot < SLOTS; slot++) {
        guint height = 8 + (MARK_MAX - 8) * lane->count[slot] / most;

        if (lane->count[slot] == 0)
            continue;
        g_string_append_printf(svg, "<rect x=\"%s\" y=\"%u\" width=\"3\" height=\"%u\" fill=\"%s\"><title>%u</title></rect>\n",
                               g_ascii_formatd(x, sizeof x, "%.1f", place_of(slot)), bottom - height, height, lane->colour[slot], lane->count[slot]);
    }
}

static void
draw_lane(GString *svg, const Report *report, const AuditNode *node, const Lane *lane, guint bottom)
{
    g_autofree char *name = report_node(report, node->node), *cut = g_utf8_substring(name, 0, MIN(22, g_utf8_strlen(name, -1)));
    g_autofree char *shown = g_markup_escape_text(cut, -1);

    g_string_append_printf(svg, "<text x=\"4\" y=\"%u\">%s</text>\n<line x1=\"%d\" x2=\"%d\" y1=\"%u\" y2=\"%u\" stroke=\"#cbd5e0\"/>\n", bottom - 4, shown, LEFT,
                           WIDTH - RIGHT, bottom, bottom);
    draw_marks(svg, lane, bottom);
}

static void
draw_axis(GString *svg, gint64 from, gint64 span, guint y)
{
    for (guint i = 0; i <= 4; i++) {
        char time[TIME_TEXT_SIZE], x[G_ASCII_DTOSTR_BUF_SIZE];

        time_format(from + span * i / 4, time);
        time[10] = ' ';
        time[span > 4 * 86400 ? 10 : span > 3600 ? 16 : 19] = '\0'; /* days, minutes, seconds */
        g_string_append_printf(svg, "<text x=\"%s\" y=\"%u\" text-anchor=\"%s\" class=\"axis\">%s</text>\n",
                               g_ascii_formatd(x, sizeof x, "%.1f", place_of((SLOTS - 1) * i / 4)), y, i == 0 ? "start" : i == 4 ? "end" : "middle", time);
    }
}

static void
draw_key(GString *svg, const char *colour, const char *name, guint index, guint y)
{
    guint x = 4 + index * 118;

    g_string_append_printf(svg, "<rect x=\"%u\" y=\"%u\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%u\" y=\"%u\" class=\"axis\">%s</text>\n", x,
                           y - 9, colour, x + 15, y, name);
}

static void
draw_legend(GString *svg, const Report *report, guint y)
{
    for (guint i = 0; i < G_N_ELEMENTS(colours); i++)
        draw_key(svg, colours[i].colour, colours[i].type, i, y);
    draw_key(svg, OTHER, words_of(report->language, WORD_OTHER), G_N_ELEMENTS(colours), y);
}

char *
report_timeline(const Report *report)
{
    const Audit *audit = report->audit;
    guint height = TOP + LANE * audit->nodes->len + 52, events = audit->events->len;
    g_autoptr(GString) svg = g_string_new(NULL);
    g_autofree Lane *lane = g_new(Lane, 1);

    if (events == 0)
        return NULL;
    gint64 from = g_array_index(audit->events, AuditEvent, 0).time, span = MAX(1, g_array_index(audit->events, AuditEvent, events - 1).time - from);

    g_string_append_printf(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" role=\"img\" font-family=\"sans-serif\" font-size=\"13\">\n", WIDTH,
                           height);
    for (guint i = 0; i < audit->nodes->len; i++) {
        const AuditNode *node = g_ptr_array_index(audit->nodes, i);

        fill_lane(audit, node->node, from, span, lane);
        draw_lane(svg, report, node, lane, TOP + LANE * (i + 1) - 6);
    }
    draw_axis(svg, from, span, height - 36);
    draw_legend(svg, report, height - 8);
    g_string_append(svg, "</svg>\n");
    return g_string_free(g_steal_pointer(&svg), FALSE);
}
