/* Making a bundle: B13 to B19 of sync/BUNDLE.md. */
#include <string.h>
#include <time.h>

#include "keys/error.h"
#include "manifests/bag.h"
#include "manifests/ledger/checkpoint.h"
#include "manifests/version.h"
#include "sync/bundle/carrying.h"

void
bundle_create_result_clear(BundleCreateResult *result)
{
    g_clear_pointer(&result->files, g_ptr_array_unref);
}

/* The receiver's pins say who asks. */
static gboolean
find_receiver(Making *making, GError **error)
{
    const char *node = making->options->peer;
    g_autoptr(GError) failed = NULL;

    if (making->options->since && !carrying_learn(making, making->options->since, error))
        return FALSE;
    if (node && making->options->since && strcmp(node, making->known->node) != 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: B30: want one that the receiver made, or that was made for it", making->options->since);
    if (!node && *making->known->node)
        node = making->known->node;
    if (!node)
        return TRUE;
    making->peer = peers_get(making->home, node, &failed);
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: want an accepted peer: add it (`chama peer add %s`, or by its invite)", node, node);
    if (failed)
        g_propagate_error(error, g_steal_pointer(&failed));
    if (!making->peer)
        return FALSE;
    if (making->peer->status != PEER_ACCEPTED || making->peer->pins->len == 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want an accepted peer, have a node that waits: add it by its invite (`chama peer add`)", node);
    if (node != making->known->node)
        g_strlcpy(making->known->node, node, sizeof making->known->node);
    return TRUE;
}

/* By owner, this node first, and within it by name and number: as the receiver will ask for them (PU10). */
static int
compare_versions(gconstpointer a, gconstpointer b, gpointer data)
{
    const Manifest *one = *(Manifest *const *)a, *two = *(Manifest *const *)b;
    const char *own = data;
    int nodes = (strcmp(one->node, own) != 0) - (strcmp(two->node, own) != 0);

    nodes = nodes ? nodes : strcmp(one->node, two->node);
    nodes = nodes ? nodes : strcmp(one->name, two->name);
    return nodes ? nodes : (one->version > two->version) - (one->version < two->version);
}

static void
choose_versions(Making *making, const GPtrArray *versions)
{
    g_autoptr(GHashTable) chosen = g_hash_table_new(digest_hash, digest_equal);

    for (guint i = 0; i < versions->len; i++) {
        const Manifest *manifest = versions->pdata[i];

        if (!g_hash_table_add(chosen, (gpointer)&manifest->address))
            continue;
        if (g_hash_table_contains(making->held, &manifest->address))
            making->result->left_out++;
        else
            g_ptr_array_add(making->versions, (gpointer)manifest);
    }
    g_ptr_array_sort_with_data(making->versions, compare_versions, (gpointer)home_id(making->home));
}

/* I4: by the rules that decide what a peer may have; and what is not whole here is no bundle. */
static gboolean
check_version(Making *making, const Manifest *manifest, GError **error)
{
    State *state = home_state(making->home, error);
    Caller caller = { .accepted = making->peer != NULL };
    const char *reason;
    GError *failed = NULL;
    Held held;

    if (making->peer)
        g_strlcpy(caller.node, making->peer->node, sizeof caller.node);
    if (!state)
        return FALSE;
    if (!access_to_version(making->home, &caller, manifest, NULL, NULL, &reason))
        return chama_error(error, CHAMA_ERROR_DENIED, "%s@%" G_GUINT64_FORMAT ": not for %s: %s%s", manifest->name, manifest->version,
                           making->peer ? making->peer->alias : "everyone", reason, making->peer ? "" : "; name the receiver with --for");
    if (state_held(state, &manifest->address, &held, &failed) && held.complete)
        return TRUE;
    if (failed) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s@%" G_GUINT64_FORMAT ": its content is not whole here", manifest->name, manifest->version);
}

static gboolean
check_versions(Making *making, GError **error)
{
    for (guint i = 0; i < making->versions->len; i++) {
        if (!check_version(making, making->versions->pdata[i], error))
            return FALSE;
    }
    return TRUE;
}

/* The ledgers of what is in it must be in it, or with the receiver. */
static gboolean
check_ledgers(const Making *making, GError **error)
{
    for (guint i = 0; i < making->versions->len; i++) {
        const Manifest *manifest = making->versions->pdata[i];
        gboolean found = FALSE;

        for (guint j = 0; j < making->reply->ledgers->len && !found; j++)
            found = strcmp(((const LedgerOffer *)making->reply->ledgers->pdata[j])->node, manifest->node) == 0;
        for (guint j = 0; j < making->known->ledgers->len && !found; j++)
            found = strcmp(g_array_index(making->known->ledgers, LedgerPosition, j).node, manifest->node) == 0;
        for (guint j = 0; j < making->known->sparse->len && !found; j++)
            found = strcmp(g_array_index(making->known->sparse, LedgerPosition, j).node, manifest->node) == 0;
        if (!found && !(making->peer && strcmp(making->peer->node, manifest->node) == 0))
            return chama_error(error, CHAMA_ERROR_DENIED, "%s@%" G_GUINT64_FORMAT ": A12: the ledger of its owner, without which it proves nothing, is not for %s",
                               manifest->name, manifest->version, making->peer ? making->peer->alias : "everyone");
    }
    return TRUE;
}

/* B10: of the newest checkpoint, so that the same content makes the same bytes. */
static char *
bagging_date(const Making *making)
{
    g_autoptr(GDateTime) date = NULL;
    gint64 newest = 0;

    for (guint i = 0; i < making->reply->ledgers->len; i++) {
        const LedgerOffer *offer = making->reply->ledgers->pdata[i];
        g_autoptr(Checkpoint) claims = checkpoint_claims(offer->checkpoint, strlen(offer->checkpoint), NULL);

        newest = claims ? MAX(newest, claims->time) : newest;
    }
    if (newest == 0)
        return NULL;
    date = g_date_time_new_from_unix_utc(newest);
    return g_date_time_format(date, "%Y-%m-%d");
}

static char *
make_info(const Making *making)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *date = bagging_date(making), *writer = g_strconcat(VOLUME_WRITER_PREFIX, home_id(making->home), NULL);

    bag_info_append(text, VOLUME_LABEL_FORMAT, VOLUME_FORMAT);
    bag_info_append(text, "Bag-Software-Agent", "chama " CHAMA_VERSION);
    if (!making->result->sealed) {
        bag_info_append(text, VOLUME_LABEL_WRITER, writer);
        bag_info_append(text, VOLUME_LABEL_RECEIVER, making->peer ? making->peer->node : NULL);
        bag_info_append(text, VOLUME_LABEL_DATE, date);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* B20: is there anything in it that not everyone may have? */
static gboolean
is_secret(Making *making)
{
    const Caller anyone = { .accepted = FALSE };
    const ExchangeReply *reply = making->reply;

    if (!making->peer)
        return FALSE;
    if (making->options->posted)
        return TRUE;
    if (reply->openings->len > 0 || reply->revealed->len > 0 || reply->evidence->len > 0 || reply->yours || reply->seen->len > 0)
        return TRUE;
    for (guint i = 0; i < reply->ledgers->len; i++) {
        const LedgerOffer *offer = reply->ledgers->pdata[i];

        if (offer->whole && !access_to_ledger(making->home, &anyone, offer->node))
            return TRUE;
    }
    for (guint i = 0; i < making->versions->len; i++) {
        if (!access_to_version(making->home, &anyone, making->versions->pdata[i], NULL, NULL, NULL))
            return TRUE;
    }
    return FALSE;
}

/* For the receiver, and for this node, which will ask what was in it (--since). */
static gboolean
put_key(Making *making, const Sealing *sealing, GError **error)
{
    Catalogue *catalogue = home_catalogue(making->home, error);
    g_autoptr(Identity) receiver = catalogue ? catalogue_identity(catalogue, making->peer->node, error) : NULL;
    const Identity *own = home_identity(making->home, error);
    guint8 keys[2][ENCRYPTION_KEY_SIZE];
    g_autoptr(GBytes) file = NULL;

    if (!catalogue || !own)
        return FALSE;
    if (!receiver)
        return (error && *error) ? FALSE
                                 : chama_error(error, CHAMA_ERROR_NOT_FOUND,
                                               "%s: B20: want its ledger here, which has the key to encrypt to: apply a bundle that it made (`chama bundle create FILE` there), or sync",
                                               making->peer->alias);
    memcpy(keys[0], receiver->encryption, ENCRYPTION_KEY_SIZE);
    memcpy(keys[1], own->encryption, ENCRYPTION_KEY_SIZE);
    file = sealing_give(sealing, (const guint8(*)[ENCRYPTION_KEY_SIZE])keys, G_N_ELEMENTS(keys), error);
    return file && packing_add_common(making->packing, SEALING_KEY_FILE, file, error);
}

static gboolean
pack(Making *making, const char *path, GError **error)
{
    g_autoptr(Sealing) sealing = making->result->sealed ? sealing_new() : NULL;
    g_autofree char *info = make_info(making);
    const PackingOptions options = { making->options->volume_max, info, sealing };
    BundleCreateResult *result = making->result;

    making->packing = packing_new(path, &options, error);
    if (!making->packing || (sealing && !put_key(making, sealing, error)) || !making_put_reply(making, error) ||
        (sealing && !carrying_put_holds(making, error)) || (making->options->posted && !carrying_put_posted(making, error)) || !making_put_listings(making, error) ||
        !making_put_chunks(making, error) || !packing_finish(making->packing, &result->files, &result->bytes, error))
        return FALSE;
    g_strlcpy(result->group, packing_group(making->packing), sizeof result->group);
    return TRUE;
}

static void
announce(const Making *making)
{
    for (guint i = 0; i < making->versions->len && making->options->progress; i++)
        making->options->progress->bytes_total += (gint64)((const Manifest *)making->versions->pdata[i])->bytes;
}

gboolean
bundle_create(Home *home, const char *path, const GPtrArray *versions, const BundleCreateOptions *options, BundleCreateResult *result, GError **error)
{
    g_auto(Making) making = { .home = home, .options = options, .result = result, .known = exchange_new(), .versions = g_ptr_array_new(),
                              .held = g_hash_table_new_full(digest_hash, digest_equal, g_free, NULL) };
    Store *store = home_store(home, error);
    g_autoptr(StoreHold) hold = store ? store_hold(store, error) : NULL;

    *result = (BundleCreateResult){ 0 };
    if (options->volume_max > 0 && options->volume_max < BUNDLE_VOLUME_MIN)
        return chama_error(error, CHAMA_ERROR_USAGE, "--volumes: B13: want at least %d bytes, have %" G_GUINT64_FORMAT, BUNDLE_VOLUME_MIN, options->volume_max);
    if (!hold || !find_receiver(&making, error))
        return FALSE;
    choose_versions(&making, versions);
    if (!check_versions(&making, error) || !making_learn_reply(&making, error) || !check_ledgers(&making, error))
        return FALSE;
    announce(&making);
    result->versions = making.versions->len;
    result->sealed = is_secret(&making);
    return pack(&making, path, error);
}
