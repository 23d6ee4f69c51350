/* chama endorse: stand by a document, and see who does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "manifests/endorsement.h"
#include "node/command.h"
#include "node/print.h"
#include "sync/peers.h"

typedef struct {
    char *note;
    gboolean who, json;
} Options;

static gboolean
digest_file(const char *path, Digest *digest, GError **error)
{
    g_autoptr(DigestStream) stream = digest_stream_new();
    FILE *file = fopen(path, "rb");
    char bytes[65536];
    gsize size;

    if (!file)
        return chama_error_errno(error, errno, "%s: cannot be read", path);
    while ((size = fread(bytes, 1, sizeof bytes, file)) > 0)
        digest_stream_update(stream, bytes, size);
    if (ferror(file)) {
        chama_error_errno(error, errno, "%s: cannot be read", path);
        fclose(file);
        return FALSE;
    }
    fclose(file);
    digest_stream_finish(g_steal_pointer(&stream), digest);
    return TRUE;
}

/* A digest, or the file that has it. */
static gboolean
read_word(const char *word, Digest *body, GError **error)
{
    if (!g_str_has_prefix(word, "sha256:"))
        return digest_file(word, body, error);
    if (digest_parse(word, body, error))
        return TRUE;
    command_blame_usage(error);
    return FALSE;
}

static json_t *
endorsements_json(Home *home, const GPtrArray *all)
{
    json_t *list = json_array();

    for (guint i = 0; i < all->len; i++) {
        const Endorsement *e = g_ptr_array_index(all, i);
        g_autofree char *peer = peers_display(home, e->node);
        json_t *entry = json_pack("{s:s, s:s, s:o, s:o}", "peer", peer, "node", e->node, "time", json_time(e->time), "record", json_digest(&e->record));

        json_set_text(entry, "note", e->note);
        json_array_append_new(list, entry);
    }
    return list;
}

static void
print_text(Home *home, const GPtrArray *all)
{
    for (guint i = 0; i < all->len; i++) {
        const Endorsement *e = g_ptr_array_index(all, i);
        g_autofree char *peer = peers_display(home, e->node), *note = e->note ? g_strdelimit(g_strdup(e->note), "\n", ' ') : NULL;
        char time[TIME_TEXT_SIZE];

        printf("endorsed by %s, %s%s%s\n", *peer ? peer : "this node", time_format(e->time, time), note ? ": " : "", note ? note : "");
    }
}

static gboolean
print_who(Home *home, const Digest *body, gboolean json, GError **error)
{
    g_autoptr(GPtrArray) all = endorsements_of(home_catalogue(home, NULL), body, error);
    char text[DIGEST_TEXT_SIZE];

    if (!all)
        return FALSE;
    if (json) {
        print_json(json_pack("{s:o, s:o}", "body", json_digest(body), "endorsements", endorsements_json(home, all)));
        return TRUE;
    }
    printf("%s\n", digest_format(body, text));
    print_text(home, all);
    if (all->len == 0)
        fputs("no ledger known here endorses it\n", stderr);
    return TRUE;
}

/* S21: once is enough. */
static gboolean
check_first(Home *home, const Digest *body, GError **error)
{
    g_autoptr(GPtrArray) all = endorsements_of(home_catalogue(home, NULL), body, error);
    char time[TIME_TEXT_SIZE], text[DIGEST_TEXT_SIZE];

    for (guint i = 0; all && i < all->len; i++) {
        const Endorsement *e = g_ptr_array_index(all, i);

        if (strcmp(e->node, home_id(home)) == 0)
            return chama_error(error, CHAMA_ERROR_EXISTS, "%s: endorsed by this node already, %s", digest_format(body, text), time_format(e->time, time));
    }
    return all != NULL;
}

static gboolean
endorse(Home *home, const Digest *body, const char *note, GError **error)
{
    g_autoptr(GBytes) members = NULL;
    g_autoptr(Record) record = NULL;

    if (!check_first(home, body, error))
        return FALSE;
    members = endorsement_format(body, note, error);
    if (!members) {
        command_blame_usage(error);
        return FALSE;
    }
    record = home_state_record(home, ENDORSEMENT, members, NULL, NULL, error);
    return record != NULL;
}

gboolean
cmd_endorse(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    Options o = { 0 };
    const GOptionEntry entries[] = {
        { "note", 0, 0, G_OPTION_ARG_STRING, &o.note, "in what role, for example", "TEXT" },
        { "who", 0, 0, G_OPTION_ARG_NONE, &o.who, "state nothing: only list who endorses it", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    Digest body;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 1, error) || !command_check_utf8("--note", o.note, error))
        return FALSE;
    if (o.who && o.note)
        return chama_error(error, CHAMA_ERROR_USAGE, "--note: want it with an endorsement, have --who");
    if (!read_word(argv[1], &body, error) || !(home = command_home(invocation, error)) || !home_catalogue(home, error))
        return FALSE;
    return (o.who || endorse(home, &body, o.note, error)) && print_who(home, &body, o.json, error);
}
