#include "manifests/attestation.h"

#include "tests/unit/node_fixture.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "bbcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"

static const char whole[] = "{\"dataset\":\"" OTHER "/roads\",\"kind\":\"quality\",\"manifest\":\"sha256:" HEX "\",\"note\":\"checked\\nin the field\","
                            "\"result\":\"pass\",\"until\":\"2027-05-01T00:00:00Z\",\"version\":3}";

typedef struct {
    const char *name, *patch;
    int code; /* -1: good */
} Case;

static const Case cases[] = {
    { "S1/whole", "{}", -1 },
    { "S1/stranger", "{\"grade\":\"A\"}", CHAMA_ERROR_MALFORMED },
    { "S1/other-type", "{\"type\":\"attestation/2\"}", CHAMA_ERROR_UNSUPPORTED },
    { "S13/no-manifest", "{\"manifest\":null}", CHAMA_ERROR_MALFORMED },
    { "S13/other-algorithm", "{\"manifest\":\"sm3:" HEX "\"}", CHAMA_ERROR_UNSUPPORTED },
    { "S13/no-dataset", "{\"dataset\":null}", CHAMA_ERROR_MALFORMED },
    { "S13/no-node", "{\"dataset\":\"roads\"}", CHAMA_ERROR_MALFORMED },
    { "S13/no-name", "{\"dataset\":\"" OTHER "/\"}", CHAMA_ERROR_MALFORMED },
    { "S13/bad-name", "{\"dataset\":\"" OTHER "/Roads\"}", CHAMA_ERROR_MALFORMED },
    { "S13/bad-node", "{\"dataset\":\"0bcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa/roads\"}", CHAMA_ERROR_MALFORMED },
    { "S13/long-name", "{\"dataset\":\"" OTHER "/" HEX "a\"}", CHAMA_ERROR_LIMIT },
    { "S13/version-zero", "{\"version\":0}", CHAMA_ERROR_MALFORMED },
    { "S13/version-text", "{\"version\":\"3\"}", CHAMA_ERROR_MALFORMED },
    { "S14/review", "{\"kind\":\"review\"}", -1 },
    { "S14/approval", "{\"kind\":\"approval\"}", -1 },
    { "S14/valuation", "{\"kind\":\"valuation\"}", -1 },
    { "S14/https", "{\"kind\":\"https://standards.example/gbt-36344#completeness\"}", -1 },
    { "S14/urn", "{\"kind\":\"urn:oid:1.2.156\"}", -1 },
    { "S14/none", "{\"kind\":null}", CHAMA_ERROR_MALFORMED },
    { "S14/word", "{\"kind\":\"beauty\"}", CHAMA_ERROR_MALFORMED },
    { "S14/upper-case", "{\"kind\":\"Quality\"}", CHAMA_ERROR_MALFORMED },
    { "S14/scheme-only", "{\"kind\":\"https:\"}", CHAMA_ERROR_MALFORMED },
    { "S14/no-scheme", "{\"kind\":\":x\"}", CHAMA_ERROR_MALFORMED },
    { "S14/space", "{\"kind\":\"urn:a b\"}", CHAMA_ERROR_MALFORMED },
    { "S14/not-ascii", "{\"kind\":\"urn:质量\"}", CHAMA_ERROR_MALFORMED },
    { "S15/fail", "{\"result\":\"fail\"}", -1 },
    { "S15/no-result", "{\"result\":null}", CHAMA_ERROR_MALFORMED },
    { "S15/other-result", "{\"result\":\"passed\"}", CHAMA_ERROR_MALFORMED },
    { "S15/result-true", "{\"result\":true}", CHAMA_ERROR_MALFORMED },
    { "S15/no-note", "{\"note\":null}", -1 },
    { "S15/empty-note", "{\"note\":\"\"}", CHAMA_ERROR_MALFORMED },
    { "S15/direction", "{\"note\":\"\\u202eko\"}", CHAMA_ERROR_MALFORMED },
    { "S15/no-until", "{\"until\":null}", -1 },
    { "S15/date-only", "{\"until\":\"2027-05-01\"}", CHAMA_ERROR_MALFORMED },
};

static NodeFixture node;

static void
test_case(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) members = patched(whole, c->patch), again = NULL;
    g_autoptr(Attestation) a = NULL;
    g_autoptr(Record) record = NULL;
    g_autoptr(GError) error = NULL;

    if (strstr(c->patch, "\"type\""))
        a = attestation_parse(members, &error);
    else {
        record = record_sign(&node.head, ATTESTATION, members, FIXTURE_TIME, node.signing, NULL);
        a = attestation_parse(record->bytes, &error);
    }
    if (c->code >= 0) {
        g_assert_null(a);
        g_assert_error(error, CHAMA_ERROR, c->code);
        return;
    }
    g_assert_no_error(error);
    again = attestation_format(a, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(again, members));
}

static void
test_words(void)
{
    g_autoptr(GBytes) members = patched(whole, "{}");
    g_autoptr(Record) record = record_sign(&node.head, ATTESTATION, members, FIXTURE_TIME, node.signing, NULL);
    g_autoptr(Attestation) a = attestation_parse(record->bytes, NULL);

    g_assert_cmpstr(a->subject.node, ==, OTHER);
    g_assert_cmpstr(a->subject.name, ==, "roads");
    g_assert_cmpuint(a->subject.version, ==, 3);
    g_assert_cmpstr(a->kind, ==, "quality");
    g_assert_true(a->pass);
    g_assert_cmpstr(a->note, ==, "checked\nin the field");
    g_assert_true(a->has_until);
    g_assert_cmpint(a->until, ==, 1809129600);
}

static void
test_limits(void)
{
    g_autofree char *note = g_strnfill(ATTESTATION_NOTE_MAX + 1, 'n'), *kind = g_strdup_printf("urn:%0253d", 0);
    g_autoptr(Attestation) a = attestation_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) good = NULL;

    g_strlcpy(a->subject.node, OTHER, sizeof a->subject.node);
    g_strlcpy(a->subject.name, "roads", sizeof a->subject.name);
    a->subject.version = 1;
    a->kind = g_strdup(kind);
    g_assert_null(attestation_format(a, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    a->kind[ATTESTATION_KIND_MAX] = '\0';
    a->note = g_strdup(note);
    g_assert_null(attestation_format(a, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    a->note[ATTESTATION_NOTE_MAX] = '\0';
    good = attestation_format(a, NULL);
    g_assert_nonnull(good);
}

/* What is in a sealed body only, or in a record only, is not let through in the other. */
static void
test_form(void)
{
    static const char *const own[] = { "x", NULL };
    g_autoptr(GBytes) members = text_bytes("{\"x\":1}"), sealed = body_seal("poem/1", OTHER, members, NULL);
    g_autoptr(Record) record = record_sign(&node.head, "poem/1", members, FIXTURE_TIME, node.signing, NULL);
    g_autoptr(json_t) of_sealed = body_parse(sealed, "poem/1", TRUE, own, NULL), of_record = body_parse(record->bytes, "poem/1", FALSE, own, NULL);
    g_autoptr(GError) error = NULL;
    char type[RECORD_TYPE_MAX], who[NODE_ID_SIZE];

    assert_bytes(sealed, "{\"node\":\"" OTHER "\",\"type\":\"poem/1\",\"x\":1}");
    g_assert_nonnull(of_sealed);
    g_assert_nonnull(of_record);
    g_assert_null(body_parse(record->bytes, "poem/1", TRUE, own, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_clear_error(&error);
    g_assert_null(body_parse(sealed, "poem/2", TRUE, own, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    g_clear_error(&error);
    g_assert_false(body_read_head(members, type, who, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_assert_true(body_read_head(sealed, type, who, NULL));
    g_assert_cmpstr(type, ==, "poem/1");
    g_assert_cmpstr(who, ==, OTHER);
}

int
main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    node_init(&node, 1);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/attestation/%s", cases[i].name);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/attestation/words", test_words);
    g_test_add_func("/attestation/S15/limits", test_limits);
    g_test_add_func("/attestation/S1/form", test_form);
    result = g_test_run();
    node_clear(&node);
    return result;
}
