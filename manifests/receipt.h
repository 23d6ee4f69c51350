/*
 * receipt: delivery/1 and receipt/1, what a provider and a receiver state of content of a dataset that is not open (manifests/FORMAT.md, part 3,
 * S22-S27).  The provider's delivery names grant, version, receiver and transfer; the receiver's receipt names the delivery.  Pure and bounded.
 */
#ifndef CHAMA_MANIFESTS_RECEIPT_H
#define CHAMA_MANIFESTS_RECEIPT_H

#include "manifests/body.h"
#include "manifests/statements.h"

#define DELIVERY "delivery/1"
#define RECEIPT "receipt/1"

/* S23: one arrival of one version at one receiver, who drew it at random. */
#define TRANSFER_ID_BYTES 16
#define TRANSFER_ID_TEXT (2 * TRANSFER_ID_BYTES + 1)
typedef struct {
    char text[TRANSFER_ID_TEXT];   /* lower-case hex */
} TransferId;
void transfer_id_draw(TransferId *id);
/* MALFORMED unless @text is spelt as S23 says. */
gboolean transfer_id_parse(const char *text, TransferId *id, GError **error);

typedef struct {
    Subject subject;
    Digest grant;                  /* record under which it was served: a sealed/1 or grant/1 of the dataset's owner */
    char receiver[NODE_ID_SIZE];
    gint64 served;                 /* when the first of it left: the grant was in force then */
    TransferId transfer;
} Delivery;

typedef struct {
    Subject subject;
    Digest delivery;               /* record of the delivery: a sealed/1 or delivery/1 of the provider */
    char provider[NODE_ID_SIZE];
    TransferId transfer;
} Receipt;

/* @body: a record's bytes, or what was sealed; @node: who stated it, and is neither receiver (provider) nor, of a receipt, the dataset's owner. */
gboolean delivery_parse(const char *node, GBytes *body, gboolean sealed, Delivery *delivery, GError **error);
gboolean receipt_parse(const char *node, GBytes *body, gboolean sealed, Receipt *receipt, GError **error);
/* Members of a record by @node, or of a body; refuses what would not be parsed. */
GBytes *delivery_format(const char *node, const Delivery *delivery, GError **error);
GBytes *receipt_format(const char *node, const Receipt *receipt, GError **error);

/* S25: does @receipt, stated by @receiver, answer @delivery, stated by @provider in the record @address? */
gboolean receipt_answers(const Receipt *receipt, const char *receiver, const Delivery *delivery, const char *provider, const Digest *address);

/* As kinds of statements (manifests/statements.h): a delivery is about the manifest, a receipt about the delivery's record. */
gboolean delivery_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error);
gboolean receipt_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error);
/* S27: who gets the opening. */
gboolean delivery_audience(const char *node, GBytes *body, GPtrArray *audience);
gboolean receipt_audience(const char *node, GBytes *body, GPtrArray *audience);

#endif
