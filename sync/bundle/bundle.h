/*
 * bundle: the same exchange on a disk (sync/BUNDLE.md): what a node would answer to a peer, in an archive; and a sync with who wrote it, along that archive.  What leaves is
 * decided by the rules that decide what a peer may have; what comes is verified by those that verify what a peer sends.
 */
#ifndef CHAMA_SYNC_BUNDLE_BUNDLE_H
#define CHAMA_SYNC_BUNDLE_BUNDLE_H

#include "sync/pull.h"

#define BUNDLE_VOLUME_MIN (1024 * 1024)

typedef struct {
    const char *peer;             /* node id of an accepted peer, for whom it is; NULL: for anyone */
    const char *since;            /* a bundle that went to the receiver, or came from it: what it holds by that is left out; NULL: nothing is */
    guint64 volume_max;           /* bytes of a volume; 0: one archive */
    const GPtrArray *posted;      /* of Posted* (sync/bundle/carrying.h), may be NULL: it is a receipt, with what is to be told to the receiver; always sealed */
    Progress *progress;           /* may be NULL */
    void (*talk)(gpointer data, const char *line);   /* for people; may be NULL */
    gpointer talk_data;
} BundleCreateOptions;

typedef struct {
    GPtrArray *files;             /* of char*: what was written */
    guint64 bytes;                /* of them */
    char group[33];               /* Bag-Group-Identifier */
    gboolean sealed;              /* encrypted to the receiver */
    guint versions, left_out;     /* versions in it; those that the receiver holds already */
    guint ledgers;
    guint64 chunks;
} BundleCreateResult;
void bundle_create_result_clear(BundleCreateResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BundleCreateResult, bundle_create_result_clear)

/* Writes @versions (of Manifest*; may be empty: then it holds ledgers alone) to @path, "NAME.tar" or "NAME.tar.zst"; volumes to "NAME.001.tar" and so on.  Nothing stands there before
 * all is durable.  EXISTS; DENIED, naming the version and the rule, if the receiver may not have one; NOT_FOUND if one is not whole here; NO_SPACE. */
gboolean bundle_create(Home *home, const char *path, const GPtrArray *versions, const BundleCreateOptions *options, BundleCreateResult *result, GError **error);

typedef struct {
    const PullOptions *pull;      /* quotas, reserve, policy, progress, talk */
    const char *receipt;          /* where to write what is to be carried back; NULL: nowhere */
} BundleApplyOptions;

/* One bundle, of one or more volumes. */
typedef struct {
    char writer[NODE_ID_SIZE];
    char group[33];
    gboolean accepted;            /* its writer is an accepted peer */
    GPtrArray *files;             /* of char*: its volumes, as named in @paths */
    PullResult pulled;
    gboolean pulled_any;          /* FALSE: it could not even begin, see @problems */
    guint complete, versions;     /* of the versions in it: held whole now; all */
    guint posted;                 /* what its writer would have told this node, and was taken */
    char *receipt;                /* what was written to be carried back, or NULL */
} BundleApplied;

typedef struct {
    GPtrArray *bundles;           /* of BundleApplied* */
    GPtrArray *problems;          /* of char*: volumes that are no good, files that are damaged */
    gint worst_exit;              /* the exit status that the worst of all stands for; 0: all is well */
} BundleApplyResult;
void bundle_apply_result_clear(BundleApplyResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BundleApplyResult, bundle_apply_result_clear)

/* Applies @paths (of char*), volumes in any order, of any number of bundles.  FALSE only if nothing at all could be read; a volume or version that is no good is a problem and
 * does not stop the others. */
gboolean bundle_apply(Home *home, const GPtrArray *paths, const BundleApplyOptions *options, BundleApplyResult *result, GError **error);

#endif
