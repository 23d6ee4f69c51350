/*
 * audit: everything that an auditor asks of the ledgers known here, answered from signed records and nothing else (manifests/FORMAT.md, part 15).
 *
 * The result are facts: for each node what its ledger is and holds, dated events, and findings, each of a kind (kind.h) with the values that a sentence about
 * it names.  Who shows them chooses the language.  What could not be looked at, because it is withheld from this node or was never asked for, is said and is
 * no failure.
 */
#ifndef CHAMA_SYNC_AUDIT_AUDIT_H
#define CHAMA_SYNC_AUDIT_AUDIT_H

#include "manifests/home.h"
#include "manifests/progress.h"
#include "sync/audit/clones.h"
#include "sync/audit/kind.h"
#include "sync/audit/lane.h"

#define AUDIT_VALUES 4
/* Of one kind about one node; what is beyond is counted (AU3).  Events in all, the newest. */
#define AUDIT_FINDINGS_MAX 200
#define AUDIT_EVENTS_MAX 20000

typedef struct {
    AuditKind kind;
    char node[NODE_ID_SIZE];      /* whose ledger it is about */
    gint64 seq;                   /* of the record, or -1 */
    gint64 time;                  /* as that record claims; 0: none */
    char *values[AUDIT_VALUES];   /* what the sentence of its kind names; NULL where it names less */
} AuditFinding;

typedef struct {
    char node[NODE_ID_SIZE];
    gint64 seq, time;
    char type[RECORD_TYPE_MAX];
    char *subject;                /* "forest-cover@3", or NULL */
} AuditEvent;

typedef struct {
    char node[NODE_ID_SIZE];
    char *name_zh, *name_en;      /* as its newest profile claims; may be NULL */
    gboolean whole;               /* or only what anyone may see of it */
    gboolean live;                /* asked for over the network, and not held: @seen are those records that were verified now */
    guint64 size;                 /* records that the ledger has, of which a sparse one shows @seen */
    guint64 seen;
    Digest root;
    guint64 covered;              /* records that it covers; 0: none is held */
    gint64 checkpoint_time;       /* of the owner's newest checkpoint held; 0: none */
    gint64 first, last;           /* times claimed by its first and last record seen */
    guint datasets, versions;
    GHashTable *types;            /* of char*, how many records of each: GUINT_TO_POINTER */
    guint worst;                  /* AuditVerdict */
    LedgerVerified verified;      /* what holds of it; size 0: nothing was verified whole */
    AuditLane lane;               /* when its records were stated */
} AuditNode;

typedef struct {
    gint64 time;                  /* of the audit */
    GPtrArray *nodes;             /* of AuditNode* */
    GArray *findings;             /* of AuditFinding: worst first, then by node and number */
    GArray *events;               /* of AuditEvent, by time */
    guint64 events_left_out;
    guint counts[AUDIT_VERDICTS]; /* of findings, those that were left out included */
    GHashTable *of_kind;          /* "NODE KIND" to how many there were */
} Audit;
void audit_free(Audit *audit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Audit, audit_free)

typedef struct {
    GPtrArray *nodes;             /* of char*, ids; NULL: all whose ledger is here */
    Clones *clones;               /* instead of a home: what stands in these alone; or NULL */
    GPtrArray *live;              /* of char*, peers by alias or id, or addresses: nodes to be asked, instead of what is here; or NULL */
    const struct Policy *policy;  /* whose witnesses count; NULL: all that are known here */
    gboolean full;                /* check signatures that were checked before, too (AU11) */
    gint64 now;
    Progress *progress;           /* files_done counts records; may be NULL */
} AuditOptions;

/* FALSE findings are the audit's result, no error: it fails only where nothing can be said, or with CANCELLED. */
/* @home is NULL if there are clones. */
Audit *audit_run(Home *home, const AuditOptions *options, GError **error);

/* ---- for the files that ask the questions ---- */

typedef struct {
    Home *home;                   /* NULL: clones */
    Catalogue *catalogue;
    Audit *audit;
    const AuditOptions *options;
} Auditing;

/* Adds a finding about record @seq (-1: none) of @node; then AUDIT_VALUES texts at most, ended by NULL, which are copied. */
void audit_find(Auditing *auditing, AuditKind kind, const char *node, gint64 seq, gint64 time, ...) G_GNUC_NULL_TERMINATED;
AuditNode *audit_node(const Audit *audit, const char *node);
AuditNode *audit_add_node(Auditing *auditing, const char *node);
/* Leaves AUDIT_EVENTS_MAX, the newest, by time. */
void audit_forget_old_events(Audit *audit);
/* The ledger of a node that is here whole; NULL without an error if it is not. */
Ledger *audit_ledger(Auditing *auditing, const char *node, GError **error);
gboolean audit_wanted(const Auditing *auditing, const char *node);

#endif
