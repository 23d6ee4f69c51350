/* chama get: write a version's files into a folder, or bring the folder up to date; or into an archive. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib/gstdio.h>

#include "manifests/checkout.h"
#include "manifests/listing/page.h"
#include "manifests/memories.h"
#include "node/command.h"
#include "node/exporting.h"
#include "node/meter.h"
#include "node/print.h"
#include "node/show.h"
#include "node/stated.h"
#include "sync/peers.h"

typedef struct {
    char **only, *format;
    gboolean force, withdrawn, proof, json;
    gboolean archive;          /* and no folder: */
    ExportFormat kind;
} Options;

/* The listing that DIR was written from, if this node knows. */
static gboolean
find_base(Home *home, const char *folder, Digest *listing)
{
    State *state = home_state(home, NULL);
    Digest manifest;
    Held held;

    if (!state || !state_checkout_get(state, folder, &manifest, NULL) || !state_held(state, &manifest, &held, NULL) || !held.complete)
        return FALSE;
    *listing = held.listing;
    return TRUE;
}

/* A folder written elsewhere or before a restore: a file that equals any version held of this dataset was not edited. */
static GArray *
other_listings(Home *home, const Manifest *manifest, GError **error)
{
    g_autoptr(GPtrArray) history = catalogue_history(home_catalogue(home, error), manifest->node, manifest->name, error);
    GArray *listings = history ? g_array_new(FALSE, FALSE, sizeof(Digest)) : NULL;
    Held held;

    for (guint i = 0; history && i < history->len; i++) {
        if (version_roots(home, g_ptr_array_index(history, i), &held, NULL))
            g_array_append_val(listings, held.listing);
    }
    return listings;
}

static void
print_result(Home *home, const Manifest *manifest, const char *folder, const CheckoutResult *result, gboolean json)
{
    g_autofree char *version = show_version(home, manifest), *bytes = size_display(result->bytes_written);

    if (json)
        print_json(json_pack("{s:s, s:o, s:s, s:I, s:I, s:I, s:I}", "version", version, "address", json_digest(&manifest->address), "folder", folder, "written",
                             (json_int_t)result->written, "removed", (json_int_t)result->removed, "kept", (json_int_t)result->kept, "bytes_written",
                             (json_int_t)result->bytes_written));
    else
        printf("%s in %s: %" G_GUINT64_FORMAT " files written (%s), %" G_GUINT64_FORMAT " removed, %" G_GUINT64_FORMAT " already right\n", version, folder,
               result->written, bytes, result->removed, result->kept);
}

/* @made: it was not there before. */
static gboolean
make_folder(const char *folder, gboolean *made, GError **error)
{
    *made = !g_file_test(folder, G_FILE_TEST_EXISTS);
    if (!*made && !g_file_test(folder, G_FILE_TEST_IS_DIR))
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: want a folder to write into, have something else; name a new or another folder", folder);
    return g_mkdir_with_parents(folder, 0777) == 0 || chama_error_errno(error, errno, "%s: cannot make the folder", folder);
}

/* Messages from beneath speak of paths within the folder. */
static gboolean
blame_folder(const char *folder, GError **error)
{
    g_prefix_error(error, "%s: ", folder);
    return FALSE;
}

static gboolean
nothing_matched(Home *home, const Manifest *manifest, const Options *o, GError **error)
{
    g_autofree char *globs = g_strjoinv(" ", o->only), *shown = path_display(globs), *version = show_version(home, manifest);

    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: want a file that --only %s matches, have none; see `chama files %s`", version, shown, version);
}

static gboolean
get(Home *home, const Options *o, const Manifest *manifest, const char *folder, GError **error)
{
    Progress progress = { 0 };
    CheckoutOptions options = { .only = o->only, .force = o->force, .progress = &progress };
    CheckoutResult result = { 0 };
    g_autoptr(StoreHold) hold = store_hold(home_store(home, error), error);
    g_autoptr(GArray) others = NULL;
    g_autoptr(Details) details = NULL;
    g_autofree char *real = NULL, *stamps = NULL;
    Meter *meter;
    gboolean done, made;
    Digest base;
    Held held;

    if (!hold || !(others = other_listings(home, manifest, error)))
        return FALSE;
    if (!version_roots(home, manifest, &held, error))
        return show_blame(home, manifest, error);
    if (!make_folder(folder, &made, error))
        return FALSE;
    real = realpath(folder, NULL);
    options.base = real && find_base(home, real, &base) ? &base : NULL;
    options.others = others;
    options.stamps = stamps = real ? memories_of_checkout(home, real, &options.stamps_key) : NULL;
    details = version_details(home, manifest, NULL);
    progress.bytes_total = details && !o->only ? (gint64)details->bytes : 0;
    meter = meter_start("writing", &progress);
    done = checkout(home_store(home, error), &held.listing, folder, &options, &result, error);
    meter_stop(meter);
    if (!done)
        return blame_folder(folder, error);
    if (o->only && result.written + result.kept + result.removed == 0) {
        if (made)
            g_rmdir(folder);
        return nothing_matched(home, manifest, o, error);
    }
    memories_trim(home);
    /* A folder with only some of the files is no base for the next update. */
    if (!o->only && real && !state_checkout_set(home_state(home, error), real, &manifest->address, error))
        return FALSE;
    print_result(home, manifest, folder, &result, o->json);
    return TRUE;
}

static gboolean
check_options(Options *o, const char *target, GError **error)
{
    if (!*target)
        return chama_error(error, CHAMA_ERROR_USAGE, "DIR: want a folder or a file to write into, have an empty word");
    if (!exporting_choose(o->format, target, &o->archive, &o->kind, error))
        return FALSE;
    return !o->proof || (o->archive && o->kind == EXPORT_BAG) ||
           chama_error(error, CHAMA_ERROR_USAGE, "--proof: want it with --format bagit, which has room for it; or see `chama prove`");
}

static gboolean
get_archive(Home *home, const Options *o, const Manifest *manifest, const char *file, int *status, GError **error)
{
    ExportingOptions options = { .format = o->kind, .only = o->only, .force = o->force, .proof = o->proof, .json = o->json };

    return exporting(home, manifest, file, &options, status, error);
}

gboolean
cmd_get(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Options o = { 0 };
    const GOptionEntry entries[] = {
        { "only", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o.only, "only files that match: *.csv at any depth, /a.csv at the top, data a whole folder (may be repeated)", "GLOB" },
        { "format", 0, 0, G_OPTION_ARG_STRING, &o.format, "into one FILE, or - for standard output: tar, zip or bagit (a tar with a BagIt bag)", "FORMAT" },
        { "proof", 0, 0, G_OPTION_ARG_NONE, &o.proof, "into the bag also what `chama prove` gives today", NULL },
        { "force", 0, 0, G_OPTION_ARG_NONE, &o.force, "overwrite files that were edited; replace FILE", NULL },
        { "withdrawn", 0, 0, G_OPTION_ARG_NONE, &o.withdrawn, "also a version that its owner has withdrawn", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(Manifest) manifest = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 2, 2, error) || !check_options(&o, argv[2], error))
        return FALSE;
    if (o.archive)
        exporting_prepare(o.kind);
    if (!(home = command_home(invocation, error)) || !(manifest = peers_find_version(home, argv[1], error)) || !home_store(home, error) ||
        !home_catalogue(home, error) || !home_state(home, error) || !(o.withdrawn || stated_in_force(home, manifest, error)))
        return FALSE;
    return o.archive ? get_archive(home, &o, manifest, argv[2], status, error) : get(home, &o, manifest, argv[2], error);
}
