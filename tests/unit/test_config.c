/* node/config.c: what people write in config.ini, and what is not taken. */
#include <string.h>

#include <glib/gstdio.h>

#include "keys/error.h"
#include "node/config.h"

static Config *
load(const char *text, GError **error)
{
    g_autofree char *folder = g_dir_make_tmp("chama-config.XXXXXX", NULL), *path = g_build_filename(folder, "config.ini", NULL);
    Config *config;

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    config = config_load(folder, error);
    g_remove(path);
    g_rmdir(folder);
    return config;
}

static void
defaults(void)
{
    g_autofree char *text = config_template("127.0.0.1:8470", NULL);
    g_autoptr(Config) template = load(text, NULL), empty = load("", NULL);

    g_assert_nonnull(template);
    g_assert_nonnull(empty);
    g_assert_cmpuint(template->parallel, ==, empty->parallel);
    g_assert_cmpuint(template->slowest, ==, 1024);
    g_assert_cmpuint(rate_at(&template->rate, 0), ==, 0);
    g_assert_cmpuint(template->peers->len, ==, 0);
    g_assert_null(template->ssh_key);
}

static void
peers(void)
{
    g_autoptr(Config) config = load("[sync]\ninterval = 60\nlimit-rate = 1M\n[peer harbour]\nlimit-rate = 08:00-18:00 5K, none\ninterval = 3600\npush = yes\n[peer mill]\npush = no\n", NULL);
    g_autoptr(Limits) limits = NULL;

    g_assert_nonnull(config);
    g_assert_cmpuint(config_interval(config, "harbour"), ==, 3600);
    g_assert_cmpuint(config_interval(config, "mill"), ==, 60);
    g_assert_cmpuint(config_interval(config, "forestry"), ==, 60);
    g_assert_cmpuint(config_interval(config, NULL), ==, 60);
    g_assert_cmpuint(rate_at(&config_peer(config, "harbour")->rate, 600), ==, 5120);
    g_assert_true(config_pushes(config, "harbour"));
    g_assert_false(config_pushes(config, "mill"));
    g_assert_false(config_pushes(config, "forestry"));
    limits = config_limits(config, FALSE);
    g_assert_true(limits_of(limits, "mill") == limits_of(limits, NULL));
    g_assert_true(limits_of(limits, "harbour") != limits_of(limits, NULL));
}

static void
refused(void)
{
    static const char *const cases[][2] = {
        { "[sync]\nlimit-rate = fast\n", "[sync] limit-rate: PU50: " },
        { "[sync]\nslowest = none\n", "[sync] slowest: PU53: " },
        { "[ssh]\nkey = id_ed25519\n", "[ssh] key: want the whole path" },
        { "[sync]\nparallel = 0\n", "[sync] parallel: want a number from 1 to 64" },
        { "[peer harbour]\nlimit-rate = 08:00 5K\n", "[peer] limit-rate: PU50: " },
        { "[peer harbour]\nspeed = 5K\n", "[peer harbour] speed: no such key" },
        { "[peer Harbour!]\nlimit-rate = 5K\n", "[peer Harbour!]: " },
        { "[peer ]\n", "[peer ]: " },
        { "[peers]\nlimit-rate = 5K\n", "[peers] limit-rate: no such key" },
        { "[peer harbour]\ninterval = 604801\n", "[peer] interval: want a number" },
        { "[peer harbour]\npush = 1\n", "[peer] push: want yes or no, have 1" },
        { "[sync]\npush = yes\n", "[sync] push: no such key" },
        { "[serve]\ninterval = 5\n", "[serve] interval: no such key" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(load(cases[i][0], &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, cases[i][1]));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/defaults", defaults);
    g_test_add_func("/config/peers", peers);
    g_test_add_func("/config/refused", refused);
    return g_test_run();
}
