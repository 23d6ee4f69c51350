#include <stdio.h>
#include <string.h>

#include <glib/gstdio.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/ledger/merkle.h"

typedef struct {
    char *folder, *path;
    MerkleFile *file;
} Fixture;

static void
fixture_set_up(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;

    fixture->folder = g_dir_make_tmp("chama-merkle-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->path = g_build_filename(fixture->folder, "hashes", NULL);
    fixture->file = merkle_file_open(fixture->path, &error);
    g_assert_no_error(error);
}

static void
fixture_tear_down(Fixture *fixture)
{
    merkle_file_close(fixture->file);
    g_unlink(fixture->path);
    g_rmdir(fixture->folder);
    g_free(fixture->path);
    g_free(fixture->folder);
}

/* Leaf number i of tests/c2sp/tree.json. */
static void
numbered_leaf(guint64 i, Digest *leaf)
{
    char data[32];

    merkle_leaf(data, (gsize)g_snprintf(data, sizeof data, "leaf %" G_GUINT64_FORMAT, i), leaf);
}

static void
append_numbered(MerkleFile *file, guint64 to)
{
    guint64 from = merkle_file_size(file);
    g_autofree Digest *leaves = g_new(Digest, to - from);
    g_autoptr(GError) error = NULL;

    for (guint64 i = from; i < to; i++)
        numbered_leaf(i, &leaves[i - from]);
    g_assert_true(merkle_file_append(file, leaves, to - from, &error));
    g_assert_no_error(error);
}

static json_t *
load(const char *path)
{
    json_t *root = json_load_file(path, 0, NULL);

    g_assert_nonnull(root);
    return root;
}

static void
hex_digest(const json_t *value, Digest *digest)
{
    g_assert_true(digest_parse_hex(json_string_value(value), digest, NULL));
}

/* FALSE if the text cannot be one; some vectors have short texts where any root will do. */
static gboolean
base64_digest(const json_t *value, Digest *digest)
{
    const char *text = json_string_value(value);
    g_autoptr(GBytes) bytes = text ? base64_parse(text, strlen(text), 256, NULL) : NULL;

    memset(digest, 0, sizeof *digest);
    if (!bytes || g_bytes_get_size(bytes) == 0 || g_bytes_get_size(bytes) > DIGEST_SIZE)
        return FALSE;
    memcpy(digest->bytes, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return TRUE;
}

static GArray *
digests(const json_t *array, gboolean hex)
{
    GArray *out = g_array_new(FALSE, TRUE, sizeof(Digest));
    size_t i;
    json_t *value;

    json_array_foreach((json_t *)array, i, value) {
        Digest digest;

        if (hex)
            hex_digest(value, &digest);
        else
            base64_digest(value, &digest);
        g_array_append_val(out, digest);
    }
    return out;
}

static const Digest *
hashes(const GArray *array)
{
    return (const Digest *)(const void *)array->data;
}

static void
append_vector_leaves(MerkleFile *file, const json_t *leaves_hex)
{
    size_t i;
    json_t *value;

    json_array_foreach((json_t *)leaves_hex, i, value) {
        const char *hex = json_string_value(value);
        guint8 data[64];
        Digest leaf;

        for (gsize at = 0; hex[2 * at]; at++) {
            unsigned byte;

            g_assert_cmpint(sscanf(hex + 2 * at, "%2x", &byte), ==, 1);
            data[at] = (guint8)byte;
        }
        merkle_leaf(data, strlen(hex) / 2, &leaf);
        g_assert_true(merkle_file_append(file, &leaf, 1, NULL));
    }
}

static void
check_inclusion_vectors(MerkleFile *file, const json_t *cases)
{
    size_t i;
    json_t *value;

    json_array_foreach((json_t *)cases, i, value) {
        guint64 index = (guint64)json_integer_value(json_object_get(value, "index"));
        guint64 size = (guint64)json_integer_value(json_object_get(value, "size"));
        g_autoptr(GArray) want = digests(json_object_get(value, "path"), TRUE);
        g_autoptr(GArray) have = merkle_file_inclusion(file, index, size, NULL);
        Digest leaf, root;

        g_assert_cmpmem(have->data, have->len * DIGEST_SIZE, want->data, want->len * DIGEST_SIZE);
        g_assert_true(merkle_file_leaf(file, index, &leaf, NULL) && merkle_file_root(file, size, &root, NULL));
        g_assert_true(merkle_check_inclusion(index, size, &leaf, hashes(want), want->len, &root, NULL));
    }
}

static void
check_consistency_vectors(MerkleFile *file, const json_t *cases)
{
    size_t i;
    json_t *value;

    json_array_foreach((json_t *)cases, i, value) {
        guint64 old = (guint64)json_integer_value(json_object_get(value, "old"));
        guint64 new = (guint64)json_integer_value(json_object_get(value, "new"));
        g_autoptr(GArray) want = digests(json_object_get(value, "proof"), TRUE);
        g_autoptr(GArray) have = merkle_file_consistency(file, old, new, NULL);
        Digest root1, root2;

        g_assert_cmpmem(have->data, have->len * DIGEST_SIZE, want->data, want->len * DIGEST_SIZE);
        g_assert_true(merkle_file_root(file, old, &root1, NULL) && merkle_file_root(file, new, &root2, NULL));
        g_assert_true(merkle_check_consistency(old, &root1, new, &root2, hashes(want), want->len, NULL));
    }
}

static void
test_vectors(void)
{
    g_autoptr(json_t) vectors = load("tests/vectors.json");
    const json_t *merkle = json_object_get(vectors, "merkle");
    g_autoptr(GArray) roots = digests(json_object_get(merkle, "roots"), TRUE);
    Fixture fixture;

    fixture_set_up(&fixture);
    append_vector_leaves(fixture.file, json_object_get(merkle, "leaves_hex"));
    for (guint size = 0; size < roots->len; size++) {
        Digest root;

        g_assert_true(merkle_file_root(fixture.file, size, &root, NULL));
        g_assert_true(digest_equal(&root, &hashes(roots)[size]));
    }
    check_inclusion_vectors(fixture.file, json_object_get(merkle, "inclusion"));
    check_consistency_vectors(fixture.file, json_object_get(merkle, "consistency"));
    fixture_tear_down(&fixture);
}

/* Numbers beyond 2^63 stand as strings, which jansson can read. */
static guint64
number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) ? g_ascii_strtoull(json_string_value(value), NULL, 10) : (guint64)json_integer_value(value);
}

/* 196 proofs, good and bad, from transparency-dev/merkle. */
static gboolean
case_holds(const json_t *value)
{
    g_autoptr(GArray) proof = digests(json_object_get(value, "proof"), FALSE);
    Digest a, b;

    if (member_has(value, "size1"))
        return base64_digest(json_object_get(value, "root1"), &a) && base64_digest(json_object_get(value, "root2"), &b)
            && merkle_check_consistency(number(value, "size1"), &a, number(value, "size2"), &b, hashes(proof), proof->len, NULL);
    return base64_digest(json_object_get(value, "leafHash"), &a) && base64_digest(json_object_get(value, "root"), &b)
        && merkle_check_inclusion(number(value, "leafIdx"), number(value, "treeSize"), &a, hashes(proof), proof->len, &b, NULL);
}

/* That library refuses a proof from the empty tree as useless; C2SP witnesses need it for a log's first checkpoint, and T9 lets it hold. */
static gboolean
from_nothing(const json_t *value)
{
    Digest root, empty;

    digest_of("", 0, &empty);
    return member_has(value, "size1") && number(value, "size1") == 0 && number(value, "size2") > 0
        && json_array_size(json_object_get(value, "proof")) == 0
        && base64_digest(json_object_get(value, "root1"), &root) && digest_equal(&root, &empty);
}

static void
test_t9_c2sp_proofs(void)
{
    g_autoptr(json_t) root = load("tests/c2sp/merkle-proofs.json");
    const json_t *cases = json_object_get(root, "cases");
    size_t i;
    json_t *value;

    json_array_foreach((json_t *)cases, i, value) {
        gboolean want = !json_is_true(json_object_get(value, "wantErr"));

        g_test_message("%s", json_string_value(json_object_get(value, "_file")));
        g_assert_cmpint(case_holds(value), ==, want || from_nothing(value));
    }
    g_assert_cmpuint(i, ==, 196);
}

static void
test_c2sp_roots(void)
{
    g_autoptr(json_t) tree = load("tests/c2sp/tree.json");
    const json_t *roots = json_object_get(tree, "roots");
    const char *name;
    json_t *value;
    Fixture fixture;

    fixture_set_up(&fixture);
    append_numbered(fixture.file, 70000);
    json_object_foreach((json_t *)roots, name, value) {
        Digest want, have;

        g_assert_true(base64_digest(value, &want));
        g_assert_true(merkle_file_root(fixture.file, g_ascii_strtoull(name, NULL, 10), &have, NULL));
        g_assert_true(digest_equal(&want, &have));
    }
    fixture_tear_down(&fixture);
}

/* The array @name of digests in base64. */
static GArray *
base64_digests(const json_t *object, const char *name)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Digest));
    size_t i;
    json_t *value;

    json_array_foreach(json_object_get(object, name), i, value) {
        Digest digest;

        g_assert_true(base64_digest(value, &digest));
        g_array_append_val(all, digest);
    }
    return all;
}

static void
check_tree_inclusion(MerkleFile *file, const json_t *value)
{
    guint64 index = number(value, "index"), size = number(value, "size");
    g_autoptr(GArray) want = base64_digests(value, "proof"), have = merkle_file_inclusion(file, index, size, NULL);
    Digest root, leaf, ours;

    g_assert_true(base64_digest(json_object_get(value, "root"), &root) && base64_digest(json_object_get(value, "leaf"), &leaf));
    g_assert_true(merkle_file_leaf(file, index, &ours, NULL) && digest_equal(&leaf, &ours));
    g_assert_cmpmem(want->data, want->len * sizeof(Digest), have->data, have->len * sizeof(Digest));
    g_assert_true(merkle_check_inclusion(index, size, &leaf, hashes(want), want->len, &root, NULL));
}

static void
check_tree_consistency(MerkleFile *file, const json_t *value)
{
    guint64 old = number(value, "old"), new = number(value, "new");
    g_autoptr(GArray) want = base64_digests(value, "proof"), have = merkle_file_consistency(file, old, new, NULL);
    Digest before, after;

    g_assert_true(base64_digest(json_object_get(value, "old_root"), &before) && base64_digest(json_object_get(value, "new_root"), &after));
    g_assert_cmpmem(want->data, want->len * sizeof(Digest), have->data, have->len * sizeof(Digest));
    g_assert_true(merkle_check_consistency(old, &before, new, &after, hashes(want), want->len, NULL));
}

/* Leaf hashes and proofs made elsewhere: ours are the same to the bit, and theirs hold here. */
static void
test_c2sp_tree(void)
{
    g_autoptr(json_t) tree = load("tests/c2sp/tree.json");
    g_autoptr(GArray) leaves = base64_digests(tree, "leaf_hash");
    Digest empty, want;
    Fixture fixture;
    size_t i, j;
    json_t *value;

    fixture_set_up(&fixture);
    append_numbered(fixture.file, 70000);
    digest_of("", 0, &empty);
    g_assert_true(base64_digest(json_object_get(tree, "empty_root"), &want) && digest_equal(&want, &empty));
    for (guint k = 0; k < leaves->len; k++)
        g_assert_true(merkle_file_leaf(fixture.file, k, &want, NULL) && digest_equal(&want, &g_array_index(leaves, Digest, k)));
    json_array_foreach(json_object_get(tree, "inclusion"), i, value)
        check_tree_inclusion(fixture.file, value);
    json_array_foreach(json_object_get(tree, "consistency"), j, value)
        check_tree_consistency(fixture.file, value);
    g_assert_cmpuint(leaves->len, ==, 8);
    g_assert_cmpuint(i, ==, 14);
    g_assert_cmpuint(j, ==, 14);
    fixture_tear_down(&fixture);
}

/* Every proof of every tree up to 40 leaves; and that none holds for a neighbour. */
static void
test_all_small_proofs(void)
{
    Fixture fixture;

    fixture_set_up(&fixture);
    append_numbered(fixture.file, 40);
    for (guint64 size = 1; size <= 40; size++) {
        Digest root, older, leaf;

        g_assert_true(merkle_file_root(fixture.file, size, &root, NULL));
        for (guint64 i = 0; i < size; i++) {
            g_autoptr(GArray) inclusion = merkle_file_inclusion(fixture.file, i, size, NULL);
            g_autoptr(GArray) consistency = merkle_file_consistency(fixture.file, i, size, NULL);

            g_assert_true(merkle_file_leaf(fixture.file, i, &leaf, NULL) && merkle_file_root(fixture.file, i, &older, NULL));
            g_assert_true(merkle_check_inclusion(i, size, &leaf, hashes(inclusion), inclusion->len, &root, NULL));
            g_assert_true(merkle_check_consistency(i, &older, size, &root, hashes(consistency), consistency->len, NULL));
            g_assert_false(merkle_check_inclusion(i + 1, size, &leaf, hashes(inclusion), inclusion->len, &root, NULL));
            if (i > 0)
                g_assert_false(merkle_check_consistency(i, &leaf, size, &root, hashes(consistency), consistency->len, NULL));
        }
    }
    fixture_tear_down(&fixture);
}

static void
test_t9_refusals(void)
{
    Digest leaf = { { 1 } }, root = { { 2 } };
    Digest proof[65] = { { { 3 } } };
    g_autoptr(GError) error = NULL;

    g_assert_false(merkle_check_inclusion(0, 0, &leaf, proof, 0, &root, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_clear_error(&error);
    g_assert_false(merkle_check_inclusion(5, 5, &leaf, proof, 3, &root, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_clear_error(&error);
    g_assert_false(merkle_check_inclusion(0, G_MAXUINT64, &leaf, proof, 65, &root, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_clear_error(&error);
    g_assert_false(merkle_check_consistency(5, &leaf, 4, &root, proof, 0, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_clear_error(&error);
    g_assert_false(merkle_check_consistency(4, &leaf, 4, &root, proof, 0, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_clear_error(&error);
    g_assert_false(merkle_check_consistency(3, &leaf, G_MAXUINT64, &root, proof, 0, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_clear_error(&error);
    g_assert_false(merkle_check_consistency(0, &leaf, 4, &root, proof, 0, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
}

/* Appending in any portions gives one file; cutting it off and appending again too. */
static void
test_portions(void)
{
    static const guint64 stops[] = { 1, 2, 3, 7, 8, 100, 5000, 5001, 9000 };
    Fixture whole, parts;
    g_autofree char *want = NULL, *have = NULL;
    gsize want_size, have_size;

    fixture_set_up(&whole);
    fixture_set_up(&parts);
    append_numbered(whole.file, 9000);
    for (guint i = 0; i < G_N_ELEMENTS(stops); i++)
        append_numbered(parts.file, stops[i]);
    g_assert_true(merkle_file_truncate(parts.file, 4097, NULL));
    g_assert_cmpuint(merkle_file_size(parts.file), ==, 4097);
    append_numbered(parts.file, 9000);
    g_assert_true(merkle_file_sync(parts.file, NULL));
    g_assert_true(g_file_get_contents(whole.path, &want, &want_size, NULL));
    g_assert_true(g_file_get_contents(parts.path, &have, &have_size, NULL));
    g_assert_cmpmem(have, have_size, want, want_size);
    fixture_tear_down(&whole);
    fixture_tear_down(&parts);
}

/* Whatever the length of the file, its size is a number of leaves all of whose hashes are there. */
static void
test_torn_lengths(void)
{
    Fixture fixture;
    g_autofree char *data = NULL;
    gsize size;

    fixture_set_up(&fixture);
    append_numbered(fixture.file, 37);
    g_assert_true(g_file_get_contents(fixture.path, &data, &size, NULL));
    for (gsize cut = 0; cut <= size; cut += 16) {
        g_autoptr(MerkleFile) file = NULL;
        Digest want, have;

        g_assert_true(g_file_set_contents(fixture.path, data, (gssize)cut, NULL));
        file = merkle_file_open(fixture.path, NULL);
        g_assert_cmpuint(merkle_file_size(file), <=, cut / DIGEST_SIZE);
        append_numbered(file, 37);
        g_assert_true(merkle_file_root(file, 37, &have, NULL));
        g_assert_true(merkle_file_root(fixture.file, 37, &want, NULL));
        g_assert_true(digest_equal(&want, &have));
    }
    fixture_tear_down(&fixture);
}

static void
test_past_the_end(void)
{
    Fixture fixture;
    g_autoptr(GError) error = NULL;
    Digest root;

    fixture_set_up(&fixture);
    append_numbered(fixture.file, 10);
    g_assert_false(merkle_file_root(fixture.file, 11, &root, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(merkle_file_leaf(fixture.file, 10, &root, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(merkle_file_inclusion(fixture.file, 10, 10, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(merkle_file_consistency(fixture.file, 5, 11, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(merkle_file_consistency(fixture.file, 6, 5, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    fixture_tear_down(&fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/merkle/vectors", test_vectors);
    g_test_add_func("/merkle/t9/c2sp-proofs", test_t9_c2sp_proofs);
    g_test_add_func("/merkle/t9/refusals", test_t9_refusals);
    g_test_add_func("/merkle/c2sp-roots", test_c2sp_roots);
    g_test_add_func("/merkle/c2sp-tree", test_c2sp_tree);
    g_test_add_func("/merkle/all-small-proofs", test_all_small_proofs);
    g_test_add_func("/merkle/file/portions", test_portions);
    g_test_add_func("/merkle/file/torn-lengths", test_torn_lengths);
    g_test_add_func("/merkle/file/past-the-end", test_past_the_end);
    return g_test_run();
}
