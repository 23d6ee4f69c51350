/*
 * erasing: taking a version's content away for good, and saying so (manifests/FORMAT.md, part 3, S18, S19; P29).
 *
 * In this order, so that a crash leaves nothing undone and nothing unsaid: what is to be erased is noted in state.sqlite; the tombstone is stated; the store is
 * rid of what no other version names; the version is no longer held, and the note is done.  What is noted and not done is finished by the next of gc, a
 * sync or an erasure.
 */
#ifndef CHAMA_MANIFESTS_ERASING_H
#define CHAMA_MANIFESTS_ERASING_H

#include "manifests/erasure.h"
#include "manifests/home.h"
#include "manifests/store/maintain.h"

/* The tombstone of this node for @manifest, for @reason.  The record is the caller's.  erasing_finish() is to follow. */
Record *erasing_state(Home *home, const Manifest *manifest, const char *reason, GError **error);

/* S19: notes what the owners of versions have erased since, and states a tombstone of this node for each that it holds.  @told (may be NULL) is called
 * for each of these. */
typedef void (*ErasingTold)(gpointer data, const Manifest *manifest);
gboolean erasing_follow(Home *home, ErasingTold told, gpointer data, GError **error);

/* How many are noted and not done. */
gboolean erasing_pending(Home *home, guint *count, GError **error);
/* TRUE if @manifest is one of them, and a tombstone says so: of one that was killed before it said it nothing goes. */
gboolean erasing_is_pending(Home *home, const Digest *manifest);

/* Does what is noted: at once, or, with @busy, only if nobody else uses the store (else *@busy).  @waiting as in store_gc().  FAILED if some of it may still
 * lie in a pack that is damaged; then it stays noted. */
gboolean erasing_finish(Home *home, gboolean *busy, void (*waiting)(void), GcTotals *totals, GError **error);

/* fsck: each version that counts as erased here and of which something is still in the store that no version held has, to @report, a line for a person. */
gboolean erasing_check(Home *home, void (*report)(gpointer data, const char *message), gpointer data, GError **error);

#endif
