/*
 * report: an Audit for people: lines of text, or one HTML page that needs nothing beside itself and can be printed.
 */
#ifndef CHAMA_NODE_REPORT_REPORT_H
#define CHAMA_NODE_REPORT_REPORT_H

#include <jansson.h>

#include "node/report/words.h"

typedef struct {
    Home *home;          /* for the names of nodes; NULL: the audit was of clones */
    const Audit *audit;
    Language language;
} Report;

/* How a node is shown: its alias, "this node" for this one, without a home the beginning of its id.  The caller's. */
char *report_node(const Report *report, const char *node);
/* What it calls itself: "林业局 Forestry", or nothing.  The caller's. */
char *report_claimed_name(const AuditNode *node);
/* The sentence of a finding, nodes by their names.  The caller's. */
char *report_sentence(const Report *report, const AuditFinding *finding);
/* What is to be said of the whole. */
const char *report_verdict(const Report *report);
AuditVerdict report_worst(const Audit *audit);

/* text.c, json.c: to standard output. */
void report_print(const Report *report);
json_t *report_json(const Report *report);
/* page.c: the HTML; the caller's. */
char *report_page(const Report *report);
/* timeline.c: an SVG element, a line for each node; NULL if there are no events.  The caller's. */
char *report_timeline(const Report *report);

#endif
