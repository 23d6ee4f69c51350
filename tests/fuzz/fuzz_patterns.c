/* Lines of ".chamaignore" and a path, with a NUL between: a path in a folder that matches matches too. */
#include <stdint.h>
#include <string.h>

#include "manifests/tree/patterns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = memchr(data, 0, size);
    g_autoptr(Patterns) patterns = patterns_new();
    g_autofree char *path = nul ? g_strndup((const char *)nul + 1, size - (gsize)(nul + 1 - data)) : NULL, *below = NULL;
    gsize matched = 0;

    if (!path || strlen(path) > 1024 || !patterns_add_text(patterns, (const char *)data, (gsize)(nul - data), NULL))
        return 0;
    below = g_strconcat(path, "/below", NULL);
    if (patterns_match_deep(patterns, path, TRUE, &matched)) {
        g_assert_cmpuint(matched, <=, strlen(path));
        g_assert_true(patterns_match_deep(patterns, below, FALSE, NULL));
    }
    return 0;
}
