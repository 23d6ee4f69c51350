/* Writers that die, live on, come two at a time, or have no room; and what they leave behind. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/store_fixture.h"

/* ---- other processes ---- */

typedef void (*Child)(const char *path, int ready);

/* Runs @child in a process of its own and waits until it has written a byte to its pipe, or ended. */
static pid_t
start(Child child, const char *path)
{
    int ends[2];
    char byte;
    pid_t pid;

    g_assert_cmpint(pipe(ends), ==, 0);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(path, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    g_assert_cmpint(read(ends[0], &byte, 1), >=, 0);
    close(ends[0]);
    return pid;
}

static int
finish(pid_t pid)
{
    int status;

    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return status;
}

/* 8 MiB of frames, of which the writer's own buffer has not all reached the file; then it waits to be killed. */
static void
write_and_hang(const char *path, int ready)
{
    Store *store = store_open(path, NULL);
    StoreWriter *writer = store_writer_new(store, &SCOPE_OPEN, NULL);

    for (guint i = 0; i < 20; i++)
        put(writer, i, 1001);
    commit(writer);
    for (guint i = 20; i < 148; i++)
        put(writer, i, 65537);
    if (write(ready, "x", 1) == 1)
        pause();
}

/* I2, P18: what was committed is there, what reached the file is not fetched again, and the store is sound. */
static void
test_killed_writer(void)
{
    g_autofree char *path = temporary_folder();
    pid_t pid = start(write_and_hang, path);
    g_autoptr(Store) store = open_store(path);
    g_autofree char *pack = only_pack(path);
    guint64 objects;

    g_assert_cmpuint(totals_of(store).objects, ==, 20);
    g_assert_cmpint(problems(store), ==, 0);
    kill(pid, SIGKILL);
    finish(pid);
    fill_store(store, &SCOPE_OPEN, 0, 1, 1001);
    objects = totals_of(store).objects;
    g_assert_cmpuint(objects, >, 20 + 32);
    g_assert_cmpuint(objects, <, 148);
    g_assert_cmpuint(totals_of(store).pack_bytes, ==, (guint64)size_of(pack));
    for (guint i = 0; i < objects; i++)
        assert_get(store, i, i < 20 ? 1001 : 65537);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* P17: a living writer's pack is left alone, by all who open the store. */
static void
test_living_writer(void)
{
    g_autofree char *path = temporary_folder();
    pid_t pid = start(write_and_hang, path);
    g_autofree char *pack = only_pack(path);
    gint64 size = size_of(pack);

    for (int i = 0; i < 3; i++) {
        g_autoptr(Store) store = open_store(path);

        fill_store(store, &SCOPE_OPEN, 1000, 5, 1001);
        g_assert_cmpint(problems(store), ==, 0);
        g_assert_cmpint(size_of(pack), ==, size);
    }
    kill(pid, SIGKILL);
    finish(pid);
    remove_tree(path);
}

static void
write_many(const char *path, int ready)
{
    Store *store = store_open(path, NULL);
    StoreWriter *writer = store_writer_new(store, &scope_a, NULL);

    for (guint i = 0; i < 300; i++) {
        put(writer, i, 3000);
        if (i % 20 == 0)
            commit(writer);
        if (i == 0 && write(ready, "x", 1) != 1)
            _exit(1);
    }
    commit(writer);
    store_writer_free(writer);
    store_close(store);
}

static void
test_two_processes(void)
{
    g_autofree char *path = temporary_folder();
    pid_t pid = start(write_many, path);
    g_autoptr(Store) store = open_store(path);

    {
        g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);

        for (guint i = 150; i < 450; i++) {
            put(writer, i, 3000);
            if (i % 30 == 0)
                commit(writer);
        }
        commit(writer);
    }
    g_assert_cmpint(finish(pid), ==, 0);
    for (guint i = 0; i < 450; i++) {
        Digest digest;
        g_autoptr(GBytes) bytes = object(i, 3000, &digest);

        assert_get(store, i, 3000);
        g_assert_cmpint(store_has(store, &digest, &SCOPE_OPEN), ==, i >= 150);
    }
    g_assert_cmpuint(totals_of(store).objects, ==, 450);
    g_assert_cmpint(problems(store), ==, 0);
    remove_tree(path);
}

/* ---- tails ---- */

typedef struct {
    const char *name;
    gint64 cut;          /* bytes taken off the end */
    gsize junk;          /* bytes added there */
    guint objects;       /* of 10 that are there afterwards */
} TailCase;

/* P18, P23: a pack that was never indexed, torn in every way. */
static void
test_torn_tails(void)
{
    static const TailCase cases[] = {
        { "whole", 0, 0, 10 },         { "one byte short", 1, 0, 9 },      { "only a header", 1001, 0, 9 },
        { "part of a header", 1002, 0, 9 }, { "junk", 0, 500, 10 },        { "long junk", 0, 3000, 10 },
        { "one byte of junk", 0, 1, 10 }, { "nothing but the header", 10 * 1057, 0, 0 }, { "half a header", 10 * 1057 + 32, 0, 0 },
        { "nothing", 10 * 1057 + 64, 0, 0 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = temporary_folder(), *pack = NULL, *index = g_build_filename(path, "index", NULL);
        g_autofree char *junk = g_strnfill(cases[i].junk, 'x');
        g_autoptr(Store) store = open_store(path);
        g_autoptr(GPtrArray) packs = NULL;
        FILE *file;

        g_test_message("%s", cases[i].name);
        fill_store(store, &SCOPE_OPEN, 0, 10, 1001);
        g_clear_pointer(&store, store_close);
        pack = only_pack(path);
        remove_tree(index);
        g_assert_cmpint(truncate(pack, size_of(pack) - cases[i].cut), ==, 0);
        file = fopen(pack, "ab");
        fwrite(junk, 1, cases[i].junk, file);
        fclose(file);
        store = open_store(path);
        g_assert_cmpuint(totals_of(store).objects, ==, cases[i].objects);
        g_assert_cmpint(problems(store), ==, 0);
        packs = pack_paths(path);
        if (packs->len)
            g_assert_cmpint(size_of(pack), ==, 64 + 1057 * cases[i].objects);
        remove_tree(path);
    }
}

/* ---- no room ---- */

/* In a process of its own, for the limit cannot be lifted again. */
static void
fill_up(const char *path, int ready)
{
    struct rlimit limit = { 1024 * 1024, 1024 * 1024 };
    g_autoptr(GError) error = NULL;
    Store *store = store_open(path, NULL);
    StoreWriter *writer = store_writer_new(store, &SCOPE_OPEN, NULL);
    gboolean ok = TRUE;

    signal(SIGXFSZ, SIG_IGN);
    for (guint i = 0; i < 5; i++)
        put(writer, i, 65537);
    commit(writer);
    setrlimit(RLIMIT_FSIZE, &limit);
    for (guint i = 5; ok && i < 200; i++) {
        Digest digest;
        g_autoptr(GBytes) bytes = object(i, 65537, &digest);

        ok = store_writer_put(writer, OBJECT_CHUNK, &digest, g_bytes_get_data(bytes, NULL), 65537, NULL, &error);
    }
    if (ok)
        ok = store_writer_commit(writer, &error);
    /* and it stays so */
    if (!ok && store_writer_commit(writer, NULL))
        _exit(2);
    store_writer_free(writer);
    store_close(store);
    _exit(!ok && (g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_FAILED) || g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_NO_SPACE)) ? 0
                                                                                                                                  : 1);
}

static void
test_no_room(void)
{
    g_autofree char *path = temporary_folder();
    int status = finish(start(fill_up, path));
    g_autoptr(Store) store = open_store(path);
    g_autofree char *pack = only_pack(path);

    g_assert_cmpint(status, ==, 0);
    g_assert_cmpint(size_of(pack), ==, 64 + 5 * (56 + 65537));
    g_assert_cmpuint(totals_of(store).objects, ==, 5);
    g_assert_cmpint(problems(store), ==, 0);
    fill_store(store, &SCOPE_OPEN, 0, 50, 65537);
    for (guint i = 0; i < 50; i++)
        assert_get(store, i, 65537);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/salvage/I2-killed-writer", test_killed_writer);
    g_test_add_func("/salvage/P17-living-writer", test_living_writer);
    g_test_add_func("/salvage/two-processes", test_two_processes);
    g_test_add_func("/salvage/P18-torn-tails", test_torn_tails);
    g_test_add_func("/salvage/no-room", test_no_room);
    return g_test_run();
}
