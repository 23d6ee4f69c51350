/* node/report/words.h: every kind of finding has a sentence in each language, with the same values in it. */
#include <string.h>

#include "keys/error.h"
#include "node/report/words.h"

static const char *const values[AUDIT_VALUES] = { "<1>", "<2>", "<3>", "<4>" };

/* Which values a sentence names, as bits. */
static guint
names_of(const char *sentence)
{
    guint names = 0;

    for (guint i = 0; i < AUDIT_VALUES; i++)
        names |= strstr(sentence, values[i]) ? 1u << i : 0;
    return names;
}

static void
test_sentences(void)
{
    for (int kind = AUDIT_KIND_FIRST_ + 1; kind < AUDIT_KIND_END_; kind++) {
        g_autofree char *en = words_sentence(LANGUAGE_EN, (AuditKind)kind, values), *zh = words_sentence(LANGUAGE_ZH, (AuditKind)kind, values);
        guint names = names_of(en);

        g_assert_cmpstr(en, !=, "");
        g_assert_cmpstr(en, !=, zh);
        g_assert_true(g_utf8_validate(zh, -1, NULL));
        g_assert_cmpuint(names, ==, names_of(zh));
        g_assert_cmpuint(names & (names + 1), ==, 0); /* the first of them, without a gap */
    }
}

static void
test_names(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (int kind = AUDIT_KIND_FIRST_ + 1; kind < AUDIT_KIND_END_; kind++) {
        g_assert_true(g_hash_table_add(seen, (gpointer)audit_kind_name((AuditKind)kind)));
        g_assert_cmpint(audit_kind_verdict((AuditKind)kind), <, AUDIT_VERDICTS);
    }
    g_assert_cmpint(audit_kind_verdict(AUDIT_FORK), ==, AUDIT_FAILED);
    g_assert_cmpstr(audit_kind_name(AUDIT_MORE), ==, "more");
    g_assert_cmpstr(words_verdict(LANGUAGE_ZH, AUDIT_FAILED), ==, "不成立");
}

/* Who has never seen a failure is told what to do; of what holds there is nothing to do. */
static void
test_advice(void)
{
    for (int kind = AUDIT_KIND_FIRST_ + 1; kind < AUDIT_KIND_END_; kind++) {
        AuditVerdict verdict = audit_kind_verdict((AuditKind)kind);

        for (int language = 0; language < LANGUAGES; language++) {
            const char *text = words_advice((Language)language, (AuditKind)kind);

            g_assert_true(text ? verdict >= AUDIT_WARNING && *text : verdict < AUDIT_FAILED);
        }
    }
    g_assert_cmpstr(words_advice(LANGUAGE_EN, AUDIT_VERSION_BROKEN), ==, "Do not use this version.");
}

/* A value that is missing shows, and does not end the sentence. */
static void
test_missing_value(void)
{
    static const char *const none[AUDIT_VALUES] = { NULL };
    g_autofree char *sentence = words_sentence(LANGUAGE_EN, AUDIT_GRANT_REVOKED, none);

    g_assert_cmpstr(sentence, ==, "the grant of ? to ? was revoked");
}

static void
test_language(void)
{
    static const char *const bad[] = { "", "EN", "zh-CN", "fr", "english" };
    Language language = LANGUAGE_EN;

    g_assert_true(language_parse("zh", &language, NULL));
    g_assert_cmpint(language, ==, LANGUAGE_ZH);
    g_assert_true(language_parse("en", &language, NULL));
    g_assert_cmpint(language, ==, LANGUAGE_EN);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *want = g_strdup_printf("--lang: want en or zh, have \"%s\"", bad[i]);

        g_assert_false(language_parse(bad[i], &language, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
        g_assert_cmpstr(error->message, ==, want);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/words/sentences", test_sentences);
    g_test_add_func("/words/names", test_names);
    g_test_add_func("/words/advice", test_advice);
    g_test_add_func("/words/missing-value", test_missing_value);
    g_test_add_func("/words/language", test_language);
    return g_test_run();
}
