#include <string.h>

#include "keys/error.h"
#include "manifests/ledger/cosignature.h"
#include "manifests/ledger/policy.h"

#define SEEN 1777622400 /* 2026-05-01T08:00:00Z */
#define TEXT "log\n1\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

static Keypair *
key_of(guint8 seed)
{
    guint8 bytes[32];

    memset(bytes, seed, sizeof bytes);
    return keypair_from_seed(bytes, NULL);
}

/* "$l" and a digit stand for the verifier key of a log, "$w" for one of a witness, "$m" for one of ML-DSA. */
static char *
vkey_of(char kind, char digit)
{
    g_autoptr(Keypair) key = key_of((guint8)digit);
    g_autofree char *name = g_strdup_printf("%s%c", kind == 'l' ? "log" : "w", digit);

    if (kind != 'm')
        return note_verifier_format(name, kind == 'l' ? NOTE_ED25519 : NOTE_COSIGNATURE, keypair_public(key));
    g_autofree guint8 *bytes = g_malloc0(1313);
    g_autoptr(DigestStream) stream = digest_stream_new();
    g_autofree char *text = NULL;
    Digest digest;

    bytes[0] = NOTE_ML_DSA;
    bytes[1] = (guint8)digit;
    digest_stream_update(stream, name, strlen(name));
    digest_stream_update(stream, "\n", 1);
    digest_stream_update(stream, bytes, 1313);
    digest_stream_finish(g_steal_pointer(&stream), &digest);
    text = base64_format(bytes, 1313);
    return g_strdup_printf("%s+%02x%02x%02x%02x+%s", name, digest.bytes[0], digest.bytes[1], digest.bytes[2], digest.bytes[3], text);
}

static char *
expand(const char *text)
{
    g_autoptr(GString) out = g_string_new(NULL);

    for (; *text; text++) {
        if (*text == '$') {
            g_autofree char *vkey = vkey_of(text[1], text[2]);

            g_string_append(out, vkey);
            text += 2;
        } else
            g_string_append_c(out, *text);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static Policy *
parse(const char *text, GError **error)
{
    g_autofree char *expanded = expand(text);

    return policy_parse(expanded, strlen(expanded), error);
}

#define FOUR "witness a $w1\nwitness b $w2 https://b.example/\nwitness c $w3\nwitness d $w4\n"

static void
test_quorums(void)
{
    /* The witnesses that saw, by their letters, and whether that is enough. */
    static const struct { const char *policy, *saw; gboolean enough; } cases[] = {
        { FOUR "quorum none\n", "", TRUE },
        { FOUR "quorum a\n", "a", TRUE },
        { FOUR "quorum a\n", "bcd", FALSE },
        { FOUR "group g 3 a b c d\nquorum g\n", "abd", TRUE },
        { FOUR "group g 3 a b c d\nquorum g\n", "ab", FALSE },
        { FOUR "group g all a b\nquorum g\n", "ab", TRUE },
        { FOUR "group g all a b\nquorum g\n", "acd", FALSE },
        { FOUR "group g any a b\nquorum g\n", "b", TRUE },
        { FOUR "group g any a b\nquorum g\n", "cd", FALSE },
        { FOUR "group x 2 a b c\ngroup y any d\ngroup z all x y\nquorum z\n", "acd", TRUE },
        { FOUR "group x 2 a b c\ngroup y any d\ngroup z all x y\nquorum z\n", "abc", FALSE },
        { FOUR "group x 2 a b c\ngroup y any d\ngroup z all x y\nquorum z\n", "ad", FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Policy) policy = parse(cases[i].policy, &error);
        gint64 times[POLICY_WITNESSES_MAX] = { 0 };

        g_assert_no_error(error);
        for (const char *p = cases[i].saw; *p; p++)
            times[*p - 'a'] = SEEN;
        g_test_message("%u", i);
        g_assert_cmpint(policy_judge(policy, times).quorum, ==, cases[i].enough);
    }
}

/* When it was enough is when the last that was needed saw it, and later ones change nothing. */
static void
test_reached(void)
{
    g_autoptr(Policy) policy = parse(FOUR "group g 2 a b c d\nquorum g\n", NULL);
    gint64 times[4] = { SEEN + 30, 0, SEEN + 10, SEEN + 20 };
    PolicyVerdict verdict = policy_judge(policy, times);
    g_autofree char *text = policy_verdict_format(&verdict);

    g_assert_cmpuint(verdict.seen, ==, 3);
    g_assert_cmpint(verdict.earliest, ==, SEEN + 10);
    g_assert_cmpint(verdict.reached, ==, SEEN + 20);
    g_assert_cmpstr(text, ==, "seen by 3 of 4 witnesses, earliest 2026-05-01T08:00:10Z");
}

static void
test_words(void)
{
    PolicyVerdict none = { .witnesses = 4 }, one = { .witnesses = 1, .seen = 1, .earliest = SEEN, .quorum = TRUE };
    g_autofree char *a = policy_verdict_format(&none);
    g_autofree char *b = policy_verdict_format(&one);

    g_assert_cmpstr(a, ==, "seen by none of 4 witnesses; the policy wants more");
    g_assert_cmpstr(b, ==, "seen by 1 of 1 witness, earliest 2026-05-01T08:00:00Z");
}

static void
test_layout(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Policy) policy = parse("# a comment \xff\n\n \t \n \t# another\n\tlog \t $l1 \thttps://log.example/ \nwitness \xe6\x9e\x97\xe4\xb8\x9a $w1\nwitness m $m2\nquorum\t\xe6\x9e\x97\xe4\xb8\x9a\n", &error);
    g_autoptr(Keypair) log = key_of('1');
    g_autoptr(Keypair) other = key_of('2');

    g_assert_no_error(error);
    g_assert_cmpuint(policy_witnesses(policy), ==, 2);
    g_assert_cmpstr(policy_witness(policy, 0).name, ==, "\xe6\x9e\x97\xe4\xb8\x9a");
    g_assert_null(policy_witness(policy, 0).url);
    g_assert_cmpint(policy_witness(policy, 1).verifier->algorithm, ==, NOTE_ML_DSA);
    g_assert_true(policy_allows_log(policy, "log1", keypair_public(log)));
    g_assert_false(policy_allows_log(policy, "log1", keypair_public(other)));
    g_assert_false(policy_allows_log(policy, "log2", keypair_public(log)));
}

static void
test_t35_any_log(void)
{
    g_autoptr(Policy) policy = parse("quorum none\n", NULL);
    g_autoptr(Keypair) log = key_of('1');

    g_assert_true(policy_allows_log(policy, "log1", keypair_public(log)));
    g_assert_cmpuint(policy_witnesses(policy), ==, 0);
    g_assert_true(policy_judge(policy, NULL).quorum);
}

static void
test_refusals(void)
{
    static const struct { const char *policy, *says; int code; } cases[] = {
        { "", "T34", CHAMA_ERROR_MALFORMED },
        { "quorum none", "T30", CHAMA_ERROR_MALFORMED },
        { "quorum none\r\n", "T30", CHAMA_ERROR_MALFORMED },
        { "quorum none\x7f\n", "T30", CHAMA_ERROR_MALFORMED },
        { "Quorum none\n", "line 1: T31", CHAMA_ERROR_MALFORMED },
        { "quorum\n", "T31", CHAMA_ERROR_MALFORMED },
        { "quorum none # at all\n", "T31", CHAMA_ERROR_MALFORMED },
        { "log\nquorum none\n", "T31", CHAMA_ERROR_MALFORMED },
        { "log $l1 url more\nquorum none\n", "T31", CHAMA_ERROR_MALFORMED },
        { "witness a\nquorum none\n", "T31", CHAMA_ERROR_MALFORMED },
        { "witness a $w1 url more\nquorum none\n", "T31", CHAMA_ERROR_MALFORMED },
        { "witness a $w1\ngroup g any\nquorum none\n", "line 2: T31", CHAMA_ERROR_MALFORMED },
        { "log vkey\nquorum none\n", "T2", CHAMA_ERROR_MALFORMED },
        { "log $w1\nquorum none\n", "T32", CHAMA_ERROR_UNSUPPORTED },
        { "witness a $l1\nquorum none\n", "T32", CHAMA_ERROR_UNSUPPORTED },
        { "log $l1\nlog $l1\nquorum none\n", "line 2: T32", CHAMA_ERROR_MALFORMED },
        { "witness a $w1\nwitness b $w1\nquorum none\n", "line 2: T32", CHAMA_ERROR_MALFORMED },
        { "witness none $w1\nquorum none\n", "T33", CHAMA_ERROR_MALFORMED },
        { "witness a $w1\nwitness a $w2\nquorum a\n", "T33", CHAMA_ERROR_MALFORMED },
        { "witness a $w1\ngroup a any a\nquorum a\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g 0 a b\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g 3 a b\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g 02 a b\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g +1 a b\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g -1 a b\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g most a b\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g 99999999999999999999 a b\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g any a a\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g any a\ngroup h any a\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g any e\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g any none\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { FOUR "group g any g\nquorum g\n", "T33", CHAMA_ERROR_MALFORMED },
        { "quorum a\nwitness a $w1\n", "line 1: T34", CHAMA_ERROR_MALFORMED },
        { FOUR "quorum a\nquorum a\n", "T34", CHAMA_ERROR_MALFORMED },
        { FOUR "quorum none\nquorum a\n", "T34", CHAMA_ERROR_MALFORMED },
        { FOUR "quorum e\n", "T34", CHAMA_ERROR_MALFORMED },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%u: %s", i, cases[i].policy);
        g_assert_null(parse(cases[i].policy, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
        g_assert_nonnull(strstr(error->message, cases[i].says));
    }
}

static void
check_limit(const char *text, gsize size)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(policy_parse(text, size, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_assert_nonnull(strstr(error->message, "T36"));
}

/* T36: 64 of each are read, the sixty-fifth is not; nor a file or line without end. */
static void
test_t36_limits(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *big = g_strnfill(POLICY_SIZE_MAX + 1, '\n');
    g_autofree char *words = g_strnfill(2000, ' ');
    g_autoptr(Policy) policy = NULL;
    gsize full;

    for (guint i = 0; i < 64; i++) {
        g_autoptr(Keypair) key = key_of((guint8)(i + 1));
        g_autofree char *log = note_verifier_format("log", NOTE_ED25519, keypair_public(key));
        g_autofree char *witness = note_verifier_format("w", NOTE_COSIGNATURE, keypair_public(key));

        g_string_append_printf(text, "log %s\nwitness w%u %s\ngroup g%u any w%u\n", log, i, witness, i, i);
    }
    full = text->len;
    g_string_append(text, "quorum g0\n");
    policy = policy_parse(text->str, text->len, NULL);
    g_assert_cmpuint(policy_witnesses(policy), ==, 64);
    g_string_truncate(text, full);
    g_string_append(text, "group more any g0\n");
    check_limit(text->str, text->len);
    for (char kind = 'l'; kind; kind = kind == 'l' ? 'w' : '\0') {
        g_autofree char *vkey = vkey_of(kind, 'z');

        g_string_truncate(text, full);
        g_string_append_printf(text, "%s%s\n", kind == 'l' ? "log " : "witness more ", vkey);
        check_limit(text->str, text->len);
    }
    check_limit(big, strlen(big));
    for (gsize i = 1; i < 2000; i += 2)
        words[i - 1] = 'a';
    words[1999] = '\n';
    check_limit(words, 2000);
}

/* A note that the log and two of three witnesses signed; one of a key that nothing here can check is not counted. */
static void
test_read(void)
{
    g_autoptr(Policy) policy = parse("witness a $w1\nwitness b $w2\nwitness c $w3\nwitness m $m4\ngroup g 2 a b c\nquorum g\n", NULL);
    g_autoptr(Keypair) log = key_of('l');
    g_autoptr(Keypair) one = key_of('1');
    g_autoptr(Keypair) three = key_of('3');
    g_autofree char *note = note_sign(TEXT, "log", log, NULL);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func((GDestroyNotify)note_signature_free);
    g_autofree char *merged = NULL;
    gint64 times[4];
    PolicyVerdict verdict;

    g_ptr_array_add(lines, cosignature_sign(TEXT, strlen(TEXT), "w1", one, SEEN + 1, NULL));
    g_ptr_array_add(lines, cosignature_sign(TEXT, strlen(TEXT), "w3", three, SEEN, NULL));
    merged = note_merge(note, strlen(note), lines, NULL);
    g_assert_true(policy_read(policy, merged, strlen(merged), times, NULL));
    verdict = policy_judge(policy, times);
    g_assert_true(verdict.quorum);
    g_assert_cmpuint(verdict.seen, ==, 2);
    g_assert_cmpint(verdict.earliest, ==, SEEN);
    g_assert_cmpint(verdict.reached, ==, SEEN + 1);
    g_assert_cmpint(times[1], ==, 0);
    g_assert_cmpint(times[3], ==, 0);
}

/* T14: a false line of one that counts refuses the note, though others would do. */
static void
test_read_refusals(void)
{
    g_autoptr(Policy) policy = parse("witness a $w1\nwitness b $w2\nquorum a\n", NULL);
    g_autoptr(Keypair) log = key_of('l');
    g_autoptr(Keypair) one = key_of('1');
    g_autoptr(Keypair) two = key_of('2');
    g_autofree char *note = note_sign(TEXT, "log", log, NULL);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func((GDestroyNotify)note_signature_free);
    g_autofree char *merged = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) malformed = NULL;
    gint64 times[2];

    g_ptr_array_add(lines, cosignature_sign(TEXT, strlen(TEXT), "w1", one, SEEN, NULL));
    g_ptr_array_add(lines, cosignature_sign("another\n", 8, "w2", two, SEEN, NULL));
    merged = note_merge(note, strlen(note), lines, NULL);
    g_assert_false(policy_read(policy, merged, strlen(merged), times, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_assert_false(policy_read(policy, "no note\n", 8, times, &malformed));
    g_assert_error(malformed, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

static void
test_load_refusals(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(policy_load("/nonexistent/policy", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(policy_load("tests/vectors.json", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_assert_nonnull(strstr(error->message, "tests/vectors.json: policy: "));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy/layout", test_layout);
    g_test_add_func("/policy/t30-t34/refusals", test_refusals);
    g_test_add_func("/policy/t34/quorums", test_quorums);
    g_test_add_func("/policy/t34/reached", test_reached);
    g_test_add_func("/policy/t35/any-log", test_t35_any_log);
    g_test_add_func("/policy/t36/limits", test_t36_limits);
    g_test_add_func("/policy/words", test_words);
    g_test_add_func("/policy/read", test_read);
    g_test_add_func("/policy/read-refusals", test_read_refusals);
    g_test_add_func("/policy/load-refusals", test_load_refusals);
    return g_test_run();
}
