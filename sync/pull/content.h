/*
 * content: which versions a sync asks the peer for, and asking for them: newest first within each node, the peer's own before those of others.
 */
#ifndef CHAMA_SYNC_PULL_CONTENT_H
#define CHAMA_SYNC_PULL_CONTENT_H

#include "sync/pull/session.h"

gboolean pull_content(Session *session, GError **error);

#endif
