/*
 * push_contacts: what came of the last push to each peer, and when the daemon begins the next (sync/PROTOCOL.md, PS9).  Rows of state.sqlite.
 */
#ifndef CHAMA_SYNC_PUSH_CONTACTS_H
#define CHAMA_SYNC_PUSH_CONTACTS_H

#include "sync/contacts.h"

typedef struct {
    Contact contact;   /* as of a sync */
    gint64 went;       /* when one went well last, seconds since 1970; 0: never */
    char *error;       /* of the last one, or NULL */
    Digest mark;       /* push_mark() when that which went well last began */
} PushContact;
void push_contact_clear(PushContact *push);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PushContact, push_contact_clear)

/* What this node could give @node: which records of ledgers, but of its own, and which versions.  Another mark: something is new, or gone. */
gboolean push_mark(Home *home, const char *node, Digest *mark, GError **error);

/* All zero if there is none. */
gboolean push_contacts_get(Home *home, const char *node, PushContact *push, GError **error);
/* @mark: as it was before the push. */
gboolean push_contacts_note(Home *home, const char *node, const ContactOutcome *outcome, const Digest *mark, GError **error);
/* PU54: it was broken off for others. */
gboolean push_contacts_note_turn(Home *home, const char *node, GError **error);
/* The peer was accepted anew, or removed. */
gboolean push_contacts_forget(Home *home, const char *node, GError **error);

#endif
