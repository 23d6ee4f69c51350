/* Withdrawals, tombstones and endorsements: S16, S18, S20, S21. */
#include "manifests/endorsement.h"
#include "manifests/erasure.h"
#include "manifests/withdrawal.h"
#include "tests/unit/catalogue_fixture.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

typedef struct {
    const char *name, *type, *members;
    int code; /* -1: good */
} Case;

static const Case cases[] = {
    { "S16/whole", WITHDRAWAL, "{\"manifest\":\"sha256:" HEX "\",\"reason\":\"in feet,\\nnot metres\"}", -1 },
    { "S16/no-manifest", WITHDRAWAL, "{\"reason\":\"wrong\"}", CHAMA_ERROR_MALFORMED },
    { "S16/no-reason", WITHDRAWAL, "{\"manifest\":\"sha256:" HEX "\"}", CHAMA_ERROR_MALFORMED },
    { "S16/empty-reason", WITHDRAWAL, "{\"manifest\":\"sha256:" HEX "\",\"reason\":\"\"}", CHAMA_ERROR_MALFORMED },
    { "S16/reason-that-does-not-show", WITHDRAWAL, "{\"manifest\":\"sha256:" HEX "\",\"reason\":\"a\\u001b[2J\"}", CHAMA_ERROR_MALFORMED },
    { "S16/other-algorithm", WITHDRAWAL, "{\"manifest\":\"sm3:" HEX "\",\"reason\":\"wrong\"}", CHAMA_ERROR_UNSUPPORTED },
    { "S1/stranger-in-withdrawal", WITHDRAWAL, "{\"manifest\":\"sha256:" HEX "\",\"reason\":\"wrong\",\"until\":\"2027-05-01T00:00:00Z\"}", CHAMA_ERROR_MALFORMED },
    { "S18/reason", ERASURE, "{\"manifest\":\"sha256:" HEX "\",\"reason\":\"a person asked\"}", -1 },
    { "S18/of", ERASURE, "{\"manifest\":\"sha256:" HEX "\",\"of\":\"sha256:" HEX "\"}", -1 },
    { "S18/both", ERASURE, "{\"manifest\":\"sha256:" HEX "\",\"of\":\"sha256:" HEX "\",\"reason\":\"a person asked\"}", CHAMA_ERROR_MALFORMED },
    { "S18/neither", ERASURE, "{\"manifest\":\"sha256:" HEX "\"}", CHAMA_ERROR_MALFORMED },
    { "S18/no-manifest", ERASURE, "{\"reason\":\"a person asked\"}", CHAMA_ERROR_MALFORMED },
    { "S18/of-nothing", ERASURE, "{\"manifest\":\"sha256:" HEX "\",\"of\":\"\"}", CHAMA_ERROR_MALFORMED },
    { "S18/empty-reason", ERASURE, "{\"manifest\":\"sha256:" HEX "\",\"reason\":\"\"}", CHAMA_ERROR_MALFORMED },
    { "S20/whole", ENDORSEMENT, "{\"body\":\"sha256:" HEX "\",\"note\":\"for the bureau\"}", -1 },
    { "S20/no-note", ENDORSEMENT, "{\"body\":\"sha256:" HEX "\"}", -1 },
    { "S20/no-body", ENDORSEMENT, "{\"note\":\"for the bureau\"}", CHAMA_ERROR_MALFORMED },
    { "S20/other-algorithm", ENDORSEMENT, "{\"body\":\"sm3:" HEX "\"}", CHAMA_ERROR_UNSUPPORTED },
    { "S20/empty-note", ENDORSEMENT, "{\"body\":\"sha256:" HEX "\",\"note\":\"\"}", CHAMA_ERROR_MALFORMED },
    { "S20/direction", ENDORSEMENT, "{\"body\":\"sha256:" HEX "\",\"note\":\"\u202eok\"}", CHAMA_ERROR_MALFORMED },
    { "S1/stranger-in-endorsement", ENDORSEMENT, "{\"body\":\"sha256:" HEX "\",\"parties\":[]}", CHAMA_ERROR_MALFORMED },
    { "S1/stranger-in-erasure", ERASURE, "{\"by\":\"x\",\"manifest\":\"sha256:" HEX "\",\"reason\":\"wrong\"}", CHAMA_ERROR_MALFORMED },
};

static GBytes *
read_and_write(const Case *c, GBytes *record, GError **error)
{
    static const Digest none;

    if (strcmp(c->type, WITHDRAWAL) == 0) {
        g_autoptr(Withdrawal) w = withdrawal_parse(record, error);

        return w ? withdrawal_format(&w->manifest, w->reason, error) : NULL;
    }
    if (strcmp(c->type, ENDORSEMENT) == 0) {
        g_autoptr(Endorsement) endorsement = endorsement_parse(record, error);

        return endorsement ? endorsement_format(&endorsement->body, endorsement->note, error) : NULL;
    }
    g_autoptr(Erasure) e = erasure_parse(record, error);

    return e ? erasure_format(&e->manifest, e->reason, digest_equal(&e->of, &none) ? NULL : &e->of, error) : NULL;
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GBytes) members = text_bytes(c->members), again = NULL;
    g_autoptr(GError) error = NULL;
    NodeFixture node;

    node_init(&node, 1);
    again = read_and_write(c, node_state(&node, c->type, members)->bytes, &error);
    if (c->code >= 0)
        g_assert_error(error, CHAMA_ERROR, c->code);
    else {
        g_assert_no_error(error);
        g_assert_true(g_bytes_equal(again, members));
    }
    node_clear(&node);
}

static void
test_limits(void)
{
    g_autofree char *reason = g_strnfill(REASON_MAX + 1, 'r');
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) good = NULL;
    Digest digest = { 0 };

    g_assert_null(withdrawal_format(&digest, reason, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    g_clear_error(&error);
    g_assert_null(erasure_format(&digest, reason, NULL, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
    reason[REASON_MAX] = '\0';
    good = erasure_format(&digest, reason, NULL, NULL);
    g_assert_nonnull(good);
}

static Record *
publish(NodeFixture *node)
{
    g_autoptr(Manifest) m = manifest_new();
    g_autoptr(GBytes) members = NULL;

    g_strlcpy(m->name, "roads", sizeof m->name);
    m->version = 1;
    members = manifest_format(m, NULL);
    return node_state(node, "manifest/1", members);
}

static void
end(NodeFixture *node, const char *type, const Digest *manifest, const char *reason, const Digest *of)
{
    g_autoptr(GBytes) members = strcmp(type, WITHDRAWAL) == 0 ? withdrawal_format(manifest, reason, NULL) : erasure_format(manifest, reason, of, NULL);

    node_state(node, type, members);
}

/* The first of the owner counts; a stranger's word does not, but for what it says of itself. */
static void
test_whose(void)
{
    g_autoptr(Withdrawal) w = NULL;
    g_autoptr(Erasure) none = NULL, own = NULL, owners = NULL;
    g_autoptr(Ledger) ledger = NULL;
    g_autoptr(Manifest) m = NULL;
    NodeFixture other;
    const Record *record;
    gboolean stated;
    Fixture f;

    set_up(&f);
    node_init(&other, 2);
    record = publish(&f.node);
    project(&f);
    m = catalogue_manifest(f.catalogue, &record->address, NULL);
    end(&other, WITHDRAWAL, &m->address, "not mine", NULL);
    end(&other, ERASURE, &m->address, "not mine", NULL);
    ledger = make_ledger(&f, "other");
    append_to(ledger, &other);
    g_assert_true(catalogue_project(f.catalogue, ledger, NULL));
    g_assert_true(withdrawal_of(f.catalogue, m, &w, NULL));
    g_assert_null(w);
    g_assert_true(erasure_of(f.catalogue, m, NULL, &none, NULL));
    g_assert_null(none);
    g_assert_true(erasure_of(f.catalogue, m, other.identity->id, &own, NULL));
    g_assert_cmpstr(own->reason, ==, "not mine");
    g_assert_true(erasure_stated(f.catalogue, other.identity->id, &m->address, &stated, NULL));
    g_assert_true(stated);
    g_assert_true(erasure_stated(f.catalogue, f.node.identity->id, &m->address, &stated, NULL));
    g_assert_false(stated);
    end(&f.node, WITHDRAWAL, &m->address, "first", NULL);
    end(&f.node, WITHDRAWAL, &m->address, "second", NULL);
    end(&f.node, ERASURE, &m->address, "the owner's", NULL);
    project(&f);
    g_assert_true(withdrawal_of(f.catalogue, m, &w, NULL));
    g_assert_cmpstr(w->reason, ==, "first");
    g_assert_true(erasure_of(f.catalogue, m, other.identity->id, &owners, NULL));
    g_assert_cmpstr(owners->reason, ==, "the owner's");
    g_assert_cmpstr(owners->node, ==, f.node.identity->id);
    node_clear(&other);
    tear_down(&f);
}

/* A tombstone that follows another gives that one's reason, if it is known here. */
static void
test_follows(void)
{
    static const Digest nowhere = { { 1 } };
    g_autoptr(Erasure) followed = NULL, unknown = NULL;
    g_autoptr(Manifest) m = manifest_new();
    const Record *first;
    Fixture f;

    set_up(&f);
    m->address = nowhere;
    g_strlcpy(m->node, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", sizeof m->node);
    end(&f.node, ERASURE, &nowhere, "why", NULL);
    first = g_ptr_array_index(f.node.records, 1);
    project(&f);
    g_assert_true(erasure_of(f.catalogue, m, f.node.identity->id, &followed, NULL));
    g_assert_cmpstr(followed->reason, ==, "why");
    m->address.bytes[0] = 2;
    end(&f.node, ERASURE, &m->address, NULL, &first->address);
    m->address.bytes[0] = 3;
    end(&f.node, ERASURE, &m->address, NULL, &nowhere);
    project(&f);
    m->address.bytes[0] = 2;
    g_clear_pointer(&followed, erasure_free);
    g_assert_true(erasure_of(f.catalogue, m, f.node.identity->id, &followed, NULL));
    g_assert_cmpstr(followed->reason, ==, "why");
    m->address.bytes[0] = 3;
    g_assert_true(erasure_of(f.catalogue, m, f.node.identity->id, &unknown, NULL));
    g_assert_nonnull(unknown->reason);
    tear_down(&f);
}

/* S21: of each node the first. */
static void
test_endorsements(void)
{
    static const Digest body = { { 7 } }, other_body = { { 8 } };
    g_autoptr(GBytes) first = endorsement_format(&body, "first", NULL), second = endorsement_format(&body, "second", NULL),
                      elsewhere = endorsement_format(&other_body, NULL, NULL);
    g_autoptr(GPtrArray) all = NULL, none = NULL;
    g_autoptr(Ledger) ledger = NULL;
    NodeFixture other;
    Fixture f;

    set_up(&f);
    node_init(&other, 2);
    node_state(&f.node, ENDORSEMENT, elsewhere);
    node_state(&f.node, ENDORSEMENT, first);
    node_state(&f.node, ENDORSEMENT, second);
    node_state(&other, ENDORSEMENT, second);
    project(&f);
    ledger = make_ledger(&f, "other");
    append_to(ledger, &other);
    g_assert_true(catalogue_project(f.catalogue, ledger, NULL));
    all = endorsements_of(f.catalogue, &body, NULL);
    g_assert_cmpuint(all->len, ==, 2);
    for (guint i = 0; i < all->len; i++) {
        const Endorsement *e = g_ptr_array_index(all, i);

        g_assert_cmpstr(e->note, ==, strcmp(e->node, f.node.identity->id) == 0 ? "first" : "second");
    }
    none = endorsements_of(f.catalogue, &(Digest){ { 9 } }, NULL);
    g_assert_cmpuint(none->len, ==, 0);
    node_clear(&other);
    tear_down(&f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/ends/%s", cases[i].name);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/ends/S16/S18/limits", test_limits);
    g_test_add_func("/ends/S16/S18/whose", test_whose);
    g_test_add_func("/ends/S18/follows", test_follows);
    g_test_add_func("/ends/S21/endorsements", test_endorsements);
    return g_test_run();
}
