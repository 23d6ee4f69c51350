#include "manifests/statement.h"

#include "tests/unit/node_fixture.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NODE "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define OTHER "bbcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define SALT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static const char profile_members[] = "{\"addresses\":[\"https://forestry.example:8443\",\"ssh://chama@forestry.example/srv/chama\"],\"division\":\"530000\","
                                      "\"ledger\":\"relayed\",\"name\":{\"en\":\"Forestry Department\",\"zh\":\"省林业厅\"},\"organisation\":\"云南省林业厅\","
                                      "\"pins\":[\"sha256:" HEX "\"],\"roles\":[\"publisher\",\"relay\"],\"sector\":\"S02\"}";
static const char grant_members[] = "{\"grantee\":\"" NODE "\",\"name\":\"patients\",\"until\":\"2027-05-01T00:00:00Z\"}";
static const char grant_body[] =
    "{\"grantee\":\"" NODE "\",\"name\":\"patients\",\"node\":\"" OTHER "\",\"type\":\"grant/1\",\"until\":\"2027-05-01T00:00:00Z\"}";
/* The body is {"type":"note/1"}. */
static const char opening_document[] =
    "{\"body\":\"eyJ0eXBlIjoibm90ZS8xIn0=\",\"record\":\"sha256:" HEX "\",\"salt\":\"" SALT "\",\"type\":\"opening/1\"}";

typedef struct {
    const char *name, *patch;
    int code; /* -1: good */
} Case;

static NodeFixture node;

static Record *
sign(const char *type, GBytes *members)
{
    Record *record = record_sign(&node.head, type, members, FIXTURE_TIME, node.signing, NULL);

    g_assert_nonnull(record);
    return record;
}

/* What a good case came to, formatted again, must be what it was. */
static void
check_outcome(const Case *c, gboolean parsed, GError *error, GBytes *again, GBytes *members)
{
    if (c->code >= 0) {
        g_assert_false(parsed);
        g_assert_error(error, CHAMA_ERROR, c->code);
        return;
    }
    g_assert_no_error(error);
    g_assert_nonnull(again);
    g_assert_true(g_bytes_equal(again, members));
}

#define ADDRESS(text) "{\"addresses\":[\"" text "\"]}"

static const Case profile_cases[] = {
    { "S1/whole", "{}", -1 },
    { "S1/unknown-member", "{\"phone\":\"x\"}", CHAMA_ERROR_MALFORMED },
    { "S2/en-only", "{\"name\":{\"en\":\"Forestry\"}}", -1 },
    { "S2/neither", "{\"name\":{}}", CHAMA_ERROR_MALFORMED },
    { "S2/missing", "{\"name\":null}", CHAMA_ERROR_MALFORMED },
    { "S2/direction", "{\"name\":{\"en\":\"\\u202eyrtseroF\"}}", CHAMA_ERROR_MALFORMED },
    { "S2/no-organisation", "{\"organisation\":null}", -1 },
    { "S3/first", "{\"sector\":\"S01\"}", -1 },
    { "S3/last", "{\"sector\":\"S20\"}", -1 },
    { "S3/none", "{\"sector\":null}", -1 },
    { "S3/zero", "{\"sector\":\"S00\"}", CHAMA_ERROR_MALFORMED },
    { "S3/past", "{\"sector\":\"S21\"}", CHAMA_ERROR_MALFORMED },
    { "S3/short", "{\"sector\":\"S2\"}", CHAMA_ERROR_MALFORMED },
    { "S3/long", "{\"sector\":\"S020\"}", CHAMA_ERROR_MALFORMED },
    { "S4/province", "{\"division\":\"53\"}", -1 },
    { "S4/village", "{\"division\":\"530102001001\"}", -1 },
    { "S4/one-digit", "{\"division\":\"5\"}", CHAMA_ERROR_MALFORMED },
    { "S4/letters", "{\"division\":\"53000x\"}", CHAMA_ERROR_MALFORMED },
    { "S4/13-digits", "{\"division\":\"5301020010011\"}", CHAMA_ERROR_MALFORMED },
    { "S5/none", "{\"addresses\":[]}", -1 },
    { "S5/missing", "{\"addresses\":null}", CHAMA_ERROR_MALFORMED },
    { "S5/path", ADDRESS("https://a.example/chama/%E4%BA%91"), -1 },
    { "S5/ipv4", ADDRESS("https://10.1.2.3:65535"), -1 },
    { "S5/ipv6", ADDRESS("https://[2001:db8::1]:8443/"), -1 },
    { "S5/ssh", ADDRESS("ssh://a.example:22"), -1 },
    { "S5/http", ADDRESS("http://a.example"), CHAMA_ERROR_MALFORMED },
    { "S5/file", ADDRESS("file:///etc/passwd"), CHAMA_ERROR_MALFORMED },
    { "S5/no-host", ADDRESS("https:///x"), CHAMA_ERROR_MALFORMED },
    { "S5/empty", ADDRESS("https://"), CHAMA_ERROR_MALFORMED },
    { "S5/user-in-https", ADDRESS("https://u@a.example"), CHAMA_ERROR_MALFORMED },
    { "S5/password", ADDRESS("ssh://u:p@a.example"), CHAMA_ERROR_MALFORMED },
    { "S5/ssh-option-as-host", ADDRESS("ssh://-oProxyCommand=x"), CHAMA_ERROR_MALFORMED },
    { "S5/ssh-option-as-user", ADDRESS("ssh://-l@a.example"), CHAMA_ERROR_MALFORMED },
    { "S5/second-at", ADDRESS("ssh://u@-oX@a"), CHAMA_ERROR_MALFORMED },
    { "S5/port-zero", ADDRESS("https://a.example:0"), CHAMA_ERROR_MALFORMED },
    { "S5/port-large", ADDRESS("https://a.example:65536"), CHAMA_ERROR_MALFORMED },
    { "S5/port-empty", ADDRESS("https://a.example:"), CHAMA_ERROR_MALFORMED },
    { "S5/space", ADDRESS("https://a.example/a b"), CHAMA_ERROR_MALFORMED },
    { "S5/query", ADDRESS("https://a.example/?x"), CHAMA_ERROR_MALFORMED },
    { "S5/not-ascii", ADDRESS("https://云南.example"), CHAMA_ERROR_MALFORMED },
    { "S5/bracket-open", ADDRESS("https://[2001:db8::1"), CHAMA_ERROR_MALFORMED },
    { "S5/number", "{\"addresses\":[1]}", CHAMA_ERROR_MALFORMED },
    { "S5/nine", "{\"addresses\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]}", CHAMA_ERROR_LIMIT },
    { "S6/none", "{\"pins\":[]}", -1 },
    { "S6/short", "{\"pins\":[\"sha256:00\"]}", CHAMA_ERROR_MALFORMED },
    { "S6/unknown-algorithm", "{\"pins\":[\"sm3:" HEX "\"]}", CHAMA_ERROR_UNSUPPORTED },
    { "S6/number", "{\"pins\":[1]}", CHAMA_ERROR_MALFORMED },
    { "S7/none", "{\"roles\":null}", -1 },
    { "S7/empty", "{\"roles\":[]}", CHAMA_ERROR_MALFORMED },
    { "S7/upper-case", "{\"roles\":[\"Relay\"]}", CHAMA_ERROR_MALFORMED },
    { "S8/peers", "{\"ledger\":\"peers\"}", -1 },
    { "S8/public", "{\"ledger\":\"public\"}", -1 },
    { "S8/other", "{\"ledger\":\"all\"}", CHAMA_ERROR_MALFORMED },
    { "S8/missing", "{\"ledger\":null}", CHAMA_ERROR_MALFORMED },
};

static void
test_profile(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) members = patched(profile_members, c->patch);
    g_autoptr(Record) record = sign("profile/1", members);
    g_autoptr(GError) error = NULL;
    g_autoptr(Profile) profile = profile_parse(record, &error);
    g_autoptr(GBytes) again = profile ? profile_format(profile, NULL) : NULL;

    check_outcome(c, profile != NULL, error, again, members);
}

static void
test_profile_fields(void)
{
    g_autoptr(GBytes) members = text_bytes(profile_members);
    g_autoptr(Profile) profile = profile_parse_members(members, NULL);

    g_assert_nonnull(profile);
    g_assert_cmpstr(profile->name_zh, ==, "省林业厅");
    g_assert_cmpstr(profile->name_en, ==, "Forestry Department");
    g_assert_cmpstr(profile->organisation, ==, "云南省林业厅");
    g_assert_cmpstr(profile->sector, ==, "S02");
    g_assert_cmpstr(profile->division, ==, "530000");
    g_assert_cmpuint(profile->addresses->len, ==, 2);
    g_assert_cmpuint(profile->pins->len, ==, 1);
    g_assert_cmpuint(g_array_index(profile->pins, Digest, 0).bytes[1], ==, 0x23);
    g_assert_cmpuint(profile->roles->len, ==, 2);
    g_assert_cmpint(profile->ledger, ==, LEDGER_RELAYED);
}

static void
test_profile_format_refuses(void)
{
    g_autoptr(Profile) profile = profile_new();
    g_autoptr(GError) error = NULL;

    g_assert_null(profile_format(profile, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

static const Case grant_cases[] = {
    { "S11/whole", "{}", -1 },
    { "S11/unknown-member", "{\"note\":\"x\"}", CHAMA_ERROR_MALFORMED },
    { "S11/no-end", "{\"until\":null}", CHAMA_ERROR_MALFORMED },
    { "S11/date-only", "{\"until\":\"2027-05-01\"}", CHAMA_ERROR_MALFORMED },
    { "S11/alias", "{\"grantee\":\"forestry\"}", CHAMA_ERROR_MALFORMED },
    { "S11/long-grantee", "{\"grantee\":\"" NODE "a\"}", CHAMA_ERROR_LIMIT },
    { "S11/bad-name", "{\"name\":\"../x\"}", CHAMA_ERROR_MALFORMED },
    { "S11/no-name", "{\"name\":null}", CHAMA_ERROR_MALFORMED },
};

static void
test_grant(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) members = patched(grant_members, c->patch);
    g_autoptr(Record) record = sign("grant/1", members);
    g_autoptr(GError) error = NULL;
    Grant grant;
    gboolean parsed = grant_parse(record, &grant, &error);
    g_autoptr(GBytes) again = parsed ? grant_format(&grant, NULL) : NULL;

    check_outcome(c, parsed, error, again, members);
    if (parsed)
        g_assert_cmpstr(grant.owner, ==, node.identity->id);
}

static const Case body_cases[] = {
    { "S11/whole", "{}", -1 },
    { "S11/no-owner", "{\"node\":null}", CHAMA_ERROR_MALFORMED },
    { "S11/bad-owner", "{\"node\":\"forestry\"}", CHAMA_ERROR_MALFORMED },
    { "S11/other-type", "{\"type\":\"grant/2\"}", CHAMA_ERROR_UNSUPPORTED },
    { "S11/no-type", "{\"type\":null}", CHAMA_ERROR_MALFORMED },
    { "S11/record-member", "{\"seq\":1}", CHAMA_ERROR_MALFORMED },
};

static void
test_grant_body(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) body = patched(grant_body, c->patch);
    g_autoptr(GError) error = NULL;
    Grant grant;
    gboolean parsed = grant_parse_body(body, &grant, &error);
    g_autoptr(GBytes) again = parsed ? grant_format_body(&grant, NULL) : NULL;

    check_outcome(c, parsed, error, again, body);
    if (parsed)
        g_assert_cmpstr(grant.owner, ==, OTHER);
}

static void
test_grant_format_refuses(void)
{
    Grant grant = { .owner = NODE, .name = "patients", .grantee = "nobody", .until = FIXTURE_TIME };
    g_autoptr(GError) error = NULL, body_error = NULL;

    g_assert_null(grant_format(&grant, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_strlcpy(grant.grantee, NODE, sizeof grant.grantee);
    grant.owner[0] = '\0';
    g_assert_null(grant_format_body(&grant, &body_error));
    g_assert_error(body_error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

static const Case opening_cases[] = {
    { "S10/whole", "{}", -1 },
    { "S10/other-type", "{\"type\":\"grant/1\"}", CHAMA_ERROR_UNSUPPORTED },
    { "S10/unknown-member", "{\"x\":1}", CHAMA_ERROR_MALFORMED },
    { "S10/short-salt", "{\"salt\":\"AAAA\"}", CHAMA_ERROR_MALFORMED },
    { "S10/second-spelling", "{\"salt\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\"}", CHAMA_ERROR_MALFORMED },
    { "S10/no-body", "{\"body\":null}", CHAMA_ERROR_MALFORMED },
    { "S10/empty-body", "{\"body\":\"\"}", CHAMA_ERROR_MALFORMED },
    /* { "type":"note/1"} */
    { "S10/body-not-canonical", "{\"body\":\"eyAidHlwZSI6Im5vdGUvMSJ9\"}", CHAMA_ERROR_MALFORMED },
    /* {} */
    { "S10/body-without-type", "{\"body\":\"e30=\"}", CHAMA_ERROR_MALFORMED },
    { "S10/record-not-a-digest", "{\"record\":\"x\"}", CHAMA_ERROR_MALFORMED },
};

static void
test_opening(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) bytes = patched(opening_document, c->patch);
    g_autoptr(GError) error = NULL;
    g_autoptr(Opening) opening = opening_parse(bytes, &error);
    g_autoptr(GBytes) again = opening ? opening_format(opening, NULL) : NULL;

    check_outcome(c, opening != NULL, error, again, bytes);
    if (opening)
        assert_bytes(opening->body, "{\"type\":\"note/1\"}");
}

/* A body of just RECORD_SIZE_MAX bytes fits, one byte more does not. */
static void
test_opening_bounds(void)
{
    for (guint extra = 0; extra < 2; extra++) {
        gsize rest = strlen("{\"text\":\"\",\"type\":\"note/1\"}");
        g_autofree char *fill = g_strnfill(RECORD_SIZE_MAX - rest + extra, 'x');
        g_autofree char *body = g_strdup_printf("{\"text\":\"%s\",\"type\":\"note/1\"}", fill);
        g_autoptr(Opening) opening = g_new0(Opening, 1), again = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) bytes = NULL;

        opening->body = text_bytes(body);
        bytes = opening_format(opening, &error);
        g_assert_true((bytes != NULL) == (extra == 0));
        if (!bytes) {
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
            continue;
        }
        again = opening_parse(bytes, &error);
        g_assert_no_error(error);
        g_assert_true(g_bytes_equal(again->body, opening->body));
    }
}

static const Case digest_cases[] = {
    { "whole", "{}", -1 },
    { "missing", "{\"X\":null}", CHAMA_ERROR_MALFORMED },
    { "upper-case", "{\"X\":\"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\"}", CHAMA_ERROR_MALFORMED },
    { "unknown-algorithm", "{\"X\":\"sm3:" HEX "\"}", CHAMA_ERROR_UNSUPPORTED },
    { "unknown-member", "{\"why\":\"x\"}", CHAMA_ERROR_MALFORMED },
};

static GBytes *
digest_members(const Case *c, const char *member)
{
    g_autofree char *base = g_strdup_printf("{\"%s\":\"sha256:" HEX "\"}", member);
    g_autoptr(GString) patch = g_string_new(c->patch);
    g_autofree char *name = g_strdup_printf("\"%s\"", member);

    g_string_replace(patch, "\"X\"", name, 0);
    return patched(base, patch->str);
}

static void
test_sealed(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) members = digest_members(c, "digest");
    g_autoptr(Record) record = sign("sealed/1", members);
    g_autoptr(GError) error = NULL;
    Digest digest;
    gboolean parsed = sealed_parse(record, &digest, &error);
    g_autoptr(GBytes) again = parsed ? sealed_format(&digest, NULL) : NULL;

    check_outcome(c, parsed, error, again, members);
}

static void
test_revocation(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) members = digest_members(c, "of");
    g_autoptr(Record) record = sign("revocation/1", members);
    g_autoptr(GError) error = NULL;
    Digest digest;
    gboolean parsed = revocation_parse(record, &digest, &error);
    g_autoptr(GBytes) again = parsed ? revocation_format(&digest, NULL) : NULL;

    check_outcome(c, parsed, error, again, members);
}

static void
test_other_type(void)
{
    g_autoptr(GBytes) members = text_bytes(grant_members);
    g_autoptr(Record) record = sign("grant/2", members);
    g_autoptr(GError) profile = NULL, sealed = NULL, grant = NULL, revocation = NULL;
    Digest digest;
    Grant read;

    g_assert_null(profile_parse(record, &profile));
    g_assert_error(profile, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    g_assert_false(sealed_parse(record, &digest, &sealed));
    g_assert_error(sealed, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    g_assert_false(grant_parse(record, &read, &grant));
    g_assert_error(grant, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    g_assert_false(revocation_parse(record, &digest, &revocation));
    g_assert_error(revocation, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
}

static void
add_cases(const char *folder, const Case *cases, guint count, void (*test)(gconstpointer))
{
    for (guint i = 0; i < count; i++) {
        g_autofree char *path = g_strdup_printf("/statement/%s/%s", folder, cases[i].name);

        g_test_add_data_func(path, &cases[i], test);
    }
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    node_init(&node, 1);
    add_cases("profile", profile_cases, G_N_ELEMENTS(profile_cases), test_profile);
    add_cases("grant", grant_cases, G_N_ELEMENTS(grant_cases), test_grant);
    add_cases("grant-body", body_cases, G_N_ELEMENTS(body_cases), test_grant_body);
    add_cases("opening", opening_cases, G_N_ELEMENTS(opening_cases), test_opening);
    add_cases("sealed/S9", digest_cases, G_N_ELEMENTS(digest_cases), test_sealed);
    add_cases("revocation/S12", digest_cases, G_N_ELEMENTS(digest_cases), test_revocation);
    g_test_add_func("/statement/profile/fields", test_profile_fields);
    g_test_add_func("/statement/profile/format-refuses", test_profile_format_refuses);
    g_test_add_func("/statement/grant/format-refuses", test_grant_format_refuses);
    g_test_add_func("/statement/opening/S10/bounds", test_opening_bounds);
    g_test_add_func("/statement/S1/other-type", test_other_type);
    status = g_test_run();
    node_clear(&node);
    return status;
}
