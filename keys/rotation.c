#include "keys/rotation.h"

#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "keys/identity_private.h"
#include "keys/sshsig.h"

#define INTEGER_MAX G_GINT64_CONSTANT(9007199254740991)
#define EPOCH_MAX ROTATIONS_MAX

/* Strings as base64 of an SSHSIG blob. */
#define ENDORSED_TEXT_MAX 1368

GBytes *
rotation_members(const RotationPlan *plan, GError **error)
{
    char signing[PUBLIC_KEY_TEXT_SIZE], log[PUBLIC_KEY_TEXT_SIZE], next[DIGEST_TEXT_SIZE];
    g_autofree char *encryption = encryption_key_format(plan->encryption);
    g_autoptr(json_t) root = json_object();

    json_object_set_new(root, "encryption", json_string(encryption));
    json_object_set_new(root, "log", json_string(public_key_format(&plan->log, log)));
    json_object_set_new(root, "next", json_string(digest_format(&plan->next, next)));
    json_object_set_new(root, "signing", json_string(public_key_format(&plan->signing, signing)));
    if (plan->epoch > 0)
        json_object_set_new(root, "recovery", json_pack("{s:I, s:I}", "epoch", (json_int_t)plan->epoch, "size", (json_int_t)plan->stands));
    if (plan->disavowed > 0)
        json_object_set_new(root, "disavowed", json_integer((json_int_t)plan->disavowed));
    return canonical_format(root, error);
}

GBytes *
rotation_endorse(GBytes *members, GBytes *record, const Keypair *old, GError **error)
{
    g_autoptr(json_t) root = canonical_parse(g_bytes_get_data(members, NULL), g_bytes_get_size(members), ROTATION_SIZE_MAX, "rotation", error);
    g_autoptr(GBytes) blob = NULL;
    g_autofree char *text = NULL;

    if (!root)
        return NULL;
    blob = sshsig_sign(old, SSHSIG_NAMESPACE_ROTATION, g_bytes_get_data(record, NULL), g_bytes_get_size(record), error);
    if (!blob)
        return NULL;
    text = base64_format(g_bytes_get_data(blob, NULL), g_bytes_get_size(blob));
    json_object_set_new(root, "endorsed", json_string(text));
    return canonical_format(root, error);
}

/* N6: what every record has beside its keys; that it continues the ledger is the record's to check. */
static gboolean
read_head(const json_t *root, Identity *identity, GError **error)
{
    static const char *const known[] = { "disavowed", "encryption", "endorsed", "log", "next", "node", "prev", "recovery", "seq", "signing", "time", "type", NULL };
    const char *type;
    gint64 seq;

    if (!member_string(root, "rotation", "type", 64, &type, error))
        return FALSE;
    if (strcmp(type, ROTATION_TYPE) != 0)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "rotation: N6: want the type " ROTATION_TYPE ", have \"%s\"", type);
    if (!member_only(root, "rotation", known, error) || !member_integer(root, "rotation", "seq", 1, INTEGER_MAX, &seq, error))
        return FALSE;
    identity->since = (guint64)seq;
    return member_time(root, "rotation", "time", &identity->time, error);
}

/* N11: a recovery says which epoch of the log begins, and what stands of the one before. */
static gboolean
read_recovery(const json_t *root, Identity *identity, GError **error)
{
    static const char *const known[] = { "epoch", "size", NULL };
    const json_t *recovery;
    gint64 epoch, size;

    identity->epoch = identity->before->epoch;
    if (!member_has(root, "recovery"))
        return TRUE;
    if (!member_object(root, "rotation", "recovery", &recovery, error) || !member_only(recovery, "recovery: N11", known, error)
        || !member_integer(recovery, "recovery: N11", "epoch", 1, EPOCH_MAX, &epoch, error)
        || !member_integer(recovery, "recovery: N11", "size", 1, (gint64)identity->since, &size, error))
        return FALSE;
    if ((guint64)epoch != identity->before->epoch + 1)
        return chama_error(error, CHAMA_ERROR_VERIFY, "rotation: N11: want epoch %" G_GUINT64_FORMAT " of the log to begin, have %" G_GINT64_FORMAT,
                           identity->before->epoch + 1, epoch);
    identity->epoch = (guint64)epoch;
    return TRUE;
}

/* N12. */
static gboolean
read_disavowal(const json_t *root, Identity *identity, GError **error)
{
    gint64 from;

    if (!member_has(root, "disavowed"))
        return TRUE;
    if (!member_integer(root, "rotation: N12", "disavowed", 1, (gint64)identity->since - 1, &from, error))
        return FALSE;
    identity->disavowed = (guint64)from;
    return TRUE;
}

/* N7: who knows only the keys of before has not got this one. */
static gboolean
check_revealed(const Identity *identity, GError **error)
{
    const Identity *before = identity->before, *known = identity_that_signed(before, &identity->signing);
    char want[DIGEST_TEXT_SIZE], have[DIGEST_TEXT_SIZE];
    Digest revealed;

    commitment_of(&identity->signing, &revealed);
    if (digest_equal(&revealed, &before->next))
        return TRUE;
    digest_format(&before->next, want);
    if (!known)
        return chama_error(error, CHAMA_ERROR_VERIFY, "rotation: N7: want the key that was committed to, of hash %s, have one of hash %s", want,
                           digest_format(&revealed, have));
    if (memcmp(&known->signing, &before->signing, sizeof known->signing) == 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "rotation: N7: want the key that was committed to, of hash %s, have the one in use", want);
    return chama_error(error, CHAMA_ERROR_VERIFY,
                       "rotation: N7: want the key that was committed to, of hash %s, have the one of record %" G_GUINT64_FORMAT
                       " on, which an earlier rotation ended", want, known->since);
}

/* N8: nothing that was once given up comes back, now or with the next rotation. */
static gboolean
check_new(const Identity *identity, GError **error)
{
    const Identity *logged = identity_that_logged(identity->before, &identity->log);

    if (logged && memcmp(&identity->log, &identity->before->log, sizeof identity->log) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY,
                           "rotation: N8: want the log key in use or a new one, have the one of record %" G_GUINT64_FORMAT
                           " on, which an earlier rotation ended", logged->since);
    for (const Identity *at = identity->before; at; at = at->before) {
        Digest used;

        commitment_of(&at->signing, &used);
        if (digest_equal(&used, &identity->next))
            return chama_error(error, CHAMA_ERROR_VERIFY,
                               "rotation: N8: want the hash of a key that has signed nothing as next, have that of the key of record %" G_GUINT64_FORMAT " on",
                               at->since);
    }
    return TRUE;
}

/* What the old key signs: the record without the member. */
static gboolean
check_endorsement(const json_t *root, const Identity *before, GError **error)
{
    g_autoptr(json_t) bare = json_copy((json_t *)root);
    g_autoptr(GBytes) blob = NULL;
    g_autoptr(GBytes) bytes = NULL;
    const char *text;

    if (!member_string(root, "rotation", "endorsed", ENDORSED_TEXT_MAX, &text, error))
        return FALSE;
    blob = base64_parse(text, strlen(text), SSHSIG_SIZE_MAX, error);
    json_object_del(bare, "endorsed");
    bytes = blob ? canonical_format(bare, error) : NULL;
    if (bytes && sshsig_verify(blob, &before->signing, SSHSIG_NAMESPACE_ROTATION, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error))
        return TRUE;
    g_prefix_error(error, "rotation: N10: member \"endorsed\": ");
    return FALSE;
}

/* N10: the old key agrees, or it is lost. */
static gboolean
read_endorsement(const json_t *root, Identity *identity, GError **error)
{
    identity->endorsed = member_has(root, "endorsed");
    if (identity->endorsed)
        return check_endorsement(root, identity->before, error);
    return member_has(root, "recovery")
           || chama_error(error, CHAMA_ERROR_VERIFY, "rotation: N10: want the signature of the key before, or a recovery, have neither");
}

static gboolean
check_count(const Identity *before, guint64 seq, GError **error)
{
    if (identity_rotations(before) >= ROTATIONS_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "rotation: N9: want at most %d rotations in a ledger, have more", ROTATIONS_MAX);
    return seq > before->since
           || chama_error(error, CHAMA_ERROR_VERIFY, "rotation: N9: want a rotation after record %" G_GUINT64_FORMAT ", have record %" G_GUINT64_FORMAT,
                          before->since, seq);
}

Identity *
identity_rotate(const Identity *before, GBytes *record, GError **error)
{
    g_autoptr(Identity) identity = identity_new();
    g_autoptr(json_t) root = canonical_parse(g_bytes_get_data(record, NULL), g_bytes_get_size(record), ROTATION_SIZE_MAX, "rotation", error);

    identity->before = identity_ref(before);
    digest_of(g_bytes_get_data(record, NULL), g_bytes_get_size(record), &identity->record);
    g_strlcpy(identity->id, before->id, sizeof identity->id);
    if (!root || !read_head(root, identity, error) || !check_count(before, identity->since, error)
        || !identity_read_keys(root, "rotation", "N6", identity, error) || !check_revealed(identity, error) || !check_new(identity, error)
        || !read_recovery(root, identity, error) || !read_disavowal(root, identity, error) || !read_endorsement(root, identity, error))
        return NULL;
    return g_steal_pointer(&identity);
}
