#include "node/leaving.h"

#include <stdio.h>

#include "keys/error.h"
#include "node/meter.h"
#include "node/print.h"
#include "sync/peers.h"

#define CONNECT_TIMEOUT 15    /* seconds */
#define STALL_TIMEOUT 60

/* What a person asked for besides what is new. */
static char *
wish_of(const LeavingOptions *options)
{
    GString *wish = g_string_new(options->whole ? "all\n" : "");
    char hex[DIGEST_HEX_SIZE];

    for (guint i = 0; options->versions && i < options->versions->len; i++)
        g_string_append_printf(wish, "%s\n", digest_format_hex(&((const Manifest *)options->versions->pdata[i])->address, hex));
    return g_string_free(wish, wish->len == 0);
}

gboolean
leaving_run(Home *home, const LeavingOptions *options, OutboxResult *result, GError **error)
{
    g_autofree char *stage = outbox_stage(home_path(home), options->peer, options->address), *known_hosts = home_file(home, "known_hosts");
    g_autofree char *state = offer_state(home, options->peer, error), *wish = wish_of(options);
    Offer offer = { .home = home, .peer = options->peer, .versions = options->versions, .whole = options->whole, .since = options->since, .volume_max = options->volume_max, .progress = options->progress, .talk = options->talk, .talk_data = options->talk_data };
    const OutboxOffer outbox = { .state = options->versions ? NULL : state, .anew = options->whole || options->versions, .wish = wish, .by_hand = options->by_hand, .make = offer_make, .data = &offer };
    const TransportOptions transport = { .known_hosts = known_hosts, .connect_timeout = CONNECT_TIMEOUT, .stall_timeout = STALL_TIMEOUT,
                                         .cancelled = options->progress ? &options->progress->cancelled : NULL };

    return state && outbox_run(stage, options->address, &options->limits, &outbox, &transport, options->progress, result, error);
}

static void
talk(gpointer data, const char *line)
{
    fprintf(stderr, "%s\n", line);
}

static GPtrArray *
find_versions(Home *home, char **names, GError **error)
{
    g_autoptr(GPtrArray) versions = g_ptr_array_new_with_free_func((GDestroyNotify)manifest_free);

    for (; *names; names++) {
        Manifest *manifest = peers_find_version(home, *names, error);

        if (!manifest)
            return NULL;
        g_ptr_array_add(versions, manifest);
    }
    return g_steal_pointer(&versions);
}

static void
print_left(const char *address, const OutboxResult *result, gboolean json)
{
    g_autofree char *bytes = size_display(result->bytes);

    if (json) {
        print_json(json_pack("{s:s, s:i, s:I, s:s, s:b}", "place", address, "files", (int)result->left, "bytes", (json_int_t)result->bytes, "last", result->last, "nothing_new",
                             result->nothing_new));
        return;
    }
    if (result->left > 0)
        printf("%s: %u file%s left (%s), the last is %s\n", address, result->left, result->left == 1 ? "" : "s", bytes, result->last);
    else
        printf("%s: nothing new since the last bundle that was left there; --all leaves everything anew\n", address);
}

gboolean
leaving_push(Home *home, const char *address, const LeavingWords *words, GError **error)
{
    g_autofree char *node = words->peer ? peers_resolve(home, words->peer, error) : NULL;
    g_autoptr(GPtrArray) versions = NULL;
    Progress progress = { 0 };
    LeavingOptions options = { .address = address, .whole = words->whole, .since = words->since, .volume_max = words->volume_max, .by_hand = TRUE, .progress = &progress, .talk = talk };
    OutboxResult result;
    Meter *meter;
    gboolean done;

    if ((words->peer && !node) || (*words->names && !(versions = find_versions(home, words->names, error))))
        return FALSE;
    options.peer = node;
    options.versions = versions;
    outbox_sweep(home_path(home), g_get_real_time() / G_USEC_PER_SEC);
    meter = meter_start("leaving", &progress);
    done = leaving_run(home, &options, &result, error);
    meter_stop(meter);
    if (done)
        print_left(address, &result, words->json);
    return done;
}
