#include "manifests/receipt.h"

#include "manifests/statement.h"
#include "tests/unit/catalogue_fixture.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define GRANT_HEX "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TRANSFER "00112233445566778899aabbccddeeff"
#define OWNER "bbcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define PARTY "ccdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsta"

static const char delivery_whole[] = "{\"dataset\":\"" OWNER "/roads\",\"grant\":\"sha256:" GRANT_HEX "\",\"manifest\":\"sha256:" HEX "\","
                                     "\"receiver\":\"" PARTY "\",\"served\":\"2026-05-01T08:00:00Z\",\"transfer\":\"" TRANSFER "\",\"version\":3}";
static const char receipt_whole[] = "{\"arrived\":\"whole\",\"dataset\":\"" OWNER "/roads\",\"delivery\":\"sha256:" GRANT_HEX "\",\"manifest\":\"sha256:" HEX "\","
                                    "\"provider\":\"" PARTY "\",\"transfer\":\"" TRANSFER "\",\"version\":3}";

typedef struct {
    const char *name, *patch;
    int code; /* -1: good */
} Case;

static const Case deliveries[] = {
    { "S22/whole", "{}", -1 },
    { "S22/stranger", "{\"price\":1}", CHAMA_ERROR_MALFORMED },
    { "S22/other-type", "{\"type\":\"delivery/2\"}", CHAMA_ERROR_UNSUPPORTED },
    { "S22/no-grant", "{\"grant\":null}", CHAMA_ERROR_MALFORMED },
    { "S22/grant-of-another-algorithm", "{\"grant\":\"sm3:" HEX "\"}", CHAMA_ERROR_UNSUPPORTED },
    { "S22/no-receiver", "{\"receiver\":null}", CHAMA_ERROR_MALFORMED },
    { "S22/receiver-no-node", "{\"receiver\":\"tourism\"}", CHAMA_ERROR_MALFORMED },
    { "S22/receiver-too-long", "{\"receiver\":\"" PARTY "a\"}", CHAMA_ERROR_LIMIT },
    { "S22/receiver-is-owner", "{\"receiver\":\"" OWNER "\"}", CHAMA_ERROR_MALFORMED },
    { "S22/no-time", "{\"served\":null}", CHAMA_ERROR_MALFORMED },
    { "S22/bad-time", "{\"served\":\"yesterday\"}", CHAMA_ERROR_MALFORMED },
    { "S13/no-manifest", "{\"manifest\":null}", CHAMA_ERROR_MALFORMED },
    { "S13/no-dataset", "{\"dataset\":\"roads\"}", CHAMA_ERROR_MALFORMED },
    { "S13/version-zero", "{\"version\":0}", CHAMA_ERROR_MALFORMED },
    { "S23/none", "{\"transfer\":null}", CHAMA_ERROR_MALFORMED },
    { "S23/short", "{\"transfer\":\"00112233445566778899aabbccddeef\"}", CHAMA_ERROR_MALFORMED },
    { "S23/long", "{\"transfer\":\"" TRANSFER "0\"}", CHAMA_ERROR_LIMIT },
    { "S23/upper-case", "{\"transfer\":\"00112233445566778899AABBCCDDEEFF\"}", CHAMA_ERROR_MALFORMED },
    { "S23/number", "{\"transfer\":7}", CHAMA_ERROR_MALFORMED },
};

static const Case receipts[] = {
    { "S24/whole", "{}", -1 },
    { "S24/stranger", "{\"thanks\":\"yes\"}", CHAMA_ERROR_MALFORMED },
    { "S24/other-type", "{\"type\":\"receipt/2\"}", CHAMA_ERROR_UNSUPPORTED },
    { "S24/no-delivery", "{\"delivery\":null}", CHAMA_ERROR_MALFORMED },
    { "S24/no-provider", "{\"provider\":null}", CHAMA_ERROR_MALFORMED },
    { "S24/provider-no-node", "{\"provider\":\"\"}", CHAMA_ERROR_MALFORMED },
    { "S24/provider-is-owner", "{\"provider\":\"" OWNER "\"}", -1 },
    { "S24/in-part", "{\"arrived\":\"part\"}", CHAMA_ERROR_MALFORMED },
    { "S24/arrived-true", "{\"arrived\":true}", CHAMA_ERROR_MALFORMED },
    { "S24/nothing-said-of-arrival", "{\"arrived\":null}", CHAMA_ERROR_MALFORMED },
    { "S23/receipt-short", "{\"transfer\":\"00\"}", CHAMA_ERROR_MALFORMED },
};

static NodeFixture node;

static void
assert_result(gboolean good, const GError *error, int code)
{
    if (code < 0)
        g_assert_no_error(error);
    else
        g_assert_error(error, CHAMA_ERROR, code);
    g_assert_cmpint(good, ==, code < 0);
}

/* What a case makes of @whole, as a body sealed by the fixture. */
static GBytes *
body_of(const char *whole, const char *type, const char *patch)
{
    g_autofree char *head = g_strdup_printf("{\"node\":\"%s\",\"type\":\"%s\"}", node.identity->id, type);
    g_autoptr(GBytes) headed = patched(whole, head);
    g_autofree char *text = g_strndup(g_bytes_get_data(headed, NULL), g_bytes_get_size(headed));

    return patched(text, patch);
}

static void
test_delivery(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) body = body_of(delivery_whole, DELIVERY, c->patch), members = patched(delivery_whole, c->patch), again = NULL;
    g_autoptr(GError) error = NULL;
    Delivery delivery;
    gboolean good = delivery_parse(node.identity->id, body, TRUE, &delivery, &error);

    assert_result(good, error, c->code);
    if (!good)
        return;
    again = delivery_format(node.identity->id, &delivery, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(again, members));
}

static void
test_receipt(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) body = body_of(receipt_whole, RECEIPT, c->patch), members = patched(receipt_whole, c->patch), again = NULL;
    g_autoptr(GError) error = NULL;
    Receipt receipt;
    gboolean good = receipt_parse(node.identity->id, body, TRUE, &receipt, &error);

    assert_result(good, error, c->code);
    if (!good)
        return;
    again = receipt_format(node.identity->id, &receipt, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(again, members));
}

/* Who states it is neither the other party nor, of a receipt, the owner. */
static void
test_parties(void)
{
    g_autoptr(GBytes) delivery_body = body_of(delivery_whole, DELIVERY, "{}"), receipt_body = body_of(receipt_whole, RECEIPT, "{}");
    g_autoptr(GError) error = NULL;
    Delivery delivery;
    Receipt receipt;

    g_assert_true(delivery_parse(OWNER, delivery_body, TRUE, &delivery, NULL));
    g_assert_false(delivery_parse(PARTY, delivery_body, TRUE, &delivery, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_clear_error(&error);
    g_assert_false(receipt_parse(PARTY, receipt_body, TRUE, &receipt, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_clear_error(&error);
    g_assert_false(receipt_parse(OWNER, receipt_body, TRUE, &receipt, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

/* As records both may stand for all to read; a body is no record. */
static void
test_open_form(void)
{
    g_autoptr(GBytes) members = patched(delivery_whole, "{}"), sealed = body_of(delivery_whole, DELIVERY, "{}");
    g_autoptr(Record) record = record_sign(&node.head, DELIVERY, members, FIXTURE_TIME, node.signing, NULL);
    Delivery delivery;

    g_assert_true(delivery_parse(record->node, record->bytes, FALSE, &delivery, NULL));
    g_assert_cmpstr(delivery.transfer.text, ==, TRANSFER);
    g_assert_cmpstr(delivery.receiver, ==, PARTY);
    g_assert_false(delivery_parse(record->node, record->bytes, TRUE, &delivery, NULL));
    g_assert_true(delivery_parse(record->node, sealed, TRUE, &delivery, NULL));
    g_assert_true(statement_keeps_rules(record));
    g_assert_true(statement_type_known(RECEIPT));
}

/* S25: all of delivery, transfer, version, provider and receiver. */
static void
test_answers(void)
{
    g_autoptr(GBytes) delivery_members = patched(delivery_whole, "{}"), receipt_body = NULL;
    g_autofree char *provider = g_strdup_printf("{\"provider\":\"%s\"}", node.identity->id);
    g_autoptr(Record) record = record_sign(&node.head, DELIVERY, delivery_members, FIXTURE_TIME, node.signing, NULL);
    Delivery delivery;
    Receipt receipt = { 0 }, other;

    g_assert_true(delivery_parse(record->node, record->bytes, FALSE, &delivery, NULL));
    receipt.subject = delivery.subject;
    receipt.delivery = record->address;
    receipt.transfer = delivery.transfer;
    g_strlcpy(receipt.provider, record->node, sizeof receipt.provider);
    g_assert_true(receipt_answers(&receipt, PARTY, &delivery, record->node, &record->address));
    g_assert_false(receipt_answers(&receipt, OWNER, &delivery, record->node, &record->address));
    g_assert_false(receipt_answers(&receipt, PARTY, &delivery, PARTY, &record->address));
    other = receipt;
    other.delivery.bytes[0] ^= 1;
    g_assert_false(receipt_answers(&other, PARTY, &delivery, record->node, &record->address));
    other = receipt;
    other.transfer.text[0] = 'f';
    g_assert_false(receipt_answers(&other, PARTY, &delivery, record->node, &record->address));
    other = receipt;
    other.subject.version = 4;
    g_assert_false(receipt_answers(&other, PARTY, &delivery, record->node, &record->address));
    other = receipt;
    other.subject.manifest.bytes[31] ^= 1;
    g_assert_false(receipt_answers(&other, PARTY, &delivery, record->node, &record->address));
}

static void
test_drawn(void)
{
    TransferId one, other, again;

    transfer_id_draw(&one);
    transfer_id_draw(&other);
    g_assert_cmpstr(one.text, !=, other.text);
    g_assert_true(transfer_id_parse(one.text, &again, NULL));
    g_assert_cmpstr(again.text, ==, one.text);
}

static void
assert_openings(Fixture *f, const char *audience, guint64 from, guint max, guint count)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) places = catalogue_openings_for(f->catalogue, f->node.identity->id, audience, from, max, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(places->len, ==, count);
}

/* S27: receiver and owner of a delivery, provider and owner of a receipt, grantee of a grant; nobody else. */
static void
test_audience(void)
{
    g_autofree char *delivered = NULL, *received = NULL, *granted = NULL;
    g_autoptr(Opening) delivery = NULL, receipt = NULL, grant = NULL;
    Fixture f;

    set_up(&f);
    delivered = g_strdup_printf("{\"dataset\":\"" OWNER "/roads\",\"grant\":\"sha256:" HEX "\",\"manifest\":\"sha256:" HEX "\",\"node\":\"%s\","
                                "\"receiver\":\"" PARTY "\",\"served\":\"2026-05-01T08:00:00Z\",\"transfer\":\"" TRANSFER "\",\"type\":\"delivery/1\",\"version\":3}", f.node.identity->id);
    received = g_strdup_printf("{\"arrived\":\"whole\",\"dataset\":\"" OWNER "/roads\",\"delivery\":\"sha256:" HEX "\",\"manifest\":\"sha256:" HEX "\",\"node\":\"%s\","
                               "\"provider\":\"" OWNER "\",\"transfer\":\"" TRANSFER "\",\"type\":\"receipt/1\",\"version\":3}", f.node.identity->id);
    granted = g_strdup_printf("{\"grantee\":\"" PARTY "\",\"name\":\"roads\",\"node\":\"%s\",\"type\":\"grant/1\",\"until\":\"2099-01-01T00:00:00Z\"}", f.node.identity->id);
    delivery = seal(&f.node, delivered);
    receipt = seal(&f.node, received);
    grant = seal(&f.node, granted);
    project(&f);
    g_assert_false(catalogue_opening_known(f.catalogue, &delivery->record));
    g_assert_true(catalogue_learn_opening(f.catalogue, delivery, NULL));
    g_assert_true(catalogue_learn_opening(f.catalogue, receipt, NULL));
    g_assert_true(catalogue_learn_opening(f.catalogue, grant, NULL));
    g_assert_true(catalogue_learn_opening(f.catalogue, grant, NULL));
    g_assert_true(catalogue_opening_known(f.catalogue, &delivery->record));
    g_assert_true(catalogue_opening_known(f.catalogue, &grant->record));
    assert_openings(&f, PARTY, 0, 9, 2);
    assert_openings(&f, OWNER, 0, 9, 2);
    assert_openings(&f, OWNER, 2, 9, 1);
    assert_openings(&f, OWNER, 3, 9, 0);
    assert_openings(&f, OWNER, 0, 1, 1);
    assert_openings(&f, f.node.identity->id, 0, 9, 0);
    g_assert_true(catalogue_forget(f.catalogue, f.node.identity->id, NULL));
    assert_openings(&f, PARTY, 0, 9, 0);
    tear_down(&f);
}

/* A sealed body that speaks for another node counts for nothing. */
static void
test_forged(void)
{
    g_autoptr(Opening) opening = NULL;
    g_autoptr(GError) error = NULL;
    Fixture f;

    set_up(&f);
    opening = seal(&f.node, "{\"arrived\":\"whole\",\"dataset\":\"" OWNER "/roads\",\"delivery\":\"sha256:" HEX "\",\"manifest\":\"sha256:" HEX "\",\"node\":\"" PARTY "\","
                            "\"provider\":\"" OWNER "\",\"transfer\":\"" TRANSFER "\",\"type\":\"receipt/1\",\"version\":3}");
    project(&f);
    g_assert_false(catalogue_learn_opening(f.catalogue, opening, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    tear_down(&f);
}

static void
add_cases(const char *kind, const Case *cases, guint count, GTestDataFunc test)
{
    for (guint i = 0; i < count; i++) {
        g_autofree char *path = g_strdup_printf("/%s/%s", kind, cases[i].name);

        g_test_add_data_func(path, &cases[i], test);
    }
}

int
main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    node_init(&node, 1);
    add_cases("delivery", deliveries, G_N_ELEMENTS(deliveries), test_delivery);
    add_cases("receipt", receipts, G_N_ELEMENTS(receipts), test_receipt);
    g_test_add_func("/receipt/S22/S24/parties", test_parties);
    g_test_add_func("/receipt/S1/open-form", test_open_form);
    g_test_add_func("/receipt/S23/drawn", test_drawn);
    g_test_add_func("/receipt/S25/answers", test_answers);
    g_test_add_func("/receipt/S27/audience", test_audience);
    g_test_add_func("/receipt/S27/forged", test_forged);
    result = g_test_run();
    node_clear(&node);
    return result;
}
