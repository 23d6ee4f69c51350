#include "manifests/verify/found_good.h"

#include "manifests/checkout/content.h"

/* 20 MiB. */
#define FILES_MAX (256 * 1024)

struct FoundGood {
    GHashTable *files;       /* of Digest, in digests */
    Digest *digests;
    KnownPages *pages;
};

FoundGood *
found_good_new(void)
{
    FoundGood *found_good = g_new(FoundGood, 1);

    found_good->files = g_hash_table_new(digest_hash, digest_equal);
    found_good->digests = g_new(Digest, FILES_MAX);
    found_good->pages = known_pages_new();
    return found_good;
}

void
found_good_free(FoundGood *found_good)
{
    if (!found_good)
        return;
    g_hash_table_unref(found_good->files);
    g_free(found_good->digests);
    known_pages_free(found_good->pages);
    g_free(found_good);
}

void
content_name(const Digest *digest, const ChunkRef *chunks, guint count, Digest *name)
{
    g_autoptr(DigestStream) stream = NULL;

    if (content_is_one_chunk(chunks, count)) {
        *name = chunks[0].digest;
        return;
    }
    stream = digest_stream_new();
    digest_stream_update(stream, digest, sizeof *digest);
    for (guint i = 0; i < count; i++) {
        digest_stream_update(stream, &chunks[i].digest, sizeof chunks[i].digest);
        digest_stream_update(stream, &chunks[i].size, sizeof chunks[i].size);
        digest_stream_update(stream, &chunks[i].run, sizeof chunks[i].run);
    }
    digest_stream_reset(stream, name);
}

gboolean
found_good_has(const FoundGood *found_good, const Digest *name)
{
    return found_good && g_hash_table_contains(found_good->files, name);
}

void
found_good_add(FoundGood *found_good, const Digest *name)
{
    guint count;

    if (!found_good)
        return;
    count = g_hash_table_size(found_good->files);
    if (count < FILES_MAX && !g_hash_table_contains(found_good->files, name)) {
        found_good->digests[count] = *name;
        g_hash_table_add(found_good->files, &found_good->digests[count]);
    }
}

KnownPages *
found_good_pages(FoundGood *found_good)
{
    return found_good->pages;
}
