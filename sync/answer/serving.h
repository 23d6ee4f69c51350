/*
 * serving: the pages and chunks of one version, as frames, in the order asked for (sync/PROTOCOL.md, E15, E16, W15).  Who calls has decided that
 * the caller may have them.  Memory: one piece, a few pages.
 */
#ifndef CHAMA_SYNC_ANSWER_SERVING_H
#define CHAMA_SYNC_ANSWER_SERVING_H

#include "sync/answer/against.h"

#define SERVING_TYPE "application/vnd.chama.frames"

typedef struct Serving Serving;

/* @scope: of the version's owner; what is not held for it is not here.  @store must live longer. */
Serving *serving_new(Store *store, const Digest *root, const Scope *scope);
void serving_free(gpointer serving);
static inline void
serving_cleanup(Serving *serving)
{
    serving_free(serving);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Serving, serving_cleanup)

/* E17: what it sends may be patches; taken over. Without it all is sent whole. */
void serving_set_against(Serving *serving, Against *against);

/* Take over the array.  NOT_FOUND if the root page is not here; MALFORMED if a range ends past the listing's last position. */
gboolean serving_ask_pages(Serving *serving, GArray *places, GError **error);
gboolean serving_ask_chunks(Serving *serving, GArray *ranges, GError **error);

/* The next frames, about 256 KiB, or NULL at the end.  What is not here or was damaged is a frame of kind 0. */
GBytes *serving_next(gpointer serving, GError **error);

#endif
