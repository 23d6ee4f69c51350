#include <string.h>

#include "keys/canonical.h"
#include "manifests/attestation.h"
#include "sync/audit/questions.h"

static void
look_at(Auditing *auditing, const Manifest *manifest, const Attested *attested)
{
    g_autofree char *version = g_strdup_printf("%s@%" G_GUINT64_FORMAT, manifest->name, manifest->version);
    char until[TIME_TEXT_SIZE];

    if (attested_lapsed(attested, auditing->options->now))
        audit_find(auditing, AUDIT_ATTESTATION_LAPSED, manifest->node, (gint64)manifest->seq, attested->time, attested->said->kind, version, attested->node,
                   time_format(attested->said->until, until), NULL);
    else if (!attested->said->pass)
        audit_find(auditing, AUDIT_ATTESTATION_FAIL, manifest->node, (gint64)manifest->seq, attested->time, attested->said->kind, version, attested->node, NULL);
}

gboolean
audit_version_attestations(Auditing *auditing, const Manifest *manifest, GError **error)
{
    g_autoptr(GPtrArray) all = attestations_of(auditing->catalogue, manifest, error);

    for (guint i = 0; all && i < all->len; i++)
        look_at(auditing, manifest, g_ptr_array_index(all, i));
    return all != NULL;
}
