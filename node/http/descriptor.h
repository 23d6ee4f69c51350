/*
 * descriptor: one connection served that is there already: standard input and output, a stream that a peer opened.  No TLS: whoever gives the descriptors knows who is
 * at their other end.  The bounds are those of answering.h.
 */
#ifndef CHAMA_NODE_HTTP_DESCRIPTOR_H
#define CHAMA_NODE_HTTP_DESCRIPTOR_H

#include "node/http/answering.h"

#define DESCRIPTOR_WAIT_SECONDS 600   /* for the next request: who asks cannot simply connect again, and may be verifying what it got */

typedef struct {
    const char *home;
    const char *node;          /* whom the road proves the caller to be, or NULL: nobody */
    const char *address;       /* what the log calls the road */
    Limits *limits;            /* of what is served (PU50), borrowed; NULL: none */
    guint64 slowest;           /* bytes a second (PU53); 0: PATIENCE_RATE */
    Pushes *pushes;            /* as in AnsweringOptions, and so are: */
    gboolean (*told)(gpointer data, GBytes *body, GError **error);
    gpointer told_data;
    Progress *progress;
    const gint *cancelled;     /* may be NULL: set by another thread, ends it */
    void (*log)(gpointer data, const AnsweredEvent *event);   /* from another thread; may be NULL */
    gpointer log_data;
} DescriptorOptions;

/* Answers requests from @in on @out until @in ends, or a deadline is over.  Both stay open.  If they are one stream socket it is used as it is (and is non-blocking then), else
 * two threads copy: one of them may be left in read(2) or write(2) until the process ends or the other side closes.  TRUE however the caller behaves; CANCELLED; FAILED. */
gboolean descriptor_serve(int in, int out, const DescriptorOptions *options, GError **error);

#endif
