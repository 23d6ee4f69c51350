/*
 * contacts: what came of the last session with each peer, and when the daemon begins the next (sync/PROTOCOL.md, PU52).  Rows of state.sqlite, beside those of
 * peers.h, where the time it last went well and the last error stand.
 */
#ifndef CHAMA_SYNC_CONTACTS_H
#define CHAMA_SYNC_CONTACTS_H

#include "manifests/home.h"

typedef struct {
    gint64 tried;     /* when the last session ended, seconds since 1970; 0: there was none */
    gint64 next;      /* when the next is to begin; 0: none is planned */
    guint failures;   /* sessions in a row that failed, since one went well or got on */
} Contact;

/* All zero if there is none. */
gboolean contacts_get(Home *home, const char *node, Contact *contact, GError **error);

typedef struct {
    const char *error;    /* NULL: it went well */
    gboolean failed;      /* it could not be, or was cut; else @error is about a part of it */
    gboolean got_on;      /* something came all the same */
    guint interval;       /* seconds until the next, if all goes well; 0: none is planned */
} ContactOutcome;
/* What it is after one more session, that ended now. */
void contact_go_on(Contact *contact, const ContactOutcome *outcome);
gboolean contacts_note(Home *home, const char *node, const ContactOutcome *outcome, GError **error);
/* PU54: it was broken off for others, and goes on as soon as they have had their turn. */
gboolean contacts_note_turn(Home *home, const char *node, GError **error);
/* A person has accepted it anew: at once. */
gboolean contacts_forget(Home *home, const char *node, GError **error);

#endif
