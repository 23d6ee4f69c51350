/* A lineage as PROV-JSON (W3C member submission of 24 April 2013): LI16 of manifests/FORMAT.md. */
#include <jansson.h>
#include <string.h>

#include "keys/canonical.h"
#include "manifests/lineage/derivation.h"
#include "manifests/lineage/format.h"

typedef struct {
    const Lineage *lineage;
    json_t *entity, *activity, *agent, *used, *generated, *derived, *attributed, *associated;
} Writing;

static char *
name_of(const char *prefix, const VersionFacts *facts)
{
    char hex[DIGEST_HEX_SIZE];

    return g_strdup_printf("%s:%s", prefix, digest_format_hex(&facts->manifest, hex));
}

static json_t *
typed(const char *text, const char *type)
{
    return json_pack("{s:s, s:s}", "$", text, "type", type);
}

static json_t *
in_language(const char *text, const char *language)
{
    return json_pack("{s:s, s:s}", "$", text, "lang", language);
}

static void
set_text(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(object, name, json_string(text));
}

static void
set_label(json_t *object, const VersionFacts *facts, const char *label)
{
    json_t *labels = json_array();

    json_array_append_new(labels, json_string(label));
    if (facts->title_zh)
        json_array_append_new(labels, in_language(facts->title_zh, "zh"));
    if (facts->title_en)
        json_array_append_new(labels, in_language(facts->title_en, "en"));
    json_object_set_new(object, "prov:label", labels);
}

static void
add_entity(Writing *w, const LineageVersion *version)
{
    const VersionFacts *facts = version->facts;
    g_autofree char *name = name_of("version", facts), *dataset = g_strdup_printf("%s/%s", facts->node, facts->name);
    g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, facts->version);
    char address[DIGEST_TEXT_SIZE];
    json_t *entity = json_object();

    json_object_set_new(w->entity, name, entity);
    json_object_set_new(entity, "prov:type", typed("chama:Version", "xsd:QName"));
    set_label(entity, facts, version->label);
    json_object_set_new(entity, "chama:manifest", json_string(digest_format(&facts->manifest, address)));
    json_object_set_new(entity, "chama:dataset", json_string(dataset));
    json_object_set_new(entity, "chama:number", typed(number, "xsd:positiveInteger"));
    json_object_set_new(entity, "chama:verified", typed(facts->known && !facts->fault ? "true" : "false", "xsd:boolean"));
    set_text(entity, "chama:fault", facts->known ? facts->fault : "its record is not known here");
    set_text(entity, "chama:place", facts->place);
    set_text(entity, "chama:withdrawn", facts->withdrawn);
    set_text(entity, "chama:erased", facts->erased);
    set_text(entity, "chama:disavowed", facts->disavowed);
}

static void
add_agent(Writing *w, const LineageVersion *version)
{
    g_autofree char *name = g_strdup_printf("node:%s", version->facts->node), *entity = name_of("version", version->facts);
    g_autofree char *id = g_strdup_printf("_:attributed%zu", json_object_size(w->attributed));

    if (!json_object_get(w->agent, name)) {
        json_t *agent = json_object();

        json_object_set_new(w->agent, name, agent);
        json_object_set_new(agent, "prov:type", typed("prov:Organization", "xsd:QName"));
        set_text(agent, "prov:label", version->publisher);
    }
    json_object_set_new(w->attributed, id, json_pack("{s:s, s:s}", "prov:entity", entity, "prov:agent", name));
}

/* What the publisher says that was done; nothing is made up where nothing is said. */
static void
add_activity(Writing *w, const LineageVersion *version)
{
    const VersionFacts *facts = version->facts;
    g_autofree char *kind = NULL, *tool = NULL, *parameters = NULL, *name = name_of("activity", facts), *entity = name_of("version", facts);
    g_autofree char *node = g_strdup_printf("node:%s", facts->node), *id = g_strdup_printf("%zu", json_object_size(w->generated));
    g_autofree char *generation = g_strconcat("_:generated", id, NULL), *association = g_strconcat("_:associated", id, NULL);
    json_t *activity;
    gboolean observed;
    char time[TIME_TEXT_SIZE];

    if (!facts->activity || !activity_read(facts->activity, &kind, &tool, &parameters, &observed))
        return;
    activity = json_object();
    json_object_set_new(w->activity, name, activity);
    json_object_set_new(activity, "prov:label", json_string(kind));
    json_object_set_new(activity, "chama:observed", typed(observed ? "true" : "false", "xsd:boolean"));
    set_text(activity, "chama:tool", tool);
    set_text(activity, "chama:parameters", parameters);
    json_object_set_new(w->generated, generation, json_pack("{s:s, s:s, s:s}", "prov:entity", entity, "prov:activity", name, "prov:time", time_format(facts->time, time)));
    json_object_set_new(w->associated, association, json_pack("{s:s, s:s}", "prov:activity", name, "prov:agent", node));
}

static void
add_edge(Writing *w, const LineageEdge *edge)
{
    const VersionFacts *to = lineage_version(w->lineage, edge->derived)->facts;
    const VersionFacts *from = edge->source == LINEAGE_NOTHING ? NULL : lineage_version(w->lineage, edge->source)->facts;
    g_autofree char *derived = name_of("version", to), *source = from ? name_of("version", from) : NULL, *activity = name_of("activity", to);
    g_autofree char *id = g_strdup_printf("_:derived%zu", json_object_size(w->derived)), *use = g_strdup_printf("_:used%zu", json_object_size(w->used));
    json_t *derivation;

    if (!source) {
        json_t *entity = json_object_get(w->entity, derived);

        set_text(entity, "chama:sources", verdict_format(edge->verdict));
        set_text(entity, "chama:reason", edge->reason);
        return;
    }
    derivation = json_pack("{s:s, s:s, s:s, s:s, s:s}", "prov:generatedEntity", derived, "prov:usedEntity", source, "chama:role", edge->role, "chama:verdict",
                           verdict_format(edge->verdict), "chama:reason", edge->reason);
    json_object_set_new(w->derived, id, derivation);
    if (!json_object_get(w->activity, activity))
        return;
    set_text(derivation, "prov:activity", activity);
    json_object_set_new(w->used, use, json_pack("{s:s, s:s, s:s}", "prov:activity", activity, "prov:entity", source, "prov:role", edge->role));
}

static void
set_unless_empty(json_t *root, const char *name, json_t *object)
{
    if (json_object_size(object) > 0)
        json_object_set(root, name, object);
    json_decref(object);
}

static json_t *
prefixes(void)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "chama", "urn:x-chama:terms:", "version", "urn:x-chama:manifest:sha256:", "activity", "urn:x-chama:activity:sha256:", "node",
                     "urn:x-chama:node:");
}

char *
lineage_prov(const Lineage *lineage)
{
    Writing w = { lineage, json_object(), json_object(), json_object(), json_object(), json_object(), json_object(), json_object(), json_object() };
    g_autoptr(json_t) root = json_object();
    g_autofree char *text = NULL;

    for (guint i = 0; i < lineage->versions->len; i++) {
        const LineageVersion *version = lineage_version(lineage, i);

        add_entity(&w, version);
        add_agent(&w, version);
        add_activity(&w, version);
    }
    for (guint i = 0; i < lineage->edges->len; i++)
        add_edge(&w, lineage_edge(lineage, i));
    json_object_set_new(root, "prefix", prefixes());
    set_unless_empty(root, "entity", w.entity);
    set_unless_empty(root, "activity", w.activity);
    set_unless_empty(root, "agent", w.agent);
    set_unless_empty(root, "used", w.used);
    set_unless_empty(root, "wasGeneratedBy", w.generated);
    set_unless_empty(root, "wasDerivedFrom", w.derived);
    set_unless_empty(root, "wasAttributedTo", w.attributed);
    set_unless_empty(root, "wasAssociatedWith", w.associated);
    text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    return g_strconcat(text, "\n", NULL);
}
