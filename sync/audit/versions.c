/* Versions, one after the other: do they continue each other, and what the other files ask of each. */
#include <string.h>

#include "keys/error.h"
#include "sync/audit/lineages.h"
#include "sync/audit/questions.h"

#define AT_ONCE 256   /* manifests that are in memory */

/* M20: to open a dataset opens no version of before, but somebody decided it.  @newest: of its name, the sharing of the version before, plus one. */
static void
look_at_sharing(Auditing *auditing, const Manifest *manifest, GHashTable *newest)
{
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(newest, manifest->name));
    g_autofree char *version = g_strdup_printf("%s@%" G_GUINT64_FORMAT, manifest->name, manifest->version);

    if (before && manifest->share < (Share)(before - 1))
        audit_find(auditing, AUDIT_SHARE_LOOSENED, manifest->node, (gint64)manifest->seq, manifest->time, version, share_format((Share)(before - 1)),
                   share_format(manifest->share), NULL);
    g_hash_table_replace(newest, g_strdup(manifest->name), GUINT_TO_POINTER(manifest->share + 1));
}

/* M19: a manifest that does not continue its dataset. */
static gboolean
visit(gpointer data, const Record *record, GError **error)
{
    Auditing *auditing = data;
    g_autoptr(Manifest) manifest = strcmp(record->type, "manifest/1") == 0 ? manifest_parse(record, NULL) : NULL;
    g_autoptr(Manifest) counted = manifest ? catalogue_manifest(auditing->catalogue, &manifest->address, NULL) : NULL;
    g_autofree char *number = NULL;

    if (!manifest || counted)
        return TRUE;
    number = g_strdup_printf("%" G_GUINT64_FORMAT, manifest->version);
    audit_find(auditing, AUDIT_VERSION_UNCOUNTED, record->node, (gint64)record->seq, record->time, manifest->name, number, NULL);
    return TRUE;
}

/* What is unreadable there was said when the ledger was checked. */
static void
find_uncounted(Auditing *auditing, const AuditNode *node)
{
    Ledger *ledger = audit_ledger(auditing, node->node, NULL);

    if (ledger)
        ledger_foreach(ledger, 0, visit, auditing, NULL);
}

static gboolean
ask_of(Auditing *auditing, const Manifest *manifest, AuditLineages *lineages, GHashTable *newest, GError **error)
{
    if (progress_cancelled(auditing->options->progress))
        return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped before all was looked at");
    look_at_sharing(auditing, manifest, newest);
    return audit_version_lineage(lineages, manifest, error) && audit_version_bracket(auditing, manifest, error) &&
           audit_version_attestations(auditing, manifest, error);
}

static gboolean
audit_node_versions(Auditing *auditing, AuditNode *node, AuditLineages *lineages, GError **error)
{
    g_autoptr(GHashTable) newest = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint64 from = 0;
    gboolean more = TRUE;

    while (more) {
        g_autoptr(GPtrArray) manifests = catalogue_manifests_from(auditing->catalogue, node->node, from, AT_ONCE, error);

        if (!manifests)
            return FALSE;
        for (guint i = 0; i < manifests->len; i++) {
            const Manifest *manifest = g_ptr_array_index(manifests, i);

            from = manifest->seq + 1;
            if (!ask_of(auditing, manifest, lineages, newest, error))
                return FALSE;
        }
        node->versions += manifests->len;
        more = manifests->len == AT_ONCE;
    }
    node->datasets = g_hash_table_size(newest);
    /* If all are versions there is no need to walk the ledger once more. */
    if (node->whole && GPOINTER_TO_UINT(g_hash_table_lookup(node->types, "manifest/1")) > node->versions)
        find_uncounted(auditing, node);
    return TRUE;
}

gboolean
audit_versions(Auditing *auditing, GError **error)
{
    g_autoptr(AuditLineages) lineages = audit_lineages_new(auditing);

    for (guint i = 0; i < auditing->audit->nodes->len; i++)
        if (!audit_node_versions(auditing, g_ptr_array_index(auditing->audit->nodes, i), lineages, error))
            return FALSE;
    return TRUE;
}
