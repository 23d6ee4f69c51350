/*
 * transfers: content that is not open and went from node to node, as long as the ledgers do not say so yet (sync/PROTOCOL.md, E28, PU25): what this node
 * served and to whom; which of it the receiver said has arrived, so that a delivery is due; what arrived here, so that a receipt is due.  Rows of state.sqlite,
 * each gone once its record stands in this node's ledger; a row that has the address of a record says which record that is to be, so that none is made twice.
 */
#ifndef CHAMA_SYNC_TRANSFERS_H
#define CHAMA_SYNC_TRANSFERS_H

#include "manifests/home.h"
#include "manifests/receipt.h"

typedef struct {
    TransferId id;               /* of what was only served: empty */
    Digest manifest;
    char node[NODE_ID_SIZE];     /* the other one: receiver of what was served or is to be delivered, provider of what arrived */
    Digest grant;                /* under which it was served; of what arrived: all zero */
    gint64 time;                 /* when the first of it was served; of what arrived: when it was whole */
    Digest record;               /* signed, perhaps not committed; all zero: none */
} TransferRow;

/* Content of @manifest goes to @receiver; cheap if that was noted and nothing has been said of it since. */
gboolean transfers_note_served(Home *home, const Digest *manifest, const char *receiver, const Digest *grant, GError **error);
/* @receiver says that it arrived: a delivery is due, if it was served (*@known) or this was said before.  Within a transaction of the state. */
gboolean transfers_confirm(Home *home, const char *receiver, const Digest *manifest, const TransferId *id, gboolean *known, GError **error);
/* For use within a transaction of the state. */
gboolean transfers_add_arrived(State *state, const TransferRow *row, GError **error);

/* Arrays of TransferRow, the oldest first, at most @max of them. */
typedef enum { TRANSFERS_SERVED, TRANSFERS_DELIVERING, TRANSFERS_ARRIVED } TransferKind;
GArray *transfers_all(Home *home, TransferKind kind, guint max, GError **error);
/* Which record each row is to be; and rows that are done with.  All or none. */
gboolean transfers_set_records(Home *home, TransferKind kind, const GArray *rows, GError **error);
gboolean transfers_forget(Home *home, TransferKind kind, const GArray *rows, GError **error);

#endif
