/* Lines of a bag's manifests and its bag-info.txt, as somebody hands them over.  What is read is written the same again. */
#include <stdint.h>
#include <string.h>

#include "manifests/bag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    g_autoptr(GString) again = g_string_new(NULL);
    g_autofree char *path = NULL, *value = bag_info_get(text, size, "External-Identifier", NULL);
    Digest digest;

    if (value) {
        bag_info_append(again, "External-Identifier", value);
        g_assert_nonnull(g_strstr_len(text, (gssize)size, again->str));
        g_string_truncate(again, 0);
    }
    if (bag_line_parse(text, size, &digest, &path, NULL)) {
        g_assert_true(bag_line_append(again, &digest, path, NULL));
        g_assert_cmpuint(again->len, ==, size + 1);
        g_assert_cmpint(memcmp(again->str, text, size), ==, 0);
    }
    bag_declaration_check(data, size, NULL);
    return 0;
}
