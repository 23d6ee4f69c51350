#include "manifests/granting.h"

/* The body must be durable before the record that only its salted hash is in. */
typedef struct {
    Home *home;
    Opening opening;
} Sealing;

static gboolean
keep_opening(gpointer data, const Record *record, GError **error)
{
    Sealing *sealing = data;
    g_autoptr(GBytes) bytes = NULL;

    sealing->opening.record = record->address;
    bytes = opening_format(&sealing->opening, error);
    return bytes && home_keep_opening(sealing->home, &record->address, bytes, error);
}

static Record *
state_sealed(Home *home, const Grant *grant, GError **error)
{
    Sealing sealing = { .home = home };
    g_autoptr(GBytes) body = grant_format_body(grant, error), members = NULL;
    Record *record = NULL;
    Digest digest;

    if (!body)
        return NULL;
    salt_generate(sealing.opening.salt);
    sealing.opening.body = body;
    seal_digest(sealing.opening.salt, body, &digest);
    members = sealed_format(&digest, error);
    if (members)
        record = home_state_record(home, "sealed/1", members, keep_opening, &sealing, error);
    if (record && !catalogue_learn_grant(home_catalogue(home, error), &sealing.opening, error))
        g_clear_pointer(&record, record_free);
    return record;
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
