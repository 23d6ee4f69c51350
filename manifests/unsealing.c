#include "manifests/unsealing.h"

#include "keys/error.h"
#include "keys/seal.h"
#include "manifests/home_private.h"

#define RETIRED "keys/retired"
#define SUFFIX "-encryption.key"

static GBytes *
try_key(Home *home, const char *path, GBytes *sealed, GError **error)
{
    if (encryption_key_is_encrypted(path) && !home_need_passphrase(home, path, error))
        return NULL;
    return seal_decrypt(path, home->passphrase, sealed, error);
}

static int
compare_paths(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* The oldest first: their names begin with the record that retired them. */
static GPtrArray *
retired_keys(Home *home)
{
    g_autofree char *folder = home_file(home, RETIRED);
    g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (names && (name = g_dir_read_name(names))) {
        if (g_str_has_suffix(name, SUFFIX))
            g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
    }
    g_ptr_array_sort(paths, compare_paths);
    return paths;
}

GBytes *
unsealing_open(Home *home, GBytes *sealed, GError **error)
{
    g_autofree char *path = home_file(home, "keys/encryption.key");
    g_autoptr(GError) failed = NULL;
    GBytes *plain = try_key(home, path, sealed, &failed);

    if (!plain && g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_VERIFY)) {
        g_autoptr(GPtrArray) retired = retired_keys(home);

        for (guint i = retired->len; i-- > 0 && !plain;)
            plain = try_key(home, retired->pdata[i], sealed, NULL);
    }
    if (!plain)
        g_propagate_error(error, g_steal_pointer(&failed));
    return plain;
}
