#include "manifests/manifest.h"

#include "tests/unit/node_fixture.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NODE "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"

static const char open_manifest[] =
    "{\"bytes\":1234567,\"details\":\"sha256:" HEX "\",\"files\":12,\"level\":\"L1\",\"listing\":\"sha256:" HEX "\",\"message\":\"first\\nsecond\","
    "\"name\":\"forest-cover\",\"previous\":\"sha256:" HEX "\",\"share\":\"open\",\"title\":{\"en\":\"Forest cover\",\"zh\":\"森林覆盖\"},\"version\":3}";
static const char closed_manifest[] = "{\"bytes\":2097152,\"content\":\"sha256:" HEX "\",\"files\":16,\"name\":\"patients\",\"share\":\"conditional\",\"version\":1}";
static const char details_document[] =
    "{\"bytes\":10,\"chunks\":2,\"files\":3,\"folders\":1,\"links\":0,\"type\":\"details/1\"}";
static const char content_document[] = "{\"details\":\"sha256:" HEX "\",\"listing\":\"sha256:" HEX
                                       "\",\"salt\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\",\"type\":\"content/1\"}";

#define INPUT(extra) "{\"dataset\":\"" NODE "/roads\",\"manifest\":\"sha256:" HEX "\",\"role\":\"source\",\"version\":2" extra "}"

typedef struct {
    const char *name, *patch;
    int code; /* -1: good */
} Case;

static NodeFixture node;

static Manifest *
parse(const char *type, GBytes *members, GError **error)
{
    g_autoptr(Record) record = record_sign(&node.head, type, members, FIXTURE_TIME, node.signing, NULL);

    g_assert_nonnull(record);
    return manifest_parse(record, error);
}

/* Good ones come out of the formatter as they went in. */
static void
check_manifest(const char *base, const Case *c)
{
    g_autoptr(GBytes) members = patched(base, c->patch);
    g_autoptr(GError) error = NULL;
    g_autoptr(Manifest) m = parse("manifest/1", members, &error);
    g_autoptr(GBytes) again = NULL;

    if (c->code >= 0) {
        g_assert_null(m);
        g_assert_error(error, CHAMA_ERROR, c->code);
        return;
    }
    g_assert_no_error(error);
    again = manifest_format(m, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(again, members));
}

static const Case open_cases[] = {
    { "M1/whole", "{}", -1 },
    { "M1/unknown-member", "{\"licence\":\"x\"}", CHAMA_ERROR_MALFORMED },
    { "M2/one-letter", "{\"name\":\"a\"}", -1 },
    { "M2/digit-first", "{\"name\":\"2024_x.y-z\"}", -1 },
    { "M2/missing", "{\"name\":null}", CHAMA_ERROR_MALFORMED },
    { "M2/empty", "{\"name\":\"\"}", CHAMA_ERROR_MALFORMED },
    { "M2/upper-case", "{\"name\":\"Forest\"}", CHAMA_ERROR_MALFORMED },
    { "M2/dot-first", "{\"name\":\".git\"}", CHAMA_ERROR_MALFORMED },
    { "M2/slash", "{\"name\":\"a/b\"}", CHAMA_ERROR_MALFORMED },
    { "M2/64", "{\"name\":\"aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\"}", -1 },
    { "M2/65", "{\"name\":\"aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddde\"}", CHAMA_ERROR_LIMIT },
    { "M3/first", "{\"version\":1,\"previous\":null}", -1 },
    { "M3/zero", "{\"version\":0}", CHAMA_ERROR_MALFORMED },
    { "M3/first-with-previous", "{\"version\":1}", CHAMA_ERROR_MALFORMED },
    { "M3/third-without-previous", "{\"previous\":null}", CHAMA_ERROR_MALFORMED },
    { "M3/text", "{\"version\":\"3\"}", CHAMA_ERROR_MALFORMED },
    { "M4/none", "{\"title\":null}", -1 },
    { "M4/zh-only", "{\"title\":{\"zh\":\"森林\"}}", -1 },
    { "M4/neither", "{\"title\":{}}", CHAMA_ERROR_MALFORMED },
    { "M4/empty", "{\"title\":{\"en\":\"\"}}", CHAMA_ERROR_MALFORMED },
    { "M4/other-language", "{\"title\":{\"zh\":\"森林\",\"fr\":\"foret\"}}", CHAMA_ERROR_MALFORMED },
    { "M4/text", "{\"title\":\"Forest\"}", CHAMA_ERROR_MALFORMED },
    { "M5/none", "{\"message\":null}", -1 },
    { "M5/empty", "{\"message\":\"\"}", CHAMA_ERROR_MALFORMED },
    { "M6/escape", "{\"title\":{\"en\":\"\\u001b[2J\"}}", CHAMA_ERROR_MALFORMED },
    { "M6/line-feed-in-title", "{\"title\":{\"en\":\"a\\nb\"}}", CHAMA_ERROR_MALFORMED },
    { "M6/carriage-return", "{\"message\":\"a\\rb\"}", CHAMA_ERROR_MALFORMED },
    { "M6/delete", "{\"message\":\"a\\u007fb\"}", CHAMA_ERROR_MALFORMED },
    { "M6/c1", "{\"message\":\"a\\u009bb\"}", CHAMA_ERROR_MALFORMED },
    { "M6/right-to-left-override", "{\"message\":\"a\\u202eb\"}", CHAMA_ERROR_MALFORMED },
    { "M6/isolate", "{\"message\":\"a\\u2067b\"}", CHAMA_ERROR_MALFORMED },
    { "M6/line-separator", "{\"message\":\"a\\u2028b\"}", CHAMA_ERROR_MALFORMED },
    { "M6/zero-width-space", "{\"level\":\"L\\u200b1\"}", CHAMA_ERROR_MALFORMED },
    { "M6/byte-order-mark", "{\"labels\":[\"\\ufeffx\"]}", CHAMA_ERROR_MALFORMED },
    { "M6/tag", "{\"labels\":[\"\\udb40\\udc41x\"]}", CHAMA_ERROR_MALFORMED },
    { "M6/joiner", "{\"title\":{\"en\":\"a\\u200db\"}}", -1 },
    { "M6/plane-2", "{\"title\":{\"zh\":\"\\ud840\\udc0b\"}}", -1 },
    { "M7/unset", "{\"level\":null}", -1 },
    { "M7/long", "{\"level\":\"123456789012345678901234567890123\"}", CHAMA_ERROR_LIMIT },
    { "M8/missing", "{\"share\":null}", CHAMA_ERROR_MALFORMED },
    { "M8/unknown", "{\"share\":\"public\"}", CHAMA_ERROR_MALFORMED },
    { "M9/negative", "{\"bytes\":-1}", CHAMA_ERROR_MALFORMED },
    { "M9/missing", "{\"files\":null}", CHAMA_ERROR_MALFORMED },
    { "M9/largest", "{\"bytes\":9007199254740991}", -1 },
    { "M10/no-listing", "{\"listing\":null}", CHAMA_ERROR_MALFORMED },
    { "M10/no-details", "{\"details\":null}", CHAMA_ERROR_MALFORMED },
    { "M10/content", "{\"content\":\"sha256:" HEX "\"}", CHAMA_ERROR_MALFORMED },
    { "M10/unknown-algorithm", "{\"listing\":\"sm3:" HEX "\"}", CHAMA_ERROR_UNSUPPORTED },
    { "M12/two", "{\"labels\":[\"forest\",\"林业\"]}", -1 },
    { "M12/number", "{\"labels\":[1]}", CHAMA_ERROR_MALFORMED },
    { "M12/empty-label", "{\"labels\":[\"\"]}", CHAMA_ERROR_MALFORMED },
    { "M13/one", "{\"inputs\":[" INPUT("") "]}", -1 },
    { "M13/unknown-member", "{\"inputs\":[" INPUT(",\"x\":1") "]}", CHAMA_ERROR_MALFORMED },
    { "M13/version-zero", "{\"inputs\":[" INPUT(",\"version\":0") "]}", CHAMA_ERROR_MALFORMED },
    { "M13/no-slash", "{\"inputs\":[" INPUT(",\"dataset\":\"" NODE "\"") "]}", CHAMA_ERROR_MALFORMED },
    { "M13/no-name", "{\"inputs\":[" INPUT(",\"dataset\":\"" NODE "/\"") "]}", CHAMA_ERROR_MALFORMED },
    { "M13/alias", "{\"inputs\":[" INPUT(",\"dataset\":\"forestry/roads\"") "]}", CHAMA_ERROR_MALFORMED },
    { "M13/text", "{\"inputs\":[\"roads\"]}", CHAMA_ERROR_MALFORMED },
    { "M14/whole", "{\"activity\":{\"kind\":\"join\",\"observed\":true,\"parameters\":{\"sql\":\"a\\nb\",\"n\":[1,{\"x\":\"y\"}]},\"tool\":\"duckdb 1.0\"}}", -1 },
    { "M14/stated", "{\"activity\":{\"kind\":\"survey\",\"observed\":false}}", -1 },
    { "M14/no-observed", "{\"activity\":{\"kind\":\"join\"}}", CHAMA_ERROR_MALFORMED },
    { "M14/no-kind", "{\"activity\":{\"observed\":true}}", CHAMA_ERROR_MALFORMED },
    { "M14/unknown-member", "{\"activity\":{\"kind\":\"join\",\"observed\":true,\"who\":\"x\"}}", CHAMA_ERROR_MALFORMED },
    { "M14/list", "{\"activity\":[]}", CHAMA_ERROR_MALFORMED },
    { "M14/parameters-text", "{\"activity\":{\"kind\":\"join\",\"observed\":true,\"parameters\":\"x\"}}", CHAMA_ERROR_MALFORMED },
    { "M14/hidden-value", "{\"activity\":{\"kind\":\"join\",\"observed\":true,\"parameters\":{\"a\":[\"\\u202e\"]}}}", CHAMA_ERROR_MALFORMED },
    { "M14/hidden-name", "{\"activity\":{\"kind\":\"join\",\"observed\":true,\"parameters\":{\"\\u202e\":1}}}", CHAMA_ERROR_MALFORMED },
    { "M15/one", "{\"evidence\":[\"云林发〔2026〕3号\"]}", -1 },
    { "M15/empty", "{\"evidence\":[\"\"]}", CHAMA_ERROR_MALFORMED },
    { "M16/no-labels", "{\"labels\":[]}", CHAMA_ERROR_MALFORMED },
    { "M16/no-inputs", "{\"inputs\":[]}", CHAMA_ERROR_MALFORMED },
    { "M16/no-evidence", "{\"evidence\":[]}", CHAMA_ERROR_MALFORMED },
};

static const Case closed_cases[] = {
    { "M8/conditional", "{}", -1 },
    { "M8/none", "{\"share\":\"none\"}", -1 },
    { "M9/nothing", "{\"bytes\":0,\"files\":0}", -1 },
    { "M9/one", "{\"bytes\":1,\"files\":1}", -1 },
    { "M9/largest-power", "{\"bytes\":4503599627370496}", -1 },
    { "M9/exact-bytes", "{\"bytes\":2097151}", CHAMA_ERROR_MALFORMED },
    { "M9/exact-files", "{\"files\":3}", CHAMA_ERROR_MALFORMED },
    { "M11/no-content", "{\"content\":null}", CHAMA_ERROR_MALFORMED },
    { "M11/listing", "{\"listing\":\"sha256:" HEX "\"}", CHAMA_ERROR_MALFORMED },
    { "M11/details", "{\"details\":\"sha256:" HEX "\"}", CHAMA_ERROR_MALFORMED },
    { "M11/labels", "{\"labels\":[\"hiv\"]}", CHAMA_ERROR_MALFORMED },
    { "M11/inputs", "{\"inputs\":[" INPUT("") "]}", CHAMA_ERROR_MALFORMED },
    { "M11/activity", "{\"activity\":{\"kind\":\"join\",\"observed\":true}}", CHAMA_ERROR_MALFORMED },
    { "M11/evidence", "{\"evidence\":[\"x\"]}", CHAMA_ERROR_MALFORMED },
};

static void
test_open(gconstpointer data)
{
    check_manifest(open_manifest, data);
}

static void
test_closed(gconstpointer data)
{
    check_manifest(closed_manifest, data);
}

static void
test_fields(void)
{
    g_autoptr(GBytes) members = patched(open_manifest, "{\"labels\":[\"forest\"],\"inputs\":[" INPUT("") "]}");
    g_autoptr(GError) error = NULL;
    g_autoptr(Manifest) m = parse("manifest/1", members, &error);
    const Input *input;

    g_assert_no_error(error);
    g_assert_cmpstr(m->node, ==, node.identity->id);
    g_assert_cmpuint(m->seq, ==, 1);
    g_assert_cmpint(m->time, ==, FIXTURE_TIME);
    g_assert_cmpstr(m->name, ==, "forest-cover");
    g_assert_cmpuint(m->version, ==, 3);
    g_assert_true(m->has_previous);
    g_assert_cmpstr(m->title_zh, ==, "森林覆盖");
    g_assert_cmpstr(m->title_en, ==, "Forest cover");
    g_assert_cmpstr(m->message, ==, "first\nsecond");
    g_assert_cmpint(m->share, ==, SHARE_OPEN);
    g_assert_cmpuint(m->bytes, ==, 1234567);
    g_assert_cmpuint(m->labels->len, ==, 1);
    g_assert_cmpuint(m->inputs->len, ==, 1);
    input = g_ptr_array_index(m->inputs, 0);
    g_assert_cmpstr(input->node, ==, NODE);
    g_assert_cmpstr(input->name, ==, "roads");
    g_assert_cmpuint(input->version, ==, 2);
    g_assert_cmpstr(input->role, ==, "source");
}

static void
test_other_type(void)
{
    g_autoptr(GBytes) members = text_bytes(open_manifest);
    g_autoptr(GError) error = NULL;

    g_assert_null(parse("manifest/2", members, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
}

/* What would not be read is not written. */
static void
test_format_refuses(void)
{
    static const struct {
        guint64 bytes;
        const char *title, *activity;
        gboolean label;
    } cases[] = {
        { 3, "x", NULL, FALSE },          /* M9 */
        { 4, "\033[2J", NULL, FALSE },    /* M6 */
        { 4, "\xff", NULL, FALSE },       /* M6: not UTF-8 */
        { 4, "x", NULL, TRUE },           /* M11 */
        { 4, "x", "{\"kind\": 1}", FALSE }, /* M14: not canonical */
        { G_MAXUINT64, "x", NULL, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Manifest) m = manifest_new();
        g_autoptr(GError) error = NULL;

        g_strlcpy(m->name, "patients", sizeof m->name);
        m->version = 1;
        m->share = SHARE_CONDITIONAL;
        m->bytes = cases[i].bytes;
        m->title_en = g_strdup(cases[i].title);
        m->activity = g_strdup(cases[i].activity);
        if (cases[i].label)
            g_ptr_array_add(m->labels, g_strdup("x"));
        g_assert_null(manifest_format(m, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static GPtrArray *
fill_inputs(GPtrArray *inputs, guint count)
{
    for (guint i = 0; i < count; i++) {
        Input input = { .node = NODE, .name = "roads", .version = i + 1, .role = (char *)"source" };

        g_ptr_array_add(inputs, input_copy(&input));
    }
    return inputs;
}

static void
test_input_bounds(void)
{
    static const struct {
        guint count;
        gboolean manifest, details;
    } cases[] = { { INPUTS_MAX, TRUE, TRUE }, { INPUTS_MAX + 1, FALSE, TRUE }, { INPUTS_DETAILS_MAX, FALSE, TRUE }, { INPUTS_DETAILS_MAX + 1, FALSE, FALSE } };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Manifest) m = manifest_new();
        g_autoptr(Details) d = details_new();
        g_autoptr(GError) manifest_error = NULL, details_error = NULL;
        g_autoptr(GBytes) manifest = NULL, details = NULL;

        g_strlcpy(m->name, "roads", sizeof m->name);
        m->version = 1;
        fill_inputs(m->inputs, cases[i].count);
        fill_inputs(d->inputs, cases[i].count);
        manifest = manifest_format(m, &manifest_error);
        details = details_format(d, &details_error);
        g_assert_true((manifest != NULL) == cases[i].manifest);
        g_assert_true((details != NULL) == cases[i].details);
        if (!manifest)
            g_assert_error(manifest_error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
        if (!details)
            g_assert_error(details_error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    }
}

static void
test_activity_bound(void)
{
    g_autofree char *long_text = g_strnfill(ACTIVITY_MAX, 'x');
    g_autofree char *patch = g_strdup_printf("{\"activity\":{\"kind\":\"join\",\"observed\":true,\"parameters\":{\"a\":\"%s\"}}}", long_text);
    const Case c = { "M14", patch, CHAMA_ERROR_LIMIT };

    check_manifest(open_manifest, &c);
}

static const Case details_cases[] = {
    { "M17/counts", "{}", -1 },
    { "M17/provenance", "{\"labels\":[\"a\"],\"inputs\":[" INPUT("") "],\"evidence\":[\"b\"],\"activity\":{\"kind\":\"join\",\"observed\":true}}", -1 },
    { "M17/other-type", "{\"type\":\"details/2\"}", CHAMA_ERROR_UNSUPPORTED },
    { "M17/no-type", "{\"type\":null}", CHAMA_ERROR_MALFORMED },
    { "M17/no-links", "{\"links\":null}", CHAMA_ERROR_MALFORMED },
    { "M17/negative", "{\"chunks\":-1}", CHAMA_ERROR_MALFORMED },
    { "M17/unknown-member", "{\"rows\":1}", CHAMA_ERROR_MALFORMED },
};

static void
test_details(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) bytes = patched(details_document, c->patch);
    g_autoptr(GError) error = NULL;
    g_autoptr(Details) d = details_parse(bytes, &error);
    g_autoptr(GBytes) again = NULL;

    if (c->code >= 0) {
        g_assert_null(d);
        g_assert_error(error, CHAMA_ERROR, c->code);
        return;
    }
    g_assert_no_error(error);
    g_assert_cmpuint(d->chunks, ==, 2);
    again = details_format(d, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(bytes, again));
}

static const Case content_cases[] = {
    { "M18/whole", "{}", -1 },
    { "M18/other-type", "{\"type\":\"details/1\"}", CHAMA_ERROR_UNSUPPORTED },
    { "M18/short-salt", "{\"salt\":\"AAAA\"}", CHAMA_ERROR_MALFORMED },
    { "M18/no-salt", "{\"salt\":null}", CHAMA_ERROR_MALFORMED },
    { "M18/unknown-member", "{\"x\":1}", CHAMA_ERROR_MALFORMED },
    { "M18/no-listing", "{\"listing\":null}", CHAMA_ERROR_MALFORMED },
};

static void
test_content(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) bytes = patched(content_document, c->patch);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) again = NULL;
    Content content;

    if (c->code >= 0) {
        g_assert_false(content_parse(bytes, &content, &error));
        g_assert_error(error, CHAMA_ERROR, c->code);
        return;
    }
    g_assert_true(content_parse(bytes, &content, &error));
    g_assert_cmpuint(content.salt[31], ==, 31);
    again = content_format(&content, &error);
    g_assert_true(g_bytes_equal(bytes, again));
}

static void
test_not_an_object(void)
{
    static const char *const texts[] = { "[]", "", "{", "null", "{\"type\" :\"details/1\"}" };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GBytes) bytes = text_bytes(texts[i]);
        g_autoptr(GError) error = NULL, content_error = NULL;
        Content content;

        g_assert_null(details_parse(bytes, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_false(content_parse(bytes, &content, &content_error));
        g_assert_error(content_error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_round_up(void)
{
    static const guint64 cases[][2] = { { 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 4 }, { 4, 4 }, { 5, 8 }, { 1000000, 1048576 },
                                        { G_MAXUINT64, G_GUINT64_CONSTANT(1) << 63 } };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpuint(round_up_to_power_of_two(cases[i][0]), ==, cases[i][1]);
}

static void
test_name_check(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dataset_name_check("forest-cover", NULL));
    g_assert_false(dataset_name_check("Forest\033", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    g_assert_null(strchr(error->message, '\033'));
}

static void
add_cases(const char *folder, const Case *cases, guint count, void (*test)(gconstpointer))
{
    for (guint i = 0; i < count; i++) {
        g_autofree char *path = g_strdup_printf("/manifest/%s/%s", folder, cases[i].name);

        g_test_add_data_func(path, &cases[i], test);
    }
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    node_init(&node, 1);
    add_cases("open", open_cases, G_N_ELEMENTS(open_cases), test_open);
    add_cases("closed", closed_cases, G_N_ELEMENTS(closed_cases), test_closed);
    add_cases("details", details_cases, G_N_ELEMENTS(details_cases), test_details);
    add_cases("content", content_cases, G_N_ELEMENTS(content_cases), test_content);
    g_test_add_func("/manifest/fields", test_fields);
    g_test_add_func("/manifest/M1/other-type", test_other_type);
    g_test_add_func("/manifest/format-refuses", test_format_refuses);
    g_test_add_func("/manifest/M13/bounds", test_input_bounds);
    g_test_add_func("/manifest/M14/bound", test_activity_bound);
    g_test_add_func("/manifest/not-an-object", test_not_an_object);
    g_test_add_func("/manifest/M9/round-up", test_round_up);
    g_test_add_func("/manifest/M2/check", test_name_check);
    status = g_test_run();
    node_clear(&node);
    return status;
}
