#include "node/report/report.h"

#include <string.h>

#include "sync/peers.h"

#define ID_SHOWN 8

char *
report_claimed_name(const AuditNode *node)
{
    const char *zh = node->name_zh ? node->name_zh : "", *en = node->name_en ? node->name_en : "";

    return g_strconcat(zh, *zh && *en ? " " : "", en, NULL);
}

char *
report_node(const Report *report, const char *node)
{
    g_autofree char *alias = report->home ? peers_display(report->home, node) : g_strndup(node, ID_SHOWN);

    return g_strdup(*alias ? alias : words_of(report->language, WORD_THIS_NODE));
}

/* "ID" and "ID/NAME@3" with the node's name in the place of its id. */
static char *
shown_value(const Report *report, const char *value)
{
    char id[NODE_ID_SIZE];
    gsize length = strlen(value);

    g_strlcpy(id, value, sizeof id);
    if (length < NODE_ID_LENGTH || (value[NODE_ID_LENGTH] && value[NODE_ID_LENGTH] != '/') || !node_id_valid(id))
        return g_strdup(value);
    g_autofree char *name = report_node(report, id);

    return g_strconcat(name, value + NODE_ID_LENGTH, NULL);
}

char *
report_sentence(const Report *report, const AuditFinding *finding)
{
    char *shown[AUDIT_VALUES] = { NULL }, *sentence;

    for (guint i = 0; i < AUDIT_VALUES && finding->values[i]; i++)
        shown[i] = shown_value(report, finding->values[i]);
    sentence = words_sentence(report->language, finding->kind, (const char *const *)shown);
    for (guint i = 0; i < AUDIT_VALUES; i++)
        g_free(shown[i]);
    return sentence;
}

AuditVerdict
report_worst(const Audit *audit)
{
    return audit->counts[AUDIT_FAILED] ? AUDIT_FAILED : audit->counts[AUDIT_WARNING] ? AUDIT_WARNING : AUDIT_GOOD;
}

const char *
report_verdict(const Report *report)
{
    AuditVerdict worst = report_worst(report->audit);

    return words_of(report->language, worst == AUDIT_FAILED ? WORD_VERDICT_FAILED : worst == AUDIT_WARNING ? WORD_VERDICT_WARNING : WORD_VERDICT_GOOD);
}
