/*
 * rounds: the daemon's periodic sync: every interval, each accepted peer in turn, in a thread of its own.  An error with one peer is logged and
 * never keeps the others waiting for long.
 */
#ifndef CHAMA_NODE_ROUNDS_H
#define CHAMA_NODE_ROUNDS_H

#include "node/config.h"
#include "node/journal.h"
#include "sync/pull.h"

/* What the configuration says of quotas and reserve. */
void rounds_pull_options(const Config *config, PullOptions *options);

typedef struct Rounds Rounds;
/* Starts the thread; the first round begins at once.  With an interval of 0 there is none. */
Rounds *rounds_start(const char *home, const Config *config, Journal *journal);
/* Stops the transfer under way and waits for it. */
void rounds_stop(Rounds *rounds);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rounds, rounds_stop)

#endif
