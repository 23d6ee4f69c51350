/* home_create(): making a node. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "keys/tls.h"
#include "keys/token.h"
#include "manifests/home_private.h"

/* In a folder that was there before: a node that is being made, and one that is whole and yet to be moved up. */
#define BUILDING ".chama-building"
#define BUILT ".chama-built"

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

/* A key in a token is there already; of others a new one is made. */
static Keypair *
key_of(const char *uri, GError **error)
{
    return uri ? keypair_open_token(uri, error) : keypair_generate(error);
}

/* N3, before anything is signed with them. */
static gboolean
check_two_keys(const NewKeys *keys, GError **error)
{
    return memcmp(keypair_public(keys->signing), keypair_public(keys->next), sizeof(PublicKey)) != 0 ||
           chama_error(error, CHAMA_ERROR_USAGE, "--next-key: N3: want another key than the signing key, have the same");
}

/* The passphrase guards what signs and decrypts; the log and TLS keys stay open, since the daemon starts without a person. */
static gboolean
make_keys(Home *home, const HomeSetup *setup, NewKeys *keys, GError **error)
{
    g_autofree char *signing = home_file(home, "keys/signing.key");
    g_autofree char *log = home_file(home, "keys/log.key");
    g_autofree char *encryption = home_file(home, "keys/encryption.key");
    const char *next_token = setup->next_key && token_is_uri(setup->next_key) ? setup->next_key : NULL;
    g_autofree char *next = setup->next_key && !next_token ? g_strdup(setup->next_key) : home_file(home, "keys/next.key");

    if (setup->next_key && g_file_test(next, G_FILE_TEST_EXISTS))
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: want a new file for the next key, have one already", next);
    return (keys->signing = key_of(setup->key, error)) && (keys->next = key_of(next_token, error)) && (keys->log = keypair_generate(error)) &&
           check_two_keys(keys, error) && keypair_save(keys->signing, signing, setup->passphrase, error) && keypair_save(keys->log, log, NULL, error) &&
           encryption_key_generate(encryption, setup->passphrase, keys->encryption, error) &&
           keypair_save(keys->next, next, setup->passphrase, error);
}

static gboolean
make_tls(Home *home, const HomeSetup *setup, const char *node, Digest *pin, GError **error)
{
    g_autofree char *key = home_file(home, "keys/tls.key");
    g_autofree char *certificate = home_file(home, "keys/tls.crt");

    return tls_generate(key, certificate, node, setup->hosts, error) && tls_pin_of_file(certificate, pin, error);
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
make_parts(Home *home, const HomeSetup *setup, GError **error)
{
    g_auto(NewKeys) keys = { 0 };
    g_autofree char *config = home_file(home, "config.ini");

    return home_make_folders(home, error) && make_keys(home, setup, &keys, error) && make_ledger(home, setup, &keys, error) &&
           home_store(home, error) && home_make_state(home, error) && home_catalogue(home, error) &&
           durable_write(config, setup->config, strlen(setup->config), 0600, error);
}

/* What an empty folder may hold: what an init that was killed left, and what mkfs leaves on a new disk. */
static gboolean
counts_as_nothing(const char *name)
{
    return strcmp(name, BUILDING) == 0 || strcmp(name, "lost+found") == 0;
}

/* An empty folder may stand where the node shall be (a mount point, a service's folder, `mkdir -m 700`). */
static gboolean
check_target(const char *path, GError **error)
{
    g_autofree char *ledger = g_build_filename(path, "ledger.git", NULL);
    g_autoptr(GDir) dir = NULL;
    const char *name = NULL;

    if (g_file_test(ledger, G_FILE_TEST_EXISTS))
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: there is a node already; it stays as it is. Choose another home with --home or CHAMA_HOME", path);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    dir = g_dir_open(path, 0, NULL);
    while (dir && (name = g_dir_read_name(dir)) && counts_as_nothing(name))
        ;
    if (!dir || name)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: want an empty folder or none, have something else there", path);
    return TRUE;
}

/* Makes the folder @temporary and a node in it, or nothing. */
static gboolean
build(const char *temporary, const HomeSetup *setup, GError **error)
{
    Home *home;
    gboolean made;

    if (g_mkdir(temporary, 0700) != 0)
        return chama_error_errno(error, errno, "%s", temporary);
    home = home_new(temporary);
    made = make_parts(home, setup, error);
    home_close(home);
    if (!made)
        durable_remove_tree(temporary);
    return made;
}

static gboolean
create_beside(const char *target, const HomeSetup *setup, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(target);
    g_autofree char *temporary = g_strdup_printf("%s.new-%d", target, (int)getpid());

    if (g_mkdir_with_parents(parent, 0755) != 0)
        return chama_error_errno(error, errno, "%s", parent);
    if (!build(temporary, setup, error))
        return FALSE;
    if (durable_rename(temporary, target, error))
        return TRUE;
    durable_remove_tree(temporary);
    return FALSE;
}

static gboolean
move_part(const char *built, const char *target, const char *name, GError **error)
{
    g_autofree char *from = g_build_filename(built, name, NULL);
    g_autofree char *to = g_build_filename(target, name, NULL);

    return g_rename(from, to) == 0 || chama_error_errno(error, errno, "%s", to);
}

/* ledger.git last: with it the folder is a node. */
static gboolean
move_parts(const char *built, const char *target, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(built, 0, error);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        if (strcmp(name, "ledger.git") != 0 && !move_part(built, target, name, error))
            return FALSE;
    }
    if (!dir || !durable_fsync_folder(target, error) || !move_part(built, target, "ledger.git", error))
        return FALSE;
    g_rmdir(built);
    return durable_fsync_folder(target, error);
}

/* An init was killed while it moved the parts of a node that was whole. */
static gboolean
is_built(const char *target)
{
    g_autofree char *ledger = g_build_filename(target, BUILT, "ledger.git", NULL);

    return g_file_test(ledger, G_FILE_TEST_IS_DIR);
}

/* With the folder locked.  From its renaming to BUILT on the node is made, and whoever comes next moves what is left to move. */
static gboolean
build_within(const char *target, const HomeSetup *setup, GError **error)
{
    g_autofree char *building = g_build_filename(target, BUILDING, NULL);
    g_autofree char *built = g_build_filename(target, BUILT, NULL);

    if (is_built(target) && !move_parts(built, target, error))
        return FALSE;
    if (!check_target(target, error))
        return FALSE;
    durable_remove_tree(building);
    return build(building, setup, error) && durable_rename(building, built, error) && move_parts(built, target, error);
}

/* In the folder that is there: its parent need not be writable, and it may be a mount point.  Like a new one it becomes its owner's alone
 * (another's, such as a volume of a container, stays as it is). */
static gboolean
create_within(const char *target, const HomeSetup *setup, GError **error)
{
    int fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean made;

    if (fd < 0)
        return chama_error_errno(error, errno, "%s", target);
    made = flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK || chama_error(error, CHAMA_ERROR_EXISTS, "%s: another init is at work there", target);
    if (made && fchmod(fd, 0700) != 0 && errno != EPERM)
        made = chama_error_errno(error, errno, "%s: cannot make it this user's alone", target);
    made = made && build_within(target, setup, error);
    close(fd);
    return made;
}

Home *
home_create(const char *path, const HomeSetup *setup, GError **error)
{
    g_autofree char *target = g_canonicalize_filename(path, NULL);
    gboolean made;

    if (!is_built(target) && !check_target(target, error))
        return NULL;
    made = g_file_test(target, G_FILE_TEST_IS_DIR) ? create_within(target, setup, error) : create_beside(target, setup, error);
    return made ? home_open(target, error) : NULL;
}
