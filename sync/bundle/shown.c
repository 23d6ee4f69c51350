#include "sync/bundle/shown.h"

#include <string.h>

#include <jansson.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/listing/page.h"
#include "sync/bundle/road.h"
#include "sync/wire.h"

#define MANIFEST_FILE "/manifest.json"

static void
version_free(gpointer data)
{
    ShownVersion *version = data;

    g_free(version->name);
    g_free(version->share);
    g_free(version);
}

void
shown_free(gpointer data)
{
    Shown *shown = data;

    g_ptr_array_unref(shown->volumes);
    g_array_unref(shown->numbers);
    g_ptr_array_unref(shown->hints);
    g_ptr_array_unref(shown->ledgers);
    g_ptr_array_unref(shown->versions);
    g_ptr_array_unref(shown->problems);
    g_free(shown);
}

static Shown *
shown_new(void)
{
    Shown *shown = g_new0(Shown, 1);

    shown->volumes = g_ptr_array_new_with_free_func(g_free);
    shown->numbers = g_array_new(FALSE, FALSE, sizeof(guint));
    shown->hints = g_ptr_array_new_with_free_func(g_free);
    shown->ledgers = g_ptr_array_new_with_free_func(g_free);
    shown->versions = g_ptr_array_new_with_free_func(version_free);
    shown->problems = g_ptr_array_new_with_free_func(g_free);
    return shown;
}

/* Takes @error. */
static void
add_problem(GPtrArray *problems, GError *error)
{
    g_ptr_array_add(problems, g_strdup(error->message));
    g_error_free(error);
}

static void
show_ledgers(Shown *shown, Parcel *parcel)
{
    GError *failed = NULL;
    g_autoptr(GBytes) bytes = parcel_read(parcel, BUNDLE_EXCHANGE, &failed);
    g_autoptr(ExchangeReply) reply = bytes ? exchange_reply_parse(bytes, &failed) : NULL;

    for (guint i = 0; reply && i < reply->ledgers->len; i++) {
        const LedgerOffer *offer = reply->ledgers->pdata[i];
        ShownLedger *ledger = g_new0(ShownLedger, 1);

        g_strlcpy(ledger->node, offer->node, sizeof ledger->node);
        ledger->whole = offer->whole;
        ledger->size = offer->size;
        g_ptr_array_add(shown->ledgers, ledger);
    }
    if (!reply)
        add_problem(shown->problems, failed);
}

static guint64
integer_of(const json_t *root, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(root, name));

    return value > 0 ? (guint64)value : 0;
}

static char *
text_of(const json_t *root, const char *name)
{
    const char *text = json_string_value(json_object_get(root, name));

    return path_display(text ? text : "?");
}

static ShownVersion *
read_version(Parcel *parcel, const char *path, const char *hex, GError **error)
{
    g_autoptr(GBytes) bytes = parcel_read(parcel, path, error);
    g_autoptr(json_t) root = bytes ? canonical_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), RECORD_SIZE_MAX, "manifest.json", error) : NULL;
    const char *node = root ? json_string_value(json_object_get(root, "node")) : NULL;
    ShownVersion *version;
    Digest have;

    if (!root)
        return NULL;
    version = g_new0(ShownVersion, 1);
    digest_of_bytes(bytes, &have);
    if (!digest_parse_hex(hex, &version->manifest, NULL) || !digest_equal(&have, &version->manifest) || !node || !node_id_valid(node)) {
        g_free(version);
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "%s: B28: is not the record that its name says", path);
    }
    g_strlcpy(version->node, node, sizeof version->node);
    version->name = text_of(root, "name");
    version->share = text_of(root, "share");
    version->version = integer_of(root, "version");
    version->files = integer_of(root, "files");
    version->bytes = integer_of(root, "bytes");
    return version;
}

static void
add_stored(const Parcel *parcel, const char *hex, ShownVersion *version)
{
    g_autofree char *prefix = g_strdup_printf(BUNDLE_VERSIONS "%s/chunks-", hex);

    for (guint i = parcel_search(parcel, prefix); i < parcel_count(parcel) && g_str_has_prefix(parcel_path(parcel, i), prefix); i++)
        version->stored += parcel_size(parcel, i);
}

static void
show_versions(Shown *shown, Parcel *parcel)
{
    for (guint i = parcel_search(parcel, BUNDLE_VERSIONS); i < parcel_count(parcel) && g_str_has_prefix(parcel_path(parcel, i), BUNDLE_VERSIONS); i++) {
        const char *path = parcel_path(parcel, i), *rest = path + strlen(BUNDLE_VERSIONS);
        g_autofree char *hex = g_str_has_suffix(path, MANIFEST_FILE) ? g_strndup(rest, strlen(rest) - strlen(MANIFEST_FILE)) : NULL;
        GError *failed = NULL;
        ShownVersion *version;

        if (!hex || (i > 0 && strcmp(parcel_path(parcel, i - 1), path) == 0))
            continue;
        version = read_version(parcel, path, hex, &failed);
        if (failed) {
            add_problem(shown->problems, failed);
            continue;
        }
        add_stored(parcel, hex, version);
        g_ptr_array_add(shown->versions, version);
    }
}

static void
show_key(Shown *shown, Volume *volume)
{
    g_autoptr(GBytes) file = NULL;
    g_autoptr(GPtrArray) hints = NULL;
    GError *failed = NULL;
    guint index;

    if (!volume_find(volume, SEALING_KEY_FILE, &index))
        return;
    file = volume_read(volume, index, &failed);
    hints = file ? sealing_hints(file, &failed) : NULL;
    for (guint i = 0; hints && i < hints->len; i++)
        g_ptr_array_add(shown->hints, g_strdup(hints->pdata[i]));
    if (failed)
        add_problem(shown->problems, failed);
}

static void
check_volume(Shown *shown, Volume *volume)
{
    for (guint i = 0; i < volume_files(volume); i++) {
        GError *failed = NULL;
        g_autoptr(GBytes) bytes = volume_read(volume, i, &failed);

        if (failed)
            add_problem(shown->problems, failed);
        shown->files++;
        shown->bytes += volume_size(volume, i);
    }
}

static void
show_volumes(Shown *shown, const Parcel *parcel, gboolean check)
{
    const GPtrArray *volumes = parcel_volumes(parcel);
    guint different = 0, before = 0;

    for (guint i = 0; i < volumes->len; i++) {
        Volume *volume = volumes->pdata[i];
        const VolumeInfo *info = volume_info(volume);

        g_ptr_array_add(shown->volumes, g_strdup(volume_name(volume)));
        g_array_append_val(shown->numbers, info->number);
        different += info->number != before;
        before = info->number;
        shown->info.count = MAX(shown->info.count, info->count);
        if (check)
            check_volume(shown, volume);
    }
    shown->missing = shown->info.count > different ? shown->info.count - different : 0;
}

static Shown *
show_parcel(Parcel *parcel, gboolean check)
{
    Shown *shown = shown_new();

    parcel_open(parcel, NULL, NULL);
    shown->info = *parcel_info(parcel);
    shown->sealed = parcel_is_sealed(parcel);
    show_volumes(shown, parcel, check);
    if (shown->sealed)
        show_key(shown, parcel_volumes(parcel)->pdata[0]);
    else {
        show_ledgers(shown, parcel);
        show_versions(shown, parcel);
    }
    return shown;
}

GPtrArray *
shown_read(const GPtrArray *paths, gboolean check, GPtrArray *problems)
{
    g_autoptr(GPtrArray) parcels = g_ptr_array_new_with_free_func((GDestroyNotify)parcel_free);
    GPtrArray *all = g_ptr_array_new_with_free_func(shown_free);

    for (guint i = 0; i < paths->len; i++) {
        GError *failed = NULL;
        Volume *volume = volume_open(paths->pdata[i], g_get_tmp_dir(), 0, &failed);
        gboolean placed = FALSE;

        if (!volume) {
            add_problem(problems, failed);
            continue;
        }
        for (guint j = 0; j < parcels->len && !placed; j++)
            placed = parcel_add(parcels->pdata[j], volume);
        if (!placed) {
            g_ptr_array_add(parcels, parcel_new());
            parcel_add(parcels->pdata[parcels->len - 1], volume);
        }
    }
    for (guint i = 0; i < parcels->len; i++)
        g_ptr_array_add(all, show_parcel(parcels->pdata[i], check));
    return all;
}
