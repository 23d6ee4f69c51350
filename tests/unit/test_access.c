/* Who may have what: A1 to A14 of sync/PROTOCOL.md. */
#include "tests/unit/two_nodes.h"

#include "manifests/erasure.h"
#include "manifests/withdrawal.h"
#include "sync/access.h"

#define DAY (24 * 3600)
#define NOW G_GINT64_CONSTANT(1777622400)

static void
test_decide(void)
{
    static const struct {
        const char *rule;
        AccessFacts facts;
        AccessVerdict verdict;
    } cases[] = {
        { "A1", { .share = SHARE_NONE, .caller_is_owner = TRUE, .caller_known = TRUE, .now = NOW }, ACCESS_ALLOWED },
        { "A3", { .share = SHARE_NONE, .caller_is_owner = TRUE, .now = NOW }, ACCESS_REFUSED },
        { "A1", { .share = SHARE_OPEN, .ended = TRUE, .caller_is_owner = TRUE, .caller_known = TRUE, .now = NOW }, ACCESS_ALLOWED },
        { "A14", { .share = SHARE_OPEN, .ended = TRUE, .caller_known = TRUE, .now = NOW }, ACCESS_REFUSED },
        { "A14", { .share = SHARE_OPEN, .ended = TRUE, .self_is_owner = TRUE, .now = NOW }, ACCESS_REFUSED },
        { "A14", { .share = SHARE_CONDITIONAL, .ended = TRUE, .caller_known = TRUE, .self_is_owner = TRUE, .grant = TRUE, .grant_until = NOW + 1, .now = NOW },
          ACCESS_REFUSED },
        { "A2", { .share = SHARE_OPEN, .now = NOW }, ACCESS_ALLOWED },
        { "A2", { .share = SHARE_OPEN, .caller_known = TRUE, .now = NOW }, ACCESS_ALLOWED },
        { "A3", { .share = SHARE_NONE, .caller_known = TRUE, .self_is_owner = TRUE, .grant = TRUE, .grant_until = NOW + 1, .now = NOW }, ACCESS_REFUSED },
        { "A3", { .share = (Share)7, .caller_known = TRUE, .self_is_owner = TRUE, .grant = TRUE, .grant_until = NOW + 1, .now = NOW }, ACCESS_REFUSED },
        { "A4", { .share = SHARE_CONDITIONAL, .self_is_owner = TRUE, .grant = TRUE, .grant_until = NOW + 1, .now = NOW }, ACCESS_REFUSED },
        { "A5", { .share = SHARE_CONDITIONAL, .caller_known = TRUE, .self_is_owner = TRUE, .now = NOW }, ACCESS_REFUSED },
        { "A6", { .share = SHARE_CONDITIONAL, .caller_known = TRUE, .self_is_owner = TRUE, .grant = TRUE, .grant_until = NOW + 1, .grant_revoked = TRUE, .now = NOW },
          ACCESS_REFUSED },
        { "A7", { .share = SHARE_CONDITIONAL, .caller_known = TRUE, .self_is_owner = TRUE, .grant = TRUE, .grant_until = NOW, .now = NOW }, ACCESS_REFUSED },
        { "A9", { .share = SHARE_CONDITIONAL, .caller_known = TRUE, .self_is_owner = TRUE, .grant = TRUE, .grant_until = NOW + 1, .now = NOW }, ACCESS_ALLOWED },
        { "A8", { .share = SHARE_CONDITIONAL, .caller_known = TRUE, .grant = TRUE, .grant_until = NOW + 1, .now = NOW }, ACCESS_REFUSED },
        { "A9", { .share = SHARE_CONDITIONAL, .caller_known = TRUE, .grant = TRUE, .grant_until = NOW + 1, .owner_checkpoint_time = NOW - 7 * DAY, .now = NOW },
          ACCESS_ALLOWED },
        { "A8", { .share = SHARE_CONDITIONAL, .caller_known = TRUE, .grant = TRUE, .grant_until = NOW + 1, .owner_checkpoint_time = NOW - 7 * DAY - 1, .now = NOW },
          ACCESS_REFUSED },
        { "A9", { .share = SHARE_CONDITIONAL, .caller_known = TRUE, .grant = TRUE, .grant_until = NOW + 1, .owner_checkpoint_time = NOW + 3600, .now = NOW },
          ACCESS_ALLOWED },
        { "A8", { .share = SHARE_CONDITIONAL, .caller_known = TRUE, .grant = TRUE, .grant_until = NOW + 1, .owner_checkpoint_time = NOW + 3601, .now = NOW },
          ACCESS_REFUSED },
        { "A6", { .share = SHARE_CONDITIONAL, .caller_known = TRUE, .grant = TRUE, .grant_until = NOW + 1, .grant_revoked = TRUE, .owner_checkpoint_time = NOW,
                  .now = NOW }, ACCESS_REFUSED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *reason = NULL;

        g_test_message("case %zu", i);
        g_assert_cmpint(access_decide(&cases[i].facts, &reason), ==, cases[i].verdict);
        g_assert_true(g_str_has_prefix(reason, cases[i].rule));
        g_assert_cmpint(access_decide(&cases[i].facts, NULL), ==, cases[i].verdict);
    }
}

static Caller
caller_of(const Node *node, gboolean accepted)
{
    Caller caller = { .accepted = accepted };

    if (node)
        g_strlcpy(caller.node, home_id(node->home), sizeof caller.node);
    return caller;
}

static gboolean
may(Node *holder, const Node *asker, const Manifest *manifest, GBytes *opening)
{
    Caller caller = caller_of(asker, TRUE);
    const char *reason;

    return access_to_version(holder->home, &caller, manifest, opening, NULL, &reason);
}

static gint64
in_days(gint64 days)
{
    return g_get_real_time() / G_USEC_PER_SEC + days * DAY;
}

static void
test_at_owner(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Manifest) open = node_publish(forestry, "open", SHARE_OPEN, 1, 100);
    g_autoptr(Manifest) mine = node_publish(forestry, "mine", SHARE_NONE, 2, 100);
    g_autoptr(Manifest) some = node_publish(forestry, "some", SHARE_CONDITIONAL, 3, 100);
    g_autoptr(GBytes) other = node_grant(forestry, "other", home_id(tourism->home), in_days(1));
    g_autoptr(GBytes) over = node_grant(forestry, "some", home_id(tourism->home), in_days(-1));
    g_autoptr(GBytes) none = node_grant(forestry, "mine", home_id(tourism->home), in_days(1));
    g_autoptr(GBytes) grant = NULL;
    g_autoptr(Manifest) closed = NULL;

    g_assert_true(may(forestry, NULL, open, NULL));
    g_assert_false(may(forestry, NULL, some, NULL));
    g_assert_false(may(forestry, tourism, mine, NULL));
    g_assert_true(may(forestry, forestry, mine, NULL));
    g_assert_false(may(forestry, tourism, some, NULL));
    g_assert_false(may(forestry, tourism, some, over));
    g_assert_false(may(forestry, tourism, some, other));
    grant = node_grant(forestry, "some", home_id(tourism->home), in_days(1));
    g_assert_true(may(forestry, tourism, some, NULL));
    g_assert_false(may(forestry, NULL, some, grant));
    node_revoke(forestry, grant);
    g_assert_false(may(forestry, tourism, some, NULL));
    g_assert_false(may(forestry, tourism, some, grant));
    /* the strictest of the version's own sharing and the dataset's newest */
    closed = node_publish(forestry, "open", SHARE_NONE, 4, 100);
    g_assert_false(may(forestry, tourism, open, NULL));
}

static void
state_end(Node *node, const char *type, const Manifest *manifest, const Digest *of)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) members = strcmp(type, WITHDRAWAL) == 0 ? withdrawal_format(&manifest->address, "wrong", &error)
                                                              : erasure_format(&manifest->address, of ? NULL : "wrong", of, &error);
    g_autoptr(Record) record = members ? home_state_record(node->home, type, members, NULL, NULL, &error) : NULL;

    g_assert_no_error(error);
    g_assert_nonnull(record);
}

/* A14: at the owner, and at a mirror as soon as it has the record; a stranger's word ends nothing. */
static void
test_ended(TwoNodes *nodes, gconstpointer type)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Manifest) first = node_publish(forestry, "open", SHARE_OPEN, 1, 100);
    g_autoptr(Manifest) second = node_publish(forestry, "open", SHARE_OPEN, 2, 100);

    node_accept(forestry, tourism, NULL);
    node_copy_ledger(forestry, tourism, tourism);
    state_end(tourism, type, first, NULL);
    g_assert_true(may(tourism, NULL, first, NULL));
    state_end(forestry, type, first, NULL);
    g_assert_false(may(forestry, NULL, first, NULL));
    g_assert_false(may(forestry, tourism, first, NULL));
    g_assert_true(may(forestry, NULL, second, NULL));
    g_assert_true(may(tourism, NULL, first, NULL));
    node_copy_ledger(forestry, tourism, tourism);
    g_assert_false(may(tourism, NULL, first, NULL));
    g_assert_true(may(tourism, forestry, first, NULL));
    g_assert_true(may(tourism, NULL, second, NULL));
}

/* At a mirror (tourism), the grantee shows its grant. */
static void
test_at_mirror(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *mirror = &nodes->tourism;
    Caller grantee = { .node = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }, third = { .node = "baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
    g_autoptr(Manifest) some = node_publish(forestry, "some", SHARE_CONDITIONAL, 1, 100);
    g_autoptr(Manifest) else_ = node_publish(forestry, "else", SHARE_CONDITIONAL, 2, 100);
    g_autoptr(GBytes) grant = node_grant(forestry, "some", grantee.node, in_days(1));
    g_autoptr(GBytes) over = node_grant(forestry, "some", grantee.node, in_days(-1));
    g_autoptr(GBytes) nonsense = g_bytes_new("{}", 2);
    g_autoptr(Opening) changed = opening_parse(grant, NULL);
    g_autoptr(GBytes) salted = NULL;
    const char *reason;

    changed->salt[0] ^= 1;
    salted = opening_format(changed, NULL);
    node_accept(forestry, mirror, NULL);
    g_assert_false(access_to_version(mirror->home, &grantee, some, grant, NULL, &reason));
    node_copy_ledger(forestry, mirror, mirror);
    g_assert_true(access_to_version(mirror->home, &grantee, some, grant, NULL, &reason));
    g_assert_false(access_to_version(mirror->home, &grantee, some, NULL, NULL, &reason));
    g_assert_false(access_to_version(mirror->home, &grantee, some, nonsense, NULL, &reason));
    g_assert_false(access_to_version(mirror->home, &grantee, some, salted, NULL, &reason));
    g_assert_false(access_to_version(mirror->home, &grantee, some, over, NULL, &reason));
    g_assert_false(access_to_version(mirror->home, &grantee, else_, grant, NULL, &reason));
    g_assert_false(access_to_version(mirror->home, &third, some, grant, NULL, &reason));
    g_assert_true(may(mirror, forestry, some, NULL));
    node_revoke(forestry, grant);
    node_copy_ledger(forestry, mirror, mirror);
    g_assert_false(access_to_version(mirror->home, &grantee, some, grant, NULL, &reason));
    g_assert_cmpstr(reason, ==, "A6: the grant was revoked");
}

/* A8: a mirror whose knowledge is old serves nothing that can be revoked. */
static void
test_stale_mirror(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *mirror = &nodes->tourism;
    Caller grantee = { .node = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
    g_autoptr(Manifest) some = node_publish(forestry, "some", SHARE_CONDITIONAL, 1, 100);
    g_autoptr(GBytes) grant = node_grant(forestry, "some", grantee.node, in_days(30));
    g_autofree char *origin = checkpoint_origin(home_id(forestry->home));
    g_autofree char *old = NULL;
    const char *reason;
    Ledger *ledger;
    Digest root;

    node_accept(forestry, mirror, NULL);
    node_copy_ledger(forestry, mirror, mirror);
    g_assert_true(access_to_version(mirror->home, &grantee, some, grant, NULL, &reason));
    ledger = home_peer_ledger(mirror->home, home_id(forestry->home), NULL);
    g_assert_true(ledger_root(ledger, ledger_head(ledger)->size, &root, NULL));
    old = checkpoint_sign(origin, ledger_head(ledger)->size, &root, in_days(-8), home_log_key(forestry->home, NULL), NULL);
    g_assert_true(ledger_keep_checkpoint(ledger, old, NULL));
    g_assert_false(access_to_version(mirror->home, &grantee, some, grant, NULL, &reason));
    g_assert_true(g_str_has_prefix(reason, "A8"));
}

static void
test_ledger(TwoNodes *nodes, gconstpointer data)
{
    const char *audience = data;
    Node *forestry = &nodes->forestry, *mirror = &nodes->tourism;
    const char *id = home_id(forestry->home);
    gboolean is_public = g_str_equal(audience, "public"), relayed = g_str_equal(audience, "relayed");
    Caller nobody = { 0 }, stranger = { .node = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }, peer = stranger, owner = caller_of(forestry, FALSE);

    peer.accepted = TRUE;
    /* A11: at the owner */
    g_assert_true(access_to_ledger(forestry->home, &peer, id));
    g_assert_true(access_to_ledger(forestry->home, &stranger, id) == is_public);
    g_assert_true(access_to_ledger(forestry->home, &nobody, id) == is_public);
    /* A12: at one who holds it */
    g_assert_false(access_to_ledger(mirror->home, &peer, id));
    node_accept(forestry, mirror, NULL);
    node_copy_ledger(forestry, mirror, mirror);
    g_assert_true(access_to_ledger(mirror->home, &owner, id));
    g_assert_true(access_to_ledger(mirror->home, &peer, id) == (is_public || relayed));
    g_assert_true(access_to_ledger(mirror->home, &stranger, id) == is_public);
    g_assert_true(access_to_ledger(mirror->home, &nobody, id) == is_public);
}

/* A10: a key says who calls if it is an accepted peer's, or stands in the newest profile known here of who is said to call. */
static void
test_callers(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    const char *id = home_id(tourism->home);
    Caller caller = { 0 };

    g_assert_false(access_accepted(forestry->home, &tourism->pin, &caller));
    g_assert_false(access_prove(forestry->home, &tourism->pin, id, &caller));
    node_accept(tourism, forestry, NULL);
    node_copy_ledger(tourism, forestry, forestry);
    g_assert_false(access_prove(forestry->home, &forestry->pin, id, &caller));
    g_assert_cmpstr(caller.node, ==, "");
    g_assert_true(access_prove(forestry->home, &tourism->pin, id, &caller));
    g_assert_cmpstr(caller.node, ==, id);
    g_assert_false(caller.accepted);
    node_accept(forestry, tourism, NULL);
    g_assert_true(access_accepted(forestry->home, &tourism->pin, &caller));
    g_assert_true(caller.accepted);
}

/* A15: what the road proves needs no key, and makes nobody a peer. */
static void
test_road(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    const char *id = home_id(tourism->home);
    Caller caller = { 0 };

    access_named(forestry->home, id, &caller);
    g_assert_cmpstr(caller.node, ==, id);
    g_assert_false(caller.accepted);
    node_accept(forestry, tourism, NULL);
    access_named(forestry->home, id, &caller);
    g_assert_true(caller.accepted);
    access_named(forestry->home, home_id(forestry->home), &caller);
    g_assert_cmpstr(caller.node, ==, home_id(forestry->home));
    g_assert_false(caller.accepted);
}

#define ADD(path, data, test) g_test_add(path, TwoNodes, data, two_nodes_make, test, two_nodes_clear)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/access/A1-A9-decide", test_decide);
    ADD("/access/A1-A9-at-owner", NULL, test_at_owner);
    ADD("/access/A10-at-mirror", NULL, test_at_mirror);
    ADD("/access/A14-withdrawn", WITHDRAWAL, test_ended);
    ADD("/access/A14-erased", ERASURE, test_ended);
    ADD("/access/A8-stale-mirror", NULL, test_stale_mirror);
    ADD("/access/A11-A12-ledger-peers", "peers", test_ledger);
    ADD("/access/A11-A12-ledger-relayed", "relayed", test_ledger);
    ADD("/access/A11-A12-ledger-public", "public", test_ledger);
    ADD("/access/A10-callers", NULL, test_callers);
    ADD("/access/A15-road", NULL, test_road);
    return g_test_run();
}
