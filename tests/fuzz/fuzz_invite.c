/* Lines that someone pasted: parsed as they are, and with the check that they should have. */
#include <stdint.h>
#include <string.h>

#include "sync/invite.h"

static void
fuzz_line(const char *line)
{
    g_autoptr(Peer) peer = invite_parse(line, NULL);
    g_autofree char *again = peer ? invite_format(peer, NULL) : NULL;
    g_autoptr(Peer) back = again ? invite_parse(again, NULL) : NULL;

    g_assert(!again || (back && strcmp(back->node, peer->node) == 0 && strcmp(back->name, peer->name) == 0 && back->urls->len == peer->urls->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *line = g_strndup((const char *)data, size);
    g_autofree char *checked = NULL;
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    fuzz_line(line);
    digest_of(line, strlen(line), &digest);
    digest_format_hex(&digest, hex);
    checked = g_strdup_printf("%s&check=%.8s", line, hex);
    fuzz_line(checked);
    return 0;
}
