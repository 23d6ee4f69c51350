/*
 * identity: who a node is (keys/IDENTITY.md, part 4).  A node id is the SHA-256 of its inception record, written as 52 lower-case
 * base32 characters (RFC 4648 alphabet, no padding); the spoken fingerprint is that digest modulo 10^40 as 40 digits in
 * groups of five.  An Identity is the key state of a node at a position of its ledger.
 */
#ifndef CHAMA_KEYS_IDENTITY_H
#define CHAMA_KEYS_IDENTITY_H

#include "keys/digest.h"
#include "keys/keypair.h"

#define NODE_ID_LENGTH 52
#define NODE_ID_SIZE 53
#define FINGERPRINT_SIZE 48 /* 8 groups of 5, 7 spaces, NUL */
#define ENCRYPTION_KEY_SIZE 32

char *node_id_format(const Digest *inception, char id[NODE_ID_SIZE]);
gboolean node_id_parse(const char *id, Digest *inception, GError **error);
/* TRUE if @id is spelt as a node id is. */
gboolean node_id_valid(const char *id);
char *fingerprint_format(const Digest *inception, char text[FINGERPRINT_SIZE]);

typedef struct {
    char id[NODE_ID_SIZE];
    PublicKey signing;                         /* records, commits */
    PublicKey log;                             /* checkpoints */
    guint8 encryption[ENCRYPTION_KEY_SIZE];    /* X25519 */
    Digest next;                               /* SHA-256 of the text form ("ed25519:...") of the next signing key */
} Identity;

/* The canonical bytes of an inception record: {"encryption":"x25519:...","log":"ed25519:...","next":"sha256:...",
 * "seq":0,"signing":"ed25519:...","time":"...","type":"inception/1"}. */
GBytes *inception_format(const PublicKey *signing, const PublicKey *log, const guint8 encryption[ENCRYPTION_KEY_SIZE], const Digest *next, gint64 time, GError **error);

/* Reads an inception record; does not check its signature (record_verify() does, with identity->signing). */
Identity *identity_parse_inception(GBytes *inception, GError **error);
Identity *identity_copy(const Identity *identity);
void identity_free(Identity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Identity, identity_free)

/* The commitment to a next key. */
void commitment_of(const PublicKey *next, Digest *commitment);

/* A line of an allowed-signers file (ssh-keygen(1)), with a final line feed: the node's id, both namespaces, the key. */
char *identity_allowed_signer(const Identity *identity);

#endif
