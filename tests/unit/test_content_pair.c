/* Contents of many files, two at a time. */
#include "manifests/checkout/content_pair.h"

#include "tests/unit/store_fixture.h"

#define FILES_MAX 40
#define CHUNKS_MAX 8

/* What was made, and what came of it. */
typedef struct {
    ChunkRef chunks[CHUNKS_MAX];
    guint chunk_count;
    guint64 size;
    GByteArray *want, *have;
    guint begun, ended;
    guint64 ended_size;
    gboolean digest_holds, failed;
} Made;

typedef struct {
    char *path;
    Store *store;
    StoreWriter *writer;
    Made made[FILES_MAX];
    guint count, chunks;
    const Made *under_way[CONTENT_LEGS], *refused;
    Progress progress;
    guint cancel_after;    /* pieces */
} Box;

static void
set_up(Box *box, gconstpointer data)
{
    box->path = temporary_folder();
    box->store = open_store(box->path);
    box->writer = open_writer(box->store, &SCOPE_OPEN);
}

static void
tear_down(Box *box, gconstpointer data)
{
    for (guint i = 0; i < FILES_MAX; i++) {
        g_clear_pointer(&box->made[i].want, g_byte_array_unref);
        g_clear_pointer(&box->made[i].have, g_byte_array_unref);
    }
    g_clear_pointer(&box->writer, store_writer_free);
    store_close(box->store);
    remove_tree(box->path);
    g_free(box->path);
}

static void
add_chunk(Box *box, Made *made, gsize size, guint64 run, gboolean held)
{
    guint number = box->chunks++;
    ChunkRef *chunk = &made->chunks[made->chunk_count++];
    g_autoptr(GBytes) bytes = object(number, size, &chunk->digest);

    chunk->size = (guint32)size;
    chunk->run = run;
    if (held)
        put(box->writer, number, size);
    for (guint64 i = 0; i < run; i++)
        g_byte_array_append(made->want, g_bytes_get_data(bytes, NULL), (guint)size);
    made->size += size * run;
}

static Made *
add_file(Box *box)
{
    Made *made = &box->made[box->count++];

    made->want = g_byte_array_new();
    made->have = g_byte_array_new();
    return made;
}

static gboolean
begin(gpointer data, guint leg, gpointer file, GError **error)
{
    Box *box = data;
    Made *made = file;

    g_assert_null(box->under_way[leg]);
    box->under_way[leg] = made;
    made->begun++;
    return made != box->refused || chama_error(error, CHAMA_ERROR_EXISTS, "refused");
}

static gboolean
take_piece(gpointer data, guint leg, gpointer file, guint64 offset, const guint8 *bytes, gsize size, GError **error)
{
    Box *box = data;
    Made *made = file;

    g_assert_true(box->under_way[leg] == made);
    g_assert_cmpuint(offset, ==, made->have->len);
    g_byte_array_append(made->have, bytes, (guint)size);
    if (box->cancel_after > 0 && --box->cancel_after == 0)
        box->progress.cancelled = 1;
    return TRUE;
}

static gboolean
end(gpointer data, guint leg, gpointer file, guint64 size, const Digest *digest, const GError *failed, GError **error)
{
    Box *box = data;
    Made *made = file;
    Digest want;

    g_assert_true(box->under_way[leg] == made);
    g_assert_true(!digest == !!failed);
    box->under_way[leg] = NULL;
    made->ended++;
    made->ended_size = size;
    digest_of(made->want->data, made->want->len, &want);
    made->digest_holds = digest && digest_equal(digest, &want);
    made->failed = failed != NULL;
    return TRUE;
}

static gboolean
read_all(Box *box, GError **error)
{
    static const ContentUse use = { begin, take_piece, end };
    ContentFile files[FILES_MAX];

    g_assert_true(store_writer_commit(box->writer, NULL));
    g_clear_pointer(&box->writer, store_writer_free);
    for (guint i = 0; i < box->count; i++)
        files[i] = (ContentFile){ &box->made[i], box->made[i].size, box->made[i].chunks, box->made[i].chunk_count };
    return content_pair_read(box->store, files, box->count, &use, box, &box->progress, error);
}

static void
assert_whole(const Made *made)
{
    g_assert_cmpuint(made->begun, ==, 1);
    g_assert_cmpuint(made->ended, ==, 1);
    g_assert_true(made->digest_holds);
    g_assert_cmpuint(made->ended_size, ==, made->size);
    g_assert_cmpmem(made->have->data, made->have->len, made->want->data, made->want->len);
}

/* Empty ones, of one chunk, of several, with runs; none at all, one, an even and an odd number of them. */
static void
test_all_kinds(Box *box, gconstpointer data)
{
    guint count = GPOINTER_TO_UINT(data);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < count; i++) {
        Made *made = add_file(box);

        for (guint c = 0; c < i * 7 % CHUNKS_MAX; c++)
            add_chunk(box, made, 1 + i * c * 1733 % 9000, c == 3 ? 5 : 1, TRUE);
    }
    read_all(box, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < count; i++)
        assert_whole(&box->made[i]);
}

/* A file that cannot be read ends with a reason, and those after it in its leg are read as if it were not there. */
static void
test_absent(Box *box, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 10; i++) {
        Made *made = add_file(box);

        add_chunk(box, made, 500 + i, 1, TRUE);
        add_chunk(box, made, 700 + i, 1, i % 4 != 1);
        add_chunk(box, made, 900 + i, 1, TRUE);
    }
    read_all(box, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < 10; i++) {
        if (i % 4 != 1) {
            assert_whole(&box->made[i]);
            continue;
        }
        g_assert_cmpuint(box->made[i].ended, ==, 1);
        g_assert_true(box->made[i].failed);
        g_assert_cmpuint(box->made[i].ended_size, ==, 500 + i);
    }
}

/* A listing that states more than the size of the file: little more is read, however long its runs are. */
static void
test_lying_run(Box *box, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    Made *made = add_file(box);

    add_chunk(box, made, 1000, 3, TRUE);
    add_chunk(box, made, 1000, 1, TRUE);
    made->chunks[0].run = G_MAXUINT64 / 2000;
    made->size = 2500;
    read_all(box, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(made->ended, ==, 1);
    g_assert_cmpuint(made->ended_size, ==, 3000);
    g_assert_false(made->digest_holds);
}

/* Who refuses one file ends all, but that the other leg's is finished. */
static void
test_refused(Box *box, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    guint begun = 0, whole = 0;

    for (guint i = 0; i < 12; i++)
        for (guint c = 0; c < 3; c++)
            add_chunk(box, c ? &box->made[i] : add_file(box), 2000, 1, TRUE);
    box->refused = &box->made[2];
    g_assert_false(read_all(box, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    for (guint i = 0; i < 12; i++) {
        begun += box->made[i].begun;
        whole += box->made[i].ended == 1 && box->made[i].digest_holds;
    }
    g_assert_cmpuint(begun, ==, whole + 1);
    g_assert_cmpuint(whole, <, 11);
    assert_whole(&box->made[0]);
    g_assert_cmpuint(box->made[3].begun, ==, 0);
}

static void
test_stopped(Box *box, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 12; i++)
        add_chunk(box, add_file(box), 2000, 1, TRUE);
    box->cancel_after = 3;
    g_assert_false(read_all(box, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
    g_assert_cmpuint(box->made[11].begun, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/content_pair/none", Box, GUINT_TO_POINTER(0), set_up, test_all_kinds, tear_down);
    g_test_add("/content_pair/one", Box, GUINT_TO_POINTER(1), set_up, test_all_kinds, tear_down);
    g_test_add("/content_pair/even", Box, GUINT_TO_POINTER(40), set_up, test_all_kinds, tear_down);
    g_test_add("/content_pair/odd", Box, GUINT_TO_POINTER(23), set_up, test_all_kinds, tear_down);
    g_test_add("/content_pair/absent", Box, NULL, set_up, test_absent, tear_down);
    g_test_add("/content_pair/lying-run", Box, NULL, set_up, test_lying_run, tear_down);
    g_test_add("/content_pair/refused", Box, NULL, set_up, test_refused, tear_down);
    g_test_add("/content_pair/stopped", Box, NULL, set_up, test_stopped, tear_down);
    return g_test_run();
}
