/* A note as a peer sends it, under a fixed origin and key; and the same bytes as a verifier key. */
#include <stdint.h>
#include <string.h>

#include "manifests/ledger/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char vkey[] = "node-a.example/log+6dc0d432+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
    g_autofree char *name = NULL;
    g_autofree char *other = NULL;
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(Checkpoint) checkpoint = NULL;
    PublicKey key, parsed;

    g_assert_true(note_verifier_parse(vkey, &name, &key, NULL));
    checkpoint = checkpoint_verify((const char *)data, size, name, &key, NULL);
    g_assert_true(!checkpoint || strcmp(checkpoint->origin, name) == 0);
    if (note_verifier_parse(text, &other, &parsed, NULL)) {
        g_autofree char *again = note_verifier_format(other, &parsed);

        g_assert_cmpstr(again, ==, text);
    }
    return 0;
}
