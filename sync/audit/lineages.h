/*
 * lineages: what the versions of the ledgers that are looked at were made from (AU15 of manifests/FORMAT.md).  Asks nobody, and reads only; signatures that
 * were checked with their ledger are not checked again (LI1).
 */
#ifndef CHAMA_SYNC_AUDIT_LINEAGES_H
#define CHAMA_SYNC_AUDIT_LINEAGES_H

#include "manifests/lineage/facts.h"
#include "sync/audit/audit.h"

typedef struct AuditLineages AuditLineages;
AuditLineages *audit_lineages_new(Auditing *auditing);
void audit_lineages_free(AuditLineages *lineages);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AuditLineages, audit_lineages_free)

/* A finding for each step from @manifest to what it names as a source. */
gboolean audit_version_lineage(AuditLineages *lineages, const Manifest *manifest, GError **error);

#endif
