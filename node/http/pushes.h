/*
 * pushes: what peers that cannot be dialled bring (sync/PROTOCOL.md, part 12): connections on which roles have changed, each with a thread that takes along it what this node wants.
 * At most PUSHES_MAX at once, one of each peer: a newer one ends the one before it.  Safe from any thread.
 */
#ifndef CHAMA_NODE_HTTP_PUSHES_H
#define CHAMA_NODE_HTTP_PUSHES_H

#include <microhttpd.h>

#include "node/config.h"
#include "sync/pull.h"

#define PUSHES_MAX 8       /* PS6 */

typedef struct {
    const char *home;
    const Config *config;                /* quotas, intervals */
    const Policy *policy;                /* may be NULL */
    Limits *limits;                      /* of what is fetched; may be NULL */
    /* What came, from any thread; may be NULL.  @peer is its alias. */
    void (*log)(gpointer data, const char *peer, const PullResult *result, const GError *failed);
    gpointer log_data;
} PushesOptions;

/* What @options points to must live as long. */
typedef struct Pushes Pushes;
Pushes *pushes_new(const PushesOptions *options);
/* Cuts those under way, waits for them, and lets no more begin.  Only then may the server be stopped whose connections they are. */
void pushes_stop(Pushes *pushes);
void pushes_free(Pushes *pushes);

/* A place for one of @node, which calls it @word (PS5, may be NULL), which its connection may still fail to take: then pushing_leave() gives it back.  One that has it is cut (PS6), and the new one waits for its end once it has begun.
 * EXISTS: too many that have been cut have not ended yet; UNREACHABLE: all places are taken. */
typedef struct Pushing Pushing;
Pushing *pushes_admit(Pushes *pushes, const char *node, const char *word, GError **error);
/* The request on @connection is over, which is still open.  Whoever leaves one that has begun apart, cuts it. */
void pushing_leave(Pushing *pushing, int connection);
/* Takes @pushing: begins, along @socket, which is libmicrohttpd's as long as @handle is not closed (PS4). */
void pushing_begin(Pushing *pushing, int socket, struct MHD_UpgradeResponseHandle *handle);

/* PS5: begins, along two requests, on two connections: descriptors of libmicrohttpd's, which are watched until pushing_leave().  What this node asks is read by pushing_questions(), what it is
 * answered goes to pushing_answers(): how many bytes; 0: none just now, look again in PUSHING_PAUSE microseconds; below 0: it is over, also because either connection is cut. */
#define PUSHING_PAUSE 2000
#define PUSHING_ANSWERS_SECONDS 10   /* within which, once something is asked, the answers begin to come, or it is over */
#define PUSHING_DEAD_SECONDS 60      /* in which nobody at the other end takes note of anything */
gboolean pushing_begin_apart(Pushing *pushing, int connection, GError **error);
gssize pushing_questions(Pushing *pushing, char *bytes, gsize max);
gssize pushing_answers(Pushing *pushing, const char *bytes, gsize size);
/* That of @node which it calls @word, begun so, whose answers nobody brings yet, for who leaves it like the other; NOT_FOUND. */
Pushing *pushes_find(Pushes *pushes, const char *node, const char *word, int connection, GError **error);

#endif
