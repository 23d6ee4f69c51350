/*
 * listener: the HTTPS server (libmicrohttpd over GnuTLS, TLS 1.3).  What it does with requests is answering.h.
 *
 * A caller may show a certificate; its key is what says who calls.  Bounds: connections in all and per address.
 */
#ifndef CHAMA_NODE_HTTP_LISTENER_H
#define CHAMA_NODE_HTTP_LISTENER_H

#include <glib.h>

#include "node/http/answering.h"

typedef struct {
    const char *home;
    const char *address;       /* "HOST:PORT", "[IPV6]:PORT" */
    guint connections_max;
    Pushes *pushes;            /* as in AnsweringOptions */
    Limits *limits;            /* of what is served (PU50), borrowed; NULL: none */
    guint64 slowest;           /* bytes a second (PU53); 0: PATIENCE_RATE */
    void (*log)(gpointer data, const AnsweredEvent *event);   /* from any thread */
    gpointer log_data;
} ListenerOptions;

typedef struct Listener Listener;

/* Listens when it returns.  FAILED naming the address if it is taken or not ours. */
Listener *listener_start(const ListenerOptions *options, GError **error);
/* Reads key and certificate of the home again: connections that begin from now on get them, those under way go on as they began (TC10).  *@renewed: they are others.
 * On an error all stays as it is. */
gboolean listener_renew(Listener *listener, gboolean *renewed, GError **error);
/* Answers under way are broken off: their receivers resume. */
void listener_stop(Listener *listener);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Listener, listener_stop)

#endif
