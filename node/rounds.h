/*
 * rounds: the daemon's syncs, at each peer's interval, with several at the same time, each in a thread with a Home of its own (sync/PROTOCOL.md, PU51, PU52, PU54).
 * An error with one peer is logged and keeps nobody waiting; a session that lasts gives way to peers that wait.  Pushes to peers for which the configuration says so are turns like syncs (PS9),
 * but never one and the other with the same peer at the same time.  Between them anchors are stated and witnesses asked.
 */
#ifndef CHAMA_NODE_ROUNDS_H
#define CHAMA_NODE_ROUNDS_H

#include "node/config.h"
#include "node/journal.h"
#include "sync/pull.h"

/* What the configuration says of quotas and reserve. */
void rounds_pull_options(const Config *config, PullOptions *options);

typedef struct Rounds Rounds;
/* Begins with all peers at once, but for those whose interval is 0.  @config, @limits (of what is fetched, for all that fetch) and @serving (of what is
 * served, for all that serve) must live as long. */
Rounds *rounds_start(const char *home, const Config *config, Limits *limits, Limits *serving, Journal *journal);
/* Stops the transfers under way and waits for them. */
void rounds_stop(Rounds *rounds);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rounds, rounds_stop)

#endif
