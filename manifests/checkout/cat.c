#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/checkout.h"
#include "manifests/checkout/content.h"

typedef struct {
    Store *store;
    const char *path;
    int fd;
    DigestStream *stream;
    guint64 size;
} Cat;

GBytes *
store_listing_get(gpointer store, const Digest *digest, GError **error)
{
    return store_get(store, digest, error);
}

static gboolean
write_all(const Cat *cat, const guint8 *data, gsize size, GError **error)
{
    while (size > 0) {
        gssize n = write(cat->fd, data, size);

        if (n < 0 && errno != EINTR)
            return chama_error_errno(error, errno, "%s", cat->path);
        data += n > 0 ? n : 0;
        size -= n > 0 ? (gsize)n : 0;
    }
    return TRUE;
}

static gboolean
cat_chunk(Cat *cat, const ChunkRef *chunk, GError **error)
{
    g_autoptr(GBytes) bytes = content_chunk(cat->store, chunk, error);
    gsize size;
    const guint8 *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;

    if (!data)
        return FALSE;
    for (guint64 n = 0; n < chunk->run; n++) {
        digest_stream_update(cat->stream, data, size);
        cat->size += size;
        if (!write_all(cat, data, size, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
cat_item(Cat *cat, const Item *item, GError **error)
{
    for (guint i = 0; i < item->chunk_count; i++)
        if (!cat_chunk(cat, &item->chunks[i], error))
            return FALSE;
    return TRUE;
}

static gboolean
finish(Cat *cat, const Item *item, GError **error)
{
    Digest digest;

    digest_stream_finish(g_steal_pointer(&cat->stream), &digest);
    return content_check(cat->path, item->size, cat->size, &item->digest, &digest, error);
}

/* The file's parts and its end, from where the cursor stands. */
static gboolean
cat_items(Cat *cat, ListingCursor *cursor, GError **error)
{
    g_autofree char *shown = path_display(cat->path);
    GError *failed = NULL;
    const Item *item;

    while (listing_cursor_next(cursor, &item, NULL, NULL, &failed) && strcmp(item->path, cat->path) == 0) {
        if (item->kind == ITEM_LINK || item->kind == ITEM_FOLDER)
            return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: want a file, have %s", shown, item->kind == ITEM_LINK ? "a link" : "an empty folder");
        if (!cat_item(cat, item, error))
            return FALSE;
        if (item->kind != ITEM_PART)
            return finish(cat, item, error);
    }
    if (!failed)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no such file in this version", shown);
    g_propagate_error(error, failed);
    return FALSE;
}

gboolean
checkout_cat(Store *store, const Digest *root, const char *path, int fd, GError **error)
{
    g_autoptr(StoreHold) hold = store_hold(store, error);
    g_autoptr(ListingCursor) cursor = hold ? listing_cursor_new(root, store_listing_get, store, error) : NULL;
    Cat cat = { .store = store, .path = path, .fd = fd };

    if (!cursor || !listing_cursor_seek_path(cursor, path, error))
        return FALSE;
    cat.stream = digest_stream_new();
    gboolean ok = cat_items(&cat, cursor, error);

    digest_stream_free(cat.stream);
    return ok;
}
