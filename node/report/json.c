#include "node/print.h"
#include "node/report/report.h"

static json_t *
types_json(GHashTable *counts)
{
    g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(counts), (GCompareFunc)g_strcmp0);
    json_t *types = json_object();

    for (const GList *at = names; at; at = at->next)
        json_object_set_new(types, at->data, json_integer(GPOINTER_TO_UINT(g_hash_table_lookup(counts, at->data))));
    return types;
}

static json_t *
node_json(const Report *report, const AuditNode *node)
{
    g_autofree char *name = report_node(report, node->node);
    json_t *types = types_json(node->types), *entry;

    entry = json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:o, s:I, s:I, s:s, s:o}", "node", node->node, "name", name, "whole", node->whole, "live", node->live, "records",
                      (json_int_t)node->size, "seen", (json_int_t)node->seen, "root", json_digest(&node->root), "datasets", (json_int_t)node->datasets,
                      "versions", (json_int_t)node->versions, "verdict", audit_verdict_name((AuditVerdict)node->worst), "types", types);
    if (node->checkpoint_time)
        json_object_set_new(entry, "checkpoint_time", json_time(node->checkpoint_time));
    if (node->first)
        json_object_set_new(entry, "first", json_time(node->first)), json_object_set_new(entry, "last", json_time(node->last));
    return entry;
}

static json_t *
finding_json(const Report *report, const AuditFinding *finding)
{
    g_autofree char *sentence = report_sentence(report, finding);
    json_t *values = json_array(), *entry;

    for (guint i = 0; i < AUDIT_VALUES && finding->values[i]; i++)
        json_array_append_new(values, json_string(finding->values[i]));
    entry = json_pack("{s:s, s:s, s:s, s:o, s:s}", "verdict", audit_verdict_name(audit_kind_verdict(finding->kind)), "kind", audit_kind_name(finding->kind),
                      "node", finding->node, "values", values, "text", sentence);
    if (finding->seq >= 0)
        json_object_set_new(entry, "record", json_integer(finding->seq));
    if (finding->time)
        json_object_set_new(entry, "time", json_time(finding->time));
    return entry;
}

static json_t *
event_json(const AuditEvent *event)
{
    json_t *entry = json_pack("{s:s, s:I, s:o, s:s}", "node", event->node, "record", (json_int_t)event->seq, "time", json_time(event->time), "type", event->type);

    json_set_text(entry, "subject", event->subject);
    return entry;
}

json_t *
report_json(const Report *report)
{
    const Audit *audit = report->audit;
    json_t *nodes = json_array(), *findings = json_array(), *events = json_array();

    for (guint i = 0; i < audit->nodes->len; i++)
        json_array_append_new(nodes, node_json(report, g_ptr_array_index(audit->nodes, i)));
    for (guint i = 0; i < audit->findings->len; i++)
        json_array_append_new(findings, finding_json(report, &g_array_index(audit->findings, AuditFinding, i)));
    for (guint i = 0; i < audit->events->len; i++)
        json_array_append_new(events, event_json(&g_array_index(audit->events, AuditEvent, i)));
    return json_pack("{s:o, s:s*, s:s, s:{s:i, s:i, s:i, s:i}, s:o, s:o, s:o, s:I}", "time", json_time(audit->time), "node",
                     report->home ? home_id(report->home) : NULL, "verdict",
                     audit_verdict_name(report_worst(audit)), "counts", "failed", (int)audit->counts[AUDIT_FAILED], "warning",
                     (int)audit->counts[AUDIT_WARNING], "note", (int)audit->counts[AUDIT_NOTE], "good", (int)audit->counts[AUDIT_GOOD], "nodes", nodes,
                     "findings", findings, "events", events, "events_left_out", (json_int_t)audit->events_left_out);
}
