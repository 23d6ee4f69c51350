/*
 * http: HTTP/1.1 as every road over a connection speaks it, by libcurl.  How the connection comes about is the road's business: it sets the options for that
 * (http_handle()) before the first request.  One request at a time.
 *
 * All bounds are here: head of an answer, silence, how slow an answer may be (PU1), cancelling.
 */
#ifndef CHAMA_SYNC_TRANSPORT_HTTP_H
#define CHAMA_SYNC_TRANSPORT_HTTP_H

#include "sync/transport/road.h"

typedef struct HttpClient HttpClient;

/* @base comes before the path of each request; @name stands in errors; @protocol, "https" or "http", is the only one that is spoken.  FAILED: no libcurl, or
 * one that lacks something. */
HttpClient *http_new(const char *base, const char *name, const char *protocol, const TransportOptions *options, GError **error);
void http_free(HttpClient *http);

/* @head is called when an answer begins to come. */
void http_on_head(HttpClient *http, void (*head)(gpointer data), gpointer data);

/* As RoadKind.request.  UNREACHABLE: no connection, cut, stalled, overdue.  CANCELLED, LIMIT: the answer's head. */
gboolean http_request(HttpClient *http, const RoadRequest *request, RoadBody body, gpointer data, int *status, GError **error);
/* Only the connection (CURLOPT_CONNECT_ONLY), with all that is checked of it; then no request can be made.  Errors as above. */
gboolean http_connect(HttpClient *http, GError **error);
/* The CURLcode that the last request ended with. */
int http_code(const HttpClient *http);

gpointer http_handle(HttpClient *http);   /* its CURL */
const char *http_name(const HttpClient *http);
const char *http_library(void);           /* RoadKind.library */

#endif
