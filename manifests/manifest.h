/*
 * manifest: the card of one version of a dataset, and the two documents behind it (manifests/FORMAT.md, part 2, rules M1-M20).
 *
 * The manifest is a record and goes everywhere the ledger goes.  Of an open dataset it names `listing` and `details`; of one that
 * is not open it names only `content`, the digest of a content document that holds a random salt and both digests, and its
 * sizes are rounded up to powers of two.  Details hold what needs access: exact counts, labels, inputs, activity.
 *
 * All parsers are pure and bounded.
 */
#ifndef CHAMA_MANIFESTS_MANIFEST_H
#define CHAMA_MANIFESTS_MANIFEST_H

#include "keys/seal.h"
#include "manifests/record.h"

#define DATASET_NAME_MAX 64
#define TITLE_MAX 256
#define MESSAGE_MAX 4096
#define LABELS_MAX 64
#define LABEL_MAX 64
#define LEVEL_MAX 32
#define EVIDENCE_MAX 16          /* entries, of at most EVIDENCE_TEXT_MAX bytes */
#define EVIDENCE_TEXT_MAX 256
#define ROLE_MAX 32
#define ACTIVITY_MAX 4096        /* bytes of canonical JSON */
#define INPUTS_MAX 64            /* in a manifest; in details INPUTS_DETAILS_MAX */
#define INPUTS_DETAILS_MAX 512   /* four members each, and a document has at most CANONICAL_MEMBERS_MAX */
#define DETAILS_SIZE_MAX (1024 * 1024)
#define CONTENT_SIZE_MAX 1024

typedef enum { SHARE_OPEN, SHARE_CONDITIONAL, SHARE_NONE } Share; /* in order of strictness */

const char *share_format(Share share);
gboolean share_parse(const char *text, Share *share, GError **error);
/* a-z 0-9 . _ -, at most 64, starting with a letter or digit: USAGE otherwise. */
gboolean dataset_name_check(const char *name, GError **error);
/* TRUE if @name is spelt so. */
gboolean dataset_name_valid(const char *name);
/* "NODE/NAME" into its parts, which are left as they are if it is not spelt so. */
gboolean dataset_parse(const char *text, char node[NODE_ID_SIZE], char name[DATASET_NAME_MAX + 1]);

/* One source of a version. */
typedef struct {
    char node[NODE_ID_SIZE];
    char name[DATASET_NAME_MAX + 1];
    guint64 version;
    Digest manifest;       /* address of the manifest record */
    char *role;            /* "source" unless said otherwise */
} Input;
Input *input_copy(const Input *input);
void input_free(Input *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Input, input_free)

typedef struct {
    /* from the record, filled by manifest_parse() */
    Digest address;
    char node[NODE_ID_SIZE];
    guint64 seq;
    gint64 time;

    char name[DATASET_NAME_MAX + 1];
    guint64 version;            /* from 1, without gaps within a dataset */
    gboolean has_previous;
    Digest previous;            /* address of the manifest of version - 1 */
    char *title_zh, *title_en;  /* may be NULL */
    char *message;              /* may be NULL */
    char *level;                /* may be NULL, which counts as strictest */
    Share share;
    guint64 files, bytes;       /* exact if open, else rounded up to a power of two */

    Digest listing, details;    /* if share is open */
    Digest content;             /* if not */
    GPtrArray *labels;          /* of char*: empty if not open */
    GPtrArray *inputs;          /* of Input*: empty if not open */
    GPtrArray *evidence;        /* of char*: empty if not open */
    char *activity;             /* canonical JSON object {"kind","observed",...}, or NULL */
} Manifest;

Manifest *manifest_new(void);
void manifest_free(Manifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manifest, manifest_free)

/* Of a record of type manifest/1 (UNSUPPORTED if it is of another). */
Manifest *manifest_parse(const Record *record, GError **error);
/* The type's own members, for record_sign().  Refuses, as manifest_parse() would, what breaks a rule. */
GBytes *manifest_format(const Manifest *manifest, GError **error);

/* details/1: canonical JSON of at most 1 MiB, kept in the store. */
typedef struct {
    guint64 files, folders, links, bytes, chunks; /* exact; chunks = positions of the listing */
    GPtrArray *labels;                     /* of char* */
    GPtrArray *inputs;                     /* of Input* */
    GPtrArray *evidence;                   /* of char* */
    char *activity;                        /* canonical JSON object, or NULL */
} Details;
Details *details_new(void);
void details_free(Details *details);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Details, details_free)
Details *details_parse(GBytes *bytes, GError **error);
GBytes *details_format(const Details *details, GError **error);

/* content/1: {"details","listing","salt","type"}. */
typedef struct {
    guint8 salt[SALT_SIZE];
    Digest listing, details;
} Content;
gboolean content_parse(GBytes *bytes, Content *content, GError **error);
GBytes *content_format(const Content *content, GError **error);

/* The smallest power of two that is at least @value (0 for 0; 2^63 for all above). */
guint64 round_up_to_power_of_two(guint64 value);

#endif
