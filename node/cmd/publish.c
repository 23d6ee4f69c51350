/* chama publish: make a version of a dataset. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "manifests/lineage/derivation.h"
#include "manifests/version.h"
#include "node/command.h"
#include "node/meter.h"
#include "node/print.h"
#include "node/show.h"
#include "node/stated.h"
#include "sync/peers.h"

typedef struct {
    char *message, *title_zh, *title_en, *level, *share, *encoding, *activity, *tool;
    char **from, **labels, **exclude, **parameters;
    gboolean unpack, dry_run, rehash, skip_special, json;
} Options;

static void
warn(gpointer data, const char *message)
{
    fprintf(stderr, "chama: %s\n", message);
}

/* S17: nobody is kept from saying what was made from it. */
static void
warn_of_end(Home *home, const Manifest *source)
{
    g_autofree char *end = stated_end(home, source), *version = end ? show_version(home, source) : NULL;

    if (end)
        fprintf(stderr, "warning: --from: %s: %s\n", version, end);
}

/* --from NAME@V: an exact version, known here, of this or another node. */
static GPtrArray *
resolve_inputs(Home *home, char *const *from, GError **error)
{
    g_autoptr(GPtrArray) inputs = g_ptr_array_new_with_free_func((GDestroyNotify)input_free);

    for (guint i = 0; from[i]; i++) {
        g_autoptr(Manifest) source = peers_find_version(home, from[i], error);
        Input *input;

        if (!source) {
            g_prefix_error(error, "--from: ");
            return NULL;
        }
        warn_of_end(home, source);
        input = g_new0(Input, 1);
        g_strlcpy(input->node, source->node, sizeof input->node);
        g_strlcpy(input->name, source->name, sizeof input->name);
        input->version = source->version;
        input->manifest = source->address;
        input->role = g_strdup("source");
        g_ptr_array_add(inputs, input);
    }
    return g_steal_pointer(&inputs);
}

static void
print_as_json(Home *home, const Options *options, const PublishResult *result)
{
    json_t *root = show_manifest_json(home, result->manifest);

    json_object_set_new(root, "unchanged", json_boolean(result->unchanged));
    json_object_set_new(root, "dry_run", json_boolean(options->dry_run));
    json_object_set_new(root, "new_bytes", json_integer((json_int_t)result->ingest.new_bytes));
    json_object_set_new(root, "exact_files", json_integer((json_int_t)result->ingest.totals.files));
    json_object_set_new(root, "exact_bytes", json_integer((json_int_t)result->ingest.totals.bytes));
    json_object_set_new(root, "links", json_integer((json_int_t)result->ingest.totals.links));
    json_object_set_new(root, "recalled", json_integer((json_int_t)result->ingest.recalled));
    json_object_set_new(root, "skipped", json_integer((json_int_t)result->ingest.skipped));
    if (options->dry_run) {
        json_object_del(root, "address");
        json_object_del(root, "seq");
        json_object_del(root, "time");
    }
    print_json(root);
}

static void
print_dry_run(const PublishResult *result)
{
    const Manifest *m = result->manifest;

    printf("would be %s@%" G_GUINT64_FORMAT ", nothing was stored\n", m->name, m->version);
    printf("whoever has the ledger would see: name, version, time%s%s%s, share %s, %s%" G_GUINT64_FORMAT " files, %s%" G_GUINT64_FORMAT " bytes\n",
           m->title_zh || m->title_en ? ", title" : "", m->message ? ", message" : "", m->level ? ", level" : "", share_format(m->share),
           m->share == SHARE_OPEN ? "" : "about ", m->files, m->share == SHARE_OPEN ? "" : "about ", m->bytes);
    puts(m->share == SHARE_OPEN          ? "anyone could read the files, their names, labels and sources"
         : m->share == SHARE_CONDITIONAL ? "file names, labels, sources and content would go only to peers with a grant (chama grant)"
                                         : "file names, labels, sources and content would go to nobody");
}

static void
print_text(Home *home, const Options *options, const PublishResult *result)
{
    const ListingTotals *totals = &result->ingest.totals;
    g_autofree char *version = show_version(home, result->manifest), *bytes = size_display(totals->bytes), *stored = size_display(result->ingest.new_bytes);
    char address[DIGEST_TEXT_SIZE];

    if (result->unchanged) {
        printf("nothing changed: %s stays the newest version\n", version);
        if (options->message)
            fprintf(stderr, "the message was not kept: it belongs to a version, and none was made\n");
        return;
    }
    if (options->dry_run)
        print_dry_run(result);
    else
        printf("%s %s\n", version, digest_format(&result->manifest->address, address));
    printf("%" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT " links, %" G_GUINT64_FORMAT " bytes (%s)", totals->files, totals->links, totals->bytes, bytes);
    if (!options->dry_run)
        printf(", %" G_GUINT64_FORMAT " new bytes stored (%s)", result->ingest.new_bytes, stored);
    putchar('\n');
    if (totals->files + totals->links == 0)
        fprintf(stderr, "warning: there is no file in it\n");
    if (!options->dry_run && result->manifest->version == 1 && result->manifest->share == SHARE_CONDITIONAL)
        fprintf(stderr, "shared conditionally: nobody gets the content until `chama grant %s PEER`\n", result->manifest->name);
}

/* Before a long reading, not after it. */
static gboolean
check_length(const char *option, const char *text, gsize max, GError **error)
{
    return !text || strlen(text) <= max ||
           chama_error(error, CHAMA_ERROR_USAGE, "%s: want at most %" G_GSIZE_FORMAT " bytes, have %" G_GSIZE_FORMAT, option, max, strlen(text));
}

static gboolean
check_activity(const Options *o, GError **error)
{
    for (guint i = 0; o->parameters && o->parameters[i]; i++) {
        if (!command_check_utf8("--param", o->parameters[i], error))
            return FALSE;
    }
    if (!o->activity && (o->tool || o->parameters))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want it only with --activity, to say what was done", o->tool ? "--tool" : "--param");
    return command_check_utf8("--activity", o->activity, error) && command_check_utf8("--tool", o->tool, error);
}

static gboolean
check_options(const Options *o, GError **error)
{
    for (guint i = 0; o->labels && o->labels[i]; i++) {
        if (!command_check_utf8("--label", o->labels[i], error))
            return FALSE;
    }
    if (!check_length("--title-zh", o->title_zh, TITLE_MAX, error) || !check_length("--title-en", o->title_en, TITLE_MAX, error) ||
        !check_length("--message", o->message, MESSAGE_MAX, error))
        return FALSE;
    if (o->encoding && !o->unpack)
        return chama_error(error, CHAMA_ERROR_USAGE, "--encoding: want it only with --unpack, for the names in an archive");
    return check_activity(o, error) && command_check_utf8("--message", o->message, error) && command_check_utf8("--title-zh", o->title_zh, error) &&
           command_check_utf8("--title-en", o->title_en, error) && command_check_utf8("--level", o->level, error);
}

static gboolean
check_path(const Options *o, const char *path, GError **error)
{
    if (!*path)
        return chama_error(error, CHAMA_ERROR_USAGE, "PATH: want a folder, a file or an archive, have an empty word");
    if (strcmp(path, "-") == 0 && !o->unpack)
        return chama_error(error, CHAMA_ERROR_USAGE, "-: want it only with --unpack, for a tar on standard input");
    return TRUE;
}

/* How much there is to read, for the meter's time left: found out beside the reading, which waits for nothing. */
typedef struct {
    const char *path;
    char **exclude;
    Progress *progress;
} Measure;

static gpointer
measure(gpointer data)
{
    const Measure *what = data;

    ingest_measure(what->path, what->exclude, what->progress);
    return NULL;
}

static gboolean
publish_with_meter(Home *home, const PublishOptions *options, PublishResult *result, GError **error)
{
    Progress *progress = options->ingest.progress;
    Measure what = { options->path, options->ingest.exclude, progress };
    GThread *measuring = !options->unpack && isatty(STDERR_FILENO) ? g_thread_new("measure", measure, &what) : NULL;
    Meter *meter = meter_start("publishing", progress);
    gboolean published = version_publish(home, options, result, error);

    meter_stop(meter);
    g_atomic_int_set(&progress->cancelled, 1);
    if (measuring)
        g_thread_join(measuring);
    return published;
}

/* M14, before the long work. */
static gboolean
say_activity(const Options *o, char **activity, GError **error)
{
    if (!o->activity)
        return TRUE;
    *activity = activity_format(o->activity, o->tool, o->parameters, error);
    if (!*activity)
        command_blame_usage(error);
    return *activity != NULL;
}

static gboolean
publish(Home *home, const Options *o, const char *name, const char *path, GError **error)
{
    Progress progress = { 0 };
    PublishOptions options = {
        .name = name, .path = path, .unpack = o->unpack, .dry_run = o->dry_run, .rehash = o->rehash,
        .ingest = { .exclude = o->exclude, .skip_special = o->skip_special, .encoding = o->encoding, .progress = &progress, .warn = warn },
        .message = o->message, .title_zh = o->title_zh, .title_en = o->title_en, .level = o->level, .has_share = o->share != NULL, .labels = o->labels,
    };
    PublishResult result = { 0 };
    g_autoptr(GPtrArray) inputs = NULL;
    g_autofree char *activity = NULL;

    if (o->share && !share_parse(o->share, &options.share, error)) {
        command_blame_usage(error);
        return FALSE;
    }
    if (o->from && !(inputs = resolve_inputs(home, o->from, error)))
        return FALSE;
    if (!say_activity(o, &activity, error))
        return FALSE;
    options.inputs = inputs;
    options.activity = activity;
    if (!publish_with_meter(home, &options, &result, error)) {
        command_blame_input(error);
        return FALSE;
    }
    if (o->json)
        print_as_json(home, o, &result);
    else
        print_text(home, o, &result);
    publish_result_clear(&result);
    return TRUE;
}

gboolean
cmd_publish(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Options o = { 0 };
    const GOptionEntry entries[] = {
        { "message", 'm', 0, G_OPTION_ARG_STRING, &o.message, "what changed, for the history", "TEXT" },
        { "title-zh", 0, 0, G_OPTION_ARG_STRING, &o.title_zh, "title in Chinese (\"\": none)", "TEXT" },
        { "title-en", 0, 0, G_OPTION_ARG_STRING, &o.title_en, "title in English (\"\": none)", "TEXT" },
        { "share", 0, 0, G_OPTION_ARG_STRING, &o.share, "open: to anyone; conditional: to peers with a grant; none: to nobody", "HOW" },
        { "level", 0, 0, G_OPTION_ARG_STRING, &o.level, "classification level", "LEVEL" },
        { "label", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.labels, "label (may be repeated)", "LABEL" },
        { "from", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.from, "a version that this one was made from (may be repeated)", "[PEER/]NAME@V" },
        { "activity", 0, 0, G_OPTION_ARG_STRING, &o.activity, "what was done to make it (join, clean, survey ...): your word, not observed", "KIND" },
        { "tool", 0, 0, G_OPTION_ARG_STRING, &o.tool, "with which program, and which version of it", "NAME" },
        { "param", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.parameters, "with which parameter (may be repeated)", "NAME=VALUE" },
        { "unpack", 0, 0, G_OPTION_ARG_NONE, &o.unpack, "PATH is an archive: publish what is inside (\"-\": a tar on stdin)", NULL },
        { "encoding", 0, 0, G_OPTION_ARG_STRING, &o.encoding, "encoding of names in old zip files (GBK)", "NAME" },
        { "exclude", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o.exclude, "leave out paths that match (may be repeated)", "GLOB" },
        { "skip-special", 0, 0, G_OPTION_ARG_NONE, &o.skip_special, "leave out sockets, FIFOs and devices instead of refusing", NULL },
        { "rehash", 0, 0, G_OPTION_ARG_NONE, &o.rehash, "read every file, also those that look unchanged since the last time", NULL },
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &o.dry_run, "store nothing; say what would be made and what others would see", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 2, 2, error) || !check_options(&o, error) || !check_path(&o, argv[2], error) || !(home = command_home(invocation, error)))
        return FALSE;
    return publish(home, &o, argv[1], argv[2], error);
}
