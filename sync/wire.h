/*
 * wire: what travels between nodes, bytes <-> structs (sync/PROTOCOL.md, part 2, rules W1..).  Pure and bounded: every limit on what a peer
 * can send stands here.
 */
#ifndef CHAMA_SYNC_WIRE_H
#define CHAMA_SYNC_WIRE_H

#include <glib.h>

#include "keys/digest.h"
#include "keys/identity.h"
#include "manifests/receipt.h"
#include "manifests/record.h"
#include "manifests/store/store.h"
#include "sync/credentials.h"

#define WIRE_EXCHANGE_MAX (1024 * 1024)     /* bytes of an exchange or its reply */
#define WIRE_LEDGERS_MAX 640                /* ledgers named in one, whole and sparse together: what canonical JSON's 4096 members allow */
#define WIRE_OPENINGS_MAX 256               /* openings in one reply */
#define WIRE_REVEALED_MAX 64                /* openings revealed in one reply */
#define WIRE_EVIDENCE_MAX 1000              /* evidence named in one exchange or reply */
#define WIRE_COMPARISON_MAX (128 * 1024)    /* bytes of a comparison of two checkpoints */
#define WIRE_BATCH_MAX 1024                 /* records in one commit */
#define WIRE_RANGES_SIZE_MAX (128 * 1024)   /* body of a request for chunks or pages */
#define WIRE_RANGES_MAX 8192
#define WIRE_PROOF_MAX 64
#define WIRE_PROBLEM_MAX (16 * 1024)
#define WIRE_GRANT_HEADER_MAX 4096
#define WIRE_FRAME_HEADER_SIZE 12
#define WIRE_ARRIVALS_MAX 1000              /* in one document: what canonical JSON's 4096 members allow */
#define WIRE_ARRIVALS_REPLY_MAX 4096

/* One ledger as one side holds it. */
typedef struct {
    char node[NODE_ID_SIZE];
    guint64 size;
    Digest root;
    gint64 time;             /* of the checkpoint held, 0: none */
    gboolean rotated;        /* there was a rotation: */
    Digest rotation;         /* the newest */
} LedgerPosition;

/* Evidence that one side holds (W17): about whom, and of which kind. */
typedef struct {
    char node[NODE_ID_SIZE];
    gboolean rollback;       /* else fork */
} EvidenceName;

/* POST /v1/exchange: {"ledgers":[{"node","root","rotation"?,"size","time"}],"node"?,"introduction"?:{"inception","profile","rotations"?},"openings":N,
 * "sparse":[same as ledgers],"type":"exchange/1"}.  node is the caller's own id, absent if it does not say.
 * introduction: the caller's inception, rotations and newest profile as log entries, so that a person can accept it. */
typedef struct {
    char node[NODE_ID_SIZE];         /* empty: anonymous */
    Credentials *introduction;       /* or NULL */
    guint64 openings;                /* wanted from this record of the callee's ledger on */
    guint64 revealed;                /* what is revealed to the caller, from this number on; absent: 0 */
    GArray *ledgers, *sparse;        /* of LedgerPosition: held whole, held sparse */
    GArray *evidence;                /* of EvidenceName: that the caller can show */
} Exchange;

/* What the callee offers of one ledger. */
typedef struct {
    char node[NODE_ID_SIZE];
    gboolean whole;                  /* else sparse */
    guint64 size;
    char *checkpoint;                /* the owner's signed note */
} LedgerOffer;

/* The answer: {"ledgers":[{"access":"whole|sparse","checkpoint","node","size"}],"node","openings":["<opening/1 document>"],
 * "peer":true|false,"type":"exchange-reply/1","yours"?:{"checkpoint","node","size"}}, and "openings_next" if the openings are not all.  Only ledgers that differ from what the
 * caller holds, or whose checkpoint is more than an hour newer.  yours: what the callee holds of the caller's ledger, if
 * it differs. */
typedef struct {
    char node[NODE_ID_SIZE];
    gboolean peer;                   /* the caller is an accepted peer here */
    GPtrArray *ledgers;              /* of LedgerOffer* */
    GPtrArray *openings;             /* of GBytes*: opening/1 documents for the caller */
    guint64 openings_next;           /* there are more: ask from this record on the next time; 0: these are all */
    GPtrArray *revealed;             /* of GBytes*: the same, of statements that are not for the caller, or in other ledgers */
    guint64 revealed_next;           /* the number after the last of them; 0: there are none */
    LedgerOffer *yours;              /* or NULL */
    GPtrArray *seen;                 /* of char*: notes of ledgers that the caller named and that are not offered, where the two do not plainly agree (W18) */
    gboolean bring;                  /* W22: the callee cannot reach the caller, and asks to be brought what it has: */
    guint64 bring_size;              /* of its ledger, from this record on, */
    guint64 bring_openings;          /* and openings from this record on */
    GArray *evidence;                /* of EvidenceName: that the callee can show */
    GArray *evidence_wanted;         /* of EvidenceName: that the caller named and the callee lacks */
} ExchangeReply;

Exchange *exchange_new(void);
Exchange *exchange_parse(GBytes *bytes, GError **error);
GBytes *exchange_format(const Exchange *exchange, GError **error);
void exchange_free(Exchange *exchange);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Exchange, exchange_free)
ExchangeReply *exchange_reply_new(void);
ExchangeReply *exchange_reply_parse(GBytes *bytes, GError **error);
GBytes *exchange_reply_format(const ExchangeReply *reply, GError **error);
void exchange_reply_free(ExchangeReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExchangeReply, exchange_reply_free)
void ledger_offer_free(LedgerOffer *offer);

/* The answer to POST /v1/ledgers/NODE/compare (E29): the callee's checkpoint, and if that is not of fewer records than the one that was sent, the root of
 * as many of its first records, and the proof of consistency from there. */
typedef struct {
    char *checkpoint;
    gboolean has_root;
    Digest root;
    GArray *hashes;                  /* of Digest */
} Comparison;
Comparison *comparison_new(void);
Comparison *comparison_parse(GBytes *bytes, GError **error);
GBytes *comparison_format(const Comparison *comparison, GError **error);
void comparison_free(Comparison *comparison);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Comparison, comparison_free)

/* POST /v1/arrivals: {"arrivals":[{"manifest","transfer"}],"type":"arrivals/1"}: versions, given under a grant, that arrived whole at the caller.  The
 * answer: {"known":N,"stated":N,"type":"arrivals-reply/1"}: of how many that is so as far as the callee knows, of how many its ledger now has a delivery. */
typedef struct {
    Digest manifest;
    TransferId transfer;
} ArrivalClaim;
GArray *arrivals_parse(GBytes *bytes, GError **error);
GBytes *arrivals_format(const GArray *arrivals, GError **error);
typedef struct { guint64 known, stated; } ArrivalsReply;
gboolean arrivals_reply_parse(GBytes *bytes, ArrivalsReply *reply, GError **error);
GBytes *arrivals_reply_format(const ArrivalsReply *reply, GError **error);

/* The stream of GET /v1/ledgers/NODE/records?from=N, parsed as it comes:
 *     batch <first> <count> <base64 of the commit's SSHSIG blob>\n  then count log entries
 *     end\n
 * and of GET /v1/ledgers/NODE/sparse?from=SIZE:
 *     entry <index> <count>\n  log entry  then count lines of base64 hashes (inclusion proof to the checkpoint that follows)
 *     checkpoint <old size> <count> <length>\n  count lines of base64 hashes (consistency proof)  then length bytes of note
 *     end\n
 * A stream without its "end" line was cut off.  The parser keeps at most one record and one line. */
typedef struct {
    /* Each returns FALSE with an error to stop. */
    gboolean (*batch)(gpointer data, guint64 first, guint count, GBytes *commit_signature, GError **error);
    gboolean (*entry)(gpointer data, const char *entry, gsize size, GError **error);                       /* of a batch */
    gboolean (*sparse)(gpointer data, guint64 index, const char *entry, gsize size, const Digest *proof, guint count, GError **error);
    gboolean (*checkpoint)(gpointer data, guint64 old_size, const Digest *proof, guint count, const char *note, gsize size, GError **error);
} RecordStreamEvents;
typedef struct RecordStream RecordStream;
RecordStream *record_stream_new(const RecordStreamEvents *events, gpointer data);
gboolean record_stream_feed(RecordStream *stream, const void *bytes, gsize size, GError **error);
/* MALFORMED unless the end line was seen. */
gboolean record_stream_end(RecordStream *stream, GError **error);
void record_stream_free(RecordStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecordStream, record_stream_free)
/* Writing the same: appended to @out. */
void record_stream_write_batch(GString *out, guint64 first, guint count, GBytes *commit_signature);
void record_stream_write_entry(GString *out, GBytes *entry);
void record_stream_write_sparse(GString *out, guint64 index, GBytes *entry, const Digest *proof, guint count);
void record_stream_write_checkpoint(GString *out, guint64 old_size, const Digest *proof, guint count, const char *note);
void record_stream_write_end(GString *out);

/* W16: a request for parts of a version may begin with the line "have MANIFEST": the address of a version of the same dataset that the caller holds.
 * Takes it off: *@rest is the body behind it; *@any says whether there was such a line, *@have what it says.  MALFORMED. */
gboolean have_parse(GBytes *body, gboolean *any, Digest *have, GBytes **rest, GError **error);
/* @body with such a line before it. */
GBytes *have_format(const Digest *have, GBytes *body);

/* Ranges of chunk positions: lines "first-last\n" or "position\n", ascending, without overlap; of pages: "level first_item\n", where the level
 * WIRE_LEVEL_ROOT (with first_item 0) is the root, whatever its level. */
#define WIRE_LEVEL_ROOT 16
typedef struct { guint64 first, last; } PositionRange;
GArray *ranges_parse(GBytes *body, GError **error);
GBytes *ranges_format(const GArray *ranges);
typedef struct { guint level; guint64 first_item; } PagePlace;
GArray *places_parse(GBytes *body, GError **error);
GBytes *places_format(const GArray *places);

/* Frames: u8 kind (0: not here, else ObjectKind), u8 codec, u16 zero, u32 stored size, u32 plain size, little-endian; stored bytes.  In the order
 * asked for. */
typedef struct { guint8 kind; Codec codec; guint32 stored_size, plain_size; } FrameHeader;
void frame_header_format(const FrameHeader *header, guint8 bytes[WIRE_FRAME_HEADER_SIZE]);
gboolean frame_header_parse(const guint8 bytes[WIRE_FRAME_HEADER_SIZE], FrameHeader *header, GError **error);

/* A header "Chama-Grant: <base64 of an opening/1 document>" shows a grant to a mirror. */
GBytes *grant_header_parse(const char *value, GError **error);
char *grant_header_format(GBytes *opening);

/* RFC 9457 problem documents: {"detail","status","title","type":"about:blank","code"}: code is chama_error_name().  Reading one gives the error it
 * speaks of (text from a peer: cut to 512 bytes, control characters replaced). */
GBytes *problem_format(const GError *error);
void problem_read(GBytes *body, int status, GError **error);

#endif
