/* chama bundle: the exchange with a peer on a disk. */
#include <stdio.h>
#include <string.h>

#include "node/command.h"
#include "node/config.h"
#include "node/meter.h"
#include "node/print.h"
#include "node/rounds.h"
#include "sync/bundle/bundle.h"
#include "sync/bundle/shown.h"
#include "sync/peers.h"

typedef struct {
    char *receiver, *since, *volumes, *receipt;
    gboolean json;
} Options;

static void
options_clear(Options *o)
{
    g_free(o->receiver);
    g_free(o->since);
    g_free(o->volumes);
    g_free(o->receipt);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static void
talk(gpointer data, const char *line)
{
    fprintf(stderr, "%s\n", line);
}

static GPtrArray *
find_versions(Home *home, char **words, GError **error)
{
    g_autoptr(GPtrArray) versions = g_ptr_array_new_with_free_func((GDestroyNotify)manifest_free);

    for (; *words; words++) {
        Manifest *manifest = peers_find_version(home, *words, error);

        if (!manifest)
            return NULL;
        g_ptr_array_add(versions, manifest);
    }
    return g_steal_pointer(&versions);
}

static json_t *
json_strings(const GPtrArray *strings)
{
    json_t *array = json_array();

    for (guint i = 0; strings && i < strings->len; i++)
        json_array_append_new(array, json_string(strings->pdata[i]));
    return array;
}

static void
print_created(const BundleCreateResult *result, gboolean json)
{
    g_autofree char *bytes = size_display(result->bytes);

    if (json) {
        print_json(json_pack("{s:o, s:I, s:s, s:b, s:i, s:i, s:i, s:I}", "files", json_strings(result->files), "bytes", (json_int_t)result->bytes, "group", result->group,
                             "encrypted", result->sealed, "versions", (int)result->versions, "left_out", (int)result->left_out, "ledgers", (int)result->ledgers, "chunks",
                             (json_int_t)result->chunks));
        return;
    }
    for (guint i = 0; i < result->files->len; i++)
        printf("%s\n", (char *)result->files->pdata[i]);
    fprintf(stderr, "%u versions, %u ledgers, %" G_GUINT64_FORMAT " chunks, %s%s\n", result->versions, result->ledgers, result->chunks, bytes,
            result->sealed ? ", encrypted to the receiver" : "");
    if (result->left_out > 0)
        fprintf(stderr, "%u versions left out: the receiver has them\n", result->left_out);
}

static gboolean
create(Home *home, const Options *o, int argc, char **argv, GError **error)
{
    g_autofree char *node = o->receiver ? peers_resolve(home, o->receiver, error) : NULL;
    Progress progress = { 0 };
    BundleCreateOptions options = { .peer = node, .since = o->since, .progress = &progress, .talk = talk };
    g_auto(BundleCreateResult) result = { 0 };
    g_autoptr(GPtrArray) versions = NULL;
    Meter *meter;
    gboolean done;

    if ((o->receiver && !node) || (o->volumes && !command_parse_size("--volumes", o->volumes, &options.volume_max, error)) || !(versions = find_versions(home, argv + 1, error)))
        return FALSE;
    meter = meter_start("writing", &progress);
    done = bundle_create(home, argv[0], versions, &options, &result, error);
    meter_stop(meter);
    if (done)
        print_created(&result, o->json);
    return done;
}

/* PE: a node that nobody here has accepted is shown by what it is, not by what it calls itself alone. */
static char *
writer_text(Home *home, const BundleApplied *applied)
{
    g_autofree char *name = NULL;
    char fingerprint[FINGERPRINT_SIZE];
    Digest inception;

    if (!applied->writer[0] || !node_id_parse(applied->writer, &inception, NULL))
        return g_strdup("unknown");
    name = peers_display(home, applied->writer);
    if (applied->accepted)
        return g_steal_pointer(&name);
    return g_strdup_printf("%s (not pinned: fingerprint %s)", name, fingerprint_format(&inception, fingerprint));
}

static json_t *
applied_json(const BundleApplied *applied)
{
    const PullResult *pulled = &applied->pulled;
    json_t *object = json_pack("{s:s, s:s, s:b, s:o, s:b, s:I, s:I, s:I, s:i, s:i, s:o, s:o}", "writer", applied->writer, "group", applied->group, "pinned", applied->accepted,
                               "files", json_strings(applied->files), "read", applied->pulled_any, "records", (json_int_t)pulled->records, "chunks",
                               (json_int_t)pulled->chunks, "bytes", (json_int_t)pulled->bytes, "versions", (int)applied->versions, "complete", (int)applied->complete,
                               "problems", json_strings(pulled->problems), "alarms", json_strings(pulled->alarms));

    json_set_text(object, "receipt", applied->receipt);
    return object;
}

static void
print_applied(Home *home, const BundleApplied *applied)
{
    const PullResult *pulled = &applied->pulled;
    g_autofree char *writer = writer_text(home, applied), *bytes = size_display(pulled->bytes);

    if (applied->pulled_any)
        printf("%s: %" G_GUINT64_FORMAT " new records, %" G_GUINT64_FORMAT " new versions, %u of its %u versions held, %" G_GUINT64_FORMAT " chunks, %s\n", writer,
               pulled->records, pulled->versions, applied->complete, applied->versions, pulled->chunks, bytes);
    for (guint i = 0; pulled->alarms && i < pulled->alarms->len; i++)
        fprintf(stderr, "chama: alarm: %s\n", (char *)pulled->alarms->pdata[i]);
    for (guint i = 0; pulled->problems && i < pulled->problems->len; i++)
        fprintf(stderr, "chama: %s\n", (char *)pulled->problems->pdata[i]);
    if (applied->receipt)
        printf("%s: to be carried back\n", applied->receipt);
}

static void
print_result(Home *home, const BundleApplyResult *result, gboolean json)
{
    json_t *list = json_array();

    for (guint i = 0; i < result->bundles->len && !json; i++)
        print_applied(home, result->bundles->pdata[i]);
    for (guint i = 0; i < result->problems->len && !json; i++)
        fprintf(stderr, "chama: %s\n", (char *)result->problems->pdata[i]);
    for (guint i = 0; i < result->bundles->len && json; i++)
        json_array_append_new(list, applied_json(result->bundles->pdata[i]));
    if (json)
        print_json(json_pack("{s:O, s:o}", "bundles", list, "problems", json_strings(result->problems)));
    json_decref(list);
}

static gboolean
apply(Home *home, const Invocation *invocation, const Options *o, char **argv, int *status, GError **error)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    g_autoptr(Config) config = config_load(invocation->home, error);
    g_autoptr(Policy) policy = NULL;
    Progress progress = { 0 };
    PullOptions pull;
    BundleApplyOptions options = { .pull = &pull, .receipt = o->receipt };
    g_auto(BundleApplyResult) result = { 0 };
    Meter *meter;
    gboolean done;

    if (!config || !config_policy(home_path(home), NULL, &policy, error))
        return FALSE;
    for (; *argv; argv++)
        g_ptr_array_add(paths, *argv);
    rounds_pull_options(config, &pull);
    pull.policy = policy;
    pull.retry_after = 0;
    pull.patient = TRUE;
    pull.progress = &progress;
    pull.talk = o->json ? NULL : talk;
    meter = meter_start("applying", &progress);
    done = bundle_apply(home, paths, &options, &result, error);
    meter_stop(meter);
    if (!done)
        return FALSE;
    print_result(home, &result, o->json);
    *status = result.worst_exit;
    return TRUE;
}

static json_t *
shown_json(const Shown *shown)
{
    json_t *ledgers = json_array(), *versions = json_array(), *object;

    for (guint i = 0; i < shown->ledgers->len; i++) {
        const ShownLedger *ledger = shown->ledgers->pdata[i];

        json_array_append_new(ledgers, json_pack("{s:s, s:b, s:I}", "node", ledger->node, "whole", ledger->whole, "records", (json_int_t)ledger->size));
    }
    for (guint i = 0; i < shown->versions->len; i++) {
        const ShownVersion *version = shown->versions->pdata[i];

        json_array_append_new(versions, json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:o}", "node", version->node, "name", version->name, "version",
                                                  (json_int_t)version->version, "share", version->share, "files", (json_int_t)version->files, "bytes",
                                                  (json_int_t)version->bytes, "stored", (json_int_t)version->stored, "address", json_digest(&version->manifest)));
    }
    object = json_pack("{s:s, s:o, s:i, s:i, s:b, s:o, s:o, s:o, s:I, s:I, s:o}", "group", shown->info.group, "volumes", json_strings(shown->volumes), "count",
                       (int)shown->info.count, "missing", (int)shown->missing, "encrypted", shown->sealed, "keys", json_strings(shown->hints), "ledgers", ledgers, "versions",
                       versions, "files", (json_int_t)shown->files, "bytes", (json_int_t)shown->bytes, "problems", json_strings(shown->problems));
    json_set_text(object, "writer", *shown->info.writer ? shown->info.writer : NULL);
    json_set_text(object, "receiver", *shown->info.receiver ? shown->info.receiver : NULL);
    json_set_text(object, "date", *shown->info.date ? shown->info.date : NULL);
    return object;
}

static void
print_head(const Shown *shown)
{
    g_autofree char *bytes = size_display(shown->bytes);

    printf("bundle %s, %u volume%s here", shown->info.group, shown->volumes->len, shown->volumes->len == 1 ? "" : "s");
    if (shown->info.count == 0)
        printf(", the last is not among them");
    else if (shown->missing > 0)
        printf(" of %u", shown->info.count);
    printf("; %" G_GUINT64_FORMAT " files, %s; checksums %s\n", shown->files, bytes, shown->problems->len > 0 ? "do not hold" : "hold");
    if (*shown->info.writer)
        printf("written by %s%s%s\n", shown->info.writer, *shown->info.date ? ", " : "", shown->info.date);
    if (*shown->info.writer)
        printf("for %s\n", *shown->info.receiver ? shown->info.receiver : "anyone");
}

static void
print_shown(const Shown *shown)
{
    print_head(shown);
    for (guint i = 0; i < shown->hints->len; i++)
        printf("encrypted to key %s\n", (char *)shown->hints->pdata[i]);
    for (guint i = 0; i < shown->ledgers->len; i++) {
        const ShownLedger *ledger = shown->ledgers->pdata[i];

        printf("ledger  %s  %s  %" G_GUINT64_FORMAT " records\n", ledger->node, ledger->whole ? "whole" : "open part", ledger->size);
    }
    for (guint i = 0; i < shown->versions->len; i++) {
        const ShownVersion *version = shown->versions->pdata[i];
        g_autofree char *stored = size_display(version->stored);

        printf("version %s/%s@%" G_GUINT64_FORMAT "  %s  %" G_GUINT64_FORMAT " files  %" G_GUINT64_FORMAT " bytes  %s here\n", version->node, version->name, version->version,
               version->share, version->files, version->bytes, stored);
    }
    for (guint i = 0; i < shown->problems->len; i++)
        fprintf(stderr, "chama: %s\n", (char *)shown->problems->pdata[i]);
}

/* B28: without a node. */
static void
show(char **argv, gboolean json, int *status)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new(), problems = g_ptr_array_new_with_free_func(g_free), all = NULL;
    json_t *list = json_array();

    for (; *argv; argv++)
        g_ptr_array_add(paths, *argv);
    all = shown_read(paths, TRUE, problems);
    for (guint i = 0; i < all->len; i++) {
        const Shown *shown = all->pdata[i];

        if (json)
            json_array_append_new(list, shown_json(shown));
        else
            print_shown(shown);
        *status = shown->problems->len > 0 ? EXIT_VERIFY : *status;
    }
    for (guint i = 0; i < problems->len && !json; i++)
        fprintf(stderr, "chama: %s\n", (char *)problems->pdata[i]);
    *status = problems->len > 0 ? EXIT_VERIFY : *status;
    if (json)
        print_json(json_pack("{s:O, s:o}", "bundles", list, "problems", json_strings(problems)));
    json_decref(list);
}

static gboolean
check_words(const Options *o, int argc, char **argv, GError **error)
{
    gboolean creates = argc >= 3 && strcmp(argv[1], "create") == 0, applies = argc >= 3 && strcmp(argv[1], "apply") == 0,
             shows = argc >= 3 && strcmp(argv[1], "show") == 0;

    if (!creates && !applies && !shows)
        return chama_error(error, CHAMA_ERROR_USAGE, "bundle: want create FILE [NAME[@V] ...], apply FILE ... or show FILE ...");
    if (!creates && (o->receiver || o->since || o->volumes))
        return chama_error(error, CHAMA_ERROR_USAGE, "bundle: --for, --since and --volumes are for create");
    if (!applies && o->receipt)
        return chama_error(error, CHAMA_ERROR_USAGE, "bundle: --receipt is for apply");
    return !(o->receiver && o->since) || chama_error(error, CHAMA_ERROR_USAGE, "bundle: want --for or --since, not both: --since FILE is for whom FILE was, or who wrote it");
}

gboolean
cmd_bundle(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    g_auto(Options) o = { 0 };
    const GOptionEntry entries[] = {
        { "for", 0, 0, G_OPTION_ARG_STRING, &o.receiver, "create: with all that this peer may have, encrypted to it unless everyone may", "PEER" },
        { "since", 0, 0, G_OPTION_ARG_FILENAME, &o.since, "create: without what the receiver holds by this earlier bundle, made here for it, or by it (a receipt)", "FILE" },
        { "receipt", 0, 0, G_OPTION_ARG_FILENAME, &o.receipt, "apply: write what is to be carried back to the writer, encrypted to it", "FILE" },
        { "volumes", 0, 0, G_OPTION_ARG_STRING, &o.volumes, "create: in files of at most this size (650M, 4G; below 20M one may be larger)", "SIZE" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 2, -1, error) || !check_words(&o, argc, argv, error))
        return FALSE;
    if (strcmp(argv[1], "show") == 0) {
        show(argv + 2, o.json, status);
        return TRUE;
    }
    if (!(home = command_home(invocation, error)))
        return FALSE;
    if (strcmp(argv[1], "create") == 0)
        return create(home, &o, argc - 2, argv + 2, error);
    return apply(home, invocation, &o, argv + 2, status, error);
}
