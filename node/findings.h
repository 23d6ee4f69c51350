/*
 * findings: what verify and fsck found wrong, printed as it comes, collected for --json, and turned into exit status 3.
 */
#ifndef CHAMA_NODE_FINDINGS_H
#define CHAMA_NODE_FINDINGS_H

#include <jansson.h>

#include "manifests/home.h"

typedef struct {
    gboolean json;
    const char *subject;     /* what is being checked now */
    guint bad;
    guint checked;
    char *closed;            /* the last subject that was closed */
    json_t *subjects;        /* of {"subject","good"} */
    json_t *list;            /* with json: of {"subject","problem"} */
} Findings;

/* For the rooms' report callbacks: @data is a Findings*.  Safe from one thread at a time. */
void findings_report(gpointer data, const char *message);
/* After a subject: prints "SUBJECT: good" if nothing was found since @bad_before. */
void findings_close_subject(Findings *findings, guint bad_before);
/* A subject of which there is nothing to check, for a reason: "SUBJECT: WHY", neither good nor bad. */
void findings_excuse(Findings *findings, const char *why);
/* Something more to say of the subject that was closed last, neither good nor bad: "SUBJECT: TEXT", or the member @name of its object.  Takes @value. */
void findings_remark(Findings *findings, const char *name, const char *text, json_t *value);
/* Ids of all nodes whose ledger lies in the home, whole or sparse, by what lies there: the catalogue may lack what is damaged.  The caller's. */
GPtrArray *findings_ledgers(Home *home, GError **error);
/* Checks one ledger (whole or sparse) by its node id. */
gboolean findings_check_ledger(Findings *findings, Home *home, const char *node, GError **error);
/* Prints the sum; returns the exit status (0 or 3). */
int findings_finish(Findings *findings);

#endif
