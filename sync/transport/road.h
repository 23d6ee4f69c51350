/*
 * road: one way for bytes to reach a peer; transport.c holds the table of them.  A road carries requests and answers: what an answer means
 * (status, problem documents, bounds on bodies) is transport.c's business.
 */
#ifndef CHAMA_SYNC_TRANSPORT_ROAD_H
#define CHAMA_SYNC_TRANSPORT_ROAD_H

#include "sync/transport/transport.h"

#define ANSWER_HEAD_MAX (64 * 1024)   /* all header lines of one answer */

typedef struct {
    const char *method, *path;
    const char *grant;    /* value of Chama-Grant or NULL */
    GBytes *body;         /* or NULL */
} RoadRequest;

/* Takes a piece of the answer's body, whose status is known; FALSE with an error breaks off.  It may rest for long (PU50), which is no fault of the peer: the time that it
 * takes is not to be counted against stall_timeout or patience. */
typedef gboolean (*RoadBody)(gpointer data, int status, const void *bytes, gsize size, GError **error);

typedef struct Road Road;

typedef struct {
    const char *scheme;   /* "https://" */
    gboolean judges;      /* whom it reaches the road itself has judged (host keys); else it is for TransportOptions.pins */
    gboolean single;      /* each connection leads to a process of its own */
    Road *(*open)(const char *url, const TransportOptions *options, GError **error);
    void (*close)(Road *road);
    /* A further connection along the same road; NULL without an error if there is none to be had.  NULL: there never is. */
    Road *(*another)(Road *road, GError **error);
    /* TRUE with the answer's *@status once its body is whole.  An error of @body comes through as it is. */
    gboolean (*request)(Road *road, const RoadRequest *request, RoadBody body, gpointer data, int *status, GError **error);
    /* As transport_bare(); NULL: there is none. */
    int (*bare)(Road *road, char **prefix, GError **error);
    gboolean (*peer_pin)(Road *road, Digest *pin);
    const char *(*library)(void);   /* the version of what is behind it, "none" if that is not there */
} RoadKind;

/* A Transport along @road, which is taken over: for roads that no address leads to. */
Transport *transport_along(const RoadKind *kind, Road *road);

extern const RoadKind road_https;
extern const RoadKind road_ssh;

/* transport_brought(): no address leads to it. */
extern const RoadKind road_brought;
Road *road_brought_open(const char *path, GBytes *bytes);

#endif
