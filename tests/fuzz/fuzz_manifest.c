/* manifest/1, details/1 and content/1 from any bytes: what is let through can be written again, and details and content to the same bytes. */
#include <stdint.h>
#include <string.h>

#include "manifests/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_manifest(GBytes *bytes)
{
    Record record = { .bytes = bytes, .type = "manifest/1" };
    g_autoptr(Manifest) manifest = manifest_parse(&record, NULL);
    g_autoptr(GBytes) again = manifest ? manifest_format(manifest, NULL) : NULL;

    g_assert_true((again != NULL) == (manifest != NULL));
}

static void
try_details(GBytes *bytes)
{
    g_autoptr(Details) details = details_parse(bytes, NULL);
    g_autoptr(GBytes) again = details ? details_format(details, NULL) : NULL;

    g_assert_true(!details || g_bytes_equal(bytes, again));
}

static void
try_content(GBytes *bytes)
{
    Content content;

    if (content_parse(bytes, &content, NULL)) {
        g_autoptr(GBytes) again = content_format(&content, NULL);

        g_assert_true(g_bytes_equal(bytes, again));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);

    try_manifest(bytes);
    try_details(bytes);
    try_content(bytes);
    return 0;
}
