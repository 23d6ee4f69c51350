#include <string.h>

#include "keys/error.h"
#include "manifests/version.h"
#include "sync/audit/questions.h"

static char *
version_text(const Manifest *manifest)
{
    return g_strdup_printf("%s@%" G_GUINT64_FORMAT, manifest->name, manifest->version);
}

static gboolean
is_input_meant(const Manifest *manifest, const Input *input)
{
    return strcmp(manifest->node, input->node) == 0 && strcmp(manifest->name, input->name) == 0 && manifest->version == input->version;
}

/* A source that is not known here may still exist; one that is known must be the version that is named. */
static void
look_at_input(Auditing *auditing, const Manifest *manifest, const Input *input)
{
    Catalogue *catalogue = auditing->catalogue;
    g_autoptr(Manifest) there = catalogue_manifest(catalogue, &input->manifest, NULL);
    g_autofree char *version = version_text(manifest);
    g_autofree char *source = g_strdup_printf("%s/%s@%" G_GUINT64_FORMAT, input->node, input->name, input->version);
    g_autoptr(Manifest) named = there ? NULL : catalogue_version(catalogue, input->node, input->name, input->version, NULL);

    if (named || (there && !is_input_meant(there, input)))
        audit_find(auditing, AUDIT_INPUT_CONTRADICTED, manifest->node, (gint64)manifest->seq, manifest->time, version, source, NULL);
    else if (!there)
        audit_find(auditing, AUDIT_INPUT_UNKNOWN, manifest->node, (gint64)manifest->seq, manifest->time, version, source, NULL);
}

static void
look_at_inputs(Auditing *auditing, const Manifest *manifest)
{
    g_autoptr(Details) details = manifest->share == SHARE_OPEN || !auditing->home ? NULL : version_details(auditing->home, manifest, NULL);
    const GPtrArray *inputs = details ? details->inputs : manifest->inputs;
    g_autofree char *version = NULL;

    if (!details && manifest->share != SHARE_OPEN) {
        version = version_text(manifest);
        audit_find(auditing, AUDIT_INPUT_WITHHELD, manifest->node, (gint64)manifest->seq, manifest->time, version, NULL);
        return;
    }
    for (guint i = 0; i < inputs->len; i++)
        look_at_input(auditing, manifest, g_ptr_array_index(inputs, i));
}

/* M20: to open a dataset opens no version of before, but somebody decided it. */
static void
look_at_sharing(Auditing *auditing, const Manifest *manifest, GHashTable *newest)
{
    const Manifest *before = g_hash_table_lookup(newest, manifest->name);
    g_autofree char *version = version_text(manifest);

    if (before && manifest->share < before->share)
        audit_find(auditing, AUDIT_SHARE_LOOSENED, manifest->node, (gint64)manifest->seq, manifest->time, version, share_format(before->share),
                   share_format(manifest->share), NULL);
    g_hash_table_replace(newest, (gpointer)manifest->name, (gpointer)manifest);
}

typedef struct {
    Auditing *auditing;
    GHashTable *counted;       /* of Digest: manifests that are versions */
} Uncounted;

/* M19: a manifest that does not continue its dataset. */
static gboolean
visit(gpointer data, const Record *record, GError **error)
{
    Uncounted *uncounted = data;
    g_autoptr(Manifest) manifest = strcmp(record->type, "manifest/1") == 0 ? manifest_parse(record, NULL) : NULL;
    g_autofree char *number = NULL;

    if (!manifest || g_hash_table_contains(uncounted->counted, &manifest->address))
        return TRUE;
    number = g_strdup_printf("%" G_GUINT64_FORMAT, manifest->version);
    audit_find(uncounted->auditing, AUDIT_VERSION_UNCOUNTED, record->node, (gint64)record->seq, record->time, manifest->name, number, NULL);
    return TRUE;
}

/* What is unreadable there was said when the ledger was checked. */
static void
find_uncounted(Auditing *auditing, const AuditNode *node, GHashTable *counted)
{
    Ledger *ledger = audit_ledger(auditing, node->node, NULL);
    Uncounted uncounted = { auditing, counted };

    if (ledger)
        ledger_foreach(ledger, 0, visit, &uncounted, NULL);
}

static gboolean
audit_node_versions(Auditing *auditing, AuditNode *node, GError **error)
{
    g_autoptr(GPtrArray) manifests = catalogue_manifests(auditing->catalogue, node->node, error);
    g_autoptr(GHashTable) newest = g_hash_table_new(g_str_hash, g_str_equal), counted = g_hash_table_new(digest_hash, digest_equal);

    for (guint i = 0; manifests && i < manifests->len; i++) {
        const Manifest *manifest = g_ptr_array_index(manifests, i);

        if (progress_cancelled(auditing->options->progress))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped before all was looked at");
        g_hash_table_add(counted, (gpointer)&manifest->address);
        look_at_sharing(auditing, manifest, newest);
        look_at_inputs(auditing, manifest);
    }
    if (!manifests)
        return FALSE;
    node->versions = manifests->len;
    node->datasets = g_hash_table_size(newest);
    /* If all are versions there is no need to walk the ledger once more. */
    if (node->whole && GPOINTER_TO_UINT(g_hash_table_lookup(node->types, "manifest/1")) > manifests->len)
        find_uncounted(auditing, node, counted);
    return TRUE;
}

gboolean
audit_versions(Auditing *auditing, GError **error)
{
    for (guint i = 0; i < auditing->audit->nodes->len; i++)
        if (!audit_node_versions(auditing, g_ptr_array_index(auditing->audit->nodes, i), error))
            return FALSE;
    return TRUE;
}
