/*
 * refusals (PU17): which versions a peer did not give, and when, so that an idle sync does not ask again and again.  A refusal is forgotten when something
 * changed that may end it (the ledger, a new grant), and counts for PullOptions' retry_after seconds otherwise.  Kept in state.sqlite.
 */
#ifndef CHAMA_SYNC_PULL_REFUSALS_H
#define CHAMA_SYNC_PULL_REFUSALS_H

#include "manifests/home.h"
#include "manifests/manifest.h"

gboolean refusals_note(Home *home, const char *peer, const Manifest *manifest, GError **error);
/* TRUE if @peer refused it less than @seconds ago; FALSE also if that cannot be read. */
gboolean refusals_recent(Home *home, const char *peer, const Digest *manifest, guint seconds);
/* After news of @node: what was refused of its versions by anyone, and what it refused itself. */
gboolean refusals_forget(Home *home, const char *node, GError **error);

#endif
