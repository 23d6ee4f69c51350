#include "manifests/ledger/cosignature.h"

#include <string.h>

#include "keys/error.h"

#define TIME_SIZE 8
#define BODY_SIZE (TIME_SIZE + ED25519_SIGNATURE_SIZE)

/* T12: the time in decimal, then the text whole. */
static GBytes *
message_of(const char *text, gsize text_size, gint64 time)
{
    g_autoptr(GString) message = g_string_new(NULL);

    g_string_printf(message, "cosignature/v1\ntime %" G_GINT64_FORMAT "\n", time);
    g_string_append_len(message, text, (gssize)text_size);
    return g_string_free_to_bytes(g_steal_pointer(&message));
}

NoteSignature *
cosignature_sign(const char *text, gsize text_size, const char *name, const Keypair *key, gint64 time, GError **error)
{
    guint64 stamp = GUINT64_TO_BE((guint64)time);
    guint8 body[BODY_SIZE];
    NoteKeyId id;
    g_autoptr(GBytes) message = NULL;

    if (time <= 0)
        return chama_error_null(error, CHAMA_ERROR_USAGE, "cosignature: T13: want a time after 1970, have %" G_GINT64_FORMAT " seconds; set the clock", time);
    message = message_of(text, text_size, time);
    memcpy(body, &stamp, TIME_SIZE);
    if (!keypair_sign(key, g_bytes_get_data(message, NULL), g_bytes_get_size(message), body + TIME_SIZE, error))
        return NULL;
    note_key_id(name, NOTE_COSIGNATURE, keypair_public(key), &id);
    return note_signature_new(name, &id, body, sizeof body);
}

/* T11, T13. */
static gboolean
read_body(const NoteSignature *signature, const guint8 **body, gint64 *time, GError **error)
{
    gsize size;
    guint64 stamp;

    *body = g_bytes_get_data(signature->signature, &size);
    if (size != BODY_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "cosignature: T11: want %d bytes of time and signature, have %" G_GSIZE_FORMAT " of %s", BODY_SIZE, size,
                           signature->name);
    memcpy(&stamp, *body, TIME_SIZE);
    stamp = GUINT64_FROM_BE(stamp);
    if (stamp == 0 || stamp > G_MAXINT64)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "cosignature: T13: want a time of 1 to 2^63-1, have %" G_GUINT64_FORMAT " of %s", stamp, signature->name);
    *time = (gint64)stamp;
    return TRUE;
}

gboolean
cosignature_check(const NoteSignature *signature, const char *text, gsize text_size, const char *name, const PublicKey *key, gint64 *time, GError **error)
{
    const guint8 *body;
    gint64 stamp = 0;
    NoteKeyId id;
    g_autoptr(GBytes) message = NULL;

    note_key_id(name, NOTE_COSIGNATURE, key, &id);
    if (strcmp(signature->name, name) != 0 || memcmp(signature->id.bytes, id.bytes, NOTE_KEY_ID_SIZE) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "cosignature: T14: want one by the key of %s, have another's", name);
    if (!read_body(signature, &body, &stamp, error))
        return FALSE;
    message = message_of(text, text_size, stamp);
    if (!public_key_verify(key, g_bytes_get_data(message, NULL), g_bytes_get_size(message), body + TIME_SIZE, NULL))
        return chama_error(error, CHAMA_ERROR_VERIFY, "cosignature: T14: the cosignature of %s does not hold", name);
    *time = stamp;
    return TRUE;
}

gboolean
cosignature_verify(const char *note, gsize size, const char *name, const PublicKey *key, gint64 *time, GError **error)
{
    gsize text_size;
    g_autoptr(GPtrArray) signatures = note_signatures(note, size, &text_size, error);
    const NoteSignature *signature;
    NoteKeyId id;

    if (!signatures)
        return FALSE;
    note_key_id(name, NOTE_COSIGNATURE, key, &id);
    signature = note_signatures_find(signatures, name, &id);
    if (signature)
        return cosignature_check(signature, note, text_size, name, key, time, error);
    *time = 0;
    return TRUE;
}
