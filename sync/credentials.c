#include "sync/credentials.h"

#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "keys/rotation.h"

void
credentials_free(Credentials *credentials)
{
    if (!credentials)
        return;
    g_free(credentials->inception);
    g_free(credentials->profile);
    g_ptr_array_unref(credentials->rotations);
    g_free(credentials);
}

static Credentials *
credentials_new(void)
{
    Credentials *credentials = g_new0(Credentials, 1);

    credentials->rotations = g_ptr_array_new_with_free_func(g_free);
    return credentials;
}

static gboolean
read_rotations(const json_t *object, const char *what, GPtrArray *rotations, GError **error)
{
    const json_t *array;

    if (!member_has(object, "rotations"))
        return TRUE;
    if (!member_array(object, what, "rotations", ROTATIONS_MAX, &array, error))
        return FALSE;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *entry = json_array_get(array, i);

        if (!json_is_string(entry) || json_string_length(entry) > ROTATION_ENTRY_MAX)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: W4: want log entries of at most %d bytes as rotations", what, ROTATION_ENTRY_MAX);
        g_ptr_array_add(rotations, g_strdup(json_string_value(entry)));
    }
    return TRUE;
}

Credentials *
credentials_parse(const json_t *object, const char *what, GError **error)
{
    g_autoptr(Credentials) credentials = credentials_new();
    const char *inception, *profile;

    if (!member_string(object, what, "inception", ENTRY_SIZE_MAX, &inception, error) ||
        !member_string(object, what, "profile", ENTRY_SIZE_MAX, &profile, error) || !read_rotations(object, what, credentials->rotations, error))
        return NULL;
    credentials->inception = g_strdup(inception);
    credentials->profile = g_strdup(profile);
    return g_steal_pointer(&credentials);
}

void
credentials_add(const Credentials *credentials, json_t *object)
{
    json_t *rotations = json_array();

    json_object_set_new(object, "inception", json_string(credentials->inception));
    json_object_set_new(object, "profile", json_string(credentials->profile));
    for (guint i = 0; i < credentials->rotations->len; i++)
        json_array_append_new(rotations, json_string(credentials->rotations->pdata[i]));
    if (json_array_size(rotations) > 0)
        json_object_set(object, "rotations", rotations);
    json_decref(rotations);
}

static char *
entry_text(const Record *record)
{
    g_autoptr(GBytes) entry = record_entry(record);

    return g_strndup(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
}

/* From the oldest on: an Identity leads back. */
static gboolean
add_rotations(Ledger *ledger, const Identity *identity, GPtrArray *rotations, GError **error)
{
    g_autoptr(Record) record = NULL;

    if (!identity->before)
        return TRUE;
    if (!add_rotations(ledger, identity->before, rotations, error) || !(record = ledger_get(ledger, identity->since, error)))
        return FALSE;
    g_ptr_array_add(rotations, entry_text(record));
    return TRUE;
}

Credentials *
credentials_own(Home *home, GError **error)
{
    g_autoptr(Credentials) credentials = credentials_new();
    Ledger *ledger = home_ledger(home, error);
    Catalogue *catalogue = ledger ? home_catalogue(home, error) : NULL;
    g_autoptr(Record) first = catalogue ? ledger_get(ledger, 0, error) : NULL;
    g_autoptr(GError) local = NULL;
    g_autoptr(Record) newest = first ? catalogue_profile_record(catalogue, home_id(home), &local) : NULL;

    if (!first || !add_rotations(ledger, ledger_identity(ledger), credentials->rotations, error))
        return NULL;
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    if (!newest)
        return chama_error_null(error, CHAMA_ERROR_DAMAGED, "ledger: want a profile, have none");
    credentials->inception = entry_text(first);
    credentials->profile = entry_text(newest);
    return g_steal_pointer(&credentials);
}

static Identity *
verify_inception(const Credentials *credentials, const char *node, const char *what, GError **error)
{
    const LedgerHead nothing = { .size = 0 };
    g_autoptr(RecordReceived) received = record_receive(credentials->inception, strlen(credentials->inception), error);
    g_autoptr(Record) record = received ? record_verify(received, &nothing, error) : NULL;

    if (!record)
        return NULL;
    if (strcmp(record->node, node) != 0)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: want the inception of %s, have that of %s", what, node, record->node);
    return record_identity_after(record, NULL, error);
}

/* A record out of its ledger: its signature is what counts, so the head is the one that it claims to continue. */
static Record *
verify_entry(const char *entry, const Identity *newest, const char *what, const char *kind, GError **error)
{
    g_autoptr(RecordReceived) received = record_receive(entry, strlen(entry), error);
    const Record *claims = received ? record_received_claims(received) : NULL;

    if (!claims)
        return NULL;
    if (claims->seq == 0)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: want a %s, have an inception in its place", what, kind);
    return record_verify(received, &(LedgerHead){ claims->seq, claims->prev, identity_at(newest, claims->seq - 1) }, error);
}

static Identity *
verify_rotations(const Credentials *credentials, Identity *inception, const char *what, GError **error)
{
    g_autoptr(Identity) identity = inception;

    for (guint i = 0; identity && i < credentials->rotations->len; i++) {
        g_autoptr(Record) record = verify_entry(credentials->rotations->pdata[i], identity, what, "rotation", error);
        Identity *after;

        if (record && strcmp(record->type, ROTATION_TYPE) != 0)
            return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: want a rotation, have %s in its place", what, record->type);
        after = record ? record_identity_after(record, identity, error) : NULL;
        identity_free(identity);
        identity = after;
    }
    return g_steal_pointer(&identity);
}

Profile *
credentials_verify(const Credentials *credentials, const char *node, const Identity *known, const char *what, Identity **identity, GError **error)
{
    Identity *inception = verify_inception(credentials, node, what, error);
    g_autoptr(Identity) shown = inception ? verify_rotations(credentials, inception, what, error) : NULL;
    gboolean further = shown && known && known->since > shown->since;
    g_autoptr(Record) record = shown ? verify_entry(credentials->profile, further ? known : shown, what, "profile", error) : NULL;
    Profile *profile = record ? profile_parse(record, error) : NULL;

    if (profile)
        *identity = further ? identity_ref(known) : g_steal_pointer(&shown);
    return profile;
}
