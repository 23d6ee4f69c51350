#include "manifests/ledger/merkle.h"

#include <string.h>

#include "keys/error.h"

/* RFC 6962 2.1: what sets leaves and nodes apart. */
#define LEAF_PREFIX 0x00
#define NODE_PREFIX 0x01

void
merkle_leaf(const void *entry, gsize size, Digest *leaf)
{
    g_autoptr(DigestStream) stream = digest_stream_new();
    const guint8 prefix = LEAF_PREFIX;

    digest_stream_update(stream, &prefix, 1);
    digest_stream_update(stream, entry, size);
    digest_stream_finish(g_steal_pointer(&stream), leaf);
}

void
merkle_node(const Digest *left, const Digest *right, Digest *node)
{
    guint8 bytes[1 + 2 * DIGEST_SIZE];

    bytes[0] = NODE_PREFIX;
    memcpy(bytes + 1, left->bytes, DIGEST_SIZE);
    memcpy(bytes + 1 + DIGEST_SIZE, right->bytes, DIGEST_SIZE);
    digest_of(bytes, sizeof bytes, node);
}

static gboolean
proof_fails(GError **error, const char *what)
{
    return chama_error(error, CHAMA_ERROR_VERIFY, "proof: T9: %s", what);
}

gboolean
merkle_check_inclusion(guint64 index, guint64 size, const Digest *leaf, const Digest *proof, guint count, const Digest *root, GError **error)
{
    guint64 fn = index, sn = size - 1;
    Digest r = *leaf;

    if (index >= size)
        return proof_fails(error, "the index is past the end of the tree");
    for (guint i = 0; i < count; i++) {
        if (sn == 0)
            return proof_fails(error, "the inclusion proof is too long");
        if ((fn & 1) || fn == sn) {
            merkle_node(&proof[i], &r, &r);
            for (; !(fn & 1) && fn != 0; fn >>= 1)
                sn >>= 1;
        } else {
            merkle_node(&r, &proof[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (sn != 0)
        return proof_fails(error, "the inclusion proof is too short");
    return digest_equal(&r, root) || proof_fails(error, "the inclusion proof does not lead to the root");
}

/* RFC 9162 2.1.4.2, steps 3-7: @r1 and @r2 are what the proof makes of both roots. */
static gboolean
fold_consistency(guint64 fn, guint64 sn, const Digest *proof, guint count, Digest *r1, Digest *r2, GError **error)
{
    for (guint i = 0; i < count; i++) {
        if (sn == 0)
            return proof_fails(error, "the consistency proof is too long");
        if ((fn & 1) || fn == sn) {
            merkle_node(&proof[i], r1, r1);
            merkle_node(&proof[i], r2, r2);
            for (; !(fn & 1) && fn != 0; fn >>= 1)
                sn >>= 1;
        } else {
            merkle_node(r2, &proof[i], r2);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 || proof_fails(error, "the consistency proof is too short");
}

gboolean
merkle_check_consistency(guint64 size1, const Digest *root1, guint64 size2, const Digest *root2, const Digest *proof, guint count, GError **error)
{
    guint64 fn = size1 - 1, sn = size2 - 1;
    Digest r1, r2;

    if (size1 > size2)
        return proof_fails(error, "the older tree is larger than the newer one");
    if ((size1 == 0 || size1 == size2) && count > 0)
        return proof_fails(error, "the consistency proof is too long");
    if (size1 == 0) {
        digest_of("", 0, &r1);
        if (!digest_equal(&r1, root1))
            return proof_fails(error, "the root of an empty tree is another one");
    }
    if (size1 == size2)
        return digest_equal(root1, root2) || proof_fails(error, "two roots of one size");
    if (size1 == 0)
        return TRUE;
    for (; fn & 1; fn >>= 1)
        sn >>= 1;
    /* The root of a complete older tree is not in the proof: it is the seed. */
    if (fn != 0) {
        if (count == 0)
            return proof_fails(error, "the consistency proof is too short");
        r1 = r2 = *proof++;
        count--;
    } else {
        r1 = r2 = *root1;
    }
    if (!fold_consistency(fn, sn, proof, count, &r1, &r2, error))
        return FALSE;
    return (digest_equal(&r1, root1) && digest_equal(&r2, root2)) || proof_fails(error, "the consistency proof does not lead to the roots");
}

guint64
merkle_split(guint64 n)
{
    return G_GUINT64_CONSTANT(1) << (63 - __builtin_clzll(n - 1));
}

GArray *
merkle_proof_of(const Digest *hashes, guint count)
{
    GArray *proof = g_array_sized_new(FALSE, FALSE, sizeof(Digest), count);

    while (count > 0)
        g_array_append_val(proof, hashes[--count]);
    return proof;
}

/* Folds the complete subtrees from the right. */
gboolean
merkle_root_of(MerkleRead read, gpointer data, guint64 from, guint64 to, Digest *root, GError **error)
{
    guint64 size = to - from;
    gboolean first = TRUE;

    if (size == 0)
        digest_of("", 0, root);
    for (guint level = 0; level < MERKLE_PROOF_MAX && size >> level; level++) {
        Digest left;

        if (!((size >> level) & 1))
            continue;
        if (!read(data, level, (to >> level) - 1, &left, error))
            return FALSE;
        if (first)
            *root = left;
        else
            merkle_node(&left, root, root);
        first = FALSE;
        to -= G_GUINT64_CONSTANT(1) << level;
    }
    return TRUE;
}

/* SUBPROOF, as a loop. */
GArray *
merkle_consistency_of(MerkleRead read, gpointer data, guint64 size1, guint64 size2, GError **error)
{
    Digest hashes[MERKLE_PROOF_MAX + 1];
    guint64 from = 0, to = size2;
    guint count = 0;

    while (size1 > 0 && size1 < to) {
        guint64 middle = from + merkle_split(to - from);
        gboolean left = size1 <= middle;

        if (!merkle_root_of(read, data, left ? middle : from, left ? to : middle, &hashes[count++], error))
            return NULL;
        from = left ? from : middle;
        to = left ? middle : to;
    }
    /* What is left ends at size1; it is the whole older tree only if it starts at 0, and then the verifier has its root. */
    if (from > 0 && !merkle_root_of(read, data, from, to, &hashes[count++], error))
        return NULL;
    return merkle_proof_of(hashes, count);
}
