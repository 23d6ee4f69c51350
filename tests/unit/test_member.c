#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"

static json_t *object;

static void
load(void)
{
    object = json_pack("{s:s, s:s, s:s, s:i, s:b, s:{s:i}, s:[i,i,i], s:s, s:s}",
                       "text", "森林", "empty", "", "bell", "a\ab", "number", 7, "flag", 1, "object", "x", 1,
                       "array", 1, 2, 3, "digest", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                       "time", "2026-05-01T08:00:00Z");
    g_assert_nonnull(object);
}

static void
assert_code(GError *error, int code, const char *member)
{
    g_autofree char *expected = g_strdup_printf("record: member \"%s\": ", member);

    g_assert_error(error, CHAMA_ERROR, code);
    g_assert_true(g_str_has_prefix(error->message, expected));
    g_error_free(error);
}

static void
test_string(void)
{
    static const struct {
        const char *name;
        gsize max;
        int code; /* -1: good */
    } cases[] = {
        { "text", 6, -1 },
        { "text", 100, -1 },
        { "empty", 0, -1 },
        { "bell", 3, -1 },
        { "text", 5, CHAMA_ERROR_LIMIT },
        { "absent", 5, CHAMA_ERROR_MALFORMED },
        { "number", 5, CHAMA_ERROR_MALFORMED },
        { "flag", 5, CHAMA_ERROR_MALFORMED },
        { "array", 5, CHAMA_ERROR_MALFORMED },
        { "object", 5, CHAMA_ERROR_MALFORMED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *value = "untouched";
        GError *error = NULL;
        gboolean good = member_string(object, "record", cases[i].name, cases[i].max, &value, &error);

        g_assert_true(good == (cases[i].code < 0));
        if (good)
            g_assert_cmpstr(value, ==, json_string_value(json_object_get(object, cases[i].name)));
        else
            assert_code(error, cases[i].code, cases[i].name);
    }
}

static void
test_integer(void)
{
    static const struct {
        const char *name;
        gint64 min, max;
        gboolean good;
    } cases[] = {
        { "number", 7, 7, TRUE },
        { "number", -1, 100, TRUE },
        { "number", 8, 100, FALSE },
        { "number", 0, 6, FALSE },
        { "text", 0, 100, FALSE },
        { "flag", 0, 100, FALSE },
        { "absent", 0, 100, FALSE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        gint64 value = -5;

        g_assert_true(member_integer(object, "record", cases[i].name, cases[i].min, cases[i].max, &value, &error) == cases[i].good);
        g_assert_cmpint(value, ==, cases[i].good ? 7 : -5);
        if (!cases[i].good)
            assert_code(error, CHAMA_ERROR_MALFORMED, cases[i].name);
    }
}

static void
test_digest_and_time(void)
{
    g_autoptr(GError) error = NULL;
    GError *refused = NULL;
    Digest digest, empty;
    gint64 seconds;

    g_assert_true(member_digest(object, "record", "digest", &digest, &error));
    digest_of("", 0, &empty);
    g_assert_true(digest_equal(&digest, &empty));
    g_assert_true(member_time(object, "record", "time", &seconds, &error));
    g_assert_cmpint(seconds, ==, 1777622400);
    g_assert_false(member_digest(object, "record", "number", &digest, &refused));
    assert_code(g_steal_pointer(&refused), CHAMA_ERROR_MALFORMED, "number");
    g_assert_false(member_digest(object, "record", "time", &digest, &refused));
    assert_code(g_steal_pointer(&refused), CHAMA_ERROR_UNSUPPORTED, "time");
    g_assert_false(member_time(object, "record", "digest", &seconds, &refused));
    assert_code(g_steal_pointer(&refused), CHAMA_ERROR_MALFORMED, "digest");
    g_assert_false(member_time(object, "record", "absent", &seconds, &refused));
    assert_code(g_steal_pointer(&refused), CHAMA_ERROR_MALFORMED, "absent");
}

static void
test_containers(void)
{
    const json_t *value = NULL;
    GError *error = NULL;

    g_assert_true(member_object(object, "record", "object", &value, &error));
    g_assert_true(member_has(value, "x"));
    g_assert_false(member_has(value, "y"));
    g_assert_true(member_array(object, "record", "array", 3, &value, &error));
    g_assert_cmpuint(json_array_size(value), ==, 3);
    g_assert_false(member_array(object, "record", "array", 2, &value, &error));
    assert_code(g_steal_pointer(&error), CHAMA_ERROR_LIMIT, "array");
    g_assert_false(member_array(object, "record", "object", 2, &value, &error));
    assert_code(g_steal_pointer(&error), CHAMA_ERROR_MALFORMED, "object");
    g_assert_false(member_object(object, "record", "array", &value, &error));
    assert_code(g_steal_pointer(&error), CHAMA_ERROR_MALFORMED, "array");
    g_assert_false(member_object(object, "record", "absent", &value, &error));
    assert_code(g_steal_pointer(&error), CHAMA_ERROR_MALFORMED, "absent");
}

/* A record may be an array, of which nothing is a member. */
static void
test_not_an_object(void)
{
    g_autoptr(json_t) array = json_array();
    const char *const none[] = { NULL };
    const char *value;
    GError *error = NULL;

    g_assert_false(member_has(array, "x"));
    g_assert_false(member_string(array, "record", "x", 5, &value, &error));
    assert_code(g_steal_pointer(&error), CHAMA_ERROR_MALFORMED, "x");
    g_assert_false(member_only(array, "record", none, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_error_free(error);
}

static void
test_only(void)
{
    static const char *const some[] = { "a", "b", NULL };
    g_autoptr(json_t) known = json_pack("{s:i}", "a", 1);
    g_autoptr(json_t) stranger = json_pack("{s:i, s:i}", "a", 1, "c", 1);
    g_autoptr(json_t) empty = json_object();
    g_autoptr(GError) error = NULL;

    g_assert_true(member_only(known, "record", some, &error));
    g_assert_true(member_only(empty, "record", some, &error));
    g_assert_no_error(error);
    g_assert_false(member_only(stranger, "record", some, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_assert_nonnull(strstr(error->message, "\"c\""));
}

static void
test_c9_time(void)
{
    static const struct {
        const char *text;
        gint64 seconds;
    } good[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2026-05-01T08:00:00Z", 1777622400 },
        { "2000-02-29T23:59:59Z", 951868799 },
        { "2038-01-19T03:14:08Z", G_GINT64_CONSTANT(2147483648) },
        { "9999-12-31T23:59:59Z", G_GINT64_CONSTANT(253402300799) },
    };
    static const char *const bad[] = {
        "",
        "2026-05-01",
        "2026-05-01T08:00:00",
        "2026-05-01T08:00:00z",
        "2026-05-01t08:00:00Z",
        "2026-05-01 08:00:00Z",
        "2026-05-01T08:00:00+00:00",
        "2026-05-01T08:00:00.5Z",
        "2026-05-01T08:00:00Z ",
        " 2026-05-01T08:00:00Z",
        "2026-02-29T08:00:00Z",
        "1900-02-28T08:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-00-01T08:00:00Z",
        "2026-13-01T08:00:00Z",
        "2026-04-31T08:00:00Z",
        "2026-05-00T08:00:00Z",
        "2026-05-01T24:00:00Z",
        "2026-05-01T08:60:00Z",
        "2026-12-31T23:59:60Z",
        "2026-05-01T-8:00:00Z",
        "2026-05-01T 8:00:00Z",
        "+026-05-01T08:00:00Z",
        "0000-05-01T08:00:00Z",
    };
    char text[TIME_TEXT_SIZE];
    gint64 seconds = -5;

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_assert_true(time_parse(good[i].text, &seconds, NULL));
        g_assert_cmpint(seconds, ==, good[i].seconds);
        g_assert_cmpstr(time_format(seconds, text), ==, good[i].text);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        seconds = -5;
        g_assert_false(time_parse(bad[i], &seconds, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_cmpint(seconds, ==, -5);
    }
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    load();
    g_test_add_func("/member/string", test_string);
    g_test_add_func("/member/integer", test_integer);
    g_test_add_func("/member/digest-and-time", test_digest_and_time);
    g_test_add_func("/member/containers", test_containers);
    g_test_add_func("/member/not-an-object", test_not_an_object);
    g_test_add_func("/member/only", test_only);
    g_test_add_func("/member/c9-time", test_c9_time);
    status = g_test_run();
    json_decref(object);
    return status;
}
