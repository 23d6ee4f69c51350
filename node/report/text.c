#include <stdio.h>

#include "keys/canonical.h"
#include "node/report/report.h"

static void
print_finding(const Report *report, const AuditFinding *finding)
{
    g_autofree char *node = report_node(report, finding->node), *sentence = report_sentence(report, finding), *place = NULL;

    if (finding->seq >= 0)
        place = g_strdup_printf(" #%" G_GINT64_FORMAT, finding->seq);
    printf("%s: %s%s: %s\n", words_verdict(report->language, audit_kind_verdict(finding->kind)), node, place ? place : "", sentence);
}

void
report_print(const Report *report)
{
    const Audit *audit = report->audit;

    for (guint i = 0; i < audit->findings->len; i++)
        print_finding(report, &g_array_index(audit->findings, AuditFinding, i));
    for (int verdict = AUDIT_FAILED; verdict >= AUDIT_GOOD; verdict--)
        printf("%u %s%s", audit->counts[verdict], words_verdict(report->language, (AuditVerdict)verdict), verdict == AUDIT_GOOD ? "\n" : ", ");
    puts(report_verdict(report));
}
