/* A proof as somebody hands it over.  What can be read is written the same again; what is believed carries its own keys. */
#include <stdint.h>

#include "manifests/proof/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(Proof) proof = proof_parse(bytes, NULL);
    g_autoptr(ProofVerified) verified = proof ? proof_check(proof, NULL) : NULL;

    if (proof) {
        g_autoptr(GBytes) again = proof_format(proof);

        g_assert_true(g_bytes_equal(again, bytes));
    }
    if (verified) {
        g_assert_cmpuint(verified->record->seq, <, verified->checkpoint->size);
        g_assert_cmpuint(verified->seen->len, ==, proof->witnesses->len);
    }
    return 0;
}
