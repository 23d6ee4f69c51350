#include "sync/bundle/road_private.h"

#include <string.h>

#include "keys/error.h"
#include "sync/decimal.h"

#define NUMBER "%016" G_GUINT64_FORMAT
#define POSTED_MAX 64

/* Where a page of the version being asked for is. */
typedef struct {
    PagePlace place;           /* first: the hash is of this */
    guint file, frame;
} Place;

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

gboolean
bundle_give(Giving *giving, GBytes *bytes, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);

    return size == 0 || giving->body(giving->data, 200, data, size, error);
}

static gboolean
give_file(Giving *giving, const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = parcel_read(giving->road->parcel, path, error);

    return bytes && bundle_give(giving, bytes, error);
}

const char *
bundle_find_numbered(const Road *road, const char *prefix, guint64 number)
{
    g_autofree char *above = g_strdup_printf("%s" NUMBER "~", prefix, number);
    guint index = parcel_search(road->parcel, above);
    const char *path = index > 0 ? parcel_path(road->parcel, index - 1) : NULL;

    return path && g_str_has_prefix(path, prefix) ? path : NULL;
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
    path = bundle_find_numbered(road, prefix, position);
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

    return node && node_id_valid(node) && strcmp(slash, "/compare") == 0 ? bundle_give_comparison(giving, node, error) : not_here(giving, error);
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
        return bundle_give_records(giving, node, from, error);
    return strcmp(what, "sparse") == 0 ? bundle_give_sparse(giving, node, from, error) : not_here(giving, error);
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
    return bytes && bundle_give(giving, bytes, error);
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
