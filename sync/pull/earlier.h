/*
 * earlier: what a version has in common with those of the same dataset that are held whole, or came whole in this session.  All of that is here: a walk
 * through the new listing need not enter it.
 */
#ifndef CHAMA_SYNC_PULL_EARLIER_H
#define CHAMA_SYNC_PULL_EARLIER_H

#include "sync/pull/transfer.h"

/* Fills the session's known pages for the transfer's dataset, and finds the base of the transfer (PU20). */
gboolean earlier_learn(Transfer *transfer, GError **error);
/* The transfer's version came whole. */
void earlier_add(Transfer *transfer);
/* What came whole did not become durable: nothing is known any more. */
void earlier_forget(Session *session);

#endif
