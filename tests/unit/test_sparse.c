/* Sparse ledgers: Z1 to Z8 and E11 of sync/PROTOCOL.md. */
#include "tests/unit/two_nodes.h"

#include <glib/gstdio.h>

#include "sync/sparse.h"

static GBytes *
ask_sparse(Node *node, guint64 from)
{
    g_autofree char *path = g_strdup_printf("/v1/ledgers/%s/sparse", home_id(node->home));
    g_autofree char *query = g_strdup_printf("from=%" G_GUINT64_FORMAT, from);
    g_auto(Reply) reply = node_ask(node, NULL, "GET", path, query, NULL, NULL);

    g_assert_cmpint(reply.status, ==, 200);
    return reply_bytes(&reply);
}

static void
accept(TwoNodes *nodes, guint64 from)
{
    g_autoptr(GBytes) stream = ask_sparse(&nodes->forestry, from);
    g_autoptr(GError) error = NULL;

    sparse_accept(nodes->tourism.home, home_id(nodes->forestry.home), stream, &error);
    g_assert_no_error(error);
}

static void
refuse(TwoNodes *nodes, const char *node, GBytes *stream, int code)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(sparse_accept(nodes->tourism.home, node, stream, &error));
    g_assert_error(error, CHAMA_ERROR, code);
}

/* @stream with the first @from replaced by @to. */
static GBytes *
with(GBytes *stream, const char *from, const char *to)
{
    gsize size;
    const char *data = g_bytes_get_data(stream, &size);
    g_autofree char *text = g_strndup(data, size);
    const char *at = strstr(text, from);
    g_autoptr(GString) out = g_string_new(NULL);

    g_assert_nonnull(at);
    g_string_append_len(out, text, at - text);
    g_string_append(out, to);
    g_string_append(out, at + strlen(from));
    return g_string_free_to_bytes(g_steal_pointer(&out));
}

static void
test_accept(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    const char *id = home_id(forestry->home);
    g_autoptr(Manifest) open = node_publish(forestry, "open", SHARE_OPEN, 1, 100);
    g_autoptr(Manifest) some = node_publish(forestry, "some", SHARE_CONDITIONAL, 2, 100);
    g_autoptr(Manifest) known = NULL, more = NULL, hidden = NULL;
    g_autoptr(Profile) profile = NULL;
    g_autoptr(GPtrArray) nodes_held = NULL;
    guint64 size = 9;
    Digest root;
    gint64 time;

    g_assert_true(sparse_position(tourism->home, id, &size, &root, &time, NULL));
    g_assert_cmpuint(size, ==, 0);
    accept(nodes, 0);
    g_assert_true(sparse_position(tourism->home, id, &size, &root, &time, NULL));
    g_assert_cmpuint(size, ==, 4);
    g_assert_cmpint(time, >, 0);
    known = catalogue_version(home_catalogue(tourism->home, NULL), id, "open", 0, NULL);
    g_assert_true(digest_equal(&known->address, &open->address));
    hidden = catalogue_version(home_catalogue(tourism->home, NULL), id, "some", 0, NULL);
    g_assert_null(hidden);
    profile = catalogue_profile(home_catalogue(tourism->home, NULL), id, NULL);
    g_assert_cmpstr(profile->name_en, ==, "Forestry");
    /* and on from there */
    manifest_free(node_publish(forestry, "open", SHARE_OPEN, 3, 100));
    accept(nodes, 4);
    more = catalogue_version(home_catalogue(tourism->home, NULL), id, "open", 2, NULL);
    g_assert_nonnull(more);
    g_assert_true(sparse_verify(tourism->home, id, NULL));
    nodes_held = sparse_nodes(tourism->home, NULL);
    g_assert_cmpuint(nodes_held->len, ==, 1);
    g_assert_cmpstr(nodes_held->pdata[0], ==, id);
}

/* Z1 to Z5: nothing is kept of a stream in which anything is wrong. */
static void
test_refusals(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    const char *id = home_id(forestry->home);
    g_autoptr(Manifest) open = node_publish(forestry, "open", SHARE_OPEN, 1, 100);
    g_autoptr(GBytes) stream = ask_sparse(forestry, 0);
    const struct {
        const char *from, *to;
        int code;
    } cases[] = {
        { "end\n", "", CHAMA_ERROR_MALFORMED },                                         /* W12 */
        { "entry 0 ", "entry 1 ", CHAMA_ERROR_MALFORMED },                              /* Z2 */
        { "entry 2 ", "entry 1 ", CHAMA_ERROR_VERIFY },                                 /* Z4 */
        { "entry 1 ", "entry 3 ", CHAMA_ERROR_VERIFY },
        { "\"share\":\"open\"", "\"share\":\"none\"", CHAMA_ERROR_VERIFY },             /* Z4: the proof */
        { "\"name\":{\"en\":\"Forestry\"}", "\"name\":{\"en\":\"Forestrx\"}", CHAMA_ERROR_VERIFY },
        { "time 2", "time 3", CHAMA_ERROR_VERIFY },                                     /* the note's signature */
        { "checkpoint 0 0 ", "checkpoint 0 1 ", CHAMA_ERROR_LIMIT },                       /* W8 */
    };
    guint64 size;
    Digest root;
    gint64 time;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) changed = with(stream, cases[i].from, cases[i].to);

        g_test_message("case %zu", i);
        refuse(nodes, id, changed, cases[i].code);
        g_assert_true(sparse_position(tourism->home, id, &size, &root, &time, NULL));
        g_assert_cmpuint(size, ==, 0);
    }
    refuse(nodes, home_id(tourism->home), stream, CHAMA_ERROR_VERIFY);   /* Z3: another node's */
    refuse(nodes, "../../x", stream, CHAMA_ERROR_USAGE);
}

/* Z2, Z4: pieces of a good stream in another order, or twice, or without the checkpoint. */
static void
test_order(TwoNodes *nodes, gconstpointer unused)
{
    const char *id = home_id(nodes->forestry.home);
    g_autoptr(GBytes) stream = ask_sparse(&nodes->forestry, 0);
    gsize size;
    const char *text = g_bytes_get_data(stream, &size);
    g_autofree char *all = g_strndup(text, size);
    const char *second = strstr(all, "entry 1 "), *checkpoint = strstr(all, "checkpoint "), *end = g_strrstr(all, "end\n");
    g_autofree char *entry0 = g_strndup(all, (gsize)(second - all)), *entry1 = g_strndup(second, (gsize)(checkpoint - second));
    g_autofree char *note = g_strndup(checkpoint, (gsize)(end - checkpoint));
    const struct {
        const char *parts[5];
        int code;
    } cases[] = {
        { { entry0, entry1, "end\n" }, CHAMA_ERROR_MALFORMED },
        { { "end\n" }, CHAMA_ERROR_MALFORMED },
        { { note, entry0, entry1, "end\n" }, CHAMA_ERROR_MALFORMED },
        { { entry0, note, entry1, "end\n" }, CHAMA_ERROR_MALFORMED },
        { { entry0, note, note, "end\n" }, CHAMA_ERROR_MALFORMED },
        { { entry1, entry0, note, "end\n" }, CHAMA_ERROR_MALFORMED },
        { { entry0, entry0, note, "end\n" }, CHAMA_ERROR_VERIFY },
        { { entry0, entry1, entry1, note, "end\n" }, CHAMA_ERROR_VERIFY },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GString *joined = g_string_new(NULL);
        g_autoptr(GBytes) bytes = NULL;

        for (guint j = 0; j < 5 && cases[i].parts[j]; j++)
            g_string_append(joined, cases[i].parts[j]);
        bytes = g_string_free_to_bytes(joined);
        g_test_message("case %zu", i);
        refuse(nodes, id, bytes, cases[i].code);
    }
}

/* Z6: a history that does not continue what was seen is a fork, and what was seen stays. */
static void
test_forks(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    const char *id = home_id(forestry->home);
    g_autoptr(GBytes) early = ask_sparse(forestry, 0);
    g_autofree char *path = g_build_filename(nodes->folder, "backup", NULL);
    g_autofree char *copy = g_strdup_printf("cp -a '%s' '%s'", forestry->path, path);
    Node restored = { .path = path, .pin = forestry->pin };
    g_autoptr(GBytes) other = NULL, skipped = NULL;
    guint64 size;
    Digest root;
    gint64 time;

    g_assert_cmpint(system(copy), ==, 0);
    manifest_free(node_publish(forestry, "open", SHARE_OPEN, 1, 100));
    accept(nodes, 0);
    refuse(nodes, id, early, CHAMA_ERROR_FORK);
    restored.home = home_open(path, NULL);
    manifest_free(node_publish(&restored, "other", SHARE_OPEN, 2, 100));
    other = ask_sparse(&restored, 3);
    refuse(nodes, id, other, CHAMA_ERROR_FORK);
    g_clear_pointer(&other, g_bytes_unref);
    manifest_free(node_publish(&restored, "other", SHARE_OPEN, 3, 100));
    other = ask_sparse(&restored, 3);
    refuse(nodes, id, other, CHAMA_ERROR_FORK);
    manifest_free(node_publish(forestry, "open", SHARE_OPEN, 4, 100));
    skipped = ask_sparse(forestry, 2);
    refuse(nodes, id, skipped, CHAMA_ERROR_MALFORMED);
    g_assert_true(sparse_position(tourism->home, id, &size, &root, &time, NULL));
    g_assert_cmpuint(size, ==, 3);
    accept(nodes, 3);
    home_close(restored.home);
}

/* Z8 and I8. */
static void
test_damage_and_rebuild(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    const char *id = home_id(forestry->home);
    g_autofree char *catalogue = home_file(tourism->home, "catalogue.sqlite");
    g_autofree char *file = g_build_filename(tourism->path, "sparse", id, "stream", NULL);
    g_autoptr(Manifest) open = node_publish(forestry, "open", SHARE_OPEN, 1, 100);
    g_autoptr(Manifest) forgotten = NULL, known = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    guint64 size;
    Digest root;
    gint64 time;

    g_assert_false(sparse_verify(tourism->home, id, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    accept(nodes, 0);
    home_close(g_steal_pointer(&tourism->home));
    g_assert_cmpint(g_unlink(catalogue), ==, 0);
    tourism->home = home_open(tourism->path, NULL);
    forgotten = catalogue_version(home_catalogue(tourism->home, NULL), id, "open", 0, NULL);
    g_assert_null(forgotten);
    g_assert_true(sparse_position(tourism->home, id, &size, &root, &time, NULL));
    known = catalogue_version(home_catalogue(tourism->home, NULL), id, "open", 0, NULL);
    g_assert_nonnull(known);
    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    strstr(text, "\"version\":1")[10] = '2';
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
    g_assert_false(sparse_verify(tourism->home, id, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
}

#define ADD(path, test) g_test_add(path, TwoNodes, NULL, two_nodes_make, test, two_nodes_clear)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/sparse/E11-accept", test_accept);
    ADD("/sparse/Z1-Z5-refusals", test_refusals);
    ADD("/sparse/Z2-Z4-order", test_order);
    ADD("/sparse/Z6-forks", test_forks);
    ADD("/sparse/Z8-damage-and-rebuild", test_damage_and_rebuild);
    return g_test_run();
}
