#include "node/stated.h"

#include <stdio.h>

#include "keys/canonical.h"
#include "manifests/attestation.h"
#include "node/print.h"
#include "sync/peers.h"

static gint64
now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
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
