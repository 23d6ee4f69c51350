#include <string.h>

#include "keys/error.h"
#include "sync/pull/frames.h"
#include "sync/pull/transfer.h"

#define LEAVES_AHEAD 128   /* of one request: at most 8 MiB of pages, half of what the cache holds */
#define ABOVE_AHEAD 16

/* Pages of one level being asked for. */
typedef struct {
    Transfer *transfer;
    guint level;
    GPtrArray *references;      /* of const PageRef*: what each must turn out to be */
    GArray *places;             /* of PagePlace */
    GHashTable *asked;          /* set of const Digest* in references */
    GPtrArray *pages;           /* of Page*: those that came */
} PageRequest;

static void
page_request_clear(PageRequest *request)
{
    g_clear_pointer(&request->asked, g_hash_table_unref);
    g_clear_pointer(&request->pages, g_ptr_array_unref);
    g_clear_pointer(&request->references, g_ptr_array_unref);
    g_clear_pointer(&request->places, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PageRequest, page_request_clear)

static PageRequest
page_request_new(Transfer *transfer, guint level)
{
    return (PageRequest){ transfer,
                          level,
                          g_ptr_array_new(),
                          g_array_new(FALSE, FALSE, sizeof(PagePlace)),
                          g_hash_table_new(digest_hash, digest_equal),
                          g_ptr_array_new_with_free_func((GDestroyNotify)page_free) };
}

/* Once for each distinct page. */
static void
page_request_add(PageRequest *request, const PageRef *reference, guint64 first_item)
{
    PagePlace place = { request->level, first_item };

    if (!g_hash_table_add(request->asked, (gpointer)&reference->digest))
        return;
    g_ptr_array_add(request->references, (gpointer)reference);
    g_array_append_val(request->places, place);
}

/* PU12: before it is stored: a page that says something else than the reference to it would break off every later walk. */
static gboolean
check_page(const PageRequest *request, const PageRef *reference, const Page *page, GError **error)
{
    PageRef totals;

    page_totals(page, &totals);
    if (request->level == WIRE_LEVEL_ROOT) {
        if (totals.files == reference->files && totals.positions == reference->positions && totals.bytes == reference->bytes)
            return TRUE;
        return chama_error(error, CHAMA_ERROR_VERIFY, "listing: PU12: its root does not hold what the details say");
    }
    if (page_level(page) == request->level && totals.items == reference->items && totals.files == reference->files &&
        totals.positions == reference->positions && totals.bytes == reference->bytes && g_strcmp0(totals.path, reference->path) == 0)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_VERIFY, "listing: PU12: a page of level %u is not what the page above says", request->level);
}

static gboolean
take_page(gpointer data, guint index, const FrameHeader *header, GBytes *stored, GError **error)
{
    PageRequest *request = data;
    Transfer *transfer = request->transfer;
    const PageRef *reference = request->references->pdata[index];
    g_autoptr(GBytes) plain = NULL;
    g_autoptr(Page) page = NULL;
    gsize size;
    const void *bytes = stored ? g_bytes_get_data(stored, &size) : NULL;

    if (!stored) {
        transfer->absent_pages++;
        return TRUE;
    }
    plain = store_open_received(home_store(transfer->session->home, NULL), &transfer->whom.owner, &reference->digest, header->codec, header->plain_size, bytes, size, error);
    page = plain ? page_parse(plain, error) : NULL;
    if (!page || !check_page(request, reference, page, error) ||
        !store_writer_put_stored(transfer->whom.writer, OBJECT_PAGE, &reference->digest, header->codec, plain, bytes, size, NULL, error))
        return FALSE;
    page_cache_put(transfer->session->pages, &reference->digest, plain);
    g_ptr_array_add(request->pages, g_steal_pointer(&page));
    return TRUE;
}

static gboolean
require_all(const Transfer *transfer, GError **error)
{
    return transfer->absent_pages == 0 ||
           chama_error(error, CHAMA_ERROR_NOT_FOUND, "the peer lacks %" G_GUINT64_FORMAT " pages of its listing", transfer->absent_pages);
}

/* Asks for what the request names; afterwards those pages can be read. */
static gboolean
fetch_pages(PageRequest *request, GError **error)
{
    Transfer *transfer = request->transfer;
    g_autoptr(FrameReader) reader = NULL;
    g_autoptr(GBytes) body = NULL;

    if (request->places->len == 0)
        return TRUE;
    if (!transfer_space(transfer, (guint64)request->places->len * PAGE_SIZE_MAX, error))
        return FALSE;
    reader = frame_reader_new(request->places->len, OBJECT_PAGE, take_page, request);
    body = places_format(request->places);
    return transfer_request(transfer, transfer->session->transport, "pages", body, frame_reader_feed, reader, error) &&
           frame_reader_end(reader, error) && require_all(transfer, error);
}

static gboolean
is_here(Transfer *transfer, const Digest *digest)
{
    g_autoptr(GBytes) kept = page_cache_get(transfer->session->pages, digest);

    return kept || transfer_has(transfer, digest);
}

/* The children of @page from @index on that are not here and will be looked at, as far as the request has room. */
static void
gather_children(PageRequest *request, const Page *page, guint index, guint64 first_item)
{
    Transfer *transfer = request->transfer;
    guint most = request->level == 0 ? LEAVES_AHEAD : ABOVE_AHEAD;

    for (guint i = index; i < page_count(page) && request->places->len < most; i++) {
        const PageRef *child = page_child(page, i);

        if (!known_pages_has(transfer->session->known, request->level, child) && !is_here(transfer, &child->digest))
            page_request_add(request, child, first_item);
        first_item += child->items;
    }
}

/* Fetches what the request names, and then at once what lies below it, so that a small change takes one request a level. */
static gboolean
fetch_downwards(PageRequest *request, GError **error)
{
    if (!fetch_pages(request, error))
        return FALSE;
    if (request->pages->len == 0 || request->level == 0 || request->level == WIRE_LEVEL_ROOT)
        return TRUE;
    g_auto(PageRequest) below = page_request_new(request->transfer, request->level - 1);

    for (guint i = 0; i < request->pages->len; i++)
        gather_children(&below, request->pages->pdata[i], 0, g_array_index(request->places, PagePlace, i).first_item);
    return fetch_downwards(&below, error);
}

gboolean
transfer_look_ahead(gpointer data, const Page *page, guint index, guint64 first_item, GError **error)
{
    Transfer *transfer = data;
    g_auto(PageRequest) request = page_request_new(transfer, page_level(page) - 1);

    if (is_here(transfer, &page_child(page, index)->digest))
        return TRUE;
    gather_children(&request, page, index, first_item);
    return fetch_downwards(&request, error);
}

/* PU12: of a root that is here already, too. */
static gboolean
check_root(Transfer *transfer, const PageRef *root, GError **error)
{
    g_auto(PageRequest) request = page_request_new(transfer, WIRE_LEVEL_ROOT);
    g_autoptr(GBytes) bytes = transfer_page(transfer, &root->digest, error);
    g_autoptr(Page) page = bytes ? page_parse(bytes, error) : NULL;

    return page && check_page(&request, root, page, error);
}

gboolean
transfer_root(Transfer *transfer, GError **error)
{
    const Details *details = transfer->details;
    const PageRef root = {
        .digest = transfer->held.listing,
        .files = details->files + details->folders + details->links,
        .positions = details->chunks,
        .bytes = details->bytes,
    };
    g_auto(PageRequest) request = page_request_new(transfer, WIRE_LEVEL_ROOT);

    if (is_here(transfer, &root.digest)) {
        transfer->begun = check_root(transfer, &root, error);
        return transfer->begun;
    }
    page_request_add(&request, &root, 0);
    transfer->begun = fetch_pages(&request, error);
    return transfer->begun;
}
