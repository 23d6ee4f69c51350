#include "sync/bundle/sealing.h"

#include <string.h>

#include <sodium.h>

#include "keys/error.h"
#include "keys/seal.h"
#include "manifests/unsealing.h"

#define KEY_SIZE crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_FILE_MAX (SEALING_RECEIVERS_MAX * 256)
#define GROUP_CONTEXT "chama-bundle group\n"
#define GROUP_BYTES 16

struct Sealing {
    guint8 key[KEY_SIZE];
};

static Sealing *
sealing_of(const guint8 key[KEY_SIZE])
{
    Sealing *sealing = g_new0(Sealing, 1);

    memcpy(sealing->key, key, KEY_SIZE);
    return sealing;
}

Sealing *
sealing_new(void)
{
    guint8 key[SALT_SIZE];
    Sealing *sealing;

    G_STATIC_ASSERT(SALT_SIZE == KEY_SIZE);
    salt_generate(key);
    sealing = sealing_of(key);
    sodium_memzero(key, sizeof key);
    return sealing;
}

void
sealing_free(Sealing *sealing)
{
    if (!sealing)
        return;
    sodium_memzero(sealing->key, KEY_SIZE);
    g_free(sealing);
}

void
sealing_hint(const guint8 key[ENCRYPTION_KEY_SIZE], char hint[SEALING_HINT_SIZE])
{
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    digest_of(key, ENCRYPTION_KEY_SIZE, &digest);
    g_strlcpy(hint, digest_format_hex(&digest, hex), SEALING_HINT_SIZE);
}

GBytes *
sealing_give(const Sealing *sealing, const guint8 (*keys)[ENCRYPTION_KEY_SIZE], guint count, GError **error)
{
    g_autoptr(GBytes) key = g_bytes_new(sealing->key, KEY_SIZE);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < count; i++) {
        g_autoptr(GBytes) box = seal_encrypt(keys[i], key, error);
        g_autofree char *encoded = NULL;
        char hint[SEALING_HINT_SIZE];

        if (!box)
            return NULL;
        encoded = g_base64_encode(g_bytes_get_data(box, NULL), g_bytes_get_size(box));
        sealing_hint(keys[i], hint);
        g_string_append_printf(text, "%s %s\n", hint, encoded);
    }
    return g_string_free_to_bytes(g_steal_pointer(&text));
}

/* B21: lines of a hint, a space, base64; without the last, empty one.  NULL with an error. */
static GStrv
read_lines(GBytes *file, GError **error)
{
    gsize size = g_bytes_get_size(file);
    g_autofree char *text = g_strndup(g_bytes_get_data(file, NULL), MIN(size, KEY_FILE_MAX));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint count = g_strv_length(lines);

    if (size > KEY_FILE_MAX || count > SEALING_RECEIVERS_MAX + 1)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "key: B21: want at most %d receivers", SEALING_RECEIVERS_MAX);
    if (strlen(text) != size || count < 2 || *lines[count - 1])
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "key: B21: want lines for its receivers, have something else");
    g_clear_pointer(&lines[count - 1], g_free);
    for (guint i = 0; i < count - 1; i++) {
        if (strspn(lines[i], "0123456789abcdef") != SEALING_HINT_SIZE - 1 || lines[i][SEALING_HINT_SIZE - 1] != ' ')
            return chama_error_null(error, CHAMA_ERROR_MALFORMED, "key: B21: want a hint of %d digits and a box in each line", SEALING_HINT_SIZE - 1);
    }
    return g_steal_pointer(&lines);
}

GPtrArray *
sealing_hints(GBytes *file, GError **error)
{
    g_auto(GStrv) lines = read_lines(file, error);
    GPtrArray *hints = lines ? g_ptr_array_new_with_free_func(g_free) : NULL;

    for (guint i = 0; lines && lines[i]; i++)
        g_ptr_array_add(hints, g_strndup(lines[i], SEALING_HINT_SIZE - 1));
    return hints;
}

/* B22: the boxes of others do not open; of its own, one that was altered does not, either. */
static GBytes *
open_box(Home *home, const char *line, GError **error)
{
    gsize size;
    g_autofree guint8 *box = g_base64_decode(line + SEALING_HINT_SIZE, &size);
    g_autoptr(GBytes) bytes = g_bytes_new_take(g_steal_pointer(&box), size);
    g_autoptr(GBytes) key = unsealing_open(home, bytes, error);

    if (key && g_bytes_get_size(key) != KEY_SIZE)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "key: B21: want %d bytes in a box", KEY_SIZE);
    return g_steal_pointer(&key);
}

Sealing *
sealing_take(Home *home, GBytes *file, GError **error)
{
    g_auto(GStrv) lines = read_lines(file, error);
    g_autofree char *others = NULL;

    if (!lines)
        return NULL;
    for (guint i = 0; lines[i]; i++) {
        g_autoptr(GError) failed = NULL;
        g_autoptr(GBytes) key = open_box(home, lines[i], &failed);

        if (key)
            return sealing_of(g_bytes_get_data(key, NULL));
        if (!g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_VERIFY)) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return NULL;
        }
    }
    return chama_error_null(error, CHAMA_ERROR_DENIED,
                            "B22: it is encrypted to other keys than this node's, present and retired: ask who wrote it for one made for this node (`chama id` here, --for there)");
}

char *
sealing_group(const Sealing *sealing)
{
    g_autoptr(GByteArray) text = g_byte_array_new();
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    g_byte_array_append(text, (const guint8 *)GROUP_CONTEXT, strlen(GROUP_CONTEXT));
    g_byte_array_append(text, sealing->key, KEY_SIZE);
    digest_of(text->data, text->len, &digest);
    sodium_memzero(text->data, text->len);
    return g_strndup(digest_format_hex(&digest, hex), 2 * GROUP_BYTES);
}

GBytes *
sealing_close(const Sealing *sealing, const char *name, GBytes *plain)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(plain, &size);
    guint8 *out = g_malloc(NONCE_SIZE + size + TAG_SIZE);

    randombytes_buf(out, NONCE_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_SIZE, NULL, bytes, size, (const guint8 *)name, strlen(name), NULL, out, sealing->key);
    return g_bytes_new_take(out, NONCE_SIZE + size + TAG_SIZE);
}

GBytes *
sealing_open(const Sealing *sealing, const char *name, GBytes *bytes, GError **error)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    g_autofree guint8 *plain = g_malloc(size + 1);

    if (size < NONCE_SIZE + TAG_SIZE ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, data + NONCE_SIZE, size - NONCE_SIZE, (const guint8 *)name, strlen(name), data, sealing->key) != 0)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "data/%s: B23: is not what was sealed under this name: it was altered", name);
    return g_bytes_new_take(g_steal_pointer(&plain), size - NONCE_SIZE - TAG_SIZE);
}
