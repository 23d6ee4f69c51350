#include <errno.h>
#include <sys/file.h>

#include "keys/error.h"
#include "sync/dropbox/inbox.h"
#include "sync/dropbox/kept.h"
#include "tests/unit/checkout_fixture.h"

static const InboxLimits usual = { .settle = 2, .keep_bytes = 1000000, .keep_count = 100, .keep_days = 10 };

/* A file that begins with "bad", "later" or "wait" is taken so; all others are good. */
typedef struct {
    GString *taken;            /* names, as they were called when they came */
    GString *told;
} Taker;

static InboxVerdict
take(gpointer data, const char *path, char **reason)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    *reason = g_strdup(text);
    if (g_str_has_prefix(text, "bad"))
        return INBOX_IS_REFUSED;
    if (g_str_has_prefix(text, "later"))
        return INBOX_TRY_AGAIN;
    if (g_str_has_prefix(text, "wait"))
        return INBOX_WAIT;
    g_string_append_printf(((Taker *)data)->taken, "%s ", strrchr(path, 'Z') + 2);
    g_clear_pointer(reason, g_free);
    return INBOX_IS_DONE;
}

static void
tell(gpointer data, const char *name, InboxVerdict verdict, const char *reason)
{
    g_string_append_printf(((Taker *)data)->told, "%d:%s ", verdict, reason ? reason : "");
}

static Taker *
taker(void)
{
    static Taker one;

    if (one.taken) {
        g_string_truncate(one.taken, 0);
        g_string_truncate(one.told, 0);
    } else {
        one = (Taker){ g_string_new(NULL), g_string_new(NULL) };
    }
    return &one;
}

static guint
look(Inbox *inbox, gint64 now)
{
    g_autoptr(GError) error = NULL;
    guint waiting;

    inbox_look(inbox, now, &waiting, &error);
    g_assert_no_error(error);
    return waiting;
}

static guint
count_below(Tree *tree, const char *name)
{
    g_autofree char *path = g_build_filename(tree->in, name, NULL);

    return count_in(path);
}

/* The text of the one reason in "refused". */
static char *
reason_of(Tree *tree)
{
    g_autofree char *path = g_build_filename(tree->in, INBOX_REFUSED, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)))
        if (g_str_has_suffix(name, ".txt"))
            return text_of(path, name);
    return NULL;
}

static void
test_DB1_DB3_names(void)
{
    static const struct {
        const char *name;
        gboolean temporary, bundle;
    } cases[] = {
        { "a.tar", FALSE, TRUE },       { "a.tar.zst", FALSE, TRUE },   { "数据.001.tar", FALSE, TRUE }, { "a.tar.gz", FALSE, TRUE },
        { "a.tar.part", TRUE, FALSE },  { ".a.tar", TRUE, TRUE },       { "a.tar~", TRUE, FALSE },       { "a.tar.tmp", TRUE, FALSE },
        { "a.tar.filepart", TRUE, FALSE }, { "a.tar.tmp-X7f2Qa", TRUE, FALSE }, { "a.zip", FALSE, FALSE }, { ".tar", TRUE, FALSE },
        { "tar", FALSE, FALSE },        { "a.TAR", FALSE, FALSE },      { "", FALSE, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpint(inbox_is_temporary(cases[i].name), ==, cases[i].temporary);
        g_assert_cmpint(inbox_is_bundle(cases[i].name), ==, cases[i].bundle);
    }
}

static void
test_DB5_kept_names(void)
{
    static const struct {
        const char *name, *kept;
        guint number;
    } cases[] = {
        { "a.tar", "20260921T141321Z-a.tar", 0 },
        { "a.tar", "20260921T141321Z-7-a.tar", 7 },
        { "数据.tar", "20260921T141321Z-数据.tar", 0 },
        { "a\n\x1b[31mb.tar", "20260921T141321Z-a__[31mb.tar", 0 },
        { "../../x.tar", "20260921T141321Z-.._.._x.tar", 0 },
        { "`rm -rf $HOME`.tar", "20260921T141321Z-_rm_-rf__HOME_.tar", 0 },
        { "\xff.tar", "20260921T141321Z-\xef\xbf\xbd.tar", 0 },
        { "\xe2\x80\xae" "rat.x.tar", "20260921T141321Z-unnamed.tar", 0 },
    };
    static const char *const others[] = { "", "a.tar", "20260921T141321Z", "20260921T141321Zx", "20261321T141321Z-a", "2026-09-21-a.tar", "20260921t141321z-a" };
    g_autofree char *name = g_strnfill(250, 'n'), *kept = inbox_kept_name(name, 0, 0), *wide = g_strconcat("x", "数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据.tar", NULL);
    g_autofree char *shortened = inbox_kept_name(wide, 0, 0);
    gint64 seconds;

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *have = inbox_kept_name(cases[i].name, 1790000001, cases[i].number);

        g_assert_cmpstr(have, ==, cases[i].kept);
        g_assert_true(inbox_kept_time(have, &seconds));
        g_assert_cmpint(seconds, ==, 1790000001);
    }
    for (guint i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_false(inbox_kept_time(others[i], &seconds));
    g_assert_cmpuint(strlen(kept), <, 200);
    g_assert_true(g_utf8_validate(shortened, -1, NULL));
    g_assert_true(g_str_has_suffix(shortened, ".tar"));
}

static void
test_taken(Tree *tree, gconstpointer data)
{
    Taker *into = taker();
    g_autoptr(Inbox) inbox = inbox_new(tree->in, &usual, take, tell, into);

    tree_text(tree->in, "b.tar", "2");
    tree_text(tree->in, "a.tar.zst", "1");
    tree_text(tree->in, "c.tar.part", "not yet");
    tree_folder(tree->in, "theirs");
    g_assert_cmpuint(look(inbox, 100), ==, 2);
    g_assert_cmpstr(into->taken->str, ==, "");
    g_assert_cmpuint(look(inbox, 101), ==, 2);
    g_assert_cmpuint(look(inbox, 102), ==, 0);
    g_assert_cmpstr(into->taken->str, ==, "a.tar.zst b.tar ");
    g_assert_cmpuint(count_below(tree, INBOX_DONE), ==, 2);
    g_assert_cmpuint(count_below(tree, INBOX_REFUSED), ==, 0);
    g_assert_true(exists(tree->in, "c.tar.part"));
    g_assert_true(exists(tree->in, "theirs"));
    /* The same name once more is another file. */
    tree_text(tree->in, "b.tar", "3");
    look(inbox, 110);
    g_assert_cmpuint(look(inbox, 112), ==, 0);
    g_assert_cmpstr(into->taken->str, ==, "a.tar.zst b.tar b.tar ");
    g_assert_cmpuint(count_below(tree, INBOX_DONE), ==, 3);
}

static void
test_DB2_growing(Tree *tree, gconstpointer data)
{
    Taker *into = taker();
    g_autoptr(Inbox) inbox = inbox_new(tree->in, &usual, take, tell, into);

    for (guint i = 0; i < 5; i++) {
        g_autofree char *text = g_strnfill(10 + i, 'x');

        tree_text(tree->in, "a.tar", text);
        look(inbox, 100 + 2 * i);
    }
    g_assert_cmpstr(into->taken->str, ==, "");
    look(inbox, 109);
    g_assert_cmpstr(into->taken->str, ==, "");
    look(inbox, 110);
    g_assert_cmpstr(into->taken->str, ==, "a.tar ");
}

static void
test_DB3_other_things(Tree *tree, gconstpointer data)
{
    static const char *const says[] = { "link.tar\nDB3: want a file, have a link\n", "pipe.tar\nDB3: want a file, have a FIFO\n" };
    g_autofree char *secret = g_build_filename(tree->top, "secret", NULL);

    tree_text(tree->top, "secret", "x");
    for (guint i = 0; i < G_N_ELEMENTS(says); i++) {
        Taker *into = taker();
        g_autoptr(Inbox) inbox = inbox_new(tree->in, &usual, take, tell, into);
        g_autofree char *reason = NULL, *fifo = g_build_filename(tree->in, "pipe.tar", NULL), *refused = g_build_filename(tree->in, INBOX_REFUSED, NULL);

        if (i == 0)
            tree_link(tree->in, "link.tar", secret);
        else
            g_assert_cmpint(mkfifo(fifo, 0666), ==, 0);
        look(inbox, 100);
        g_assert_cmpuint(look(inbox, 102), ==, 0);
        reason = reason_of(tree);
        g_assert_cmpstr(reason, ==, says[i]);
        g_assert_cmpuint(count_in(refused), ==, 2);
        g_assert_cmpstr(into->taken->str, ==, "");
        tree_remove(refused);
    }
    g_assert_true(exists(tree->top, "secret"));
}

/* What is not called as a bundle is left where it is, and is not counted. */
static void
test_DB3_foreign(Tree *tree, gconstpointer data)
{
    static const char *const names[] = { "notes.doc", "20200101T000000Z-photo.jpg", "tar", "a.tgz" };
    const InboxLimits tight = { .settle = 0, .keep_bytes = 1000, .keep_count = 2, .keep_days = 1 };
    g_autofree char *done = g_build_filename(tree->in, INBOX_DONE, NULL);
    Taker *into = taker();
    g_autoptr(Inbox) inbox = inbox_new(tree->in, &tight, take, tell, into);

    tree_folder(tree->in, INBOX_DONE);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        tree_text(tree->in, names[i], "x");
        tree_text(done, names[i], "x");
    }
    tree_text(tree->in, "b.tar", "good");
    look(inbox, 100);
    g_assert_cmpuint(look(inbox, 102), ==, 0);
    g_assert_cmpstr(into->taken->str, ==, "b.tar ");
    g_assert_cmpuint(count_below(tree, INBOX_REFUSED), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_true(exists(tree->in, names[i]));
        g_assert_true(exists(done, names[i]));
    }
}

/* A bad file, one that waits and one for which there is no room: the others go on. */
static void
test_DB6_no_one_is_held_up(Tree *tree, gconstpointer data)
{
    Taker *into = taker();
    g_autoptr(Inbox) inbox = inbox_new(tree->in, &usual, take, tell, into);
    g_autofree char *reason = NULL;

    tree_text(tree->in, "a.tar", "bad: B8");
    tree_text(tree->in, "b.tar", "later: a lock");
    tree_text(tree->in, "c.tar", "wait: no room");
    tree_text(tree->in, "d.tar", "good");
    look(inbox, 100);
    g_assert_cmpuint(look(inbox, 102), ==, 2);
    g_assert_cmpstr(into->taken->str, ==, "d.tar ");
    reason = reason_of(tree);
    g_assert_cmpstr(strchr(reason, '\n'), ==, "\nbad: B8\n");
    g_assert_cmpuint(count_below(tree, INBOX_TAKING), ==, 2);
    g_string_truncate(into->told, 0);
    /* Not at once again. */
    look(inbox, 103);
    g_assert_cmpstr(into->told->str, ==, "");
    look(inbox, 107);
    g_assert_cmpstr(into->told->str, ==, "2:later: a lock 3:wait: no room ");
}

static void
test_DB6_tries(Tree *tree, gconstpointer data)
{
    Taker *into = taker();
    g_autoptr(Inbox) inbox = inbox_new(tree->in, &usual, take, tell, into);
    gint64 now = 100;

    tree_text(tree->in, "a.tar", "later: gap");
    tree_text(tree->in, "b.tar", "wait: no room");
    look(inbox, now);
    for (guint i = 0; i < INBOX_TRIES_MAX; i++) {
        g_assert_cmpuint(count_below(tree, INBOX_REFUSED), ==, 0);
        look(inbox, now += 4000);
    }
    g_autofree char *reason = reason_of(tree);

    g_assert_nonnull(strstr(reason, "\nDB6: want it to work within 50 tries, have: later: gap\n"));
    /* What waits for something here waits for ever. */
    g_assert_cmpuint(count_below(tree, INBOX_TAKING), ==, 1);
}

/* What one that was killed had begun with comes first. */
static void
test_goes_on(Tree *tree, gconstpointer data)
{
    Taker *into = taker();
    g_autoptr(Inbox) first = inbox_new(tree->in, &usual, take, tell, into), second = inbox_new(tree->in, &usual, take, tell, into);

    tree_text(tree->in, "a.tar", "wait");
    look(first, 100);
    look(first, 102);
    g_assert_cmpuint(count_below(tree, INBOX_TAKING), ==, 1);
    g_autofree char *path = g_strdup_printf("%s/" INBOX_TAKING, tree->in);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);

    tree_text(path, g_dir_read_name(dir), "good");
    look(second, 5000);
    g_assert_cmpstr(into->taken->str, ==, "a.tar ");
}

static void
test_DB4_folders(Tree *tree, gconstpointer data)
{
    Taker *into = taker();
    g_autoptr(Inbox) inbox = inbox_new(tree->in, &usual, take, tell, into), none = inbox_new("/nonexistent/inbox", &usual, take, tell, into);
    g_autofree char *taking = g_build_filename(tree->in, INBOX_TAKING, NULL);
    g_autoptr(GError) linked = NULL, locked = NULL, missing = NULL;
    guint waiting;

    tree_link(tree->in, INBOX_DONE, tree->top);
    g_assert_false(inbox_look(inbox, 100, &waiting, &linked));
    g_assert_nonnull(strstr(linked->message, "/done: DB4: want a folder"));
    g_autofree char *link = g_build_filename(tree->in, INBOX_DONE, NULL);

    unlink(link);
    int fd = open(taking, O_RDONLY | O_DIRECTORY);

    g_assert_cmpint(flock(fd, LOCK_EX), ==, 0);
    g_assert_false(inbox_look(inbox, 100, &waiting, &locked));
    g_assert_error(locked, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    close(fd);
    look(inbox, 100);
    g_assert_false(inbox_look(none, 100, &waiting, &missing));
    g_assert_error(missing, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

static void
add_kept(Tree *tree, gint64 time, guint number, gsize size)
{
    g_autofree char *name = inbox_kept_name("x.tar", time, number), *zeros = g_malloc0(size);

    tree_write(tree->out, name, zeros, size);
}

static void
test_DB7_bounds(Tree *tree, gconstpointer data)
{
    static const gint64 day = 24 * 3600, now = 1790000001;
    static const struct {
        InboxLimits limits;
        guint left;
    } cases[] = {
        { { .keep_bytes = 1000000, .keep_count = 100, .keep_days = 100 }, 20 },
        { { .keep_bytes = 1000000, .keep_count = 7, .keep_days = 100 }, 7 },
        { { .keep_bytes = 550, .keep_count = 100, .keep_days = 100 }, 5 },
        { { .keep_bytes = 1000000, .keep_count = 100, .keep_days = 3 }, 4 },
        { { .keep_bytes = 0, .keep_count = 100, .keep_days = 100 }, 0 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        tree_folder(tree->out, "20260921T141321Z-folder");
        tree_text(tree->out, "theirs.tar", "not ours");
        for (guint n = 0; n < 20; n++)
            add_kept(tree, now - n * day, n, 100);
        int fd = open(tree->out, O_RDONLY | O_DIRECTORY);

        kept_trim(fd, &cases[i].limits, now);
        close(fd);
        g_assert_cmpuint(count_in(tree->out), ==, cases[i].left + 2);
        g_assert_true(exists(tree->out, "theirs.tar"));
        g_autofree char *newest = inbox_kept_name("x.tar", now, 0);

        g_assert_cmpint(exists(tree->out, newest), ==, cases[i].left > 0);
        tree_remove(tree->out);
    }
}

/* Names that someone chose so as to look like ours, or to do harm. */
static void
test_hostile_names(Tree *tree, gconstpointer data)
{
    static const char *const names[] = { "20991231T235959Z-\x1b[2Jx.tar", "a\nb.tar", "-rf.tar", "$(id).tar", "\xff\xfe.tar" };
    Taker *into = taker();
    g_autoptr(Inbox) inbox = inbox_new(tree->in, &usual, take, tell, into);
    g_autofree char *done = g_build_filename(tree->in, INBOX_DONE, NULL);
    const char *name;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        tree_text(tree->in, names[i], "good");
    look(inbox, 100);
    g_assert_cmpuint(look(inbox, 102), ==, 0);
    g_autoptr(GDir) dir = g_dir_open(done, 0, NULL);

    g_assert_cmpuint(count_in(done), ==, G_N_ELEMENTS(names));
    while ((name = g_dir_read_name(dir))) {
        gint64 seconds;

        g_assert_true(inbox_kept_time(name, &seconds));
        g_assert_cmpint(seconds, <, 4000000000);
        g_assert_true(g_utf8_validate(name, -1, NULL));
        g_assert_null(strpbrk(name, "\n\x1b$`"));
    }
}

int
main(int argc, char **argv)
{
    static const CheckoutTest tests[] = {
        { "taken", test_taken },
        { "DB2-growing", test_DB2_growing },
        { "DB3-other-things", test_DB3_other_things },
        { "DB3-foreign", test_DB3_foreign },
        { "DB4-folders", test_DB4_folders },
        { "DB6-no-one-is-held-up", test_DB6_no_one_is_held_up },
        { "DB6-tries", test_DB6_tries },
        { "DB7-bounds", test_DB7_bounds },
        { "goes-on", test_goes_on },
        { "hostile-names", test_hostile_names },
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inbox/DB1-DB3-names", test_DB1_DB3_names);
    g_test_add_func("/inbox/DB5-kept-names", test_DB5_kept_names);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/inbox/", tests[i].name, NULL);

        g_test_add(path, Tree, NULL, checkout_setup, tests[i].test, checkout_teardown);
    }
    return g_test_run();
}
