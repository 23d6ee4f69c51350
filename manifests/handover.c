#include "manifests/handover.h"

#include <string.h>

#include "keys/error.h"

/* What is being matched: deliveries by the address of their record. */
typedef struct {
    GArray *all;             /* of Handover */
    GArray *deliveries;      /* of Delivery: that of all[i], while i is below its length */
    GHashTable *by_record;   /* of hex -> GUINT_TO_POINTER(index in all) */
    GHashTable *seen;        /* of "KIND NODE TRANSFER": S23 */
} Matching;

static void
matching_clear(Matching *matching)
{
    g_array_unref(matching->deliveries);
    g_hash_table_unref(matching->by_record);
    g_hash_table_unref(matching->seen);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Matching, matching_clear)

const char *
handover_standing_name(HandoverStanding standing)
{
    static const char *const names[] = { "matched", "receipt owed", "delivery owed", "unconfirmed", "withheld", "contradicts" };

    return names[standing];
}

/* S26 */
const char *
handover_owed_by(const Handover *handover)
{
    switch (handover->standing) {
    case HANDOVER_RECEIPT_OWED:
    case HANDOVER_UNCONFIRMED:
        return handover->receiver;
    case HANDOVER_DELIVERY_OWED:
        return handover->provider;
    case HANDOVER_MATCHED:
    case HANDOVER_WITHHELD:
    case HANDOVER_CONTRADICTS:
        break;
    }
    return NULL;
}

static HandoverSide
side_of(const Statement *statement)
{
    return (HandoverSide){ TRUE, statement->record->address, statement->record->seq, statement->record->time };
}

/* S23: the first of a node that names a transfer. */
static gboolean
is_first(Matching *matching, const char *kind, const char *node, const TransferId *transfer)
{
    return g_hash_table_add(matching->seen, g_strdup_printf("%s %s %s", kind, node, transfer->text));
}

static void
add_delivery(Matching *matching, const Statement *statement)
{
    const char *provider = statement->record->node;
    Handover handover = { .standing = HANDOVER_RECEIPT_OWED, .delivery = side_of(statement) };
    char hex[DIGEST_HEX_SIZE];
    Delivery delivery;

    if (!delivery_parse(provider, statement->body, statement->sealed, &delivery, NULL) || !is_first(matching, DELIVERY, provider, &delivery.transfer))
        return;
    handover.subject = delivery.subject;
    handover.transfer = delivery.transfer;
    handover.grant = delivery.grant;
    handover.served = delivery.served;
    g_strlcpy(handover.provider, provider, sizeof handover.provider);
    g_strlcpy(handover.receiver, delivery.receiver, sizeof handover.receiver);
    g_hash_table_insert(matching->by_record, g_strdup(digest_format_hex(&statement->record->address, hex)), GUINT_TO_POINTER(matching->all->len));
    g_array_append_val(matching->all, handover);
    g_array_append_val(matching->deliveries, delivery);
}

/* A receipt that stands alone. */
static void
add_alone(Matching *matching, const Statement *statement, const Receipt *receipt, HandoverStanding standing)
{
    Handover handover = { .subject = receipt->subject, .transfer = receipt->transfer, .receipt = side_of(statement), .standing = standing };

    g_strlcpy(handover.provider, receipt->provider, sizeof handover.provider);
    g_strlcpy(handover.receiver, statement->record->node, sizeof handover.receiver);
    g_array_append_val(matching->all, handover);
}

static void
add_receipt(Matching *matching, const Statement *statement)
{
    const char *receiver = statement->record->node;
    char hex[DIGEST_HEX_SIZE];
    gpointer index;
    Handover *handover;
    Receipt receipt;

    if (!receipt_parse(receiver, statement->body, statement->sealed, &receipt, NULL) || !is_first(matching, RECEIPT, receiver, &receipt.transfer))
        return;
    if (!g_hash_table_lookup_extended(matching->by_record, digest_format_hex(&receipt.delivery, hex), NULL, &index)) {
        add_alone(matching, statement, &receipt, HANDOVER_DELIVERY_OWED);
        return;
    }
    handover = &g_array_index(matching->all, Handover, GPOINTER_TO_UINT(index));
    if (handover->standing != HANDOVER_RECEIPT_OWED ||
        !receipt_answers(&receipt, receiver, &g_array_index(matching->deliveries, Delivery, GPOINTER_TO_UINT(index)), handover->provider, &handover->delivery.record)) {
        add_alone(matching, statement, &receipt, HANDOVER_CONTRADICTS);
        return;
    }
    handover->receipt = side_of(statement);
    handover->standing = HANDOVER_MATCHED;
}

/* S27: who is told of neither half says nothing of what is missing. */
static void
withhold(GArray *all, const char *self)
{
    for (guint i = 0; i < all->len; i++) {
        Handover *h = &g_array_index(all, Handover, i);
        const char *other = h->standing == HANDOVER_RECEIPT_OWED ? h->provider : h->receiver;

        if ((h->standing == HANDOVER_RECEIPT_OWED || h->standing == HANDOVER_DELIVERY_OWED) && strcmp(self, other) != 0 && strcmp(self, h->subject.node) != 0 &&
            strcmp(self, handover_owed_by(h)) != 0)
            h->standing = HANDOVER_WITHHELD;
    }
}

GArray *
handovers_all(Catalogue *catalogue, const char *self, GError **error)
{
    g_autoptr(GPtrArray) deliveries = catalogue_statements(catalogue, NULL, DELIVERY, NULL, error);
    g_autoptr(GPtrArray) receipts = deliveries ? catalogue_statements(catalogue, NULL, RECEIPT, NULL, error) : NULL;
    g_auto(Matching) matching = {
        .all = g_array_new(FALSE, FALSE, sizeof(Handover)),
        .deliveries = g_array_new(FALSE, FALSE, sizeof(Delivery)),
        .by_record = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };

    for (guint i = 0; receipts && i < deliveries->len; i++)
        add_delivery(&matching, deliveries->pdata[i]);
    for (guint i = 0; receipts && i < receipts->len; i++)
        add_receipt(&matching, receipts->pdata[i]);
    if (receipts) {
        withhold(matching.all, self);
        return matching.all;
    }
    g_array_unref(matching.all);
    return NULL;
}
