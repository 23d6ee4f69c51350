#include "manifests/version.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/erasing.h"
#include "manifests/memories.h"

/* Where the documents of a version stand once they are stored. */
typedef struct {
    Digest listing, details, content;
} Documents;

void
publish_result_clear(PublishResult *result)
{
    g_clear_pointer(&result->manifest, manifest_free);
}

static const char *
first_of(const char *given, const char *carried)
{
    return given ? given : carried;
}

static gboolean
same_text(const char *a, const char *b)
{
    return g_strcmp0(a ? a : "", b ? b : "") == 0;
}

/* "" takes a title away. */
static char *
text_or_null(const char *text)
{
    return text && *text ? g_strdup(text) : NULL;
}

/* Publish. */

typedef struct {
    Home *home;
    const PublishOptions *options;
    Manifest *previous;          /* NULL: this is the first */
    Details *previous_details;   /* NULL: the first, or no longer held */
    Share share;
    Documents documents;
    Details *details;
    PublishResult *result;
} Publication;

static void
publication_clear(Publication *publication)
{
    g_clear_pointer(&publication->previous, manifest_free);
    g_clear_pointer(&publication->previous_details, details_free);
    g_clear_pointer(&publication->details, details_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Publication, publication_clear)

static gboolean
find_previous(Publication *publication, GError **error)
{
    g_autoptr(GError) missing = NULL;
    Catalogue *catalogue = home_catalogue(publication->home, error);

    if (!catalogue)
        return FALSE;
    g_clear_pointer(&publication->previous, manifest_free);
    publication->previous = catalogue_version(catalogue, home_id(publication->home), publication->options->name, 0, &missing);
    if (publication->previous || g_error_matches(missing, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&missing));
    return FALSE;
}

static gboolean
own_scope(Home *home, Share share, Scope *scope, GError **error)
{
    if (share != SHARE_OPEN)
        return node_id_parse(home_id(home), scope, error);
    *scope = SCOPE_OPEN;
    return TRUE;
}

static gboolean
ingest(Publication *publication, StoreWriter *writer, Memory *memory, GError **error)
{
    const PublishOptions *options = publication->options;
    IngestOptions how = options->ingest;
    IngestResult *result = &publication->result->ingest;
    Held earlier;

    how.memory = memory;
    how.store = home_store(publication->home, NULL);
    if (publication->previous && version_roots(publication->home, publication->previous, &earlier, NULL))
        how.earlier = &earlier.listing;
    if (options->unpack)
        return ingest_archive(writer, options->path, &how, result, error);
    if (g_file_test(options->path, G_FILE_TEST_IS_DIR))
        return ingest_folder(writer, options->path, &how, result, error);
    return ingest_file(writer, options->path, &how, result, error);
}

static void
copy_inputs(GPtrArray *to, const GPtrArray *from)
{
    for (guint i = 0; from && i < from->len; i++)
        g_ptr_array_add(to, input_copy(g_ptr_array_index(from, i)));
}

static void
copy_labels(GPtrArray *to, char *const *given, const GPtrArray *carried)
{
    for (guint i = 0; given && given[i]; i++)
        g_ptr_array_add(to, g_strdup(given[i]));
    for (guint i = 0; !given && carried && i < carried->len; i++)
        g_ptr_array_add(to, g_strdup(g_ptr_array_index(carried, i)));
}

static Details *
make_details(const Publication *publication)
{
    const ListingTotals *totals = &publication->result->ingest.totals;
    Details *details = details_new();

    details->files = totals->files;
    details->folders = totals->folders;
    details->links = totals->links;
    details->bytes = totals->bytes;
    details->chunks = totals->positions;
    copy_labels(details->labels, publication->options->labels, publication->previous_details ? publication->previous_details->labels : NULL);
    copy_inputs(details->inputs, publication->options->inputs);
    details->activity = g_strdup(publication->options->activity);
    return details;
}

static gboolean
same_labels(const GPtrArray *a, const GPtrArray *b)
{
    if (a->len != b->len)
        return FALSE;
    for (guint i = 0; i < a->len; i++) {
        if (strcmp(g_ptr_array_index(a, i), g_ptr_array_index(b, i)) != 0)
            return FALSE;
    }
    return TRUE;
}

static gboolean
same_inputs(const GPtrArray *a, const GPtrArray *b)
{
    if (a->len != b->len)
        return FALSE;
    for (guint i = 0; i < a->len; i++) {
        const Input *x = g_ptr_array_index(a, i), *y = g_ptr_array_index(b, i);

        if (!digest_equal(&x->manifest, &y->manifest) || g_strcmp0(x->role, y->role) != 0)
            return FALSE;
    }
    return TRUE;
}

/* Nothing that a reader of the new version would see differs: equality is judged on the unsalted page tree, then on the card. */
static gboolean
is_unchanged(const Publication *publication)
{
    const PublishOptions *options = publication->options;
    const Manifest *previous = publication->previous;
    Held held;

    if (!previous || !publication->previous_details || !version_roots(publication->home, previous, &held, NULL))
        return FALSE;
    return digest_equal(&held.listing, &publication->result->ingest.totals.root) && publication->share == previous->share &&
           same_text(first_of(options->title_zh, previous->title_zh), previous->title_zh) &&
           same_text(first_of(options->title_en, previous->title_en), previous->title_en) &&
           same_text(first_of(options->level, previous->level), previous->level) &&
           same_labels(publication->details->labels, publication->previous_details->labels) &&
           (!options->activity || g_strcmp0(options->activity, publication->previous_details->activity) == 0) &&
           (!options->inputs || same_inputs(publication->details->inputs, publication->previous_details->inputs));
}

static Manifest *
make_manifest(const Publication *publication)
{
    const PublishOptions *options = publication->options;
    const Manifest *previous = publication->previous;
    gboolean open = publication->share == SHARE_OPEN;
    Manifest *manifest = manifest_new();

    g_strlcpy(manifest->name, options->name, sizeof manifest->name);
    g_strlcpy(manifest->node, home_id(publication->home), sizeof manifest->node);
    manifest->version = previous ? previous->version + 1 : 1;
    manifest->has_previous = previous != NULL;
    if (previous)
        manifest->previous = previous->address;
    manifest->title_zh = text_or_null(first_of(options->title_zh, previous ? previous->title_zh : NULL));
    manifest->title_en = text_or_null(first_of(options->title_en, previous ? previous->title_en : NULL));
    manifest->level = text_or_null(first_of(options->level, previous ? previous->level : NULL));
    manifest->message = text_or_null(options->message);
    manifest->share = publication->share;
    manifest->files = publication->details->files + publication->details->links;
    manifest->bytes = publication->details->bytes;
    if (!open) {
        manifest->files = round_up_to_power_of_two(manifest->files);
        manifest->bytes = round_up_to_power_of_two(manifest->bytes);
        manifest->content = publication->documents.content;
        return manifest;
    }
    manifest->listing = publication->documents.listing;
    manifest->details = publication->documents.details;
    copy_labels(manifest->labels, NULL, publication->details->labels);
    copy_inputs(manifest->inputs, publication->details->inputs);
    manifest->activity = g_strdup(publication->details->activity);
    return manifest;
}

static gboolean
put_document(StoreWriter *writer, GBytes *bytes, Digest *digest, guint64 *new_bytes, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);

    digest_of(data, size, digest);
    return !writer || store_writer_put(writer, OBJECT_DOCUMENT, digest, data, size, new_bytes, error);
}

/* Details, and for a dataset that is not open the salted content document, which alone the manifest will name. */
static gboolean
put_documents(Publication *publication, StoreWriter *writer, GError **error)
{
    Documents *documents = &publication->documents;
    guint64 *new_bytes = &publication->result->ingest.new_bytes;
    g_autoptr(GBytes) details = details_format(publication->details, error);
    g_autoptr(GBytes) content = NULL;
    Content sealed;

    documents->listing = publication->result->ingest.totals.root;
    if (!details || !put_document(writer, details, &documents->details, new_bytes, error))
        return FALSE;
    if (publication->share == SHARE_OPEN)
        return TRUE;
    sealed = (Content){ .listing = documents->listing, .details = documents->details };
    salt_generate(sealed.salt);
    content = content_format(&sealed, error);
    return content && put_document(writer, content, &documents->content, new_bytes, error);
}

/* With the ledger's lock held: the version before may have become another since ingestion began. */
static GBytes *
build_manifest(gpointer data, Home *home, GError **error)
{
    Publication *publication = data;
    g_autoptr(Manifest) manifest = NULL;

    if (!find_previous(publication, error))
        return NULL;
    manifest = make_manifest(publication);
    return manifest_format(manifest, error);
}

/* I1: what gc keeps is durable before the record that makes the version visible. */
static gboolean
hold_before(gpointer data, const Record *record, GError **error)
{
    Publication *publication = data;
    const Documents *documents = &publication->documents;
    State *state = home_state(publication->home, error);
    const Held held = { .manifest = record->address, .listing = documents->listing, .details = documents->details,
                        .content = documents->content, .complete = TRUE, .published = TRUE };

    return state && state_hold(state, &held, error);
}

static gboolean
commit_version(Publication *publication, StoreWriter *writer, GError **error)
{
    g_autoptr(Record) record = NULL;

    if (!put_documents(publication, writer, error) || !store_writer_commit(writer, error))
        return FALSE;
    record = home_state_built(publication->home, "manifest/1", build_manifest, hold_before, publication, error);
    if (!record)
        return FALSE;
    publication->result->manifest = manifest_parse(record, error);
    return publication->result->manifest != NULL;
}

static gboolean
carry_over(Publication *publication, GError **error)
{
    const PublishOptions *options = publication->options;

    if (!find_previous(publication, error))
        return FALSE;
    publication->share = options->has_share ? options->share : publication->previous ? publication->previous->share : SHARE_CONDITIONAL;
    if (publication->previous)
        publication->previous_details = version_details(publication->home, publication->previous, NULL);
    return TRUE;
}

/* What was read becomes a version, unless there is one that is the same, or nothing is to be made. */
static gboolean
finish(Publication *publication, StoreWriter *writer, GError **error)
{
    PublishResult *result = publication->result;

    publication->details = make_details(publication);
    result->unchanged = is_unchanged(publication);
    if (result->unchanged) {
        result->manifest = g_steal_pointer(&publication->previous);
        result->ingest.new_bytes = 0;
        return TRUE;
    }
    if (!publication->options->dry_run)
        return commit_version(publication, writer, error);
    if (!put_documents(publication, NULL, error))
        return FALSE;
    result->manifest = make_manifest(publication);
    return TRUE;
}

gboolean
version_publish(Home *home, const PublishOptions *options, PublishResult *result, GError **error)
{
    g_auto(Publication) publication = { .home = home, .options = options, .result = result };
    g_autoptr(StoreWriter) writer = NULL;
    g_autoptr(Memory) memory = NULL;
    Store *store = home_store(home, error);
    Scope scope;

    memset(result, 0, sizeof *result);
    if (!dataset_name_check(options->name, error) || !store || !carry_over(&publication, error) ||
        !own_scope(home, publication.share, &scope, error))
        return FALSE;
    /* Asks for the passphrase, and refuses what cannot be signed, before the long work. */
    if (!options->dry_run && (!home_signing_key(home, error) || !(writer = store_writer_new(store, &scope, error))))
        return FALSE;
    memory = options->unpack ? NULL : memories_open(home, options->name, options->path, options->rehash, writer);
    if (!ingest(&publication, writer, memory, error) || !finish(&publication, writer, error))
        return FALSE;
    if (memory && !options->dry_run)
        memories_keep(home, memory, writer, &result->ingest.totals.root);
    return TRUE;
}

/* What a version holds. */

/* S19: what was erased is not missing. */
static gboolean
not_held(Home *home, const Manifest *manifest, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(Erasure) erasure = NULL;
    char time[TIME_TEXT_SIZE];

    if (catalogue && erasure_of(catalogue, manifest, home_id(home), &erasure, NULL) && erasure)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "its content was erased %.10s: %s", time_format(erasure->time, time), erasure->reason);
    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "its content is not held here; %s", strcmp(manifest->node, home_id(home)) == 0
                       ? "it was dropped, publish it again to have it" : "follow the dataset and run `chama sync`");
}

gboolean
version_roots(Home *home, const Manifest *manifest, Held *held, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GError) failed = NULL;

    if (!state)
        return FALSE;
    if (state_held(state, &manifest->address, held, &failed) && held->complete && !erasing_is_pending(home, &manifest->address))
        return TRUE;
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return not_held(home, manifest, error);
}

Details *
version_details(Home *home, const Manifest *manifest, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    Held held;

    if (!version_roots(home, manifest, &held, error))
        return NULL;
    bytes = store_get(home_store(home, error), &held.details, error);
    return bytes ? details_parse(bytes, error) : NULL;
}

gboolean
version_drop(Home *home, const Manifest *manifest, gboolean dry_run, guint64 *bytes, GError **error)
{
    g_autoptr(Details) details = NULL;
    State *state = home_state(home, error);
    g_autoptr(GError) failed = NULL;
    Held held;

    *bytes = 0;
    if (!state)
        return FALSE;
    if (!state_held(state, &manifest->address, &held, &failed)) {
        if (!failed)
            return chama_error(error, CHAMA_ERROR_NOT_FOUND, "its content is not held here; nothing is to drop");
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    details = version_details(home, manifest, NULL);
    *bytes = details ? details->bytes : manifest->bytes;
    return dry_run || state_drop(state, &manifest->address, error);
}

/* Garbage. */

typedef struct {
    Home *home;
    gboolean dry_run;
    GHashTable *gone;        /* manifests of versions that are to go, or NULL */
} Collection;

typedef struct {
    Store *store;
    GcMarks *marks;
    gboolean complete;
} Marking;

static gboolean mark_page(Marking *marking, const Digest *digest, GError **error);

static gboolean
mark_below(Marking *marking, const Page *page, GError **error)
{
    for (guint i = 0; i < page_count(page); i++) {
        if (page_level(page) > 0) {
            if (!mark_page(marking, &page_child(page, i)->digest, error))
                return FALSE;
            continue;
        }
        const Item *item = page_item(page, i);

        for (guint c = 0; c < item->chunk_count; c++) {
            if (!gc_mark_add(marking->marks, &item->chunks[c].digest, NULL, error))
                return FALSE;
        }
    }
    return TRUE;
}

/* A page that was marked before has had its subtree marked too, unless that was of a transfer which lacks some of it: what it lacks is not
 * here to be freed. */
static gboolean
mark_page(Marking *marking, const Digest *digest, GError **error)
{
    g_autoptr(GError) missing = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(Page) page = NULL;
    gboolean fresh;

    if (!gc_mark_add(marking->marks, digest, &fresh, error))
        return FALSE;
    if (!fresh)
        return TRUE;
    bytes = store_get(marking->store, digest, &missing);
    if (!bytes && !marking->complete && g_error_matches(missing, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return TRUE;
    if (!bytes) {
        g_propagate_error(error, g_steal_pointer(&missing));
        return FALSE;
    }
    page = page_parse(bytes, error);
    return page && mark_below(marking, page, error);
}

/* TRUE if @held is of a publish that died before its record was committed.  With the store's lock held by gc alone no publish is under way. */
static gboolean
is_left_over(Home *home, const Held *held)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(Record) record = held->published ? catalogue_record(home_catalogue(home, NULL), &held->manifest, &failed) : NULL;

    return held->published && !record && g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
}

static gboolean
mark_held(GcMarks *marks, gpointer data, GError **error)
{
    Collection *collection = data;
    Home *home = collection->home;
    State *state = home_refresh(home, error) ? home_state(home, error) : NULL;
    g_autoptr(GArray) all = state ? state_all_held(state, error) : NULL;

    for (guint i = 0; all && i < all->len; i++) {
        const Held *held = &g_array_index(all, Held, i);
        Marking marking = { home_store(home, error), marks, held->complete };

        if (collection->gone && g_hash_table_contains(collection->gone, &held->manifest))
            continue;
        if (is_left_over(home, held)) {
            if (!collection->dry_run && !state_drop(state, &held->manifest, error))
                return FALSE;
            continue;
        }
        if (!gc_mark_add(marks, &held->content, NULL, error) || !gc_mark_add(marks, &held->details, NULL, error) ||
            !mark_page(&marking, &held->listing, error)) {
            g_prefix_error(error, "nothing was freed: ");
            return FALSE;
        }
    }
    return all != NULL;
}

#define STALE_AFTER 3600

/* @name: a folder of the home; with @below, of its folders too. */
static void
clear_stale(Home *home, const char *name, gboolean below)
{
    g_autofree char *folder = home_file(home, name);
    g_autoptr(GDir) dir = below ? g_dir_open(folder, 0, NULL) : NULL;
    const char *child;

    durable_clear_stale(folder, STALE_AFTER);
    while (dir && (child = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, child, NULL);

        durable_clear_stale(path, STALE_AFTER);
    }
}

static void
clear_all_stale(Home *home)
{
    clear_stale(home, "", FALSE);
    clear_stale(home, "keys", FALSE);
    clear_stale(home, "sealed", FALSE);
    clear_stale(home, "ledger.git", FALSE);
    clear_stale(home, "ledgers", TRUE);
    clear_stale(home, "log", TRUE);
    clear_stale(home, "stamps", FALSE);
    clear_stale(home, "sparse", TRUE);
}

gboolean
version_purge(Home *home, GHashTable *gone, gboolean *busy, void (*waiting)(void), GcTotals *totals, GError **error)
{
    Store *store = home_store(home, error);
    Collection collection = { home, FALSE, gone };

    clear_all_stale(home);
    return store && home_catalogue(home, error) && store_purge(store, mark_held, &collection, busy, waiting, totals, error);
}

gboolean
version_gc(Home *home, gboolean dry_run, void (*waiting)(void), GcTotals *totals, GError **error)
{
    Store *store = home_store(home, error);
    Collection collection = { home, dry_run, NULL };
    guint pending;

    if (!dry_run)
        clear_all_stale(home);
    if (!store || !home_catalogue(home, error) || !erasing_pending(home, &pending, error))
        return FALSE;
    if (pending > 0 && !dry_run)
        return erasing_finish(home, NULL, waiting, totals, error);
    return store_gc(store, dry_run, mark_held, &collection, waiting, totals, error);
}
