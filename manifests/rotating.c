#include "manifests/rotating.h"

#include <string.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "keys/history.h"
#include "keys/seal.h"
#include "keys/token.h"
#include "manifests/changeover.h"
#include "manifests/home_private.h"

#define NEXT_FILE_MAX 8192

/* N10: what the old key signs is the record as it would be without that. */
static GBytes *
endorse(const LedgerHead *head, GBytes *members, const Keypair *old, gint64 time, GError **error)
{
    g_autoptr(GBytes) bare = record_format(head, ROTATION_TYPE, members, time, error);

    return bare ? rotation_endorse(members, bare, old, error) : NULL;
}

Record *
rotating_sign(const LedgerHead *head, const RotationPlan *plan, const Keypair *revealed, const Keypair *old, gint64 time, GError **error)
{
    g_autoptr(GBytes) bare = rotation_members(plan, error);
    g_autoptr(GBytes) members = NULL;

    if (!bare)
        return NULL;
    members = old ? endorse(head, bare, old, time, error) : g_bytes_ref(bare);
    return members ? record_sign(head, ROTATION_TYPE, members, time, revealed, error) : NULL;
}

void
rotating_result_clear(RotatingResult *result)
{
    g_clear_pointer(&result->next, g_free);
    g_clear_pointer(&result->new_next, g_free);
}

/* A rotation while it is made. */
typedef struct {
    Home *home;
    const RotatingOptions *options;
    RotatingResult *result;
    Keypair *revealed, *old, *log, *new_next; /* old: NULL if lost; it is the home's */
    guint8 encryption[ENCRYPTION_KEY_SIZE];
    gboolean own_fork;
    const char *passphrase;                   /* for the new keys; NULL: none */
} Rotating;

static void
rotating_clear(Rotating *rotating)
{
    g_clear_pointer(&rotating->revealed, keypair_free);
    g_clear_pointer(&rotating->log, keypair_free);
    g_clear_pointer(&rotating->new_next, keypair_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Rotating, rotating_clear)

/* KT2: a reference may name a module, which is a program: none is taken from media. */
static gboolean
check_no_reference(const Rotating *rotating, const char *path, GError **error)
{
    g_auto(TokenReference) reference = { 0 };
    g_autoptr(GError) broken = NULL;

    if (!rotating->options->next || (!token_reference_load(path, &reference, &broken) && !broken))
        return TRUE;
    return chama_error(error, CHAMA_ERROR_USAGE, "%s: KT2: want a key in this file, or the URI of one in a token (--next pkcs11:...), have a reference to a token", path);
}

static Keypair *
find_revealed(Rotating *rotating, const char *path, GError **error)
{
    if (token_is_uri(path))
        return keypair_open_token(path, error);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: want the next key, which was written when the node was made or rotated last; say where it is with --next FILE",
                                path);
    return check_no_reference(rotating, path, error) ? home_load_key_file(rotating->home, path, error) : NULL;
}

/* N7, before anything is written. */
static gboolean
load_revealed(Rotating *rotating, GError **error)
{
    const Identity *identity = home_identity(rotating->home, error);
    const char *path = rotating->result->next;
    Digest have;

    if (!identity || !(rotating->revealed = find_revealed(rotating, path, error)))
        return FALSE;
    commitment_of(keypair_public(rotating->revealed), &have);
    if (!digest_equal(&have, &identity->next))
        return chama_error(error, CHAMA_ERROR_VERIFY, "%s: N7: want the next key that the ledger commits to, have another", path);
    return TRUE;
}

static gboolean
load_old(Rotating *rotating, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (rotating->options->lost)
        return TRUE;
    rotating->old = home_signing_key(rotating->home, &local);
    if (rotating->old)
        return TRUE;
    if (g_error_matches(local, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        g_prefix_error(&local, "if the signing key is lost, say --lost: ");
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

/* Met by this node itself, or heard of. */
static gboolean
is_own_fork(Home *home, const Evidence *evidence)
{
    return strcmp(evidence->node, home_id(home)) == 0 && (strcmp(evidence->kind, EVIDENCE_OWN_FORK) == 0 || strcmp(evidence->kind, EVIDENCE_FORK) == 0);
}

static gboolean
find_own_fork(Rotating *rotating, GError **error)
{
    State *state = home_state(rotating->home, error);
    g_autoptr(GPtrArray) evidence = state ? state_evidence_of(state, home_id(rotating->home), error) : NULL;

    for (guint i = 0; evidence && i < evidence->len; i++)
        rotating->own_fork = rotating->own_fork || is_own_fork(rotating->home, evidence->pdata[i]);
    return evidence != NULL;
}

/* N3, N8, before anything is written: of keys in a token the same is easily named twice. */
static gboolean
check_unused(const Rotating *rotating, GError **error)
{
    const PublicKey *next = keypair_public(rotating->new_next);

    if (memcmp(next, keypair_public(rotating->revealed), sizeof *next) != 0 && !identity_that_signed(home_identity(rotating->home, NULL), next))
        return TRUE;
    return chama_error(error, CHAMA_ERROR_USAGE, "--new-next: N8: want a key that has signed nothing, have one that is or was in use, or is about to be");
}

/* A file that a killed attempt wrote is the new next key all the same: its plan says so. */
static gboolean
load_or_make_next(Rotating *rotating, GError **error)
{
    const char *path = rotating->result->new_next;
    gboolean here = !rotating->options->new_next;
    g_autoptr(GError) local = NULL;
    Changeover left;
    Digest have;

    if (token_is_uri(path))
        return (rotating->new_next = keypair_open_token(path, error)) && check_unused(rotating, error);
    if (!here && g_file_test(path, G_FILE_TEST_EXISTS)) {
        if (!changeover_read(rotating->home, &left, NULL) || !(rotating->new_next = home_load_key_file(rotating->home, path, &local)))
            return chama_error(error, CHAMA_ERROR_EXISTS, "%s: want a new file for the next key, have one already", path);
        commitment_of(keypair_public(rotating->new_next), &have);
        return digest_equal(&have, &left.next) || chama_error(error, CHAMA_ERROR_EXISTS, "%s: want a new file for the next key, have one already", path);
    }
    rotating->new_next = keypair_generate(error);
    return rotating->new_next != NULL;
}

static RotationPlan
plan_of(const Rotating *rotating)
{
    const LedgerHead *head = ledger_head(rotating->home->ledger);
    RotationPlan plan = { .signing = *keypair_public(rotating->revealed), .log = *keypair_public(rotating->log), .disavowed = rotating->options->disavowed };

    memcpy(plan.encryption, rotating->encryption, sizeof plan.encryption);
    commitment_of(keypair_public(rotating->new_next), &plan.next);
    if (rotating->options->lost || rotating->options->stolen || rotating->own_fork) {
        plan.epoch = head->identity->epoch + 1;
        plan.stands = head->size;
    }
    return plan;
}

/* Of the file, if there is one, that keys/next.key must not stay: the one that is named, or the reference there to the key that is revealed now. */
static gboolean
digest_revealed(const Rotating *rotating, Digest *digest, GError **error)
{
    gboolean token = token_is_uri(rotating->result->next);
    g_autofree char *path = token ? home_file(rotating->home, "keys/next.key") : g_strdup(rotating->result->next);
    g_auto(TokenReference) reference = { 0 };
    g_autoptr(GBytes) bytes = NULL;

    memset(digest, 0, sizeof *digest);
    if (token && (!token_reference_load(path, &reference, NULL) || memcmp(&reference.key, keypair_public(rotating->revealed), sizeof reference.key) != 0))
        return TRUE;
    bytes = durable_read(path, NEXT_FILE_MAX, error);
    if (bytes)
        digest_of(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), digest);
    return bytes != NULL;
}

/* The new keys, each durable in a file before the ledger names them. */
static gboolean
write_keys(Rotating *rotating, GError **error)
{
    Home *home = rotating->home;
    g_autofree char *signing = changeover_file(home, "signing.key"), *log = changeover_file(home, "log.key"), *encryption = changeover_file(home, "encryption.key");
    g_autofree char *next_here = changeover_file(home, "next.key");
    const char *next = rotating->options->new_next && !token_is_uri(rotating->result->new_next) ? rotating->result->new_next : next_here;
    Changeover changeover = { .signing = *keypair_public(rotating->revealed) };

    if (!digest_revealed(rotating, &changeover.revealed, error))
        return FALSE;
    commitment_of(keypair_public(rotating->new_next), &changeover.next);
    return changeover_begin(home, &changeover, error) && keypair_save(rotating->revealed, signing, rotating->passphrase, error) &&
           keypair_save(rotating->log, log, NULL, error) && encryption_key_generate(encryption, rotating->passphrase, rotating->encryption, error) &&
           (g_file_test(next, G_FILE_TEST_EXISTS) || keypair_save(rotating->new_next, next, rotating->passphrase, error));
}

static gboolean
append(Rotating *rotating, const RotationPlan *plan, GError **error)
{
    Home *home = rotating->home;
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    Record *record = rotating_sign(ledger_head(home->ledger), plan, rotating->revealed, rotating->old, g_get_real_time() / G_USEC_PER_SEC, error);

    if (!record)
        return FALSE;
    g_ptr_array_add(batch, record);
    return ledger_append(home->ledger, batch, rotating->revealed, error) && catalogue_project(home->catalogue, home->ledger, error);
}

/* PU7: what forbade to sign is settled: this rotation goes before the other history. */
static gboolean
settle_own_fork(Rotating *rotating, GError **error)
{
    State *state = home_state(rotating->home, error);
    g_autoptr(GPtrArray) evidence = state ? state_evidence_of(state, home_id(rotating->home), error) : NULL;

    for (guint i = 0; evidence && i < evidence->len; i++) {
        const Evidence *e = evidence->pdata[i];

        if (is_own_fork(rotating->home, e) && !state_settle_evidence(state, e, EVIDENCE_REPUDIATED, error))
            return FALSE;
    }
    return evidence != NULL;
}

static gboolean
check_disavowed(const Rotating *rotating, GError **error)
{
    const LedgerHead *head = ledger_head(rotating->home->ledger);

    if (rotating->options->disavowed == 0 || rotating->options->disavowed < head->size)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_USAGE, "--disavow-from: N12: want the number of a record, 1 to %" G_GUINT64_FORMAT ", have %" G_GUINT64_FORMAT, head->size - 1,
                       rotating->options->disavowed);
}

/* What guarded the keys before guards the new ones.  Where the signing keys are in tokens nobody has asked for it yet, and it must be the right one. */
static gboolean
find_passphrase(Rotating *rotating, GError **error)
{
    Home *home = rotating->home;
    g_autofree char *encryption = home_file(home, "keys/encryption.key");
    gboolean guarded = encryption_key_is_encrypted(encryption);

    if (guarded && !home->passphrase && (!home_need_passphrase(home, encryption, error) || !encryption_key_try(encryption, home->passphrase, error)))
        return FALSE;
    if (home->passphrase && (guarded || home_key_is_encrypted(home, "keys/signing.key") || keypair_file_is_encrypted(rotating->result->next)))
        rotating->passphrase = home->passphrase;
    return TRUE;
}

/* All that can go wrong without anything having been written. */
static gboolean
prepare(Rotating *rotating, GError **error)
{
    if (!check_disavowed(rotating, error) || !load_revealed(rotating, error) || !load_old(rotating, error) || !find_own_fork(rotating, error) ||
        !load_or_make_next(rotating, error))
        return FALSE;
    rotating->log = keypair_generate(error);
    return rotating->log && find_passphrase(rotating, error);
}

static gboolean
rotate_locked(Rotating *rotating, GError **error)
{
    RotationPlan plan;

    if (!prepare(rotating, error))
        return FALSE;
    if (!rotating->options->dry_run && !write_keys(rotating, error))
        return FALSE;
    plan = plan_of(rotating);
    rotating->result->seq = ledger_head(rotating->home->ledger)->size;
    rotating->result->epoch = plan.epoch;
    rotating->result->settled = rotating->own_fork;
    return rotating->options->dry_run ||
           (append(rotating, &plan, error) && changeover_settle(rotating->home, error) && settle_own_fork(rotating, error));
}

gboolean
rotating_rotate(Home *home, const RotatingOptions *options, RotatingResult *result, GError **error)
{
    g_auto(Rotating) rotating = { .home = home, .options = options, .result = result };
    g_autoptr(LedgerLock) lock = NULL;

    result->next = options->next ? g_strdup(options->next) : home_file(home, "keys/next.key");
    result->new_next = options->new_next ? g_strdup(options->new_next) : home_file(home, "keys/next.key");
    if (!home_catalogue(home, error) || !(lock = ledger_lock(home->ledger, error)) || !catalogue_project(home->catalogue, home->ledger, error))
        return FALSE;
    return changeover_settle(home, error) && rotate_locked(&rotating, error);
}
