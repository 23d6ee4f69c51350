/* The versions of a bundle, B16 and B17 of sync/BUNDLE.md. */
#include <string.h>

#include "keys/error.h"
#include "manifests/listing/known.h"
#include "manifests/version.h"
#include "sync/bundle/making.h"
#include "sync/bundle/pieces.h"
#include "sync/bundle/road.h"
#include "sync/pull/plan.h"
#include "sync/pull/transfer.h"

#define SEEN_MAX (512 * 1024)     /* I6: beyond it a chunk or page that two versions have may go in twice */
#define PAGES_IN_FILE 128         /* at most 8 MiB */

/* What is in the bundle already for the owner @node. */
typedef struct {
    const char *node;
    GHashTable *digests;          /* set of Digest* */
} Seen;

/* One version being put in. */
typedef struct {
    Making *making;
    const Manifest *manifest;
    Held held;
    char hex[DIGEST_HEX_SIZE];
    Seen *seen;
    guint files;
    GArray *places;               /* of PagePlace */
    ChunkBatch *batch;
} Putting;

static void
putting_clear(Putting *putting)
{
    g_clear_pointer(&putting->places, g_array_unref);
    g_clear_pointer(&putting->batch, chunk_batch_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Putting, putting_clear)

static gboolean
see(Seen *seen, const Digest *digest)
{
    if (g_hash_table_contains(seen->digests, digest))
        return FALSE;
    if (g_hash_table_size(seen->digests) < SEEN_MAX)
        g_hash_table_add(seen->digests, g_memdup2(digest, sizeof *digest));
    return TRUE;
}

static GBytes *
get_page(gpointer data, const Digest *digest, GError **error)
{
    Store *store = home_store(((Putting *)data)->making->home, error);

    return store ? store_get(store, digest, error) : NULL;
}

static gboolean
put_document(Putting *putting, const char *what, const char *file, gsize limit, GError **error)
{
    g_autofree char *path = g_strdup_printf("/v1/versions/%s/%s", putting->hex, what), *name = g_strdup_printf(BUNDLE_VERSIONS "%s/%s", putting->hex, file);
    g_autoptr(GBytes) bytes = making_fetch(putting->making, "GET", path, NULL, NULL, limit, error);

    return bytes && packing_add_common(putting->making->packing, name, bytes, error);
}

/* For people, and `bundle show`: the record stands in the ledger. */
static gboolean
put_manifest(Putting *putting, GError **error)
{
    Catalogue *catalogue = home_catalogue(putting->making->home, error);
    g_autoptr(Record) record = catalogue ? catalogue_record(catalogue, &putting->manifest->address, error) : NULL;
    g_autofree char *name = g_strdup_printf(BUNDLE_VERSIONS "%s/manifest.json", putting->hex);

    return record && packing_add_common(putting->making->packing, name, record->bytes, error);
}

/* What is missing or damaged here the receiver could not use. */
static gboolean
check_frames(const Pieces *pieces, const char *what, GError **error)
{
    gsize size;

    for (guint i = 0; i + 1 < pieces->offsets->len; i++) {
        if (!pieces_frame(pieces, i, TRUE, &size))
            return chama_error(error, CHAMA_ERROR_DAMAGED, "a %s of it is missing or damaged here; see `chama fsck`", what);
    }
    return TRUE;
}

/* What was asked, an empty line, and the answer. */
static GBytes *
ask_pieces(Putting *putting, const char *what, GBytes *asked, gboolean pages, GError **error)
{
    g_autofree char *path = g_strdup_printf("/v1/versions/%s/%s", putting->hex, what);
    g_autoptr(GBytes) frames = making_fetch(putting->making, "POST", path, NULL, asked, TAR_FILE_MAX - REQUEST_BODY_MAX, error);
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(Pieces) pieces = NULL;

    if (!frames)
        return NULL;
    g_byte_array_append(file, g_bytes_get_data(asked, NULL), (guint)g_bytes_get_size(asked));
    g_byte_array_append(file, (const guint8 *)"\n", 1);
    g_byte_array_append(file, g_bytes_get_data(frames, NULL), (guint)g_bytes_get_size(frames));
    bytes = g_byte_array_free_to_bytes(g_steal_pointer(&file));
    pieces = pieces_parse(bytes, pages, error);
    return pieces && check_frames(pieces, pages ? "page" : "chunk", error) ? g_steal_pointer(&bytes) : NULL;
}

static gboolean
flush_pages(Putting *putting, GError **error)
{
    g_autofree char *name = g_strdup_printf(BUNDLE_VERSIONS "%s/pages-%06u", putting->hex, putting->files);
    g_autoptr(GBytes) asked = NULL, bytes = NULL;

    if (putting->places->len == 0)
        return TRUE;
    asked = places_format(putting->places);
    bytes = ask_pieces(putting, "pages", asked, TRUE, error);
    g_array_set_size(putting->places, 0);
    putting->files++;
    return bytes && packing_add_common(putting->making->packing, name, bytes, error);
}

/* Below a page that is in the bundle already all is. */
static gboolean
visit_page(gpointer data, const Digest *digest, const Page *page, guint64 first_item, GError **error)
{
    Putting *putting = data;
    gboolean root = digest_equal(digest, &putting->held.listing);
    const PagePlace place = { root ? WIRE_LEVEL_ROOT : page_level(page), first_item };

    if (!see(putting->seen, digest))
        return FALSE;
    g_array_append_val(putting->places, place);
    return putting->places->len < PAGES_IN_FILE || flush_pages(putting, error);
}

static gboolean
put_pages(Putting *putting, GError **error)
{
    putting->places = g_array_new(FALSE, FALSE, sizeof(PagePlace));
    return listing_foreach_page(&putting->held.listing, get_page, putting, visit_page, putting, error) && flush_pages(putting, error);
}

static gboolean
put_listing(Putting *putting, GError **error)
{
    return put_manifest(putting, error) &&
           (putting->manifest->share == SHARE_OPEN || put_document(putting, "content", "content.json", CONTENT_SIZE_MAX, error)) &&
           put_document(putting, "details", "details.json", DETAILS_SIZE_MAX, error) && put_pages(putting, error);
}

static gboolean
flush_chunks(Putting *putting, GError **error)
{
    g_autoptr(ChunkBatch) batch = g_steal_pointer(&putting->batch);
    const PositionRange *first, *last;
    g_autofree char *name = NULL;
    g_autoptr(GBytes) asked = NULL, bytes = NULL;

    putting->batch = chunk_batch_new(1);
    putting->batch->bytes_max = PIECES_BYTES;
    if (!batch || batch->wanted->len == 0)
        return TRUE;
    first = &g_array_index(batch->ranges, PositionRange, 0);
    last = &g_array_index(batch->ranges, PositionRange, batch->ranges->len - 1);
    name = bundle_chunks_path(putting->hex, first->first, last->last);
    asked = ranges_format(batch->ranges);
    bytes = ask_pieces(putting, "chunks", asked, FALSE, error);
    putting->making->result->chunks += batch->wanted->len;
    return bytes && packing_add(putting->making->packing, name, bytes, error);
}

static gboolean
visit_chunk(Putting *putting, guint64 position, const ChunkRef *chunk, GError **error)
{
    progress_add(putting->making->options->progress, (gint64)(chunk->size * chunk->run), 0);
    if (!see(putting->seen, &chunk->digest) || chunk_batch_add(putting->batch, position, chunk))
        return TRUE;
    if (!flush_chunks(putting, error))
        return FALSE;
    return chunk_batch_add(putting->batch, position, chunk) || chama_error(error, CHAMA_ERROR_FAILED, "a chunk does not fit into a file of its own");
}

static gboolean
put_chunks(Putting *putting, GError **error)
{
    g_auto(PartPages) parts = part_pages_new();
    g_autoptr(ListingCursor) cursor = listing_cursor_new(&putting->held.listing, get_page, putting, error);
    g_autoptr(GError) failed = NULL;
    const Item *item;
    guint64 first;

    if (!cursor || !flush_chunks(putting, error))
        return FALSE;
    listing_cursor_pass_over(cursor, part_pages_see, &parts);
    while (listing_cursor_next(cursor, &item, &first, NULL, &failed)) {
        for (guint i = 0; i < item->chunk_count; i++) {
            if (!visit_chunk(putting, first + i, &item->chunks[i], error))
                return FALSE;
        }
    }
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return part_pages_check(&parts, error) && flush_chunks(putting, error);
}

static gboolean
learn_page(gpointer data, const Digest *digest, const Page *page, guint64 first_item, GError **error)
{
    return see(((Putting *)data)->seen, digest);
}

/* What the receiver holds of a version it is not sent again (B30); what cannot be read here is. */
static void
learn_version(Making *making, const Manifest *manifest, Seen *seen)
{
    g_auto(Putting) putting = { .making = making, .manifest = manifest, .seen = seen };
    g_auto(PartPages) parts = part_pages_new();
    g_autoptr(ListingCursor) cursor = NULL;
    const Item *item;
    guint64 first;

    if (!version_roots(making->home, manifest, &putting.held, NULL) || !(cursor = listing_cursor_new(&putting.held.listing, get_page, &putting, NULL)))
        return;
    listing_cursor_pass_over(cursor, part_pages_see, &parts);
    while (listing_cursor_next(cursor, &item, &first, NULL, NULL)) {
        for (guint i = 0; i < item->chunk_count; i++)
            see(seen, &item->chunks[i].digest);
    }
    listing_foreach_page(&putting.held.listing, get_page, &putting, learn_page, &putting, NULL);
}

static gboolean
is_of_dataset(const Making *making, const Manifest *manifest)
{
    for (guint i = 0; i < making->versions->len; i++) {
        const Manifest *other = making->versions->pdata[i];

        if (strcmp(other->node, manifest->node) == 0 && strcmp(other->name, manifest->name) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Versions of the same datasets and owner alone. */
static void
learn_held(Making *making, Seen *seen)
{
    Catalogue *catalogue = home_catalogue(making->home, NULL);
    GHashTableIter iter;
    gpointer digest;

    g_hash_table_iter_init(&iter, making->held);
    while (catalogue && g_hash_table_iter_next(&iter, &digest, NULL)) {
        g_autoptr(Manifest) manifest = catalogue_manifest(catalogue, digest, NULL);

        if (manifest && strcmp(manifest->node, seen->node) == 0 && is_of_dataset(making, manifest))
            learn_version(making, manifest, seen);
    }
}

static gboolean
put_version(Making *making, const Manifest *manifest, Seen *seen, gboolean (*put)(Putting *, GError **), GError **error)
{
    g_auto(Putting) putting = { .making = making, .manifest = manifest, .seen = seen };

    digest_format_hex(&manifest->address, putting.hex);
    if (g_strcmp0(seen->node, manifest->node) != 0) {
        g_hash_table_remove_all(seen->digests);
        seen->node = manifest->node;
        learn_held(making, seen);
    }
    if (making_check(making, error) && version_roots(making->home, manifest, &putting.held, error) && put(&putting, error))
        return TRUE;
    g_prefix_error(error, "%s@%" G_GUINT64_FORMAT ": ", manifest->name, manifest->version);
    return FALSE;
}

/* Nothing of what goes in is freed meanwhile. */
static gboolean
put_versions(Making *making, gboolean (*put)(Putting *, GError **), GError **error)
{
    g_autoptr(GHashTable) digests = g_hash_table_new_full(digest_hash, digest_equal, g_free, NULL);
    Seen seen = { NULL, digests };

    for (guint i = 0; i < making->versions->len; i++) {
        if (!put_version(making, making->versions->pdata[i], &seen, put, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
making_put_listings(Making *making, GError **error)
{
    return put_versions(making, put_listing, error);
}

gboolean
making_put_chunks(Making *making, GError **error)
{
    return put_versions(making, put_chunks, error);
}
