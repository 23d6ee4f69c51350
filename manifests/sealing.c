#include "manifests/sealing.h"

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

Record *
sealing_state(Home *home, GBytes *body, GError **error)
{
    Sealing sealing = { .home = home, .opening.body = body };
    g_autoptr(GBytes) members = NULL;
    Record *record = NULL;
    Digest digest;

    salt_generate(sealing.opening.salt);
    seal_digest(sealing.opening.salt, body, &digest);
    members = sealed_format(&digest, error);
    if (members)
        record = home_state_record(home, "sealed/1", members, keep_opening, &sealing, error);
    if (record && !catalogue_learn_opening(home_catalogue(home, error), &sealing.opening, error))
        g_clear_pointer(&record, record_free);
    return record;
}
