#include "sync/receipts.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/sealing.h"

/* The delivery by @provider of transfer @id to @receiver. */
static gboolean
find_delivery(Home *home, const char *provider, const char *receiver, const Digest *manifest, const TransferId *id, Digest *address, gboolean *found, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GPtrArray) all = catalogue ? catalogue_statements(catalogue, provider, DELIVERY, manifest, error) : NULL;

    *found = FALSE;
    for (guint i = 0; all && i < all->len && !*found; i++) {
        const Statement *statement = all->pdata[i];
        Delivery delivery;

        *found = delivery_parse(provider, statement->body, statement->sealed, &delivery, NULL) && strcmp(delivery.transfer.text, id->text) == 0 &&
                 strcmp(delivery.receiver, receiver) == 0;
        if (*found)
            *address = statement->record->address;
    }
    return all != NULL;
}

gboolean
receipts_find_delivery(Home *home, const TransferRow *row, Digest *delivery, GError **error)
{
    gboolean found;

    return find_delivery(home, row->node, home_id(home), &row->manifest, &row->id, delivery, &found, error) && found;
}

gboolean
receipts_is_delivered(Home *home, const char *receiver, const Digest *manifest, const TransferId *id, gboolean *stated, GError **error)
{
    Digest address;

    return find_delivery(home, home_id(home), receiver, manifest, id, &address, stated, error);
}

static GBytes *
delivery_body(Home *home, const TransferRow *row, const Manifest *manifest, GError **error)
{
    Delivery delivery = { .grant = row->grant, .served = row->time, .transfer = row->id };
    g_autoptr(GBytes) members = NULL;

    subject_of(manifest, &delivery.subject);
    g_strlcpy(delivery.receiver, row->node, sizeof delivery.receiver);
    members = delivery_format(home_id(home), &delivery, error);
    return members ? body_seal(DELIVERY, home_id(home), members, error) : NULL;
}

/* NULL without an error while the provider's delivery is not known. */
static GBytes *
receipt_body(Home *home, const TransferRow *row, const Manifest *manifest, GError **error)
{
    Receipt receipt = { .transfer = row->id };
    g_autoptr(GBytes) members = NULL;

    if (!receipts_find_delivery(home, row, &receipt.delivery, error))
        return NULL;
    subject_of(manifest, &receipt.subject);
    g_strlcpy(receipt.provider, row->node, sizeof receipt.provider);
    members = receipt_format(home_id(home), &receipt, error);
    return members ? body_seal(RECEIPT, home_id(home), members, error) : NULL;
}

typedef struct {
    Home *home;
    TransferKind kind;
    GBytes *(*body)(Home *home, const TransferRow *row, const Manifest *manifest, GError **error);
    GArray *stating;   /* of TransferRow: one for each body */
    GArray *done;      /* whose record the ledger has already */
} Settling;

static gboolean
is_stated(Home *home, const TransferRow *row)
{
    static const Digest none;
    g_autoptr(Record) record = digest_equal(&row->record, &none) ? NULL : catalogue_record(home_catalogue(home, NULL), &row->record, NULL);

    return record != NULL;
}

static gboolean
build_one(Settling *settling, const TransferRow *row, GPtrArray *bodies, GError **error)
{
    g_autoptr(Manifest) manifest = catalogue_manifest(home_catalogue(settling->home, NULL), &row->manifest, NULL);
    g_autoptr(GError) failed = NULL;
    GBytes *body = manifest ? settling->body(settling->home, row, manifest, &failed) : NULL;

    if (body) {
        g_ptr_array_add(bodies, body);
        g_array_append_val(settling->stating, *row);
    }
    if (!failed)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* With the ledger's lock: what another process has stated meanwhile is seen. */
static gboolean
build(gpointer data, Home *home, GPtrArray *bodies, GError **error)
{
    Settling *settling = data;
    g_autoptr(GArray) rows = transfers_all(home, settling->kind, G_MAXINT32, error);

    for (guint i = 0; rows && i < rows->len && bodies->len < LEDGER_BATCH_MAX; i++) {
        const TransferRow *row = &g_array_index(rows, TransferRow, i);

        if (is_stated(home, row))
            g_array_append_val(settling->done, *row);
        else if (!build_one(settling, row, bodies, error))
            return FALSE;
    }
    return rows != NULL;
}

static gboolean
note_records(gpointer data, const GPtrArray *records, GError **error)
{
    Settling *settling = data;

    for (guint i = 0; i < records->len; i++)
        g_array_index(settling->stating, TransferRow, i).record = ((const Record *)records->pdata[i])->address;
    return transfers_set_records(settling->home, settling->kind, settling->stating, error);
}

static gboolean
state_batch(Settling *settling, guint *stated, GError **error)
{
    return sealing_state_many(settling->home, build, note_records, settling, stated, error) &&
           transfers_forget(settling->home, settling->kind, settling->stating, error) &&
           transfers_forget(settling->home, settling->kind, settling->done, error);
}

/* The key is not asked for, nor the lock, when there is nothing to say. */
static gboolean
anything_due(Settling *settling, gboolean *due, GError **error)
{
    g_autoptr(GArray) rows = transfers_all(settling->home, settling->kind, G_MAXINT32, error);
    Digest delivery;

    *due = FALSE;
    for (guint i = 0; rows && i < rows->len && !*due; i++) {
        const TransferRow *row = &g_array_index(rows, TransferRow, i);

        *due = settling->kind == TRANSFERS_DELIVERING || is_stated(settling->home, row) || receipts_find_delivery(settling->home, row, &delivery, NULL);
    }
    return rows != NULL;
}

static gboolean
state_all(Home *home, TransferKind kind, GBytes *(*body)(Home *, const TransferRow *, const Manifest *, GError **), guint *stated, GError **error)
{
    g_autoptr(GArray) stating = g_array_new(FALSE, FALSE, sizeof(TransferRow)), done = g_array_new(FALSE, FALSE, sizeof(TransferRow));
    Settling settling = { home, kind, body, stating, done };
    gboolean due;
    guint batch;

    *stated = 0;
    if (!home_catalogue(home, error) || !anything_due(&settling, &due, error))
        return FALSE;
    for (batch = due ? LEDGER_BATCH_MAX : 0; batch == LEDGER_BATCH_MAX; *stated += batch) {
        g_array_set_size(stating, 0);
        g_array_set_size(done, 0);
        if (!state_batch(&settling, &batch, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
receipts_state_deliveries(Home *home, guint *stated, GError **error)
{
    return state_all(home, TRANSFERS_DELIVERING, delivery_body, stated, error);
}

gboolean
receipts_state_receipts(Home *home, guint *stated, GError **error)
{
    return state_all(home, TRANSFERS_ARRIVED, receipt_body, stated, error);
}

/* A row as a handover; FALSE if the ledgers tell of it already, or no longer of its version. */
static gboolean
read_open(Home *home, TransferKind kind, const TransferRow *row, Handover *handover)
{
    static const HandoverStanding standings[] = {
        [TRANSFERS_SERVED] = HANDOVER_UNCONFIRMED, [TRANSFERS_DELIVERING] = HANDOVER_DELIVERY_OWED, [TRANSFERS_ARRIVED] = HANDOVER_DELIVERY_OWED,
    };
    g_autoptr(Manifest) manifest = catalogue_manifest(home_catalogue(home, NULL), &row->manifest, NULL);
    gboolean arrived = kind == TRANSFERS_ARRIVED;
    Digest delivery;

    if (!manifest || is_stated(home, row) || (arrived && receipts_find_delivery(home, row, &delivery, NULL)))
        return FALSE;
    *handover = (Handover){ .transfer = row->id, .grant = row->grant, .standing = standings[kind], .since = row->time };
    subject_of(manifest, &handover->subject);
    g_strlcpy(handover->provider, arrived ? row->node : home_id(home), sizeof handover->provider);
    g_strlcpy(handover->receiver, arrived ? home_id(home) : row->node, sizeof handover->receiver);
    return TRUE;
}

GArray *
receipts_all(Home *home, GError **error)
{
    static const TransferKind kinds[] = { TRANSFERS_ARRIVED, TRANSFERS_DELIVERING, TRANSFERS_SERVED };
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GArray) all = catalogue ? handovers_all(catalogue, home_id(home), error) : NULL;

    for (guint k = 0; all && k < G_N_ELEMENTS(kinds); k++) {
        g_autoptr(GArray) rows = transfers_all(home, kinds[k], G_MAXINT32, error);
        Handover handover;

        if (!rows)
            return NULL;
        for (guint i = 0; i < rows->len; i++)
            if (read_open(home, kinds[k], &g_array_index(rows, TransferRow, i), &handover))
                g_array_append_val(all, handover);
    }
    return g_steal_pointer(&all);
}
