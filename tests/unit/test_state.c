#include "manifests/state.h"

#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "keys/error.h"

static char *folder, *path;

static void
set_up(void)
{
    folder = g_dir_make_tmp("chama-state-XXXXXX", NULL);
    g_assert_nonnull(folder);
    path = g_build_filename(folder, "state.sqlite", NULL);
}

static void
tear_down(void)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(folder, name, NULL);

        g_assert_cmpint(g_unlink(file), ==, 0);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_clear_pointer(&folder, g_free);
    g_clear_pointer(&path, g_free);
}

static State *
open_state(void)
{
    g_autoptr(GError) error = NULL;
    State *state = state_open(path, &error);

    g_assert_no_error(error);
    return state;
}

static Held
make_held(guint8 seed, gboolean complete)
{
    Held held = { .complete = complete };

    memset(&held.manifest, seed, sizeof held.manifest);
    memset(&held.listing, seed + 1, sizeof held.listing);
    memset(&held.details, seed + 2, sizeof held.details);
    return held;
}

static void
assert_held_equal(const Held *a, const Held *b)
{
    g_assert_true(digest_equal(&a->manifest, &b->manifest));
    g_assert_true(digest_equal(&a->listing, &b->listing));
    g_assert_true(digest_equal(&a->details, &b->details));
    g_assert_true(digest_equal(&a->content, &b->content));
    g_assert_cmpint(a->complete, ==, b->complete);
}

static void
test_held(void)
{
    const Held first = make_held(1, FALSE), second = make_held(2, TRUE);
    g_autoptr(GError) error = NULL;
    Held changed = first, read;

    set_up();
    {
        g_autoptr(State) state = open_state();

        g_assert_false(state_held(state, &first.manifest, &read, &error));
        g_assert_no_error(error);
        g_assert_true(state_hold(state, &second, &error));
        g_assert_true(state_hold(state, &first, &error));
        changed.complete = TRUE;
        memset(&changed.content, 9, sizeof changed.content);
        g_assert_true(state_hold(state, &changed, &error));
    }
    {
        g_autoptr(State) state = open_state();
        g_autoptr(GArray) all = state_all_held(state, &error);

        g_assert_cmpuint(all->len, ==, 2);
        assert_held_equal(&g_array_index(all, Held, 0), &changed);
        assert_held_equal(&g_array_index(all, Held, 1), &second);
        g_assert_true(state_held(state, &first.manifest, &read, &error));
        assert_held_equal(&read, &changed);
        g_assert_true(state_drop(state, &first.manifest, &error));
        g_assert_true(state_drop(state, &first.manifest, &error));
        g_assert_false(state_held(state, &first.manifest, &read, &error));
        g_assert_no_error(error);
    }
    tear_down();
}

/* What one connection has written, another reads; nothing that was read keeps the writer out. */
static void
test_two_connections(void)
{
    const Held held = make_held(1, TRUE);
    g_autoptr(GError) error = NULL;
    Held read;

    set_up();
    {
        g_autoptr(State) one = open_state();
        g_autoptr(State) two = open_state();

        g_assert_false(state_held(two, &held.manifest, &read, &error));
        g_assert_true(state_hold(one, &held, &error));
        g_assert_true(state_held(two, &held.manifest, &read, &error));
        g_assert_true(state_drop(two, &held.manifest, &error));
        g_assert_false(state_held(one, &held.manifest, &read, &error));
        g_assert_no_error(error);
    }
    tear_down();
}

static gpointer
hold_many(gpointer data)
{
    g_autoptr(State) state = open_state();

    for (guint i = 0; i < 20; i++) {
        Held held = make_held((guint8)(GPOINTER_TO_UINT(data) + i), TRUE);

        g_assert_true(state_hold(state, &held, NULL));
    }
    return NULL;
}

/* From an empty folder: all four also want to make the tables. */
static void
test_threads(void)
{
    GThread *threads[4];

    set_up();
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("hold", hold_many, GUINT_TO_POINTER(i * 20));
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    {
        g_autoptr(State) state = open_state();
        g_autoptr(GArray) all = state_all_held(state, NULL);

        g_assert_cmpuint(all->len, ==, 80);
    }
    tear_down();
}

/* A path need not be UTF-8. */
static void
test_checkout(void)
{
    static const char *const folders[] = { "/srv/data", "/srv/data/", "/srv/\xff\xfe", "/srv/it's; DROP TABLE held" };
    g_autoptr(GError) error = NULL;
    Digest written, read;

    set_up();
    {
        g_autoptr(State) state = open_state();

        for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
            g_assert_false(state_checkout_get(state, folders[i], &read, &error));
            g_assert_no_error(error);
            memset(&written, 50, sizeof written);
            g_assert_true(state_checkout_set(state, folders[i], &written, &error));
            memset(&written, (int)i, sizeof written);
            g_assert_true(state_checkout_set(state, folders[i], &written, &error));
        }
        for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
            g_assert_true(state_checkout_get(state, folders[i], &read, &error));
            g_assert_cmpuint(read.bytes[0], ==, i);
        }
    }
    tear_down();
}

static void
test_evidence_once(void)
{
    g_autoptr(GError) error = NULL;

    set_up();
    {
        g_autoptr(State) state = open_state();
        g_autoptr(GPtrArray) all = NULL;
        const Evidence *first;

        g_assert_true(state_add_evidence(state, "node", "fork", "{\"a\":1}", 10, &error));
        g_assert_true(state_add_evidence(state, "node", "fork", "{\"a\":1}", 20, &error));
        g_assert_true(state_add_evidence(state, "node", "rollback", "{\"a\":1}", 30, &error));
        all = state_evidence(state, &error);
        g_assert_cmpuint(all->len, ==, 2);
        first = g_ptr_array_index(all, 0);
        g_assert_cmpstr(first->node, ==, "node");
        g_assert_cmpstr(first->kind, ==, "fork");
        g_assert_cmpstr(first->text, ==, "{\"a\":1}");
        g_assert_cmpint(first->time, ==, 10);
    }
    tear_down();
}

static void
add_many(State *state, const char *node, guint count)
{
    for (guint i = 0; i < count; i++) {
        g_autofree char *text = g_strdup_printf("{\"a\":%u}", i);

        g_assert_true(state_add_evidence(state, node, "fork", text, 1, NULL));
    }
}

/* I6: one node cannot crowd out the others. */
static void
test_evidence_bounds(void)
{
    g_autofree char *large = g_strnfill(512 * 1024 + 1, 'x');
    g_autoptr(GError) error = NULL;

    set_up();
    {
        g_autoptr(State) state = open_state();
        g_autoptr(GPtrArray) some = NULL, all = NULL;

        g_assert_cmpint(sqlite3_exec(state_database(state), "PRAGMA synchronous = OFF", NULL, NULL, NULL), ==, SQLITE_OK);
        add_many(state, "a", 101);
        add_many(state, "b", 1);
        some = state_evidence(state, NULL);
        g_assert_cmpuint(some->len, ==, 101);
        for (guint i = 0; i < 10; i++) {
            char node[] = { (char)('c' + i), '\0' };

            add_many(state, node, 100);
        }
        all = state_evidence(state, NULL);
        g_assert_cmpuint(all->len, ==, 1000);
        g_assert_false(state_add_evidence(state, "z", "fork", large, 1, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    }
    tear_down();
}

static void
test_mode(void)
{
    struct stat st;

    set_up();
    {
        g_autoptr(State) state = open_state();

        g_assert_true(state_drop(state, &(Digest){ 0 }, NULL));
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0600);
    }
    tear_down();
}

/* Unlike the catalogue, a state that cannot be read is never put aside: it holds what nobody can rebuild. */
static void
test_damaged(void)
{
    g_autofree char *text = g_strnfill(8192, 'x');
    g_autofree char *after = NULL;
    g_autoptr(GError) error = NULL;
    gsize size;

    set_up();
    g_assert_true(g_file_set_contents(path, text, 8192, NULL));
    g_assert_null(state_open(path, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
    g_assert_true(g_file_get_contents(path, &after, &size, NULL));
    g_assert_cmpmem(after, size, text, 8192);
    tear_down();
}

static void
test_other_schema(void)
{
    g_autoptr(GError) error = NULL;

    set_up();
    {
        g_autoptr(State) state = open_state();

        g_assert_cmpint(sqlite3_exec(state_database(state), "PRAGMA user_version = 99", NULL, NULL, NULL), ==, SQLITE_OK);
    }
    g_assert_null(state_open(path, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    tear_down();
}

static void
test_no_folder(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(state_open("/nonexistent/chama/state.sqlite", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

/* A row that is not what this program writes is damage, not a crash. */
static void
test_bad_row(void)
{
    g_autoptr(GError) error = NULL;

    set_up();
    {
        g_autoptr(State) state = open_state();

        g_assert_cmpint(sqlite3_exec(state_database(state), "INSERT INTO held VALUES (x'00', x'00', x'00', x'00', 1)", NULL, NULL, NULL), ==, SQLITE_OK);
        g_assert_null(state_all_held(state, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
    }
    tear_down();
}

static void
count_tables(gpointer data, const char *table)
{
    GString *tables = data;

    g_string_append_printf(tables, "%s ", table);
}

/* What another connection, which does not keep the tally, does to the file is what a flipped bit does. */
static void
test_rows_changed(void)
{
    static const struct { const char *sql, *found; } cases[] = {
        { "SELECT 1", "" },
        { "UPDATE held SET complete = 0", "held " },
        { "DELETE FROM held", "held " },
        { "INSERT INTO held SELECT x'00', listing, details, content, complete FROM held", "held " },
        { "UPDATE evidence SET text = 'other'", "evidence " },
        { "UPDATE other SET b = NULL", "other " },
        { "UPDATE other SET a = 'y', b = 'x'", "other " },
        { "UPDATE other SET b = CAST(b AS BLOB)", "other " },
        { "DELETE FROM tally WHERE name = 'held'", "held " },
        { "UPDATE tally SET sum = 1 WHERE name = 'checkout'", "checkout " },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Held held = { .manifest = { { 1 } }, .listing = { { 2 } }, .complete = TRUE };
        g_autoptr(GString) found = g_string_new("");
        sqlite3 *other = NULL;

        set_up();
        g_autoptr(State) state = open_state();
        g_assert_true(state_hold(state, &held, NULL) && state_hold(state, &held, NULL));
        g_assert_true(state_add_evidence(state, "n", EVIDENCE_FORK, "{}", 1, NULL));
        g_assert_true(state_make_table(state, "CREATE TABLE IF NOT EXISTS other (a TEXT PRIMARY KEY, b TEXT) WITHOUT ROWID", NULL));
        g_assert_cmpint(sqlite3_exec(state_database(state), "INSERT INTO other VALUES ('x', 'y'), ('z', NULL); REPLACE INTO other VALUES ('x', 'w');"
                                     "DELETE FROM other WHERE a = 'z'; UPDATE other SET b = 'y'", NULL, NULL, NULL), ==, SQLITE_OK);
        g_assert_true(state_check(state, count_tables, found, NULL));
        g_assert_cmpstr(found->str, ==, "");
        g_assert_cmpint(sqlite3_open(path, &other), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_exec(other, cases[i].sql, NULL, NULL, NULL), ==, SQLITE_OK);
        sqlite3_close(other);
        g_assert_true(state_check(state, count_tables, found, NULL));
        g_assert_cmpstr(found->str, ==, cases[i].found);
        g_clear_pointer(&state, state_close);
        tear_down();
    }
}

/* A tally taken away begins anew with what is there. */
static void
test_tally_anew(void)
{
    const Held held = { .manifest = { { 1 } }, .published = TRUE, .complete = TRUE };
    g_autoptr(GString) found = g_string_new("");
    Held read;

    set_up();
    {
        g_autoptr(State) state = open_state();

        g_assert_true(state_hold(state, &held, NULL));
        g_assert_cmpint(sqlite3_exec(state_database(state), "DELETE FROM tally", NULL, NULL, NULL), ==, SQLITE_OK);
    }
    {
        g_autoptr(State) state = open_state();

        g_assert_true(state_check(state, count_tables, found, NULL));
        g_assert_cmpstr(found->str, ==, "");
        g_assert_true(state_held(state, &held.manifest, &read, NULL));
        g_assert_true(read.published && read.complete);
    }
    tear_down();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/held", test_held);
    g_test_add_func("/state/two-connections", test_two_connections);
    g_test_add_func("/state/threads", test_threads);
    g_test_add_func("/state/checkout", test_checkout);
    g_test_add_func("/state/evidence/once", test_evidence_once);
    g_test_add_func("/state/evidence/bounds", test_evidence_bounds);
    g_test_add_func("/state/mode", test_mode);
    g_test_add_func("/state/damaged", test_damaged);
    g_test_add_func("/state/other-schema", test_other_schema);
    g_test_add_func("/state/no-folder", test_no_folder);
    g_test_add_func("/state/bad-row", test_bad_row);
    g_test_add_func("/state/rows-changed", test_rows_changed);
    g_test_add_func("/state/tally-anew", test_tally_anew);
    return g_test_run();
}
