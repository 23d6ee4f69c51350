#include "manifests/branches.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <glib/gstdio.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "keys/history.h"
#include "manifests/home_private.h"

typedef struct {
    char *ledgers, *git, *log, *rival_git, *rival_log;
} Places;

static void
places_clear(Places *places)
{
    g_free(places->ledgers);
    g_free(places->git);
    g_free(places->log);
    g_free(places->rival_git);
    g_free(places->rival_log);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Places, places_clear)

static Places
places_of(Home *home, const char *node)
{
    return (Places){
        .ledgers = home_file(home, "ledgers"),
        .git = g_strdup_printf("%s/ledgers/%s.git", home_path(home), node),
        .log = g_strdup_printf("%s/log/%s", home_path(home), node),
        .rival_git = g_strdup_printf("%s/ledgers/%s.rival.git", home_path(home), node),
        .rival_log = g_strdup_printf("%s/log/%s.rival", home_path(home), node),
    };
}

void
branches_discard_rival(Home *home, const char *node)
{
    g_auto(Places) places = places_of(home, node);

    durable_remove_tree(places.rival_git);
    durable_remove_tree(places.rival_log);
}

/* ledgers/NODE.repudiated.N.git with the first N that is free, or NULL. */
static char *
free_place(Home *home, const char *node)
{
    for (guint n = 1; n <= BRANCHES_KEPT_MAX; n++) {
        char *path = g_strdup_printf("%s/ledgers/%s.repudiated.%u.git", home_path(home), node, n);

        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            return path;
        g_free(path);
    }
    return NULL;
}

gboolean
branches_repudiate_rival(Home *home, const char *node, GError **error)
{
    g_auto(Places) places = places_of(home, node);
    g_autofree char *kept = free_place(home, node);

    if (kept && !durable_rename(places.rival_git, kept, error))
        return FALSE;
    branches_discard_rival(home, node);
    return TRUE;
}

/* Whoever adopted a rival and was killed left the loser under its name. */
static gboolean
is_loser(const Places *places, Ledger *held)
{
    g_autoptr(Ledger) left = g_file_test(places->rival_git, G_FILE_TEST_IS_DIR) ? ledger_open(places->rival_git, places->rival_log, NULL) : NULL;

    return left && held && ledger_identity(left) && ledger_identity(held) && identity_judge(ledger_identity(held), ledger_identity(left)) == BRANCH_HELD;
}

Ledger *
branches_open_rival(Home *home, const char *node, GError **error)
{
    g_auto(Places) places = places_of(home, node);
    Ledger *held = strcmp(node, home_id(home)) == 0 ? home_ledger(home, NULL) : home_peer_ledger(home, node, NULL);

    if (is_loser(&places, held)) {
        if (!branches_repudiate_rival(home, node, error))
            return NULL;
    } else
        branches_discard_rival(home, node);
    return ledger_create(places.rival_git, places.rival_log, error);
}

/* At once, where the file system can; else for an instant there is none, and the next sync brings it. */
static gboolean
exchange(const Places *places, Home *home, const char *node, gboolean loses, GError **error)
{
    g_autofree char *kept = loses ? free_place(home, node) : NULL;

    if (!g_file_test(places->git, G_FILE_TEST_EXISTS))
        return durable_rename(places->rival_git, places->git, error);
    if (renameat2(AT_FDCWD, places->rival_git, AT_FDCWD, places->git, RENAME_EXCHANGE) == 0) {
        if (kept)
            return durable_rename(places->rival_git, kept, error);
        durable_remove_tree(places->rival_git);
        return TRUE;
    }
    if (errno != EINVAL && errno != ENOSYS)
        return chama_error_errno(error, errno, "%s", places->git);
    if (kept && !durable_rename(places->git, kept, error))
        return FALSE;
    if (!kept)
        durable_remove_tree(places->git);
    return durable_rename(places->rival_git, places->git, error);
}

/* Hash file and checkpoint: rebuildable, so nothing is lost if this is cut short. */
static void
move_log(const Places *places)
{
    static const char *const names[] = { "hashes", "checkpoint", "head" };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *from = g_build_filename(places->rival_log, names[i], NULL), *to = g_build_filename(places->log, names[i], NULL);

        g_rename(from, to);
    }
    durable_remove_tree(places->rival_log);
}

/* Held versions whose record is in no history that counts are content for nobody; gc frees it. */
static gboolean
drop_repudiated(Home *home, const GPtrArray *manifests, GError **error)
{
    State *state = home_state(home, error);

    for (guint i = 0; state && i < manifests->len; i++) {
        const Manifest *manifest = manifests->pdata[i];
        g_autoptr(Record) still = catalogue_record(home->catalogue, &manifest->address, NULL);

        if (!still && !state_drop(state, &manifest->address, error))
            return FALSE;
    }
    return state != NULL;
}

/* TRUE if what is held is nothing but the beginning of the rival: then it is no other history. */
static gboolean
is_beginning(Home *home, const char *node, const Places *places)
{
    Ledger *held = home_peer_ledger(home, node, NULL);
    g_autoptr(Ledger) rival = ledger_open(places->rival_git, places->rival_log, NULL);
    guint64 size = held ? ledger_head(held)->size : 0;
    Digest ours, theirs;

    return size == 0 || (rival && ledger_head(rival)->size >= size && ledger_root(held, size, &ours, NULL) && ledger_root(rival, size, &theirs, NULL) &&
                         digest_equal(&ours, &theirs));
}

gboolean
branches_adopt_rival(Home *home, const char *node, GError **error)
{
    g_auto(Places) places = places_of(home, node);
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GPtrArray) before = catalogue ? catalogue_manifests(catalogue, node, error) : NULL;
    Ledger *ledger;
    gboolean loses;

    if (!before)
        return FALSE;
    loses = !is_beginning(home, node, &places);
    g_hash_table_remove(home->peer_ledgers, node);
    if (!exchange(&places, home, node, loses, error) || !durable_fsync_folder(places.ledgers, error))
        return FALSE;
    move_log(&places);
    ledger = home_peer_ledger(home, node, error);
    return ledger && catalogue_project(catalogue, ledger, error) && drop_repudiated(home, before, error);
}

gboolean
branches_has_repudiated(Home *home, const char *node)
{
    g_autofree char *first = g_strdup_printf("%s/ledgers/%s.repudiated.1.git", home_path(home), node);

    return g_file_test(first, G_FILE_TEST_IS_DIR);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
branches_repudiated(Home *home, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = home_file(home, "ledgers");
    g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        if (strstr(name, ".repudiated.") && g_str_has_suffix(name, ".git"))
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    return dir ? g_steal_pointer(&names) : NULL;
}
