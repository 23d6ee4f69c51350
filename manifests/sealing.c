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

typedef struct {
    Home *home;
    SealingBuild build;
    HomeBeforeMany before;
    gpointer data;
    GPtrArray *openings; /* of Opening* */
} SealingMany;

static Opening *
seal(GBytes *body, GPtrArray *members, GError **error)
{
    g_autoptr(Opening) opening = g_new0(Opening, 1);
    GBytes *sealed;
    Digest digest;

    opening->body = g_bytes_ref(body);
    salt_generate(opening->salt);
    seal_digest(opening->salt, body, &digest);
    sealed = sealed_format(&digest, error);
    if (!sealed)
        return NULL;
    g_ptr_array_add(members, sealed);
    return g_steal_pointer(&opening);
}

static gboolean
seal_all(gpointer data, Home *home, GPtrArray *members, GError **error)
{
    SealingMany *many = data;
    g_autoptr(GPtrArray) bodies = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

    if (!many->build(many->data, home, bodies, error))
        return FALSE;
    for (guint i = 0; i < bodies->len; i++) {
        Opening *opening = seal(bodies->pdata[i], members, error);

        if (!opening)
            return FALSE;
        g_ptr_array_add(many->openings, opening);
    }
    return TRUE;
}

static gboolean
keep_openings(gpointer data, const GPtrArray *records, GError **error)
{
    SealingMany *many = data;

    for (guint i = 0; i < records->len; i++) {
        Opening *opening = many->openings->pdata[i];
        g_autoptr(GBytes) bytes = NULL;

        opening->record = ((const Record *)records->pdata[i])->address;
        bytes = opening_format(opening, error);
        if (!bytes || !home_keep_opening(many->home, &opening->record, bytes, error))
            return FALSE;
    }
    return !many->before || many->before(many->data, records, error);
}

gboolean
sealing_state_many(Home *home, SealingBuild build, HomeBeforeMany before, gpointer data, guint *stated, GError **error)
{
    g_autoptr(GPtrArray) openings = g_ptr_array_new_with_free_func((GDestroyNotify)opening_free);
    SealingMany many = { home, build, before, data, openings };

    *stated = 0;
    if (!home_state_many(home, "sealed/1", seal_all, keep_openings, &many, error))
        return FALSE;
    for (guint i = 0; i < openings->len; i++)
        if (!catalogue_learn_opening(home_catalogue(home, error), openings->pdata[i], error))
            return FALSE;
    *stated = openings->len;
    return TRUE;
}
