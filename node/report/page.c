#include <string.h>

#include "keys/canonical.h"
#include "keys/digest.h"
#include "node/report/report.h"
#include "node/version.h"

#define EVENTS_SHOWN 500

static const char style[] =
    "body{font-family:system-ui,\"Noto Sans CJK SC\",\"Source Han Sans SC\",sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#1a202c}\n"
    "h1{margin-bottom:.2em}h2{margin-top:1.6em;border-bottom:1px solid #cbd5e0}\n"
    "table{border-collapse:collapse;width:100%;font-size:.92em}th,td{text-align:left;padding:.3em .6em;border-bottom:1px solid #e2e8f0;vertical-align:top}\n"
    "td,th{overflow-wrap:anywhere;unicode-bidi:isolate;min-width:5em}td:nth-child(2){min-width:7.5em}th{overflow-wrap:normal;background:#edf2f7}td.n{text-align:right;padding-right:1.4em}code{font-size:.85em;word-break:break-all}\n"
    ".verdict{padding:.8em 1em;border-left:.5em solid;margin:1em 0;font-size:1.1em}\n"
    ".verdict.good{border-color:#2f855a}.verdict.warning{border-color:#b7791f}.verdict.failed{border-color:#c53030}.time{white-space:nowrap}\n"
    "td.failed,td.warning,td.good,td.note{border-left:.4em solid}td.failed{border-left-color:#c53030;font-weight:bold}td.warning{border-left-color:#b7791f}\n"
    "td.good{border-left-color:#2f855a}td.note{border-left-color:#718096}svg{width:100%;height:auto}.axis{fill:#4a5568;font-size:11px}\n"
    "@media print{*{-webkit-print-color-adjust:exact;print-color-adjust:exact}thead{display:table-header-group}body{margin:0;max-width:none;font-size:10pt}tr{break-inside:avoid}h2{break-after:avoid}}\n";

typedef struct {
    const Report *report;
    GString *html;
} Html;

static const char *
word(const Html *page, Word which)
{
    return words_of(page->report->language, which);
}

static void
add_escaped(Html *page, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text, -1);

    g_string_append(page->html, escaped);
}

static void
add_cell(Html *page, const char *class, const char *text)
{
    g_string_append_printf(page->html, class ? "<td class=\"%s\">" : "<td>", class);
    add_escaped(page, text);
    g_string_append(page->html, "</td>");
}

static void
add_number(Html *page, guint64 number)
{
    g_string_append_printf(page->html, "<td class=\"n\">%" G_GUINT64_FORMAT "</td>", number);
}

static void
add_time(Html *page, gint64 time)
{
    char text[TIME_TEXT_SIZE];

    add_cell(page, "time", time ? time_format(time, text) : word(page, WORD_NONE));
}

static void
begin_table(Html *page, Word title, const Word *columns, guint count)
{
    g_string_append_printf(page->html, "<h2>%s</h2>\n<table><thead><tr>", word(page, title));
    for (guint i = 0; i < count; i++)
        g_string_append_printf(page->html, "<th>%s</th>", word(page, columns[i]));
    g_string_append(page->html, "</tr></thead><tbody>\n");
}

/* Whose eyes these are: what was withheld depends on it. */
static void
add_auditor(Html *page)
{
    Home *home = page->report->home;
    const AuditNode *self = home ? audit_node(page->report->audit, home_id(home)) : NULL;
    g_autofree char *name = self ? report_claimed_name(self) : NULL;

    add_escaped(page, word(page, home ? WORD_BY : WORD_OF_CLONES));
    if (name) {
        g_string_append_c(page->html, ' ');
        add_escaped(page, name);
    }
    if (home)
        g_string_append_printf(page->html, " <code>%s</code>", home_id(home));
}

static void
add_head(Html *page)
{
    const Audit *audit = page->report->audit;
    char time[TIME_TEXT_SIZE];

    g_string_append_printf(page->html,
                           "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
                           "<title>%s</title>\n<style>\n%s</style></head><body>\n<h1>%s</h1>\n",
                           language_tag(page->report->language), word(page, WORD_TITLE), style, word(page, WORD_TITLE));
    g_string_append_printf(page->html, "<p>%s %s; ", word(page, WORD_MADE), time_format(audit->time, time));
    add_auditor(page);
    g_string_append_printf(page->html, "; chama " CHAMA_VERSION "</p>\n<div class=\"verdict %s\">%s ", audit_verdict_name(report_worst(audit)),
                           report_verdict(page->report));
    for (int verdict = AUDIT_FAILED; verdict >= AUDIT_GOOD; verdict--)
        g_string_append_printf(page->html, "%s %u%s", words_verdict(page->report->language, (AuditVerdict)verdict), audit->counts[verdict], verdict ? ", " : "");
    g_string_append_printf(page->html, "</div>\n<p>%s</p>\n", word(page, WORD_WHAT));
}

static void
add_node(Html *page, const AuditNode *node)
{
    g_autofree char *alias = report_node(page->report, node->node), *name = report_claimed_name(node);
    g_autofree char *versions = g_strdup_printf("%u / %u", node->datasets, node->versions);
    char root[DIGEST_TEXT_SIZE], first[TIME_TEXT_SIZE], last[TIME_TEXT_SIZE];
    g_autofree char *span = node->first ? g_strdup_printf("%s – %s", time_format(node->first, first), time_format(node->last, last)) : NULL;

    g_string_append_printf(page->html, "<tr><td class=\"%s\">", audit_verdict_name((AuditVerdict)node->worst));
    add_escaped(page, alias);
    g_string_append_printf(page->html, "<br><code>%s</code></td>", node->node);
    add_cell(page, NULL, name);
    add_cell(page, NULL, word(page, node->live ? WORD_LIVE : node->whole ? WORD_WHOLE : WORD_SPARSE));
    add_number(page, node->size);
    add_cell(page, "n", versions);
    g_string_append_printf(page->html, "<td><code>%s</code></td>", digest_format(&node->root, root));
    add_time(page, node->checkpoint_time);
    add_cell(page, NULL, span ? span : word(page, WORD_NONE));
    g_string_append(page->html, "</tr>\n");
}

static void
add_nodes(Html *page)
{
    static const Word columns[] = { WORD_NODE, WORD_NAME, WORD_LEDGER, WORD_RECORDS, WORD_VERSIONS, WORD_ROOT, WORD_CHECKPOINT, WORD_SPAN };
    const GPtrArray *nodes = page->report->audit->nodes;

    begin_table(page, WORD_NODES, columns, G_N_ELEMENTS(columns));
    for (guint i = 0; i < nodes->len; i++)
        add_node(page, g_ptr_array_index(nodes, i));
    g_string_append(page->html, "</tbody></table>\n");
}

static void
add_finding(Html *page, const AuditFinding *finding)
{
    const char *verdict = audit_verdict_name(audit_kind_verdict(finding->kind));
    g_autofree char *node = report_node(page->report, finding->node), *sentence = report_sentence(page->report, finding);
    g_autofree char *record = finding->seq < 0 ? g_strdup("") : g_strdup_printf("%" G_GINT64_FORMAT, finding->seq);

    g_string_append(page->html, "<tr>");
    add_cell(page, verdict, words_verdict(page->report->language, audit_kind_verdict(finding->kind)));
    add_cell(page, NULL, node);
    add_cell(page, "n", record);
    add_cell(page, NULL, sentence);
    g_string_append(page->html, "</tr>\n");
}

static void
add_findings(Html *page)
{
    static const Word columns[] = { WORD_VERDICT, WORD_NODE, WORD_RECORD, WORD_FINDING };
    const GArray *findings = page->report->audit->findings;

    begin_table(page, WORD_FINDINGS, columns, G_N_ELEMENTS(columns));
    for (guint i = 0; i < findings->len; i++)
        add_finding(page, &g_array_index(findings, AuditFinding, i));
    g_string_append(page->html, "</tbody></table>\n<p>");
    add_escaped(page, word(page, WORD_MEANS));
    g_string_append(page->html, "</p>\n");
}

/* Findings of one kind about one node, of which the first is @first. */
static guint
count_alike(const GArray *findings, guint first)
{
    const AuditFinding *at = &g_array_index(findings, AuditFinding, first);
    guint count = 0;

    for (guint i = first; i < findings->len; i++) {
        const AuditFinding *other = &g_array_index(findings, AuditFinding, i);

        if (other->kind != at->kind || strcmp(other->node, at->node) != 0)
            break;
        count++;
    }
    return count;
}

static void
add_advice(Html *page, const AuditFinding *finding, const char *text)
{
    AuditVerdict verdict = audit_kind_verdict(finding->kind);
    g_autofree char *node = report_node(page->report, finding->node), *key = g_strconcat(finding->node, " ", audit_kind_name(finding->kind), NULL);
    guint count = GPOINTER_TO_UINT(g_hash_table_lookup(page->report->audit->of_kind, key));
    g_autofree char *sentence = report_sentence(page->report, finding), *example = g_strconcat(sentence, count > 1 ? " ..." : NULL, NULL);

    g_string_append(page->html, "<tr>");
    add_cell(page, audit_verdict_name(verdict), words_verdict(page->report->language, verdict));
    add_cell(page, NULL, node);
    add_cell(page, NULL, example);
    add_number(page, count);
    add_cell(page, NULL, text);
    g_string_append(page->html, "</tr>\n");
}

/* What a reader in haste needs: of each kind that somebody must do something about, once for each node, with the first of them. */
static void
add_to_do(Html *page)
{
    static const Word columns[] = { WORD_VERDICT, WORD_AT, WORD_FINDING, WORD_MANY, WORD_TO_DO };
    const GArray *findings = page->report->audit->findings;
    gboolean begun = FALSE;

    for (guint i = 0; i < findings->len; i += count_alike(findings, i)) {
        const AuditFinding *finding = &g_array_index(findings, AuditFinding, i);
        const char *text = words_advice(page->report->language, finding->kind);

        if (audit_kind_verdict(finding->kind) < AUDIT_WARNING || !text)
            continue;
        if (!begun)
            begin_table(page, WORD_TO_DO, columns, G_N_ELEMENTS(columns));
        begun = TRUE;
        add_advice(page, finding, text);
    }
    if (begun)
        g_string_append(page->html, "</tbody></table>\n");
}

static void
add_timeline(Html *page)
{
    g_autofree char *svg = report_timeline(page->report);

    if (svg)
        g_string_append_printf(page->html, "<h2>%s</h2>\n<p>%s</p>\n%s", word(page, WORD_TIMELINE), word(page, WORD_TIMELINE_NOTE), svg);
}

static void
add_event(Html *page, const AuditEvent *event)
{
    g_autofree char *node = report_node(page->report, event->node);

    g_string_append(page->html, "<tr>");
    add_time(page, event->time);
    add_cell(page, NULL, node);
    add_number(page, (guint64)event->seq);
    add_cell(page, NULL, event->type);
    add_cell(page, NULL, event->subject ? event->subject : "");
    g_string_append(page->html, "</tr>\n");
}

static void
add_events(Html *page)
{
    static const Word columns[] = { WORD_TIME, WORD_NODE, WORD_RECORD, WORD_TYPE, WORD_ABOUT };
    const Audit *audit = page->report->audit;
    guint shown = MIN(audit->events->len, EVENTS_SHOWN);
    guint64 left_out = audit->events->len - shown + audit->events_left_out;

    begin_table(page, WORD_EVENTS, columns, G_N_ELEMENTS(columns));
    for (guint i = 0; i < shown; i++)
        add_event(page, &g_array_index(audit->events, AuditEvent, audit->events->len - 1 - i));
    g_string_append(page->html, "</tbody></table>\n");
    if (left_out)
        g_string_append_printf(page->html, "<p>%" G_GUINT64_FORMAT " %s</p>\n", left_out, word(page, WORD_LEFT_OUT));
}

static void
add_limits(Html *page)
{
    static const Word limits[] = { WORD_LIMIT_NAMES, WORD_LIMIT_UNSEEN, WORD_LIMIT_CONTENT, WORD_LIMIT_AFTER };

    g_string_append_printf(page->html, "<h2>%s</h2>\n<ul>\n", word(page, WORD_NEXT));
    for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
        g_string_append(page->html, "<li>");
        add_escaped(page, word(page, limits[i]));
        g_string_append(page->html, "</li>\n");
    }
    g_string_append(page->html, "</ul>\n</body></html>\n");
}

char *
report_page(const Report *report)
{
    Html page = { report, g_string_new(NULL) };

    add_head(&page);
    add_to_do(&page);
    add_nodes(&page);
    add_findings(&page);
    add_timeline(&page);
    add_events(&page);
    add_limits(&page);
    return g_string_free(page.html, FALSE);
}
