#include "manifests/catalogue.h"

#include <sqlite3.h>

#include "tests/unit/catalogue_fixture.h"

#define GRANTEE "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define STRANGER "bbcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define PROFILE "{\"addresses\":[],\"ledger\":\"relayed\",\"name\":{\"en\":\"Forestry\"},\"pins\":[]}"

static Record *
publish(NodeFixture *node, const char *name, guint64 version, const Digest *previous, Share share)
{
    g_autoptr(Manifest) m = manifest_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) members = NULL;

    g_strlcpy(m->name, name, sizeof m->name);
    m->version = version;
    m->has_previous = previous != NULL;
    if (previous)
        m->previous = *previous;
    m->share = share;
    members = manifest_format(m, &error);
    g_assert_no_error(error);
    return node_state(node, "manifest/1", members);
}

static guint64
newest(Fixture *f, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Manifest) m = catalogue_version(f->catalogue, f->node.identity->id, name, 0, &error);

    if (!m)
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    return m ? m->version : 0;
}

static void
test_project(void)
{
    g_autoptr(GPtrArray) nodes = NULL, history = NULL, datasets = NULL, manifests = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Profile) profile = NULL;
    g_autoptr(Identity) identity = NULL;
    g_autoptr(Manifest) m = NULL;
    g_autoptr(Record) record = NULL;
    const Record *first, *second;
    const char *id;
    Fixture f;

    set_up(&f);
    id = f.node.identity->id;
    g_assert_true(catalogue_project(f.catalogue, f.ledger, &error));
    state(&f.node, "profile/1", PROFILE);
    first = publish(&f.node, "roads", 1, NULL, SHARE_OPEN);
    project(&f);
    g_assert_cmpuint(newest(&f, "roads"), ==, 1);
    second = publish(&f.node, "roads", 2, &first->address, SHARE_OPEN);
    publish(&f.node, "lakes", 1, NULL, SHARE_NONE);
    project(&f);
    project(&f);
    g_assert_cmpuint(catalogue_size(f.catalogue, id), ==, 5);
    nodes = catalogue_nodes(f.catalogue, &error);
    g_assert_cmpuint(nodes->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(nodes, 0), ==, id);
    profile = catalogue_profile(f.catalogue, id, &error);
    g_assert_cmpstr(profile->name_en, ==, "Forestry");
    identity = catalogue_identity(f.catalogue, id, &error);
    g_assert_cmpstr(identity->id, ==, id);
    history = catalogue_history(f.catalogue, id, "roads", &error);
    g_assert_cmpuint(history->len, ==, 2);
    g_assert_cmpuint(((Manifest *)g_ptr_array_index(history, 0))->version, ==, 2);
    datasets = catalogue_datasets(f.catalogue, NULL, &error);
    g_assert_cmpuint(datasets->len, ==, 2);
    g_assert_cmpstr(((Manifest *)g_ptr_array_index(datasets, 0))->name, ==, "lakes");
    g_assert_cmpuint(((Manifest *)g_ptr_array_index(datasets, 1))->version, ==, 2);
    manifests = catalogue_manifests(f.catalogue, id, &error);
    g_assert_cmpuint(manifests->len, ==, 3);
    g_assert_cmpuint(((Manifest *)g_ptr_array_index(manifests, 2))->seq, ==, 4);
    m = catalogue_manifest(f.catalogue, &second->address, &error);
    g_assert_cmpuint(m->seq, ==, 3);
    record = catalogue_record(f.catalogue, &second->address, &error);
    g_assert_true(g_bytes_equal(record->bytes, second->bytes));
    g_assert_true(g_bytes_equal(record->signature, second->signature));
    g_assert_true(digest_equal(&record->prev, &second->prev));
    g_assert_cmpstr(record->type, ==, "manifest/1");
    g_assert_cmpint(record->time, ==, second->time);
    g_assert_no_error(error);
    tear_down(&f);
}

static void
test_nothing(void)
{
    static const Digest none = { { 1 } };
    g_autoptr(GError) profile = NULL, record = NULL, manifest = NULL, version = NULL, share = NULL;
    g_autoptr(GPtrArray) history = NULL, datasets = NULL;
    g_autoptr(Manifest) unknown = manifest_new();
    Share read;
    Fixture f;

    set_up(&f);
    g_assert_null(catalogue_profile(f.catalogue, STRANGER, &profile));
    g_assert_null(catalogue_identity(f.catalogue, STRANGER, &profile));
    g_assert_no_error(profile);
    g_assert_null(catalogue_record(f.catalogue, &none, &record));
    g_assert_error(record, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_null(catalogue_manifest(f.catalogue, &none, &manifest));
    g_assert_error(manifest, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_null(catalogue_version(f.catalogue, STRANGER, "roads", G_MAXUINT64, &version));
    g_assert_error(version, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_assert_false(catalogue_share_in_force(f.catalogue, unknown, &read, &share));
    g_assert_error(share, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    history = catalogue_history(f.catalogue, STRANGER, "roads", NULL);
    g_assert_cmpuint(history->len, ==, 0);
    datasets = catalogue_datasets(f.catalogue, STRANGER, NULL);
    g_assert_cmpuint(datasets->len, ==, 0);
    g_assert_cmpuint(catalogue_size(f.catalogue, STRANGER), ==, 0);
    g_assert_false(catalogue_revoked(f.catalogue, STRANGER, &none));
    tear_down(&f);
}

/* M19: what does not continue its dataset is kept, counts for nothing, and does not stop what comes after. */
static void
test_chain(void)
{
    g_autoptr(GError) error = NULL;
    const Record *first, *bad[5], *second;
    Fixture f;

    set_up(&f);
    first = publish(&f.node, "roads", 1, NULL, SHARE_OPEN);
    bad[0] = publish(&f.node, "roads", 1, NULL, SHARE_NONE);
    bad[1] = publish(&f.node, "roads", 3, &first->address, SHARE_OPEN);
    bad[2] = publish(&f.node, "roads", 2, &bad[0]->address, SHARE_OPEN);
    bad[3] = publish(&f.node, "lakes", 2, &first->address, SHARE_OPEN);
    second = publish(&f.node, "roads", 2, &first->address, SHARE_OPEN);
    bad[4] = publish(&f.node, "roads", 2, &first->address, SHARE_OPEN);
    project(&f);
    g_assert_cmpuint(newest(&f, "roads"), ==, 2);
    g_assert_cmpuint(newest(&f, "lakes"), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Record) kept = catalogue_record(f.catalogue, &bad[i]->address, NULL);
        g_autoptr(GError) local = NULL;

        g_assert_nonnull(kept);
        g_assert_null(catalogue_manifest(f.catalogue, &bad[i]->address, &local));
        g_assert_error(local, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    }
    {
        g_autoptr(Manifest) m = catalogue_manifest(f.catalogue, &second->address, &error);

        g_assert_no_error(error);
        g_assert_cmpuint(m->version, ==, 2);
    }
    tear_down(&f);
}

/* A body that breaks a rule is its owner's fault and must not stop the projection. */
static void
test_bad_bodies(void)
{
    static const char *const types[] = { "manifest/1", "profile/1", "grant/1", "sealed/1", "revocation/1" };
    g_autoptr(GError) error = NULL;
    g_autoptr(Profile) profile = NULL;
    g_autoptr(GPtrArray) grants = NULL;
    const Record *unknown;
    Fixture f;

    set_up(&f);
    state(&f.node, "profile/1", PROFILE);
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        state(&f.node, types[i], "{\"x\":1}");
    unknown = state(&f.node, "poem/7", "{\"x\":1}");
    publish(&f.node, "roads", 1, NULL, SHARE_OPEN);
    project(&f);
    g_assert_cmpuint(catalogue_size(f.catalogue, f.node.identity->id), ==, 9);
    g_assert_cmpuint(newest(&f, "roads"), ==, 1);
    profile = catalogue_profile(f.catalogue, f.node.identity->id, &error);
    g_assert_nonnull(profile);
    grants = catalogue_grants(f.catalogue, NULL, NULL, NULL, &error);
    g_assert_cmpuint(grants->len, ==, 0);
    g_assert_null(catalogue_record(f.catalogue, &unknown->address, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    tear_down(&f);
}

/* M20 */
static void
test_share_in_force(void)
{
    static const Share shares[] = { SHARE_OPEN, SHARE_CONDITIONAL, SHARE_OPEN, SHARE_NONE, SHARE_CONDITIONAL };
    static const Share in_force[G_N_ELEMENTS(shares)][G_N_ELEMENTS(shares)] = {
        { SHARE_OPEN },
        { SHARE_CONDITIONAL, SHARE_CONDITIONAL },
        { SHARE_OPEN, SHARE_CONDITIONAL, SHARE_OPEN },
        { SHARE_NONE, SHARE_NONE, SHARE_NONE, SHARE_NONE },
        { SHARE_CONDITIONAL, SHARE_CONDITIONAL, SHARE_CONDITIONAL, SHARE_NONE, SHARE_CONDITIONAL },
    };
    const Record *records[G_N_ELEMENTS(shares)];
    Fixture f;

    set_up(&f);
    for (guint i = 0; i < G_N_ELEMENTS(shares); i++) {
        records[i] = publish(&f.node, "roads", i + 1, i ? &records[i - 1]->address : NULL, shares[i]);
        project(&f);
        for (guint j = 0; j <= i; j++) {
            g_autoptr(Manifest) m = catalogue_manifest(f.catalogue, &records[j]->address, NULL);
            Share share;

            g_assert_true(catalogue_share_in_force(f.catalogue, m, &share, NULL));
            g_assert_cmpint(share, ==, in_force[i][j]);
        }
    }
    tear_down(&f);
}

static Record *
state_grant(NodeFixture *node, const char *name, const char *grantee)
{
    g_autofree char *members = g_strdup_printf("{\"grantee\":\"%s\",\"name\":\"%s\",\"until\":\"2027-05-01T00:00:00Z\"}", grantee, name);

    return state(node, "grant/1", members);
}

static Record *
state_revocation(NodeFixture *node, const Digest *of)
{
    g_autoptr(GBytes) members = revocation_format(of, NULL);

    return node_state(node, "revocation/1", members);
}

static void
assert_grants(Fixture *f, const char *owner, const char *name, const char *grantee, guint count)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows = catalogue_grants(f->catalogue, owner, name, grantee, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(rows->len, ==, count);
}

static void
test_grants(void)
{
    g_autoptr(GPtrArray) rows = NULL;
    const Record *first, *second;
    const GrantRow *row;
    NodeFixture other;
    const char *id;
    Fixture f;

    set_up(&f);
    node_init(&other, 2);
    id = f.node.identity->id;
    first = state_grant(&f.node, "roads", GRANTEE);
    second = state_grant(&f.node, "lakes", GRANTEE);
    state_grant(&f.node, "lakes", STRANGER);
    state_revocation(&f.node, &second->address);
    project(&f);
    /* Another node's word on them is worth nothing. */
    g_assert_true(catalogue_project_record(f.catalogue, g_ptr_array_index(other.records, 0), NULL));
    g_assert_true(catalogue_project_record(f.catalogue, state_revocation(&other, &first->address), NULL));
    assert_grants(&f, NULL, NULL, NULL, 3);
    assert_grants(&f, id, NULL, NULL, 3);
    assert_grants(&f, other.identity->id, NULL, NULL, 0);
    assert_grants(&f, NULL, "lakes", NULL, 2);
    assert_grants(&f, NULL, NULL, GRANTEE, 2);
    assert_grants(&f, id, "lakes", STRANGER, 1);
    assert_grants(&f, id, "roads", STRANGER, 0);
    rows = catalogue_grants(f.catalogue, id, NULL, GRANTEE, NULL);
    row = g_ptr_array_index(rows, 0);
    g_assert_cmpstr(row->grant.name, ==, "roads");
    g_assert_cmpstr(row->grant.owner, ==, id);
    g_assert_cmpint(row->grant.until, ==, 1809129600);
    g_assert_true(digest_equal(&row->record, &first->address));
    g_assert_cmpuint(row->seq, ==, 1);
    g_assert_false(row->sealed);
    g_assert_false(row->revoked);
    row = g_ptr_array_index(rows, 1);
    g_assert_true(row->revoked);
    g_assert_true(catalogue_revoked(f.catalogue, id, &second->address));
    g_assert_false(catalogue_revoked(f.catalogue, id, &first->address));
    g_assert_true(catalogue_revoked(f.catalogue, other.identity->id, &first->address));
    node_clear(&other);
    tear_down(&f);
}

static char *
grant_body(const char *owner)
{
    return g_strdup_printf("{\"grantee\":\"" GRANTEE "\",\"name\":\"patients\",\"node\":\"%s\",\"type\":\"grant/1\",\"until\":\"2027-05-01T00:00:00Z\"}",
                           owner);
}

static void
assert_not_learned(Fixture *f, const Opening *opening, int code)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(catalogue_learn_opening(f->catalogue, opening, &error));
    g_assert_error(error, CHAMA_ERROR, code);
    assert_grants(f, NULL, NULL, NULL, 0);
}

static void
test_learn_grant(void)
{
    g_autofree char *body = NULL, *foreign_body = grant_body(STRANGER);
    g_autoptr(Opening) good = NULL, foreign = NULL, note = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GError) error = NULL;
    const GrantRow *row;
    Fixture f;

    set_up(&f);
    body = grant_body(f.node.identity->id);
    good = seal(&f.node, body);
    foreign = seal(&f.node, foreign_body);
    note = seal(&f.node, "{\"type\":\"note/1\"}");
    assert_not_learned(&f, good, CHAMA_ERROR_NOT_FOUND);
    project(&f);
    good->salt[0] ^= 1;
    assert_not_learned(&f, good, CHAMA_ERROR_VERIFY);
    good->salt[0] ^= 1;
    assert_not_learned(&f, foreign, CHAMA_ERROR_VERIFY);
    assert_not_learned(&f, note, CHAMA_ERROR_UNSUPPORTED);
    g_assert_true(catalogue_learn_opening(f.catalogue, good, &error));
    g_assert_true(catalogue_learn_opening(f.catalogue, good, &error));
    g_assert_no_error(error);
    rows = catalogue_grants(f.catalogue, f.node.identity->id, "patients", GRANTEE, NULL);
    g_assert_cmpuint(rows->len, ==, 1);
    row = g_ptr_array_index(rows, 0);
    g_assert_true(row->sealed);
    g_assert_false(row->revoked);
    state_revocation(&f.node, &good->record);
    project(&f);
    g_assert_true(catalogue_revoked(f.catalogue, f.node.identity->id, &good->record));
    tear_down(&f);
}

static void
test_openings_learned(void)
{
    Fixture f;

    set_up(&f);
    g_assert_false(catalogue_openings_learned(f.catalogue));
    g_assert_true(catalogue_set_openings_learned(f.catalogue, NULL));
    catalogue_close(f.catalogue);
    open_catalogue(&f);
    g_assert_true(catalogue_openings_learned(f.catalogue));
    tear_down(&f);
}

static void
test_is_current(void)
{
    static const char commit[] = "0123456789abcdef0123456789abcdef01234567";
    const char *id;
    Fixture f;

    set_up(&f);
    id = f.node.identity->id;
    project(&f);
    g_assert_false(catalogue_is_current(f.catalogue, id, ""));
    g_assert_false(catalogue_is_current(f.catalogue, id, commit));
    g_assert_true(catalogue_set_current(f.catalogue, id, commit, NULL));
    g_assert_true(catalogue_is_current(f.catalogue, id, commit));
    g_assert_false(catalogue_is_current(f.catalogue, STRANGER, commit));
    g_assert_true(catalogue_forget(f.catalogue, id, NULL));
    g_assert_false(catalogue_is_current(f.catalogue, id, commit));
    tear_down(&f);
}

static void
test_forget(void)
{
    g_autofree char *body = NULL;
    g_autoptr(GPtrArray) nodes = NULL;
    g_autoptr(Opening) opening = NULL;
    const Record *first;
    const char *id;
    Fixture f;

    set_up(&f);
    id = f.node.identity->id;
    body = grant_body(id);
    first = publish(&f.node, "roads", 1, NULL, SHARE_OPEN);
    opening = seal(&f.node, body);
    state_grant(&f.node, "roads", GRANTEE);
    state_revocation(&f.node, &first->address);
    project(&f);
    g_assert_true(catalogue_learn_opening(f.catalogue, opening, NULL));
    assert_grants(&f, NULL, NULL, NULL, 2);
    g_assert_true(catalogue_forget(f.catalogue, id, NULL));
    assert_grants(&f, NULL, NULL, NULL, 0);
    g_assert_cmpuint(newest(&f, "roads"), ==, 0);
    g_assert_false(catalogue_revoked(f.catalogue, id, &first->address));
    nodes = catalogue_nodes(f.catalogue, NULL);
    g_assert_cmpuint(nodes->len, ==, 0);
    project(&f);
    assert_grants(&f, NULL, NULL, NULL, 1);
    g_assert_cmpuint(newest(&f, "roads"), ==, 1);
    tear_down(&f);
}

/* Of two ledgers with one inception, the one that is given counts, whether it is shorter, as long, or longer. */
static void
test_other_history(void)
{
    for (guint records = 1; records <= 5; records++) {
        g_autoptr(Opening) opening = NULL;
        g_autofree char *body = NULL;
        g_autoptr(Ledger) ledger = NULL;
        g_autoptr(GError) error = NULL;
        NodeFixture other;
        Fixture f;

        set_up(&f);
        body = grant_body(f.node.identity->id);
        publish(&f.node, "roads", 1, NULL, SHARE_OPEN);
        opening = seal(&f.node, body);
        project(&f);
        g_assert_true(catalogue_learn_opening(f.catalogue, opening, NULL));
        node_init(&other, 1);
        for (guint i = 0; i < records; i++)
            state(&other, "poem/7", "{\"x\":1}");
        publish(&other, "lakes", 1, NULL, SHARE_OPEN);
        ledger = make_ledger(&f, "other");
        append_to(ledger, &other);
        g_assert_true(catalogue_project(f.catalogue, ledger, &error));
        g_assert_cmpuint(catalogue_size(f.catalogue, f.node.identity->id), ==, records + 2);
        g_assert_cmpuint(newest(&f, "roads"), ==, 0);
        g_assert_cmpuint(newest(&f, "lakes"), ==, 1);
        assert_grants(&f, NULL, NULL, NULL, 0);
        /* What is sealed is not learned anew from a ledger, so it must still be there. */
        project(&f);
        assert_grants(&f, NULL, NULL, NULL, 1);
        node_clear(&other);
        tear_down(&f);
    }
}

/* A handle that was opened before the ledger grew does not turn the catalogue back. */
static void
test_old_handle(void)
{
    g_autoptr(Ledger) old = NULL;
    g_autoptr(GError) error = NULL;
    Fixture f;

    set_up(&f);
    project(&f);
    old = open_again(&f, "own");
    publish(&f.node, "roads", 1, NULL, SHARE_OPEN);
    project(&f);
    g_assert_true(catalogue_project(f.catalogue, old, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(newest(&f, "roads"), ==, 1);
    g_assert_cmpuint(catalogue_size(f.catalogue, f.node.identity->id), ==, 2);
    tear_down(&f);
}

static void
test_sparse(void)
{
    const Record *records[4];
    g_autoptr(GPtrArray) history = NULL;
    g_autoptr(GError) error = NULL;
    const char *id;
    Fixture f;

    set_up(&f);
    id = f.node.identity->id;
    records[0] = publish(&f.node, "roads", 1, NULL, SHARE_NONE);
    records[1] = publish(&f.node, "roads", 2, &records[0]->address, SHARE_OPEN);
    records[2] = publish(&f.node, "roads", 2, &records[0]->address, SHARE_OPEN);
    records[3] = publish(&f.node, "roads", 3, &records[1]->address, SHARE_OPEN);
    for (guint round = 0; round < 2; round++) {
        g_assert_true(catalogue_project_record(f.catalogue, g_ptr_array_index(f.node.records, 0), &error));
        g_assert_true(catalogue_project_record(f.catalogue, records[3], &error));
        g_assert_true(catalogue_project_record(f.catalogue, records[2], &error));
        g_assert_true(catalogue_project_record(f.catalogue, records[1], &error));
    }
    g_assert_no_error(error);
    g_assert_cmpuint(catalogue_size(f.catalogue, id), ==, 1);
    /* M19: records[2] contradicts the version after it. */
    history = catalogue_history(f.catalogue, id, "roads", NULL);
    g_assert_cmpuint(history->len, ==, 2);
    g_assert_true(digest_equal(&((Manifest *)g_ptr_array_index(history, 1))->address, &records[1]->address));
    project(&f);
    g_assert_cmpuint(catalogue_size(f.catalogue, id), ==, 5);
    g_assert_cmpuint(newest(&f, "roads"), ==, 3);
    g_assert_true(catalogue_project_record(f.catalogue, records[2], &error));
    g_assert_cmpuint(catalogue_size(f.catalogue, id), ==, 5);
    tear_down(&f);
}

static void
test_sparse_fork(void)
{
    g_autoptr(GError) error = NULL;
    NodeFixture other;
    Fixture f;

    set_up(&f);
    node_init(&other, 1);
    g_assert_true(catalogue_project_record(f.catalogue, publish(&f.node, "roads", 1, NULL, SHARE_OPEN), NULL));
    g_assert_false(catalogue_project_record(f.catalogue, publish(&other, "lakes", 1, NULL, SHARE_OPEN), &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FORK);
    g_assert_cmpuint(newest(&f, "roads"), ==, 1);
    g_assert_cmpuint(newest(&f, "lakes"), ==, 0);
    node_clear(&other);
    tear_down(&f);
}

static void
test_prefix(void)
{
    static const struct {
        const char *hex;
        int code;
    } cases[] = { { "0000000", CHAMA_ERROR_USAGE }, { "", CHAMA_ERROR_USAGE }, { "0000000g", CHAMA_ERROR_USAGE }, { "AAAAAAAA", CHAMA_ERROR_USAGE },
                  { "%%%%%%%%", CHAMA_ERROR_USAGE }, { "00000000", CHAMA_ERROR_NOT_FOUND } };
    char hex[DIGEST_HEX_SIZE];
    const Record *first;
    const char *id;
    Fixture f;

    set_up(&f);
    id = f.node.identity->id;
    first = publish(&f.node, "roads", 1, NULL, SHARE_OPEN);
    project(&f);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(catalogue_manifest_by_prefix(f.catalogue, id, "roads", cases[i].hex, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
    }
    for (guint digits = 8; digits <= 64; digits += 7) {
        g_autoptr(Manifest) m = NULL;

        digest_format_hex(&first->address, hex);
        hex[digits] = '\0';
        m = catalogue_manifest_by_prefix(f.catalogue, id, "roads", hex, NULL);
        g_assert_nonnull(m);
    }
    tear_down(&f);
}

/* Neither what is no database nor one of another schema keeps anyone from work. */
static void
test_made_anew(void)
{
    g_autofree char *junk = g_strnfill(100000, 'x');
    Fixture f;

    set_up(&f);
    publish(&f.node, "roads", 1, NULL, SHARE_OPEN);
    for (guint round = 0; round < 3; round++) {
        project(&f);
        g_assert_cmpuint(newest(&f, "roads"), ==, 1);
        catalogue_close(f.catalogue);
        if (round == 0)
            g_assert_true(g_file_set_contents(f.path, junk, 100000, NULL));
        if (round == 1) {
            sqlite3 *handle;

            g_assert_cmpint(sqlite3_open(f.path, &handle), ==, SQLITE_OK);
            g_assert_cmpint(sqlite3_exec(handle, "PRAGMA user_version = 99", NULL, NULL, NULL), ==, SQLITE_OK);
            sqlite3_close(handle);
        }
        open_catalogue(&f);
        g_assert_cmpuint(newest(&f, "roads"), ==, round == 2);
    }
    tear_down(&f);
}

static void
overwrite_pages(const char *path)
{
    g_autofree char *data = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    g_assert_cmpuint(size, >, 100 * 4096);
    memset(data + size / 2, 0xee, size / 2);
    g_assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
}

/* Damage that shows only when a page is read: an error then, and the next one to open begins anew. */
static void
test_damage_within(void)
{
    g_autoptr(GPtrArray) manifests = NULL;
    g_autoptr(GError) error = NULL;
    const Record *last = NULL;
    Fixture f;

    set_up(&f);
    for (guint i = 0; i < 500; i++)
        last = publish(&f.node, "roads", i + 1, last ? &last->address : NULL, SHARE_OPEN);
    project(&f);
    catalogue_close(f.catalogue);
    overwrite_pages(f.path);
    open_catalogue(&f);
    manifests = catalogue_manifests(f.catalogue, f.node.identity->id, &error);
    g_assert_null(manifests);
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
    catalogue_close(f.catalogue);
    open_catalogue(&f);
    g_assert_cmpuint(newest(&f, "roads"), ==, 0);
    project(&f);
    g_assert_cmpuint(newest(&f, "roads"), ==, 500);
    tear_down(&f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/catalogue/project", test_project);
    g_test_add_func("/catalogue/nothing", test_nothing);
    g_test_add_func("/catalogue/M19/chain", test_chain);
    g_test_add_func("/catalogue/bad-bodies", test_bad_bodies);
    g_test_add_func("/catalogue/M20/share-in-force", test_share_in_force);
    g_test_add_func("/catalogue/grants", test_grants);
    g_test_add_func("/catalogue/S10/learn-grant", test_learn_grant);
    g_test_add_func("/catalogue/openings-learned", test_openings_learned);
    g_test_add_func("/catalogue/is-current", test_is_current);
    g_test_add_func("/catalogue/forget", test_forget);
    g_test_add_func("/catalogue/other-history", test_other_history);
    g_test_add_func("/catalogue/old-handle", test_old_handle);
    g_test_add_func("/catalogue/sparse", test_sparse);
    g_test_add_func("/catalogue/sparse-fork", test_sparse_fork);
    g_test_add_func("/catalogue/prefix", test_prefix);
    g_test_add_func("/catalogue/made-anew", test_made_anew);
    g_test_add_func("/catalogue/damage-within", test_damage_within);
    return g_test_run();
}
