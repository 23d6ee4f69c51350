#include "manifests/granting.h"

#include "manifests/sealing.h"

static Record *
state_sealed(Home *home, const Grant *grant, GError **error)
{
    g_autoptr(GBytes) body = grant_format_body(grant, error);

    return body ? sealing_state(home, body, error) : NULL;
}

static Record *
state_public(Home *home, const Grant *grant, GError **error)
{
    g_autoptr(GBytes) members = grant_format(grant, error);

    return members ? home_state_record(home, "grant/1", members, NULL, NULL, error) : NULL;
}

Record *
granting_state(Home *home, const Grant *grant, gboolean public, GError **error)
{
    return public ? state_public(home, grant, error) : state_sealed(home, grant, error);
}

gboolean
granting_revoke(Home *home, const GrantRow *row, GError **error)
{
    g_autoptr(GBytes) members = revocation_format(&row->record, error);
    g_autoptr(Record) record = members ? home_state_record(home, "revocation/1", members, NULL, NULL, error) : NULL;

    return record != NULL;
}
