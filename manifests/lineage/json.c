/* A lineage for scripts: LI13 of manifests/FORMAT.md. */
#include <jansson.h>

#include "keys/canonical.h"
#include "manifests/lineage/format.h"

static void
set_text(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(object, name, json_string(text));
}

static json_t *
address_of(const VersionFacts *facts)
{
    char text[DIGEST_TEXT_SIZE];

    return json_string(digest_format(&facts->manifest, text));
}

static const char *
sources_format(SourcesState state)
{
    static const char *const names[] = { [SOURCES_KNOWN] = "known", [SOURCES_ABSENT] = "missing", [SOURCES_WITHHELD] = "withheld", [SOURCES_ERASED] = "erased" };

    return names[state];
}

static json_t *
version_json(const LineageVersion *version)
{
    const VersionFacts *facts = version->facts;
    char time[TIME_TEXT_SIZE];
    json_t *object = json_pack("{s:o, s:s, s:s, s:s, s:I, s:i, s:b, s:b}", "address", address_of(facts), "version", version->label, "node", facts->node, "name", facts->name,
                               "number", (json_int_t)facts->version, "depth", (int)version->depth, "known", facts->known, "looked_into", version->looked_into);

    if (!facts->known)
        return object;
    set_text(object, "publisher", version->publisher);
    set_text(object, "title_zh", facts->title_zh);
    set_text(object, "title_en", facts->title_en);
    json_object_set_new(object, "seq", json_integer((json_int_t)facts->seq));
    json_object_set_new(object, "time", json_string(time_format(facts->time, time)));
    json_object_set_new(object, "share", json_string(share_format(facts->share)));
    json_object_set_new(object, "verified", json_boolean(!facts->fault));
    set_text(object, "fault", facts->fault);
    set_text(object, "place", facts->place);
    set_text(object, "erased", facts->erased);
    set_text(object, "disavowed", facts->disavowed);
    set_text(object, "withdrawn", facts->withdrawn);
    json_object_set_new(object, "sources", json_string(sources_format(facts->sources)));
    if (facts->activity)
        json_object_set_new(object, "activity", json_loads(facts->activity, 0, NULL));
    return object;
}

static json_t *
edge_json(const Lineage *lineage, const LineageEdge *edge)
{
    json_t *object = json_pack("{s:s, s:s, s:o}", "verdict", verdict_format(edge->verdict), "reason", edge->reason, "derived",
                               address_of(lineage_version(lineage, edge->derived)->facts));

    if (edge->source == LINEAGE_NOTHING)
        return object;
    json_object_set_new(object, "source", address_of(lineage_version(lineage, edge->source)->facts));
    json_object_set_new(object, "role", json_string(edge->role));
    return object;
}

static json_t *
counts_json(const Lineage *lineage)
{
    json_t *object = json_object();

    for (guint i = 0; i < VERDICTS; i++)
        json_object_set_new(object, verdict_format(i), json_integer(lineage->counts[i]));
    return object;
}

char *
lineage_json(const Lineage *lineage)
{
    g_autoptr(json_t) root = json_object();
    json_t *versions = json_array(), *edges = json_array();
    g_autofree char *text = NULL;

    for (guint i = 0; i < lineage->versions->len; i++)
        json_array_append_new(versions, version_json(lineage_version(lineage, i)));
    for (guint i = 0; i < lineage->edges->len; i++)
        json_array_append_new(edges, edge_json(lineage, lineage_edge(lineage, i)));
    json_object_set_new(root, "verdict", json_string(verdict_format(lineage->verdict)));
    json_object_set_new(root, "direction", json_string(lineage->downstream ? "downstream" : "upstream"));
    json_object_set_new(root, "root", address_of(lineage_version(lineage, 0)->facts));
    json_object_set_new(root, "counts", counts_json(lineage));
    json_object_set_new(root, "complete", json_boolean(lineage->not_looked_into == 0 && !lineage->full));
    json_object_set_new(root, "not_looked_into", json_integer(lineage->not_looked_into));
    json_object_set_new(root, "edges", edges);
    json_object_set_new(root, "versions", versions);
    text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    return g_strconcat(text, "\n", NULL);
}
