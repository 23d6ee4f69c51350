/*
 * dropbox: the daemon's drop boxes (sync/BUNDLE.md, part 8): an inbox, whose bundles it applies, and outboxes, in which it leaves bundles for peers.  In a thread of its own; what it did last stands in a file of the home, for
 * `chama status`.
 */
#ifndef CHAMA_NODE_DROPBOX_H
#define CHAMA_NODE_DROPBOX_H

#include "node/config.h"
#include "node/journal.h"

typedef struct Dropbox Dropbox;
/* NULL if the configuration names no box.  @config lives longer. */
Dropbox *dropbox_start(const char *home, const Config *config, Journal *journal);
/* Stops what is under way and waits for it. */
void dropbox_stop(Dropbox *dropbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dropbox, dropbox_stop)

#endif
