/* A log entry as a peer sends it: whatever is accepted must give the same bytes back. */
#include <stdint.h>
#include <string.h>

#include "manifests/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(RecordReceived) received = record_receive(data, size, NULL);
    const LedgerHead empty = { 0 };
    g_autoptr(Record) record = NULL;
    g_autoptr(GBytes) entry = NULL;

    if (!received)
        return 0;
    entry = record_entry(record_received_claims(received));
    g_assert_cmpmem(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), data, size);
    record = record_verify(received, &empty, NULL);
    g_assert_true(!record || record->seq == 0);
    return 0;
}
