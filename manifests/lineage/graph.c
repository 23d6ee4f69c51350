#include "manifests/lineage/graph.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/lineage/derivation.h"

VersionFacts *
version_facts_new(void)
{
    return g_new0(VersionFacts, 1);
}

void
version_facts_free(VersionFacts *facts)
{
    if (!facts)
        return;
    g_free(facts->title_zh);
    g_free(facts->title_en);
    g_free(facts->fault);
    g_free(facts->place);
    g_free(facts->erased);
    g_free(facts->withdrawn);
    g_free(facts->disavowed);
    g_free(facts->activity);
    g_free(facts);
}

static void
lineage_version_free(gpointer data)
{
    LineageVersion *version = data;

    version_facts_free(version->facts);
    g_free(version->label);
    g_free(version->publisher);
    g_free(version);
}

static void
lineage_edge_free(gpointer data)
{
    LineageEdge *edge = data;

    g_free(edge->role);
    g_free(edge->reason);
    g_free(edge);
}

void
lineage_free(Lineage *lineage)
{
    if (!lineage)
        return;
    g_ptr_array_unref(lineage->versions);
    g_ptr_array_unref(lineage->edges);
    g_free(lineage);
}

typedef struct {
    const LineageFacts *facts;
    LineageOptions options;
    Lineage *lineage;
    GHashTable *indexes;          /* Digest of a manifest (borrowed from its version) to its index + 1 */
} Building;

static void
building_clear(Building *b)
{
    g_clear_pointer(&b->indexes, g_hash_table_unref);
    g_clear_pointer(&b->lineage, lineage_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Building, building_clear)

static LineageVersion *
version_at(Building *b, guint index)
{
    return b->lineage->versions->pdata[index];
}

/* The index of the version that @named names, looked at if it is new; LINEAGE_NOTHING without an error if there is no room for it. */
static guint
reach(Building *b, const Input *named, const VersionFacts *namer, guint depth, GError **error)
{
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(b->indexes, &named->manifest));
    LineageVersion *version;
    VersionFacts *facts;

    if (known)
        return known - 1;
    if (b->lineage->versions->len >= b->options.versions_max) {
        b->lineage->full = TRUE;
        return LINEAGE_NOTHING;
    }
    facts = b->facts->look(b->facts->data, named, namer, error);
    if (!facts)
        return LINEAGE_NOTHING;
    facts->manifest = named->manifest;
    version = g_new0(LineageVersion, 1);
    version->facts = facts;
    version->depth = depth;
    g_ptr_array_add(b->lineage->versions, version);
    g_hash_table_insert(b->indexes, &facts->manifest, GUINT_TO_POINTER(b->lineage->versions->len));
    return b->lineage->versions->len - 1;
}

static gboolean
has_room(Building *b)
{
    if (b->lineage->edges->len < b->options.edges_max)
        return TRUE;
    b->lineage->full = TRUE;
    return FALSE;
}

static LineageEdge *
add_edge(Building *b, guint derived, guint source)
{
    LineageEdge *edge = g_new0(LineageEdge, 1);

    edge->derived = derived;
    edge->source = source;
    g_ptr_array_add(b->lineage->edges, edge);
    return edge;
}

static gboolean
was_observed(const VersionFacts *derived)
{
    g_autofree char *kind = NULL, *tool = NULL, *parameters = NULL;
    gboolean observed = FALSE;

    return derived->activity && activity_read(derived->activity, &kind, &tool, &parameters, &observed) && observed;
}

/* LI4: an address, and beside it node, name and number, which must be those of the record at that address. */
static void
compare_names(Building *b, const Input *input, const VersionFacts *source, EdgeFacts *facts)
{
    char text[DIGEST_TEXT_SIZE];
    Digest other;

    if (source->known) {
        if (strcmp(input->node, source->node) != 0 || strcmp(input->name, source->name) != 0 || input->version != source->version)
            facts->source_is = g_strdup_printf("%s/%s@%" G_GUINT64_FORMAT, source->node, source->name, source->version);
        return;
    }
    if (b->facts->rival(b->facts->data, input, &other) && !digest_equal(&other, &input->manifest))
        facts->named_is = g_strdup(digest_format(&other, text));
}

static void
judge(Building *b, guint derived, guint source, const Input *input)
{
    const VersionFacts *from = version_at(b, source)->facts, *to = version_at(b, derived)->facts;
    EdgeFacts facts = {
        .derived_fault = to->fault,
        .source_known = from->known,
        .source_fault = from->fault,
        .source_erased = from->erased != NULL,
        .disavowed = to->disavowed || from->disavowed,
        .observed = was_observed(to),
        .same_content = to->has_listing && from->has_listing && digest_equal(&to->listing, &from->listing),
        .repeats = to->repeats,
    };
    LineageEdge *edge = add_edge(b, derived, source);

    compare_names(b, input, from, &facts);
    edge->role = g_strdup(input->role ? input->role : "source");
    edge->verdict = verdict_of_edge(&facts, &edge->reason);
    g_free(facts.source_is);
    g_free(facts.named_is);
}

/* Nothing is believed of a record that does not verify, so what it says of sources is not followed. */
static gboolean
look_upstream(Building *b, guint index, GError **error)
{
    VersionFacts *derived = version_at(b, index)->facts;
    guint depth = version_at(b, index)->depth + 1;
    g_autoptr(GPtrArray) inputs = NULL;

    if (!derived->known || derived->fault)
        return TRUE;
    if (derived->sources != SOURCES_KNOWN) {
        LineageEdge *edge = has_room(b) ? add_edge(b, index, LINEAGE_NOTHING) : NULL;

        if (edge)
            edge->verdict = verdict_of_unknown(derived->sources, &edge->reason);
        return TRUE;
    }
    inputs = derived->inputs > 0 ? b->facts->sources(b->facts->data, derived, error) : NULL;
    for (guint i = 0; inputs && i < inputs->len && has_room(b); i++) {
        const Input *input = inputs->pdata[i];
        GError *failed = NULL;
        guint source = reach(b, input, derived, depth, &failed);

        if (failed) {
            g_propagate_error(error, failed);
            return FALSE;
        }
        if (source != LINEAGE_NOTHING)
            judge(b, index, source, input);
    }
    return inputs || derived->inputs == 0;
}

/* The edges from @derived to the version at @index: as many as name it. */
static gboolean
judge_derived(Building *b, guint derived, guint index, GError **error)
{
    const VersionFacts *to = version_at(b, derived)->facts;
    const Digest *source = &version_at(b, index)->facts->manifest;
    g_autoptr(GPtrArray) inputs = to->inputs > 0 ? b->facts->sources(b->facts->data, to, error) : NULL;

    for (guint i = 0; inputs && i < inputs->len && has_room(b); i++) {
        const Input *input = inputs->pdata[i];

        if (digest_equal(&input->manifest, source))
            judge(b, derived, index, input);
    }
    return inputs || to->inputs == 0;
}

static gboolean
look_downstream(Building *b, guint index, GError **error)
{
    const VersionFacts *source = version_at(b, index)->facts;
    guint depth = version_at(b, index)->depth + 1;
    g_autoptr(GPtrArray) derived = NULL;

    if (!source->known || source->fault)
        return TRUE;
    derived = b->facts->derived(b->facts->data, source, b->options.edges_max, error);
    for (guint i = 0; derived && i < derived->len && has_room(b); i++) {
        GError *failed = NULL;
        guint found = reach(b, derived->pdata[i], source, depth, &failed);

        if (!failed && found != LINEAGE_NOTHING)
            judge_derived(b, found, index, &failed);
        if (failed) {
            g_propagate_error(error, failed);
            return FALSE;
        }
    }
    return derived != NULL;
}

static gboolean
look_around(Building *b, GError **error)
{
    gboolean (*look)(Building *, guint, GError **) = b->options.downstream ? look_downstream : look_upstream;

    for (guint i = 0; i < b->lineage->versions->len; i++) {
        LineageVersion *version = version_at(b, i);

        if (b->options.depth > 0 && version->depth >= b->options.depth)
            continue;
        if (!look(b, i, error))
            return FALSE;
        version->looked_into = TRUE;
    }
    return TRUE;
}

static int
compare_edges(gconstpointer a, gconstpointer b)
{
    const LineageEdge *x = *(const LineageEdge *const *)a, *y = *(const LineageEdge *const *)b;

    if (x->verdict != y->verdict)
        return x->verdict < y->verdict ? -1 : 1;
    if (x->derived != y->derived)
        return x->derived < y->derived ? -1 : 1;
    return x->source < y->source ? -1 : x->source > y->source;
}

/* LI3: the worst edge; a version that does not verify itself is as bad as a broken edge. */
static void
sum_up(Lineage *lineage)
{
    lineage->verdict = lineage_version(lineage, 0)->facts->fault ? VERDICT_BROKEN : VERDICTS;
    g_ptr_array_sort(lineage->edges, compare_edges);
    for (guint i = 0; i < lineage->edges->len; i++) {
        const LineageEdge *edge = lineage_edge(lineage, i);

        lineage->counts[edge->verdict]++;
        lineage->verdict = MIN(lineage->verdict, edge->verdict);
    }
    for (guint i = 0; i < lineage->versions->len; i++) {
        const LineageVersion *version = lineage_version(lineage, i);
        const VersionFacts *facts = version->facts;

        /* one that is known to have no sources has nothing beyond it */
        if (!version->looked_into && facts->known && (lineage->downstream || facts->sources != SOURCES_KNOWN || facts->inputs > 0))
            lineage->not_looked_into++;
    }
}

Lineage *
lineage_build(const LineageFacts *facts, const Input *root, const LineageOptions *options, GError **error)
{
    g_auto(Building) b = { .facts = facts, .options = *options };
    GError *failed = NULL;

    if (b.options.versions_max == 0)
        b.options.versions_max = LINEAGE_VERSIONS_MAX;
    if (b.options.edges_max == 0)
        b.options.edges_max = LINEAGE_EDGES_MAX;
    b.lineage = g_new0(Lineage, 1);
    b.lineage->downstream = options->downstream;
    b.lineage->versions = g_ptr_array_new_with_free_func(lineage_version_free);
    b.lineage->edges = g_ptr_array_new_with_free_func(lineage_edge_free);
    b.indexes = g_hash_table_new(digest_hash, digest_equal);
    reach(&b, root, NULL, 0, &failed);
    if (failed || !look_around(&b, &failed)) {
        g_propagate_error(error, failed);
        return NULL;
    }
    sum_up(b.lineage);
    return g_steal_pointer(&b.lineage);
}

void
lineage_name(Lineage *lineage, char *(*dataset)(gpointer data, const char *node, const char *name),
             char *(*publisher)(gpointer data, const char *node), gpointer data)
{
    g_autoptr(GHashTable) datasets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GHashTable) publishers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    for (guint i = 0; i < lineage->versions->len; i++) {
        LineageVersion *version = lineage->versions->pdata[i];
        const VersionFacts *facts = version->facts;
        g_autofree char *key = g_strdup_printf("%s/%s", facts->node, facts->name);
        const char *shown = g_hash_table_lookup(datasets, key), *who = g_hash_table_lookup(publishers, facts->node);

        if (!shown) {
            shown = dataset(data, facts->node, facts->name);
            g_hash_table_insert(datasets, g_strdup(key), (gpointer)shown);
        }
        if (!who) {
            who = publisher(data, facts->node);
            g_hash_table_insert(publishers, g_strdup(facts->node), (gpointer)who);
        }
        version->label = g_strdup_printf("%s@%" G_GUINT64_FORMAT, shown, facts->version);
        version->publisher = g_strdup(who);
    }
}
