/* One turn of an outbox: DB11 to DB16 of sync/BUNDLE.md. */
#include <stdlib.h>
#include <string.h>

#include <glib/gstdio.h>

#include "sync/dropbox/outbox.h"

#define SIZE 300000

typedef struct {
    char *folder, *stage, *place;
    guint made;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    f->folder = g_dir_make_tmp("chama-outbox-XXXXXX", NULL);
    f->stage = g_build_filename(f->folder, "home", "outbox", "stage", NULL);
    f->place = g_build_filename(f->folder, "place", NULL);
    g_assert_cmpint(g_mkdir(f->place, 0700), ==, 0);
    f->made = 0;
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    const char *const arguments[] = { "rm", "-rf", f->folder, NULL };

    g_assert_true(g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
    g_free(f->folder);
    g_free(f->stage);
    g_free(f->place);
}

/* An OutboxMake: two volumes. */
static gboolean
make(gpointer data, const char *path, const char *left, char **now, gboolean *empty, GError **error)
{
    Fixture *f = data;
    g_autofree char *bytes = g_strnfill(SIZE, 'x'), *second = g_strdup_printf("%.*s.002.tar", (int)(strlen(path) - 4), path);

    f->made++;
    *empty = FALSE;
    return g_file_set_contents(path, bytes, SIZE, error) && g_file_set_contents(second, bytes, SIZE, error);
}

static guint
lying(const Fixture *f)
{
    GDir *dir = g_dir_open(f->place, 0, NULL);
    guint count = 0;

    while (g_dir_read_name(dir))
        count++;
    g_dir_close(dir);
    return count;
}

static OutboxResult
turn(Fixture *f, guint files_max, const char *state, const char *wish, Progress *progress)
{
    const OutboxOffer offer = { .state = state, .anew = wish != NULL, .wish = wish, .by_hand = TRUE, .make = make, .data = f };
    const OutboxLimits limits = { .files_max = files_max };
    const TransportOptions options = { 0 };
    g_autoptr(GError) error = NULL;
    OutboxResult result;

    g_assert_true(outbox_run(f->stage, f->place, &limits, &offer, &options, progress, &result, &error));
    g_assert_no_error(error);
    return result;
}

/* What is shown to a person never goes beyond what there is to do. */
static void
test_progress(Fixture *f, gconstpointer data)
{
    Progress progress = { 0 };

    g_assert_cmpuint(turn(f, 0, "one", NULL, &progress).left, ==, 2);
    g_assert_cmpint(progress.bytes_done, ==, 2 * SIZE);
    g_assert_cmpint(progress.bytes_total, ==, 2 * SIZE);
    g_assert_true(turn(f, 0, "one", NULL, NULL).nothing_new);
    g_assert_cmpuint(turn(f, 0, "two", NULL, NULL).left, ==, 2);
    g_assert_cmpuint(f->made, ==, 2);
}

/* DB16: the same wish gets what was made for it, another one a bundle of its own; neither says that there is nothing new. */
static void
test_wish(Fixture *f, gconstpointer data)
{
    OutboxResult result = turn(f, 1, NULL, "cover@1\n", NULL);

    g_assert_true(result.full && result.waiting == 1);
    g_assert_cmpuint(turn(f, 0, NULL, "cover@1\n", NULL).left, ==, 1);
    g_assert_cmpuint(f->made, ==, 1);
    g_assert_cmpuint(lying(f), ==, 2);
    turn(f, 3, NULL, "cover@1\n", NULL);
    g_assert_cmpuint(turn(f, 0, NULL, "other@1\n", NULL).left, ==, 3);
    g_assert_cmpuint(f->made, ==, 3);
    g_assert_false(turn(f, 0, "one", NULL, NULL).nothing_new);
    g_assert_true(turn(f, 0, "one", NULL, NULL).nothing_new);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/outbox/progress", Fixture, NULL, set_up, test_progress, tear_down);
    g_test_add("/outbox/DB16-wish", Fixture, NULL, set_up, test_wish, tear_down);
    return g_test_run();
}
