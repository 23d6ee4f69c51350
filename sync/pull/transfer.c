#include "sync/pull/transfer.h"

#include <string.h>
#include <sys/statvfs.h>

#include "keys/error.h"
#include "sync/pull/earlier.h"
#include "sync/pull/plan.h"

static void
transfer_clear(Transfer *transfer)
{
    g_clear_pointer(&transfer->grant, g_free);
    g_clear_pointer(&transfer->details, details_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Transfer, transfer_clear)

static char *
path_of(const Transfer *transfer, const char *what)
{
    return g_strdup_printf("/v1/versions/%s/%s", transfer->hex, what);
}

gboolean
transfer_request(Transfer *transfer, Transport *transport, const char *what, GBytes *body, TransportSink sink, gpointer data, GError **error)
{
    g_autofree char *path = path_of(transfer, what);
    g_autoptr(GBytes) whole = transfer->has_base ? have_format(&transfer->base, body) : g_bytes_ref(body);

    return session_check(transfer->session, error) &&
           transport_request(transport, "POST", path, whole, transfer->grant, sink, data, error);
}

gboolean
transfer_space(Transfer *transfer, guint64 want, GError **error)
{
    const char *path = home_path(transfer->session->home);
    struct statvfs disk;

    if (statvfs(path, &disk) != 0)
        return chama_error_errno(error, errno, "%s: cannot tell how full the disk is", path);
    return plan_space((guint64)disk.f_bavail * disk.f_frsize, transfer->session->options->reserve, want, error);
}

gboolean
transfer_has(Transfer *transfer, const Digest *digest)
{
    return store_writer_has(transfer->whom.writer, digest) || store_has(home_store(transfer->session->home, NULL), digest, &transfer->whom.owner);
}

GBytes *
transfer_page(gpointer data, const Digest *digest, GError **error)
{
    Transfer *transfer = data;
    Store *store = home_store(transfer->session->home, error);
    GBytes *kept = page_cache_get(transfer->session->pages, digest);

    if (kept || !store)
        return kept;
    if (!transfer_has(transfer, digest))
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "listing: a page is missing");
    return store_get(store, digest, error);
}

/* A document named by digest: from the store if it came for this scope before, else from the peer. */
static GBytes *
fetch_document(Transfer *transfer, const char *what, const Digest *digest, gsize limit, GError **error)
{
    g_autofree char *path = path_of(transfer, what);
    g_autoptr(GBytes) bytes = NULL;
    Digest have;

    if (transfer_has(transfer, digest))
        return transfer_page(transfer, digest, error);
    bytes = transport_fetch(transfer->session->transport, "GET", path, NULL, transfer->grant, limit, error);
    if (!bytes)
        return NULL;
    digest_of_bytes(bytes, &have);
    if (!digest_equal(&have, digest))
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: PU11: is not what the manifest names", what);
    if (!store_writer_put(transfer->whom.writer, OBJECT_DOCUMENT, digest, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), NULL, error))
        return NULL;
    page_cache_put(transfer->session->pages, digest, bytes);
    return g_steal_pointer(&bytes);
}

static gboolean
learn_roots(Transfer *transfer, GError **error)
{
    const Manifest *manifest = transfer->manifest;
    g_autoptr(GBytes) bytes = NULL;
    Content content;

    transfer->held.manifest = manifest->address;
    if (manifest->share == SHARE_OPEN) {
        transfer->held.listing = manifest->listing;
        transfer->held.details = manifest->details;
        return TRUE;
    }
    bytes = fetch_document(transfer, "content", &manifest->content, CONTENT_SIZE_MAX, error);
    if (!bytes || !content_parse(bytes, &content, error))
        return FALSE;
    transfer->held.content = manifest->content;
    transfer->held.listing = content.listing;
    transfer->held.details = content.details;
    return TRUE;
}

/* PU11: what the card says must be what the details say, rounded up if it is not open. */
static gboolean
check_sizes(const Manifest *manifest, const Details *details, GError **error)
{
    gboolean open = manifest->share == SHARE_OPEN;
    guint64 files = details->files + details->links, bytes = details->bytes;

    if (!open) {
        files = round_up_to_power_of_two(files);
        bytes = round_up_to_power_of_two(bytes);
    }
    if (files == manifest->files && bytes == manifest->bytes)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_VERIFY,
                       "details: PU11: want %" G_GUINT64_FORMAT " files and %" G_GUINT64_FORMAT " bytes as in the manifest, have %" G_GUINT64_FORMAT
                       " and %" G_GUINT64_FORMAT,
                       manifest->files, manifest->bytes, files, bytes);
}

static gboolean
learn_details(Transfer *transfer, GError **error)
{
    g_autoptr(GBytes) bytes = fetch_document(transfer, "details", &transfer->held.details, DETAILS_SIZE_MAX, error);

    transfer->details = bytes ? details_parse(bytes, error) : NULL;
    if (!transfer->details)
        return FALSE;
    /* Before a page is asked for: its root must say the same. */
    if (transfer->details->chunks > TRANSFER_POSITIONS_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "details: want at most %" G_GUINT64_FORMAT " chunks, have %" G_GUINT64_FORMAT,
                           TRANSFER_POSITIONS_MAX, transfer->details->chunks);
    return check_sizes(transfer->manifest, transfer->details, error);
}

gboolean
transfer_hold(Transfer *transfer, GError **error)
{
    State *state = home_state(transfer->session->home, error);

    return state && state_hold(state, &transfer->held, error);
}

static gboolean (*const steps[])(Transfer *, GError **) = { earlier_learn, learn_roots, learn_details, transfer_root, transfer_chunks };

/* The strictest sharing decides for whom the bytes are held: what was open once and is not now must not pass for everyone's (PU14). */
static gboolean
open_writer(Transfer *transfer, GError **error)
{
    const Manifest *manifest = transfer->manifest;
    Catalogue *catalogue = home_catalogue(transfer->session->home, error);
    Share share;

    if (!catalogue || !catalogue_share_in_force(catalogue, manifest, &share, error) || !node_id_parse(manifest->node, &transfer->whom.owner, error))
        return FALSE;
    transfer->open = MAX(share, manifest->share) == SHARE_OPEN;
    transfer->whom.writer = landing_writer(transfer->session->landing, transfer->open ? &SCOPE_OPEN : &transfer->whom.owner, error);
    return transfer->whom.writer != NULL;
}

void
transfer_progress(Transfer *transfer, gint64 bytes)
{
    __atomic_fetch_add(&transfer->progressed, bytes, __ATOMIC_RELAXED);
    progress_add(transfer->session->options->progress, bytes, 0);
}

/* Of a version that is here all counts, of one that is not nothing, so that what is shown adds up in the end. */
static void
settle_progress(Transfer *transfer, gboolean good)
{
    const Manifest *manifest = transfer->manifest;

    transfer_progress(transfer, (good ? (gint64)manifest->bytes : 0) - transfer->progressed);
    progress_add(transfer->session->options->progress, 0, good ? (gint64)manifest->files : 0);
}

/* *@had_base says whether the peer may have sent patches. */
static gboolean
attempt(Session *session, const Manifest *manifest, GBytes *opening, gboolean whole, Held *held, gboolean *begun, gboolean *had_base, GError **error)
{
    g_auto(Transfer) transfer = {
        .session = session, .manifest = manifest, .grant = opening ? grant_header_format(opening) : NULL, .whole = whole,
    };
    gboolean good = TRUE;

    *begun = FALSE;
    digest_format_hex(&manifest->address, transfer.hex);
    if (!open_writer(&transfer, error))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(steps) && good; i++)
        good = steps[i](&transfer, error);
    settle_progress(&transfer, good);
    transfer.held.complete = good;
    if (good)
        earlier_add(&transfer);
    *begun = transfer.begun;
    *held = transfer.held;
    *had_base = transfer.has_base;
    return good;
}

/* PU20: what the patches are made against may be damaged or lost here, though its version is held; then the rest is asked for whole. */
gboolean
transfer_version(Session *session, const Manifest *manifest, GBytes *opening, Held *held, gboolean *begun, GError **error)
{
    GError *failed = NULL;
    gboolean had_base = FALSE;

    if (attempt(session, manifest, opening, FALSE, held, begun, &had_base, &failed))
        return TRUE;
    if (had_base && (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DAMAGED) || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_VERIFY))) {
        g_error_free(failed);
        return attempt(session, manifest, opening, TRUE, held, begun, &had_base, error);
    }
    g_propagate_error(error, failed);
    return FALSE;
}
