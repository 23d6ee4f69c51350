/* Proofs of records: PF1 to PF12 of manifests/FORMAT.md. */
#include "tests/unit/two_nodes.h"

#include <glib/gstdio.h>

#include "keys/history.h"
#include "manifests/ledger/cosignature.h"
#include "manifests/proof/check.h"
#include "manifests/proof/prove.h"
#include "manifests/rotating.h"

/* A proof of record @seq of Forestry's ledger, from Forestry's home. */
static GBytes *
prove(TwoNodes *nodes, guint64 seq, gboolean show)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Proof) proof = prove_record(nodes->forestry.home, home_id(nodes->forestry.home), seq, &(ProveOptions){ .show = show }, &error);

    g_assert_no_error(error);
    return proof_format(proof);
}

static ProofVerified *
check(GBytes *bytes, GError **error)
{
    g_autoptr(Proof) proof = proof_parse(bytes, error);

    return proof ? proof_check(proof, error) : NULL;
}

static ProofVerified *
check_good(GBytes *bytes)
{
    g_autoptr(GError) error = NULL;
    ProofVerified *verified = check(bytes, &error);

    g_assert_no_error(error);
    return verified;
}

static void
assert_refused(GBytes *bytes, int code, const char *rule)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ProofVerified) verified = check(bytes, &error);

    g_assert_null(verified);
    g_assert_error(error, CHAMA_ERROR, code);
    if (!strstr(error->message, rule))
        g_error("want \"%s\" in: %s", rule, error->message);
}

/* @bytes with the first @from replaced by @to. */
static GBytes *
replaced(GBytes *bytes, const char *from, const char *to)
{
    g_autofree char *text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    const char *at = strstr(text, from);
    g_autofree char *made = NULL;

    g_assert_nonnull(at);
    made = g_strdup_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return g_bytes_new(made, strlen(made));
}

static void
test_every_record(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;
    g_autoptr(Manifest) open = node_publish(forestry, "cover", SHARE_OPEN, 1, 100);
    g_autoptr(Manifest) closed = node_publish(forestry, "secret", SHARE_CONDITIONAL, 2, 100);
    g_autoptr(GBytes) opening = node_grant(forestry, "secret", home_id(nodes->tourism.home), 1900000000);

    for (guint64 seq = 0; seq < 5; seq++) {
        g_autoptr(GBytes) bytes = prove(nodes, seq, FALSE);
        g_autoptr(ProofVerified) verified = check_good(bytes);

        g_assert_cmpuint(verified->record->seq, ==, seq);
        g_assert_cmpuint(verified->checkpoint->size, ==, 5);
        g_assert_cmpstr(verified->identity->id, ==, home_id(forestry->home));
        g_assert_cmpuint(verified->seen->len, ==, 0);
        g_assert_true((verified->profile != NULL) == (seq != 1));
        g_assert_null(verified->opening);
        g_assert_false(verified->has_content);
    }
}

/* PF11: what is shown is what the record has the digest of. */
static void
test_pf11_shown(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;
    g_autoptr(Manifest) open = node_publish(forestry, "cover", SHARE_OPEN, 1, 100);
    g_autoptr(Manifest) closed = node_publish(forestry, "secret", SHARE_CONDITIONAL, 2, 100);
    g_autoptr(GBytes) first = node_grant(forestry, "secret", home_id(nodes->tourism.home), 1900000000);
    g_autoptr(GBytes) second = node_grant(forestry, "secret", home_id(nodes->tourism.home), 1900000001);
    g_autoptr(GBytes) version = prove(nodes, 3, TRUE), hidden = prove(nodes, 3, FALSE), grant = prove(nodes, 4, TRUE), plain = prove(nodes, 2, FALSE);
    g_autoptr(ProofVerified) of_version = check_good(version), of_hidden = check_good(hidden), of_grant = check_good(grant), of_plain = check_good(plain);
    g_autoptr(Proof) wrong = proof_parse(grant, NULL), strange = proof_parse(plain, NULL), other = proof_parse(version, NULL);
    g_autoptr(GBytes) wrong_bytes = NULL, strange_bytes = NULL, other_bytes = NULL;
    g_autoptr(GError) error = NULL;
    Digest root;
    Grant read;

    g_assert_true(of_version->has_content);
    g_assert_true(proof_listing(of_version, &root, NULL));
    g_assert_true(proof_listing(of_plain, &root, NULL));
    g_assert_true(digest_equal(&root, &open->listing));
    g_assert_false(proof_listing(of_hidden, &root, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(proof_listing(of_grant, &root, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    g_assert_true(grant_parse_body(of_grant->opening->body, &read, NULL));
    g_assert_cmpint(read.until, ==, 1900000000);
    /* another grant's opening, a content document beside what seals nothing, an opening for a manifest */
    g_bytes_unref(wrong->shown);
    wrong->shown = g_bytes_ref(second);
    wrong_bytes = proof_format(wrong);
    assert_refused(wrong_bytes, CHAMA_ERROR_VERIFY, "PF11");
    strange->shown = g_bytes_ref(first);
    strange_bytes = proof_format(strange);
    assert_refused(strange_bytes, CHAMA_ERROR_VERIFY, "PF11");
    g_bytes_unref(other->shown);
    other->shown = g_bytes_ref(first);
    other_bytes = proof_format(other);
    assert_refused(other_bytes, CHAMA_ERROR_VERIFY, "PF11");
}

static void
test_pf11_nothing_to_show(TwoNodes *nodes, gconstpointer unused)
{
    g_autoptr(Manifest) open = node_publish(&nodes->forestry, "cover", SHARE_OPEN, 1, 100);

    for (guint64 seq = 0; seq < 3; seq++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(prove_record(nodes->forestry.home, home_id(nodes->forestry.home), seq, &(ProveOptions){ .show = TRUE }, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    }
}

/* Of a ledger that is a copy, by the checkpoint kept with it. */
static void
test_of_a_peer(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    const char *id = home_id(forestry->home);
    g_autoptr(Manifest) open = node_publish(forestry, "cover", SHARE_OPEN, 1, 100);
    g_autoptr(GBytes) ours = NULL, theirs = NULL;
    g_autoptr(Proof) proof = NULL;
    g_autoptr(GError) error = NULL;
    char node[NODE_ID_SIZE];
    Digest nothing = { { 1 } };
    guint64 seq;

    node_accept(forestry, tourism, NULL);
    node_copy_ledger(forestry, tourism, tourism);
    proof = prove_record(tourism->home, id, 2, &(ProveOptions){ 0 }, &error);
    g_assert_no_error(error);
    theirs = proof_format(proof);
    ours = prove(nodes, 2, FALSE);
    g_assert_true(g_bytes_equal(ours, theirs));
    g_assert_true(prove_find(tourism->home, &open->address, node, &seq, NULL));
    g_assert_cmpstr(node, ==, id);
    g_assert_cmpuint(seq, ==, 2);
    g_assert_false(prove_find(tourism->home, &nothing, node, &seq, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

static void
test_not_found(TwoNodes *nodes, gconstpointer unused)
{
    static const char nobody[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const char *id = home_id(nodes->forestry.home);
    g_autoptr(GError) error = NULL;

    g_assert_null(prove_record(nodes->forestry.home, id, 2, &(ProveOptions){ 0 }, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(prove_record(nodes->forestry.home, nobody, 0, &(ProveOptions){ 0 }, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

/* Records of types whose catalogue rows are not kept are found by reading the ledgers. */
static void
test_find_any_type(TwoNodes *nodes, gconstpointer unused)
{
    g_autoptr(GBytes) members = g_bytes_new_static("{\"text\":\"x\"}", 12);
    g_autoptr(Record) record = home_state_record(nodes->forestry.home, "note/1", members, NULL, NULL, NULL);
    char node[NODE_ID_SIZE];
    guint64 seq;

    g_assert_true(prove_find(nodes->forestry.home, &record->address, node, &seq, NULL));
    g_assert_cmpuint(seq, ==, 2);
    {
        g_autoptr(GBytes) bytes = prove(nodes, 2, FALSE);
        g_autoptr(ProofVerified) verified = check_good(bytes);

        g_assert_true(digest_equal(&verified->record->address, &record->address));
    }
}

/* No bit of a proof can be another: every @step-th is tried. */
static void
flip_bits(GBytes *bytes, gsize step)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    g_autofree guint8 *copy = g_memdup2(data, size);

    for (gsize bit = 0; bit < size * 8; bit += step) {
        g_autoptr(GBytes) flipped = NULL;
        g_autoptr(ProofVerified) verified = NULL;
        g_autoptr(GError) error = NULL;

        copy[bit / 8] ^= (guint8)(1 << bit % 8);
        flipped = g_bytes_new(copy, size);
        verified = check(flipped, &error);
        if (verified)
            g_error("bit %zu of byte %zu ('%c' for '%c') may be another", bit % 8, bit / 8, copy[bit / 8], data[bit / 8]);
        g_assert_true(chama_error_exit_status(error) == 3);
        copy[bit / 8] ^= (guint8)(1 << bit % 8);
    }
}

static void
test_every_bit(TwoNodes *nodes, gconstpointer unused)
{
    g_autoptr(Manifest) closed = node_publish(&nodes->forestry, "secret", SHARE_CONDITIONAL, 2, 100);
    g_autoptr(GBytes) opening = node_grant(&nodes->forestry, "secret", home_id(nodes->tourism.home), 1900000000);
    g_autoptr(GBytes) profile = prove(nodes, 1, FALSE), version = prove(nodes, 2, TRUE), grant = prove(nodes, 3, TRUE);

    flip_bits(profile, 1);
    flip_bits(version, 7);
    flip_bits(grant, 7);
}

/* Nor cut off, nor longer. */
static void
test_every_length(TwoNodes *nodes, gconstpointer unused)
{
    g_autoptr(GBytes) bytes = prove(nodes, 1, FALSE);
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    g_autofree char *longer = g_strdup_printf("%.*s\n", (int)size, data);

    for (gsize length = 0; length < size; length++) {
        g_autoptr(GBytes) cut = g_bytes_new(data, length);
        g_autoptr(ProofVerified) verified = check(cut, NULL);

        g_assert_null(verified);
    }
    {
        g_autoptr(GBytes) more = g_bytes_new(longer, size + 1);
        g_autoptr(ProofVerified) verified = check(more, NULL);

        g_assert_null(verified);
    }
}

/* PF1: one form. */
static void
test_pf1_forms(TwoNodes *nodes, gconstpointer unused)
{
    g_autoptr(GBytes) bytes = prove(nodes, 0, FALSE);
    static const struct {
        const char *from, *to;
    } cases[] = {
        { "chama-proof/1\n", "chama-proof/2\n" }, { "chama-proof/1\n", "chama-proof/1 \n" }, { "chama-proof/1\n", "\nchama-proof/1\n" },
        { "chama-proof/1\n", "chama-proof/1\r\n" }, { "record\n", "" }, { "record\n", "record\n\n" }, { "key 0 1", "key 00 1" }, { "key 0 1", "key 0  1" },
        { "key 0 1", "key +0 1" }, { "key 0 1", "key 0 01" }, { "key 0 1", "key 0" }, { "key 0 1", "key 0 1 " }, { "key 0 1", "key 0 1 1" },
        { "key 0 1", "key -1 1" }, { "key 0 1", "key 0 65" }, { "key 0 1", "key 0 18446744073709551616" }, { "key 0 1", "Key 0 1" },
        { "profile 1 1", "profile 1 " }, { "profile 1 1", "profile 1 2" }, { "profile 1 1", "witness 0" }, { "profile 1 1", "witness 1" },
        { "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v2\n" }, { "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\nextra YQ==\n" },
        { "index 0\n", "index 00\n" }, { "index 0\n", "index \n" }, { "index 0\n", "index -5\n" }, { "index 0\n", "index notanumber\n" }, { "index 0\n", "" },
        { "index 0\n", "index 0\nYQ==\n" }, { "index 0\n", "index 0\n!!!!\n" }, { "index 0\n", "index 0\n\n" }, { "\n\nchama/", "\nchama/" },
        { "c2sp.org/tlog-proof@v1\n", "shown\nc2sp.org/tlog-proof@v1\n" }, { "c2sp.org/tlog-proof@v1\n", "comment\nc2sp.org/tlog-proof@v1\n" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) other = replaced(bytes, cases[i].from, cases[i].to);
        g_autoptr(GError) error = NULL;

        g_test_message("%u: %s", i, cases[i].to);
        g_assert_null(check(other, &error));
        g_assert_cmpint(chama_error_exit_status(error), ==, 3);
    }
}

#define SEEN G_GINT64_CONSTANT(1777622400)

static Keypair *
key_of(guint8 seed)
{
    guint8 bytes[32];

    memset(bytes, seed, sizeof bytes);
    return keypair_from_seed(bytes, NULL);
}

static void
cosign(GPtrArray *lines, const char *note, const char *name, const Keypair *key, gint64 time)
{
    gsize text_size = (gsize)(strstr(note, "\n\n") - note) + 1;

    g_ptr_array_add(lines, cosignature_sign(note, text_size, name, key, time, NULL));
    g_assert_nonnull(lines->pdata[lines->len - 1]);
}

/* Forestry's checkpoint, cosigned by a stranger, by Tourism, whom Forestry knows, and by two whom a policy names. */
static Policy *
cosign_all(TwoNodes *nodes)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autofree char *note = home_checkpoint(forestry->home, NULL), *name = checkpoint_origin(home_id(tourism->home)), *merged = NULL;
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func((GDestroyNotify)note_signature_free);
    g_autoptr(Keypair) stranger = key_of(1), one = key_of(2), two = key_of(3);
    g_autofree char *first = note_verifier_format("witness.example/1", NOTE_COSIGNATURE, keypair_public(one));
    g_autofree char *second = note_verifier_format("witness.example/2", NOTE_COSIGNATURE, keypair_public(two));
    g_autofree char *text = g_strdup_printf("witness a %s\nwitness b %s\ngroup g any a b\nquorum g\n", first, second);
    g_autoptr(GError) error = NULL;
    Policy *policy = policy_parse(text, strlen(text), &error);

    g_assert_no_error(error);
    node_accept(tourism, forestry, NULL);
    node_copy_ledger(tourism, forestry, forestry);
    cosign(lines, note, "stranger.example", stranger, SEEN);
    cosign(lines, note, "witness.example/2", two, SEEN + 1);
    cosign(lines, note, name, home_log_key(tourism->home, NULL), SEEN + 2);
    cosign(lines, note, "witness.example/1", one, SEEN + 3);
    merged = note_merge(note, strlen(note), lines, &error);
    g_assert_no_error(error);
    g_assert_true(ledger_keep_checkpoint(home_ledger(forestry->home, NULL), merged, &error));
    return policy;
}

static Proof *
prove_cosigned(TwoNodes *nodes, const Policy *policy)
{
    g_autoptr(GError) error = NULL;
    Proof *proof = prove_record(nodes->forestry.home, home_id(nodes->forestry.home), 1, &(ProveOptions){ .policy = policy }, &error);

    g_assert_no_error(error);
    return proof;
}

/* PF9: those who can be named stand in it, in the note's order; a stranger's line is left out. */
static void
test_pf9_witnesses(TwoNodes *nodes, gconstpointer unused)
{
    g_autoptr(Policy) policy = cosign_all(nodes);
    g_autoptr(Proof) known = prove_cosigned(nodes, NULL), all = prove_cosigned(nodes, policy);
    g_autoptr(GBytes) known_bytes = proof_format(known), bytes = proof_format(all);
    g_autoptr(ProofVerified) of_known = check_good(known_bytes), verified = check_good(bytes);
    static const char *const names[] = { "witness.example/2", NULL, "witness.example/1" };
    gint64 times[2];

    g_assert_cmpuint(of_known->seen->len, ==, 1);
    g_assert_cmpstr(((ProofSeen *)of_known->seen->pdata[0])->node, ==, home_id(nodes->tourism.home));
    g_assert_cmpint(((ProofSeen *)of_known->seen->pdata[0])->time, ==, SEEN + 2);
    g_assert_cmpuint(verified->seen->len, ==, 3);
    for (guint i = 0; i < 3; i++) {
        const ProofSeen *seen = verified->seen->pdata[i];

        g_assert_cmpint(seen->time, ==, SEEN + 1 + i);
        g_assert_cmpstr(seen->node, ==, names[i] ? "" : home_id(nodes->tourism.home));
        if (names[i])
            g_assert_cmpstr(seen->name, ==, names[i]);
    }
    g_assert_true(policy_read(policy, all->note, strlen(all->note), times, NULL));
    g_assert_true(times[0] == SEEN + 3 && times[1] == SEEN + 1);
    flip_bits(bytes, 3);
}

static void
test_pf9_refusals(TwoNodes *nodes, gconstpointer unused)
{
    g_autoptr(Policy) policy = cosign_all(nodes);
    g_autoptr(Keypair) one = key_of(2);
    g_autofree char *log_vkey = note_verifier_format("witness.example/1", NOTE_ED25519, keypair_public(one));
    g_autofree char *renamed = note_verifier_format("witness.example/3", NOTE_COSIGNATURE, keypair_public(one));
    g_autoptr(Record) profile = ledger_get(home_ledger(nodes->tourism.home, NULL), 1, NULL);

    for (guint i = 0; i < 8; i++) {
        g_autoptr(Proof) proof = prove_cosigned(nodes, policy);
        ProofWitness *first = proof->witnesses->pdata[0], *tourism = proof->witnesses->pdata[1], *last = proof->witnesses->pdata[2];
        g_autoptr(GBytes) bytes = NULL;
        char *vkey = first->verifier;

        switch (i) {
        case 0: /* one witness too few */
            g_ptr_array_set_size(proof->witnesses, 2);
            break;
        case 1: /* in another order */
            first->verifier = last->verifier;
            last->verifier = vkey;
            break;
        case 2: /* a log's key */
            g_free(last->verifier);
            last->verifier = g_strdup(log_vkey);
            break;
        case 3: /* under another name */
            g_free(last->verifier);
            last->verifier = g_strdup(renamed);
            break;
        case 4: /* one witness twice */
            g_free(last->verifier);
            last->verifier = g_strdup(first->verifier);
            break;
        case 5: /* the node itself */
            g_bytes_unref(tourism->keys->pdata[0]);
            tourism->keys->pdata[0] = g_bytes_ref(((ProofEntry *)proof->keys->pdata[0])->entry);
            break;
        case 6: /* no inception */
            g_bytes_unref(tourism->keys->pdata[0]);
            tourism->keys->pdata[0] = record_entry(profile);
            break;
        case 7: /* the inception and what is no rotation */
            g_ptr_array_add(tourism->keys, record_entry(profile));
            break;
        }
        bytes = proof_format(proof);
        {
            g_autoptr(GError) error = NULL;

            g_assert_null(check(bytes, &error));
            g_test_message("%u: %s", i, error->message);
            g_assert_cmpint(chama_error_exit_status(error), ==, 3);
        }
    }
}

/* Changes @node's keys to the one that it committed to; the log key too, unless @lost: then the old key has not signed it. */
static void
rotate(Node *node, gboolean lost, guint64 disavowed)
{
    g_autofree char *signing_path = home_file(node->home, "keys/signing.key"), *next_path = home_file(node->home, "keys/next.key");
    g_autofree char *log_path = home_file(node->home, "keys/log.key");
    g_autoptr(GError) error = NULL;
    g_autoptr(Keypair) revealed = keypair_load(next_path, NULL, &error), next = keypair_generate(NULL), log_key = keypair_generate(NULL);
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    Ledger *ledger = home_ledger(node->home, NULL);
    const Identity *before = ledger_identity(ledger);
    RotationPlan plan = { .signing = *keypair_public(revealed), .log = lost ? before->log : *keypair_public(log_key), .epoch = lost ? before->epoch + 1 : 0,
                          .stands = lost ? ledger_head(ledger)->size : 0, .disavowed = disavowed };
    LedgerLock *lock = ledger_lock(ledger, &error);

    memcpy(plan.encryption, before->encryption, sizeof plan.encryption);
    commitment_of(keypair_public(next), &plan.next);
    g_ptr_array_add(batch, rotating_sign(ledger_head(ledger), &plan, revealed, lost ? NULL : home_signing_key(node->home, NULL), 1777622500, &error));
    g_assert_no_error(error);
    g_assert_true(ledger_append(ledger, batch, revealed, &error));
    ledger_unlock(lock);
    g_assert_cmpint(g_rename(next_path, signing_path), ==, 0);
    g_assert_true(keypair_save(next, next_path, NULL, &error));
    if (!lost)
        g_assert_true(g_unlink(log_path) == 0 && keypair_save(log_key, log_path, NULL, &error));
    node_reopen(node);
}

/* PF7: records by three keys, checkpoints by two log keys, of two epochs. */
static void
test_pf7_rotations(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;
    g_autoptr(Manifest) one = node_publish(forestry, "cover", SHARE_OPEN, 1, 100);
    g_autoptr(GBytes) before = prove(nodes, 2, FALSE);

    rotate(forestry, FALSE, 2);
    {
        g_autoptr(Manifest) two = node_publish(forestry, "cover", SHARE_OPEN, 2, 100);
    }
    {
        g_autoptr(GBytes) bytes = prove(nodes, 4, FALSE), after = prove(nodes, 2, FALSE), itself = prove(nodes, 3, FALSE);
        g_autoptr(ProofVerified) old = check_good(before), verified = check_good(bytes), of_after = check_good(after), of_itself = check_good(itself);

        g_assert_cmpuint(identity_rotations(old->identity), ==, 0);
        g_assert_null(old->disavowed);
        g_assert_cmpuint(identity_rotations(verified->identity), ==, 1);
        g_assert_cmpuint(verified->signer->since, ==, 3);
        g_assert_null(verified->disavowed);
        g_assert_cmpuint(of_after->signer->since, ==, 0);
        g_assert_cmpuint(of_after->disavowed->since, ==, 3);
        g_assert_cmpuint(of_itself->signer->since, ==, 3);
        flip_bits(after, 11);
    }
    rotate(forestry, TRUE, 0);
    {
        g_autoptr(Manifest) three = node_publish(forestry, "cover", SHARE_OPEN, 3, 100);
        g_autoptr(GBytes) bytes = prove(nodes, 6, FALSE);
        g_autoptr(ProofVerified) verified = check_good(bytes);

        g_assert_cmpuint(identity_rotations(verified->identity), ==, 2);
        g_assert_true(g_str_has_suffix(verified->checkpoint->origin, "/1"));
        flip_bits(bytes, 13);
    }
}

/* A rotation left out, or another's. */
static void
test_pf7_refusals(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;

    rotate(forestry, FALSE, 0);
    rotate(forestry, FALSE, 0);
    rotate(&nodes->tourism, FALSE, 0);
    for (guint i = 0; i < 6; i++) {
        g_autoptr(Proof) proof = prove_record(forestry->home, home_id(forestry->home), i == 5 ? 3 : 1, &(ProveOptions){ 0 }, NULL);
        g_autoptr(Proof) other = prove_record(nodes->tourism.home, home_id(nodes->tourism.home), 1, &(ProveOptions){ 0 }, NULL);
        g_autoptr(GBytes) bytes = NULL;
        gpointer *keys = proof->keys->pdata;
        gpointer first = keys[1];

        g_assert_cmpuint(proof->keys->len, ==, 3);
        switch (i) {
        case 0: /* the one between */
            g_ptr_array_remove_index(proof->keys, 1);
            break;
        case 1: /* the last */
            g_ptr_array_remove_index(proof->keys, 2);
            break;
        case 2: /* the inception */
            g_ptr_array_remove_index(proof->keys, 0);
            break;
        case 3: /* in another order */
            keys[1] = keys[2];
            keys[2] = first;
            break;
        case 4: /* another node's */
            proof_entry_free(keys[2]);
            keys[2] = proof_entry_new(((ProofEntry *)other->keys->pdata[1])->index, ((ProofEntry *)other->keys->pdata[1])->entry,
                                      ((ProofEntry *)other->keys->pdata[1])->path);
            break;
        case 5: /* the one that is proven */
            g_ptr_array_remove_index(proof->keys, 2);
            break;
        }
        bytes = proof_format(proof);
        {
            g_autoptr(GError) error = NULL;

            g_assert_null(check(bytes, &error));
            g_test_message("%u: %s", i, error->message);
            g_assert_cmpint(chama_error_exit_status(error), ==, 3);
        }
    }
}

/* PF4: a witness that changed its log key, before and after it cosigned. */
static void
test_pf4_rotated_witness(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Policy) policy = NULL;

    rotate(tourism, FALSE, 0);
    policy = cosign_all(nodes);
    rotate(tourism, FALSE, 0);
    node_copy_ledger(tourism, forestry, forestry);
    {
        g_autoptr(Proof) proof = prove_cosigned(nodes, NULL);
        g_autoptr(GBytes) bytes = proof_format(proof);
        g_autoptr(ProofVerified) verified = check_good(bytes);

        g_assert_cmpuint(verified->seen->len, ==, 1);
        g_assert_cmpuint(((ProofWitness *)proof->witnesses->pdata[0])->keys->len, ==, 2);
        flip_bits(bytes, 11);
        g_ptr_array_set_size(((ProofWitness *)proof->witnesses->pdata[0])->keys, 1);
        {
            g_autoptr(GBytes) stale = proof_format(proof);

            assert_refused(stale, CHAMA_ERROR_VERIFY, "T14");
        }
    }
}

/* Parts of good proofs of two nodes, put together otherwise. */
static void
test_mixed(TwoNodes *nodes, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = prove(nodes, 1, FALSE), zero = prove(nodes, 0, FALSE);
    g_autoptr(Proof) other = prove_record(nodes->tourism.home, home_id(nodes->tourism.home), 1, &(ProveOptions){ 0 }, &error);
    const char *const rules[] = { "T5", "T5", "PF7", "R5", "PF10", "T9", "T9", "PF9", "PF9", "PF7", "PF7", "T9" };

    g_assert_no_error(error);
    for (guint i = 0; i < G_N_ELEMENTS(rules); i++) {
        g_autoptr(Proof) proof = proof_parse(i == 5 || i == 6 ? zero : bytes, NULL), whole = proof_parse(zero, NULL);
        g_autoptr(GBytes) made = NULL;
        Digest hash;

        switch (i) {
        case 0: /* another node's checkpoint */
            g_free(proof->note);
            proof->note = g_strdup(other->note);
            break;
        case 1: /* another node's keys */
            g_ptr_array_set_size(proof->keys, 0);
            g_ptr_array_add(proof->keys, g_steal_pointer(&g_ptr_array_index(other->keys, 0)));
            g_ptr_array_set_size(other->keys, 0);
            break;
        case 2: /* no keys */
            g_ptr_array_set_size(proof->keys, 0);
            break;
        case 3: /* a key that is no inception */
            g_ptr_array_set_size(proof->keys, 0);
            g_ptr_array_add(proof->keys, g_steal_pointer(&whole->profile));
            break;
        case 4: /* the profile that is proven, again */
            proof->profile = g_steal_pointer(&whole->profile);
            break;
        case 5: /* another place */
            proof->profile->index = 0;
            break;
        case 6: /* another number */
            proof->record->index = 1;
            break;
        case 7: /* a witness that signed nothing */
            g_ptr_array_add(proof->witnesses, proof_witness_new());
            ((ProofWitness *)proof->witnesses->pdata[0])->verifier = g_strdup("witness.example+6dc0d432+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea");
            break;
        case 8: { /* a signature line that nobody is named for */
            char *note = g_strconcat(proof->note, "\xe2\x80\x94 witness.example AAAAAAAAAAA=\n", NULL);

            g_free(proof->note);
            proof->note = note;
            break;
        }
        case 9: /* a profile among the keys */
            g_ptr_array_add(proof->keys, g_steal_pointer(&whole->profile));
            break;
        case 10: { /* the inception twice */
            g_ptr_array_add(proof->keys, g_steal_pointer(&g_ptr_array_index(whole->keys, 0)));
            g_ptr_array_set_size(whole->keys, 0);
            break;
        }
        case 11: /* one hash too many */
            hash = g_array_index(proof->record->path, Digest, 0);
            g_array_append_val(proof->record->path, hash);
            break;
        }
        made = proof_format(proof);
        g_test_message("case %u", i);
        {
            g_autoptr(GError) refused = NULL;

            g_assert_null(check(made, &refused));
            g_test_message("%s", refused->message);
            if (!strstr(refused->message, rules[i]))
                g_error("case %u: want \"%s\" in: %s", i, rules[i], refused->message);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name, function) g_test_add("/proof/" name, TwoNodes, NULL, two_nodes_make, function, two_nodes_clear)
    TEST("every-record", test_every_record);
    TEST("pf11/shown", test_pf11_shown);
    TEST("pf11/nothing-to-show", test_pf11_nothing_to_show);
    TEST("of-a-peer", test_of_a_peer);
    TEST("not-found", test_not_found);
    TEST("find-any-type", test_find_any_type);
    TEST("pf1/every-bit", test_every_bit);
    TEST("pf1/every-length", test_every_length);
    TEST("pf1/forms", test_pf1_forms);
    TEST("pf9/witnesses", test_pf9_witnesses);
    TEST("pf9/refusals", test_pf9_refusals);
    TEST("pf7/rotations", test_pf7_rotations);
    TEST("pf7/refusals", test_pf7_refusals);
    TEST("pf4/rotated-witness", test_pf4_rotated_witness);
    TEST("mixed", test_mixed);
    return g_test_run();
}
