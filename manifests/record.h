/*
 * record: one signed statement of a node's ledger (manifests/FORMAT.md, part 1, rules R1-R9).  Bytes are canonical JSON of at most
 * 32 KiB: {"type","node","seq","prev","time",...}; an inception has neither node nor prev.  address = SHA-256 of the bytes.
 *
 * A log entry is the record's bytes, LF, its SSHSIG blob in base64, LF; the Merkle leaf of a record is the hash of its log entry.
 *
 * RecordReceived is what someone sent; Record is what record_verify() let through, and the only type that a ledger takes.
 */
#ifndef CHAMA_MANIFESTS_RECORD_H
#define CHAMA_MANIFESTS_RECORD_H

#include <glib.h>

#include "keys/digest.h"
#include "keys/identity.h"
#include "keys/keypair.h"

#define RECORD_SIZE_MAX (32 * 1024)
#define RECORD_TYPE_MAX 64
#define RECORD_SEQ_MAX 999999999 /* the ledger's paths have nine digits */
/* Record, LF, base64 of an SSHSIG of at most SSHSIG_SIZE_MAX bytes, LF. */
#define ENTRY_SIZE_MAX (RECORD_SIZE_MAX + 1372)

typedef struct {
    GBytes *bytes;               /* canonical JSON, as received */
    GBytes *signature;           /* SSHSIG blob */
    Digest address;
    char type[RECORD_TYPE_MAX];  /* "manifest/1" */
    char node[NODE_ID_SIZE];     /* of an inception: its own id */
    guint64 seq;
    Digest prev;                 /* all zero for an inception */
    gint64 time;                 /* seconds since 1970, as claimed */
} Record;

typedef struct RecordReceived RecordReceived;

/* Splits and parses one log entry; every rule that needs no key is checked.  MALFORMED, LIMIT or UNSUPPORTED. */
RecordReceived *record_receive(const void *entry, gsize size, GError **error);
void record_received_free(RecordReceived *received);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecordReceived, record_received_free)
/* The claims of what was received, for planning only (which ledger, which number): never to be shown or stored. */
const Record *record_received_claims(const RecordReceived *received);

/* Where a ledger stands: what the next record must continue.  size 0: nothing yet, identity NULL. */
typedef struct {
    guint64 size;
    Digest head;              /* address of the last record */
    const Identity *identity; /* key state; NULL before the inception */
} LedgerHead;

/* R5-R9: number, chain, node and signature by the key valid at @head (of a rotation: by the one that it reveals, once N6-N12 hold).  VERIFY names the rule; a record whose prev or seq does not
 * continue @head is FORK.  An inception is verified by its own signing key, and its node id is the hash of its bytes. */
Record *record_verify(const RecordReceived *received, const LedgerHead *head, GError **error);

/* The key state behind @record, a verified one that continues @before (NULL: it is the inception): that of an inception or rotation itself, else another
 * reference to @before. */
Identity *record_identity_after(const Record *record, const Identity *before, GError **error);

/* Makes and signs the record that continues @head.  @members holds the canonical JSON object of the type's own members
 * (without type, node, seq, prev, time).  For an inception @members is the whole record and @head->size is 0. */
Record *record_sign(const LedgerHead *head, const char *type, GBytes *members, gint64 time, const Keypair *signing, GError **error);

/* The bytes that record_sign() would sign. */
GBytes *record_format(const LedgerHead *head, const char *type, GBytes *members, gint64 time, GError **error);

/* For records that come from this node's own ledger, verified when they were appended: parses without checking the signature. */
Record *record_trust(const void *entry, gsize size, GError **error);

/* The log entry: the caller's. */
GBytes *record_entry(const Record *record);
Record *record_copy(const Record *record);
void record_free(Record *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Record, record_free)

#endif
