/* A note as a peer sends it, under a fixed origin and key; and the same bytes as a verifier key. */
#include <stdint.h>
#include <string.h>

#include "manifests/ledger/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char vkey[] = "node-a.example/log+6dc0d432+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(NoteVerifier) log = note_verifier_parse(vkey, NULL);
    g_autoptr(NoteVerifier) other = note_verifier_parse(text, NULL);
    g_autoptr(Checkpoint) checkpoint = checkpoint_verify((const char *)data, size, log->name, &log->key, NULL);

    g_assert_true(!checkpoint || strcmp(checkpoint->origin, log->name) == 0);
    if (other && other->algorithm != NOTE_ML_DSA) {
        g_autofree char *again = note_verifier_format(other->name, other->algorithm, &other->key);

        g_assert_cmpstr(again, ==, text);
    }
    return 0;
}
