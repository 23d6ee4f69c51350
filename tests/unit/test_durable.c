#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/durable.h"
#include "keys/error.h"

typedef struct {
    char *folder;
    char *file;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
    f->folder = g_dir_make_tmp("chama-durable-XXXXXX", NULL);
    f->file = g_build_filename(f->folder, "file", NULL);
}

static guint
entries(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint count = 0;

    while (g_dir_read_name(dir))
        count++;
    return count;
}

static void
teardown(Fixture *f, gconstpointer data)
{
    g_unlink(f->file);
    /* Fails if anything, such as a temporary file, was left. */
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->file);
    g_free(f->folder);
}

static void
assert_holds(const char *path, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = durable_read(path, 1000, &error);

    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), expected, strlen(expected));
}

static mode_t
mode_of(const char *path)
{
    struct stat status;

    g_assert_cmpint(g_stat(path, &status), ==, 0);
    return status.st_mode & 07777;
}

static void
test_write_replaces(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(durable_write(f->file, "one", 3, 0644, &error));
    assert_holds(f->file, "one");
    g_assert_cmpint(mode_of(f->file), ==, 0644);
    g_assert_true(durable_write(f->file, "", 0, 0600, &error));
    g_assert_no_error(error);
    assert_holds(f->file, "");
    g_assert_cmpint(mode_of(f->file), ==, 0600);
    g_assert_cmpuint(entries(f->folder), ==, 1);
}

static void
test_create_never_replaces(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(durable_create(f->file, "one", 3, 0600, &error));
    g_assert_no_error(error);
    g_assert_false(durable_create(f->file, "two", 3, 0600, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    assert_holds(f->file, "one");
    g_assert_cmpuint(entries(f->folder), ==, 1);
}

static void
test_no_folder(Fixture *f, gconstpointer data)
{
    g_autofree char *path = g_build_filename(f->folder, "none", "file", NULL);
    g_autoptr(GError) written = NULL;
    g_autoptr(GError) created = NULL;
    g_autoptr(GError) made = NULL;

    g_assert_false(durable_write(path, "x", 1, 0600, &written));
    g_assert_error(written, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_false(durable_create(path, "x", 1, 0600, &created));
    g_assert_error(created, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_false(durable_mkdir(path, 0700, &made));
    g_assert_error(made, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

/* A write that fails half way leaves the old file, and nothing else. */
static void
test_failed_write_keeps_the_old(Fixture *f, gconstpointer data)
{
    struct rlimit before, small;
    g_autofree char *large = g_malloc0(65536);
    g_autoptr(GError) written = NULL;
    g_autoptr(GError) created = NULL;

    g_assert_true(durable_write(f->file, "old", 3, 0600, NULL));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &small);
    durable_write(f->file, large, 65536, 0600, &written);
    durable_create(f->file, large, 65536, 0600, &created);
    setrlimit(RLIMIT_FSIZE, &before);
    g_assert_error(written, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    g_assert_error(created, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    assert_holds(f->file, "old");
    g_assert_cmpuint(entries(f->folder), ==, 1);
}

static void
test_a_folder_is_in_the_way(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) written = NULL;
    g_autoptr(GError) created = NULL;
    g_autoptr(GError) read = NULL;

    g_assert_true(durable_mkdir(f->file, 0700, NULL));
    g_assert_false(durable_write(f->file, "x", 1, 0600, &written));
    g_assert_error(written, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    g_assert_false(durable_create(f->file, "x", 1, 0600, &created));
    g_assert_error(created, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_assert_null(durable_read(f->file, 10, &read));
    g_assert_error(read, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    g_assert_cmpint(g_rmdir(f->file), ==, 0);
}

static void
test_mkdir(Fixture *f, gconstpointer data)
{
    g_autofree char *folder = g_build_filename(f->folder, "sub", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(durable_mkdir(folder, 0700, &error));
    g_assert_cmpint(mode_of(folder), ==, 0700);
    g_assert_true(durable_mkdir(folder, 0700, &error));
    g_assert_no_error(error);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_assert_true(durable_write(f->file, "x", 1, 0600, NULL));
    g_assert_false(durable_mkdir(f->file, 0700, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
}

static void
test_rename_and_unlink(Fixture *f, gconstpointer data)
{
    g_autofree char *other = g_build_filename(f->folder, "other", NULL);
    g_autoptr(GError) renamed = NULL;
    g_autoptr(GError) unlinked = NULL;

    g_assert_true(durable_write(f->file, "x", 1, 0600, NULL));
    g_assert_true(durable_rename(f->file, other, NULL));
    assert_holds(other, "x");
    g_assert_false(durable_rename(f->file, other, &renamed));
    g_assert_error(renamed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_true(durable_unlink(other, NULL));
    g_assert_false(durable_unlink(other, &unlinked));
    g_assert_error(unlinked, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

static void
test_read_bounds(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) none = NULL;
    g_autoptr(GBytes) whole = NULL;

    g_assert_true(durable_write(f->file, "12345", 5, 0600, NULL));
    whole = durable_read(f->file, 5, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(whole), ==, 5);
    g_assert_null(durable_read(f->file, 4, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_unlink(f->file);
    g_assert_null(durable_read(f->file, 5, &none));
    g_assert_error(none, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

/* A pipe without a writer would hold open(2) for ever. */
static void
test_read_does_not_wait_for_a_pipe(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(mkfifo(f->file, 0600), ==, 0);
    g_assert_null(durable_read(f->file, 5, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FAILED);
}

static void
test_fsync(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) closed = NULL;
    g_autoptr(GError) none = NULL;
    int fd = open(f->folder, O_RDONLY | O_CLOEXEC);

    g_assert_true(durable_fsync(fd, f->folder, NULL));
    close(fd);
    g_assert_true(durable_fsync_folder(f->folder, NULL));
    g_assert_false(durable_fsync(-1, "nothing", &closed));
    g_assert_error(closed, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    g_assert_false(durable_fsync_folder(f->file, &none));
    g_assert_error(none, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

/* Old ones go; young ones, folders and what is only named alike stay. */
static void
test_clear_stale(Fixture *f, gconstpointer data)
{
    static const struct { const char *name; gboolean old, stays; } cases[] = {
        { "a.tmp-AbC123", TRUE, FALSE }, { "b.tmp-AbC123", FALSE, TRUE }, { "c.tmp-AbC1234", TRUE, TRUE }, { "tmp-AbC123", TRUE, TRUE }, { "d", TRUE, TRUE },
    };
    const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    g_autofree char *folder = g_build_filename(f->folder, "e.tmp-AbC123", NULL);

    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_build_filename(f->folder, cases[i].name, NULL);

        g_assert_true(g_file_set_contents(path, "", 0, NULL));
        if (cases[i].old)
            g_assert_cmpint(utimensat(AT_FDCWD, path, long_ago, 0), ==, 0);
    }
    durable_clear_stale(f->folder, 3600);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_build_filename(f->folder, cases[i].name, NULL);

        g_assert_cmpint(g_file_test(path, G_FILE_TEST_EXISTS), ==, cases[i].stays);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    durable_clear_stale("/nonexistent/folder", 0);
}

#define ADD(name, function) g_test_add("/durable/" name, Fixture, NULL, setup, function, teardown)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("write-replaces", test_write_replaces);
    ADD("create-never-replaces", test_create_never_replaces);
    ADD("no-folder", test_no_folder);
    ADD("failed-write-keeps-the-old", test_failed_write_keeps_the_old);
    ADD("a-folder-is-in-the-way", test_a_folder_is_in_the_way);
    ADD("mkdir", test_mkdir);
    ADD("rename-and-unlink", test_rename_and_unlink);
    ADD("read-bounds", test_read_bounds);
    ADD("read-does-not-wait-for-a-pipe", test_read_does_not_wait_for_a_pipe);
    ADD("fsync", test_fsync);
    ADD("clear-stale", test_clear_stale);
    return g_test_run();
}
