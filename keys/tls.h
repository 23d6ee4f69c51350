/*
 * tls: the node's TLS key (ECDSA P-256, since browsers refuse Ed25519 certificates) and self-signed certificate, and pins.
 * A pin is the SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7469's pin-sha256), in profiles written as a digest.
 */
#ifndef CHAMA_KEYS_TLS_H
#define CHAMA_KEYS_TLS_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "keys/digest.h"

/* Makes a key and a certificate (subject CN @node_id, subjectAltName "localhost", 127.0.0.1, ::1 and @hosts, each once, ten
 * years) and writes them as PEM, the key with mode 0600.  @hosts: NULL-terminated, or NULL for none. */
gboolean tls_generate(const char *key_path, const char *certificate_path, const char *node_id, const char *const *hosts, GError **error);

/* TC7: a new certificate over the same key, with the same names, in the place of the one at @certificate_path, which must be one of tls_generate() for @node_id:
 * UNSUPPORTED if it is another's, such as a CA's.  The pin stays. */
gboolean tls_renew(const char *key_path, const char *certificate_path, const char *node_id, GError **error);

/* TC7: likewise with the names of tls_generate() for @hosts, if one of @hosts is not in it; *@renewed says whether.  Of another's certificate, or where a host breaks TC3, nothing is done. */
gboolean tls_rename(const char *key_path, const char *certificate_path, const char *node_id, const char *const *hosts, gboolean *renewed, GError **error);

/* TC8: a new key, and over it a certificate with the names of the one at @certificate_path, which must be this node's own as above; both new files (EXISTS). */
gboolean tls_succeed(const char *key_path, const char *certificate_path, const char *node_id, const char *new_key_path, const char *new_certificate_path, GError **error);

/* TRUE if the certificate is one of tls_generate() for @node_id. */
gboolean tls_is_own(const char *certificate_path, const char *node_id);

/* DAMAGED unless the private key is the certificate's. */
gboolean tls_pair_check(const char *key_path, const char *certificate_path, GError **error);

/* The pin of the first certificate in a PEM file, of a DER certificate, of the peer of a session (NOT_FOUND if it showed none). */
gboolean tls_pin_of_file(const char *certificate_path, Digest *pin, GError **error);
gboolean tls_pin_of_der(const void *der, gsize size, Digest *pin, GError **error);
gboolean tls_pin_of_peer(gnutls_session_t session, Digest *pin, GError **error);

/* The seconds since 1970 from and until which the first certificate in a PEM file is valid. */
gboolean tls_certificate_times(const char *certificate_path, gint64 *from, gint64 *until, GError **error);

/* "sha256//<base64>", as libcurl's CURLOPT_PINNEDPUBLICKEY wants it.  The caller's. */
char *tls_pin_for_curl(const Digest *pin);

/* The priority string of every connection: TLS 1.3 only. */
#define TLS_PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3"

#endif
