#include "node/stated.h"

#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/attestation.h"
#include "manifests/erasure.h"
#include "manifests/withdrawal.h"
#include "node/print.h"
#include "node/show.h"
#include "sync/peers.h"

static gint64
now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

/* Neither, if that cannot be read: the caller prints what it knows. */
static void
find_end(Home *home, const Manifest *manifest, Withdrawal **withdrawal, Erasure **erasure)
{
    Catalogue *catalogue = home_catalogue(home, NULL);

    *withdrawal = NULL;
    *erasure = NULL;
    if (catalogue && withdrawal_of(catalogue, manifest, withdrawal, NULL))
        erasure_of(catalogue, manifest, home_id(home), erasure, NULL);
}

static char *
end_text(const char *what, gint64 seconds, const char *reason)
{
    char time[TIME_TEXT_SIZE];
    char *text = g_strdup_printf("%s %.10s: %s", what, time_format(seconds, time), reason);

    return g_strdelimit(text, "\n", ' ');
}

char *
stated_end(Home *home, const Manifest *manifest)
{
    g_autoptr(Withdrawal) withdrawal = NULL;
    g_autoptr(Erasure) erasure = NULL;

    find_end(home, manifest, &withdrawal, &erasure);
    if (erasure)
        return end_text("erased", erasure->time, erasure->reason);
    return withdrawal ? end_text("withdrawn", withdrawal->time, withdrawal->reason) : NULL;
}

void
stated_add_end(Home *home, const Manifest *manifest, json_t *root)
{
    g_autoptr(Withdrawal) withdrawal = NULL;
    g_autoptr(Erasure) erasure = NULL;

    find_end(home, manifest, &withdrawal, &erasure);
    if (withdrawal)
        json_object_set_new(root, "withdrawn", json_pack("{s:o, s:s, s:o}", "time", json_time(withdrawal->time), "reason", withdrawal->reason, "record",
                                                         json_digest(&withdrawal->record)));
    if (erasure)
        json_object_set_new(root, "erased", json_pack("{s:o, s:s, s:s, s:o}", "time", json_time(erasure->time), "reason", erasure->reason, "node", erasure->node,
                                                      "record", json_digest(&erasure->record)));
}

/* The newest version of the dataset that is neither withdrawn nor erased; NULL if there is none. */
static char *
newest_in_force(Home *home, const Manifest *manifest)
{
    g_autoptr(GPtrArray) history = catalogue_history(home_catalogue(home, NULL), manifest->node, manifest->name, NULL);

    for (guint i = 0; history && i < history->len; i++) {
        const Manifest *other = g_ptr_array_index(history, i);
        g_autofree char *end = stated_end(home, other);

        if (!end)
            return show_version(home, other);
    }
    return NULL;
}

gboolean
stated_in_force(Home *home, const Manifest *manifest, GError **error)
{
    g_autofree char *end = stated_end(home, manifest), *version = NULL, *other = NULL;

    if (!end || !g_str_has_prefix(end, "withdrawn"))
        return TRUE;
    version = show_version(home, manifest);
    other = newest_in_force(home, manifest);
    return chama_error(error, CHAMA_ERROR_DENIED, "%s: %s; %s%s, or give --withdrawn to have it all the same", version, end,
                       other ? "the newest that stands is " : "no other version stands", other ? other : "");
}

Manifest *
stated_find(Home *home, const char *word, GError **error)
{
    DatasetName name;

    if (!peers_parse_dataset(home, word, &name, error))
        return NULL;
    if (!*name.version)
        return chama_error_null(error, CHAMA_ERROR_USAGE, "%s: want NAME@VERSION, for this is about one version; see `chama log %s`", word, word);
    return peers_find_version(home, word, error);
}

static void
print_attested(Home *home, const Attested *a)
{
    g_autofree char *node = peers_display(home, a->node), *note = a->said->note ? g_strdelimit(g_strdup(a->said->note), "\n", ' ') : NULL;
    char time[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE];

    printf("%-10s %s: %s, by %s, %s", "attested", a->said->kind, a->said->pass ? "pass" : "fail", *node ? node : "this node", time_format(a->time, time));
    if (a->said->has_until)
        printf(", %s %s", attested_lapsed(a, now()) ? "lapsed" : "until", time_format(a->said->until, until));
    printf("%s%s\n", note ? ": " : "", note ? note : "");
}

static json_t *
attested_json(Home *home, const Attested *a)
{
    g_autofree char *node = peers_display(home, a->node);
    json_t *entry = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "type", a->said->kind, "result", a->said->pass ? "pass" : "fail", "node", a->node, "peer", node,
                              "time", json_time(a->time), "record", json_digest(&a->record));

    json_set_text(entry, "note", a->said->note);
    if (a->said->has_until) {
        json_object_set_new(entry, "until", json_time(a->said->until));
        json_object_set_new(entry, "lapsed", json_boolean(attested_lapsed(a, now())));
    }
    return entry;
}

static GPtrArray *
find_attestations(Home *home, const Manifest *manifest, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);

    return catalogue ? attestations_of(catalogue, manifest, error) : NULL;
}

gboolean
stated_print(Home *home, const Manifest *manifest, GError **error)
{
    g_autoptr(GPtrArray) attestations = find_attestations(home, manifest, error);

    for (guint i = 0; attestations && i < attestations->len; i++)
        print_attested(home, g_ptr_array_index(attestations, i));
    return attestations != NULL;
}

json_t *
stated_json(Home *home, const Manifest *manifest, GError **error)
{
    g_autoptr(GPtrArray) attestations = find_attestations(home, manifest, error);
    json_t *list;

    if (!attestations)
        return NULL;
    list = json_array();
    for (guint i = 0; i < attestations->len; i++)
        json_array_append_new(list, attested_json(home, g_ptr_array_index(attestations, i)));
    return json_pack("{s:o}", "attestations", list);
}
