/* A note as a stranger sends it, and the same bytes as one signature line: cosignatures under a fixed key, lines and merging. */
#include <stdint.h>
#include <string.h>

#include "manifests/ledger/cosignature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Merging what a note holds into itself changes it once at most. */
static void
merge_twice(const char *note, gsize size, GPtrArray *signatures)
{
    g_autofree char *once = note_merge(note, size, signatures, NULL);
    g_autofree char *twice = note_merge(once, strlen(once), signatures, NULL);

    g_assert_cmpuint(strlen(once), <=, size);
    g_assert_cmpstr(once, ==, twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char vkey[] = "node-b.example/witness+d2e9da8b+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM";
    const char *note = (const char *)data;
    g_autoptr(NoteVerifier) witness = note_verifier_parse(vkey, NULL);
    g_autoptr(NoteSignature) alone = note_signature_parse(note, size, NULL);
    gsize text_size;
    g_autoptr(GPtrArray) signatures = note_signatures(note, size, &text_size, NULL);
    gint64 time = 0;

    if (alone) {
        g_autofree char *again = note_signature_format(alone);

        g_assert_cmpuint(strlen(again), ==, size);
        g_assert_cmpmem(again, size, data, size);
    }
    if (cosignature_verify(note, size, witness->name, &witness->key, &time, NULL))
        g_assert_cmpint(time, >=, 0);
    if (signatures)
        merge_twice(note, size, signatures);
    return 0;
}
