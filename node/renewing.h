/*
 * renewing: the daemon's and people's side of manifests/renewal.h: who has seen an announcement, what is due, and how it stands.
 */
#ifndef CHAMA_NODE_RENEWING_H
#define CHAMA_NODE_RENEWING_H

#include <jansson.h>

#include "manifests/renewal.h"

/* How things stand, for people. */
typedef struct {
    Renewal renewal;
    gint64 now;
    guint peers, seen;       /* accepted peers; those of them that have cosigned the announcement */
    gboolean all_seen;
    gint64 takes_over;       /* when, if the daemon serves all the time; 0: nothing waits */
} Renewing;
gboolean renewing_read(Home *home, Renewing *renewing, GError **error);
/* Lines for `keys status`; an object for --json. */
void renewing_print(const Renewing *renewing);
json_t *renewing_json(const Renewing *renewing);

/* Counts @served seconds, then takes the steps that are due, and tells of each with one word ("announced", ...).  A step that needs the signing key waits while that is
 * locked away.  An error of one step is the error of all; those before it stand. */
gboolean renewing_run(const char *home, guint64 served, void (*tell)(gpointer data, const char *what), gpointer data, GError **error);

/* A person begins: makes and announces a key (or says EXISTS if one waits); or takes the announced one into use before its time (NOT_FOUND if none is). */
gboolean renewing_begin(Home *home, GError **error);
gboolean renewing_hurry(Home *home, GError **error);

#endif
