#include "manifests/lineage/facts.h"

#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "manifests/erasure.h"
#include "manifests/lineage/derivation.h"
#include "manifests/lineage/places.h"
#include "manifests/version.h"
#include "manifests/withdrawal.h"

#define REPEATS_MAX 8     /* looked at */

struct HomeFacts {
    Home *home;               /* NULL: ledgers alone */
    LineageLedgers ledgers;
    LineageBeyond beyond;
    Places *places;
    GHashTable *found;        /* records from beyond: address (borrowed from the record) to Record */
    GHashTable *closed;       /* of versions held that are not open: address of a source to GPtrArray of Input; NULL: not looked at yet */
};

static void
free_record(gpointer record)
{
    record_free(record);
}

static Ledger *
ledger_of_home(gpointer home, const char *node)
{
    return strcmp(node, home_id(home)) == 0 ? home_ledger(home, NULL) : home_peer_ledger(home, node, NULL);
}

HomeFacts *
home_facts_of(const LineageLedgers *ledgers, const LineageBeyond *beyond)
{
    HomeFacts *facts = g_new0(HomeFacts, 1);

    facts->ledgers = *ledgers;
    if (beyond)
        facts->beyond = *beyond;
    facts->places = places_new(ledgers, beyond);
    facts->found = g_hash_table_new_full(digest_hash, digest_equal, NULL, free_record);
    return facts;
}

HomeFacts *
home_facts_new(Home *home, const LineageBeyond *beyond)
{
    const LineageLedgers ledgers = { home_catalogue(home, NULL), ledger_of_home, home };
    HomeFacts *facts = home_facts_of(&ledgers, beyond);

    facts->home = home;
    return facts;
}

void
home_facts_free(HomeFacts *facts)
{
    if (!facts)
        return;
    places_free(facts->places);
    g_hash_table_unref(facts->found);
    g_clear_pointer(&facts->closed, g_hash_table_unref);
    g_free(facts);
}

/* Sources: out of the manifest, or out of details. */

/* May this node read the details of a version that is not open? */
static gboolean
may_read(HomeFacts *facts, const Manifest *m)
{
    Home *home = facts->home;
    Catalogue *catalogue = home_catalogue(home, NULL);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(GPtrArray) grants = NULL;
    Share share = m->share;

    if (strcmp(m->node, home_id(home)) == 0)
        return TRUE;
    catalogue_share_in_force(catalogue, m, &share, NULL);
    grants = share == SHARE_CONDITIONAL ? catalogue_grants(catalogue, m->node, m->name, home_id(home), NULL) : NULL;
    for (guint i = 0; grants && i < grants->len; i++) {
        const GrantRow *row = grants->pdata[i];

        if (!row->revoked && row->grant.until > now)
            return TRUE;
    }
    return FALSE;
}

/* What a version says of its sources, wherever that stands. */
typedef struct {
    SourcesState state;
    Details *details;              /* of one that is not open */
    const GPtrArray *inputs;       /* borrowed from these details or the manifest */
    const char *activity;
    gboolean has_listing;
    Digest listing;
} Sources;

static void
sources_clear(Sources *sources)
{
    g_clear_pointer(&sources->details, details_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sources, sources_clear)

static void
read_sources(HomeFacts *facts, const Manifest *m, Sources *sources)
{
    Held held;

    if (m->share == SHARE_OPEN) {
        *sources = (Sources){ SOURCES_KNOWN, NULL, m->inputs, m->activity, m->bytes > 0, m->listing };
        return;
    }
    if (facts->home && version_roots(facts->home, m, &held, NULL))
        sources->details = version_details(facts->home, m, NULL);
    if (!sources->details) {
        sources->state = facts->home && may_read(facts, m) ? SOURCES_ABSENT : SOURCES_WITHHELD;
        return;
    }
    sources->state = SOURCES_KNOWN;
    sources->inputs = sources->details->inputs;
    sources->activity = sources->details->activity;
    sources->has_listing = sources->details->bytes > 0;
    sources->listing = held.listing;
}

/* LI9: other nodes' versions that say the same, and verify. */
static guint
count_repeats(HomeFacts *facts, const Manifest *m, const Sources *sources)
{
    Catalogue *catalogue = facts->ledgers.catalogue;
    g_autoptr(GArray) others = NULL;
    Digest digest;
    guint count = 0;

    if (!sources->has_listing || !derivation_digest(&sources->listing, sources->activity, sources->inputs, &digest))
        return 0;
    others = catalogue_same_derivation(catalogue, &digest, m->node, REPEATS_MAX, NULL);
    for (guint i = 0; others && i < others->len; i++) {
        g_autoptr(Record) record = catalogue_record(catalogue, &g_array_index(others, Digest, i), NULL);
        g_autofree char *place = NULL;

        count += record && places_record_holds(facts->places, record, &place, NULL);
    }
    return count;
}

/* LI7: tombstones, and versions that were taken back.  What cannot be read says nothing. */
static void
read_ends(HomeFacts *facts, const Manifest *m, VersionFacts *version)
{
    Catalogue *catalogue = facts->ledgers.catalogue;
    g_autoptr(Erasure) erasure = NULL;
    g_autoptr(Withdrawal) withdrawal = NULL;

    if (erasure_of(catalogue, m, facts->home ? home_id(facts->home) : m->node, &erasure, NULL) && erasure)
        version->erased = g_strdup(erasure->reason);
    if (withdrawal_of(catalogue, m, &withdrawal, NULL) && withdrawal)
        version->withdrawn = g_strdup(withdrawal->reason);
}

static void
read_disavowal(HomeFacts *facts, const Manifest *m, VersionFacts *version)
{
    const Identity *newest = places_identity(facts->places, m->node);
    const Identity *by = newest ? identity_disavowed(newest, m->seq) : NULL;

    if (by)
        version->disavowed = g_strdup_printf("by the rotation that is record %" G_GUINT64_FORMAT " of its ledger", by->since);
}

static void
fill_in(HomeFacts *facts, const Manifest *m, VersionFacts *version)
{
    g_auto(Sources) sources = { 0 };

    g_strlcpy(version->node, m->node, sizeof version->node);
    g_strlcpy(version->name, m->name, sizeof version->name);
    version->version = m->version;
    version->seq = m->seq;
    version->time = m->time;
    version->share = m->share;
    version->title_zh = g_strdup(m->title_zh);
    version->title_en = g_strdup(m->title_en);
    read_ends(facts, m, version);
    read_disavowal(facts, m, version);
    read_sources(facts, m, &sources);
    version->sources = sources.state != SOURCES_KNOWN && version->erased ? SOURCES_ERASED : sources.state;
    if (version->sources != SOURCES_KNOWN)
        return;
    version->inputs = sources.inputs->len;
    version->activity = g_strdup(sources.activity);
    version->has_listing = sources.has_listing;
    version->listing = sources.listing;
    version->repeats = version->fault ? 0 : count_repeats(facts, m, &sources);
}

/* What is known of the address alone; an error but NOT_FOUND ends all. */
static Record *
find_record(HomeFacts *facts, const Input *named, const VersionFacts *namer, char **place, GError **error)
{
    g_autoptr(GError) failed = NULL;
    Record *record = catalogue_record(facts->ledgers.catalogue, &named->manifest, &failed);
    Record *found;

    if (record)
        return record;
    if (!g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    if (!facts->beyond.find || !namer)
        return NULL;
    /* what details say is for those who may read them */
    found = facts->beyond.find(facts->beyond.data, named, namer->share == SHARE_OPEN ? NULL : namer->node, place, error);
    if (found)
        g_hash_table_insert(facts->found, &found->address, found);
    return found ? record_copy(found) : NULL;
}

/* M19, of a record that came alone: no other version of its number is known. */
static gboolean
contradicts(HomeFacts *facts, const Manifest *m)
{
    g_autoptr(Manifest) other = catalogue_version(facts->ledgers.catalogue, m->node, m->name, m->version, NULL);

    return other && !digest_equal(&other->address, &m->address);
}

static VersionFacts *
unknown_version(const Input *named)
{
    VersionFacts *version = version_facts_new();

    g_strlcpy(version->node, named->node, sizeof version->node);
    g_strlcpy(version->name, named->name, sizeof version->name);
    version->version = named->version;
    return version;
}

static VersionFacts *
look(gpointer data, const Input *named, const VersionFacts *namer, GError **error)
{
    HomeFacts *facts = data;
    g_autofree char *place = NULL;
    g_autoptr(GError) failed = NULL;
    g_autoptr(Record) record = find_record(facts, named, namer, &place, &failed);
    g_autoptr(VersionFacts) version = unknown_version(named);
    g_autoptr(Manifest) manifest = NULL;

    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    if (!record)
        return g_steal_pointer(&version);
    version->known = TRUE;
    manifest = manifest_parse(record, &failed);
    if (!manifest) {
        version->fault = g_strdup_printf("it is no manifest that holds: %s", failed->message);
        return g_steal_pointer(&version);
    }
    if (place && contradicts(facts, manifest))
        version->fault = g_strdup("M19: another version of its number is known here");
    else if (!place && !places_record_holds(facts->places, record, &place, &failed))
        version->fault = g_strdup(failed->message);
    else
        version->place = g_steal_pointer(&place);
    fill_in(facts, manifest, version);
    return g_steal_pointer(&version);
}

static Manifest *
manifest_of(HomeFacts *facts, const Digest *address, GError **error)
{
    const Record *found = g_hash_table_lookup(facts->found, address);
    g_autoptr(Record) record = found ? NULL : catalogue_record(facts->ledgers.catalogue, address, error);

    return found || record ? manifest_parse(found ? found : record, error) : NULL;
}

static GPtrArray *
sources_of(gpointer data, const VersionFacts *version, GError **error)
{
    HomeFacts *facts = data;
    g_autoptr(Manifest) manifest = manifest_of(facts, &version->manifest, error);
    g_autoptr(GPtrArray) inputs = g_ptr_array_new_with_free_func((GDestroyNotify)input_free);
    g_auto(Sources) sources = { 0 };

    if (!manifest)
        return NULL;
    read_sources(facts, manifest, &sources);
    for (guint i = 0; sources.inputs && i < sources.inputs->len; i++)
        g_ptr_array_add(inputs, input_copy(sources.inputs->pdata[i]));
    return g_steal_pointer(&inputs);
}

static gboolean
rival(gpointer data, const Input *named, Digest *address)
{
    HomeFacts *facts = data;
    g_autoptr(Manifest) manifest = catalogue_version(facts->ledgers.catalogue, named->node, named->name, named->version, NULL);

    if (manifest)
        *address = manifest->address;
    return manifest != NULL;
}

/* Downstream. */

void
lineage_name_of(const Manifest *manifest, Input *input)
{
    memset(input, 0, sizeof *input);
    g_strlcpy(input->node, manifest->node, sizeof input->node);
    g_strlcpy(input->name, manifest->name, sizeof input->name);
    input->version = manifest->version;
    input->manifest = manifest->address;
}

static void
note_derived(GHashTable *closed, const Digest *source, const Manifest *derived)
{
    GPtrArray *list = g_hash_table_lookup(closed, source);
    Input name;

    if (!list) {
        list = g_ptr_array_new_with_free_func((GDestroyNotify)input_free);
        g_hash_table_insert(closed, g_memdup2(source, sizeof *source), list);
    }
    lineage_name_of(derived, &name);
    /* it may name the source in two roles */
    if (list->len == 0 || !digest_equal(&((const Input *)list->pdata[list->len - 1])->manifest, &name.manifest))
        g_ptr_array_add(list, input_copy(&name));
}

static void
note_closed(HomeFacts *facts, const Digest *address)
{
    g_autoptr(Manifest) m = catalogue_manifest(facts->ledgers.catalogue, address, NULL);
    g_auto(Sources) sources = { 0 };

    if (!m || m->share == SHARE_OPEN)
        return;
    read_sources(facts, m, &sources);
    for (guint i = 0; sources.inputs && i < sources.inputs->len; i++)
        note_derived(facts->closed, &((const Input *)sources.inputs->pdata[i])->manifest, m);
}

/* LI11: details of versions that are not open are in no projection; those that are held are read once. */
static gboolean
learn_closed(HomeFacts *facts, GError **error)
{
    State *state = facts->home ? home_state(facts->home, error) : NULL;
    g_autoptr(GArray) all = state ? state_all_held(state, error) : NULL;

    if (facts->closed || (facts->home && !all))
        return facts->closed != NULL;
    facts->closed = g_hash_table_new_full(digest_hash, digest_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    for (guint i = 0; all && i < all->len; i++)
        note_closed(facts, &g_array_index(all, Held, i).manifest);
    return TRUE;
}

static GPtrArray *
derived_from(gpointer data, const VersionFacts *source, guint max, GError **error)
{
    HomeFacts *facts = data;
    Catalogue *catalogue = facts->ledgers.catalogue;
    g_autoptr(GArray) open = learn_closed(facts, error) ? catalogue_derived(catalogue, &source->manifest, max, error) : NULL;
    const GPtrArray *closed = open ? g_hash_table_lookup(facts->closed, &source->manifest) : NULL;
    g_autoptr(GPtrArray) derived = g_ptr_array_new_with_free_func((GDestroyNotify)input_free);

    if (!open)
        return NULL;
    for (guint i = 0; i < open->len; i++) {
        g_autoptr(Manifest) m = catalogue_manifest(catalogue, &g_array_index(open, Digest, i), error);
        Input name;

        if (!m)
            return NULL;
        lineage_name_of(m, &name);
        g_ptr_array_add(derived, input_copy(&name));
    }
    for (guint i = 0; closed && i < closed->len && derived->len < max; i++)
        g_ptr_array_add(derived, input_copy(closed->pdata[i]));
    return g_steal_pointer(&derived);
}

LineageFacts
home_facts_source(HomeFacts *facts)
{
    return (LineageFacts){ .data = facts, .look = look, .sources = sources_of, .rival = rival, .derived = derived_from };
}
