#include "sync/bundle/road.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/ledger/merkle.h"
#include "sync/bundle/pieces.h"
#include "sync/decimal.h"
#include "sync/transport/road.h"

#define NUMBER "%016" G_GUINT64_FORMAT
#define PIECE (256 * 1024)
#define POSTED_MAX 64

/* Where a page of the version being asked for is. */
typedef struct {
    PagePlace place;           /* first: the hash is of this */
    guint file, frame;
} Place;

struct Road {
    Parcel *parcel;
    GPtrArray *posted;
    char *chunks_path;         /* of the file last read, */
    Pieces *chunks;            /* and what is in it */
    char pages_of[DIGEST_HEX_SIZE];
    GHashTable *places;        /* of Place*, a set: of the version @pages_of */
    char *pages_path;          /* of the file last read */
    Pieces *pages;
};

/* One answer being given. */
typedef struct {
    Road *road;
    const RoadRequest *request;
    RoadBody body;
    gpointer data;
} Giving;

void
posted_free(gpointer data)
{
    Posted *posted = data;

    g_free(posted->path);
    g_bytes_unref(posted->body);
    g_free(posted);
}

char *
bundle_records_path(const char *node, guint64 from)
{
    return g_strdup_printf(BUNDLE_LEDGERS "%s/records-" NUMBER, node, from);
}

char *
bundle_chunks_path(const char *hex, guint64 first, guint64 last)
{
    return g_strdup_printf(BUNDLE_VERSIONS "%s/chunks-" NUMBER "-" NUMBER, hex, first, last);
}

static gboolean
give(Giving *giving, GBytes *bytes, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);

    return size == 0 || giving->body(giving->data, 200, data, size, error);
}

static gboolean
give_file(Giving *giving, const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = parcel_read(giving->road->parcel, path, error);

    return bytes && give(giving, bytes, error);
}

/* The file of @prefix whose name goes on with the largest number that is not above @number; NULL: there is none. */
static const char *
find_numbered(const Road *road, const char *prefix, guint64 number)
{
    g_autofree char *above = g_strdup_printf("%s" NUMBER "~", prefix, number);
    guint index = parcel_search(road->parcel, above);
    const char *path = index > 0 ? parcel_path(road->parcel, index - 1) : NULL;

    return path && g_str_has_prefix(path, prefix) ? path : NULL;
}

/* A stream of records being gone through: what the receiver holds is left out. */
typedef struct {
    Giving *giving;
    guint64 from, next;        /* the first record to give; the number of the next that comes */
    gboolean wanted;           /* the batch is */
    GString *out;
} Records;

static gboolean
flush(Records *records, gsize least, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;

    if (records->out->len == 0 || records->out->len < least)
        return TRUE;
    bytes = g_bytes_new(records->out->str, records->out->len);
    g_string_truncate(records->out, 0);
    return give(records->giving, bytes, error);
}

static gboolean
pass_batch(gpointer data, guint64 first, guint count, GBytes *signature, GError **error)
{
    Records *records = data;

    records->next = first + count;
    records->wanted = first >= records->from;
    if (!records->wanted && records->next > records->from)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "records: E10: want a batch that begins at %" G_GUINT64_FORMAT, records->from);
    if (records->wanted)
        record_stream_write_batch(records->out, first, count, signature);
    return TRUE;
}

static gboolean
pass_entry(gpointer data, const char *entry, gsize size, GError **error)
{
    Records *records = data;

    if (records->wanted)
        g_string_append_len(records->out, entry, (gssize)size);
    return flush(records, PIECE, error);
}

static gboolean
pass_file(Records *records, const char *path, GError **error)
{
    static const RecordStreamEvents events = { .batch = pass_batch, .entry = pass_entry };
    g_autoptr(RecordStream) stream = record_stream_new(&events, records);
    g_autoptr(GBytes) bytes = parcel_read(records->giving->road->parcel, path, error);
    gsize size;
    const void *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;

    return data && record_stream_feed(stream, data, size, error) && record_stream_end(stream, error);
}

/* B18 */
static gboolean
give_records(Giving *giving, const char *node, guint64 from, GError **error)
{
    g_autofree char *prefix = g_strdup_printf(BUNDLE_LEDGERS "%s/records-", node);
    const char *path = find_numbered(giving->road, prefix, from), *before = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    Records records = { .giving = giving, .from = from, .next = from, .out = out };

    if (!path)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND,
                           "records: B18: the bundle does not go back to record %" G_GUINT64_FORMAT ": want one made for what is held here (--since the receipt of this node)", from);
    for (; path && path != before; path = find_numbered(giving->road, prefix, records.next)) {
        before = path;
        if (!pass_file(&records, path, error))
            return FALSE;
    }
    record_stream_write_end(out);
    return flush(&records, 0, error);
}

/* The open part of a ledger being gone through: its proof of consistency is made anew, from where the receiver holds it. */
typedef struct {
    Records records;
    GBytes *leaves;            /* hashes of all entries; NULL: none are there */
    guint64 from;
} OpenPart;

static gboolean
pass_sparse(gpointer data, guint64 index, const char *entry, gsize size, const Digest *proof, guint count, GError **error)
{
    OpenPart *part = data;
    g_autoptr(GBytes) bytes = g_bytes_new(entry, size);

    record_stream_write_sparse(part->records.out, index, bytes, proof, count);
    return flush(&part->records, PIECE, error);
}

/* The node of the tree over leaf hashes @n << @level and on. */
static gboolean
read_node(gpointer data, guint level, guint64 n, Digest *node, GError **error)
{
    OpenPart *part = data;
    gsize size;
    const guint8 *leaves = g_bytes_get_data(part->leaves, &size);
    Digest left, right;

    if (level > 0) {
        if (!read_node(data, level - 1, 2 * n, &left, error) || !read_node(data, level - 1, 2 * n + 1, &right, error))
            return FALSE;
        merkle_node(&left, &right, node);
        return TRUE;
    }
    if (n >= size / sizeof *node)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "hashes: B19: want those of all records, have fewer");
    memcpy(node, leaves + n * sizeof *node, sizeof *node);
    return TRUE;
}

static gboolean
pass_checkpoint(gpointer data, guint64 old_size, const Digest *proof, guint count, const char *note, gsize size, GError **error)
{
    OpenPart *part = data;
    g_autoptr(GBytes) leaves = part->leaves ? g_bytes_ref(part->leaves) : NULL;
    g_autoptr(GArray) hashes = NULL;
    g_autofree char *text = g_strndup(note, size);
    guint64 records = leaves ? g_bytes_get_size(leaves) / sizeof(Digest) : 0;

    if (part->from == old_size)
        hashes = g_array_append_vals(g_array_new(FALSE, FALSE, sizeof(Digest)), proof, count);
    else if (part->from > records)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "sparse: B19: the bundle is older than what is held here: it has %" G_GUINT64_FORMAT " records of it", records);
    else if (!(hashes = merkle_consistency_of(read_node, part, part->from, records, error)))
        return FALSE;
    record_stream_write_checkpoint(part->records.out, part->from, (const Digest *)(gpointer)hashes->data, hashes->len, text);
    return TRUE;
}

/* B19 */
static gboolean
give_sparse(Giving *giving, const char *node, guint64 from, GError **error)
{
    static const RecordStreamEvents events = { .sparse = pass_sparse, .checkpoint = pass_checkpoint };
    g_autofree char *path = g_strdup_printf(BUNDLE_LEDGERS "%s/sparse", node), *leaves_path = g_strdup_printf(BUNDLE_LEDGERS "%s/hashes", node);
    g_autoptr(GBytes) bytes = parcel_read(giving->road->parcel, path, error), leaves = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    OpenPart part = { .records = { .giving = giving, .out = out }, .from = from };
    g_autoptr(RecordStream) stream = record_stream_new(&events, &part);

    if (!bytes || (from > 0 && !(leaves = parcel_read(giving->road->parcel, leaves_path, error))))
        return FALSE;
    part.leaves = leaves;
    if (!record_stream_feed(stream, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error) || !record_stream_end(stream, error))
        return FALSE;
    record_stream_write_end(out);
    return flush(&part.records, 0, error);
}

static gboolean
pass_over(gpointer data, guint64 index, const char *entry, gsize size, const Digest *proof, guint count, GError **error)
{
    return TRUE;
}

static gboolean
keep_note(gpointer data, guint64 old_size, const Digest *proof, guint count, const char *note, gsize size, GError **error)
{
    Comparison *comparison = data;

    g_free(comparison->checkpoint);
    comparison->checkpoint = g_strndup(note, size);
    return TRUE;
}

static gboolean
compare(Comparison *comparison, GBytes *leaves, guint64 shown, GError **error)
{
    OpenPart part = { .leaves = leaves };
    guint64 records = g_bytes_get_size(leaves) / sizeof(Digest);

    if (shown > records)
        return TRUE;
    g_clear_pointer(&comparison->hashes, g_array_unref);
    comparison->hashes = merkle_consistency_of(read_node, &part, shown, records, error);
    comparison->has_root = TRUE;
    return comparison->hashes && merkle_root_of(read_node, &part, 0, shown, &comparison->root, error);
}

/* E29, of an open part: two bundles of one writer show two histories. It is this node that asks, so what it shows is what it says. */
static gboolean
give_comparison(Giving *giving, const char *node, GError **error)
{
    static const RecordStreamEvents events = { .sparse = pass_over, .checkpoint = keep_note };
    g_autofree char *path = g_strdup_printf(BUNDLE_LEDGERS "%s/sparse", node), *leaves_path = g_strdup_printf(BUNDLE_LEDGERS "%s/hashes", node);
    gsize size = 0;
    const char *body = giving->request->body ? g_bytes_get_data(giving->request->body, &size) : NULL;
    g_autofree char *shown = g_strndup(body ? body : "", size);
    g_auto(GStrv) lines = g_strsplit(shown, "\n", 3);
    g_autoptr(Comparison) comparison = comparison_new();
    g_autoptr(RecordStream) stream = record_stream_new(&events, comparison);
    g_autoptr(GBytes) bytes = parcel_read(giving->road->parcel, path, error), leaves = bytes ? parcel_read(giving->road->parcel, leaves_path, error) : NULL, answer = NULL;
    guint64 records;

    if (!leaves || !record_stream_feed(stream, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error) || !record_stream_end(stream, error))
        return FALSE;
    if (g_strv_length(lines) < 2 || !decimal_parse(lines[1], DECIMAL_MAX, &records))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "E29: want a checkpoint");
    answer = compare(comparison, leaves, records, error) ? comparison_format(comparison, error) : NULL;
    return answer && give(giving, answer, error);
}

static const guint8 absent[WIRE_FRAME_HEADER_SIZE];

static gboolean
give_frame(Giving *giving, const Pieces *pieces, guint index, gboolean patches, GError **error)
{
    gsize size = sizeof absent;
    const guint8 *frame = pieces ? pieces_frame(pieces, index, patches, &size) : NULL;

    if (!frame)
        size = sizeof absent;
    return giving->body(giving->data, 200, frame ? frame : absent, size, error);
}

/* The file into *@pieces, unless it is there.  NULL: it is damaged, which the parcel has noted. */
static Pieces *
load(Road *road, const char *path, gboolean pages, char **loaded, Pieces **pieces)
{
    g_autoptr(GBytes) bytes = NULL;

    if (*pieces && strcmp(*loaded, path) == 0)
        return *pieces;
    g_clear_pointer(pieces, pieces_free);
    g_free(*loaded);
    *loaded = g_strdup(path);
    bytes = parcel_read(road->parcel, path, NULL);
    *pieces = bytes ? pieces_parse(bytes, pages, NULL) : NULL;
    return *pieces;
}

/* B17 */
static Pieces *
find_chunk(Road *road, const char *prefix, guint64 position, guint *index)
{
    const char *path;
    Pieces *pieces;

    if (road->chunks && g_str_has_prefix(road->chunks_path, prefix) && pieces_find(road->chunks, position, index))
        return road->chunks;
    path = find_numbered(road, prefix, position);
    pieces = path ? load(road, path, FALSE, &road->chunks_path, &road->chunks) : NULL;
    return pieces && pieces_find(pieces, position, index) ? pieces : NULL;
}

static gboolean
give_range(Giving *giving, const char *prefix, const PositionRange *range, gboolean patches, GError **error)
{
    for (guint64 position = range->first; position <= range->last; position++) {
        guint index = 0;
        const Pieces *pieces = find_chunk(giving->road, prefix, position, &index);

        if (!give_frame(giving, pieces, index, patches, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
give_chunks(Giving *giving, const char *hex, GError **error)
{
    g_autofree char *prefix = g_strdup_printf(BUNDLE_VERSIONS "%s/chunks-", hex);
    g_autoptr(GBytes) rest = NULL;
    g_autoptr(GArray) ranges = NULL;
    gboolean any;
    Digest have;

    if (!have_parse(giving->request->body, &any, &have, &rest, error) || !(ranges = ranges_parse(rest, error)))
        return FALSE;
    for (guint i = 0; i < ranges->len; i++) {
        if (!give_range(giving, prefix, &g_array_index(ranges, PositionRange, i), any, error))
            return FALSE;
    }
    return TRUE;
}

static guint
place_hash(gconstpointer data)
{
    const PagePlace *place = data;

    return (guint)(place->first_item * 31 + place->level);
}

static gboolean
place_equal(gconstpointer a, gconstpointer b)
{
    const PagePlace *one = a, *two = b;

    return one->level == two->level && one->first_item == two->first_item;
}

static void
list_places(Road *road, guint file)
{
    const Pieces *pieces = load(road, parcel_path(road->parcel, file), TRUE, &road->pages_path, &road->pages);

    for (guint i = 0; pieces && i < pieces->places->len; i++) {
        Place *place = g_new(Place, 1);

        *place = (Place){ g_array_index(pieces->places, PagePlace, i), file, i };
        g_hash_table_add(road->places, place);
    }
}

/* B16: which pages of a version are where; of one version at a time. */
static void
learn_places(Road *road, const char *hex)
{
    g_autofree char *prefix = g_strdup_printf(BUNDLE_VERSIONS "%s/pages-", hex);

    if (road->places && strcmp(road->pages_of, hex) == 0)
        return;
    g_clear_pointer(&road->places, g_hash_table_unref);
    road->places = g_hash_table_new_full(place_hash, place_equal, g_free, NULL);
    g_strlcpy(road->pages_of, hex, sizeof road->pages_of);
    for (guint i = parcel_search(road->parcel, prefix); i < parcel_count(road->parcel) && g_str_has_prefix(parcel_path(road->parcel, i), prefix); i++)
        list_places(road, i);
}

static gboolean
give_pages(Giving *giving, const char *hex, GError **error)
{
    Road *road = giving->road;
    g_autoptr(GBytes) rest = NULL;
    g_autoptr(GArray) places = NULL;
    gboolean any;
    Digest have;

    if (!have_parse(giving->request->body, &any, &have, &rest, error) || !(places = places_parse(rest, error)))
        return FALSE;
    learn_places(road, hex);
    for (guint i = 0; i < places->len; i++) {
        const Place *place = g_hash_table_lookup(road->places, &g_array_index(places, PagePlace, i));
        const Pieces *pieces = place ? load(road, parcel_path(road->parcel, place->file), TRUE, &road->pages_path, &road->pages) : NULL;

        if (!give_frame(giving, pieces, place ? place->frame : 0, any, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
not_here(const Giving *giving, GError **error)
{
    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: B15: is not in the bundle", giving->request->path);
}

/* B15: "NODE/compare". */
static gboolean
give_post_of_ledger(Giving *giving, const char *rest, GError **error)
{
    const char *slash = strchr(rest, '/');
    g_autofree char *node = slash ? g_strndup(rest, (gsize)(slash - rest)) : NULL;

    return node && node_id_valid(node) && strcmp(slash, "/compare") == 0 ? give_comparison(giving, node, error) : not_here(giving, error);
}

/* B15: "NODE/records?from=N", "NODE/sparse?from=N". */
static gboolean
give_ledger(Giving *giving, const char *rest, GError **error)
{
    const char *slash = strchr(rest, '/'), *query = slash ? strstr(slash, "?from=") : NULL;
    g_autofree char *node = slash ? g_strndup(rest, (gsize)(slash - rest)) : NULL, *what = query ? g_strndup(slash + 1, (gsize)(query - slash) - 1) : NULL;
    guint64 from;

    if (!what || !node_id_valid(node) || !decimal_parse(query + strlen("?from="), DECIMAL_MAX, &from))
        return not_here(giving, error);
    if (strcmp(what, "records") == 0)
        return give_records(giving, node, from, error);
    return strcmp(what, "sparse") == 0 ? give_sparse(giving, node, from, error) : not_here(giving, error);
}

static gboolean
give_version(Giving *giving, const char *rest, GError **error)
{
    static const struct { const char *name, *file; } documents[] = { { "content", "content.json" }, { "details", "details.json" } };
    const char *slash = strchr(rest, '/');
    g_autofree char *hex = slash ? g_strndup(rest, (gsize)(slash - rest)) : NULL;
    Digest digest;

    if (!hex || !digest_parse_hex(hex, &digest, NULL))
        return not_here(giving, error);
    for (guint i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autofree char *path = g_strdup_printf(BUNDLE_VERSIONS "%s/%s", hex, documents[i].file);

        if (strcmp(slash + 1, documents[i].name) == 0)
            return give_file(giving, path, error);
    }
    if (strcmp(slash + 1, "pages") == 0)
        return give_pages(giving, hex, error);
    return strcmp(slash + 1, "chunks") == 0 ? give_chunks(giving, hex, error) : not_here(giving, error);
}

static gboolean
give_exchange(Giving *giving, const char *rest, GError **error)
{
    return give_file(giving, BUNDLE_EXCHANGE, error);
}

static gboolean
give_evidence(Giving *giving, const char *rest, GError **error)
{
    g_autofree char *path = g_strconcat(BUNDLE_EVIDENCE, rest, NULL);

    return give_file(giving, path, error);
}

static void
keep_posted(Giving *giving)
{
    Posted *posted = g_new0(Posted, 1);

    posted->path = g_strdup(giving->request->path);
    posted->body = giving->request->body ? g_bytes_ref(giving->request->body) : g_bytes_new(NULL, 0);
    g_ptr_array_add(giving->road->posted, posted);
}

/* B27: nobody is there who could know of it. */
static gboolean
take_arrivals(Giving *giving, const char *rest, GError **error)
{
    const ArrivalsReply reply = { 0 };
    g_autoptr(GBytes) bytes = arrivals_reply_format(&reply, error);

    keep_posted(giving);
    return bytes && give(giving, bytes, error);
}

static gboolean
take_posted(Giving *giving, const char *rest, GError **error)
{
    keep_posted(giving);
    return not_here(giving, error);
}

static const struct {
    const char *method, *path;   /* a path that ends in a slash leaves open what follows */
    gboolean (*give)(Giving *giving, const char *rest, GError **error);
    gboolean kept;
} routes[] = {
    { "POST", "/v1/exchange", give_exchange, FALSE },
    { "GET", "/v1/ledgers/", give_ledger, FALSE },
    { "POST", "/v1/ledgers/", give_post_of_ledger, FALSE },
    { "GET", "/v1/versions/", give_version, FALSE },
    { "POST", "/v1/versions/", give_version, FALSE },
    { "GET", "/v1/evidence/", give_evidence, FALSE },
    { "POST", "/v1/arrivals", take_arrivals, TRUE },
    { "POST", "/v1/cosignatures", take_posted, TRUE },
    { "POST", "/v1/evidence", take_posted, TRUE },
};

static gboolean
answer(Giving *giving, GError **error)
{
    const RoadRequest *request = giving->request;

    for (guint i = 0; i < G_N_ELEMENTS(routes); i++) {
        gsize size = strlen(routes[i].path);
        gboolean open = routes[i].path[size - 1] == '/';

        if (strcmp(request->method, routes[i].method) != 0 || (open ? strncmp(request->path, routes[i].path, size) : strcmp(request->path, routes[i].path)) != 0)
            continue;
        if (routes[i].kept && giving->road->posted->len >= POSTED_MAX)
            return not_here(giving, error);
        return routes[i].give(giving, request->path + size, error);
    }
    return not_here(giving, error);
}

/* Once part of an answer was given an error breaks it off; before that it is an answer of its own. */
typedef struct {
    RoadBody body;
    gpointer data;
    gboolean begun;
    gboolean refused;          /* by who takes it: its error goes through */
} Passing;

static gboolean
pass_on(gpointer data, int status, const void *bytes, gsize size, GError **error)
{
    Passing *passing = data;
    gboolean good;

    passing->begun = TRUE;
    good = passing->body(passing->data, status, bytes, size, error);
    passing->refused = !good;
    return good;
}

static gboolean
bundle_request(Road *road, const RoadRequest *request, RoadBody body, gpointer data, int *status, GError **error)
{
    Passing passing = { body, data, FALSE, FALSE };
    Giving giving = { road, request, pass_on, &passing };
    g_autoptr(GError) failed = NULL;
    g_autoptr(GBytes) problem = NULL;
    gsize size;
    const void *bytes;

    *status = 200;
    if (answer(&giving, &failed))
        return TRUE;
    if (passing.begun || passing.refused) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    *status = chama_error_http_status(failed);
    problem = problem_format(failed);
    bytes = g_bytes_get_data(problem, &size);
    return body(data, *status, bytes, size, error);
}

static void
bundle_close(Road *road)
{
    g_clear_pointer(&road->chunks, pieces_free);
    g_clear_pointer(&road->pages, pieces_free);
    g_clear_pointer(&road->places, g_hash_table_unref);
    g_free(road->chunks_path);
    g_free(road->pages_path);
    g_free(road);
}

static gboolean
bundle_peer_pin(Road *road, Digest *pin)
{
    return FALSE;
}

static const char *
bundle_library(void)
{
    return "none";
}

static const RoadKind road_bundle = { .close = bundle_close, .request = bundle_request, .peer_pin = bundle_peer_pin, .library = bundle_library };

Transport *
bundle_road(Parcel *parcel, GPtrArray *posted)
{
    Road *road = g_new0(Road, 1);

    road->parcel = parcel;
    road->posted = posted;
    return transport_along(&road_bundle, road);
}
