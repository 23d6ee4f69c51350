/*
 * making: one bundle being made: what the files that make it share.  What goes in is what this node answers to the receiver (sync/answer.h), asked here as it would ask.
 */
#ifndef CHAMA_SYNC_BUNDLE_MAKING_H
#define CHAMA_SYNC_BUNDLE_MAKING_H

#include "sync/answer.h"
#include "sync/bundle/bundle.h"
#include "sync/bundle/packing.h"
#include "sync/wire.h"

#define BUNDLE_KNOWN "known.json"             /* what the receiver holds once it has applied it, as an exchange/1 */
#define BUNDLE_KNOWN_VERSIONS "known-versions" /* and versions, a line each */

typedef struct {
    Home *home;
    const BundleCreateOptions *options;
    BundleCreateResult *result;
    Peer *peer;                  /* for whom; NULL: for anyone */
    Exchange *known;             /* what the receiver holds, as far as is known */
    GHashTable *held;            /* versions that it holds: set of Digest* */
    GPtrArray *versions;         /* of const Manifest*: what goes in */
    ExchangeReply *reply;        /* what it is answered */
    Packing *packing;
} Making;
void making_clear(Making *making);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Making, making_clear)

void making_talk(Making *making, const char *format, ...) G_GNUC_PRINTF(2, 3);
gboolean making_check(Making *making, GError **error);   /* CANCELLED */

/* What the receiver would get: @query and @body may be NULL.  An error that it would be told, with the reason that it would not. */
Answer *making_ask(Making *making, const char *method, const char *path, const char *query, GBytes *body, GError **error);
/* All of it, at most @limit bytes. */
GBytes *making_fetch(Making *making, const char *method, const char *path, const char *query, GBytes *body, gsize limit, GError **error);

/* The steps: what the receiver is told; ledgers; documents and pages of versions; their chunks. */
gboolean making_learn_reply(Making *making, GError **error);
gboolean making_put_reply(Making *making, GError **error);
gboolean making_put_ledgers(Making *making, GError **error);
gboolean making_put_listings(Making *making, GError **error);
gboolean making_put_chunks(Making *making, GError **error);

#endif
