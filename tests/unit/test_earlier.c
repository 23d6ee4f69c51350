/* What changed little since the version before is stored as patches against it: earlier.h, alignment.h. */
#include "manifests/checkout.h"
#include "manifests/ingest.h"
#include "manifests/store/maintain.h"
#include "tests/unit/tree.h"

#define ROWS 40000

typedef struct {
    Tree tree;
    IngestResult first, second;
} Versions;

static void
setup(Versions *versions, gconstpointer data)
{
    tree_open(&versions->tree);
}

static void
teardown(Versions *versions, gconstpointer data)
{
    tree_close(&versions->tree);
}

/* Rows [from, to) of a table; of one in @one_in (0: none) a value is another, and longer, than in the table of edition 0. */
static void
add_rows(GString *text, guint from, guint to, guint edition, guint one_in)
{
    for (guint row = from; row < to; row++) {
        gboolean edited = one_in > 0 && row * 2654435761u % one_in == 0;

        g_string_append_printf(text, "%u,place-%u,%u", row, row * 7919 % 500, row * 2246822519u);
        g_string_append_printf(text, edited ? ",%u\n" : "\n", edition);
    }
}

static void
write_text(Versions *versions, const char *path, GString *text)
{
    tree_write(versions->tree.in, path, text->str, text->len);
    g_string_free(text, TRUE);
}

static void
write_table(Versions *versions, const char *path, guint rows, guint edition, guint one_in)
{
    GString *text = g_string_new(NULL);

    add_rows(text, 0, rows, edition, one_in);
    write_text(versions, path, text);
}

static void
ingest(Versions *versions, const Digest *earlier, IngestResult *result)
{
    const IngestOptions options = { .store = versions->tree.store, .earlier = earlier };
    const IngestOptions none = { 0 };
    g_autoptr(GError) error = NULL;
    IngestResult dry;

    g_assert_true(ingest_folder(NULL, versions->tree.in, &none, &dry, &error));
    ingest_folder(versions->tree.writer, versions->tree.in, &options, result, &error);
    g_assert_no_error(error);
    g_assert_true(store_writer_commit(versions->tree.writer, &error));
    /* I9: how chunks are stored says nothing of what they are. */
    g_assert_true(digest_equal(&dry.totals.root, &result->totals.root));
}

static void
count_problem(gpointer data, const Digest *digest, const char *message)
{
    g_test_message("%s", message);
    g_atomic_int_inc((gint *)data);
}

static void
assert_sound(Versions *versions)
{
    g_autoptr(GError) error = NULL;
    gint problems = 0;

    g_assert_true(store_check(versions->tree.store, count_problem, &problems, NULL, &error));
    g_assert_no_error(error);
    g_assert_cmpint(problems, ==, 0);
}

static void
ingest_first(Versions *versions)
{
    ingest(versions, NULL, &versions->first);
}

static void
ingest_second(Versions *versions)
{
    ingest(versions, &versions->first.totals.root, &versions->second);
    assert_sound(versions);
}

/* Every chunk is new, and what is stored of them next to nothing. */
static void
test_scattered(Versions *versions, gconstpointer data)
{
    write_table(versions, "table.csv", ROWS, 0, 0);
    ingest_first(versions);
    write_table(versions, "table.csv", ROWS, 1, 100);
    ingest_second(versions);
    g_assert_cmpuint(versions->second.new_bytes, <, versions->first.new_bytes / 30);
}

/* Rows that were put in move all behind them by more than a chunk, and all of it is edited. */
static void
test_moved(Versions *versions, gconstpointer data)
{
    GString *text = g_string_new(NULL);

    write_table(versions, "table.csv", ROWS, 0, 0);
    ingest_first(versions);
    add_rows(text, 0, ROWS / 2, 1, 100);
    add_rows(text, 5 * ROWS, 5 * ROWS + ROWS / 5, 1, 0);
    add_rows(text, ROWS / 2, ROWS, 1, 100);
    write_text(versions, "table.csv", text);
    ingest_second(versions);
    /* The new rows are a fifth of a version, and some chunks round them are stored whole. */
    g_assert_cmpuint(versions->second.new_bytes, <, versions->first.new_bytes * 3 / 10);
}

static void
test_cut_out(Versions *versions, gconstpointer data)
{
    GString *text = g_string_new(NULL);

    write_table(versions, "table.csv", ROWS, 0, 0);
    ingest_first(versions);
    add_rows(text, ROWS / 5, ROWS / 2, 1, 100);
    add_rows(text, ROWS / 2 + ROWS / 4, ROWS, 1, 100);
    write_text(versions, "table.csv", text);
    ingest_second(versions);
    g_assert_cmpuint(versions->second.new_bytes, <, versions->first.new_bytes / 6);
}

/* Read by all threads together. */
static void
test_big(Versions *versions, gconstpointer data)
{
    GString *text = g_string_new(NULL);

    while (text->len < 17 * 1024 * 1024)
        add_rows(text, (guint)text->len, (guint)text->len + 1000, 0, 0);
    tree_write(versions->tree.in, "table.csv", text->str, text->len);
    ingest_first(versions);
    for (gsize at = 5000; at < text->len; at += 10000)
        text->str[at] = '#';
    write_text(versions, "table.csv", text);
    ingest_second(versions);
    g_assert_cmpuint(versions->second.new_bytes, <, versions->first.new_bytes / 30);
}

/* A file of a few lines, many of them, in folders. */
static void
test_small_files(Versions *versions, gconstpointer data)
{
    for (guint edition = 0; edition < 2; edition++) {
        for (guint i = 0; i < 300; i++) {
            g_autofree char *path = g_strdup_printf("%u/%u.csv", i % 7, i);
            GString *text = g_string_new(NULL);

            add_rows(text, i * 100, i * 100 + 60, edition, edition > 0 ? 50 : 0);
            write_text(versions, path, text);
        }
        if (edition == 0)
            ingest_first(versions);
    }
    ingest_second(versions);
    g_assert_cmpuint(versions->second.new_bytes, <, versions->first.new_bytes / 3);
}

/* One file of thousands: the pages on the way to it are patches, too. */
static void
test_pages(Versions *versions, gconstpointer data)
{
    for (guint i = 0; i < 3000; i++) {
        g_autofree char *path = g_strdup_printf("%u/file-%u", i / 100, i);
        g_autofree char *text = g_strdup_printf("content of %u", i);

        tree_text(versions->tree.in, path, text);
    }
    ingest_first(versions);
    tree_text(versions->tree.in, "17/file-1750", "content of something else");
    ingest_second(versions);
    g_assert_cmpuint(versions->second.new_bytes, <, 1000);
}

typedef void (*Replace)(Versions *versions);

static void
replace_with_noise(Versions *versions)
{
    g_autofree guint8 *noise = tree_noise(1000000, 5);

    tree_write(versions->tree.in, "table.csv", noise, 1000000);
}

static void
replace_with_folder(Versions *versions)
{
    write_table(versions, "table.csv/table.csv", ROWS, 1, 100);
}

static void
replace_with_new_name(Versions *versions)
{
    write_table(versions, "another.csv", ROWS, 1, 100);
}

static void
replace_with_nothing(Versions *versions)
{
    tree_write(versions->tree.in, "table.csv", "", 0);
}

static void
replace_with_zeros(Versions *versions)
{
    g_autofree guint8 *zeros = g_malloc0(3000000);

    tree_write(versions->tree.in, "table.csv", zeros, 3000000);
}

/* Where nothing is alike, all is stored whole, and nothing is wrong. */
static void
test_unlike(Versions *versions, gconstpointer data)
{
    ((Replace)data)(versions);
    ingest_first(versions);
    write_table(versions, "table.csv~", 10, 0, 0);
    g_autofree char *path = g_build_filename(versions->tree.in, "table.csv", NULL);

    tree_remove(path);
    write_table(versions, "table.csv", ROWS, 1, 100);
    ingest_second(versions);
}

/* The pages, or the chunks, of the version before are not here any more: dropped, or never fetched. */
static void
test_not_here(Versions *versions, gconstpointer data)
{
    IngestResult dry;
    const IngestOptions none = { 0 };
    const Digest nowhere = { { 1 } };

    write_table(versions, "table.csv", ROWS, 0, 0);
    g_assert_true(ingest_folder(NULL, versions->tree.in, &none, &dry, NULL));
    ingest(versions, &dry.totals.root, &versions->first);
    write_table(versions, "table.csv", ROWS, 1, 100);
    ingest(versions, &nowhere, &versions->second);
    assert_sound(versions);
    g_assert_cmpuint(versions->second.new_bytes, >, versions->first.new_bytes / 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/earlier/scattered", Versions, NULL, setup, test_scattered, teardown);
    g_test_add("/earlier/moved", Versions, NULL, setup, test_moved, teardown);
    g_test_add("/earlier/cut-out", Versions, NULL, setup, test_cut_out, teardown);
    g_test_add("/earlier/big", Versions, NULL, setup, test_big, teardown);
    g_test_add("/earlier/small-files", Versions, NULL, setup, test_small_files, teardown);
    g_test_add("/earlier/pages", Versions, NULL, setup, test_pages, teardown);
    g_test_add("/earlier/unlike/noise", Versions, replace_with_noise, setup, test_unlike, teardown);
    g_test_add("/earlier/unlike/folder", Versions, replace_with_folder, setup, test_unlike, teardown);
    g_test_add("/earlier/unlike/name", Versions, replace_with_new_name, setup, test_unlike, teardown);
    g_test_add("/earlier/unlike/nothing", Versions, replace_with_nothing, setup, test_unlike, teardown);
    g_test_add("/earlier/unlike/zeros", Versions, replace_with_zeros, setup, test_unlike, teardown);
    g_test_add("/earlier/not-here", Versions, NULL, setup, test_not_here, teardown);
    return g_test_run();
}
