/*
 * transport: how bytes reach a peer.  Nothing above knows which road is taken; https:// (TLS 1.3, pinned keys), ssh:// (libssh2, known hosts).
 *
 * A Transport is one connection's worth of requests, one after the other; requests of several threads wait for each other.
 */
#ifndef CHAMA_SYNC_TRANSPORT_TRANSPORT_H
#define CHAMA_SYNC_TRANSPORT_TRANSPORT_H

#include <glib.h>

#include "keys/digest.h"
#include "sync/transport/limit.h"

typedef struct {
    const char *certificate_path, *key_path;  /* ours (PEM), shown to the peer; NULL: anonymous */
    const Digest *pins;                       /* keys that the peer may show; any of them */
    guint pin_count;                          /* 0: any key is taken; transport_peer_pin() says which it was */
    const char *known_hosts;                  /* ssh://: where the keys of hosts are noted that a person accepted; NULL: none is */
    guint connect_timeout;                    /* seconds */
    guint stall_timeout;                      /* seconds without a byte */
    guint patience;                           /* seconds for a request, and 1 more for each @slowest bytes that go or come; 0: for ever */
    guint64 slowest;                          /* bytes a second; 0: PATIENCE_RATE */
    Limit *limit;                             /* of what comes in bodies (PU50); NULL: none.  Kept as long as the transport */
    gint *gives_way;                          /* may be NULL: the same, with EXISTS (PU55) */
    gint *cancelled;                          /* may be NULL: set by another thread, stops a request with CANCELLED */
} TransportOptions;

#define PATIENCE_RATE 1024                    /* bytes a second */

typedef struct Transport Transport;

/* TRUE if @url begins as the addresses that some road leads to. */
gboolean transport_reaches(const char *url);
/* FALSE if what answers at @url is not known by pins: its road has other ways to judge it, and transport_peer_pin() has nothing to say. */
gboolean transport_wants_pins(const char *url);

/* @url "https://HOST[:PORT][/PATH]": the path comes before that of each request; or "ssh://[USER@]HOST[:PORT][/PATH]": the path is the folder of the node there.
 * Does not connect yet.  USAGE for a scheme that is not known. */
Transport *transport_open(const char *url, const TransportOptions *options, GError **error);
/* One that reaches nobody: a GET of a path that begins with @path is answered with @bytes, all else is not found.  For what a peer brought by itself. */
Transport *transport_brought(const char *path, GBytes *bytes);
/* One over @fd, a stream that is there already, with the peer that answers HTTP/1.1 at its other end; taken over, whatever happens.  @name stands in errors.  SIGPIPE must be ignored. */
Transport *transport_over(int fd, const char *name, const TransportOptions *options, GError **error);
/* For one more who closes it. */
Transport *transport_ref(Transport *transport);
/* A further connection along the same road, for requests beside those of @transport.  NULL without an error: there is but this one, to be shared. */
Transport *transport_another(Transport *transport, GError **error);
void transport_close(Transport *transport);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Transport, transport_close)

/* Gets the body of a good answer (status 200) in pieces as they come; FALSE with an error stops the transfer. */
typedef gboolean (*TransportSink)(gpointer data, const void *bytes, gsize size, GError **error);

/* @method "GET" or "POST" (@body NULL or the bytes); @path begins with "/v1/"; @grant NULL or the value of a Chama-Grant header.
 * UNREACHABLE: no connection, cut, stalled.  VERIFY: the peer's key is none of the pins.  Another status than 200: the error that its problem
 * document speaks of. */
gboolean transport_request(Transport *transport, const char *method, const char *path, GBytes *body, const char *grant,
                           TransportSink sink, gpointer data, GError **error);
/* The whole answer, at most @limit bytes (LIMIT). */
GBytes *transport_fetch(Transport *transport, const char *method, const char *path, GBytes *body, const char *grant, gsize limit, GError **error);

/* The same of an answer whose @status says something by itself: whatever it is, with its body. */
GBytes *transport_ask(Transport *transport, const char *method, const char *path, GBytes *body, gsize limit, int *status, GError **error);

/* The connection by itself: a stream socket, the caller's, with what answers at its other end, that lasts as long as @transport, which is asked nothing else.  *@prefix, the caller's: what
 * comes before the path of a request there.  -1: UNREACHABLE, VERIFY; USAGE if this road has none. */
int transport_bare(Transport *transport, char **prefix, GError **error);

/* TRUE if all that is at the other end is at the end of this one connection: another one leads to another process there. */
gboolean transport_is_single(const char *url);

/* The pin of the key that the peer showed in the last request: FALSE if there was none. */
gboolean transport_peer_pin(Transport *transport, Digest *pin);
/* Bytes received and requests made so far. */
guint64 transport_bytes(Transport *transport);
guint64 transport_requests(Transport *transport);

/* The version of the library behind "https://" or "ssh://", for `chama --version`; "none" if it is not there. */
const char *transport_library(const char *scheme);

#endif
