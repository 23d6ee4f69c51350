/*
 * rotation_node: a node whose keys are of fixed seeds, and its rotations, as records without a ledger.  For unit tests.
 */
#ifndef CHAMA_TESTS_ROTATION_NODE_H
#define CHAMA_TESTS_ROTATION_NODE_H

#include <string.h>

#include "manifests/rotating.h"

#define TIME G_GINT64_CONSTANT(1777622400)

/* A node whose signing keys are of the seeds 1, 2, 3 ... in turn, each committed to by the one before; log keys of seed + 100. */
typedef struct {
    LedgerHead head;
    Identity *identity;
    GPtrArray *records;
} Node;

static inline Keypair *
key(guint seed)
{
    guint8 bytes[32];

    memset(bytes, (int)seed, sizeof bytes);
    return keypair_from_seed(bytes, NULL);
}

static inline void
free_record(gpointer record)
{
    record_free(record);
}

static inline void
advance(Node *node, Record *record)
{
    GError *error = NULL;
    Identity *after = record_identity_after(record, node->identity, &error);

    g_assert_no_error(error);
    identity_free(node->identity);
    node->identity = after;
    node->head = (LedgerHead){ node->head.size + 1, record->address, after };
    g_ptr_array_add(node->records, record);
}

static inline void
commit_to(guint seed, Digest *next)
{
    g_autoptr(Keypair) pair = key(seed);

    commitment_of(keypair_public(pair), next);
}

static inline void
init(Node *node)
{
    g_autoptr(Keypair) signing = key(1), log = key(101);
    g_autoptr(GBytes) inception = NULL;
    GError *error = NULL;
    Digest next;

    memset(node, 0, sizeof *node);
    node->records = g_ptr_array_new_with_free_func(free_record);
    commit_to(2, &next);
    inception = inception_format(keypair_public(signing), keypair_public(log), (const guint8 *)"an encryption key of thirty-two b", &next, TIME, &error);
    g_assert_no_error(error);
    advance(node, record_sign(&node->head, "inception/1", inception, TIME, signing, &error));
}

static inline void
clear(Node *node)
{
    g_ptr_array_unref(node->records);
    identity_free(node->identity);
}

static inline Record *
state(Node *node, guint seed, GError **error)
{
    g_autoptr(Keypair) signing = key(seed);
    g_autoptr(GBytes) members = g_bytes_new_static("{}", 2);

    return record_sign(&node->head, "note/1", members, TIME + 1, signing, error);
}

/* What a rotation is made of; 0 for a key: as the good one has it. */
typedef struct {
    guint revealed, old, next, log;
    guint64 epoch, stands, disavowed;
} Turn;

static inline RotationPlan
plan_of(const Turn *turn)
{
    g_autoptr(Keypair) revealed = key(turn->revealed), log = key(turn->log);
    RotationPlan plan = { .signing = *keypair_public(revealed), .log = *keypair_public(log), .epoch = turn->epoch, .stands = turn->stands,
                          .disavowed = turn->disavowed };

    memcpy(plan.encryption, "another encryption key, 32 bytes", ENCRYPTION_KEY_SIZE);
    commit_to(turn->next, &plan.next);
    return plan;
}

static inline Record *
rotate(Node *node, const Turn *turn, GError **error)
{
    RotationPlan plan = plan_of(turn);
    g_autoptr(Keypair) revealed = key(turn->revealed);
    g_autoptr(Keypair) old = turn->old ? key(turn->old) : NULL;

    return rotating_sign(&node->head, &plan, revealed, old, TIME + 100, error);
}

static inline void
turn(Node *node, Turn one)
{
    GError *error = NULL;
    Record *record = rotate(node, &one, &error);

    g_assert_no_error(error);
    advance(node, record);
}

/* A history of a node whose first rotation is @first, followed by another rotation if @more; rotations reveal the key of 2, then 3. */
static inline Identity *
history_of(const Turn *first, gboolean more)
{
    Identity *identity;
    GError *error = NULL;
    Node node;

    init(&node);
    advance(&node, state(&node, 1, &error));
    if (first)
        turn(&node, *first);
    if (more)
        turn(&node, (Turn){ .revealed = 3, .old = 2, .next = 4, .log = 104 });
    identity = identity_ref(node.identity);
    clear(&node);
    return identity;
}

#endif
