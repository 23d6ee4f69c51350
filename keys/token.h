/*
 * token: Ed25519 keys that live in a PKCS#11 token (a smart card, an HSM, SoftHSM) and never leave it; keys/IDENTITY.md, part 9.
 *
 * A key is named by a PKCS#11 URI (RFC 7512).  Where a key file would hold the key, a *reference* stands: the URI and the public key, nothing secret.  GnuTLS finds the
 * key and signs; its modules are loaded when the first token is used, never before, so a command that signs nothing loads none.  Logins are the process's, as in
 * PKCS#11 itself: a PIN is asked for once, and after one that the token refused none is tried again (KT7).  All may be called by any thread.
 * After a fork() GnuTLS starts the modules anew; chama itself never forks (git is started by posix_spawn()).
 */
#ifndef CHAMA_KEYS_TOKEN_H
#define CHAMA_KEYS_TOKEN_H

#include <glib.h>
#include <gnutls/abstract.h>

#include "keys/keypair.h"

#define TOKEN_URI_MAX 1024
#define TOKEN_REFERENCE_MAX 2048

/* TRUE if @text is meant as a PKCS#11 URI, not as the name of a file. */
gboolean token_is_uri(const char *text);
/* KT1: MALFORMED, without loading anything. */
gboolean token_check_uri(const char *uri, GError **error);
/* TRUE if both name their token in the same words. */
gboolean token_same(const char *uri, const char *other);

typedef struct {
    char *uri;
    PublicKey key;
} TokenReference;
void token_reference_clear(TokenReference *reference);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TokenReference, token_reference_clear)

/* KT2.  @what names the file in errors.  Pure. */
gboolean token_reference_parse(GBytes *bytes, const char *what, TokenReference *reference, GError **error);
GBytes *token_reference_format(const char *uri, const PublicKey *key, GError **error);
/* TRUE if @bytes are meant as one, rather than as a key. */
gboolean token_is_reference(GBytes *bytes);
/* Reads the one in the file at @path.  FALSE without an error if there is no file, or one that holds a key itself. */
gboolean token_reference_load(const char *path, TokenReference *reference, GError **error);

/* Asks a person for the PIN of the token that is labelled @label: the caller's, or NULL with an error. */
typedef char *(*TokenAsk)(gpointer data, const char *label, GError **error);
/* Who is asked where no file has the PIN; NULL (as at first): nobody.  Set before there are threads. */
void token_set_ask(TokenAsk ask, gpointer data);

/* Logs in and opens the one key that @uri names, after it has signed a test: as one whose public key is @want, or, if that is NULL, is the one beside it.  *@public: it.
 * NOT_FOUND: no such token, or key in it; FAILED: two, or the token or module is broken; DENIED: the PIN; UNSUPPORTED: not Ed25519; DAMAGED: not the key wanted.
 * The caller's, who gives it back to token_close(). */
gnutls_privkey_t token_open(const char *uri, const PublicKey *want, PublicKey *public, GError **error);
void token_close(gnutls_privkey_t key);

/* KT9: makes the key that @uri names, which must not be there yet (EXISTS), in its token.  Errors as of token_open().  For a process that opens no key before. */
gboolean token_make_key(const char *uri, GError **error);

/* TRUE if the token that @uri names is there.  Logs in nowhere. */
gboolean token_answers(const char *uri, GError **error);

#endif
