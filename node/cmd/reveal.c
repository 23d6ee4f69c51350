/* chama reveal: shows what a sealed record holds to an auditor. */
#include <stdio.h>
#include <string.h>

#include "keys/durable.h"
#include "manifests/body.h"
#include "manifests/proof/prove.h"
#include "node/command.h"
#include "node/print.h"
#include "sync/peers.h"
#include "sync/reveal.h"

typedef struct {
    char *to, *file, *node;
    gboolean json;
} Options;

static void
options_clear(Options *o)
{
    g_free(o->to);
    g_free(o->file);
    g_free(o->node);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* What is revealed. */
typedef struct {
    char node[NODE_ID_SIZE];
    guint64 seq;
    Digest address;
    char type[RECORD_TYPE_MAX];   /* of the body */
} Sealed;

/* An address, or a number in the ledger of --node. */
static gboolean
find_place(Home *home, const char *word, const Options *o, Sealed *sealed, GError **error)
{
    g_autofree char *id = NULL;

    if (g_str_has_prefix(word, "sha256:")) {
        if (digest_parse(word, &sealed->address, error))
            return prove_find(home, &sealed->address, sealed->node, &sealed->seq, error);
        command_blame_usage(error);
        return FALSE;
    }
    if (!g_ascii_string_to_unsigned(word, 10, 0, RECORD_SEQ_MAX, &sealed->seq, NULL))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want an address (sha256:...) or a number, as `chama grants --json` and `chama receipts --json` show", word);
    id = peers_resolve(home, o->node ? o->node : "self", error);
    if (!id)
        return FALSE;
    g_strlcpy(sealed->node, id, sizeof sealed->node);
    return TRUE;
}

static gboolean
read_sealed(Home *home, const char *word, Sealed *sealed, GError **error)
{
    Ledger *ledger = strcmp(sealed->node, home_id(home)) == 0 ? home_ledger(home, error) : home_peer_ledger(home, sealed->node, error);
    g_autoptr(Record) record = ledger ? ledger_get(ledger, sealed->seq, error) : NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(Opening) opening = NULL;
    char by[NODE_ID_SIZE];

    if (!record)
        return FALSE;
    if (strcmp(record->type, "sealed/1") != 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: a record of type %s is not sealed: who has the ledger can read it, and `chama prove` hands it over", word,
                           record->type);
    sealed->address = record->address;
    bytes = home_opening(home, &record->address, NULL);
    if (!bytes)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: what it seals is not for this node, so there is nothing to reveal", word);
    opening = opening_parse(bytes, error);
    return opening && body_read_head(opening->body, sealed->type, by, error);
}

static gboolean
write_file(Home *home, const Options *o, const Sealed *sealed, GError **error)
{
    const ProveOptions options = { .show = TRUE };
    g_autoptr(Proof) proof = prove_record(home, sealed->node, sealed->seq, &options, error);
    g_autoptr(GBytes) bytes = proof ? proof_format(proof) : NULL;

    return bytes && durable_create(o->file, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), 0600, error);
}

static gboolean
show_to(Home *home, const Options *o, const Sealed *sealed, char **name, GError **error)
{
    g_autofree char *id = peers_resolve(home, o->to, error);
    g_autoptr(Peer) peer = id ? peers_get(home, id, NULL) : NULL;
    gboolean added;

    if (!id)
        return FALSE;
    if (!peer || peer->status != PEER_ACCEPTED)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: want a peer that was accepted here; see `chama peer ls`, or hand over a file (--file)", o->to);
    *name = peers_display(home, id);
    return reveal_add(home, id, &sealed->address, &added, error);
}

static void
print_result(const Options *o, const Sealed *sealed, const char *name)
{
    if (o->json) {
        json_t *root = json_pack("{s:o, s:s, s:I, s:s}", "record", json_digest(&sealed->address), "node", sealed->node, "seq", (json_int_t)sealed->seq, "type", sealed->type);

        json_set_text(root, "to", name);
        json_set_text(root, "file", o->file);
        print_json(root);
        return;
    }
    if (name)
        printf("%s may read this %s from its next sync on\n", name, sealed->type);
    else
        printf("%s: whoever gets it can read this %s, and check it with `chama check`\n", o->file, sealed->type);
}

gboolean
cmd_reveal(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    g_auto(Options) o = { 0 };
    const GOptionEntry entries[] = {
        { "to", 0, 0, G_OPTION_ARG_STRING, &o.to, "an accepted peer: it gets the statement at its next sync", "PEER" },
        { "file", 0, 0, G_OPTION_ARG_FILENAME, &o.file, "write a proof that shows the statement into a new file", "FILE" },
        { "node", 0, 0, G_OPTION_ARG_STRING, &o.node, "the node in whose ledger the number is (this one)", "PEER" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autofree char *name = NULL;
    Sealed sealed = { .seq = 0 };

    if (!command_parse(invocation, &argc, &argv, entries, 1, 1, error))
        return FALSE;
    if ((o.to == NULL) == (o.file == NULL))
        return chama_error(error, CHAMA_ERROR_USAGE, "reveal: want --to PEER or --file FILE, one of them");
    if (!(home = command_home(invocation, error)) || !home_catalogue(home, error) || !find_place(home, argv[1], &o, &sealed, error) ||
        !read_sealed(home, argv[1], &sealed, error) || !(o.to ? show_to(home, &o, &sealed, &name, error) : write_file(home, &o, &sealed, error)))
        return FALSE;
    print_result(&o, &sealed, name);
    return TRUE;
}
