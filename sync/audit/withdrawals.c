#include <string.h>

#include "manifests/erasure.h"
#include "manifests/users.h"
#include "sync/audit/questions.h"

/* "NAME@3" of a version of @node, with its id before it of another's. */
static char *
version_text(const Manifest *manifest, const char *node)
{
    if (strcmp(manifest->node, node) == 0)
        return g_strdup_printf("%s@%" G_GUINT64_FORMAT, manifest->name, manifest->version);
    return g_strdup_printf("%s/%s@%" G_GUINT64_FORMAT, manifest->node, manifest->name, manifest->version);
}

/* Versions that were made from one that its owner took back: of the nodes that are looked at. */
static gboolean
find_users(Auditing *auditing, const Manifest *withdrawn, const Withdrawal *withdrawal, GError **error)
{
    g_autoptr(GPtrArray) users = auditing->home ? version_users(auditing->home, &withdrawn->address, error) : NULL;

    for (guint i = 0; users && i < users->len; i++) {
        const Manifest *user = g_ptr_array_index(users, i);
        g_autofree char *version = version_text(user, user->node), *source = version_text(withdrawn, user->node);

        if (audit_wanted(auditing, user->node))
            audit_find(auditing, AUDIT_WITHDRAWN_IN_USE, user->node, (gint64)user->seq, withdrawal->time, version, source, withdrawal->reason, NULL);
    }
    return users != NULL || !auditing->home;
}

/* S16: the withdrawal counts if it is the version's own node's. */
static gboolean
look_at_withdrawal(Auditing *auditing, const AuditNode *node, const Statement *statement, GError **error)
{
    g_autoptr(Withdrawal) withdrawal = withdrawal_parse(statement->body, NULL);
    g_autoptr(Manifest) manifest = withdrawal ? catalogue_manifest(auditing->catalogue, &withdrawal->manifest, NULL) : NULL;
    g_autofree char *version = NULL;

    if (!manifest || strcmp(manifest->node, node->node) != 0)
        return TRUE;
    version = version_text(manifest, node->node);
    withdrawal->time = statement->record->time;
    audit_find(auditing, AUDIT_WITHDRAWN, node->node, (gint64)statement->record->seq, withdrawal->time, version, withdrawal->reason, NULL);
    return find_users(auditing, manifest, withdrawal, error);
}

/* S18, S19: a tombstone of this node, for its own version or after that of the version's owner. */
static gboolean
look_at_erasure(Auditing *auditing, const AuditNode *node, const Statement *statement, GError **error)
{
    g_autoptr(Erasure) erasure = erasure_parse(statement->body, NULL);
    g_autoptr(Manifest) manifest = erasure ? catalogue_manifest(auditing->catalogue, &erasure->manifest, NULL) : NULL;
    g_autofree char *version = manifest ? version_text(manifest, node->node) : NULL;

    if (!manifest)
        return TRUE;
    if (erasure->reason)
        audit_find(auditing, AUDIT_ERASED, node->node, (gint64)statement->record->seq, statement->record->time, version, erasure->reason, NULL);
    else
        audit_find(auditing, AUDIT_ERASED_AFTER, node->node, (gint64)statement->record->seq, statement->record->time, version, NULL);
    return TRUE;
}

static gboolean
look_at_all(Auditing *auditing, const AuditNode *node, const char *type,
            gboolean (*look)(Auditing *, const AuditNode *, const Statement *, GError **), GError **error)
{
    g_autoptr(GPtrArray) all = catalogue_statements(auditing->catalogue, node->node, type, NULL, error);

    for (guint i = 0; all && i < all->len; i++)
        if (!look(auditing, node, g_ptr_array_index(all, i), error))
            return FALSE;
    return all != NULL;
}

gboolean
audit_withdrawals(Auditing *auditing, GError **error)
{
    for (guint i = 0; i < auditing->audit->nodes->len; i++) {
        const AuditNode *node = g_ptr_array_index(auditing->audit->nodes, i);

        if (!look_at_all(auditing, node, WITHDRAWAL, look_at_withdrawal, error) || !look_at_all(auditing, node, ERASURE, look_at_erasure, error))
            return FALSE;
    }
    return TRUE;
}
