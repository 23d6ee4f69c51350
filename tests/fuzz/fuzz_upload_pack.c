/* What stock git sends: the first byte chooses a name and a header, or a packed body (sync/upload_pack.h). */
#include <stdint.h>
#include <string.h>

#include "sync/upload_pack.h"

#define PLAIN_MAX 65536

static void
fuzz_words(const char *text)
{
    char node[NODE_ID_SIZE];

    if (upload_pack_parse_name(text, node, NULL))
        g_assert(node_id_valid(node) && g_str_has_prefix(text, node));
    g_assert(upload_pack_parse_version(text) <= 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = size > 0 ? g_strndup((const char *)data + 1, size - 1) : g_strdup("");
    g_autoptr(GBytes) body = g_bytes_new(data + MIN(size, 1), size - MIN(size, 1)), plain = NULL;

    fuzz_words(text);
    plain = size > 0 ? upload_pack_decode(data[0] == 'g' ? "gzip" : NULL, body, PLAIN_MAX, NULL) : NULL;
    g_assert(!plain || g_bytes_get_size(plain) <= PLAIN_MAX);
    return 0;
}
