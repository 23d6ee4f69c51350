#include "manifests/home.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "keys/tls.h"
#include "manifests/statement.h"

#define CHECKPOINT_FRESH_FOR 3600
/* Not log/<own id>: the ledger must be opened before its id is known. */
#define OWN_LOG "log/own"

struct Home {
    char *path;
    HomeAskPassphrase ask;
    gpointer ask_data;
    char *passphrase;           /* as given once; NULL until asked */
    Ledger *ledger;
    Store *store;
    State *state;
    Catalogue *catalogue;
    Keypair *signing, *log;
    GHashTable *peer_ledgers;   /* node id -> Ledger* */
};

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

static Home *
home_new(const char *path)
{
    Home *home = g_new0(Home, 1);

    home->path = g_canonicalize_filename(path, NULL);
    home->peer_ledgers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ledger_close);
    return home;
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
    if (!home_ledger(home, error))
        return NULL;
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
    g_free(home->path);
    g_free(home);
}

void
home_set_passphrase(Home *home, HomeAskPassphrase ask, gpointer data)
{
    home->ask = ask;
    home->ask_data = data;
}

/* Making a node. */

typedef struct {
    Keypair *signing, *next, *log;
    guint8 encryption[ENCRYPTION_KEY_SIZE];
    Digest pin;
} NewKeys;

static void
new_keys_clear(NewKeys *keys)
{
    g_clear_pointer(&keys->signing, keypair_free);
    g_clear_pointer(&keys->next, keypair_free);
    g_clear_pointer(&keys->log, keypair_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NewKeys, new_keys_clear)

/* The passphrase guards what signs and decrypts; the log and TLS keys stay open, since the daemon starts without a person. */
static gboolean
make_keys(Home *home, const HomeSetup *setup, NewKeys *keys, GError **error)
{
    g_autofree char *signing = home_file(home, "keys/signing.key");
    g_autofree char *log = home_file(home, "keys/log.key");
    g_autofree char *encryption = home_file(home, "keys/encryption.key");
    g_autofree char *next = setup->next_key ? g_strdup(setup->next_key) : home_file(home, "keys/next.key");

    if (setup->next_key && g_file_test(next, G_FILE_TEST_EXISTS))
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: want a new file for the next key, have one already", next);
    return (keys->signing = keypair_generate(error)) && (keys->next = keypair_generate(error)) && (keys->log = keypair_generate(error)) &&
           keypair_save(keys->signing, signing, setup->passphrase, error) && keypair_save(keys->log, log, NULL, error) &&
           encryption_key_generate(encryption, setup->passphrase, keys->encryption, error) &&
           keypair_save(keys->next, next, setup->passphrase, error);
}

static gboolean
make_tls(Home *home, const HomeSetup *setup, const char *node, Digest *pin, GError **error)
{
    g_autofree char *key = home_file(home, "keys/tls.key");
    g_autofree char *certificate = home_file(home, "keys/tls.crt");

    return tls_generate(key, certificate, node, setup->host, error) && tls_pin_of_file(certificate, pin, error);
}

/* The profile as given, with the pin of the TLS key that was just made. */
static GBytes *
profile_with_pin(GBytes *members, const Digest *pin, GError **error)
{
    g_autoptr(json_t) profile = canonical_parse(g_bytes_get_data(members, NULL), g_bytes_get_size(members), RECORD_SIZE_MAX, "profile", error);
    char text[DIGEST_TEXT_SIZE];

    if (!profile)
        return NULL;
    json_object_set_new(profile, "pins", json_pack("[s]", digest_format(pin, text)));
    return canonical_format(profile, error);
}

static Record *
make_inception(const NewKeys *keys, gint64 now, GError **error)
{
    const LedgerHead empty = { 0 };
    Digest commitment;
    g_autoptr(GBytes) inception = NULL;

    commitment_of(keypair_public(keys->next), &commitment);
    inception = inception_format(keypair_public(keys->signing), keypair_public(keys->log), keys->encryption, &commitment, now, error);
    return inception ? record_sign(&empty, "inception/1", inception, now, keys->signing, error) : NULL;
}

/* Inception and profile in one batch: there is no node without a name. */
static gboolean
make_ledger(Home *home, const HomeSetup *setup, const NewKeys *keys, GError **error)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *git = home_file(home, "ledger.git");
    g_autoptr(Record) inception = make_inception(keys, now, error);
    g_autoptr(Identity) identity = inception ? identity_parse_inception(inception->bytes, error) : NULL;
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_autoptr(LedgerLock) lock = NULL;
    g_autoptr(GBytes) members = NULL;
    Record *profile;
    Digest pin;

    if (!identity || !make_tls(home, setup, identity->id, &pin, error))
        return FALSE;
    members = profile_with_pin(setup->profile, &pin, error);
    if (!members)
        return FALSE;
    const LedgerHead head = { .size = 1, .head = inception->address, .identity = identity };
    profile = record_sign(&head, "profile/1", members, now, keys->signing, error);
    if (!profile)
        return FALSE;
    g_ptr_array_add(batch, g_steal_pointer(&inception));
    g_ptr_array_add(batch, profile);

    g_autofree char *log = home_file(home, OWN_LOG);
    home->ledger = ledger_create(git, log, error);
    return home->ledger && (lock = ledger_lock(home->ledger, error)) && ledger_append(home->ledger, batch, keys->signing, error);
}

static gboolean
make_folders(Home *home, GError **error)
{
    static const char *const folders[] = { "keys", "log", "ledgers", "sealed", "sparse" };

    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = home_file(home, folders[i]);

        if (!durable_mkdir(path, 0700, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
make_parts(Home *home, const HomeSetup *setup, GError **error)
{
    g_auto(NewKeys) keys = { 0 };
    g_autofree char *config = home_file(home, "config.ini");

    return make_folders(home, error) && make_keys(home, setup, &keys, error) && make_ledger(home, setup, &keys, error) &&
           home_store(home, error) && home_state(home, error) && home_catalogue(home, error) &&
           durable_write(config, setup->config, strlen(setup->config), 0600, error);
}

static gboolean
remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *below = g_build_filename(path, name, NULL);

        if (g_file_test(below, G_FILE_TEST_IS_DIR) && !g_file_test(below, G_FILE_TEST_IS_SYMLINK))
            remove_tree(below);
        else
            g_unlink(below);
    }
    return g_rmdir(path) == 0;
}

/* An empty folder may stand where the node shall be (a mount point, `mkdir -m 700`). */
static gboolean
check_target(const char *path, GError **error)
{
    g_autoptr(GDir) dir = NULL;
    g_autofree char *ledger = g_build_filename(path, "ledger.git", NULL);

    if (g_file_test(ledger, G_FILE_TEST_EXISTS))
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: there is a node already; it stays as it is. Choose another home with --home or CHAMA_HOME", path);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    dir = g_dir_open(path, 0, NULL);
    if (!dir || g_dir_read_name(dir))
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: want an empty folder or none, have something else there", path);
    return TRUE;
}

Home *
home_create(const char *path, const HomeSetup *setup, GError **error)
{
    g_autofree char *target = g_canonicalize_filename(path, NULL);
    g_autofree char *parent = g_path_get_dirname(target);
    g_autofree char *temporary = g_strdup_printf("%s.new-%d", target, (int)getpid());
    Home *home;
    gboolean made;

    if (!check_target(target, error))
        return NULL;
    if (g_mkdir_with_parents(parent, 0755) != 0 || g_mkdir(temporary, 0700) != 0) {
        chama_error_errno(error, errno, "%s", temporary);
        return NULL;
    }
    home = home_new(temporary);
    made = make_parts(home, setup, error);
    home_close(home);
    g_rmdir(target);
    if (!made || !durable_rename(temporary, target, error)) {
        remove_tree(temporary);
        return NULL;
    }
    return home_open(target, error);
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

        home->state = state_open(path, error);
    }
    return home->state;
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

static gboolean
project_all(Home *home, GError **error)
{
    g_autoptr(GPtrArray) ids = home_ledgers(home, error);

    if (!ids || !catalogue_project(home->catalogue, home->ledger, error))
        return FALSE;
    for (guint i = 1; i < ids->len; i++) {
        if (!project_peer(home, g_ptr_array_index(ids, i), error))
            return FALSE;
    }
    return TRUE;
}

/* A catalogue made anew has forgotten the grants whose bodies lie in sealed/.  One that does not verify is for fsck to name. */
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
        g_autoptr(GBytes) bytes = durable_read(path, OPENING_SIZE_MAX, NULL);
        g_autoptr(Opening) opening = bytes ? opening_parse(bytes, NULL) : NULL;

        if (opening)
            catalogue_learn_grant(home->catalogue, opening, NULL);
    }
    return catalogue_set_openings_learned(home->catalogue, error);
}

Catalogue *
home_catalogue(Home *home, GError **error)
{
    if (!home->catalogue) {
        g_autofree char *path = home_file(home, "catalogue.sqlite");


        home->catalogue = catalogue_open(path, error);
        if (home->catalogue && (!project_all(home, error) || (!catalogue_openings_learned(home->catalogue) && !learn_openings(home, error))))
            g_clear_pointer(&home->catalogue, catalogue_close);
    }
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
        if (!ledger_refresh(ledger, error))
            return FALSE;
    }
    return home->catalogue ? project_all(home, error) : home_catalogue(home, error) != NULL;
}

/* Keys. */

static Keypair *
load_key(Home *home, const char *name, GError **error)
{
    g_autofree char *path = home_file(home, name);

    if (keypair_file_is_encrypted(path) && !home->passphrase) {
        if (!home->ask)
            return chama_error_null(error, CHAMA_ERROR_DENIED, "%s: want its passphrase; give it with CHAMA_PASSPHRASE_FILE or at a terminal", path);
        home->passphrase = home->ask(home->ask_data, path, error);
        if (!home->passphrase)
            return NULL;
    }
    return keypair_load(path, home->passphrase, error);
}

/* A key file swapped for another must not sign what nobody will accept. */
static gboolean
check_key(const Keypair *key, const PublicKey *want, const char *name, GError **error)
{
    if (memcmp(keypair_public(key), want, sizeof *want) == 0)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_DAMAGED, "keys/%s.key: want the key that the ledger names, have another; restore it from a backup", name);
}

Keypair *
home_signing_key(Home *home, GError **error)
{
    if (!home->signing) {
        home->signing = load_key(home, "keys/signing.key", error);
        if (home->signing && !check_key(home->signing, &ledger_identity(home->ledger)->signing, "signing", error))
            g_clear_pointer(&home->signing, keypair_free);
    }
    return home->signing;
}

Keypair *
home_log_key(Home *home, GError **error)
{
    if (!home->log) {
        home->log = load_key(home, "keys/log.key", error);
        if (home->log && !check_key(home->log, &ledger_identity(home->ledger)->log, "log", error))
            g_clear_pointer(&home->log, keypair_free);
    }
    return home->log;
}

/* Stating. */

/* ARCHITECTURE section 8: a node that learned of another history of its own ledger signs nothing until people have decided. */
static gboolean
check_may_sign(Home *home, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) evidence = state ? state_evidence(state, error) : NULL;

    if (!evidence)
        return FALSE;
    for (guint i = 0; i < evidence->len; i++) {
        const Evidence *e = g_ptr_array_index(evidence, i);

        if (strcmp(e->kind, EVIDENCE_OWN_FORK) == 0)
            return chama_error(error, CHAMA_ERROR_FORK, "this node: a peer holds another history of its ledger (a restored backup, or a stolen key?); "
                               "nothing is signed until that is settled: see `chama status`");
    }
    return TRUE;
}

static Record *
sign_and_append(Home *home, const char *type, GBytes *members, HomeBefore before, gpointer data, GError **error)
{
    Keypair *signing = home_signing_key(home, error);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    Record *record = signing ? record_sign(ledger_head(home->ledger), type, members, now, signing, error) : NULL;

    if (!record)
        return NULL;
    g_ptr_array_add(batch, record);
    if ((before && !before(data, record, error)) || !ledger_append(home->ledger, batch, signing, error) ||
        !catalogue_project(home->catalogue, home->ledger, error))
        return NULL;
    return record_copy(record);
}

Record *
home_state_built(Home *home, const char *type, HomeBuild build, HomeBefore before, gpointer data, GError **error)
{
    g_autoptr(LedgerLock) lock = NULL;
    g_autoptr(GBytes) members = NULL;
    Catalogue *catalogue = home_catalogue(home, error);

    if (!catalogue || !check_may_sign(home, error) || !home_signing_key(home, error))
        return NULL;
    lock = ledger_lock(home->ledger, error);
    if (!lock || !catalogue_project(catalogue, home->ledger, error))
        return NULL;
    members = build(data, home, error);
    return members ? sign_and_append(home, type, members, before, data, error) : NULL;
}

typedef struct {
    GBytes *members;
    HomeBefore before;
    gpointer data;
} Statement;

static GBytes *
statement_members(gpointer data, Home *home, GError **error)
{
    return g_bytes_ref(((Statement *)data)->members);
}

static gboolean
statement_before(gpointer data, const Record *record, GError **error)
{
    Statement *statement = data;

    return !statement->before || statement->before(statement->data, record, error);
}

Record *
home_state_record(Home *home, const char *type, GBytes *members, HomeBefore before, gpointer data, GError **error)
{
    Statement statement = { members, before, data };

    return home_state_built(home, type, statement_members, statement_before, &statement, error);
}

/* The checkpoint kept, if it is for the present size and fresh. */
static char *
fresh_checkpoint(Home *home, const char *origin, gint64 now, GError **error)
{
    g_autofree char *note = ledger_checkpoint(home->ledger, NULL);
    g_autoptr(Checkpoint) kept = NULL;

    if (note)
        kept = checkpoint_verify(note, strlen(note), origin, &ledger_identity(home->ledger)->log, NULL);
    if (!kept || kept->size != ledger_head(home->ledger)->size || kept->time > now || now - kept->time > CHECKPOINT_FRESH_FOR)
        return NULL;
    return g_steal_pointer(&note);
}

char *
home_checkpoint(Home *home, GError **error)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *origin = checkpoint_origin(home_id(home));
    g_autofree char *note = NULL;
    Keypair *key;
    Digest root;

    if (!ledger_refresh(home->ledger, error))
        return NULL;
    note = fresh_checkpoint(home, origin, now, error);
    if (note)
        return g_steal_pointer(&note);
    key = home_log_key(home, error);
    if (!key || !check_may_sign(home, error) || !ledger_root(home->ledger, ledger_head(home->ledger)->size, &root, error))
        return NULL;
    note = checkpoint_sign(origin, ledger_head(home->ledger)->size, &root, now, key, error);
    /* Kept before it leaves: a log never signs two inconsistent checkpoints. */
    return note && ledger_keep_checkpoint(home->ledger, note, error) ? g_steal_pointer(&note) : NULL;
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
