/* What a node that is not known yet says of itself: the answer to GET /v1/node, parsed and verified. */
#include <stddef.h>
#include <stdint.h>

#include "sync/pull/introduction.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(NodeDocument) document = node_document_parse(bytes, NULL);
    g_autoptr(Peer) peer = document ? node_document_verify(document, NULL, NULL) : NULL;

    g_assert_true(!peer || node_id_valid(peer->node));
    return 0;
}
