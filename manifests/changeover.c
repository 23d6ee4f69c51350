#include "manifests/changeover.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "keys/history.h"

#define FOLDER "keys/rotating"
#define RETIRED "keys/retired"
#define PLAN "plan"
#define PLAN_SIZE_MAX 1024
#define KEY_FILE_MAX 8192

/* Those that a rotation changes, in the order in which they take their places: of a signing key in its place nothing is lost any more. */
static const char *const names[] = { "signing.key", "log.key", "encryption.key" };

char *
changeover_file(Home *home, const char *name)
{
    return g_build_filename(home_path(home), FOLDER, name, NULL);
}

static gboolean
parse_plan(GBytes *bytes, Changeover *changeover, GError **error)
{
    static const char what[] = FOLDER "/" PLAN;
    g_autoptr(json_t) root = canonical_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), PLAN_SIZE_MAX, what, error);
    const char *signing;

    if (!root || !member_string(root, what, "signing", PUBLIC_KEY_TEXT_SIZE - 1, &signing, error) || !public_key_parse(signing, &changeover->signing, error) ||
        !member_digest(root, what, "next", &changeover->next, error))
        return FALSE;
    return member_digest(root, what, "revealed", &changeover->revealed, error);
}

gboolean
changeover_read(Home *home, Changeover *changeover, GError **error)
{
    g_autofree char *path = changeover_file(home, PLAN);
    g_autoptr(GError) missing = NULL;
    g_autoptr(GBytes) bytes = durable_read(path, PLAN_SIZE_MAX, &missing);

    if (bytes)
        return parse_plan(bytes, changeover, error);
    if (!g_error_matches(missing, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        g_propagate_error(error, g_steal_pointer(&missing));
    return FALSE;
}

/* Whatever lies there beside the plan belongs to a rotation that the ledger has not: no key in it is one that it names. */
static gboolean
clear_folder(Home *home, GError **error)
{
    g_autofree char *folder = home_file(home, FOLDER);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = changeover_file(home, name);

        if (strcmp(name, PLAN) != 0 && g_unlink(path) != 0 && errno != ENOENT)
            return chama_error_errno(error, errno, "%s", path);
    }
    return dir != NULL;
}

gboolean
changeover_begin(Home *home, const Changeover *changeover, GError **error)
{
    char signing[PUBLIC_KEY_TEXT_SIZE], next[DIGEST_TEXT_SIZE], revealed[DIGEST_TEXT_SIZE];
    g_autofree char *folder = home_file(home, FOLDER), *path = changeover_file(home, PLAN);
    g_autoptr(json_t) root = json_pack("{s:s, s:s, s:s}", "next", digest_format(&changeover->next, next), "revealed",
                                       digest_format(&changeover->revealed, revealed), "signing", public_key_format(&changeover->signing, signing));
    g_autoptr(GBytes) bytes = canonical_format(root, error);

    /* The plan first: it says whose a new next key is that lies elsewhere. */
    return bytes && durable_mkdir(folder, 0700, error) && durable_write(path, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), 0600, error) &&
           clear_folder(home, error);
}

/* A second name for what is about to be replaced; whoever did it before did the same. */
static gboolean
retire(Home *home, const char *name, guint64 since, GError **error)
{
    g_autofree char *file = g_build_filename(home_path(home), "keys", name, NULL);
    g_autofree char *retired = g_strdup_printf("%s/" RETIRED "/%09" G_GUINT64_FORMAT "-%s", home_path(home), since, name);

    if (link(file, retired) == 0 || errno == EEXIST || errno == ENOENT)
        return TRUE;
    return chama_error_errno(error, errno, "%s", retired);
}

static gboolean
take_place(Home *home, const char *name, guint64 since, GError **error)
{
    g_autofree char *from = changeover_file(home, name), *to = g_build_filename(home_path(home), "keys", name, NULL);

    if (!g_file_test(from, G_FILE_TEST_EXISTS))
        return TRUE;
    if (!retire(home, name, since, error))
        return FALSE;
    return g_rename(from, to) == 0 || errno == ENOENT || chama_error_errno(error, errno, "%s", to);
}

static gboolean
holds(const char *path, const Digest *bytes)
{
    g_autoptr(GBytes) have = durable_read(path, KEY_FILE_MAX, NULL);
    Digest digest;

    if (!have)
        return FALSE;
    digest_of(g_bytes_get_data(have, NULL), g_bytes_get_size(have), &digest);
    return digest_equal(&digest, bytes);
}

/* The next key that was revealed is the signing key now: it leaves its place, to the new one if that stays here.  A file that is another is not touched: whoever
 * was killed before may have got this far. */
static gboolean
settle_next(Home *home, const Changeover *changeover, GError **error)
{
    g_autofree char *from = changeover_file(home, "next.key"), *to = home_file(home, "keys/next.key");

    if (g_file_test(from, G_FILE_TEST_EXISTS))
        return g_rename(from, to) == 0 || errno == ENOENT || chama_error_errno(error, errno, "%s", to);
    if (!holds(to, &changeover->revealed) || g_unlink(to) == 0 || errno == ENOENT)
        return TRUE;
    return chama_error_errno(error, errno, "%s", to);
}

static gboolean
settle(Home *home, const Changeover *changeover, const Identity *identity, GError **error)
{
    g_autofree char *folder = home_file(home, FOLDER), *keys = home_file(home, "keys"), *retired = home_file(home, RETIRED), *plan = changeover_file(home, PLAN);
    guint64 since = identity->before ? identity->before->since : 0;

    if (!durable_mkdir(retired, 0700, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (!take_place(home, names[i], since, error))
            return FALSE;
    /* The signing key is durable in its place before its last copy may go. */
    if (!durable_fsync_folder(retired, error) || !durable_fsync_folder(keys, error) || !settle_next(home, changeover, error) ||
        !durable_fsync_folder(keys, error))
        return FALSE;
    clear_folder(home, NULL);
    g_unlink(plan);
    g_rmdir(folder);
    return TRUE;
}

gboolean
changeover_settle(Home *home, GError **error)
{
    g_autoptr(GError) local = NULL;
    const Identity *identity = home_identity(home, error);
    Changeover changeover;

    if (!identity)
        return FALSE;
    if (!changeover_read(home, &changeover, &local)) {
        if (local)
            g_propagate_error(error, g_steal_pointer(&local));
        return error == NULL || *error == NULL;
    }
    return memcmp(&changeover.signing, &identity->signing, sizeof changeover.signing) != 0 || settle(home, &changeover, identity, error);
}
