/* Deliveries and receipts from any bytes, as records and as sealed bodies: what is let through can be written again. */
#include <stdint.h>

#include "keys/error.h"
#include "manifests/receipt.h"

#define STATED_BY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_delivery(GBytes *bytes, gboolean sealed)
{
    g_autoptr(GPtrArray) audience = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GBytes) members = NULL, again = NULL;
    Delivery delivery;

    if (!delivery_parse(STATED_BY, bytes, sealed, &delivery, NULL))
        return;
    members = delivery_format(STATED_BY, &delivery, NULL);
    g_assert_nonnull(members);
    again = body_seal(DELIVERY, STATED_BY, members, NULL);
    g_assert_true(delivery_parse(STATED_BY, again, TRUE, &delivery, NULL));
    g_assert_true(!sealed || delivery_audience(STATED_BY, bytes, audience));
}

static void
try_receipt(GBytes *bytes, gboolean sealed)
{
    g_autoptr(GPtrArray) audience = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GBytes) members = NULL, again = NULL;
    Receipt receipt;

    if (!receipt_parse(STATED_BY, bytes, sealed, &receipt, NULL))
        return;
    members = receipt_format(STATED_BY, &receipt, NULL);
    g_assert_nonnull(members);
    again = body_seal(RECEIPT, STATED_BY, members, NULL);
    g_assert_true(receipt_parse(STATED_BY, again, TRUE, &receipt, NULL));
    g_assert_true(!sealed || receipt_audience(STATED_BY, bytes, audience));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);

    for (int sealed = 0; sealed < 2; sealed++) {
        try_delivery(bytes, sealed);
        try_receipt(bytes, sealed);
    }
    return 0;
}
