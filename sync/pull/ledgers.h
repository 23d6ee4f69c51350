/*
 * ledgers: the steps of a sync that move records: the exchange of positions, our own ledger taken back, the ledgers that the peer offers, and the
 * openings of what is sealed for us.
 */
#ifndef CHAMA_SYNC_PULL_LEDGERS_H
#define CHAMA_SYNC_PULL_LEDGERS_H

#include "sync/pull/session.h"

/* One request to the first address that answers: what we hold and who we are, for what the peer has to offer. */
gboolean pull_exchange(Session *session, GError **error);
/* Takes @error.  Of several addresses: that one does not answer says less than that at another somebody else did. */
void pull_keep_graver(GError **kept, GError *error);
/* The same over the connection that there is: the reply takes the place of the one before. */
gboolean pull_exchange_again(Session *session, GError **error);
/* What this node would say to @peer in an exchange: to be carried to it. */
Exchange *pull_holds(Home *home, const char *peer, GError **error);
/* A node restored from a backup takes its own records back before it signs again; where they contradict, that is kept as evidence. */
gboolean pull_own_ledger(Session *session, GError **error);
gboolean pull_ledgers(Session *session, GError **error);
gboolean pull_openings(Session *session, GError **error);

#endif
