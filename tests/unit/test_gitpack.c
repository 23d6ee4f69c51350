#include <string.h>

#include "manifests/ledger/gitpack.h"
#include "tests/unit/shell.h"

/* Contents of one group, each a change of the one before. */
static GPtrArray *
versions(guint seed, guint count, gsize size)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    GByteArray *data = g_byte_array_new();

    for (gsize i = 0; i < size; i++)
        g_byte_array_append(data, &(guint8){ (guint8)g_rand_int(rand) }, 1);
    for (guint i = 0; i < count; i++) {
        guint at = data->len > 0 ? g_rand_int(rand) % data->len : 0;
        guint gone = (guint)g_rand_int_range(rand, 0, 40);

        g_ptr_array_add(all, g_bytes_new(data->data, data->len));
        if (i % 3 == 0)
            g_byte_array_append(data, (const guint8 *)"an entry more at the end", 24);
        else if (i % 3 == 1)
            g_byte_array_remove_range(data, at, MIN(gone, data->len - at));
        else if (data->len > 0)
            data->data[at] ^= 1;
    }
    g_byte_array_unref(data);
    return all;
}

static void
add_all(GitPack *pack, const GPtrArray *contents, const char *hint, GHashTable *added)
{
    for (guint i = 0; i < contents->len; i++) {
        gsize size;
        const void *data = g_bytes_get_data(contents->pdata[i], &size);
        git_oid id;

        git_odb_hash(&id, data, size, GIT_OBJECT_BLOB);
        if (g_hash_table_add(added, g_strdup(git_oid_tostr_s(&id))))
            gitpack_add(pack, &id, GIT_OBJECT_BLOB, data, size, hint);
    }
}

/* What libgit2 reads of the pack is what was put into it, and git finds nothing wrong with pack and index. */
static void
test_read_by_git(void)
{
    static const struct { guint count; gsize size; const char *hint; } cases[] = {
        { 1, 0, NULL },     { 3, 1, "a" },       { 200, 15, "b" },      { 200, 16, "c" },     { 300, 127, "d" },
        { 300, 128, "e" },  { 300, 4096, "f" },  { 9, 65535, "g" },     { 9, 65536, "h" },    { 9, 65537, "i" },
        { 6, 1000000, "j" }, { 5, 5000, NULL },
    };
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("chama-gitpack-XXXXXX", &error), *packs = NULL, *name = NULL, *output = NULL;
    g_autoptr(GHashTable) added = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GitPack) pack = NULL;
    git_repository *repository;
    git_odb *database;

    git_libgit2_init();
    g_assert_cmpint(git_repository_init(&repository, folder, TRUE), ==, 0);
    packs = g_build_filename(folder, "objects", "pack", NULL);
    pack = gitpack_new();
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_ptr_array_add(all, versions(i, cases[i].count, cases[i].size));
        add_all(pack, all->pdata[i], cases[i].hint, added);
    }
    name = gitpack_write(pack, packs, &error);
    g_assert_no_error(error);
    g_assert_cmpint(git_repository_odb(&database, repository), ==, 0);
    for (guint i = 0; i < all->len; i++) {
        const GPtrArray *contents = all->pdata[i];

        for (guint j = 0; j < contents->len; j++) {
            gsize size;
            const void *data = g_bytes_get_data(contents->pdata[j], &size);
            git_odb_object *object;
            git_oid id;

            git_odb_hash(&id, data, size, GIT_OBJECT_BLOB);
            g_assert_cmpint(git_odb_read(&object, database, &id), ==, 0);
            g_assert_cmpmem(git_odb_object_data(object), git_odb_object_size(object), data, size);
            git_odb_object_free(object);
        }
    }
    git_odb_free(database);
    git_repository_free(repository);
    output = shell_output("git -C %s fsck --strict --full --no-dangling >/dev/null && git -C %s verify-pack $(cd %s && ls objects/pack/*.idx)", folder, folder, folder);
    g_assert_cmpstr(output, ==, "");
    shell_run("rm -rf %s", folder);
    git_libgit2_shutdown();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gitpack/G1-read-by-git", test_read_by_git);
    return g_test_run();
}
