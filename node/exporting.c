#include "node/exporting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/sshsig.h"
#include "manifests/version.h"
#include "node/command.h"
#include "node/meter.h"
#include "node/print.h"
#include "node/proving.h"
#include "node/show.h"

/* Beside the content of a bag. */
#define TAGS_MAX 4

typedef struct {
    ExportTag tags[TAGS_MAX + 1];
    guint count;
} Tags;

static void
tags_clear(Tags *tags)
{
    for (guint i = 0; i < tags->count; i++)
        g_bytes_unref(tags->tags[i].bytes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tags, tags_clear)

static gboolean
is_standard_output(const char *file)
{
    return strcmp(file, "-") == 0;
}

/* Packed archives of other kinds: who names one does not want a folder of that name. */
static gboolean
check_ending(const char *file, GError **error)
{
    static const char *const others[] = { ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst", ".tar.bz2", ".7z" };

    for (guint i = 0; i < G_N_ELEMENTS(others); i++)
        if (g_str_has_suffix(file, others[i]))
            return chama_error(error, CHAMA_ERROR_USAGE,
                               "%s: want a file that ends in .tar or .zip, have %s; `chama get --format tar NAME - | zstd` packs as you like", file, others[i]);
    return TRUE;
}

gboolean
exporting_choose(const char *word, const char *file, gboolean *archive, ExportFormat *format, GError **error)
{
    *archive = word != NULL;
    if (word)
        return export_format_parse(word, format, error) && check_ending(file, error);
    if (is_standard_output(file))
        return chama_error(error, CHAMA_ERROR_USAGE, "-: want --format tar, zip or bagit for standard output, have none");
    if (g_file_test(file, G_FILE_TEST_IS_DIR))
        return TRUE;
    *archive = g_str_has_suffix(file, ".tar") || g_str_has_suffix(file, ".zip");
    *format = g_str_has_suffix(file, ".zip") ? EXPORT_ZIP : EXPORT_TAR;
    return check_ending(file, error);
}

void
exporting_prepare(ExportFormat format)
{
    if (format != EXPORT_ZIP)
        return;
    g_setenv("TZ", "UTC0", TRUE);
    tzset();
}

static gboolean
add_tag(Tags *tags, const char *name, GBytes *bytes)
{
    if (bytes)
        tags->tags[tags->count++] = (ExportTag){ name, bytes };
    return bytes != NULL;
}

static gboolean
add_proof(Home *home, const Manifest *manifest, Tags *tags, GError **error)
{
    ProveOptions options = { .show = manifest->share != SHARE_OPEN };
    g_autoptr(Proof) proof = proving_make(home, manifest->node, manifest->seq, &options, error);

    return proof && add_tag(tags, "chama/proof.txt", proof_format(proof));
}

static gboolean
add_record(Home *home, const Manifest *manifest, Tags *tags, GError **error)
{
    g_autoptr(Record) record = catalogue_record(home_catalogue(home, error), &manifest->address, error);
    g_autofree char *armour = NULL;

    if (!record)
        return FALSE;
    armour = sshsig_armour(record->signature);
    return add_tag(tags, "chama/record.json", g_bytes_ref(record->bytes)) &&
           add_tag(tags, "chama/record.json.sig", g_bytes_new(armour, strlen(armour)));
}

/* EX7: where the content comes from travels with it. */
static gboolean
collect_tags(Home *home, const Manifest *manifest, const ExportingOptions *options, Tags *tags, GError **error)
{
    if (options->format != EXPORT_BAG)
        return TRUE;
    if (manifest->share != SHARE_OPEN && !add_tag(tags, "chama/content.json", store_get(home_store(home, error), &manifest->content, error)))
        return FALSE;
    return (!options->proof || add_proof(home, manifest, tags, error)) && add_record(home, manifest, tags, error);
}

static gboolean
to_file(gpointer data, const void *bytes, gsize size, GError **error)
{
    return durable_file_write(data, bytes, size, error);
}

static gboolean
to_standard_output(gpointer data, const void *bytes, gsize size, GError **error)
{
    return fwrite(bytes, 1, size, stdout) == size || chama_error_errno(error, errno, "standard output");
}

static gboolean
nothing_matched(char *const *only, GError **error)
{
    g_autofree char *globs = g_strjoinv(" ", (char **)only), *shown = path_display(globs);

    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "want a file that --only %s matches, have none", shown);
}

static gboolean
write_with_meter(Home *home, const Manifest *manifest, const ExportingOptions *options, const Tags *tags, ExportOut out, gpointer data,
                 ExportResult *result, GError **error)
{
    Progress progress = { 0 };
    ExportOptions how = { .format = options->format, .only = options->only, .manifest = manifest, .tags = tags->tags, .progress = &progress };
    g_autoptr(Details) details = version_details(home, manifest, NULL);
    Meter *meter;
    gboolean done;
    Held held;

    if (!version_roots(home, manifest, &held, error))
        return FALSE;
    progress.bytes_total = details && !options->only ? (gint64)details->bytes : 0;
    meter = meter_start("writing", &progress);
    done = export_archive(home_store(home, error), &held.listing, &how, out, data, result, error);
    meter_stop(meter);
    if (done && options->only && result->files + result->links + result->folders == 0)
        return nothing_matched(options->only, error);
    return done;
}

static void
print_result(Home *home, const Manifest *manifest, const char *file, const ExportResult *result, gboolean json)
{
    g_autofree char *version = show_version(home, manifest), *size = size_display(result->size);

    if (json)
        print_json(json_pack("{s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I}", "version", version, "address", json_digest(&manifest->address), "file", file, "files",
                             (json_int_t)result->files, "links", (json_int_t)result->links, "folders", (json_int_t)result->folders, "bytes",
                             (json_int_t)result->bytes, "size", (json_int_t)result->size));
    else
        printf("%s in %s: %" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT " links (%s)\n", version, file, result->files, result->links, size);
}

static DurableFile *
open_file(const char *file, gboolean force, GError **error)
{
    g_autoptr(GError) failed = NULL;
    DurableFile *opened = durable_file_new(file, 0666, force, &failed);

    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_EXISTS))
        chama_error(error, CHAMA_ERROR_EXISTS, "%s: EX6: want %s", file,
                    g_file_test(file, G_FILE_TEST_IS_REGULAR) ? "no file of this name, have one; --force replaces it" : "a file to write, have something else");
    else if (failed)
        g_propagate_error(error, g_steal_pointer(&failed));
    return opened;
}

static gboolean
into_file(Home *home, const Manifest *manifest, const char *file, const ExportingOptions *options, const Tags *tags, GError **error)
{
    g_autoptr(DurableFile) opened = open_file(file, options->force, error);
    ExportResult result;

    if (!opened)
        return FALSE;
    if (!write_with_meter(home, manifest, options, tags, to_file, opened, &result, error))
        return show_blame(home, manifest, error);
    if (!durable_file_commit(opened, error))
        return FALSE;
    print_result(home, manifest, file, &result, options->json);
    return TRUE;
}

static gboolean
into_standard_output(Home *home, const Manifest *manifest, const ExportingOptions *options, const Tags *tags, int *status, GError **error)
{
    ExportResult result;

    if (options->json)
        return chama_error(error, CHAMA_ERROR_USAGE, "--json: want it with a FILE, have the archive on standard output");
    if (isatty(STDOUT_FILENO))
        return chama_error(error, CHAMA_ERROR_USAGE, "-: want a pipe or a file for the archive, have a terminal");
    if (write_with_meter(home, manifest, options, tags, to_standard_output, NULL, &result, error))
        return fflush(stdout) == 0 || chama_error_errno(error, errno, "standard output");
    if (!command_reader_left())
        return show_blame(home, manifest, error);
    g_clear_error(error);
    *status = EXIT_FAILED;
    return TRUE;
}

gboolean
exporting(Home *home, const Manifest *manifest, const char *file, const ExportingOptions *options, int *status, GError **error)
{
    g_autoptr(StoreHold) hold = store_hold(home_store(home, error), error);
    g_auto(Tags) tags = { 0 };

    if (!hold)
        return FALSE;
    if (!collect_tags(home, manifest, options, &tags, error))
        return show_blame(home, manifest, error);
    return is_standard_output(file) ? into_standard_output(home, manifest, options, &tags, status, error)
                                    : into_file(home, manifest, file, options, &tags, error);
}
