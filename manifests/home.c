#include "manifests/home_private.h"
#include "manifests/renewal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/changeover.h"
#include "manifests/projection.h"
#include "manifests/statement.h"
#include "manifests/statements.h"

char *
home_file(const Home *home, const char *name)
{
    return g_build_filename(home->path, name, NULL);
}

const char *
home_path(const Home *home)
{
    return home->path;
}

Home *
home_new(const char *path)
{
    Home *home = g_new0(Home, 1);

    home->path = g_canonicalize_filename(path, NULL);
    home->peer_ledgers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ledger_close);
    return home;
}

gboolean
home_make_folders(Home *home, GError **error)
{
    static const char *const folders[] = { "keys", "log", "ledgers", "sealed", "sparse" };

    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = home_file(home, folders[i]);

        if (!durable_mkdir(path, 0700, error))
            return FALSE;
    }
    return TRUE;
}

Home *
home_open(const char *path, GError **error)
{
    g_autoptr(Home) home = home_new(path);
    g_autofree char *ledger = home_file(home, "ledger.git");
    g_autofree char *keys = home_file(home, "keys");

    if (!g_file_test(ledger, G_FILE_TEST_IS_DIR) || !g_file_test(keys, G_FILE_TEST_IS_DIR))
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: want a node's home, have none; make one with `chama init`, or choose "
                                "another with --home or CHAMA_HOME", home->path);
    if (g_access(keys, R_OK | X_OK) != 0)
        return chama_error_null(error, CHAMA_ERROR_DENIED, "%s: the node's keys: %s; run as the user who owns them", keys, g_strerror(errno));
    if (!home_make_folders(home, error) || !home_ledger(home, error))
        return NULL;
    /* Whoever cannot has no need of it: the next one that writes does it. */
    renewal_settle(home, NULL);
    if (!home_id(home))
        return chama_error_null(error, CHAMA_ERROR_DAMAGED, "%s: it has no records, so who this node is is lost; restore it from a backup", ledger);
    return g_steal_pointer(&home);
}

static void
forget_passphrase(Home *home)
{
    if (home->passphrase)
        explicit_bzero(home->passphrase, strlen(home->passphrase));
    g_clear_pointer(&home->passphrase, g_free);
}

void
home_close(Home *home)
{
    if (!home)
        return;
    forget_passphrase(home);
    g_clear_pointer(&home->catalogue, catalogue_close);
    g_clear_pointer(&home->peer_ledgers, g_hash_table_unref);
    g_clear_pointer(&home->ledger, ledger_close);
    g_clear_pointer(&home->store, store_close);
    g_clear_pointer(&home->state, state_close);
    g_clear_pointer(&home->signing, keypair_free);
    g_clear_pointer(&home->log, keypair_free);
    g_free(home->catalogue_path);
    g_free(home->path);
    g_free(home);
}

void
home_set_passphrase(Home *home, HomeAskPassphrase ask, gpointer data)
{
    home->ask = ask;
    home->ask_data = data;
}

/* The parts. */

Ledger *
home_ledger(Home *home, GError **error)
{
    if (!home->ledger) {
        g_autofree char *git = home_file(home, "ledger.git");
        g_autofree char *log = home_file(home, OWN_LOG);

        home->ledger = ledger_open(git, log, error);
    }
    return home->ledger;
}

const char *
home_id(Home *home)
{
    return ledger_node(home->ledger);
}

const Identity *
home_identity(Home *home, GError **error)
{
    return home_ledger(home, error) ? ledger_identity(home->ledger) : NULL;
}

Store *
home_store(Home *home, GError **error)
{
    if (!home->store) {
        g_autofree char *path = home_file(home, "store");

        home->store = store_open(path, error);
    }
    return home->store;
}

State *
home_state(Home *home, GError **error)
{
    if (!home->state) {
        g_autofree char *path = home_file(home, "state.sqlite");

        /* I8: it cannot be rebuilt, so a new one must not take its place unseen. */
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            return chama_error_null(error, CHAMA_ERROR_DAMAGED, "%s: it is missing, with peers, follows and what is held; restore it from a backup, or make an "
                                    "empty file to begin without it", path);
        home->state = state_open(path, error);
    }
    return home->state;
}

gboolean
home_make_state(Home *home, GError **error)
{
    g_autofree char *path = home_file(home, "state.sqlite");

    home->state = state_open(path, error);
    return home->state != NULL;
}

static char *
peer_ledger_path(Home *home, const char *node)
{
    return g_strdup_printf("%s/ledgers/%s.git", home->path, node);
}

/* A peer's ledger is opened only if its commit is another than the one projected last. */
static gboolean
project_peer(Home *home, const char *id, GError **error)
{
    g_autofree char *git = peer_ledger_path(home, id);
    char commit[41];
    Ledger *ledger;

    if (!ledger_peek(git, commit) || catalogue_is_current(home->catalogue, id, commit))
        return TRUE;
    ledger = home_peer_ledger(home, id, error);
    return ledger && catalogue_project(home->catalogue, ledger, error) && catalogue_set_current(home->catalogue, id, commit, error);
}

/* One peer's ledger that was damaged on this disk takes nothing else away: what is known of it stays as it was, and fsck names it. */
static gboolean
is_peers_own_damage(const GError *error)
{
    return g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED) || g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY) ||
           g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED) || g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

static gboolean
project_all(Home *home, GError **error)
{
    g_autoptr(GPtrArray) ids = home_ledgers(home, error);

    if (!ids || !catalogue_project(home->catalogue, home->ledger, error))
        return FALSE;
    for (guint i = 1; i < ids->len; i++) {
        g_autoptr(GError) failed = NULL;

        if (!project_peer(home, g_ptr_array_index(ids, i), &failed) && !is_peers_own_damage(failed)) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
    }
    return TRUE;
}

/* sealed/ may hold very many, of which the catalogue mostly knows all but the last. */
static gboolean
is_known(Home *home, const char *name)
{
    g_autofree char *hex = g_str_has_suffix(name, ".json") ? g_strndup(name, strlen(name) - strlen(".json")) : NULL;
    Digest record;

    return hex && digest_parse_hex(hex, &record, NULL) && catalogue_opening_known(home->catalogue, &record);
}

/* A catalogue made anew has forgotten what lies in sealed/.  One that does not verify is for fsck to name. */
static gboolean
learn_openings(Home *home, GError **error)
{
    g_autofree char *folder = home_file(home, "sealed");
    g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
    const char *name;

    if (!dir)
        return FALSE;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autoptr(GBytes) bytes = is_known(home, name) ? NULL : durable_read(path, OPENING_SIZE_MAX, NULL);
        g_autoptr(Opening) opening = bytes ? opening_parse(bytes, NULL) : NULL;

        if (opening)
            catalogue_learn_opening(home->catalogue, opening, NULL);
    }
    return catalogue_set_openings_learned(home->catalogue, error);
}

static HomeProjector projector;

void
home_set_projector(HomeProjector other)
{
    projector = other;
}

/* Also where a command died between a record and what it told the catalogue of its opening. */
static gboolean
project(Home *home, GError **error)
{
    if (!project_all(home, error))
        return FALSE;
    if (catalogue_openings_learned(home->catalogue))
        return TRUE;
    if (projector)
        projector(home);
    return learn_openings(home, error);
}

/* @damaged: whether it is the catalogue that failed; then closing it has removed it. */
static gboolean
open_catalogue(Home *home, gboolean *damaged, GError **error)
{
    g_autofree char *path = home->catalogue_path ? g_strdup(home->catalogue_path) : home_file(home, "catalogue.sqlite");

    *damaged = FALSE;
    home->catalogue = catalogue_open(path, error);
    if (!home->catalogue || project(home, error))
        return home->catalogue != NULL;
    *damaged = database_damaged(catalogue_database(home->catalogue));
    g_clear_pointer(&home->catalogue, catalogue_close);
    return FALSE;
}

Catalogue *
home_catalogue(Home *home, GError **error)
{
    g_autoptr(GError) failed = NULL;
    gboolean damaged;

    if (home->catalogue || open_catalogue(home, &damaged, &failed))
        return home->catalogue;
    if (damaged)
        open_catalogue(home, &damaged, error);
    else
        g_propagate_error(error, g_steal_pointer(&failed));
    return home->catalogue;
}

Ledger *
home_peer_ledger(Home *home, const char *node, GError **error)
{
    Ledger *ledger = g_hash_table_lookup(home->peer_ledgers, node);
    g_autofree char *git = peer_ledger_path(home, node);
    g_autofree char *log = g_build_filename(home->path, "log", node, NULL);

    if (ledger)
        return ledger;
    if (!node_id_valid(node) || !g_file_test(git, G_FILE_TEST_IS_DIR))
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no ledger of this node is held here", node);
    ledger = ledger_open(git, log, error);
    if (ledger)
        g_hash_table_insert(home->peer_ledgers, g_strdup(node), ledger);
    return ledger;
}

Ledger *
home_peer_ledger_create(Home *home, const char *node, GError **error)
{
    g_autofree char *git = peer_ledger_path(home, node);
    g_autofree char *log = g_build_filename(home->path, "log", node, NULL);
    Ledger *ledger;

    if (g_file_test(git, G_FILE_TEST_IS_DIR))
        return home_peer_ledger(home, node, error);
    ledger = ledger_create(git, log, error);
    if (ledger)
        g_hash_table_insert(home->peer_ledgers, g_strdup(node), ledger);
    return ledger;
}

static int
compare_ids(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
home_ledgers(Home *home, GError **error)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = home_file(home, "ledgers");
    g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
    const char *name;

    if (!dir)
        return NULL;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *id = g_str_has_suffix(name, ".git") ? g_strndup(name, strlen(name) - 4) : NULL;

        if (id && node_id_valid(id))
            g_ptr_array_add(ids, g_steal_pointer(&id));
    }
    g_ptr_array_sort(ids, compare_ids);
    g_ptr_array_insert(ids, 0, g_strdup(home_id(home)));
    return g_steal_pointer(&ids);
}

gboolean
home_refresh(Home *home, GError **error)
{
    GHashTableIter ledgers;
    gpointer ledger;

    if (!ledger_refresh(home->ledger, error))
        return FALSE;
    g_hash_table_iter_init(&ledgers, home->peer_ledgers);
    while (g_hash_table_iter_next(&ledgers, NULL, &ledger)) {
        g_autoptr(GError) failed = NULL;

        if (ledger_refresh(ledger, &failed))
            continue;
        if (!is_peers_own_damage(failed)) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
        g_hash_table_iter_remove(&ledgers);
    }
    return home->catalogue ? project(home, error) : home_catalogue(home, error) != NULL;
}

/* Keys. */

gboolean
home_need_passphrase(Home *home, const char *path, GError **error)
{
    if (home->passphrase)
        return TRUE;
    if (!home->ask)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: want its passphrase; give it with CHAMA_PASSPHRASE_FILE or at a terminal", path);
    home->passphrase = home->ask(home->ask_data, path, error);
    return home->passphrase != NULL;
}

Keypair *
home_load_key_file(Home *home, const char *path, GError **error)
{
    if (keypair_file_is_encrypted(path) && !home_need_passphrase(home, path, error))
        return NULL;
    return keypair_load(path, home->passphrase, error);
}

gboolean
home_key_is_encrypted(Home *home, const char *name)
{
    g_autofree char *path = home_file(home, name);

    return keypair_file_is_encrypted(path);
}

static Keypair *
load_key(Home *home, const char *name, GError **error)
{
    g_autofree char *path = home_file(home, name);

    return home_load_key_file(home, path, error);
}

/* A key file swapped for another must not sign what nobody will accept. */
static gboolean
check_key(const Keypair *key, const PublicKey *want, const char *name, GError **error)
{
    if (memcmp(keypair_public(key), want, sizeof *want) == 0)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_DAMAGED, "keys/%s.key: want the key that the ledger names, have another; restore it from a backup "
                       "made since the last rotation, or, if it is lost, run `chama keys rotate --lost` with the next key", name);
}

/* One that a rotation ended, perhaps by another process, is put away for the one that took its place. */
static Keypair *
current_key(Home *home, Keypair **key, const PublicKey *want, const char *name, GError **error)
{
    g_autofree char *file = g_strdup_printf("keys/%s.key", name);

    if (*key && memcmp(keypair_public(*key), want, sizeof *want) == 0)
        return *key;
    g_clear_pointer(key, keypair_free);
    /* H6: a rotation that was killed may have left the new ones to be put in place. */
    if (!changeover_settle(home, error))
        return NULL;
    *key = load_key(home, file, error);
    if (*key && !check_key(*key, want, name, error))
        g_clear_pointer(key, keypair_free);
    return *key;
}

Keypair *
home_signing_key(Home *home, GError **error)
{
    return current_key(home, &home->signing, &ledger_identity(home->ledger)->signing, "signing", error);
}

Keypair *
home_log_key(Home *home, GError **error)
{
    return current_key(home, &home->log, &ledger_identity(home->ledger)->log, "log", error);
}

/* sealed/ */

static char *
opening_path(Home *home, const Digest *record)
{
    char hex[DIGEST_HEX_SIZE];

    return g_strdup_printf("%s/sealed/%s.json", home->path, digest_format_hex(record, hex));
}

gboolean
home_keep_opening(Home *home, const Digest *record, GBytes *opening, GError **error)
{
    g_autofree char *path = opening_path(home, record);

    return durable_write(path, g_bytes_get_data(opening, NULL), g_bytes_get_size(opening), 0600, error);
}

GBytes *
home_opening(Home *home, const Digest *record, GError **error)
{
    g_autofree char *path = opening_path(home, record);

    return durable_read(path, OPENING_SIZE_MAX, error);
}
