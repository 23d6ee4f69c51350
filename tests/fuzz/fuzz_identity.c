/* Inception records: what is accepted is written again as the same bytes. */
#include <stdint.h>
#include <string.h>

#include "keys/canonical.h"
#include "keys/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(Identity) identity = identity_parse_inception(bytes, &error);
    g_autoptr(json_t) root = NULL;
    g_autoptr(GBytes) again = NULL;
    gint64 time;

    if (!identity) {
        g_assert_nonnull(error);
        return 0;
    }
    root = canonical_parse(data, size, size, "fuzz", NULL);
    g_assert_true(member_time(root, "fuzz", "time", &time, NULL));
    again = inception_format(&identity->signing, &identity->log, identity->encryption, &identity->next, time, NULL);
    if (!g_bytes_equal(bytes, again) || !node_id_valid(identity->id))
        g_error("an inception with two spellings");
    return 0;
}
