#include "manifests/ledger/note.h"

#include <string.h>

#include "keys/digest.h"
#include "keys/error.h"

#define DASH "\xe2\x80\x94 "
#define KEY_ID_SIZE 4
#define ALGORITHM_ED25519 0x01
/* Other algorithms sign longer (ML-DSA-44: 2 432 bytes), and their lines are to be passed over, not refused. */
#define SIGNATURE_SIZE_MAX 4096

typedef guint8 KeyId[KEY_ID_SIZE];

/* T2: SHA-256(name, LF, algorithm, key), cut to four bytes. */
static void
key_id(const char *name, const PublicKey *key, KeyId id)
{
    g_autoptr(DigestStream) stream = digest_stream_new();
    const guint8 middle[2] = { '\n', ALGORITHM_ED25519 };
    Digest digest;

    digest_stream_update(stream, name, strlen(name));
    digest_stream_update(stream, middle, sizeof middle);
    digest_stream_update(stream, key->bytes, sizeof key->bytes);
    digest_stream_finish(g_steal_pointer(&stream), &digest);
    memcpy(id, digest.bytes, KEY_ID_SIZE);
}

/* T2: not empty, no Unicode white space, no plus sign. */
static gboolean
name_is_well_formed(const char *name, gsize size)
{
    const char *end = name + size;

    if (size == 0 || !g_utf8_validate(name, (gssize)size, NULL))
        return FALSE;
    for (const char *p = name; p < end; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if (c == '+' || c == 0x85 || c < 0x20 || g_unichar_isspace(c))
            return FALSE;
    }
    return TRUE;
}

static gboolean
malformed(GError **error, const char *what)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, "note: %s", what);
}

/* T1: UTF-8, and of the control characters only LF. */
static gboolean
check_bytes(const char *note, gsize size, GError **error)
{
    if (size > NOTE_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "note: T1: want at most %d bytes, have %" G_GSIZE_FORMAT, NOTE_SIZE_MAX, size);
    if (!g_utf8_validate(note, (gssize)size, NULL))
        return malformed(error, "T1: want UTF-8");
    for (gsize i = 0; i < size; i++)
        if ((guchar)note[i] < 0x20 && note[i] != '\n')
            return malformed(error, "T1: want no control characters but line feeds");
    return TRUE;
}

/* T3: the text ends at the last empty line; what follows are signature lines, to the end. */
static const char *
find_signatures(const char *note, gsize size, GError **error)
{
    const char *split = g_strrstr_len(note, (gssize)size, "\n\n");

    if (!split)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "note: T3: want an empty line before the signatures");
    if (split + 2 == note + size || note[size - 1] != '\n')
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "note: T3: want signature lines up to a final line feed");
    return split + 2;
}

typedef struct {
    const char *name; /* borrowed from the note */
    gsize name_size;
    GBytes *blob;     /* key id and signature: owned */
} SignatureLine;

/* T4: "— NAME BASE64". */
static gboolean
parse_line(const char *line, gsize size, SignatureLine *out, GError **error)
{
    const char *space;

    if (size < strlen(DASH) || memcmp(line, DASH, strlen(DASH)) != 0)
        return malformed(error, "T4: want a signature line to begin with a dash and a space");
    out->name = line + strlen(DASH);
    space = memchr(out->name, ' ', size - strlen(DASH));
    if (!space || !name_is_well_formed(out->name, (gsize)(space - out->name)))
        return malformed(error, "T4: want a name without white space or plus sign, and a signature");
    out->name_size = (gsize)(space - out->name);
    out->blob = base64_parse(space + 1, (gsize)(line + size - space - 1), SIGNATURE_SIZE_MAX, error);
    if (!out->blob) {
        g_prefix_error(error, "note: T4: ");
        return FALSE;
    }
    if (g_bytes_get_size(out->blob) > KEY_ID_SIZE)
        return TRUE;
    g_clear_pointer(&out->blob, g_bytes_unref);
    return malformed(error, "T4: want a key id and a signature, have fewer than five bytes");
}

/* T5: a line by the wanted name and key id must hold; any other says nothing. */
static gboolean
check_line(const SignatureLine *line, const char *text, gsize text_size, const char *name, const PublicKey *key, gboolean *good, GError **error)
{
    KeyId id;
    gsize size;
    const guint8 *blob = g_bytes_get_data(line->blob, &size);

    key_id(name, key, id);
    if (line->name_size != strlen(name) || memcmp(line->name, name, line->name_size) != 0 || memcmp(blob, id, KEY_ID_SIZE) != 0)
        return TRUE;
    if (*good)
        return TRUE;
    if (size != KEY_ID_SIZE + ED25519_SIGNATURE_SIZE || !public_key_verify(key, text, text_size, blob + KEY_ID_SIZE, NULL))
        return chama_error(error, CHAMA_ERROR_VERIFY, "note: T5: the signature of %s does not hold", name);
    *good = TRUE;
    return TRUE;
}

gboolean
note_open(const char *note, gsize size, const char *name, const PublicKey *key, gsize *text_size, GError **error)
{
    const char *line;
    gboolean good = FALSE;

    if (!check_bytes(note, size, error) || !(line = find_signatures(note, size, error)))
        return FALSE;
    *text_size = (gsize)(line - note) - 1;
    for (guint count = 1; line < note + size; count++) {
        const char *end = memchr(line, '\n', (gsize)(note + size - line));
        SignatureLine parsed = { 0 };
        g_autoptr(GBytes) blob = NULL;

        if (count > NOTE_SIGNATURES_MAX)
            return chama_error(error, CHAMA_ERROR_LIMIT, "note: T3: want at most %d signatures", NOTE_SIGNATURES_MAX);
        if (!parse_line(line, (gsize)(end - line), &parsed, error))
            return FALSE;
        blob = parsed.blob;
        if (!check_line(&parsed, note, *text_size, name, key, &good, error))
            return FALSE;
        line = end + 1;
    }
    return good || chama_error(error, CHAMA_ERROR_VERIFY, "note: T5: want a signature of %s, have none", name);
}

char *
note_sign(const char *text, const char *name, const Keypair *key, GError **error)
{
    guint8 blob[KEY_ID_SIZE + ED25519_SIGNATURE_SIZE];
    g_autofree char *signature = NULL;

    if (!name_is_well_formed(name, strlen(name)))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "note: T2: %s cannot be the name of a key", name);
    if (!g_str_has_suffix(text, "\n"))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "note: T1: want a text that ends in a line feed");
    if (!check_bytes(text, strlen(text), error))
        return NULL;
    key_id(name, keypair_public(key), blob);
    if (!keypair_sign(key, text, strlen(text), blob + KEY_ID_SIZE, error))
        return NULL;
    signature = base64_format(blob, sizeof blob);
    return g_strdup_printf("%s\n" DASH "%s %s\n", text, name, signature);
}

char *
note_verifier_format(const char *name, const PublicKey *key)
{
    guint8 bytes[1 + ED25519_PUBLIC_SIZE];
    KeyId id;
    g_autofree char *text = NULL;

    key_id(name, key, id);
    bytes[0] = ALGORITHM_ED25519;
    memcpy(bytes + 1, key->bytes, ED25519_PUBLIC_SIZE);
    text = base64_format(bytes, sizeof bytes);
    return g_strdup_printf("%s+%02x%02x%02x%02x+%s", name, id[0], id[1], id[2], id[3], text);
}

static gboolean
verifier_key(const char *text, PublicKey *key, GError **error)
{
    g_autoptr(GBytes) bytes = base64_parse(text, strlen(text), SIGNATURE_SIZE_MAX, error);
    g_autofree char *encoded = NULL;
    g_autofree char *spelt = NULL;
    const guint8 *data;
    gsize size;

    if (!bytes) {
        g_prefix_error(error, "verifier key: T2: ");
        return FALSE;
    }
    data = g_bytes_get_data(bytes, &size);
    if (size < 1 || data[0] != ALGORITHM_ED25519)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "verifier key: T2: want algorithm 1 (Ed25519), have %u", size < 1 ? 0u : data[0]);
    if (size != 1 + ED25519_PUBLIC_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "verifier key: T2: want a key of 32 bytes, have %" G_GSIZE_FORMAT, size - 1);
    /* public_key_parse() refuses the keys on which verifiers disagree. */
    encoded = base64_format(data + 1, ED25519_PUBLIC_SIZE);
    spelt = g_strconcat("ed25519:", encoded, NULL);
    return public_key_parse(spelt, key, error);
}

gboolean
note_verifier_parse(const char *vkey, char **name, PublicKey *key, GError **error)
{
    /* T2: the base64 may hold plus signs, so only the first two separate. */
    g_auto(GStrv) parts = g_strsplit(vkey, "+", 3);
    g_autofree char *again = NULL;
    PublicKey parsed;

    if (g_strv_length(parts) != 3 || !name_is_well_formed(parts[0], strlen(parts[0])))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "verifier key: T2: want NAME+ID+KEY");
    if (!verifier_key(parts[2], &parsed, error))
        return FALSE;
    again = note_verifier_format(parts[0], &parsed);
    if (strcmp(again, vkey) != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "verifier key: T2: the key id is not the one of the name and key");
    *name = g_strdup(parts[0]);
    *key = parsed;
    return TRUE;
}
