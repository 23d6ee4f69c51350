/*
 * connections: those that a server has open, each with a deadline.  libmicrohttpd's timeout counts silence only: a byte a second would live for ever.  This
 * counts time: a thread looks through them once a second and cuts those that are over it.  Safe from any thread.
 */
#ifndef CHAMA_NODE_HTTP_CONNECTIONS_H
#define CHAMA_NODE_HTTP_CONNECTIONS_H

#include <arpa/inet.h>

#include <glib.h>

#define REQUEST_SECONDS 90          /* to send a whole request (E2) */
#define ANSWER_SECONDS 120          /* to take an answer, and 1 more for each `slowest` bytes (PU53) */

typedef enum {
    CONNECTION_WAITS,               /* for a request */
    CONNECTION_ASKS,                /* sends one */
    CONNECTION_TAKES,               /* the answer */
    CONNECTION_ELSEWHERE,           /* it is somebody else's: no deadline */
} ConnectionStage;

/* One connection, from accept to close.  The owner of the list sets @data. */
typedef struct {
    int fd;
    char address[INET6_ADDRSTRLEN];
    ConnectionStage stage;
    gint64 since;                   /* when the stage, or the wait before CONNECTION_ASKS, began (monotonic seconds) */
    guint64 sent;                   /* of the answer */
    gint64 rested;                  /* microseconds of the answer: by this side's limit */
    gpointer data;
} Connection;

typedef struct Connections Connections;
/* @wait_seconds: how long one may be open without a request; if at most REQUEST_SECONDS, the request has to be there by REQUEST_SECONDS from when it began to wait.
 * @slowest: bytes a second. */
Connections *connections_new(guint wait_seconds, guint64 slowest);
/* Only when none is left. */
void connections_free(Connections *connections);

/* CONNECTION_WAITS. */
Connection *connections_add(Connections *connections, int fd, const struct sockaddr *address);
void connections_remove(Connections *connections, Connection *connection);
/* Begins @stage; its time counts from now, but see connections_new(). */
void connection_begin(Connections *connections, Connection *connection, ConnectionStage stage);
void connection_sent(Connections *connections, Connection *connection, gsize bytes);
void connection_rested(Connections *connections, Connection *connection, gint64 microseconds);

/* Waits until there was one and is none any more; FALSE once *@cancelled (may be NULL) is set. */
gboolean connections_wait(Connections *connections, const gint *cancelled);

#endif
