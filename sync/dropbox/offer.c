#include "sync/dropbox/offer.h"

#include <string.h>

#include "sync/access.h"
#include "sync/bundle/bundle.h"

char *
offer_state(Home *home, const char *peer, GError **error)
{
    g_autoptr(GPtrArray) ledgers = home_ledgers(home, error);
    Catalogue *catalogue = ledgers ? home_catalogue(home, error) : NULL;
    g_autoptr(GString) text = g_string_new("chama-offer/1\n");

    if (!catalogue)
        return NULL;
    /* The receiver's own ledger comes from itself: that it grew is no news to it. */
    for (guint i = 0; i < ledgers->len; i++)
        if (g_strcmp0(ledgers->pdata[i], peer) != 0)
            g_string_append_printf(text, "%s %" G_GUINT64_FORMAT "\n", (char *)ledgers->pdata[i], catalogue_size(catalogue, ledgers->pdata[i]));
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean
was_left(const char *left, const Manifest *manifest)
{
    char hex[DIGEST_HEX_SIZE];

    return left && strstr(left, digest_format_hex(&manifest->address, hex));
}

static gboolean
may_have(const Offer *offer, const Manifest *manifest)
{
    Caller caller = { .accepted = offer->peer != NULL };
    State *state = home_state(offer->home, NULL);
    Held held;

    g_strlcpy(caller.node, offer->peer ? offer->peer : "", sizeof caller.node);
    return state && state_held(state, &manifest->address, &held, NULL) && held.complete && access_to_version(offer->home, &caller, manifest, NULL, NULL, NULL);
}

/* DB12 */
static GPtrArray *
choose(const Offer *offer, const char *left, GError **error)
{
    Catalogue *catalogue = home_catalogue(offer->home, error);
    GPtrArray *all = catalogue ? catalogue_datasets(catalogue, home_id(offer->home), error) : NULL;

    for (guint i = all ? all->len : 0; i-- > 0;)
        if ((!offer->whole && was_left(left, all->pdata[i])) || !may_have(offer, all->pdata[i]))
            g_ptr_array_remove_index(all, i);
    return all;
}

static char *
note_left(const char *left, const GPtrArray *versions)
{
    GString *text = g_string_new(left);
    char hex[DIGEST_HEX_SIZE];

    for (guint i = 0; i < versions->len; i++)
        if (!was_left(text->str, versions->pdata[i]))
            g_string_append_printf(text, "%s\n", digest_format_hex(&((const Manifest *)versions->pdata[i])->address, hex));
    return g_string_free(text, FALSE);
}

gboolean
offer_make(gpointer data, const char *path, const char *left, char **now, gboolean *empty, GError **error)
{
    const Offer *offer = data;
    g_autoptr(GPtrArray) chosen = offer->versions ? g_ptr_array_ref((GPtrArray *)offer->versions) : choose(offer, left, error);
    BundleCreateOptions options = { .peer = offer->peer, .since = offer->since, .volume_max = offer->volume_max ? offer->volume_max : OUTBOX_VOLUME, .progress = offer->progress, .talk = offer->talk, .talk_data = offer->talk_data };
    g_auto(BundleCreateResult) result = { 0 };

    if (!chosen || !bundle_create(offer->home, path, chosen, &options, &result, error))
        return FALSE;
    *empty = result.versions == 0 && result.ledgers == 0;
    *now = note_left(left, chosen);
    return TRUE;
}
