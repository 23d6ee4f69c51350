/*
 * in_token: what commands say of keys that are in PKCS#11 tokens (keys/token.h).
 */
#ifndef CHAMA_NODE_IN_TOKEN_H
#define CHAMA_NODE_IN_TOKEN_H

#include <jansson.h>

#include "keys/token.h"
#include "manifests/home.h"

/* Of a key file of a home. */
typedef struct {
    char *uri;          /* NULL: it refers to no token */
    char *silent;       /* why its token does not answer; NULL: it does, or was not asked */
} InToken;
void in_token_clear(InToken *in);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(InToken, in_token_clear)

/* Reads the file @name of the home; with @look, sees whether the token is there, and logs in nowhere (KT8). */
gboolean in_token_read(Home *home, const char *name, gboolean look, InToken *in, GError **error);

/* Adds the member "token" to what is said of a key. */
void in_token_json(const InToken *in, json_t *key);
/* A line of `keys status`, if it is in a token. */
void in_token_print(const char *name, const InToken *in);

/* TRUE if the next key is in the token of the signing key: of two keys in one place neither guards the other. */
gboolean in_token_both(const InToken *signing, const InToken *next);
#define IN_TOKEN_BOTH "the next key is in the same token as the signing key: whoever takes that takes both; keep it in another, or in a file"

#endif
