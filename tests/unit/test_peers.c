/* The table of peers and names of nodes and versions: PE1 to PE5, NM3 to NM7 of sync/PROTOCOL.md. */
#include "tests/unit/two_nodes.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "aaaaaaaaaaaabaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define C "caaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static Peer *
make_peer(const char *node, const char *alias, const char *name, guint8 pin, const char *url)
{
    Peer *peer = peer_new();
    Digest digest;

    g_strlcpy(peer->node, node, sizeof peer->node);
    peer->alias = g_strdup(alias);
    peer->name = g_strdup(name);
    memset(&digest, pin, sizeof digest);
    g_array_append_val(peer->pins, digest);
    if (url)
        g_ptr_array_add(peer->urls, g_strdup(url));
    return peer;
}

static char *
accept(Home *home, const char *node, const char *alias, const char *name, guint8 pin, const char *url)
{
    g_autoptr(Peer) peer = make_peer(node, alias, name, pin, url);
    g_autoptr(GError) error = NULL;

    peers_accept(home, peer, &error);
    g_assert_no_error(error);
    return g_strdup(peer->alias);
}

static void
test_accept(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    g_autofree char *first = accept(home, A, NULL, "Tourism", 1, "https://a.example");
    g_autofree char *again = accept(home, A, NULL, "Tourism", 2, "https://b.example");
    g_autofree char *second = accept(home, B, NULL, "Tourism", 3, NULL);
    g_autofree char *third = accept(home, C, NULL, "\xe6\x9e\x97", 4, NULL);
    g_autoptr(GPtrArray) all = peers_all(home, PEER_ACCEPTED, NULL);
    g_autoptr(Peer) peer = peers_get(home, A, NULL);
    g_autoptr(Peer) by_pin = NULL;
    Digest pin;

    g_assert_cmpstr(first, ==, "tourism");
    g_assert_cmpstr(again, ==, "tourism");
    g_assert_cmpstr(second, ==, "tourism-2");
    g_assert_cmpstr(third, ==, "node");
    g_assert_cmpuint(all->len, ==, 3);
    g_assert_cmpstr(((Peer *)all->pdata[0])->alias, ==, "node");
    g_assert_cmpuint(peer->pins->len, ==, 2);
    g_assert_cmpuint(peer->urls->len, ==, 2);
    g_assert_cmpstr(peer->urls->pdata[0], ==, "https://b.example");
    memset(&pin, 2, sizeof pin);
    by_pin = peers_by_pin(home, &pin, PEER_ACCEPTED);
    g_assert_cmpstr(by_pin->node, ==, A);
    g_assert_null(peers_by_pin(home, &pin, PEER_PENDING));
}

static void
test_accept_refusals(TwoNodes *nodes, gconstpointer unused)
{
    static const struct {
        const char *node, *alias, *name, *url;
        guint8 pin;
        int code;
    } cases[] = {
        { "short", NULL, "x", NULL, 9, CHAMA_ERROR_USAGE },
        { B, "A b", "x", NULL, 9, CHAMA_ERROR_USAGE },
        { B, "self", "x", NULL, 9, CHAMA_ERROR_USAGE },
        { B, NULL, "a\nb", NULL, 9, CHAMA_ERROR_MALFORMED },
        { B, NULL, "x", "ftp://a", 9, CHAMA_ERROR_USAGE },
        { B, NULL, "x", NULL, 1, CHAMA_ERROR_EXISTS },   /* PE2: A's key */
    };
    Home *home = nodes->forestry.home;
    g_autofree char *first = accept(home, A, NULL, "Tourism", 1, NULL);
    g_autoptr(Peer) self = make_peer(home_id(home), NULL, "x", 9, NULL);
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Peer) peer = make_peer(cases[i].node, cases[i].alias, cases[i].name, cases[i].pin, cases[i].url);

        g_assert_false(peers_accept(home, peer, &error));
        g_assert_error(error, CHAMA_ERROR, cases[i].code);
        g_clear_error(&error);
        g_assert_null(peers_get(home, B, NULL));
    }
    g_assert_false(peers_accept(home, self, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
}

static void
test_rename_and_remove(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    g_autofree char *first = accept(home, A, NULL, "Tourism", 1, NULL);
    g_autofree char *second = accept(home, B, "health", "Health", 2, NULL);
    g_autofree char *shown = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(peers_rename(home, A, "travel", &error));
    shown = peers_display(home, A);
    g_assert_cmpstr(shown, ==, "travel");
    g_assert_false(peers_rename(home, A, "health", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_clear_error(&error);
    g_assert_false(peers_rename(home, A, "a/b", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    g_clear_error(&error);
    g_assert_false(peers_rename(home, C, "c", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_true(peers_remove(home, A, &error));
    g_assert_false(peers_remove(home, A, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

static void
test_pending(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    g_autoptr(Peer) stranger = make_peer(A, NULL, "Tourism", 1, "https://a.example");
    g_autoptr(Peer) known = NULL;
    g_autoptr(Peer) accepted = NULL;
    g_autoptr(GPtrArray) pending = NULL;
    g_autofree char *alias = NULL;
    g_autofree char *node = NULL;
    g_autoptr(GError) error = NULL;
    Digest pin;

    g_assert_true(peers_note_pending(home, stranger, &error));
    g_assert_true(peers_note_pending(home, stranger, &error));
    pending = peers_all(home, PEER_PENDING, &error);
    g_assert_cmpuint(pending->len, ==, 1);
    known = peers_get(home, A, &error);
    g_assert_cmpint(known->status, ==, PEER_PENDING);
    g_assert_null(known->alias);
    node = peers_resolve(home, "tourism", &error);
    g_assert_cmpstr(node, ==, A);
    g_assert_false(peers_rename(home, A, "x", &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    /* accepted: the keys are those that the person saw */
    alias = accept(home, A, NULL, NULL, 7, NULL);
    g_assert_cmpstr(alias, ==, "tourism");
    accepted = peers_get(home, A, NULL);
    g_assert_cmpint(accepted->status, ==, PEER_ACCEPTED);
    g_assert_cmpuint(accepted->pins->len, ==, 1);
    memset(&pin, 7, sizeof pin);
    g_assert_true(digest_equal(&g_array_index(accepted->pins, Digest, 0), &pin));
    g_assert_cmpstr(accepted->urls->pdata[0], ==, "https://a.example");
    /* an accepted peer that calls changes nothing */
    g_assert_true(peers_note_pending(home, stranger, NULL));
    g_assert_null(peers_by_pin(home, &g_array_index(stranger->pins, Digest, 0), PEER_ACCEPTED));
}

/* PE4: neither many callers nor fast ones fill the table. */
static void
test_pending_bound(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    sqlite3 *database = state_database(home_state(home, NULL));
    g_autoptr(GPtrArray) fast = NULL;
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(GPtrArray) left = NULL;

    for (guint i = 0; i < PENDING_MAX + 40; i++) {
        g_autofree char *id = g_strdup(A);
        g_autoptr(Peer) peer = NULL;
        g_autoptr(GError) error = NULL;

        id[0] = (char)('a' + i % 26);
        id[1] = (char)('a' + i / 26);
        peer = make_peer(id, NULL, "x", (guint8)(i + 1), NULL);
        g_assert_true(peers_note_pending(home, peer, &error));
        if (i == 39)
            fast = peers_all(home, PEER_PENDING, NULL);
        /* a minute passes */
        if (i >= 39)
            sqlite3_exec(database, "UPDATE peers SET added = added - 61", NULL, NULL, NULL);
    }
    g_assert_cmpuint(fast->len, ==, 30);
    all = peers_all(home, PEER_PENDING, NULL);
    g_assert_cmpuint(all->len, ==, PENDING_MAX);
    left = peers_all(home, PEER_ACCEPTED, NULL);
    g_assert_cmpuint(left->len, ==, 0);
}

static void
test_notes(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    g_autofree char *alias = accept(home, A, NULL, "Tourism", 1, NULL);
    g_autoptr(Peer) failed = NULL;
    g_autoptr(Peer) good = NULL;

    g_assert_true(peers_note_contact(home, A, "no answer\x1b[2J", NULL));
    g_assert_true(peers_note_openings(home, A, 7, NULL));
    g_assert_true(peers_note_size(home, A, 9, NULL));
    g_assert_true(peers_note_size(home, A, 5, NULL));
    failed = peers_get(home, A, NULL);
    g_assert_cmpstr(failed->last_error, ==, "no answer?[2J");
    g_assert_cmpint(failed->last_contact, ==, 0);
    g_assert_cmpuint(failed->openings, ==, 7);
    g_assert_cmpuint(failed->size_seen, ==, 9);
    g_assert_true(peers_note_contact(home, A, NULL, NULL));
    good = peers_get(home, A, NULL);
    g_assert_null(good->last_error);
    g_assert_cmpint(good->last_contact, >, 0);
}

/* PE5: the profile's keys and addresses take the place of what was known, but for the keys of others. */
static void
test_follow_profile(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    const char *id = home_id(tourism->home);
    g_autofree char *alias = accept(forestry->home, id, NULL, "Old name", 5, "https://old.example");
    g_autoptr(Peer) peer = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(peers_follow_profile(forestry->home, id, &error));
    node_accept(tourism, forestry, NULL);
    node_copy_ledger(tourism, forestry, forestry);
    g_assert_true(peers_follow_profile(forestry->home, id, &error));
    peer = peers_get(forestry->home, id, NULL);
    g_assert_cmpstr(peer->alias, ==, "old-name");
    g_assert_cmpstr(peer->name, ==, "Tourism");
    g_assert_cmpuint(peer->pins->len, ==, 1);
    g_assert_true(digest_equal(&g_array_index(peer->pins, Digest, 0), &tourism->pin));
    g_assert_cmpstr(peer->urls->pdata[0], ==, "https://Tourism.example:8443");
    g_assert_cmpstr(peer->urls->pdata[1], ==, "https://old.example");
    g_assert_false(peers_follow_profile(forestry->home, A, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

static void
test_resolve(TwoNodes *nodes, gconstpointer unused)
{
    Home *home = nodes->forestry.home;
    const struct {
        const char *word, *node;
        int code;
    } cases[] = {
        { "self", home_id(home), -1 },
        { home_id(home), home_id(home), -1 },
        { "tourism", A, -1 },
        { A, A, -1 },
        { "health", C, -1 },                    /* NM5: nobody else has that slug */
        { "health~caaaaa", C, -1 },
        { "caaaaaaa", C, -1 },
        { "aaaaaaaaaaaab", B, -1 },
        { "aaaaaaaa", NULL, CHAMA_ERROR_USAGE },  /* A and B */
        { "caaa", NULL, CHAMA_ERROR_NOT_FOUND },
        { "health~ca", NULL, CHAMA_ERROR_NOT_FOUND },
        { "health~baaaaa", NULL, CHAMA_ERROR_NOT_FOUND },
        { "", NULL, CHAMA_ERROR_NOT_FOUND },
        { "daaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, CHAMA_ERROR_NOT_FOUND },
    };
    g_autofree char *first = accept(home, A, NULL, "Tourism", 1, NULL);
    g_autofree char *second = accept(home, B, NULL, "Forestry", 2, NULL);
    g_autoptr(Peer) pending = make_peer(C, NULL, "Health", 3, NULL);
    g_autofree char *own = peers_display(home, home_id(home));
    g_autofree char *shown = NULL;
    g_autofree char *unknown = peers_display(home, "daaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");

    g_assert_true(peers_note_pending(home, pending, NULL));
    shown = peers_display(home, C);
    g_assert_cmpstr(shown, ==, "health~caaaaa");
    g_assert_cmpstr(own, ==, "");
    g_assert_cmpstr(unknown, ==, "node~daaaaa");
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *node = peers_resolve(home, cases[i].word, &error);

        g_assert_cmpstr(node, ==, cases[i].node);
        if (cases[i].code >= 0)
            g_assert_error(error, CHAMA_ERROR, cases[i].code);
    }
}

static void
test_find_version(TwoNodes *nodes, gconstpointer unused)
{
    g_autoptr(Manifest) one = node_publish(&nodes->forestry, "cover", SHARE_OPEN, 1, 100);
    g_autoptr(Manifest) two = node_publish(&nodes->forestry, "cover", SHARE_OPEN, 2, 100);
    g_autoptr(Manifest) other = node_publish(&nodes->forestry, "fire", SHARE_OPEN, 3, 100);
    char address[DIGEST_TEXT_SIZE], hex[DIGEST_HEX_SIZE];
    g_autofree char *full = g_strdup_printf("cover@%s", digest_format(&one->address, address));
    g_autofree char *prefix = g_strdup_printf("self/cover@%.9s", digest_format_hex(&one->address, hex));
    g_autofree char *wrong = g_strdup_printf("fire@%s", digest_format(&one->address, address));
    const struct {
        const char *word;
        guint64 version;   /* 0: refused */
        int code;
    } cases[] = {
        { "cover", 2, 0 },
        { "cover@1", 1, 0 },
        { "self/cover@2", 2, 0 },
        { full, 1, 0 },
        { prefix, 1, 0 },
        { wrong, 0, CHAMA_ERROR_NOT_FOUND },
        { "cover@3", 0, CHAMA_ERROR_NOT_FOUND },
        { "none", 0, CHAMA_ERROR_NOT_FOUND },
        { "nobody/cover", 0, CHAMA_ERROR_NOT_FOUND },
        { "cover@", 0, CHAMA_ERROR_USAGE },
        { "cover@0", 0, CHAMA_ERROR_USAGE },
        { "cover@01", 0, CHAMA_ERROR_USAGE },
        { "cover@x", 0, CHAMA_ERROR_USAGE },
        { "cover@abcdef", 0, CHAMA_ERROR_USAGE },
        { "Cover", 0, CHAMA_ERROR_USAGE },
        { "", 0, CHAMA_ERROR_USAGE },
        { "a/b/c", 0, CHAMA_ERROR_USAGE },
        { "cover@sha256:12", 0, CHAMA_ERROR_USAGE },
        { "cover@md5:12", 0, CHAMA_ERROR_USAGE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Manifest) found = peers_find_version(nodes->forestry.home, cases[i].word, &error);

        g_test_message("%s", cases[i].word);
        if (cases[i].version == 0) {
            g_assert_null(found);
            g_assert_error(error, CHAMA_ERROR, cases[i].code);
            continue;
        }
        g_assert_no_error(error);
        g_assert_cmpuint(found->version, ==, cases[i].version);
    }
}

#define ADD(path, test) g_test_add(path, TwoNodes, NULL, two_nodes_make, test, two_nodes_clear)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/peers/NM3-accept", test_accept);
    ADD("/peers/PE1-PE2-accept-refusals", test_accept_refusals);
    ADD("/peers/NM3-rename-and-remove", test_rename_and_remove);
    ADD("/peers/PE3-pending", test_pending);
    ADD("/peers/PE4-pending-bound", test_pending_bound);
    ADD("/peers/notes", test_notes);
    ADD("/peers/PE5-follow-profile", test_follow_profile);
    ADD("/peers/NM4-NM5-resolve", test_resolve);
    ADD("/peers/NM7-find-version", test_find_version);
    return g_test_run();
}
