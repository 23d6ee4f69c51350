#include "keys/identity.h"

#include <stdio.h>
#include <string.h>

#include "keys/error.h"
#include "keys/identity_private.h"

#define INCEPTION_TYPE "inception/1"
#define INCEPTION_SIZE_MAX 1024
#define ENCRYPTION_PREFIX "x25519:"
#define ENCRYPTION_TEXT_MAX 51 /* the prefix and the base64 of 32 bytes */

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

char *
node_id_format(const Digest *inception, char id[NODE_ID_SIZE])
{
    guint buffer = 0, bits = 0;
    gsize at = 0;

    for (gsize i = 0; i < DIGEST_SIZE; i++) {
        buffer = (buffer << 8 | inception->bytes[i]) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5)
            id[at++] = alphabet[buffer >> (bits - 5) & 31];
    }
    id[at++] = alphabet[buffer << (5 - bits) & 31];
    id[at] = '\0';
    return id;
}

static int
base32_value(char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* N1: 52 characters of the alphabet, of which the last holds one bit and four zeros. */
static gboolean
decode_node_id(const char *id, guint8 bytes[DIGEST_SIZE])
{
    guint buffer = 0, bits = 0;
    gsize at = 0;

    if (strnlen(id, NODE_ID_SIZE) != NODE_ID_LENGTH)
        return FALSE;
    for (gsize i = 0; i < NODE_ID_LENGTH; i++) {
        int value = base32_value(id[i]);

        if (value < 0)
            return FALSE;
        buffer = (buffer << 5 | (guint)value) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            bytes[at++] = (guint8)(buffer >> bits);
        }
    }
    return (buffer & 15) == 0;
}

gboolean
node_id_parse(const char *id, Digest *inception, GError **error)
{
    Digest parsed;

    if (!decode_node_id(id, parsed.bytes))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "node id: N1: want 52 characters of lower-case base32, have \"%.64s\"",
                           id);
    *inception = parsed;
    return TRUE;
}

gboolean
node_id_valid(const char *id)
{
    guint8 bytes[DIGEST_SIZE];

    return decode_node_id(id, bytes);
}

/* Divides the big-endian number in place; returns the remainder. */
static guint
divide(guint8 number[DIGEST_SIZE], guint divisor)
{
    guint remainder = 0;

    for (gsize i = 0; i < DIGEST_SIZE; i++) {
        guint value = remainder << 8 | number[i];

        number[i] = (guint8)(value / divisor);
        remainder = value % divisor;
    }
    return remainder;
}

char *
fingerprint_format(const Digest *inception, char text[FINGERPRINT_SIZE])
{
    Digest number = *inception;
    guint group[8];

    /* N4: eight remainders by 100000 are the number modulo 10^40, its last group first. */
    for (int i = 7; i >= 0; i--)
        group[i] = divide(number.bytes, 100000);
    g_snprintf(text, FINGERPRINT_SIZE, "%05u %05u %05u %05u %05u %05u %05u %05u", group[0], group[1], group[2], group[3],
               group[4], group[5], group[6], group[7]);
    return text;
}

void
commitment_of(const PublicKey *next, Digest *commitment)
{
    char text[PUBLIC_KEY_TEXT_SIZE];

    public_key_format(next, text);
    digest_of(text, strlen(text), commitment);
}

char *
encryption_key_format(const guint8 key[ENCRYPTION_KEY_SIZE])
{
    g_autofree char *encoded = base64_format(key, ENCRYPTION_KEY_SIZE);

    return g_strconcat(ENCRYPTION_PREFIX, encoded, NULL);
}

GBytes *
inception_format(const PublicKey *signing, const PublicKey *log, const guint8 encryption[ENCRYPTION_KEY_SIZE], const Digest *next,
                 gint64 time, GError **error)
{
    char signing_text[PUBLIC_KEY_TEXT_SIZE], log_text[PUBLIC_KEY_TEXT_SIZE], next_text[DIGEST_TEXT_SIZE], time_text[TIME_TEXT_SIZE];
    g_autofree char *encryption_text = encryption_key_format(encryption);
    g_autoptr(json_t) root = json_object();

    json_object_set_new(root, "encryption", json_string(encryption_text));
    json_object_set_new(root, "log", json_string(public_key_format(log, log_text)));
    json_object_set_new(root, "next", json_string(digest_format(next, next_text)));
    json_object_set_new(root, "seq", json_integer(0));
    json_object_set_new(root, "signing", json_string(public_key_format(signing, signing_text)));
    json_object_set_new(root, "time", json_string(time_format(time, time_text)));
    json_object_set_new(root, "type", json_string(INCEPTION_TYPE));
    return canonical_format(root, error);
}

static gboolean
read_public_key(const json_t *root, const char *what, const char *rule, const char *name, PublicKey *key, GError **error)
{
    const char *text;

    if (!member_string(root, what, name, PUBLIC_KEY_TEXT_SIZE - 1, &text, error))
        return FALSE;
    if (!public_key_parse(text, key, error)) {
        g_prefix_error(error, "%s: %s: member \"%s\": ", what, rule, name);
        return FALSE;
    }
    return TRUE;
}

static gboolean
read_encryption_key(const json_t *root, const char *what, const char *rule, guint8 key[ENCRYPTION_KEY_SIZE], GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    const char *text, *encoded;

    if (!member_string(root, what, "encryption", ENCRYPTION_TEXT_MAX, &text, error))
        return FALSE;
    if (!g_str_has_prefix(text, ENCRYPTION_PREFIX))
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED,
                           "%s: %s: member \"encryption\": want \"x25519:\" and base64, have \"%s\"", what, rule, text);
    encoded = text + strlen(ENCRYPTION_PREFIX);
    bytes = base64_parse(encoded, strlen(encoded), ENCRYPTION_KEY_SIZE, error);
    if (!bytes) {
        g_prefix_error(error, "%s: %s: member \"encryption\": ", what, rule);
        return FALSE;
    }
    if (g_bytes_get_size(bytes) != ENCRYPTION_KEY_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: member \"encryption\": want 32 bytes, have %zu", what, rule,
                           g_bytes_get_size(bytes));
    memcpy(key, g_bytes_get_data(bytes, NULL), ENCRYPTION_KEY_SIZE);
    return TRUE;
}

/* N3: a commitment to the key in use would let its thief rotate. */
static gboolean
check_commitment(const Identity *identity, const char *what, GError **error)
{
    Digest present;

    commitment_of(&identity->signing, &present);
    if (digest_equal(&present, &identity->next))
        return chama_error(error, CHAMA_ERROR_MALFORMED,
                           "%s: N3: want the hash of another key as next, have that of the signing key", what);
    return TRUE;
}

gboolean
identity_read_keys(const json_t *root, const char *what, const char *rule, Identity *identity, GError **error)
{
    return read_public_key(root, what, rule, "signing", &identity->signing, error)
           && read_public_key(root, what, rule, "log", &identity->log, error)
           && read_encryption_key(root, what, rule, identity->encryption, error)
           && member_digest(root, what, "next", &identity->next, error) && check_commitment(identity, what, error);
}

/* N2: the members that make it an inception: its type, number 0, and a time. */
static gboolean
read_head(const json_t *root, gint64 *time, GError **error)
{
    static const char *const known[] = { "encryption", "log", "next", "seq", "signing", "time", "type", NULL };
    const char *type;
    gint64 number;

    if (!member_string(root, "inception", "type", 64, &type, error))
        return FALSE;
    if (strcmp(type, INCEPTION_TYPE) != 0)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "inception: N2: want the type " INCEPTION_TYPE ", have \"%s\"", type);
    return member_only(root, "inception", known, error)
           && member_integer(root, "inception", "seq", 0, 0, &number, error)
           && member_time(root, "inception", "time", time, error);
}

Identity *
identity_new(void)
{
    return g_atomic_rc_box_new0(Identity);
}

Identity *
identity_parse_inception(GBytes *inception, GError **error)
{
    g_autoptr(Identity) identity = identity_new();
    g_autoptr(json_t) root = NULL;
    Digest digest;
    gsize size;
    const void *data = g_bytes_get_data(inception, &size);

    root = canonical_parse(data, size, INCEPTION_SIZE_MAX, "inception", error);
    if (!root || !read_head(root, &identity->time, error) || !identity_read_keys(root, "inception", "N2", identity, error))
        return NULL;
    digest_of(data, size, &digest);
    identity->record = digest;
    node_id_format(&digest, identity->id);
    return g_steal_pointer(&identity);
}

Identity *
identity_ref(const Identity *identity)
{
    return g_atomic_rc_box_acquire((Identity *)identity);
}

Identity *
identity_copy(const Identity *identity)
{
    Identity *copy = identity_new();

    *copy = *identity;
    if (identity->before)
        copy->before = identity_ref(identity->before);
    return copy;
}

static void
clear(gpointer data)
{
    Identity *identity = data;

    identity_free((Identity *)identity->before);
}

void
identity_free(Identity *identity)
{
    if (identity)
        g_atomic_rc_box_release_full(identity, clear);
}
