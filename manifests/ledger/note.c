#include "manifests/ledger/note.h"

#include <string.h>

#include "keys/digest.h"
#include "keys/error.h"

#define DASH "\xe2\x80\x94 "
/* Other algorithms sign longer (ML-DSA-44: 2 432 bytes), and their lines are to be passed over, not refused. */
#define SIGNATURE_SIZE_MAX 4096
#define ML_DSA_KEY_SIZE 1312

static void
id_of(const char *name, guint8 algorithm, const void *key, gsize key_size, NoteKeyId *id)
{
    g_autoptr(DigestStream) stream = digest_stream_new();
    const guint8 middle[2] = { '\n', algorithm };
    Digest digest;

    digest_stream_update(stream, name, strlen(name));
    digest_stream_update(stream, middle, sizeof middle);
    digest_stream_update(stream, key, key_size);
    digest_stream_finish(g_steal_pointer(&stream), &digest);
    memcpy(id->bytes, digest.bytes, NOTE_KEY_ID_SIZE);
}

void
note_key_id(const char *name, NoteAlgorithm algorithm, const PublicKey *key, NoteKeyId *id)
{
    id_of(name, (guint8)algorithm, key->bytes, sizeof key->bytes, id);
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

NoteSignature *
note_signature_new(const char *name, const NoteKeyId *id, const void *signature, gsize size)
{
    NoteSignature *made = g_new0(NoteSignature, 1);

    made->name = g_strdup(name);
    made->id = *id;
    made->signature = g_bytes_new(signature, size);
    return made;
}

void
note_signature_free(NoteSignature *signature)
{
    if (!signature)
        return;
    g_free(signature->name);
    g_bytes_unref(signature->signature);
    g_free(signature);
}

char *
note_signature_format(const NoteSignature *signature)
{
    gsize size;
    const void *bytes = g_bytes_get_data(signature->signature, &size);
    g_autofree guint8 *blob = g_malloc(NOTE_KEY_ID_SIZE + size);
    g_autofree char *text = NULL;

    memcpy(blob, signature->id.bytes, NOTE_KEY_ID_SIZE);
    memcpy(blob + NOTE_KEY_ID_SIZE, bytes, size);
    text = base64_format(blob, NOTE_KEY_ID_SIZE + size);
    return g_strdup_printf(DASH "%s %s\n", signature->name, text);
}

static NoteSignature *
signature_of(const char *name, gsize name_size, GBytes *blob)
{
    g_autofree char *copy = g_strndup(name, name_size);
    gsize size;
    const guint8 *data = g_bytes_get_data(blob, &size);
    NoteKeyId id;

    memcpy(id.bytes, data, NOTE_KEY_ID_SIZE);
    return note_signature_new(copy, &id, data + NOTE_KEY_ID_SIZE, size - NOTE_KEY_ID_SIZE);
}

/* T4: "— NAME BASE64", without its LF. */
static NoteSignature *
parse_line(const char *line, gsize size, GError **error)
{
    const char *name = line + strlen(DASH), *space;
    g_autoptr(GBytes) blob = NULL;

    if (size < strlen(DASH) || memcmp(line, DASH, strlen(DASH)) != 0)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "note: T4: want a signature line to begin with a dash and a space");
    space = memchr(name, ' ', size - strlen(DASH));
    if (!space || !name_is_well_formed(name, (gsize)(space - name)))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "note: T4: want a name without white space or plus sign, and a signature");
    blob = base64_parse(space + 1, (gsize)(line + size - space - 1), SIGNATURE_SIZE_MAX, error);
    if (!blob) {
        g_prefix_error(error, "note: T4: ");
        return NULL;
    }
    if (g_bytes_get_size(blob) <= NOTE_KEY_ID_SIZE)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "note: T4: want a key id and a signature, have fewer than five bytes");
    return signature_of(name, (gsize)(space - name), blob);
}

NoteSignature *
note_signature_parse(const char *line, gsize size, GError **error)
{
    if (!check_bytes(line, size, error))
        return NULL;
    if (size == 0 || memchr(line, '\n', size) != line + size - 1)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "note: T4: want one signature line that ends in a line feed");
    return parse_line(line, size - 1, error);
}

gboolean
note_text(const char *note, gsize size, gsize *text_size, GError **error)
{
    const char *lines = check_bytes(note, size, error) ? find_signatures(note, size, error) : NULL;

    if (lines)
        *text_size = (gsize)(lines - note) - 1;
    return lines != NULL;
}

GPtrArray *
note_signatures(const char *note, gsize size, gsize *text_size, GError **error)
{
    g_autoptr(GPtrArray) signatures = g_ptr_array_new_with_free_func((GDestroyNotify)note_signature_free);
    const char *line;

    if (!note_text(note, size, text_size, error))
        return NULL;
    line = note + *text_size + 1;
    while (line < note + size) {
        const char *end = memchr(line, '\n', (gsize)(note + size - line));
        NoteSignature *signature;

        if (signatures->len == NOTE_SIGNATURES_MAX)
            return chama_error_null(error, CHAMA_ERROR_LIMIT, "note: T3: want at most %d signatures", NOTE_SIGNATURES_MAX);
        signature = parse_line(line, (gsize)(end - line), error);
        if (!signature)
            return NULL;
        g_ptr_array_add(signatures, signature);
        line = end + 1;
    }
    return g_steal_pointer(&signatures);
}

const NoteSignature *
note_signatures_find(GPtrArray *signatures, const char *name, const NoteKeyId *id)
{
    for (guint i = 0; i < signatures->len; i++) {
        const NoteSignature *signature = signatures->pdata[i];

        if (strcmp(signature->name, name) == 0 && memcmp(signature->id.bytes, id->bytes, NOTE_KEY_ID_SIZE) == 0)
            return signature;
    }
    return NULL;
}

/* T5: the first line by the wanted name and key id must hold; any other says nothing. */
static const NoteSignature *
find_good(const char *text, gsize text_size, GPtrArray *signatures, const char *name, const PublicKey *key, GError **error)
{
    NoteKeyId id;
    const NoteSignature *signature;

    note_key_id(name, NOTE_ED25519, key, &id);
    signature = note_signatures_find(signatures, name, &id);
    if (!signature)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "note: T5: want a signature of %s, have none", name);
    if (g_bytes_get_size(signature->signature) != ED25519_SIGNATURE_SIZE
        || !public_key_verify(key, text, text_size, g_bytes_get_data(signature->signature, NULL), NULL))
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "note: T5: the signature of %s does not hold", name);
    return signature;
}

gboolean
note_open(const char *note, gsize size, const char *name, const PublicKey *key, gsize *text_size, GError **error)
{
    g_autoptr(GPtrArray) signatures = note_signatures(note, size, text_size, error);

    return signatures && find_good(note, *text_size, signatures, name, key, error);
}

char *
note_bare(const char *note, gsize size, const char *name, const PublicKey *key, GError **error)
{
    gsize text_size;
    g_autoptr(GPtrArray) signatures = note_signatures(note, size, &text_size, error);
    const NoteSignature *owner = signatures ? find_good(note, text_size, signatures, name, key, error) : NULL;
    g_autofree char *line = owner ? note_signature_format(owner) : NULL;

    return line ? g_strdup_printf("%.*s\n%s", (int)text_size, note, line) : NULL;
}

/* T17: a line more, if it is the first of its name and key id and there is room. */
static void
merge_line(GString *merged, GPtrArray *lines, const NoteSignature *signature)
{
    g_autofree char *line = note_signature_format(signature);

    if (lines->len == NOTE_SIGNATURES_MAX || merged->len + strlen(line) > NOTE_SIZE_MAX || note_signatures_find(lines, signature->name, &signature->id))
        return;
    g_ptr_array_add(lines, (gpointer)signature);
    g_string_append(merged, line);
}

char *
note_merge(const char *note, gsize size, GPtrArray *more, GError **error)
{
    gsize text_size;
    g_autoptr(GPtrArray) signatures = note_signatures(note, size, &text_size, error);
    g_autoptr(GPtrArray) lines = g_ptr_array_new();
    g_autoptr(GString) merged = NULL;

    if (!signatures)
        return NULL;
    merged = g_string_new_len(note, (gssize)text_size + 1);
    for (guint i = 0; i < signatures->len; i++)
        merge_line(merged, lines, signatures->pdata[i]);
    for (guint i = 0; i < more->len; i++)
        merge_line(merged, lines, more->pdata[i]);
    return g_string_free(g_steal_pointer(&merged), FALSE);
}

char *
note_sign(const char *text, const char *name, const Keypair *key, GError **error)
{
    guint8 bytes[ED25519_SIGNATURE_SIZE];
    NoteKeyId id;
    g_autoptr(NoteSignature) signature = NULL;
    g_autofree char *line = NULL;

    if (!name_is_well_formed(name, strlen(name)))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "note: T2: %s cannot be the name of a key", name);
    if (!g_str_has_suffix(text, "\n"))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "note: T1: want a text that ends in a line feed");
    if (!check_bytes(text, strlen(text), error))
        return NULL;
    note_key_id(name, NOTE_ED25519, keypair_public(key), &id);
    if (!keypair_sign(key, text, strlen(text), bytes, error))
        return NULL;
    signature = note_signature_new(name, &id, bytes, sizeof bytes);
    line = note_signature_format(signature);
    return g_strdup_printf("%s\n%s", text, line);
}

static char *
format_vkey(const char *name, const NoteKeyId *id, const void *bytes, gsize size)
{
    g_autofree char *text = base64_format(bytes, size);

    return g_strdup_printf("%s+%02x%02x%02x%02x+%s", name, id->bytes[0], id->bytes[1], id->bytes[2], id->bytes[3], text);
}

char *
note_verifier_format(const char *name, NoteAlgorithm algorithm, const PublicKey *key)
{
    guint8 bytes[1 + ED25519_PUBLIC_SIZE];
    NoteKeyId id;

    note_key_id(name, algorithm, key, &id);
    bytes[0] = (guint8)algorithm;
    memcpy(bytes + 1, key->bytes, ED25519_PUBLIC_SIZE);
    return format_vkey(name, &id, bytes, sizeof bytes);
}

void
note_verifier_free(NoteVerifier *verifier)
{
    if (!verifier)
        return;
    g_free(verifier->name);
    g_free(verifier);
}

/* T2: the algorithm, and a key as long as it says that is one. */
static gboolean
read_key(NoteVerifier *verifier, const guint8 *data, gsize size, GError **error)
{
    gsize wanted = ED25519_PUBLIC_SIZE;

    if (size < 1 || (data[0] != NOTE_ED25519 && data[0] != NOTE_COSIGNATURE && data[0] != NOTE_ML_DSA))
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "verifier key: T2: want algorithm 1 (Ed25519), 4 (Ed25519 cosignature) or 6 (ML-DSA-44), have %u",
                           size < 1 ? 0u : data[0]);
    verifier->algorithm = data[0];
    if (verifier->algorithm == NOTE_ML_DSA)
        wanted = ML_DSA_KEY_SIZE;
    if (size != 1 + wanted)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "verifier key: T2: want a key of %" G_GSIZE_FORMAT " bytes, have %" G_GSIZE_FORMAT, wanted, size - 1);
    digest_of(data + 1, wanted, &verifier->key_digest);
    if (verifier->algorithm == NOTE_ML_DSA)
        return TRUE;
    memcpy(verifier->key.bytes, data + 1, ED25519_PUBLIC_SIZE);
    /* Refuses the keys on which verifiers disagree. */
    return public_key_check(&verifier->key, error);
}

static NoteVerifier *
read_verifier(const char *name, const char *key, GError **error)
{
    g_autoptr(NoteVerifier) verifier = g_new0(NoteVerifier, 1);
    g_autoptr(GBytes) bytes = base64_parse(key, strlen(key), SIGNATURE_SIZE_MAX, error);
    const guint8 *data;
    gsize size;

    if (!bytes) {
        g_prefix_error(error, "verifier key: T2: ");
        return NULL;
    }
    data = g_bytes_get_data(bytes, &size);
    if (!read_key(verifier, data, size, error))
        return NULL;
    verifier->name = g_strdup(name);
    id_of(name, data[0], data + 1, size - 1, &verifier->id);
    return g_steal_pointer(&verifier);
}

NoteVerifier *
note_verifier_parse(const char *vkey, GError **error)
{
    /* T2: the base64 may hold plus signs, so only the first two separate. */
    g_auto(GStrv) parts = g_strsplit(vkey, "+", 3);
    g_autofree char *id = NULL;
    g_autoptr(NoteVerifier) verifier = NULL;

    if (g_strv_length(parts) != 3 || !name_is_well_formed(parts[0], strlen(parts[0])))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "verifier key: T2: want NAME+ID+KEY");
    verifier = read_verifier(parts[0], parts[2], error);
    if (!verifier)
        return NULL;
    id = g_strdup_printf("%02x%02x%02x%02x", verifier->id.bytes[0], verifier->id.bytes[1], verifier->id.bytes[2], verifier->id.bytes[3]);
    if (strcmp(id, parts[1]) != 0)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "verifier key: T2: the key id is not the one of the name and key");
    return g_steal_pointer(&verifier);
}
