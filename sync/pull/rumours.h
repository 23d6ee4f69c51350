/*
 * rumours: what others were told (PU22, PU27): evidence goes from node to node, and checkpoints of third parties are compared, so that a
 * history that an owner shows to one and not to another is found by the first peer whom both meet.
 */
#ifndef CHAMA_SYNC_PULL_RUMOURS_H
#define CHAMA_SYNC_PULL_RUMOURS_H

#include "sync/pull/session.h"

/* Steps of a sync.  Evidence that one side lacks goes over, each piece verified before it is kept; what was not known is an alarm and a problem. */
gboolean pull_evidence(Session *session, GError **error);
/* Checkpoints of which the peer told, and those heard before that could not be compared. */
gboolean pull_rumours(Session *session, GError **error);

/* PU27: @note was offered of @node's ledger, which could not be brought to it: until someone can tell whether it is of the same history, it is kept as heard. */
void rumours_note(Session *session, const char *node, const char *note);

/* Asks the peer whether the checkpoint held here of @node's ledger is the beginning of its own: FORK, with evidence kept, if it is not; TRUE if it is, or if the peer
 * does not say. */
gboolean rumours_ask(Session *session, const char *node, GError **error);

/* The same without asking, for who cannot be asked: FORK if @note, which the owner signed, is of as many records as are held and of another root. TRUE if nothing can be told. */
gboolean rumours_compare(Session *session, const char *node, const char *note, GError **error);

#endif
