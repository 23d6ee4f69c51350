/*
 * token_private: what token.c, token_uri.c and token_pin.c share.
 */
#ifndef CHAMA_KEYS_TOKEN_PRIVATE_H
#define CHAMA_KEYS_TOKEN_PRIVATE_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "keys/token.h"

/* How often a token that is not there is looked for, and after how many microseconds (KT4). */
#define TOKEN_LOOKS 8
#define TOKEN_PAUSE (20 * G_TIME_SPAN_MILLISECOND)

/* A URI in its parts. */
typedef struct {
    P11KitUri *parsed;
    char *object;            /* the URI of the private key, without the query: what GnuTLS is given */
    const char *module_path; /* of @parsed; NULL: the modules that p11-kit knows */
    const char *pin_file;    /* of @parsed, a path; NULL: none */
} TokenUri;
gboolean token_uri_parse(const char *uri, TokenUri *parts, GError **error);
void token_uri_clear(TokenUri *parts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TokenUri, token_uri_clear)

/* What this thread is doing while GnuTLS may ask for a PIN, and why none was given. */
typedef struct {
    const char *pin_file;    /* of the URI; may be NULL */
    GError *error;           /* set if no PIN was given */
} TokenLogin;
void token_login_begin(TokenLogin *login);
void token_login_end(void);
/* GnuTLS's gnutls_pin_callback_t. */
int token_give_pin(void *unused, int attempt, const char *url, const char *label, unsigned int flags, char *pin, size_t size);

#endif
