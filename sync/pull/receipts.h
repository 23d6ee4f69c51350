/*
 * receipts: the last step of a sync: the peer is told what arrived from it under a grant, its deliveries are fetched, and receipts for them stated
 * (sync/PROTOCOL.md, PU25).
 */
#ifndef CHAMA_SYNC_PULL_RECEIPTS_H
#define CHAMA_SYNC_PULL_RECEIPTS_H

#include "sync/pull/session.h"

gboolean pull_receipts(Session *session, GError **error);

#endif
