/* Evidence from any bytes: what is let through is two statements of one node, and has words. */
#include <stdint.h>

#include "manifests/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(Contradiction) found = evidence_verify(bytes, NULL);
    g_autofree char *words = NULL;

    if (!found)
        return 0;
    g_assert_cmpuint(found->records->len + found->checkpoints->len, >=, 2);
    words = contradiction_describe(found);
    g_assert_true(g_utf8_validate(words, -1, NULL));
    return 0;
}
