/*
 * certificates: the key and certificate that a listener shows.  They may change while it listens: a connection keeps those with which it began, for the others are kept,
 * too, until all is over.  Safe from any thread.
 */
#ifndef CHAMA_NODE_HTTP_CERTIFICATES_H
#define CHAMA_NODE_HTTP_CERTIFICATES_H

#include <glib.h>
#include <gnutls/gnutls.h>

typedef struct Certificates Certificates;
/* Those of the home at @home as they are now: FAILED unless key and certificate belong together. */
Certificates *certificates_new(const char *home, GError **error);
/* Only when no session is left. */
void certificates_free(Certificates *certificates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Certificates, certificates_free)

/* Reads the files again; *@changed: they are others.  On an error all stays as it is. */
gboolean certificates_read(Certificates *certificates, gboolean *changed, GError **error);
/* A server's session that is about to begin shows the newest. */
void certificates_show(Certificates *certificates, gnutls_session_t session);
/* PEM of the first ones, for a server that wants some to start with.  Borrowed. */
const char *certificates_first(const Certificates *certificates);
const char *certificates_first_key(const Certificates *certificates);

#endif
