/* sync/transport/rate.c and limit.c: how fast bytes may go, without a clock of its own. */
#include <string.h>

#include "keys/error.h"
#include "sync/transport/limit.h"

#define SECOND ((gint64)G_USEC_PER_SEC)

static void
pu50_numbers(void)
{
    static const struct { const char *text; guint64 bytes; } good[] = {
        { "1024", 1024 }, { "1k", 1024 }, { "500K", 500 * 1024 }, { "2M", 2 * 1024 * 1024 }, { "1G", 1024 * 1024 * 1024 }, { "none", 0 },
    };
    static const char *const bad[] = { "", "K", "0", "1023", "-5K", "5T", "5 K", "5KB", "1.5M", "99999999999999999999", "1099511627776G", "NONE", "0x400" };
    guint64 bytes;

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_assert_true(rate_parse_number(good[i].text, &bytes, NULL));
        g_assert_cmpuint(bytes, ==, good[i].bytes);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(rate_parse_number(bad[i], &bytes, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
        g_assert_true(g_str_has_prefix(error->message, "PU50: "));
    }
}

static void
pu50_hours(void)
{
    static const struct { const char *text; guint hour, minute; guint64 bytes; } cases[] = {
        { "2K", 12, 0, 2048 },
        { "08:00-18:00 2K", 7, 59, 0 },
        { "08:00-18:00 2K", 8, 0, 2048 },
        { "08:00-18:00 2K", 17, 59, 2048 },
        { "08:00-18:00 2K", 18, 0, 0 },
        { "08:00-18:00 2K, 10K", 20, 0, 10240 },
        { "22:30-06:00 none, 4K", 23, 0, 0 },
        { "22:30-06:00 none, 4K", 5, 59, 0 },
        { "22:30-06:00 none, 4K", 6, 0, 4096 },
        { "00:00-24:00 3K", 3, 0, 3072 },
        { "18:00-24:00 3K", 23, 59, 3072 },
        { "18:00-24:00 3K", 0, 0, 0 },
        { "08:00-09:00 1K,08:30-10:00 2K", 8, 45, 1024 },
    };
    static const char *const bad[] = {
        "", ",", "1K,", "08:00-18:00", "8:00-18:00 1K", "08:00-25:00 1K", "08:00-24:01 1K", "08:60-09:00 1K", "08.00-18.00 1K", "08:00-18:00 1", "08:00 - 18:00 1K", "08:00-08:00 1K",
        "00:00-00:00 1K", "24:00-24:00 1K",
        "1K,1K,1K,1K,1K,1K,1K,1K,1K,1K,1K,1K,1K,1K,1K,1K,1K",
    };
    Rate rate;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_true(rate_parse(cases[i].text, &rate, NULL));
        g_assert_cmpuint(rate_at(&rate, cases[i].hour * 60 + cases[i].minute), ==, cases[i].bytes);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(rate_parse(bad[i], &rate, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    }
}

static Limit *
limit_of(const char *text, Limit *above)
{
    Rate rate;

    g_assert_true(rate_parse(text, &rate, NULL));
    return limit_new(&rate, above);
}

/* Who rests as it is told takes the rate, whatever the size of its pieces; and what was not used for long is not kept. */
static void
pu50_pace(void)
{
    static const guint64 pieces[] = { 1, 1000, 16 * 1024, 1024 * 1024 };

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autoptr(Limit) limit = limit_of("100K", NULL);
        gint64 begun = 1000 * SECOND, now = begun;
        guint64 taken = 0, total = 20 * MAX(pieces[i], 102400);

        for (; taken < total; taken += pieces[i])
            now += limit_charge(limit, pieces[i], now, 0);
        g_assert_cmpfloat_with_epsilon((double)(now - begun) / SECOND, (double)taken / 102400, 0.3);
    }
}

static void
pu50_shared(void)
{
    g_autoptr(Limit) all = limit_of("100K", NULL), slow = limit_of("10K", all), free = limit_of("none", all);
    gint64 now = 1000 * SECOND;

    g_assert_cmpint(limit_charge(slow, 10240, now, 0), ==, SECOND - LIMIT_BURST);
    g_assert_cmpint(limit_charge(free, 102400, now, 0), >=, SECOND - LIMIT_BURST);
    /* both have used up what all may take */
    g_assert_cmpint(limit_charge(free, 102400, now, 0), >=, 2 * SECOND - LIMIT_BURST);
    g_assert_cmpint(limit_charge(slow, 10240, now + 10 * SECOND, 0), <=, SECOND);
    g_assert_cmpint(limit_take(NULL, 1 << 30), ==, 0);
}

static void
pu50_by_hours(void)
{
    g_autoptr(Limit) limit = limit_of("08:00-18:00 1K", NULL);

    g_assert_cmpint(limit_charge(limit, 1 << 20, SECOND, 7 * 60), ==, 0);
    g_assert_cmpint(limit_charge(limit, 2048, SECOND, 8 * 60), >, SECOND);
}

static void
of_peers(void)
{
    Rate none = { 0 }, own;
    g_autoptr(Limits) limits = limits_new(&none);

    g_assert_true(rate_parse("1K", &own, NULL));
    limits_set(limits, "harbour", &own);
    g_assert_null(limits_of(NULL, "harbour"));
    g_assert_true(limits_of(limits, "harbour") != limits_of(limits, "forestry"));
    g_assert_true(limits_of(limits, NULL) == limits_of(limits, "forestry"));
    g_assert_cmpint(limit_charge(limits_of(limits, "harbour"), 4096, SECOND, 0), >, 3 * SECOND);
    g_assert_cmpint(limit_charge(limits_of(limits, "forestry"), 4096, SECOND, 0), ==, 0);
}

static void
rest_ends(void)
{
    gint cancelled = 1;
    gint64 now = g_get_monotonic_time();

    g_assert_false(limit_rest(3600 * SECOND, &cancelled));
    g_assert_true(limit_rest(0, &cancelled));
    g_assert_true(limit_rest(1000, NULL));
    g_assert_cmpint(g_get_monotonic_time() - now, <, 10 * SECOND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/limit/pu50-numbers", pu50_numbers);
    g_test_add_func("/limit/pu50-hours", pu50_hours);
    g_test_add_func("/limit/pu50-pace", pu50_pace);
    g_test_add_func("/limit/pu50-shared", pu50_shared);
    g_test_add_func("/limit/pu50-by-hours", pu50_by_hours);
    g_test_add_func("/limit/of-peers", of_peers);
    g_test_add_func("/limit/rest-ends", rest_ends);
    return g_test_run();
}
