/* References to keys in tokens: what is accepted has one spelling, and no PIN in it. */
#include <stdint.h>
#include <string.h>

#include "keys/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new(data, size), again = NULL;
    g_auto(TokenReference) reference = { 0 };

    if (!token_reference_parse(bytes, "reference", &reference, &error)) {
        g_assert_nonnull(error);
        return 0;
    }
    again = token_reference_format(reference.uri, &reference.key, NULL);
    if (!again || !g_bytes_equal(again, bytes) || strstr(reference.uri, "pin-value") || !token_same(reference.uri, reference.uri))
        g_error("a reference that breaks a rule");
    return 0;
}
