#include <string.h>

#include "keys/error.h"
#include "sync/pull/frames.h"
#include "sync/pull/transfer.h"

#define PLACES_MAX 1024   /* of one request: at most 64 MiB of pages */

/* Pages of one level being asked for. */
typedef struct {
    Transfer *transfer;
    guint level;
    GPtrArray *references;      /* of const PageRef*: what each must turn out to be */
    GArray *places;             /* of PagePlace */
    GHashTable *asked;          /* set of const Digest* in references */
} PageRequest;

static void
page_request_clear(PageRequest *request)
{
    g_clear_pointer(&request->asked, g_hash_table_unref);
    g_clear_pointer(&request->references, g_ptr_array_unref);
    g_clear_pointer(&request->places, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PageRequest, page_request_clear)

static PageRequest
page_request_new(Transfer *transfer, guint level)
{
    return (PageRequest){ transfer, level, g_ptr_array_new(), g_array_new(FALSE, FALSE, sizeof(PagePlace)), g_hash_table_new(digest_hash, digest_equal) };
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
        transfer->absent++;
        return TRUE;
    }
    plain = store_open_received(home_store(transfer->session->home, NULL), &transfer->owner, &reference->digest, header->codec, header->plain_size, bytes, size, error);
    page = plain ? page_parse(plain, error) : NULL;
    return page && check_page(request, reference, page, error) &&
           store_writer_put_stored(transfer->writer, OBJECT_PAGE, &reference->digest, header->codec, plain, bytes, size, NULL, error);
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
    return transfer_request(transfer, "pages", body, frame_reader_feed, reader, error) && frame_reader_end(reader, error) &&
           store_writer_commit(transfer->writer, error);
}

static gboolean
fetch_children(Transfer *transfer, const Page *page, guint64 first_item, GError **error)
{
    guint count = page_count(page);

    for (guint i = 0; i < count;) {
        g_auto(PageRequest) request = page_request_new(transfer, page_level(page) - 1);

        for (; i < count && request.places->len < PLACES_MAX; i++) {
            const PageRef *child = page_child(page, i);

            if (!transfer_has(transfer, &child->digest))
                page_request_add(&request, child, first_item);
            first_item += child->items;
        }
        if (!fetch_pages(&request, error))
            return FALSE;
    }
    return TRUE;
}

/* Completes what lies below @page.  One page a level is in memory; a page counts its children, so how deep this goes is bounded (L1).  @seen: of pages
 * with files each can stand only once (L23). */
static gboolean
complete(Transfer *transfer, const Page *page, guint64 first_item, PartPages *seen, GError **error)
{
    if (page_level(page) == 0)
        return TRUE;
    if (!fetch_children(transfer, page, first_item, error))
        return FALSE;
    for (guint i = 0; i < page_count(page) && page_level(page) > 1; i++) {
        const PageRef *child = page_child(page, i);
        g_autoptr(GBytes) bytes = NULL;
        g_autoptr(Page) below = NULL;

        if ((child->files > 0 || !part_pages_see(seen, &child->digest)) && transfer_has(transfer, &child->digest)) {
            bytes = transfer_page(transfer, &child->digest, error);
            below = bytes ? page_parse(bytes, error) : NULL;
            if (!below || !complete(transfer, below, first_item, seen, error))
                return FALSE;
        }
        first_item += child->items;
    }
    return part_pages_check(seen, error);
}

static gboolean
fetch_root(Transfer *transfer, GError **error)
{
    const Details *details = transfer->details;
    const PageRef root = {
        .digest = transfer->held.listing,
        .files = details->files + details->folders + details->links,
        .positions = details->chunks,
        .bytes = details->bytes,
    };
    g_auto(PageRequest) request = page_request_new(transfer, WIRE_LEVEL_ROOT);

    if (!transfer_has(transfer, &root.digest))
        page_request_add(&request, &root, 0);
    return fetch_pages(&request, error);
}

static gboolean
require_all(const Transfer *transfer, GError **error)
{
    return transfer->absent == 0 ||
           chama_error(error, CHAMA_ERROR_NOT_FOUND, "the peer lacks %" G_GUINT64_FORMAT " pages of its listing", transfer->absent);
}

/* From here on gc keeps what arrives (a dry run keeps nothing). */
static gboolean
hold_incomplete(Transfer *transfer, GError **error)
{
    State *state = home_state(transfer->session->home, error);

    return state && (transfer->session->options->dry_run || state_hold(state, &transfer->held, error));
}

gboolean
transfer_pages(Transfer *transfer, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(Page) root = NULL;
    g_auto(PartPages) seen = part_pages_new();

    if (!fetch_root(transfer, error) || !require_all(transfer, error) || !hold_incomplete(transfer, error))
        return FALSE;
    bytes = transfer_page(transfer, &transfer->held.listing, error);
    root = bytes ? page_parse(bytes, error) : NULL;
    return root && complete(transfer, root, 0, &seen, error) && require_all(transfer, error);
}
