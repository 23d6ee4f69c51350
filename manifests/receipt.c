#include "manifests/receipt.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/seal.h"
#include "manifests/text.h"

static const char *const delivery_members[] = { "manifest", "dataset", "version", "grant", "receiver", "served", "transfer", NULL };
static const char *const receipt_members[] = { "manifest", "dataset", "version", "arrived", "delivery", "provider", "transfer", NULL };

void
transfer_id_draw(TransferId *id)
{
    guint8 bytes[SALT_SIZE];

    salt_generate(bytes);
    for (guint i = 0; i < TRANSFER_ID_BYTES; i++)
        g_snprintf(id->text + 2 * i, 3, "%02x", bytes[i]);
}

gboolean
transfer_id_parse(const char *text, TransferId *id, GError **error)
{
    if (strlen(text) != TRANSFER_ID_TEXT - 1 || strspn(text, "0123456789abcdef") != TRANSFER_ID_TEXT - 1)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "transfer: S23: want %d lower-case hex digits, have another text", TRANSFER_ID_TEXT - 1);
    memcpy(id->text, text, TRANSFER_ID_TEXT);
    return TRUE;
}

static gboolean
read_transfer(const json_t *object, const char *what, TransferId *id, GError **error)
{
    const char *text;

    return member_string(object, what, "transfer", TRANSFER_ID_TEXT - 1, &text, error) && transfer_id_parse(text, id, error);
}

/* The other party; @rule names what says who it may be. */
static gboolean
read_party(const json_t *object, const char *what, const char *rule, const char *name, const char *self, char node[NODE_ID_SIZE], GError **error)
{
    const char *text;

    if (!member_string(object, what, name, NODE_ID_LENGTH, &text, error))
        return FALSE;
    if (!node_id_valid(text))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: want a node id in %s, have another text", what, rule, name);
    if (strcmp(text, self) == 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: want another node in %s, have the one that states it", what, rule, name);
    g_strlcpy(node, text, NODE_ID_SIZE);
    return TRUE;
}

static gboolean
read_delivery(const char *node, const json_t *object, Delivery *d, GError **error)
{
    if (!subject_read(object, DELIVERY, &d->subject, error) || !member_digest(object, DELIVERY, "grant", &d->grant, error) ||
        !read_party(object, DELIVERY, "S22", "receiver", node, d->receiver, error) ||
        !member_time(object, DELIVERY, "served", &d->served, error) || !read_transfer(object, DELIVERY, &d->transfer, error))
        return FALSE;
    if (strcmp(d->receiver, d->subject.node) == 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S22: want a receiver other than the dataset's owner, have the owner", DELIVERY);
    return TRUE;
}

static gboolean
read_receipt(const char *node, const json_t *object, Receipt *r, GError **error)
{
    const char *arrived;

    if (!subject_read(object, RECEIPT, &r->subject, error) || !member_digest(object, RECEIPT, "delivery", &r->delivery, error) ||
        !read_party(object, RECEIPT, "S24", "provider", node, r->provider, error) || !read_transfer(object, RECEIPT, &r->transfer, error) ||
        !member_string(object, RECEIPT, "arrived", RECORD_TYPE_MAX, &arrived, error))
        return FALSE;
    if (strcmp(arrived, "whole") != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S24: want whole in arrived, have another word", RECEIPT);
    if (strcmp(node, r->subject.node) == 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S24: want a dataset of another node, have one of the receiver", RECEIPT);
    return TRUE;
}

gboolean
delivery_parse(const char *node, GBytes *body, gboolean sealed, Delivery *delivery, GError **error)
{
    g_autoptr(json_t) object = body_parse(body, DELIVERY, sealed, delivery_members, error);
    Delivery read = { 0 };

    if (!object || !read_delivery(node, object, &read, error))
        return FALSE;
    *delivery = read;
    return TRUE;
}

gboolean
receipt_parse(const char *node, GBytes *body, gboolean sealed, Receipt *receipt, GError **error)
{
    g_autoptr(json_t) object = body_parse(body, RECEIPT, sealed, receipt_members, error);
    Receipt read = { 0 };

    if (!object || !read_receipt(node, object, &read, error))
        return FALSE;
    *receipt = read;
    return TRUE;
}

GBytes *
delivery_format(const char *node, const Delivery *d, GError **error)
{
    g_autoptr(json_t) object = json_object();
    Delivery again;

    subject_write(object, &d->subject);
    body_write_digest(object, "grant", &d->grant);
    text_write(object, "receiver", d->receiver);
    body_write_time(object, "served", d->served);
    text_write(object, "transfer", d->transfer.text);
    return read_delivery(node, object, &again, error) ? canonical_format(object, error) : NULL;
}

GBytes *
receipt_format(const char *node, const Receipt *r, GError **error)
{
    g_autoptr(json_t) object = json_object();
    Receipt again;

    subject_write(object, &r->subject);
    text_write(object, "arrived", "whole");
    body_write_digest(object, "delivery", &r->delivery);
    text_write(object, "provider", r->provider);
    text_write(object, "transfer", r->transfer.text);
    return read_receipt(node, object, &again, error) ? canonical_format(object, error) : NULL;
}

static gboolean
same_subject(const Subject *one, const Subject *other)
{
    return digest_equal(&one->manifest, &other->manifest) && strcmp(one->node, other->node) == 0 && strcmp(one->name, other->name) == 0 &&
           one->version == other->version;
}

gboolean
receipt_answers(const Receipt *receipt, const char *receiver, const Delivery *delivery, const char *provider, const Digest *address)
{
    return digest_equal(&receipt->delivery, address) && strcmp(receipt->provider, provider) == 0 && strcmp(delivery->receiver, receiver) == 0 &&
           strcmp(receipt->transfer.text, delivery->transfer.text) == 0 && same_subject(&receipt->subject, &delivery->subject);
}

gboolean
delivery_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error)
{
    Delivery delivery;

    if (!delivery_parse(node, body, sealed, &delivery, error))
        return FALSE;
    *subject = delivery.subject.manifest;
    return TRUE;
}

gboolean
receipt_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error)
{
    Receipt receipt;

    if (!receipt_parse(node, body, sealed, &receipt, error))
        return FALSE;
    *subject = receipt.delivery;
    return TRUE;
}

/* Who stated it needs no opening: it has it. */
static void
add_party(GPtrArray *audience, const char *node, const char *party)
{
    if (strcmp(node, party) != 0)
        g_ptr_array_add(audience, g_strdup(party));
}

gboolean
delivery_audience(const char *node, GBytes *body, GPtrArray *audience)
{
    Delivery delivery;

    if (!delivery_parse(node, body, TRUE, &delivery, NULL))
        return FALSE;
    add_party(audience, node, delivery.receiver);
    add_party(audience, node, delivery.subject.node);
    return TRUE;
}

gboolean
receipt_audience(const char *node, GBytes *body, GPtrArray *audience)
{
    Receipt receipt;

    if (!receipt_parse(node, body, TRUE, &receipt, NULL))
        return FALSE;
    add_party(audience, node, receipt.provider);
    if (strcmp(receipt.provider, receipt.subject.node) != 0)
        add_party(audience, node, receipt.subject.node);
    return TRUE;
}
