/*
 * answering: from libmicrohttpd's callbacks to sync/answer.h and back: what a server does with each request, whatever its connections run over.  Decides nothing
 * itself.  Bounds: 16 KiB of request head, REQUEST_BODY_MAX of body, the deadlines of connections.h.
 */
#ifndef CHAMA_NODE_HTTP_ANSWERING_H
#define CHAMA_NODE_HTTP_ANSWERING_H

#include <glib.h>
#include <microhttpd.h>

#include "keys/digest.h"
#include "manifests/progress.h"
#include "node/http/pushes.h"
#include "sync/transport/limit.h"

#define HEAD_MAX (16 * 1024)
#define CONNECTION_MEMORY (2 * HEAD_MAX)   /* libmicrohttpd's, of each connection */

/* One request answered, for the log. */
typedef struct {
    const char *address;       /* of the caller: "127.0.0.1" */
    gboolean has_pin;
    Digest pin;
    const char *method, *path;
    int status;
    guint64 bytes;             /* of body sent */
    gint64 microseconds;
    gboolean cut;              /* the answer broke off */
    const char *node;          /* the id of the node that asked, "" if it did not show one */
    const char *remark;        /* why it was refused or failed, for this node's people alone; or NULL */
} AnsweredEvent;

typedef struct {
    const char *home;
    const char *node;          /* whom the road itself proves the callers to be (A15); NULL: they show a TLS key or are nobody */
    const char *address;       /* what the log calls the callers' address; NULL: that of the socket */
    guint wait_seconds;        /* a connection may be open without a request */
    Limits *limits;            /* of what is served (PU50), borrowed; NULL: none */
    guint64 slowest;           /* bytes a second (PU53); 0: PATIENCE_RATE */
    void (*log)(gpointer data, const AnsweredEvent *event);   /* from any thread; may be NULL */
    gpointer log_data;
    void (*began)(gpointer data, struct MHD_Connection *connection);   /* before anything is read of it; may be NULL */
    gpointer began_data;
    Pushes *pushes;            /* borrowed: who takes what peers push; NULL: nobody, and there is no such address */
    /* PS7: the caller, whom this node pushes to, tells what came of it; an error is answered.  NULL: there is no such address. */
    gboolean (*told)(gpointer data, GBytes *body, GError **error);
    gpointer told_data;
    Progress *progress;        /* bytes sent; may be NULL */
} AnsweringOptions;

/* Texts of @options must live as long. */
typedef struct Answering Answering;
Answering *answering_new(const AnsweringOptions *options);
/* Stops @daemon (may be NULL), whose callbacks these are: answers under way are broken off, and so are pushes. */
void answering_end(Answering *answering, struct MHD_Daemon *daemon);
/* Waits until there was a connection and is none any more; FALSE once *@cancelled (may be NULL) is set. */
gboolean answering_wait(Answering *answering, const gint *cancelled);

/* For MHD_start_daemon(), with ANSWERING_FLAGS: the handler of requests; and MHD_OPTION_URI_LOG_CALLBACK, _NOTIFY_CONNECTION, _NOTIFY_COMPLETED with @answering as their data. */
enum MHD_Result answering_request(void *answering, struct MHD_Connection *mhd, const char *url, const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context);
#define ANSWERING_FLAGS (MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE)
#define ANSWERING_CALLBACKS(answering) \
    MHD_OPTION_URI_LOG_CALLBACK, answering_target, (answering), MHD_OPTION_NOTIFY_CONNECTION, answering_connection, (answering), \
    MHD_OPTION_NOTIFY_COMPLETED, answering_completed, (answering), MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY
void *answering_target(void *answering, const char *target, struct MHD_Connection *mhd);
void answering_connection(void *answering, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code);
void answering_completed(void *answering, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code);

#endif
