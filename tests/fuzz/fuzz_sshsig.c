/* SSHSIG, as a blob and as armour: two accepted blobs never differ in anything but the hash, and armour has one spelling. */
#include <stdint.h>
#include <string.h>

#include "keys/sshsig.h"

#define MESSAGE "{\"type\":\"example/1\"}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const guint8 seed[32] = { 0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
                                 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60 };

static void
check_blob(GBytes *blob, const Keypair *keypair)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) ours = NULL;

    if (!sshsig_verify(blob, keypair_public(keypair), SSHSIG_NAMESPACE_RECORD, MESSAGE, strlen(MESSAGE), &error)) {
        g_assert_nonnull(error);
        return;
    }
    ours = sshsig_sign(keypair, SSHSIG_NAMESPACE_RECORD, MESSAGE, strlen(MESSAGE), NULL);
    if (g_bytes_get_size(blob) != g_bytes_get_size(ours))
        g_error("a signature with two spellings");
    if (!g_bytes_equal(blob, ours) && memmem(g_bytes_get_data(blob, NULL), g_bytes_get_size(blob), "sha256", 6) == NULL)
        g_error("two signatures by one key with one hash");
}

static void
check_armour(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) blob = sshsig_dearmour((const char *)data, size, NULL);
    g_autofree char *again = blob ? sshsig_armour(blob) : NULL;

    if (again && (strlen(again) < size || strlen(again) > size + 1 || memcmp(again, data, size) != 0))
        g_error("armour with two spellings");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Keypair *keypair;
    g_autoptr(GBytes) blob = g_bytes_new(data, size);

    if (!keypair)
        keypair = keypair_from_seed(seed, NULL);
    check_blob(blob, keypair);
    check_armour(data, size);
    return 0;
}
