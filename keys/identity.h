/*
 * identity: who a node is (keys/IDENTITY.md, part 4).  A node id is the SHA-256 of its inception record, written as 52 lower-case
 * base32 characters (RFC 4648 alphabet, no padding); the spoken fingerprint is that digest modulo 10^40 as 40 digits in
 * groups of five.  An Identity is the key state of a node at a position of its ledger: what its inception or a rotation
 * (keys/rotation.h) says, and the states before it (keys/history.h).  It never changes once made, and may be shared by threads.
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

typedef struct Identity Identity;
struct Identity {
    char id[NODE_ID_SIZE];
    PublicKey signing;                         /* records, commits */
    PublicKey log;                             /* checkpoints */
    guint8 encryption[ENCRYPTION_KEY_SIZE];    /* X25519 */
    Digest next;                               /* SHA-256 of the text form ("ed25519:...") of the next signing key */
    Digest record;                             /* address of the record that made it so */
    guint64 since;                             /* number of that record: 0, or a rotation's */
    gint64 time;                               /* when it was made, as claimed */
    guint64 epoch;                             /* of the log (N11): 0, or how many recoveries there were */
    gboolean endorsed;                         /* of a rotation: signed by the key before, too (N10) */
    guint64 disavowed;                         /* of a rotation: the first record that it disavows (N12); 0: none */
    const Identity *before;                    /* the key state that the rotation ended; NULL of an inception */
};

/* The canonical bytes of an inception record: {"encryption":"x25519:...","log":"ed25519:...","next":"sha256:...",
 * "seq":0,"signing":"ed25519:...","time":"...","type":"inception/1"}. */
GBytes *inception_format(const PublicKey *signing, const PublicKey *log, const guint8 encryption[ENCRYPTION_KEY_SIZE], const Digest *next, gint64 time, GError **error);

/* Reads an inception record; does not check its signature (record_verify() does, with identity->signing). */
Identity *identity_parse_inception(GBytes *inception, GError **error);
/* Another reference to the same; each goes by identity_free(). */
Identity *identity_ref(const Identity *identity);
/* One of its own. */
Identity *identity_copy(const Identity *identity);
void identity_free(Identity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Identity, identity_free)

/* The commitment to a next key. */
void commitment_of(const PublicKey *next, Digest *commitment);

/* "x25519:" and base64 of 32 bytes.  The caller's. */
char *encryption_key_format(const guint8 key[ENCRYPTION_KEY_SIZE]);

#endif
