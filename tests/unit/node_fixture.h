/*
 * node_fixture: a node made of a seed, which signs one record after the other; and documents made of a good one and a patch.  For unit tests.
 */
#ifndef CHAMA_TESTS_NODE_FIXTURE_H
#define CHAMA_TESTS_NODE_FIXTURE_H

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/record.h"

#define FIXTURE_TIME G_GINT64_CONSTANT(1777622400)

typedef struct {
    Keypair *signing;
    Identity *identity;
    LedgerHead head;
    GPtrArray *records; /* of Record, in order */
} NodeFixture;

static inline Record *
node_keep(NodeFixture *node, Record *record)
{
    g_assert_nonnull(record);
    g_ptr_array_add(node->records, record);
    node->head = (LedgerHead){ node->head.size + 1, record->address, node->identity };
    return record;
}

static inline void
node_init(NodeFixture *node, guint8 seed)
{
    g_autoptr(GBytes) inception = NULL;
    guint8 bytes[32];
    Digest next;

    memset(node, 0, sizeof *node);
    memset(bytes, seed, sizeof bytes);
    memset(&next, seed, sizeof next);
    node->signing = keypair_from_seed(bytes, NULL);
    node->records = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    inception = inception_format(keypair_public(node->signing), keypair_public(node->signing), (const guint8 *)"12345678901234567890123456789012", &next,
                                 FIXTURE_TIME, NULL);
    node->identity = identity_parse_inception(inception, NULL);
    node_keep(node, record_sign(&node->head, "inception/1", inception, FIXTURE_TIME, node->signing, NULL));
}

static inline void
node_clear(NodeFixture *node)
{
    g_ptr_array_unref(node->records);
    identity_free(node->identity);
    keypair_free(node->signing);
}

/* Borrowed from the node. */
static inline Record *
node_state(NodeFixture *node, const char *type, GBytes *members)
{
    return node_keep(node, record_sign(&node->head, type, members, FIXTURE_TIME + (gint64)node->head.size, node->signing, NULL));
}

/* @base with the members of @patch in place of its own; those that are null are taken away. */
static inline GBytes *
patched(const char *base, const char *patch)
{
    g_autoptr(json_t) object = json_loads(base, 0, NULL);
    g_autoptr(json_t) changes = json_loads(patch, 0, NULL);
    const char *name;
    json_t *value;
    void *next;

    g_assert_nonnull(object);
    g_assert_nonnull(changes);
    json_object_update(object, changes);
    json_object_foreach_safe(object, next, name, value)
        if (json_is_null(value))
            json_object_del(object, name);
    return canonical_format(object, NULL);
}

static inline GBytes *
text_bytes(const char *text)
{
    return g_bytes_new(text, strlen(text));
}

static inline void
assert_bytes(GBytes *bytes, const char *text)
{
    g_assert_nonnull(bytes);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), text, strlen(text));
}

#endif
