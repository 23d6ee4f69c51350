/*
 * landing: where a session puts down what arrives: a store writer for each of the last two scopes, and the versions that came whole since the last
 * commit.  Many small versions become durable with one set of fsyncs.  A version counts as held, and is told of, only after that (I1); a cut or a crash
 * loses no more than the marks of those of the last seconds, whose bytes are salvaged.
 */
#ifndef CHAMA_SYNC_PULL_LANDING_H
#define CHAMA_SYNC_PULL_LANDING_H

#include "sync/transfers.h"

typedef struct Landing Landing;
/* @told: called for each version that has become held, with the line given for it. */
typedef void (*LandingTold)(gpointer data, const char *line);
Landing *landing_new(Home *home, LandingTold told, gpointer data);
/* Versions not committed are let go. */
void landing_free(Landing *landing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Landing, landing_free)

/* Borrowed; good until the next call for another scope or the next commit. */
StoreWriter *landing_writer(Landing *landing, const Scope *scope, GError **error);
/* All of a version has been put: it is held from the next commit on.  @line (the landing's from then on) tells of it.  Of one that is not complete (@line
 * NULL) gc keeps what came.  @provider (NULL: nobody): the node to which a receipt for it is due, from the moment on that it is held (PU25). */
void landing_add(Landing *landing, const Held *held, const char *provider, char *line);
/* The version @manifest if it came whole and waits: all of it can be read from the store already.  Borrowed until the next call; or NULL. */
const Held *landing_find(const Landing *landing, const Digest *manifest);
/* Is it time to commit? */
gboolean landing_is_due(const Landing *landing);
/* Makes what was put durable, then the versions held.  On failure those that were waiting are let go. */
gboolean landing_commit(Landing *landing, GError **error);

#endif
