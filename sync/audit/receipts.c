#include <string.h>

#include "manifests/handover.h"
#include "sync/access.h"
#include "sync/audit/questions.h"

/* AU13: a mirror may learn of a revocation as late as this. */
#define LEARNED_WITHIN (ACCESS_CHECKPOINT_AGE_MAX + 3600)

typedef struct {
    gboolean known;          /* the grant's body is known here */
    gboolean fits;           /* it is the owner's, for this dataset and this receiver */
    gboolean in_force;       /* when it was served */
} GrantThen;

static gboolean
was_revoked(Catalogue *catalogue, const Handover *h)
{
    gint64 late = strcmp(h->provider, h->subject.node) == 0 ? 0 : LEARNED_WITHIN;
    gint64 revoked;

    return catalogue_revoked_at(catalogue, h->subject.node, &h->grant, &revoked) && revoked + late < h->served;
}

/* By the times that owner and provider claim. */
static gboolean
look_up_grant(Catalogue *catalogue, const Handover *h, GrantThen *then, GError **error)
{
    g_autoptr(GPtrArray) grants = catalogue_grants(catalogue, NULL, NULL, h->receiver, error);
    g_autoptr(Record) record = catalogue_record(catalogue, &h->grant, NULL);

    *then = (GrantThen){ .known = record && catalogue_opening_known(catalogue, &h->grant) };
    then->known = then->known || (record && strcmp(record->type, "sealed/1") != 0);
    for (guint i = 0; grants && i < grants->len; i++) {
        const GrantRow *row = grants->pdata[i];

        if (!digest_equal(&row->record, &h->grant))
            continue;
        then->fits = strcmp(row->grant.owner, h->subject.node) == 0 && strcmp(row->grant.name, h->subject.name) == 0;
        then->in_force = row->grant.until > h->served && !was_revoked(catalogue, h);
    }
    return grants != NULL;
}

static gboolean
look_at_delivery(Auditing *auditing, const Handover *h, const char *version, GError **error)
{
    GrantThen then;

    if (!look_up_grant(auditing->catalogue, h, &then, error))
        return FALSE;
    if (then.known && !(then.fits && then.in_force))
        audit_find(auditing, AUDIT_DELIVERY_WITHOUT_GRANT, h->provider, (gint64)h->delivery.seq, h->delivery.time, version, h->receiver, NULL);
    return TRUE;
}

static gboolean
look_at(Auditing *auditing, const Handover *h, GError **error)
{
    g_autofree char *version = g_strdup_printf("%s@%" G_GUINT64_FORMAT, h->subject.name, h->subject.version);

    if (h->standing == HANDOVER_RECEIPT_OWED)
        audit_find(auditing, AUDIT_RECEIPT_OWED, h->provider, (gint64)h->delivery.seq, h->delivery.time, version, h->receiver, NULL);
    else if (h->standing == HANDOVER_DELIVERY_OWED)
        audit_find(auditing, AUDIT_DELIVERY_OWED, h->receiver, (gint64)h->receipt.seq, h->receipt.time, version, h->provider, NULL);
    else if (h->standing == HANDOVER_CONTRADICTS)
        audit_find(auditing, AUDIT_RECEIPT_CONTRADICTS, h->receiver, (gint64)h->receipt.seq, h->receipt.time, version, h->provider, NULL);
    return !h->delivery.stated || look_at_delivery(auditing, h, version, error);
}

gboolean
audit_receipts(Auditing *auditing, GError **error)
{
    g_autoptr(GArray) all = handovers_all(auditing->catalogue, auditing->home ? home_id(auditing->home) : "", error);

    for (guint i = 0; all && i < all->len; i++) {
        const Handover *h = &g_array_index(all, Handover, i);

        if ((audit_wanted(auditing, h->provider) || audit_wanted(auditing, h->receiver)) && !look_at(auditing, h, error))
            return FALSE;
    }
    return all != NULL;
}
