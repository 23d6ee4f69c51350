/* Taking a bundle: B14, B15, B25 to B29 of sync/BUNDLE.md. */
#include <string.h>

#include "keys/error.h"
#include "sync/bundle/bundle.h"
#include "sync/bundle/carrying.h"
#include "sync/bundle/packing.h"
#include "sync/bundle/road.h"
#include "sync/wire.h"

#define MANIFEST_FILE "/manifest.json"

static void
applied_free(gpointer data)
{
    BundleApplied *applied = data;

    g_clear_pointer(&applied->files, g_ptr_array_unref);
    pull_result_clear(&applied->pulled);
    g_free(applied->receipt);
    g_free(applied);
}

void
bundle_apply_result_clear(BundleApplyResult *result)
{
    g_clear_pointer(&result->bundles, g_ptr_array_unref);
    g_clear_pointer(&result->problems, g_ptr_array_unref);
}

/* Everything that is being applied. */
typedef struct {
    Home *home;
    const BundleApplyOptions *options;
    BundleApplyResult *result;
    GPtrArray *parcels;          /* of Parcel* */
    GPtrArray *files;            /* of GPtrArray* of char*: the paths of each */
} Applying;

static void
applying_clear(Applying *applying)
{
    g_clear_pointer(&applying->parcels, g_ptr_array_unref);
    g_clear_pointer(&applying->files, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Applying, applying_clear)

static void
note_exit(BundleApplyResult *result, int exit_status)
{
    /* what does not verify says more than what may be mended by another volume */
    if (result->worst_exit == 0 || exit_status == 3)
        result->worst_exit = exit_status;
}

/* Takes @error. */
static void
add_problem(BundleApplyResult *result, GError *error)
{
    note_exit(result, chama_error_exit_status(error));
    g_ptr_array_add(result->problems, g_strdup(error->message));
    g_error_free(error);
}

/* B12 */
static void
group_volume(Applying *applying, Volume *volume, const char *path)
{
    Parcel *parcel = NULL;
    GPtrArray *files = NULL;

    for (guint i = 0; i < applying->parcels->len && !parcel; i++) {
        if (parcel_add(applying->parcels->pdata[i], volume)) {
            parcel = applying->parcels->pdata[i];
            files = applying->files->pdata[i];
        }
    }
    if (!parcel) {
        parcel = parcel_new();
        files = g_ptr_array_new_with_free_func(g_free);
        parcel_add(parcel, volume);
        g_ptr_array_add(applying->parcels, parcel);
        g_ptr_array_add(applying->files, files);
    }
    g_ptr_array_add(files, g_strdup(path));
}

static gboolean
open_volumes(Applying *applying, const GPtrArray *paths, GError **error)
{
    GError *first = NULL;

    for (guint i = 0; i < paths->len; i++) {
        GError *failed = NULL;
        Volume *volume = volume_open(paths->pdata[i], home_path(applying->home), applying->options->pull->reserve, &failed);

        if (volume) {
            group_volume(applying, volume, paths->pdata[i]);
            continue;
        }
        if (!first)
            first = g_error_copy(failed);
        add_problem(applying->result, failed);
    }
    if (applying->parcels->len > 0 || !first) {
        g_clear_error(&first);
        return TRUE;
    }
    g_propagate_error(error, first);
    return FALSE;
}

/* B15: the versions in it, by their names there. */
static GHashTable *
find_versions(const Parcel *parcel)
{
    GHashTable *versions = g_hash_table_new_full(digest_hash, digest_equal, g_free, NULL);

    for (guint i = parcel_search(parcel, BUNDLE_VERSIONS); i < parcel_count(parcel) && g_str_has_prefix(parcel_path(parcel, i), BUNDLE_VERSIONS); i++) {
        const char *rest = parcel_path(parcel, i) + strlen(BUNDLE_VERSIONS);
        g_autofree char *hex = g_str_has_suffix(rest, MANIFEST_FILE) ? g_strndup(rest, strlen(rest) - strlen(MANIFEST_FILE)) : NULL;
        Digest digest;

        if (hex && digest_parse_hex(hex, &digest, NULL))
            g_hash_table_add(versions, g_memdup2(&digest, sizeof digest));
    }
    return versions;
}

static void
count_complete(Home *home, GHashTable *versions, BundleApplied *applied)
{
    State *state = home_state(home, NULL);
    GHashTableIter iter;
    gpointer digest;
    Held held;

    applied->versions = g_hash_table_size(versions);
    g_hash_table_iter_init(&iter, versions);
    while (state && g_hash_table_iter_next(&iter, &digest, NULL))
        applied->complete += state_held(state, digest, &held, NULL) && held.complete;
}

static gboolean
learn_writer(Home *home, Parcel *parcel, BundleApplied *applied, GError **error)
{
    g_autoptr(GBytes) bytes = parcel_read(parcel, BUNDLE_EXCHANGE, error);
    g_autoptr(ExchangeReply) reply = bytes ? exchange_reply_parse(bytes, error) : NULL;
    g_autoptr(Peer) peer = NULL;

    if (!reply)
        return FALSE;
    if (strcmp(reply->node, home_id(home)) == 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "B25: it was made by this node: want one that another node made");
    g_strlcpy(applied->writer, reply->node, sizeof applied->writer);
    peer = peers_get(home, reply->node, NULL);
    applied->accepted = peer && peer->status == PEER_ACCEPTED;
    return TRUE;
}

/* B26: one sync with the writer, along the archive. */
static gboolean
pull_along(Applying *applying, Parcel *parcel, BundleApplied *applied, GHashTable *versions, GPtrArray *posted, GError **error)
{
    PullOptions options = *applying->options->pull;
    g_autoptr(Peer) peer = peer_new();

    options.carried = versions;
    g_strlcpy(peer->node, applied->writer, sizeof peer->node);
    applied->pulled_any = pull_over(applying->home, peer, bundle_road(parcel, posted), &options, &applied->pulled, error);
    return applied->pulled_any;
}

/* B31: before what follows from it is written. */
static gboolean
take_posted(Applying *applying, Parcel *parcel, BundleApplied *applied, GError **error)
{
    guint taken;

    if (!carrying_take_posted(applying->home, parcel, applied->writer, &taken, error))
        return FALSE;
    applied->posted = taken;
    return TRUE;
}

/* B29: several bundles in one call leave several receipts: "NAME.tar", "NAME.2.tar". */
static char *
receipt_path(const Applying *applying, guint number)
{
    const char *path = applying->options->receipt;
    gsize stem = strlen(path) - (g_str_has_suffix(path, ".tar") ? strlen(".tar") : g_str_has_suffix(path, ".tar.zst") ? strlen(".tar.zst") : 0);

    return number < 2 ? g_strdup(path) : g_strdup_printf("%.*s.%u%s", (int)stem, path, number, path + stem);
}

/* What cannot be written is found out before anything is applied. */
static gboolean
check_receipts(const Applying *applying, GError **error)
{
    for (guint i = 0; applying->options->receipt && i < applying->parcels->len; i++) {
        g_autofree char *path = receipt_path(applying, i + 1);
        g_autoptr(Packing) packing = packing_new(path, &(PackingOptions){ 0 }, error);

        if (!packing) {
            g_prefix_error(error, "--receipt: ");
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
may_leave_receipt(const Applying *applying, const BundleApplied *applied, GError **error)
{
    return !applying->options->receipt || applied->accepted ||
           chama_error(error, CHAMA_ERROR_USAGE, "--receipt: B29: want a writer that is a peer here: add it by its invite (`chama peer add`), or apply without");
}

static gboolean
write_receipt(Applying *applying, BundleApplied *applied, const GPtrArray *posted, GError **error)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autofree char *path = NULL;
    BundleCreateOptions options = { .peer = applied->writer, .posted = posted };
    g_auto(BundleCreateResult) made = { 0 };

    if (!applying->options->receipt)
        return TRUE;
    path = receipt_path(applying, applying->result->bundles->len);
    if (!bundle_create(applying->home, path, none, &options, &made, error))
        return FALSE;
    applied->receipt = g_steal_pointer(&path);
    return TRUE;
}

static void
note_damage(Applying *applying, const Parcel *parcel)
{
    const GPtrArray *damage = parcel_damage(parcel);

    for (guint i = 0; i < damage->len; i++)
        g_ptr_array_add(applying->result->problems, g_strdup(damage->pdata[i]));
    if (damage->len > 0)
        note_exit(applying->result, 3);
}

/* B12: "2, 4 to 6"; of a bundle whose last volume is not here nobody knows how many there are. */
static char *
missing_volumes(Parcel *parcel)
{
    GPtrArray *volumes = parcel_volumes(parcel);
    g_autoptr(GString) text = g_string_new(NULL);
    guint next = 1, count = 0;

    for (guint i = 0; i <= volumes->len; i++) {
        const VolumeInfo *info = i < volumes->len ? volume_info(volumes->pdata[i]) : NULL;
        guint number = info ? info->number : count + 1;

        if (number > next)
            g_string_append_printf(text, number == next + 1 ? "%s%u" : "%s%u to %u", text->len > 0 ? ", " : "", next, number - 1);
        next = MAX(next, number + 1);
        count = info && info->count > 0 ? info->count : count;
    }
    if (count == 0)
        g_string_append_printf(text, "%s%u and what follows it", text->len > 0 ? ", " : "", next);
    return text->len > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* What lacks something here may have it in a volume that was not brought; one that was applied before is not needed again. */
static void
note_missing(Applying *applying, Parcel *parcel, const BundleApplied *applied)
{
    g_autofree char *missing = applied->pulled_any && applied->complete < applied->versions ? missing_volumes(parcel) : NULL;

    if (missing)
        g_ptr_array_add(applying->result->problems, g_strdup_printf("%s: B12: not here of this bundle: volume %s; apply those that were not applied before, in any order, or sync: what came stays",
                                                                    volume_name(parcel_volumes(parcel)->pdata[0]), missing));
}

static void
apply_one(Applying *applying, Parcel *parcel, GPtrArray *files)
{
    BundleApplied *applied = g_new0(BundleApplied, 1);
    g_autoptr(GPtrArray) posted = g_ptr_array_new_with_free_func(posted_free);
    g_autoptr(GHashTable) versions = NULL;
    GError *failed = NULL;
    gboolean good;

    applied->files = g_ptr_array_ref(files);
    g_strlcpy(applied->group, parcel_info(parcel)->group, sizeof applied->group);
    g_ptr_array_add(applying->result->bundles, applied);
    good = parcel_open(parcel, applying->home, &failed) && learn_writer(applying->home, parcel, applied, &failed) && may_leave_receipt(applying, applied, &failed);
    if (good) {
        versions = find_versions(parcel);
        good = pull_along(applying, parcel, applied, versions, posted, &failed) && take_posted(applying, parcel, applied, &failed) &&
               write_receipt(applying, applied, posted, &failed);
        count_complete(applying->home, versions, applied);
    }
    if (!good && g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
        g_clear_error(&failed);
        chama_error(&failed, CHAMA_ERROR_CANCELLED, "bundle: stopped; what came stays: apply it again");
    }
    if (!good) {
        g_prefix_error(&failed, "%s: ", volume_name(parcel_volumes(parcel)->pdata[0]));
        add_problem(applying->result, failed);
    }
    if (applied->pulled.worst_exit)
        note_exit(applying->result, applied->pulled.worst_exit);
    note_missing(applying, parcel, applied);
    note_damage(applying, parcel);
}

gboolean
bundle_apply(Home *home, const GPtrArray *paths, const BundleApplyOptions *options, BundleApplyResult *result, GError **error)
{
    g_auto(Applying) applying = { .home = home, .options = options, .result = result,
                                  .parcels = g_ptr_array_new_with_free_func((GDestroyNotify)parcel_free),
                                  .files = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref) };

    *result = (BundleApplyResult){ .bundles = g_ptr_array_new_with_free_func(applied_free), .problems = g_ptr_array_new_with_free_func(g_free) };
    if (!open_volumes(&applying, paths, error) || !check_receipts(&applying, error))
        return FALSE;
    for (guint i = 0; i < applying.parcels->len; i++)
        apply_one(&applying, applying.parcels->pdata[i], applying.files->pdata[i]);
    return TRUE;
}
