/* LI14-LI16 of manifests/FORMAT.md: pictures in which nothing lies on anything else, and titles that try to be more than text. */
#include "manifests/lineage/format.h"
#include "manifests/lineage/layout.h"

#include <string.h>

#include <jansson.h>

#include "keys/canonical.h"

#define NODE_A "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define HOSTILE "</title><script>alert(1)</script>]]>&\"'\\N\\\"]; } <!-- 树"

static void
free_version(gpointer data)
{
    LineageVersion *version = data;

    version_facts_free(version->facts);
    g_free(version->label);
    g_free(version->publisher);
    g_free(version);
}

static void
free_edge(gpointer data)
{
    LineageEdge *edge = data;

    g_free(edge->role);
    g_free(edge->reason);
    g_free(edge);
}

static Lineage *
lineage_made_up(guint versions, gboolean downstream)
{
    Lineage *lineage = g_new0(Lineage, 1);

    lineage->downstream = downstream;
    lineage->versions = g_ptr_array_new_with_free_func(free_version);
    lineage->edges = g_ptr_array_new_with_free_func(free_edge);
    for (guint i = 0; i < versions; i++) {
        LineageVersion *version = g_new0(LineageVersion, 1);

        version->facts = version_facts_new();
        version->facts->known = i % 7 != 6;
        version->facts->manifest.bytes[0] = (guint8)i;
        version->facts->manifest.bytes[1] = (guint8)(i >> 8);
        g_strlcpy(version->facts->node, NODE_A, sizeof version->facts->node);
        g_strlcpy(version->facts->name, "set", sizeof version->facts->name);
        version->facts->version = i + 1;
        version->label = g_strdup_printf("node/set@%u", i + 1);
        version->publisher = g_strdup("Node");
        version->looked_into = TRUE;
        g_ptr_array_add(lineage->versions, version);
    }
    return lineage;
}

/* @far is the version further from the one asked about. */
static void
add(Lineage *lineage, guint near, guint far, Verdict verdict)
{
    LineageEdge *edge = g_new0(LineageEdge, 1);

    edge->derived = lineage->downstream ? far : near;
    edge->source = lineage->downstream ? near : far;
    edge->role = far == LINEAGE_NOTHING ? NULL : g_strdup("source");
    edge->verdict = verdict;
    edge->reason = g_strdup("LI8: made up");
    lineage->counts[verdict]++;
    g_ptr_array_add(lineage->edges, edge);
}

/* Each version hangs on up to three before it, some on one far away; a few have unknown sources. */
static Lineage *
random_lineage(guint32 seed, guint versions, gboolean downstream)
{
    Lineage *lineage = lineage_made_up(versions, downstream);
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);

    for (guint i = 1; i < versions; i++) {
        guint near = (guint)g_rand_int_range(random, (gint32)(i > 8 ? i - 8 : 0), (gint32)i);

        add(lineage, near, i, (Verdict)g_rand_int_range(random, 0, VERDICTS));
        if (near > 0 && g_rand_boolean(random))
            add(lineage, near - 1, i, VERDICT_STATED);
        if (near > 0 && g_rand_int_range(random, 0, 4) == 0)
            add(lineage, 0, i, VERDICT_PROVEN);
        if (!downstream && g_rand_int_range(random, 0, 6) == 0)
            add(lineage, i, LINEAGE_NOTHING, VERDICT_WITHHELD);
    }
    return lineage;
}

static gboolean
overlap(const LayoutBox *a, const LayoutBox *b, double air)
{
    return a->x < b->x + b->width + air && b->x < a->x + a->width + air && a->y < b->y + b->height + air && b->y < a->y + a->height + air;
}

static void
assert_boxes_apart(const Layout *layout)
{
    for (guint i = 0; i < layout->boxes->len; i++) {
        const LayoutBox *a = layout_box(layout, i);

        g_assert_true(a->x >= 0 && a->y >= 0 && a->x + a->width <= layout->width && a->y + a->height <= layout->height + 0.5);
        for (guint j = i + 1; j < layout->boxes->len; j++)
            if (overlap(a, layout_box(layout, j), i < layout->count && j < layout->count ? LAYOUT_GAP_Y - 1.5 : 4))
                g_error("boxes %u and %u are on each other", i, j);
    }
}

/* Lines go to the right, a column at a time, and begin and end at the sides of their boxes, none where another does. */
static void
assert_lines(const Layout *layout)
{
    for (guint i = 0; i < layout->lines->len; i++) {
        const LayoutLine *line = layout_line(layout, i);
        const LayoutBox *from = layout_box(layout, line->from), *to = layout_box(layout, line->to);
        guint column = from->column;

        for (guint w = 0; w < line->ways->len; w++)
            g_assert_cmpuint(layout_box(layout, g_array_index(line->ways, guint, w))->column, ==, ++column);
        g_assert_cmpuint(to->column, ==, column + 1);
        g_assert_true(line->from_y > from->y && line->from_y < from->y + from->height && line->to_y > to->y && line->to_y < to->y + to->height);
        for (guint j = i + 1; j < layout->lines->len; j++) {
            const LayoutLine *other = layout_line(layout, j);

            g_assert_true(line->to != other->to || ABS(line->to_y - other->to_y) >= LAYOUT_PORT - 0.01);
            g_assert_true(line->from != other->from || ABS(line->from_y - other->from_y) >= LAYOUT_PORT - 0.01);
        }
    }
}

static void
test_layout(void)
{
    for (guint32 seed = 0; seed < 40; seed++) {
        g_autoptr(Lineage) lineage = random_lineage(seed, 2 + seed * 3 / 2, seed % 2);
        g_autoptr(Layout) layout = layout_new(lineage), again = layout_new(lineage);

        g_test_message("seed %u: %u boxes, %.0f x %.0f", seed, layout->boxes->len, layout->width, layout->height);
        assert_boxes_apart(layout);
        assert_lines(layout);
        g_assert_cmpmem(layout->boxes->data, layout->boxes->len * sizeof(LayoutBox), again->boxes->data, again->boxes->len * sizeof(LayoutBox));
    }
}

/* One version alone; and a circle, which there is none of, ends. */
static void
test_odd_graphs(void)
{
    g_autoptr(Lineage) alone = lineage_made_up(1, FALSE), circle = lineage_made_up(3, FALSE);
    g_autofree char *one = lineage_svg(alone), *round = NULL;

    add(circle, 0, 1, VERDICT_STATED);
    add(circle, 1, 2, VERDICT_STATED);
    add(circle, 2, 0, VERDICT_STATED);
    round = lineage_svg(circle);
    g_assert_true(g_str_has_suffix(one, "</svg>\n") && g_str_has_suffix(round, "</svg>\n"));
}

/* A chain of as many versions as a lineage may have: linear, and no deeper than the stack. */
static void
test_long_chain(void)
{
    g_autoptr(Lineage) lineage = lineage_made_up(LINEAGE_VERSIONS_MAX, FALSE);
    char *(*const formats[])(const Lineage *) = { lineage_text, lineage_json, lineage_dot, lineage_svg, lineage_prov };

    for (guint i = 0; i + 1 < LINEAGE_VERSIONS_MAX; i++)
        add(lineage, i, i + 1, VERDICT_STATED);
    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_autofree char *text = formats[i](lineage);

        g_test_message("format %u: %zu bytes", i, strlen(text));
        g_assert_cmpuint(strlen(text), <, 20 * 1024 * 1024);
    }
}

static Lineage *
hostile_lineage(void)
{
    Lineage *lineage = random_lineage(3, 5, FALSE);

    for (guint i = 0; i < 5; i++) {
        LineageVersion *version = lineage->versions->pdata[i];

        version->facts->title_zh = g_strdup(HOSTILE);
        version->facts->title_en = g_strdup(HOSTILE);
        version->facts->fault = i == 2 ? g_strdup(HOSTILE) : NULL;
        version->facts->withdrawn = i == 3 ? g_strdup(HOSTILE "\nline") : NULL;
        version->facts->activity = g_strdup("{\"kind\":\"</svg><script>\",\"observed\":false,\"parameters\":{\"\\\"\":\"]]>\"},\"tool\":\"\\\\\"}");
        g_free(version->publisher);
        version->publisher = g_strdup(HOSTILE);
    }
    return lineage;
}

static void
start_element(GMarkupParseContext *context, const char *name, const char **names, const char **values, gpointer data, GError **error)
{
    g_assert_cmpstr(name, !=, "script");
}

static void
test_hostile_svg(void)
{
    static const GMarkupParser parser = { .start_element = start_element };
    g_autoptr(Lineage) lineage = hostile_lineage();
    g_autofree char *text = lineage_svg(lineage);
    g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, NULL, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(g_markup_parse_context_parse(context, text, -1, &error) && g_markup_parse_context_end_parse(context, &error));
    g_assert_no_error(error);
    g_assert_null(strstr(text, "<script"));
    g_assert_nonnull(strstr(text, "&lt;script&gt;"));
    g_assert_nonnull(strstr(text, "树"));
}

/* Between two quotes nothing ends the string but the second. */
static void
test_hostile_dot(void)
{
    g_autoptr(Lineage) lineage = hostile_lineage();
    g_autofree char *text = lineage_dot(lineage);
    gboolean quoted = FALSE;
    guint outside = 0;

    for (const char *p = text; *p; p++) {
        if (quoted && *p == '\\')
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (!quoted)
            outside += *p == '<' || *p == '}' || *p == '&';
    }
    g_assert_false(quoted);
    g_assert_cmpuint(outside, ==, 1); /* the last brace */
    g_assert_null(strstr(text, "alert(1)</script>]]>&\"'"));
}

/* LI16: what is named is there, and names have declared prefixes. */
static void
assert_names(const json_t *root, const char *relation, const char *member, const char *kind)
{
    const char *id;
    json_t *one;

    json_object_foreach(json_object_get(root, relation), id, one)
        g_assert_nonnull(json_object_get(json_object_get(root, kind), json_string_value(json_object_get(one, member))));
}

static void
test_prov(void)
{
    g_autoptr(Lineage) lineage = hostile_lineage();
    g_autofree char *text = lineage_prov(lineage);
    g_autoptr(json_t) root = json_loads(text, 0, NULL);

    g_assert_nonnull(root);
    g_assert_cmpuint(json_object_size(json_object_get(root, "entity")), ==, 5);
    g_assert_cmpuint(json_object_size(json_object_get(root, "agent")), ==, 1);
    assert_names(root, "used", "prov:activity", "activity");
    assert_names(root, "used", "prov:entity", "entity");
    assert_names(root, "wasGeneratedBy", "prov:entity", "entity");
    assert_names(root, "wasGeneratedBy", "prov:activity", "activity");
    assert_names(root, "wasDerivedFrom", "prov:generatedEntity", "entity");
    assert_names(root, "wasDerivedFrom", "prov:usedEntity", "entity");
    assert_names(root, "wasAttributedTo", "prov:agent", "agent");
    assert_names(root, "wasAssociatedWith", "prov:agent", "agent");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lineage-formats/LI15/layout", test_layout);
    g_test_add_func("/lineage-formats/LI15/odd-graphs", test_odd_graphs);
    g_test_add_func("/lineage-formats/LI2/long-chain", test_long_chain);
    g_test_add_func("/lineage-formats/LI15/hostile", test_hostile_svg);
    g_test_add_func("/lineage-formats/LI14/hostile", test_hostile_dot);
    g_test_add_func("/lineage-formats/LI16/prov", test_prov);
    return g_test_run();
}
