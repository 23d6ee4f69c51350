#include "manifests/checkout/big.h"

#include <errno.h>

#include "keys/error.h"
#include "manifests/checkout/content.h"
#include "manifests/checkout/fresh.h"
#include "manifests/checkout/segments.h"
#include "manifests/tree/beneath.h"

struct BigWrite {
    const WriteTarget *target;
    char *path;
    BeneathFolder folder;
    Fresh fresh;
    Segments *segments;
};

static gboolean
write_bytes(gpointer data, guint64 offset, const guint8 *bytes, gsize size, GError **error)
{
    BigWrite *big = data;

    if (!fresh_write(&big->fresh, big->path, offset, bytes, size, error))
        return FALSE;
    writeback_add(big->target->writeback, size);
    return TRUE;
}

static gboolean
open_fresh(BigWrite *big, GError **error)
{
    int folder = beneath_folder_of(&big->folder, big->path, TRUE);

    if (folder >= 0)
        return fresh_open(&big->fresh, folder, big->path, big->target->staged, error);
    g_autofree char *shown = path_display(big->path);

    return chama_error_errno(error, errno, "%s", shown);
}

BigWrite *
big_write_new(const WriteTarget *target, const char *path, GError **error)
{
    g_autoptr(BigWrite) big = g_new0(BigWrite, 1);

    big->target = target;
    big->path = g_strdup(path);
    big->folder = (BeneathFolder)BENEATH_FOLDER_INIT(target->root);
    big->fresh = (Fresh)FRESH_INIT;
    if (!open_fresh(big, error))
        return NULL;
    big->segments = segments_new(target->store, target->progress, write_bytes, big);
    return g_steal_pointer(&big);
}

void
big_write_free(BigWrite *big)
{
    if (!big)
        return;
    segments_free(big->segments);
    fresh_clear(&big->fresh);
    beneath_folder_clear(&big->folder);
    g_free(big->path);
    g_free(big);
}

gboolean
big_write_add(BigWrite *big, const ChunkRef *chunks, guint count, GError **error)
{
    return segments_add(big->segments, chunks, count, error);
}

/* The digest of the whole proves all chunks at once.  Where it does not hold, one of them may be damaged: that is a matter of the store. */
static gboolean
check_whole(BigWrite *big, const Item *item, guint64 size, const Digest *digest, GError **error)
{
    const WriteTarget *target = big->target;

    if (!digest_equal(digest, &item->digest) && !content_file_is_right(target->store, target->listing, big->path, error))
        return FALSE;
    return content_check(big->path, item->size, size, &item->digest, digest, error);
}

gboolean
big_write_end(BigWrite *big, const Item *item, gboolean replace, GError **error)
{
    Digest digest;
    guint64 size;

    if (!segments_end(big->segments, &size, &digest, error) || !check_whole(big, item, size, &digest, error) ||
        !fresh_finish(&big->fresh, big->path, item->size, item->kind == ITEM_EXECUTABLE, error) ||
        !fresh_place(&big->fresh, big->path, replace, error))
        return FALSE;
    progress_add(big->target->progress, 0, 1);
    return TRUE;
}
