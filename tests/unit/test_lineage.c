/* Part 14 of manifests/FORMAT.md: verdicts from facts, graphs over made-up facts, and over ledgers that say what they should not. */
#include "manifests/lineage/facts.h"
#include "manifests/lineage/derivation.h"
#include "manifests/lineage/format.h"

#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "tests/unit/home_fixture.h"

#define NODE_A "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define NODE_B "bbcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"

/* LI3-LI10 */
static void
test_verdicts(void)
{
    static const struct { EdgeFacts facts; Verdict verdict; const char *reason; } cases[] = {
        { { .source_known = TRUE }, VERDICT_STATED, "LI8" },
        { { .source_known = FALSE }, VERDICT_MISSING, "LI5" },
        { { .source_known = TRUE, .source_erased = TRUE, .observed = TRUE, .same_content = TRUE, .repeats = 1 }, VERDICT_ERASED, "LI7" },
        { { .source_known = TRUE, .observed = TRUE }, VERDICT_PROVEN, "observed by the program" },
        { { .source_known = TRUE, .same_content = TRUE }, VERDICT_PROVEN, "file for file" },
        { { .source_known = TRUE, .repeats = 1 }, VERDICT_REPEATED, "1 other node states" },
        { { .source_known = TRUE, .repeats = 2 }, VERDICT_REPEATED, "2 other nodes state" },
        { { .source_known = TRUE, .repeats = 2, .observed = TRUE }, VERDICT_PROVEN, "LI10" },
        { { .source_known = TRUE, .repeats = 2, .observed = TRUE, .same_content = TRUE, .disavowed = TRUE }, VERDICT_STATED, "disavowed" },
        /* whatever else is good, one contradiction breaks it */
        { { .source_known = TRUE, .source_fault = "no", .observed = TRUE, .same_content = TRUE, .repeats = 1 }, VERDICT_BROKEN, "LI4: the source: no" },
        { { .source_known = TRUE, .derived_fault = "no", .observed = TRUE, .same_content = TRUE, .repeats = 1 }, VERDICT_BROKEN, "LI4: no" },
        { { .source_known = TRUE, .source_is = (char *)"x/roads@2", .observed = TRUE }, VERDICT_BROKEN, "is that of x/roads@2" },
        { { .source_known = FALSE, .named_is = (char *)"sha256:00" }, VERDICT_BROKEN, "has the address sha256:00" },
        { { .source_known = FALSE, .derived_fault = "no" }, VERDICT_BROKEN, "LI4" },
        { { .source_known = TRUE, .source_fault = "no", .source_erased = TRUE }, VERDICT_BROKEN, "LI4" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *reason = NULL;

        g_assert_cmpint(verdict_of_edge(&cases[i].facts, &reason), ==, cases[i].verdict);
        if (!strstr(reason, cases[i].reason))
            g_error("case %u: want \"%s\" in \"%s\"", i, cases[i].reason, reason);
    }
}

static void
test_unknown_sources(void)
{
    static const struct { SourcesState state; Verdict verdict; } cases[] = {
        { SOURCES_ABSENT, VERDICT_MISSING }, { SOURCES_WITHHELD, VERDICT_WITHHELD }, { SOURCES_ERASED, VERDICT_ERASED },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *reason = NULL;

        g_assert_cmpint(verdict_of_unknown(cases[i].state, &reason), ==, cases[i].verdict);
        g_assert_true(g_str_has_prefix(reason, "LI"));
    }
    g_assert_cmpstr(verdict_format(VERDICT_BROKEN), ==, "broken");
    g_assert_cmpstr(verdict_format(VERDICT_PROVEN), ==, "proven");
    g_assert_cmpstr(verdict_format(VERDICTS), ==, "none");
}

/* M14 */
static void
test_activity(void)
{
    static const struct { const char *kind, *tool; const char *parameters[4]; int code; } cases[] = {
        { "join", NULL, { NULL }, -1 },
        { "合并", "duckdb 1.1", { "how=left", "=no", NULL }, CHAMA_ERROR_USAGE },
        { "join", NULL, { "how", NULL }, CHAMA_ERROR_USAGE },
        { "join", NULL, { "a=1", "a=2", NULL }, CHAMA_ERROR_USAGE },
        { "join", NULL, { "a=", "b==", NULL }, -1 },
        { "", NULL, { NULL }, CHAMA_ERROR_MALFORMED },
        { "join", "", { NULL }, CHAMA_ERROR_MALFORMED },
        { "a\tb", NULL, { NULL }, CHAMA_ERROR_MALFORMED },
        { "join", "\xe2\x80\xae" "flip", { NULL }, CHAMA_ERROR_MALFORMED },
        { "join", NULL, { "a=\x1b[2J", NULL }, CHAMA_ERROR_MALFORMED },
        { "join", NULL, { "a=two\nlines", NULL }, -1 },
        { "join", NULL, { "a\nb=1", NULL }, CHAMA_ERROR_MALFORMED },
    };
    g_autoptr(GError) error = NULL;
    g_autofree char *long_word = g_strnfill(65, 'x'), *long_value = g_strnfill(4096, 'x'), *parameter = g_strconcat("p=", long_value, NULL);
    char *parameters[] = { parameter, NULL };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *activity = activity_format(cases[i].kind, cases[i].tool, (char *const *)cases[i].parameters, &error);

        if (cases[i].code < 0)
            g_assert_no_error(error);
        else
            g_assert_error(error, CHAMA_ERROR, cases[i].code);
        g_assert_true((activity != NULL) == (cases[i].code < 0));
        g_clear_error(&error);
    }
    g_assert_null(activity_format(long_word, NULL, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    g_assert_null(activity_format("join", NULL, parameters, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

static void
test_activity_read_back(void)
{
    const char *given[] = { "how=left", NULL };
    g_autofree char *activity = activity_format("join", "duckdb", (char *const *)given, NULL);
    g_autofree char *kind = NULL, *tool = NULL, *parameters = NULL;
    gboolean observed = TRUE;

    g_assert_cmpstr(activity, ==, "{\"kind\":\"join\",\"observed\":false,\"parameters\":{\"how\":\"left\"},\"tool\":\"duckdb\"}");
    g_assert_true(activity_read(activity, &kind, &tool, &parameters, &observed));
    g_assert_cmpstr(kind, ==, "join");
    g_assert_cmpstr(tool, ==, "duckdb");
    g_assert_cmpstr(parameters, ==, "{\"how\":\"left\"}");
    g_assert_false(observed);
    g_assert_false(activity_read("[]", &kind, &tool, &parameters, &observed));
    g_assert_false(activity_read(NULL, &kind, &tool, &parameters, &observed));
}

static Input *
input_new(const char *node, const char *name, guint64 version, const Digest *manifest, const char *role)
{
    Input *input = g_new0(Input, 1);

    g_strlcpy(input->node, node, sizeof input->node);
    g_strlcpy(input->name, name, sizeof input->name);
    input->version = version;
    input->manifest = *manifest;
    input->role = g_strdup(role);
    return input;
}

/* LI9 */
static void
test_derivation_digest(void)
{
    const Digest listing = { { 1 } }, other = { { 2 } }, one = { { 3 } }, two = { { 4 } };
    g_autoptr(GPtrArray) inputs = g_ptr_array_new_with_free_func((GDestroyNotify)input_free), turned = g_ptr_array_new_with_free_func((GDestroyNotify)input_free);
    g_autofree char *said = activity_format("join", "duckdb", NULL, NULL);
    Digest a, b;

    g_assert_false(derivation_digest(&listing, said, inputs, &a));
    g_ptr_array_add(inputs, input_new(NODE_A, "x", 1, &one, "source"));
    g_ptr_array_add(inputs, input_new(NODE_A, "y", 1, &two, NULL));
    g_ptr_array_add(turned, input_new(NODE_A, "y", 1, &two, "source"));
    g_ptr_array_add(turned, input_new(NODE_A, "x", 1, &one, "source"));
    g_ptr_array_add(turned, input_new(NODE_A, "x", 1, &one, "source"));
    g_assert_false(derivation_digest(&listing, NULL, inputs, &a));
    g_assert_true(derivation_digest(&listing, said, inputs, &a));
    g_assert_true(derivation_digest(&listing, said, turned, &b));
    g_assert_true(digest_equal(&a, &b));
    g_assert_true(derivation_digest(&listing, "{\"kind\":\"join\",\"observed\":true,\"tool\":\"duckdb\"}", turned, &b));
    g_assert_true(digest_equal(&a, &b));
    g_assert_true(derivation_digest(&listing, "{\"kind\":\"join\",\"observed\":false}", inputs, &b));
    g_assert_false(digest_equal(&a, &b));
    g_assert_true(derivation_digest(&other, said, inputs, &b));
    g_assert_false(digest_equal(&a, &b));
    g_ptr_array_remove_index(turned, 0);
    g_assert_true(derivation_digest(&listing, said, turned, &b));
    g_assert_false(digest_equal(&a, &b));
}

/* Made-up facts: versions are letters, "a:bc d:" says that a names b and c, and d nothing.  A letter that is not there is not known; a capital one has a
 * fault; one with '?' has sources that are withheld. */
typedef struct {
    const char *world;
    guint looks;
} World;

static void
digest_of_letter(char letter, Digest *digest)
{
    char lower = g_ascii_tolower(letter);

    digest_of(&lower, 1, digest);
}

static const char *
find_letter(const World *world, const char *name)
{
    for (const char *p = world->world; *p; p++)
        if (g_ascii_tolower(*p) == *name && p[1] == ':')
            return p;
    return NULL;
}

static VersionFacts *
look(gpointer data, const Input *named, const VersionFacts *namer, GError **error)
{
    World *world = data;
    const char *at = find_letter(world, named->name);
    VersionFacts *facts = version_facts_new();

    world->looks++;
    g_strlcpy(facts->node, NODE_A, sizeof facts->node);
    g_strlcpy(facts->name, named->name, sizeof facts->name);
    facts->version = 1;
    facts->known = at != NULL;
    if (!at)
        return facts;
    facts->fault = g_ascii_isupper(*at) ? g_strdup("a fault") : NULL;
    facts->sources = at[2] == '?' ? SOURCES_WITHHELD : SOURCES_KNOWN;
    facts->inputs = facts->sources == SOURCES_KNOWN ? (guint)strcspn(at + 2, " ") : 0;
    return facts;
}

static Input *
input_of_letter(char letter)
{
    const char name[2] = { g_ascii_tolower(letter) };
    Digest digest;

    digest_of_letter(letter, &digest);
    return input_new(NODE_A, name, 1, &digest, NULL);
}

static GPtrArray *
sources(gpointer data, const VersionFacts *version, GError **error)
{
    GPtrArray *inputs = g_ptr_array_new_with_free_func((GDestroyNotify)input_free);

    for (const char *p = find_letter(data, version->name) + 2; *p && *p != ' '; p++)
        g_ptr_array_add(inputs, input_of_letter(*p));
    return inputs;
}

static gboolean
no_rival(gpointer data, const Input *named, Digest *address)
{
    return FALSE;
}

static GPtrArray *
derived(gpointer data, const VersionFacts *source, guint max, GError **error)
{
    GPtrArray *inputs = g_ptr_array_new_with_free_func((GDestroyNotify)input_free);
    const World *world = data;

    for (const char *p = world->world; *p; p++) {
        const char *end = p + strcspn(p, " ");

        if (p[1] == ':' && memchr(p + 2, source->name[0], (gsize)(end - p - 2)) && inputs->len < max)
            g_ptr_array_add(inputs, input_of_letter(*p));
    }
    return inputs;
}

static char *
call_dataset(gpointer data, const char *node, const char *name)
{
    return g_strdup(name);
}

static char *
call_publisher(gpointer data, const char *node)
{
    return g_strdup("Node");
}

static Lineage *
build(const char *text, char root, LineageOptions options, World *world)
{
    const LineageFacts facts = { .data = world, .look = look, .sources = sources, .rival = no_rival, .derived = derived };
    g_autoptr(Input) input = input_of_letter(root);
    g_autoptr(GError) error = NULL;
    Lineage *lineage;

    *world = (World){ .world = text };
    lineage = lineage_build(&facts, input, &options, &error);
    g_assert_no_error(error);
    lineage_name(lineage, call_dataset, call_publisher, NULL);
    return lineage;
}

/* Versions in order, edges in order, verdict. */
static void
test_graphs(void)
{
    static const struct { const char *world; char root; LineageOptions options; const char *versions, *edges; Verdict verdict; guint beyond; gboolean full; } cases[] = {
        { "a:", 'a', { 0 }, "a", "", VERDICTS, 0, FALSE },
        { "a:b b:", 'a', { 0 }, "ab", "ab", VERDICT_STATED, 0, FALSE },
        { "a:bc b:d c:d d:", 'a', { 0 }, "abcd", "ab ac bd cd", VERDICT_STATED, 0, FALSE },
        { "a:b", 'a', { 0 }, "ab", "ab", VERDICT_MISSING, 0, FALSE },
        { "a:bc b: ", 'a', { 0 }, "abc", "ac ab", VERDICT_MISSING, 0, FALSE },
        { "a:b b:?", 'a', { 0 }, "ab", "b- ab", VERDICT_WITHHELD, 0, FALSE },
        { "a:b B:c c:", 'a', { 0 }, "ab", "ab", VERDICT_BROKEN, 0, FALSE },
        { "A:b b:", 'a', { 0 }, "a", "", VERDICT_BROKEN, 0, FALSE },
        { "a:bc b:? C:", 'a', { 0 }, "abc", "ac b- ab", VERDICT_BROKEN, 0, FALSE },
        /* no address can do this, but nothing hangs */
        { "a:a", 'a', { 0 }, "a", "aa", VERDICT_STATED, 0, FALSE },
        { "a:b b:c c:a", 'a', { 0 }, "abc", "ab bc ca", VERDICT_STATED, 0, FALSE },
        { "a:b b:c c:d d:", 'a', { .depth = 1 }, "ab", "ab", VERDICT_STATED, 1, FALSE },
        { "a:b b:c c:d d:", 'a', { .depth = 3 }, "abcd", "ab bc cd", VERDICT_STATED, 0, FALSE },
        { "a:b b:?", 'a', { .depth = 1 }, "ab", "ab", VERDICT_STATED, 1, FALSE },
        { "a:b", 'a', { .depth = 1 }, "ab", "ab", VERDICT_MISSING, 0, FALSE },
        { "a:bcd b: c: d:", 'a', { .versions_max = 3 }, "abc", "ab ac", VERDICT_STATED, 0, TRUE },
        { "a:bcd b: c: d:", 'a', { .edges_max = 2 }, "abc", "ab ac", VERDICT_STATED, 0, TRUE },
        { "a:bcd b: c: d:", 'a', { .edges_max = 3 }, "abcd", "ab ac ad", VERDICT_STATED, 0, FALSE },
        { "a: b:a c:a d:bc", 'a', { .downstream = TRUE }, "abcd", "ba ca db dc", VERDICT_STATED, 0, FALSE },
        { "a: b:a c:b d:", 'a', { .downstream = TRUE, .depth = 1 }, "ab", "ba", VERDICT_STATED, 1, FALSE },
        { "a: B:a c:b", 'a', { .downstream = TRUE }, "ab", "ba", VERDICT_BROKEN, 0, FALSE },
        { "a:b b:", 'a', { .downstream = TRUE }, "a", "", VERDICTS, 0, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        World world;
        g_autoptr(Lineage) lineage = build(cases[i].world, cases[i].root, cases[i].options, &world);
        g_autoptr(GString) versions = g_string_new(NULL), edges = g_string_new(NULL);

        for (guint v = 0; v < lineage->versions->len; v++)
            g_string_append_c(versions, lineage_version(lineage, v)->facts->name[0]);
        for (guint e = 0; e < lineage->edges->len; e++) {
            const LineageEdge *edge = lineage_edge(lineage, e);

            g_string_append_printf(edges, "%s%c%c", e ? " " : "", lineage_version(lineage, edge->derived)->facts->name[0],
                                   edge->source == LINEAGE_NOTHING ? '-' : lineage_version(lineage, edge->source)->facts->name[0]);
        }
        g_test_message("case %u: %s", i, cases[i].world);
        g_assert_cmpstr(versions->str, ==, cases[i].versions);
        g_assert_cmpstr(edges->str, ==, cases[i].edges);
        g_assert_cmpint(lineage->verdict, ==, cases[i].verdict);
        g_assert_cmpuint(lineage->not_looked_into, ==, cases[i].beyond);
        g_assert_cmpint(lineage->full, ==, cases[i].full);
        g_assert_cmpuint(world.looks, ==, lineage->versions->len);
    }
}

/* LI12: the branch with the worst beyond it first, whatever its own verdict; what is reached again is not opened again. */
static void
test_text(void)
{
    World world;
    g_autoptr(Lineage) lineage = build("a:bc b:d c:de d: E:", 'a', (LineageOptions){ 0 }, &world);
    g_autofree char *text = lineage_text(lineage);
    g_autofree char *circle = NULL;
    g_autoptr(Lineage) round = build("a:b b:a", 'a', (LineageOptions){ 0 }, &world);

    g_assert_true(g_str_has_prefix(text, "verdict: broken, the worst of 5 steps: 1 broken, 4 stated\na@1"));
    g_assert_true(strstr(text, "c@1") < strstr(text, "b@1"));
    g_assert_nonnull(strstr(text, "broken    e@1"));
    g_assert_nonnull(strstr(text, "the same as above"));
    circle = lineage_text(round);
    g_assert_nonnull(strstr(circle, "shown above"));
}

/* LI13 */
static void
test_json(void)
{
    World world;
    g_autoptr(Lineage) lineage = build("a:bc b:?", 'a', (LineageOptions){ 0 }, &world);
    g_autofree char *text = lineage_json(lineage);
    g_autoptr(json_t) root = json_loads(text, 0, NULL);
    const json_t *first;

    g_assert_nonnull(root);
    g_assert_cmpstr(json_string_value(json_object_get(root, "verdict")), ==, "missing");
    g_assert_cmpuint(json_array_size(json_object_get(root, "edges")), ==, 3);
    g_assert_cmpuint(json_array_size(json_object_get(root, "versions")), ==, 3);
    first = json_array_get(json_object_get(root, "edges"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(first, "verdict")), ==, "missing");
    g_assert_nonnull(json_object_get(first, "source"));
    g_assert_null(json_object_get(json_array_get(json_object_get(root, "edges"), 1), "source"));
    g_assert_true(json_is_true(json_object_get(root, "complete")));
}

/* A home whose ledger says what publish would not let it say. */

static Digest
state_manifest(Home *home, const char *name, guint64 version, const Digest *previous, const char *inputs)
{
    g_autofree char *chain = NULL, *said = inputs ? g_strdup_printf("\"inputs\":[%s],", inputs) : g_strdup("");
    char text[DIGEST_TEXT_SIZE];
    g_autofree char *members = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Record) record = NULL;

    chain = previous ? g_strdup_printf("\"previous\":\"%s\",", digest_format(previous, text)) : g_strdup("");
    members = g_strdup_printf("{\"bytes\":0,\"details\":\"sha256:%064d\",\"files\":0,%s\"listing\":\"sha256:%064d\",\"name\":\"%s\",%s\"share\":\"open\",\"version\":%"
                              G_GUINT64_FORMAT "}", 1, said, 2, name, chain, version);
    bytes = g_bytes_new(members, strlen(members));
    record = home_state_record(home, "manifest/1", bytes, NULL, NULL, &error);
    g_assert_no_error(error);
    return record->address;
}

static char *
input_text(const char *node, const char *name, guint64 version, const Digest *manifest)
{
    char text[DIGEST_TEXT_SIZE];

    return g_strdup_printf("{\"dataset\":\"%s/%s\",\"manifest\":\"%s\",\"role\":\"source\",\"version\":%" G_GUINT64_FORMAT "}", node, name, digest_format(manifest, text), version);
}

static Lineage *
build_of(Home *home, const Digest *root)
{
    g_autoptr(HomeFacts) facts = home_facts_new(home, NULL);
    const LineageFacts source = home_facts_source(facts);
    const LineageOptions options = { 0 };
    g_autoptr(GError) error = NULL;
    const Input named = { .manifest = *root };
    Lineage *lineage = lineage_build(&source, &named, &options, &error);

    g_assert_no_error(error);
    return lineage;
}

static void
assert_only_edge(Home *home, const Digest *root, Verdict verdict, const char *reason)
{
    g_autoptr(Lineage) lineage = build_of(home, root);

    g_assert_cmpuint(lineage->edges->len, ==, 1);
    g_test_message("%s: %s", verdict_format(lineage->verdict), lineage_edge(lineage, 0)->reason);
    g_assert_cmpint(lineage->verdict, ==, verdict);
    g_assert_nonnull(strstr(lineage_edge(lineage, 0)->reason, reason));
}

static void
test_crafted_ledger(HomeFixture *f, gconstpointer unused)
{
    const char *self = home_id(f->home);
    Digest roads = state_manifest(f->home, "roads", 1, NULL, NULL), roads2 = state_manifest(f->home, "roads", 2, &roads, NULL), derived, stray, unknown = { { 9 } };
    g_autofree char *good = input_text(self, "roads", 1, &roads), *wrong_number = input_text(self, "roads", 2, &roads),
                    *wrong_node = input_text(NODE_B, "roads", 1, &roads), *other_address = input_text(self, "roads", 2, &unknown),
                    *nowhere = input_text(NODE_B, "roads", 1, &unknown), *later = input_text(self, "roads", 3, &unknown), *of_stray = NULL;

    g_assert_false(digest_equal(&roads, &roads2));
    derived = state_manifest(f->home, "a", 1, NULL, good);
    assert_only_edge(f->home, &derived, VERDICT_STATED, "LI8");
    derived = state_manifest(f->home, "b", 1, NULL, wrong_number);
    assert_only_edge(f->home, &derived, VERDICT_BROKEN, "roads@1");
    derived = state_manifest(f->home, "c", 1, NULL, wrong_node);
    assert_only_edge(f->home, &derived, VERDICT_BROKEN, "LI4: the address that is named");
    derived = state_manifest(f->home, "d", 1, NULL, other_address);
    assert_only_edge(f->home, &derived, VERDICT_BROKEN, "LI4: the version that is named");
    derived = state_manifest(f->home, "e", 1, NULL, nowhere);
    assert_only_edge(f->home, &derived, VERDICT_MISSING, "LI5");
    derived = state_manifest(f->home, "f", 1, NULL, later);
    assert_only_edge(f->home, &derived, VERDICT_MISSING, "LI5");
    /* M19: a second number 1 is no version of anything */
    stray = state_manifest(f->home, "roads", 1, NULL, good);
    of_stray = input_text(self, "roads", 1, &stray);
    derived = state_manifest(f->home, "g", 1, NULL, of_stray);
    assert_only_edge(f->home, &derived, VERDICT_BROKEN, "M19");
}

/* What is no manifest, and what breaks a rule of manifests, is known and no source. */
static void
test_no_manifest(HomeFixture *f, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Record) profile = catalogue_profile_record(home_catalogue(f->home, &error), home_id(f->home), &error);
    g_autofree char *input = input_text(home_id(f->home), "roads", 1, &profile->address);
    Digest derived = state_manifest(f->home, "a", 1, NULL, input);

    assert_only_edge(f->home, &derived, VERDICT_BROKEN, "no manifest");
}

/* LI1: the ledger counts, not the catalogue: its copy of a signature may be anything, its own may not. */
static void
test_altered(HomeFixture *f, gconstpointer unused)
{
    const char *self = home_id(f->home);
    Digest roads = state_manifest(f->home, "roads", 1, NULL, NULL);
    g_autofree char *good = input_text(self, "roads", 1, &roads), *path = home_file(f->home, "catalogue.sqlite");
    Digest derived = state_manifest(f->home, "a", 1, NULL, good);
    g_autofree char *hashes = NULL;
    g_autofree char *log = home_file(f->home, "log");
    sqlite3 *database = NULL;
    g_autoptr(GDir) dir = NULL;
    FILE *file;

    g_assert_cmpint(sqlite3_open(path, &database), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(database, "UPDATE records SET signature = zeroblob(99) WHERE type = 'manifest/1'", NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(database);
    assert_only_edge(f->home, &derived, VERDICT_STATED, "LI8");

    /* leaves 0, 1, 2 are hashes 0, 1, 3: that of the source is altered in the file */
    hashes = g_build_filename(log, "own", "hashes", NULL);
    if (!g_file_test(hashes, G_FILE_TEST_EXISTS)) {
        g_free(hashes);
        hashes = g_build_filename(log, home_id(f->home), "hashes", NULL);
    }
    file = fopen(hashes, "r+");
    g_assert_nonnull(file);
    g_assert_cmpint(fseek(file, 3 * DIGEST_SIZE, SEEK_SET), ==, 0);
    fputc('x', file);
    fclose(file);
    assert_only_edge(f->home, &derived, VERDICT_BROKEN, "Merkle log");
}

static void
test_downstream(HomeFixture *f, gconstpointer unused)
{
    const char *self = home_id(f->home);
    Digest roads = state_manifest(f->home, "roads", 1, NULL, NULL);
    g_autofree char *good = input_text(self, "roads", 1, &roads), *twice = g_strdup_printf("%s,%s", good, good), *lie = input_text(NODE_B, "streets", 7, &roads);
    Digest one = state_manifest(f->home, "a", 1, NULL, good), two = state_manifest(f->home, "b", 1, NULL, twice), liar = state_manifest(f->home, "c", 1, NULL, lie);
    g_autoptr(HomeFacts) facts = home_facts_new(f->home, NULL);
    const LineageFacts source = home_facts_source(facts);
    const LineageOptions options = { .downstream = TRUE };
    g_autoptr(GError) error = NULL;
    const Input named = { .manifest = roads };
    g_autoptr(Lineage) lineage = lineage_build(&source, &named, &options, &error);

    g_assert_no_error(error);
    g_assert_false(digest_equal(&one, &two) || digest_equal(&two, &liar));
    g_assert_cmpuint(lineage->versions->len, ==, 4);
    g_assert_cmpuint(lineage->edges->len, ==, 4);
    /* who names it by a wrong name is found by the address, and broken */
    g_assert_cmpuint(lineage->counts[VERDICT_BROKEN], ==, 1);
    g_assert_cmpuint(lineage->counts[VERDICT_STATED], ==, 3);
}

/* LI2: a chain longer than what is looked at, each link verified. */
#define CHAIN (LINEAGE_VERSIONS_MAX + 50)

static Record *
sign_link(const LedgerHead *head, const char *node, const Keypair *signing, guint64 version, const Record *previous)
{
    g_autofree char *input = previous ? input_text(node, "chain", version - 1, &previous->address) : NULL;
    char text[DIGEST_TEXT_SIZE];
    g_autofree char *chain = previous ? g_strdup_printf("\"inputs\":[%s],", input) : g_strdup("");
    g_autofree char *before = previous ? g_strdup_printf("\"previous\":\"%s\",", digest_format(&previous->address, text)) : g_strdup("");
    g_autofree char *members = g_strdup_printf("{\"bytes\":0,\"details\":\"sha256:%064d\",\"files\":0,%s\"listing\":\"sha256:%064d\",\"name\":\"chain\",%s"
                                               "\"share\":\"open\",\"version\":%" G_GUINT64_FORMAT "}", 1, chain, 2, before, version);
    g_autoptr(GBytes) bytes = g_bytes_new(members, strlen(members));
    g_autoptr(GError) error = NULL;
    Record *record = record_sign(head, "manifest/1", bytes, 1777622400, signing, &error);

    g_assert_no_error(error);
    return record;
}

static void
free_record(gpointer record)
{
    record_free(record);
}

static Digest
append_chain(Home *home)
{
    g_autoptr(GError) error = NULL;
    Ledger *ledger = home_ledger(home, &error);
    g_autoptr(LedgerLock) lock = ledger_lock(ledger, &error);
    const Keypair *signing = home_signing_key(home, &error);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(free_record);
    LedgerHead head = *ledger_head(ledger);
    Record *previous = NULL;

    for (guint64 version = 1; version <= CHAIN; version++) {
        Record *record = sign_link(&head, home_id(home), signing, version, previous);

        g_ptr_array_add(records, record);
        head = (LedgerHead){ head.size + 1, record->address, head.identity };
        previous = record;
    }
    for (guint i = 0; i < records->len; i += LEDGER_BATCH_MAX) {
        g_autoptr(GPtrArray) batch = g_ptr_array_new();

        for (guint j = i; j < MIN(i + LEDGER_BATCH_MAX, records->len); j++)
            g_ptr_array_add(batch, records->pdata[j]);
        g_assert_true(ledger_append(ledger, batch, signing, &error));
    }
    g_assert_true(home_refresh(home, &error));
    return previous->address;
}

static void
test_long_chain(HomeFixture *f, gconstpointer unused)
{
    Digest newest = append_chain(f->home);
    clock_t start = clock();
    g_autoptr(Lineage) lineage = build_of(f->home, &newest);

    g_test_message("%u versions in %.2f s of CPU time", lineage->versions->len, (double)(clock() - start) / CLOCKS_PER_SEC);
    g_assert_cmpuint(lineage->versions->len, ==, LINEAGE_VERSIONS_MAX);
    g_assert_cmpuint(lineage->edges->len, ==, LINEAGE_VERSIONS_MAX - 1);
    g_assert_true(lineage->full);
    g_assert_cmpint(lineage->verdict, ==, VERDICT_STATED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lineage/LI3-LI10/verdicts", test_verdicts);
    g_test_add_func("/lineage/LI5-LI7/unknown-sources", test_unknown_sources);
    g_test_add_func("/lineage/M14/activity", test_activity);
    g_test_add_func("/lineage/M14/read-back", test_activity_read_back);
    g_test_add_func("/lineage/LI9/derivation", test_derivation_digest);
    g_test_add_func("/lineage/LI2/graphs", test_graphs);
    g_test_add_func("/lineage/LI12/text", test_text);
    g_test_add_func("/lineage/LI13/json", test_json);
    g_test_add("/lineage/LI4-LI5/crafted-ledger", HomeFixture, NULL, home_fixture_make, test_crafted_ledger, home_fixture_clear);
    g_test_add("/lineage/LI4/no-manifest", HomeFixture, NULL, home_fixture_make, test_no_manifest, home_fixture_clear);
    g_test_add("/lineage/LI1/altered", HomeFixture, NULL, home_fixture_make, test_altered, home_fixture_clear);
    g_test_add("/lineage/LI11/downstream", HomeFixture, NULL, home_fixture_make, test_downstream, home_fixture_clear);
    g_test_add("/lineage/LI2/long-chain", HomeFixture, NULL, home_fixture_make, test_long_chain, home_fixture_clear);
    return g_test_run();
}
