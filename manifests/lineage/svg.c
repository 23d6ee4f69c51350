/* A lineage as a picture that needs nothing else: LI15 of manifests/FORMAT.md. */
#include <string.h>

#include "keys/canonical.h"
#include "manifests/lineage/branches.h"
#include "manifests/lineage/format.h"
#include "manifests/lineage/layout.h"

#define MARGIN 28.0
#define HEAD 104.0          /* title, verdict, legend */
#define WIDTH_MIN 760.0
#define INSIDE 10.0         /* between the edge of a box and its text */
#define LABEL_TAIL 8        /* of a name that is too long: characters kept at its end */

/* Told apart without colours, too: each line bears its word, and lines differ in kind. */
static const struct { const char *colour, *dashes; double width; } looks[VERDICTS] = {
    [VERDICT_BROKEN] = { "#c1121f", "none", 3 },      [VERDICT_MISSING] = { "#c2410c", "2 4", 2 },   [VERDICT_WITHHELD] = { "#7048a8", "7 4", 2 },
    [VERDICT_ERASED] = { "#5c636a", "1 3", 2 },       [VERDICT_STATED] = { "#1c64b5", "none", 1.4 }, [VERDICT_REPEATED] = { "#0b7285", "none", 2 },
    [VERDICT_PROVEN] = { "#2b7a38", "none", 2.6 },
};

static void
append_escaped(GString *out, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text, -1);

    g_string_append(out, escaped);
}

/* C's decimals, whatever the locale. */
static void
append_number(GString *out, const char *name, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append_printf(out, " %s=\"%s\"", name, g_ascii_formatd(text, sizeof text, "%.1f", value));
}

static void
append_point(GString *out, const char *before, double x, double y)
{
    char one[G_ASCII_DTOSTR_BUF_SIZE], two[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append_printf(out, "%s%s %s", before, g_ascii_formatd(one, sizeof one, "%.1f", x), g_ascii_formatd(two, sizeof two, "%.1f", y));
}

/* How wide a character is at most in the fonts that stand in the head, in parts of the size of the font. */
static double
width_of(gunichar c)
{
    if (g_unichar_iszerowidth(c))
        return 0;
    if (g_unichar_iswide(c))
        return 1.0;
    if (c < 0x80 && strchr("mwMW@%", (int)c))
        return 1.0;
    return c < 0x80 && strchr("iljtfr.,:;'|!()[] /-", (int)c) ? 0.42 : g_unichar_isupper(c) ? 0.76 : 0.64;
}

/* As much of @text as fits, with an ellipsis if that is not all.  The caller's. */
static char *
fit(const char *text, double size, double room)
{
    g_autoptr(GString) out = g_string_new(NULL);
    double used = 0, ellipsis = size;

    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        double width = width_of(c) * size;

        if (used + width + (*g_utf8_next_char(p) ? ellipsis : 0) > room) {
            g_string_append(out, "…");
            break;
        }
        used += width;
        g_string_append_unichar(out, c == '\n' ? ' ' : c);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static double
width_of_text(const char *text, double size)
{
    double width = 0;

    for (const char *p = text; *p; p = g_utf8_next_char(p))
        width += width_of(g_utf8_get_char(p)) * size;
    return width;
}

/* Of "forestry/forest-cover-of-yunnan@3" the middle is left out: datasets that begin alike differ at the end, and versions in the number.  Labels are
 * ASCII. */
static char *
fit_label(const char *label, double size, double room)
{
    gsize length = strlen(label), tail = strlen(label) - strcspn(label, "@") + LABEL_TAIL;
    g_autofree char *begin = NULL, *shown = NULL;

    if (width_of_text(label, size) <= room || tail >= length)
        return g_strdup(label);
    begin = g_strndup(label, length - tail);
    shown = fit(begin, size, room - width_of_text(label + length - tail, size));
    return g_strconcat(shown, label + length - tail, NULL);
}

static void
append_text(GString *out, const char *class, double x, double y, double size, double room, const char *text)
{
    g_autofree char *shown = fit(text, size, room);

    g_string_append_printf(out, "<text class=\"%s\"", class);
    append_number(out, "x", x);
    append_number(out, "y", y);
    g_string_append_c(out, '>');
    append_escaped(out, shown);
    g_string_append(out, "</text>\n");
}

static void
append_style(GString *out)
{
    g_string_append(out, "<style>\n"
                         "text{font-family:'Noto Sans','DejaVu Sans','Noto Sans CJK SC','Noto Serif CJK SC','PingFang SC','Microsoft YaHei',sans-serif;fill:#1a1a1a}\n"
                         ".h{font-size:18px;font-weight:bold}.s{font-size:13px}.n{font-size:13px;font-weight:bold}.t{font-size:12.5px}.p{font-size:11px;fill:#555}\n"
                         ".w{font-size:11px;fill:#c1121f}.v{font-size:10.5px;text-anchor:end;paint-order:stroke;stroke:#fff;stroke-width:3px}\n"
                         ".b{fill:#fff;stroke:#444;stroke-width:1.2}.r{fill:#fff8dc;stroke:#1a1a1a;stroke-width:2}.u{fill:#f4f4f4;stroke:#777;stroke-dasharray:5 4}"
                         ".f{fill:#fdecec;stroke:#c1121f;stroke-width:2.5}\n.l{fill:none}\n");
    for (guint i = 0; i < VERDICTS; i++) {
        g_string_append_printf(out, ".v%u{stroke:%s;stroke-dasharray:%s", i, looks[i].colour, looks[i].dashes);
        append_point(out, ";stroke-width:", looks[i].width, 0);
        g_string_truncate(out, out->len - strlen(" 0.0"));
        g_string_append_printf(out, "}.c%u{fill:%s}\n", i, looks[i].colour);
    }
    g_string_append(out, "</style>\n<defs>\n");
    for (guint i = 0; i < VERDICTS; i++)
        g_string_append_printf(out, "<marker id=\"a%u\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">"
                                    "<path class=\"c%u\" d=\"M0 0L8 4L0 8Z\"/></marker>\n", i, i);
    g_string_append(out, "</defs>\n");
}

static void
append_legend(GString *out, const Lineage *lineage, double y)
{
    double x = MARGIN;

    for (guint i = 0; i < VERDICTS; i++) {
        g_autofree char *text = g_strdup_printf("%s %u", verdict_format(i), lineage->counts[i]);

        g_string_append_printf(out, "<path class=\"l v%u\"", i);
        append_point(out, " d=\"M", x, y - 4);
        append_point(out, "L", x + 22, y - 4);
        g_string_append(out, "\"/>\n");
        append_text(out, "p", x + 27, y, 11, 100, text);
        x += 102;
    }
}

static void
append_head(GString *out, const Lineage *lineage, double width)
{
    const LineageVersion *root = lineage_version(lineage, 0);
    g_autofree char *title = branch_title(root->facts);
    g_autofree char *heading = g_strdup_printf(lineage->downstream ? "What was made from %s%s%s" : "What %s was made from%s%s", root->label, *title ? " · " : "", title);
    g_autofree char *verdict = lineage->edges->len == 0 ? g_strdup(verdict_format(lineage->verdict))
                               : g_strdup_printf("%s, the worst of %u steps%s", verdict_format(lineage->verdict), lineage->edges->len,
                                                 lineage->full || lineage->not_looked_into > 0 ? "; not all was looked into" : "");

    append_text(out, "h", MARGIN, 36, 19.5, width - 2 * MARGIN, heading); /* it is bold */
    append_text(out, "s", MARGIN, 60, 13, width - 2 * MARGIN, verdict);
    append_legend(out, lineage, 84);
}

/* What follows hovers over it where a program shows that. */
static void
append_tooltip(GString *out, const char *text)
{
    g_string_append(out, "<title>");
    append_escaped(out, text);
    g_string_append(out, "</title>");
}

static void
append_line(GString *out, const Lineage *lineage, const Layout *layout, const LayoutLine *line)
{
    const LineageEdge *edge = lineage_edge(lineage, line->edge);
    const LayoutBox *from = layout_box(layout, line->from), *to = layout_box(layout, line->to);
    double x = from->x + from->width, y = line->from_y, turn = LAYOUT_GAP_X * 0.5;
    g_autofree char *about = g_strdup_printf("%s%s%s: %s", edge->role ? "as " : "", edge->role ? edge->role : "", edge->role ? "" : "sources", edge->reason);

    g_string_append_printf(out, "<path class=\"l v%u\" marker-end=\"url(#a%u)\"", edge->verdict, edge->verdict);
    append_point(out, " d=\"M", x, y);
    for (guint i = 0; i <= line->ways->len; i++) {
        const LayoutBox *way = i < line->ways->len ? layout_box(layout, g_array_index(line->ways, guint, i)) : NULL;
        double next_x = way ? way->x : to->x, next_y = way ? way->y : line->to_y;

        append_point(out, "C", x + turn, y);
        append_point(out, " ", next_x - turn, next_y);
        append_point(out, " ", next_x, next_y);
        if (way)
            append_point(out, "L", way->x + way->width, way->y);
        x = way ? way->x + way->width : x;
        y = next_y;
    }
    g_string_append(out, "\">");
    append_tooltip(out, about);
    g_string_append(out, "</path>\n");
}

static void
append_verdict(GString *out, const Lineage *lineage, const Layout *layout, const LayoutLine *line)
{
    const LineageEdge *edge = lineage_edge(lineage, line->edge);
    g_autofree char *class = g_strdup_printf("v c%u", edge->verdict);

    append_text(out, class, layout_box(layout, line->to)->x - 12, line->to_y - 3, 10.5, LAYOUT_GAP_X, verdict_format(edge->verdict));
}

/* The third line of a box: whose, when, and what became of it. */
static char *
last_line(const LineageVersion *version, gboolean *warn)
{
    const VersionFacts *facts = version->facts;
    const char *end = facts->fault ? "does not verify" : facts->disavowed ? "disavowed" : facts->erased ? "erased" : facts->withdrawn ? "withdrawn" : NULL;
    char time[TIME_TEXT_SIZE];

    *warn = end != NULL;
    time_format(facts->time, time);
    time[10] = '\0';
    return g_strdup_printf("%s%s%s%s%s%s", end ? end : "", end ? " · " : "", time, facts->share == SHARE_OPEN ? "" : " · ",
                           facts->share == SHARE_OPEN ? "" : share_format(facts->share), version->looked_into ? "" : " …");
}

static void
append_version(GString *out, const LineageVersion *version, const LayoutBox *box, double middle)
{
    const VersionFacts *facts = version->facts;
    g_autofree char *title = branch_title(facts), *activity = branch_activity(facts), *last = NULL, *about = NULL, *third = NULL;
    double room = box->width - 2 * INSIDE, x = box->x + INSIDE;
    g_autofree char *label = fit_label(version->label, 14, room); /* it is bold */
    char address[DIGEST_TEXT_SIZE];
    gboolean warn = FALSE;

    digest_format(&facts->manifest, address);
    if (facts->known)
        last = last_line(version, &warn);
    about = g_strdup_printf("%s\n%s\n%s\n%s%s%s", version->label, title, address, activity ? "made by " : "", activity ? activity : "", facts->fault ? facts->fault : "");
    append_tooltip(out, about);
    append_text(out, "n", x, middle - 12, 13, 2 * room, label);
    append_text(out, "t", x, middle + 5, 12.5, room, facts->known ? *title ? title : version->publisher : "record not known here");
    third = !facts->known ? g_strdup(address) : g_strdup_printf("%s%s%s", last, *title && *version->publisher ? " · " : "", *title ? version->publisher : "");
    append_text(out, warn ? "w" : "p", x, middle + 22, 11, room, third);
}

static void
append_box(GString *out, const Lineage *lineage, const LayoutBox *box, const LineageEdge *unknown)
{
    const LineageVersion *version = box->version == LINEAGE_NOTHING ? NULL : lineage_version(lineage, box->version);
    const char *class = !version || !version->facts->known ? "u" : version->facts->fault ? "f" : box->version == 0 ? "r" : "b";
    double middle = box->y + box->height / 2;

    g_string_append_printf(out, "<g><rect class=\"%s\" rx=\"6\"", class);
    append_number(out, "x", box->x);
    append_number(out, "y", box->y);
    append_number(out, "width", box->width);
    append_number(out, "height", box->height);
    g_string_append(out, "/>\n");
    if (version) {
        append_version(out, version, box, middle);
    } else {
        g_autofree char *text = g_strdup_printf("sources: %s", verdict_format(unknown->verdict));

        append_tooltip(out, unknown->reason);
        append_text(out, "t", box->x + INSIDE, middle + 5, 12.5, box->width - 2 * INSIDE, text);
    }
    g_string_append(out, "</g>\n");
}

static void
append_boxes(GString *out, const Lineage *lineage, const Layout *layout)
{
    g_autofree const LineageEdge **unknown = g_new0(const LineageEdge *, layout->count);

    for (guint i = 0; i < layout->lines->len; i++)
        unknown[layout_line(layout, i)->from] = lineage_edge(lineage, layout_line(layout, i)->edge);
    for (guint i = 0; i < layout->count; i++)
        append_box(out, lineage, layout_box(layout, i), unknown[i]);
}

char *
lineage_svg(const Lineage *lineage)
{
    g_autoptr(Layout) layout = layout_new(lineage);
    GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"");
    double width = MAX(WIDTH_MIN, layout->width + 2 * MARGIN), height = HEAD + layout->height + MARGIN;

    append_number(out, "width", width);
    append_number(out, "height", height);
    append_point(out, " viewBox=\"0 0 ", width, height);
    g_string_append(out, "\">\n");
    append_style(out);
    g_string_append(out, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
    append_head(out, lineage, width);
    append_point(out, "<g transform=\"translate(", MARGIN, HEAD);
    g_string_append(out, ")\">\n");
    for (guint i = 0; i < layout->lines->len; i++)
        append_line(out, lineage, layout, layout_line(layout, i));
    append_boxes(out, lineage, layout);
    for (guint i = 0; i < layout->lines->len; i++)
        append_verdict(out, lineage, layout, layout_line(layout, i));
    g_string_append(out, "</g>\n</svg>\n");
    return g_string_free(out, FALSE);
}
