#include <string.h>
#include <utime.h>

#include "keys/error.h"
#include "sshd.h"
#include "sync/transport/sftp.h"

#define MIB (1024 * 1024)

static Sshd sshd;

/* What libssh2 keeps of requests that were under way when the connection was cut goes only with an answer: some tens of bytes, by where the cut fell. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
    return "leak:libssh2\n";
}

static Sftp *
dial(const char *folder, gint *cancelled, GError **error)
{
    g_autofree char *url = g_strdup_printf("sftp://127.0.0.1:%u%s", sshd.port, folder);
    const TransportOptions options = { .connect_timeout = 5, .stall_timeout = 5, .cancelled = cancelled };

    return sftp_open(url, &options, error);
}

static Sftp *
box(void)
{
    g_autofree char *folder = sshd_file(&sshd, "box");
    g_autoptr(GError) error = NULL;
    Sftp *sftp = dial(folder, NULL, &error);

    g_assert_no_error(error);
    return sftp;
}

/* A file of @size bytes that differ by @seed.  Its path, the caller's. */
static char *
make_file(const char *name, gsize size, guint32 seed)
{
    g_autofree guint8 *bytes = g_malloc(size + 1);
    char *path = sshd_file(&sshd, name);

    for (gsize i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (guint8)(seed >> 24);
    }
    g_assert_true(g_file_set_contents(path, (const char *)bytes, (gssize)size, NULL));
    return path;
}

static void
assert_same(const char *a, const char *b)
{
    g_autofree char *first = NULL, *second = NULL;
    gsize first_size, second_size;

    g_assert_true(g_file_get_contents(a, &first, &first_size, NULL));
    g_assert_true(g_file_get_contents(b, &second, &second_size, NULL));
    g_assert_cmpmem(first, first_size, second, second_size);
}

/* How many entries the folder @name has, hidden ones too. */
static guint
count_in(const char *name)
{
    g_autofree char *path = sshd_file(&sshd, name);
    GDir *folder = g_dir_open(path, 0, NULL);
    guint count = 0;

    while (g_dir_read_name(folder))
        count++;
    g_dir_close(folder);
    return count;
}

static void
test_put_and_get(void)
{
    static const gsize sizes[] = { 0, 1, 300000, 5 * MIB + 7 };
    g_autoptr(Sftp) sftp = box();
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *path = make_file("local", sizes[i], 1), *there = sshd_file(&sshd, "box/a.tar"), *back = sshd_file(&sshd, "back");
        Progress progress = { 0 };
        SftpEntry *entry;

        g_assert_true(sftp_put(sftp, path, "a.tar", &progress, &error));
        g_assert_no_error(error);
        assert_same(path, there);
        g_assert_cmpint(progress.bytes_done, ==, sizes[i]);
        entry = sftp_look(sftp, "a.tar", &error);
        g_assert_cmpuint(entry->size, ==, sizes[i]);
        g_assert_false(entry->folder);
        sftp_entry_free(entry);
        g_assert_true(sftp_get(sftp, "a.tar", back, sizes[i], NULL, &error));
        assert_same(path, back);
        g_assert_true(sftp_remove(sftp, "a.tar", &error));
        g_unlink(back);
    }
    g_assert_cmpuint(count_in("box"), ==, 0);
}

static void
test_list(void)
{
    g_autoptr(Sftp) sftp = box();
    g_autoptr(GPtrArray) entries = NULL, below = NULL;
    g_autofree char *b = make_file("box/b", 3, 1), *a = make_file("box/a", 2, 1), *hidden = make_file("box/.h", 2, 1), *bad = make_file("box/x\033[1my", 2, 1);
    g_autofree char *link = sshd_file(&sshd, "box/link");
    guint64 space = 0;

    g_assert_cmpint(symlink("/etc/passwd", link), ==, 0);
    g_assert_true(sftp_make_folder(sftp, "done", NULL));
    g_assert_true(sftp_make_folder(sftp, "done", NULL));
    g_assert_true(sftp_rename(sftp, "b", "done/b", NULL));
    entries = sftp_list(sftp, "", NULL);
    g_assert_cmpuint(entries->len, ==, 2);
    g_assert_cmpstr(((SftpEntry *)entries->pdata[0])->name, ==, "a");
    g_assert_true(((SftpEntry *)entries->pdata[1])->folder);
    below = sftp_list(sftp, "done", NULL);
    g_assert_cmpuint(below->len, ==, 1);
    g_assert_cmpuint(((SftpEntry *)below->pdata[0])->size, ==, 3);
    g_assert_true(sftp_free_space(sftp, &space, NULL));
    g_assert_cmpuint(space, >, 0);
    g_assert_true(sftp_remove(sftp, "done/b", NULL));
    g_unlink(a), g_unlink(hidden), g_unlink(bad), g_unlink(link);
    g_free(a);
    a = sshd_file(&sshd, "box/done");
    g_rmdir(a);
}

static void
test_refusals(void)
{
    static const char *const names[] = { "/etc/passwd", "../up", "a/../b", "a//b", ".", "a/", "x\ny" };
    g_autoptr(Sftp) sftp = box();
    g_autofree char *local = make_file("local", 1000, 1), *other = make_file("other", 1000, 2), *there = make_file("box/a", 5, 3), *back = sshd_file(&sshd, "back");
    g_autofree char *folder = sshd_file(&sshd, "");
    g_autoptr(GError) error = NULL;

    g_assert_false(sftp_put(sftp, local, "a", NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_clear_error(&error);
    g_assert_true(sftp_put(sftp, local, "b", NULL, NULL));
    g_assert_false(sftp_rename(sftp, "b", "a", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_clear_error(&error);
    g_assert_false(sftp_get(sftp, "b", back, 999, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    g_assert_false(sftp_get(sftp, "b", other, 1000, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_clear_error(&error);
    g_assert_false(sftp_get(sftp, "none", back, 1000, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(sftp_remove(sftp, "none", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(sftp_put(sftp, folder, "c", NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_clear_error(&error);
        g_assert_false(sftp_put(sftp, local, names[i], NULL, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    }
    g_assert_true(sftp_remove(sftp, "a", NULL));
    g_assert_true(sftp_remove(sftp, "b", NULL));
    g_assert_cmpuint(count_in("box"), ==, 0);
}

static void
test_folders_that_are_none(void)
{
    g_autofree char *file = make_file("local", 10, 1);
    g_autoptr(GError) error = NULL;

    g_assert_null(dial("/none/of/these", NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(dial(file, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
}

/* What a cut left is gone on with if it is of the same bytes, and removed if it is not. */
static void
test_goes_on(void)
{
    g_autoptr(Sftp) sftp = box();
    g_autofree char *local = make_file("local", 4 * MIB, 1), *there = sshd_file(&sshd, "box/a"), *stale = make_file("box/.a.0123456789abcdef.part", 100, 1);
    g_autofree char *neighbour = make_file("box/.b.0123456789abcdef.part", 100, 1), *hex = NULL, *name = NULL, *part = NULL, *bytes = NULL;
    struct stat before, after;
    gsize size;

    g_assert_true(g_file_get_contents(local, &bytes, &size, NULL));
    hex = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)bytes, size);
    name = g_strdup_printf("box/.a.%.16s.part", hex);
    part = make_file(name, 3 * MIB, 1);
    g_assert_cmpint(stat(part, &before), ==, 0);
    g_assert_true(sftp_put(sftp, local, "a", NULL, NULL));
    g_assert_cmpint(stat(there, &after), ==, 0);
    g_assert_cmpuint(before.st_ino, ==, after.st_ino);
    assert_same(local, there);
    g_assert_cmpuint(count_in("box"), ==, 2);
    g_assert_true(g_file_test(neighbour, G_FILE_TEST_EXISTS));
    g_unlink(there);
    g_unlink(neighbour);
}

static gpointer
stop_soon(gpointer data)
{
    g_usleep((gulong)g_random_int_range(1000, 120000));
    if (data)
        g_atomic_int_set((gint *)data, 1);
    else
        sshd_cut(&sshd);
    return NULL;
}

/* One attempt at what is still to do; TRUE once there is nothing. */
static gboolean
attempt(const char *local, const char *back, gint *cancelled, guint *stops)
{
    g_autofree char *folder = sshd_file(&sshd, "box"), *there = sshd_file(&sshd, "box/a");
    g_autoptr(GError) error = NULL;
    g_autoptr(Sftp) sftp = dial(folder, cancelled, &error);
    /* Renamed, and cut before it could be said. */
    gboolean put = g_file_test(there, G_FILE_TEST_EXISTS);

    if (sftp && (put || sftp_put(sftp, local, "a", NULL, &error)))
        sftp_get(sftp, "a", back, 32 * MIB, NULL, &error);
    if (!error)
        return TRUE;
    if (!g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED))
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE);
    *stops += 1;
    if (g_file_test(there, G_FILE_TEST_EXISTS))
        assert_same(local, there);
    g_assert_false(g_file_test(back, G_FILE_TEST_EXISTS));
    return FALSE;
}

/* Whoever looks sees all of it or nothing, and after any number of stops and cuts it comes whole. */
static void
test_stops_and_cuts(void)
{
    const char *wanted = g_getenv("CHAMA_CUTS");
    guint cuts = wanted && *wanted ? (guint)atoi(wanted) : 12, stops = 0;

    for (guint i = 0; stops < cuts && i < 4 * cuts; i++) {
        g_autofree char *local = make_file("local", 32 * MIB, i), *there = sshd_file(&sshd, "box/a"), *back = sshd_file(&sshd, "back");
        guint before = stops;
        gboolean done = FALSE;

        while (!done) {
            gint cancelled = 0;
            GThread *thread = stops < before + 8 ? g_thread_new("stop", stop_soon, stops % 2 ? &cancelled : NULL) : NULL;

            done = attempt(local, back, &cancelled, &stops);
            if (thread)
                g_thread_join(thread);
        }
        assert_same(local, there);
        assert_same(local, back);
        g_unlink(there);
        g_unlink(back);
        g_assert_cmpuint(count_in("box"), ==, 0);
    }
    g_assert_cmpuint(stops, >=, cuts);
    g_test_message("%u stops and cuts", stops);
}

/* A server that sends something now and then, and never what was asked for. */
static gpointer
trickle(gpointer data)
{
    int fd = accept(GPOINTER_TO_INT(data), NULL, NULL);

    while (send(fd, "x\r\n", 3, MSG_NOSIGNAL) > 0)
        g_usleep(200 * 1000);
    close(fd);
    return NULL;
}

static void
test_who_never_comes_to_the_point(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const TransportOptions options = { .connect_timeout = 5, .stall_timeout = 5, .patience = 1 };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof address;
    g_autofree char *url = NULL;
    g_autoptr(GError) error = NULL;
    GThread *thread;

    g_assert_cmpint(bind(listener, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(listener, 1), ==, 0);
    g_assert_cmpint(getsockname(listener, (struct sockaddr *)&address, &size), ==, 0);
    url = g_strdup_printf("sftp://127.0.0.1:%u", ntohs(address.sin_port));
    thread = g_thread_new("trickle", trickle, GINT_TO_POINTER(listener));
    g_assert_null(sftp_open(url, &options, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE);
    g_assert_nonnull(strstr(error->message, "PU53"));
    g_thread_join(thread);
    close(listener);
}

/* SH7: a key that is bound to something else, which waits. */
static void
test_another_program(void)
{
    g_autofree char *path = sshd_file(&sshd, "user.pub"), *key = NULL, *bound = NULL, *url = g_strdup_printf("sftp://127.0.0.1:%u", sshd.port);
    const TransportOptions options = { .connect_timeout = 5, .stall_timeout = 1 };
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_get_contents(path, &key, NULL, NULL));
    bound = g_strdup_printf("command=\"sleep 3\" %s", key);
    sshd_write(&sshd, "user.pub", bound);
    g_assert_null(sftp_open(url, &options, &error));
    sshd_write(&sshd, "user.pub", key);
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE);
    g_assert_nonnull(strstr(error->message, "SH7: want a server that speaks SFTP, have no answer to the first packet; if `command=` stands before this key"));
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    sshd_start(&sshd);
    g_test_add_func("/sftp/put-and-get", test_put_and_get);
    g_test_add_func("/sftp/list", test_list);
    g_test_add_func("/sftp/refusals", test_refusals);
    g_test_add_func("/sftp/folders-that-are-none", test_folders_that_are_none);
    g_test_add_func("/sftp/goes-on", test_goes_on);
    g_test_add_func("/sftp/stops-and-cuts", test_stops_and_cuts);
    g_test_add_func("/sftp/SH7-another-program", test_another_program);
    g_test_add_func("/sftp/who-never-comes-to-the-point", test_who_never_comes_to_the_point);
    status = g_test_run();
    sshd_stop(&sshd);
    return status;
}
