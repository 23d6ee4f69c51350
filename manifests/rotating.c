#include "manifests/rotating.h"

#include "keys/error.h"

/* N10: what the old key signs is the record as it would be without that. */
static GBytes *
endorse(const LedgerHead *head, GBytes *members, const Keypair *old, gint64 time, GError **error)
{
    g_autoptr(GBytes) bare = record_format(head, ROTATION_TYPE, members, time, error);

    return bare ? rotation_endorse(members, bare, old, error) : NULL;
}

Record *
rotating_sign(const LedgerHead *head, const RotationPlan *plan, const Keypair *revealed, const Keypair *old, gint64 time, GError **error)
{
    g_autoptr(GBytes) bare = rotation_members(plan, error);
    g_autoptr(GBytes) members = NULL;

    if (!bare)
        return NULL;
    members = old ? endorse(head, bare, old, time, error) : g_bytes_ref(bare);
    return members ? record_sign(head, ROTATION_TYPE, members, time, revealed, error) : NULL;
}
