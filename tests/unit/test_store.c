#include "manifests/store/store.h"

#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <zstd.h>

#include "tests/unit/store_fixture.h"

static void
test_put_and_get(void)
{
    static const gsize sizes[] = { 0, 1, 2, 55, 56, 57, 1000, 1001, 65536, 65537, OBJECT_SIZE_MAX - 1, OBJECT_SIZE_MAX };
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        put(writer, i, sizes[i]);
    commit(writer);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        assert_get(store, i, sizes[i]);
    assert_no_get(store, 99, 1000, CHAMA_ERROR_NOT_FOUND);
    remove_tree(path);
}

static void
test_opened_again(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);
    StoreTotals totals;

    fill_store(store, &SCOPE_OPEN, 0, 50, 1000);
    store_close(store);
    store = open_store(path);
    for (guint i = 0; i < 50; i++)
        assert_get(store, i, 1000);
    totals = totals_of(store);
    g_assert_cmpuint(totals.packs, ==, 1);
    g_assert_cmpuint(totals.objects, ==, 50);
    g_assert_cmpuint(totals.plain_bytes, ==, 50000);
    g_assert_cmpuint(totals.pack_bytes, <, 25000);
    store_close(store);
    remove_tree(path);
}

/* I1: nothing is visible before the commit, but to the writer itself. */
static void
test_invisible_before_commit(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    Digest digest = put(writer, 1, 1000);

    g_assert_false(store_has(store, &digest, NULL));
    assert_no_get(store, 1, 1000, CHAMA_ERROR_NOT_FOUND);
    g_assert_true(store_writer_has(writer, &digest));
    commit(writer);
    g_assert_true(store_has(store, &digest, NULL));
    remove_tree(path);
}

static void
test_stored_once(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    guint64 size;

    fill_store(store, &SCOPE_OPEN, 0, 10, 1001);
    size = totals_of(store).pack_bytes;
    fill_store(store, &SCOPE_OPEN, 0, 10, 1001);
    g_assert_cmpuint(totals_of(store).pack_bytes, ==, size);
    g_assert_cmpuint(totals_of(store).packs, ==, 1);
    remove_tree(path);
}

/* A writer that had nothing new leaves no file. */
static void
test_no_empty_packs(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(GPtrArray) packs = NULL;

    fill_store(store, &SCOPE_OPEN, 0, 0, 0);
    packs = pack_paths(path);
    g_assert_cmpuint(packs->len, ==, 0);
    remove_tree(path);
}

typedef struct {
    const Scope *scope, *owner;
    gboolean held;
} HeldCase;

/* P15: held under SCOPE_OPEN or the owner's scope, and nothing else. */
static void
test_scopes(void)
{
    static const HeldCase cases[] = {
        { &SCOPE_OPEN, NULL, TRUE },    { &SCOPE_OPEN, &SCOPE_OPEN, TRUE }, { &SCOPE_OPEN, &scope_a, TRUE },
        { &scope_a, NULL, TRUE },       { &scope_a, &SCOPE_OPEN, FALSE },   { &scope_a, &scope_a, TRUE },
        { &scope_a, &scope_b, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = temporary_folder();
        g_autoptr(Store) store = open_store(path);
        g_autoptr(GError) error = NULL;
        StoredObject got = { 0 };
        Digest digest;
        g_autoptr(GBytes) bytes = object(1, 1000, &digest);

        fill_store(store, cases[i].scope, 1, 1, 1000);
        g_assert_cmpint(store_has(store, &digest, cases[i].owner), ==, cases[i].held);
        g_assert_cmpint(store_get_stored(store, &digest, cases[i].owner, &got, &error), ==, cases[i].held);
        if (!cases[i].held)
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
        stored_object_clear(&got);
        remove_tree(path);
    }
}

/* P9: the second owner's put stores a mark of 56 bytes, and both hold it, also after the index was made anew. */
static void
test_marks(void)
{
    g_autofree char *path = temporary_folder();
    Store *store = open_store(path);
    g_autoptr(GError) error = NULL;
    Digest digest;
    g_autoptr(GBytes) bytes = object(1, 5001, &digest);

    fill_store(store, &scope_a, 1, 1, 5001);
    for (int round = 0; round < 2; round++) {
        guint64 before = totals_of(store).pack_bytes, grew = 0;
        g_autoptr(StoreWriter) writer = open_writer(store, &scope_b);

        g_assert_cmpint(store_writer_has(writer, &digest), ==, round == 1);
        g_assert_true(store_writer_put(writer, OBJECT_CHUNK, &digest, g_bytes_get_data(bytes, NULL), 5001, &grew, &error));
        g_assert_true(store_writer_has(writer, &digest));
        commit(writer);
        g_assert_cmpuint(grew, ==, round == 0 ? 56 : 0);
        g_assert_cmpuint(totals_of(store).pack_bytes - before, ==, round == 0 ? 64 + 56 : 0);
        g_assert_cmpuint(totals_of(store).objects, ==, 1);
    }
    store_close(store);
    g_assert_true(store_rebuild_index(path, NULL, NULL, &error));
    store = open_store(path);
    g_assert_true(store_has(store, &digest, &scope_a));
    g_assert_true(store_has(store, &digest, &scope_b));
    g_assert_false(store_has(store, &digest, &SCOPE_OPEN));
    store_close(store);
    remove_tree(path);
}

/* What one node reads out the other puts in, without touching it. */
static void
test_stored_from_store_to_store(void)
{
    g_autofree char *from_path = temporary_folder(), *to_path = temporary_folder();
    g_autoptr(Store) from = open_store(from_path), to = open_store(to_path);
    g_autoptr(StoreWriter) writer = open_writer(to, &SCOPE_OPEN);

    fill_store(from, &SCOPE_OPEN, 0, 20, 3000);
    fill_store(from, &SCOPE_OPEN, 20, 20, 3001);
    for (guint i = 0; i < 40; i++) {
        g_autoptr(GError) error = NULL;
        Digest digest;
        g_autoptr(GBytes) want = object(i, i < 20 ? 3000 : 3001, &digest);
        g_autoptr(GBytes) plain = NULL;
        StoredObject got;
        gsize size;
        const void *data;

        g_assert_true(store_get_stored(from, &digest, &SCOPE_OPEN, &got, &error));
        g_assert_cmpint(got.codec, ==, i < 20 ? CODEC_ZSTD : CODEC_STORED);
        data = g_bytes_get_data(got.stored, &size);
        plain = stored_object_open(&digest, got.codec, got.plain_size, data, size, &error);
        g_assert_no_error(error);
        g_assert_true(g_bytes_equal(plain, want));
        g_assert_true(store_writer_put_stored(writer, got.kind, &digest, got.codec, got.plain_size, data, size, NULL, &error));
        stored_object_clear(&got);
    }
    commit(writer);
    for (guint i = 0; i < 40; i++)
        assert_get(to, i, i < 20 ? 3000 : 3001);
    g_assert_cmpuint(totals_of(to).objects, ==, 40);
    remove_tree(from_path);
    remove_tree(to_path);
}

/* ---- what a peer sent ---- */

typedef struct {
    const char *name;
    Codec codec;
    guint32 plain_size;
    gssize stored_size;      /* -1: all of it */
    gboolean zstd;           /* the bytes are compressed ones */
    gboolean wrong_digest;
    ChamaError code;
} OpenCase;

static void
test_open_refuses(void)
{
    static const OpenCase cases[] = {
        { "P14 other bytes, stored", CODEC_STORED, 5000, -1, FALSE, TRUE, CHAMA_ERROR_VERIFY },
        { "P14 other bytes, zstd", CODEC_ZSTD, 5000, -1, TRUE, TRUE, CHAMA_ERROR_VERIFY },
        { "P13 bomb", CODEC_ZSTD, 4999, -1, TRUE, FALSE, CHAMA_ERROR_LIMIT },
        { "P13 too little", CODEC_ZSTD, 5001, -1, TRUE, FALSE, CHAMA_ERROR_VERIFY },
        { "P13 cut off", CODEC_ZSTD, 5000, 100, TRUE, FALSE, CHAMA_ERROR_MALFORMED },
        { "P13 not zstd", CODEC_ZSTD, 5000, 1000, FALSE, FALSE, CHAMA_ERROR_MALFORMED },
        { "P13 nothing", CODEC_ZSTD, 5000, 0, TRUE, FALSE, CHAMA_ERROR_VERIFY },
        { "P12 stored, more than stated", CODEC_STORED, 4999, -1, FALSE, FALSE, CHAMA_ERROR_MALFORMED },
        { "P12 stored, less than stated", CODEC_STORED, 5001, -1, FALSE, FALSE, CHAMA_ERROR_MALFORMED },
        { "P12 zstd that does not save", CODEC_ZSTD, 5000, -1, FALSE, FALSE, CHAMA_ERROR_MALFORMED },
        { "P12 unknown codec", (Codec)2, 5000, -1, TRUE, FALSE, CHAMA_ERROR_UNSUPPORTED },
        { "P12 unknown codec", (Codec)255, 5000, -1, TRUE, FALSE, CHAMA_ERROR_UNSUPPORTED },
        { "P11 too large", CODEC_ZSTD, OBJECT_SIZE_MAX + 1, -1, TRUE, FALSE, CHAMA_ERROR_LIMIT },
        { "P11 far too large", CODEC_ZSTD, G_MAXUINT32, -1, TRUE, FALSE, CHAMA_ERROR_LIMIT },
    };
    Digest digest, other = { { 1 } };
    g_autoptr(GBytes) plain = object(1, 5000, &digest);
    guint8 packed[6000];
    gsize packed_size = ZSTD_compress(packed, sizeof packed, g_bytes_get_data(plain, NULL), 5000, 1);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const OpenCase *c = &cases[i];
        const void *stored = c->zstd ? packed : g_bytes_get_data(plain, NULL);
        gsize size = c->stored_size >= 0 ? (gsize)c->stored_size : c->zstd ? packed_size : 5000;
        g_autoptr(GError) error = NULL;

        g_test_message("%s", c->name);
        g_assert_null(stored_object_open(c->wrong_digest ? &other : &digest, c->codec, c->plain_size, stored, size, &error));
        g_assert_error(error, CHAMA_ERROR, (int)c->code);
    }
}

static void
test_put_refuses(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    g_autoptr(GError) error = NULL;
    Digest digest;
    g_autoptr(GBytes) bytes = object(1, OBJECT_SIZE_MAX + 2, &digest);
    const void *data = g_bytes_get_data(bytes, NULL);

    g_assert_false(store_writer_put(writer, OBJECT_CHUNK, &digest, data, OBJECT_SIZE_MAX + 2, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    g_assert_false(store_writer_put_stored(writer, OBJECT_CHUNK, &digest, CODEC_ZSTD, 100, data, 100, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_clear_error(&error);
    g_assert_false(store_writer_put_stored(writer, OBJECT_CHUNK, &digest, (Codec)2, 100, data, 90, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED);
    /* and the writer goes on */
    put(writer, 2, 100);
    commit(writer);
    assert_get(store, 2, 100);
    remove_tree(path);
}

/* I5: wrong bytes under a right digest are never given out, though their frame is whole. */
static void
test_get_hashes(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    g_autoptr(GError) error = NULL;
    Digest digest, other;
    g_autoptr(GBytes) bytes = object(1, 1001, &digest), wrong = object(2, 1001, &other);

    g_assert_true(store_writer_put(writer, OBJECT_CHUNK, &digest, g_bytes_get_data(wrong, NULL), 1001, NULL, &error));
    commit(writer);
    assert_no_get(store, 1, 1001, CHAMA_ERROR_DAMAGED);
    remove_tree(path);
}

/* ---- many at once ---- */

typedef struct {
    Store *store;
    StoreWriter *writer;
    guint first;
} Worker;

static gpointer
work(gpointer data)
{
    Worker *worker = data;

    for (guint i = 0; i < 400; i++) {
        put(worker->writer, worker->first + i, 2000);
        if (i % 100 == 99)
            commit(worker->writer);
    }
    return NULL;
}

static void
test_threads(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);
    Worker workers[4];
    GThread *threads[4];

    for (guint i = 0; i < 4; i++) {
        workers[i] = (Worker){ store, writer, i * 200 };
        threads[i] = g_thread_new("put", work, &workers[i]);
    }
    for (guint i = 0; i < 4; i++)
        g_thread_join(threads[i]);
    for (guint i = 0; i < 1000; i++)
        assert_get(store, i, 2000);
    g_assert_cmpuint(totals_of(store).objects, ==, 1000);
    remove_tree(path);
}

/* P16: a writer commits by itself, so that memory is bounded. */
static void
test_commits_by_itself(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(Store) store = open_store(path);
    g_autoptr(StoreWriter) writer = open_writer(store, &SCOPE_OPEN);

    for (guint i = 0; i < 65537; i++)
        put(writer, i, 9);
    g_assert_cmpuint(totals_of(store).objects, ==, 65536);
    remove_tree(path);
}

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

static gint
problems(Store *store)
{
    g_autoptr(GError) error = NULL;
    gint count = 0;

    store_check(store, count_report, &count, NULL, &error);
    g_assert_no_error(error);
    return count;
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

/* A store cannot be made where a file is. */
static void
test_open_refuses_place(void)
{
    g_autofree char *path = temporary_folder();
    g_autofree char *file = g_build_filename(path, "file", NULL), *below = g_build_filename(file, "store", NULL);
    g_autofree char *nowhere = g_build_filename(path, "a", "b", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    g_assert_null(store_open(below, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_assert_null(store_open(nowhere, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/put-and-get", test_put_and_get);
    g_test_add_func("/store/opened-again", test_opened_again);
    g_test_add_func("/store/I1-invisible-before-commit", test_invisible_before_commit);
    g_test_add_func("/store/stored-once", test_stored_once);
    g_test_add_func("/store/no-empty-packs", test_no_empty_packs);
    g_test_add_func("/store/P15-scopes", test_scopes);
    g_test_add_func("/store/P9-marks", test_marks);
    g_test_add_func("/store/stored-from-store-to-store", test_stored_from_store_to_store);
    g_test_add_func("/store/P11-P14-open-refuses", test_open_refuses);
    g_test_add_func("/store/P11-P12-put-refuses", test_put_refuses);
    g_test_add_func("/store/I5-get-hashes", test_get_hashes);
    g_test_add_func("/store/threads", test_threads);
    g_test_add_func("/store/P16-commits-by-itself", test_commits_by_itself);
    g_test_add_func("/store/I2-killed-writer", test_killed_writer);
    g_test_add_func("/store/P17-living-writer", test_living_writer);
    g_test_add_func("/store/two-processes", test_two_processes);
    g_test_add_func("/store/P18-torn-tails", test_torn_tails);
    g_test_add_func("/store/no-room", test_no_room);
    g_test_add_func("/store/open-refuses-place", test_open_refuses_place);
    return g_test_run();
}
