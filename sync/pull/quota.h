/*
 * quota (PU18): how much each peer has brought, so that the limits of PullOptions hold over all syncs.  Kept in state.sqlite.
 */
#ifndef CHAMA_SYNC_PULL_QUOTA_H
#define CHAMA_SYNC_PULL_QUOTA_H

#include "manifests/home.h"

typedef struct {
    guint64 ledgers;        /* of third parties that @peer was the first to bring */
    guint64 peer_bytes;     /* of records of third parties that @peer brought */
    guint64 ledger_bytes;   /* of records of @node's ledger, whoever brought them */
} QuotaUsed;
gboolean quota_used(Home *home, const char *peer, const char *node, QuotaUsed *used, GError **error);

/* Durably adds @bytes; @relayed: @node counts as a third party; @first: before anything of its ledger is stored. */
gboolean quota_add(Home *home, const char *peer, const char *node, gboolean relayed, gboolean first, guint64 bytes, GError **error);

/* Who brought records of @node, or its open part: ids, the first to bring it first.  Array of char*. */
GPtrArray *quota_bringers(Home *home, const char *node, GError **error);

#endif
