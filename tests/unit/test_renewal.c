/* manifests/renewal.h: what is due when, and that a kill at any moment leaves a node whose key is named. */
#include <string.h>

#include <glib/gstdio.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "keys/tls.h"
#include "manifests/renewal.h"
#include "manifests/statement.h"
#include "tests/unit/home_fixture.h"

#define NOW G_GINT64_CONSTANT(1800000000)
#define YEAR (365 * (gint64)RENEWAL_DAY)

/* In use for a year, nine to come. */
#define QUIET { .from = NOW - YEAR, .until = NOW + 9 * YEAR, .own = TRUE, .current_named = TRUE }
#define WAITING(seconds) { .from = NOW - YEAR, .until = NOW + 80 * RENEWAL_DAY, .own = TRUE, .current_named = TRUE, .waiting = TRUE, .next_named = TRUE, .served = (seconds), .record = 7 }

static void
test_decisions(void)
{
    static const struct {
        const char *what;
        Renewal renewal;
        gint64 now;
        gboolean all_seen, locked;
        RenewalStep step;
    } cases[] = {
        { "nothing to do", QUIET, NOW, FALSE, FALSE, RENEWAL_NOTHING },
        { "91 days before the end", QUIET, NOW + 9 * YEAR - 91 * RENEWAL_DAY, FALSE, FALSE, RENEWAL_NOTHING },
        { "90 days before the end", QUIET, NOW + 9 * YEAR - 90 * RENEWAL_DAY, FALSE, FALSE, RENEWAL_MAKE },
        { "the signing key is locked away", QUIET, NOW + 9 * YEAR - 90 * RENEWAL_DAY, FALSE, TRUE, RENEWAL_NOTHING },
        { "30 days before the end, still", QUIET, NOW + 9 * YEAR - 30 * RENEWAL_DAY, FALSE, TRUE, RENEWAL_CERTIFICATE },
        { "after the end", QUIET, NOW + 20 * YEAR, FALSE, TRUE, RENEWAL_CERTIFICATE },
        { "a clock that ran ahead made it", QUIET, NOW - 3 * YEAR, FALSE, FALSE, RENEWAL_CERTIFICATE },
        { "a clock that is an hour behind", QUIET, NOW - YEAR - 3600, FALSE, FALSE, RENEWAL_NOTHING },
        { "another's is left alone", { .from = NOW - YEAR, .until = NOW + RENEWAL_DAY, .current_named = TRUE }, NOW, FALSE, FALSE, RENEWAL_NOTHING },
        { "another's that nobody knows is announced", { .from = NOW - YEAR, .until = NOW + RENEWAL_DAY, .others_named = TRUE }, NOW, FALSE, FALSE, RENEWAL_ANNOUNCE },
        { "not without a signature", { .from = NOW - YEAR, .until = NOW + YEAR, .others_named = TRUE }, NOW, FALSE, TRUE, RENEWAL_NOTHING },
        { "made, not announced", { .from = NOW - YEAR, .until = NOW + 80 * RENEWAL_DAY, .own = TRUE, .current_named = TRUE, .waiting = TRUE, .served = 99 * YEAR }, NOW, TRUE, FALSE, RENEWAL_ANNOUNCE },
        { "nor taken into use unannounced", { .from = NOW - YEAR, .until = NOW + 80 * RENEWAL_DAY, .own = TRUE, .current_named = TRUE, .waiting = TRUE, .served = 99 * YEAR }, NOW, TRUE, TRUE, RENEWAL_NOTHING },
        { "announced just now", WAITING(0), NOW, TRUE, FALSE, RENEWAL_NOTHING },
        { "a week, not seen by all", WAITING(7 * RENEWAL_DAY), NOW, FALSE, FALSE, RENEWAL_NOTHING },
        { "a week but a second, seen by all", WAITING(7 * RENEWAL_DAY - 1), NOW, TRUE, FALSE, RENEWAL_NOTHING },
        { "a week, seen by all", WAITING(7 * RENEWAL_DAY), NOW, TRUE, FALSE, RENEWAL_TAKE_OVER },
        { "30 days but a second", WAITING(30 * RENEWAL_DAY - 1), NOW, FALSE, FALSE, RENEWAL_NOTHING },
        { "30 days", WAITING(30 * RENEWAL_DAY), NOW, FALSE, TRUE, RENEWAL_TAKE_OVER },
        { "the clock jumps 40 days ahead: they were not served", WAITING(RENEWAL_DAY), NOW + 40 * RENEWAL_DAY, FALSE, FALSE, RENEWAL_NOTHING },
        { "the clock jumps back a year: what was served was served", WAITING(30 * RENEWAL_DAY), NOW - YEAR, FALSE, FALSE, RENEWAL_TAKE_OVER },
        { "the old one lingers", { .from = NOW, .until = NOW + 9 * YEAR, .own = TRUE, .current_named = TRUE, .others_named = TRUE, .served = RENEWAL_DAY - 1 }, NOW, FALSE, FALSE, RENEWAL_NOTHING },
        { "for a day", { .from = NOW, .until = NOW + 9 * YEAR, .own = TRUE, .current_named = TRUE, .others_named = TRUE, .served = RENEWAL_DAY }, NOW, FALSE, FALSE, RENEWAL_WITHDRAW },
        { "or until somebody unlocks the signing key", { .from = NOW, .until = NOW + 9 * YEAR, .own = TRUE, .current_named = TRUE, .others_named = TRUE, .served = RENEWAL_DAY }, NOW, FALSE, TRUE, RENEWAL_NOTHING },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        RenewalStep step = renewal_decide(&cases[i].renewal, cases[i].now, cases[i].all_seen, !cases[i].locked);

        if (step != cases[i].step)
            g_error("%s: want step %d, have %d", cases[i].what, cases[i].step, step);
    }
}

/* Of the newest profile. */
static guint
pins_of(Home *home)
{
    g_autoptr(Profile) profile = catalogue_profile(home_catalogue(home, NULL), home_id(home), NULL);

    return profile->pins->len;
}

static Renewal
standing(Home *home)
{
    g_autoptr(GError) error = NULL;
    Renewal renewal;

    g_assert_true(renewal_read(home, &renewal, &error));
    g_assert_no_error(error);
    return renewal;
}

static void
take(Home *home, RenewalStep step)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(renewal_take(home, step, &error));
    g_assert_no_error(error);
}

static void
test_tc9_from_one_key_to_the_next(HomeFixture *f, gconstpointer data)
{
    Renewal before = standing(f->home), renewal;
    Digest announced;

    g_assert_true(before.own && before.current_named && !before.waiting && !before.others_named);
    g_assert_true(renewal_count(f->home, 100, NULL));
    g_assert_cmpuint(standing(f->home).served, ==, 0);   /* nothing is counted */
    take(f->home, RENEWAL_MAKE);
    renewal = standing(f->home);
    g_assert_true(renewal.waiting && !renewal.next_named && digest_equal(&renewal.current, &before.current));
    g_assert_true(renewal_count(f->home, 100, NULL));
    g_assert_cmpuint(standing(f->home).served, ==, 0);   /* what is not announced does not wait */
    take(f->home, RENEWAL_ANNOUNCE);
    g_assert_cmpuint(pins_of(f->home), ==, 2);
    g_assert_true(renewal_count(f->home, 100, NULL));
    g_assert_true(renewal_count(f->home, 20, NULL));
    renewal = standing(f->home);
    g_assert_cmpuint(renewal.served, ==, 120);
    g_assert_cmpuint(renewal.record, ==, 2);
    take(f->home, RENEWAL_TAKE_OVER);
    announced = renewal.next;
    renewal = standing(f->home);
    g_assert_true(digest_equal(&renewal.current, &announced));
    g_assert_true(!renewal.waiting && renewal.current_named && renewal.others_named);
    g_assert_cmpuint(renewal.served, ==, 0);         /* the old one's time begins */
    take(f->home, RENEWAL_WITHDRAW);
    g_assert_cmpuint(pins_of(f->home), ==, 1);
    g_assert_false(standing(f->home).others_named);
}

static void
test_tc11_replaced_at_once(HomeFixture *f, gconstpointer data)
{
    Renewal before = standing(f->home), announced, after;

    take(f->home, RENEWAL_MAKE);
    take(f->home, RENEWAL_ANNOUNCE);
    announced = standing(f->home);
    g_assert_true(renewal_replace(f->home, NULL));
    after = standing(f->home);
    g_assert_false(digest_equal(&after.current, &before.current));
    g_assert_false(digest_equal(&after.current, &announced.next));   /* that lay beside the stolen one */
    g_assert_true(after.current_named && !after.waiting && !after.others_named);
}

/* The key took its place, and no profile was stated: the stolen pin is not named again. */
static void
test_tc11_killed(HomeFixture *f, gconstpointer data)
{
    g_autofree char *key = home_file(f->home, "keys/tls.key"), *certificate = home_file(f->home, "keys/tls.crt"), *count = home_file(f->home, "keys/tls-renewal");
    char pin[DIGEST_TEXT_SIZE];
    g_autofree char *text = NULL;
    Renewal renewal;

    g_unlink(key);
    g_unlink(certificate);
    g_assert_true(tls_generate(key, certificate, home_id(f->home), NULL, NULL));
    renewal = standing(f->home);
    text = g_strdup_printf("{\"pin\":\"%s\",\"record\":0,\"served\":%d,\"since\":\"2026-05-01T08:00:00Z\"}", digest_format(&renewal.current, pin), RENEWAL_LINGERS_FOR);
    g_assert_true(durable_write(count, text, strlen(text), 0600, NULL));
    renewal = standing(f->home);
    g_assert_cmpint(renewal_decide(&renewal, renewal.from, FALSE, TRUE), ==, RENEWAL_ANNOUNCE);
    take(f->home, RENEWAL_ANNOUNCE);
    renewal = standing(f->home);
    g_assert_true(renewal.current_named && !renewal.others_named);
}

static void
test_h9_what_a_kill_left(HomeFixture *f, gconstpointer data)
{
    static const char *const bad[] = { "", "{}", "[]", "{\"pin\":1}", "{\"pin\":\"sha256:00\",\"record\":0,\"served\":0,\"since\":\"x\"}", "not json" };
    g_autofree char *key = home_file(f->home, "keys/tls.key"), *next_key = home_file(f->home, "keys/tls-next.key");
    g_autofree char *next = home_file(f->home, "keys/tls-next.crt"), *certificate = home_file(f->home, "keys/tls.crt"), *count = home_file(f->home, "keys/tls-renewal");
    Renewal renewal;
    Digest announced;

    /* Between the two renames. */
    take(f->home, RENEWAL_MAKE);
    take(f->home, RENEWAL_ANNOUNCE);
    announced = standing(f->home).next;
    g_assert_cmpint(g_rename(next_key, key), ==, 0);
    g_assert_false(tls_pair_check(key, certificate, NULL));
    g_assert_true(renewal_settle(f->home, NULL));
    g_assert_true(tls_pair_check(key, certificate, NULL));
    renewal = standing(f->home);
    g_assert_true(digest_equal(&renewal.current, &announced));
    /* While a pair was made. */
    take(f->home, RENEWAL_MAKE);
    g_unlink(next);
    g_assert_true(renewal_settle(f->home, NULL));
    g_assert_false(g_file_test(next_key, G_FILE_TEST_EXISTS));
    /* A certificate of no key here. */
    take(f->home, RENEWAL_MAKE);
    g_unlink(next_key);
    g_assert_true(renewal_settle(f->home, NULL));
    g_assert_false(g_file_test(next, G_FILE_TEST_EXISTS));
    g_assert_true(tls_pair_check(key, certificate, NULL));
    /* A count that is damaged begins anew. */
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_true(durable_write(count, bad[i], strlen(bad[i]), 0600, NULL));
        g_assert_cmpuint(standing(f->home).served, ==, 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/renewal/decisions", test_decisions);
    g_test_add("/renewal/tc9-from-one-key-to-the-next", HomeFixture, NULL, home_fixture_make, test_tc9_from_one_key_to_the_next, home_fixture_clear);
    g_test_add("/renewal/tc11-replaced-at-once", HomeFixture, NULL, home_fixture_make, test_tc11_replaced_at_once, home_fixture_clear);
    g_test_add("/renewal/tc11-killed", HomeFixture, NULL, home_fixture_make, test_tc11_killed, home_fixture_clear);
    g_test_add("/renewal/h9-what-a-kill-left", HomeFixture, NULL, home_fixture_make, test_h9_what_a_kill_left, home_fixture_clear);
    return g_test_run();
}
