#include "manifests/store/pending.h"

#include <stdlib.h>

Pending *
pending_new(void)
{
    Pending *pending = g_new0(Pending, 1);

    pending->pieces = g_new(PackPiece, PENDING_MAX);
    pending->digests = g_hash_table_new(digest_hash, digest_equal);
    return pending;
}

void
pending_free(Pending *pending)
{
    if (!pending)
        return;
    g_hash_table_unref(pending->digests);
    g_free(pending->pieces);
    g_free(pending);
}

PackPiece *
pending_next(Pending *pending)
{
    g_assert(pending->count < PENDING_MAX);
    return &pending->pieces[pending->count];
}

void
pending_add(Pending *pending)
{
    PackPiece *piece = &pending->pieces[pending->count++];

    pending->bytes += piece->size;
    g_hash_table_add(pending->digests, &piece->frame.digest);
}

gboolean
pending_has(const Pending *pending, const Digest *digest)
{
    return g_hash_table_contains(pending->digests, digest);
}

const PackPiece *
pending_find(const Pending *pending, const Digest *digest)
{
    const guint8 *found = g_hash_table_lookup(pending->digests, digest);

    return found ? (const PackPiece *)(gconstpointer)(found - G_STRUCT_OFFSET(PackPiece, frame.digest)) : NULL;
}

void
pending_clear(Pending *pending)
{
    g_hash_table_remove_all(pending->digests);
    pending->count = 0;
    pending->bytes = 0;
}

static int
compare(gconstpointer a, gconstpointer b)
{
    const PackPiece *x = *(const PackPiece *const *)a, *y = *(const PackPiece *const *)b;

    return digest_compare(&x->frame.digest, &y->frame.digest);
}

const PackPiece **
pending_sorted(const Pending *pending)
{
    const PackPiece **sorted = g_new(const PackPiece *, pending->count + 1);

    for (guint i = 0; i < pending->count; i++)
        sorted[i] = &pending->pieces[i];
    qsort(sorted, pending->count, sizeof *sorted, compare);
    return sorted;
}
