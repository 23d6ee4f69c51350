/* chama prove: a file that proves one record to who has no node. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "node/command.h"
#include "node/proving.h"
#include "sync/peers.h"

typedef struct {
    char *record, *node, *policy;
    gboolean show, newest;
} Words;

static void
words_clear(Words *words)
{
    g_free(words->record);
    g_free(words->node);
    g_free(words->policy);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Words, words_clear)

/* "NAME@V" */
static gboolean
find_version(Home *home, const char *word, char node[NODE_ID_SIZE], guint64 *seq, GError **error)
{
    g_autoptr(Manifest) manifest = peers_find_version(home, word, error);

    if (!manifest)
        return FALSE;
    g_strlcpy(node, manifest->node, NODE_ID_SIZE);
    *seq = manifest->seq;
    return TRUE;
}

/* --record: an address, or a number in the ledger of --node. */
static gboolean
find_record(Home *home, const Words *words, char node[NODE_ID_SIZE], guint64 *seq, GError **error)
{
    g_autofree char *id = NULL;
    Digest address;

    if (g_str_has_prefix(words->record, "sha256:")) {
        if (digest_parse(words->record, &address, error))
            return prove_find(home, &address, node, seq, error);
        command_blame_usage(error);
        return FALSE;
    }
    if (!g_ascii_string_to_unsigned(words->record, 10, 0, RECORD_SEQ_MAX, seq, NULL))
        return chama_error(error, CHAMA_ERROR_USAGE, "--record: want an address (sha256:...) or a number, have %s", words->record);
    id = peers_resolve(home, words->node ? words->node : "self", error);
    if (!id)
        return FALSE;
    g_strlcpy(node, id, NODE_ID_SIZE);
    return TRUE;
}

static gboolean
write_out(const Proof *proof)
{
    g_autoptr(GBytes) bytes = proof_format(proof);
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);

    fwrite(data, 1, size, stdout);
    return TRUE;
}

gboolean
cmd_prove(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    g_auto(Words) words = { 0 };
    const GOptionEntry entries[] = {
        { "record", 0, 0, G_OPTION_ARG_STRING, &words.record, "prove any record, by its address or its number", "ADDRESS|SEQ" },
        { "node", 0, 0, G_OPTION_ARG_STRING, &words.node, "the node in whose ledger the number is (this one)", "PEER" },
        { "policy", 0, 0, G_OPTION_ARG_FILENAME, &words.policy, "name also the witnesses of this policy (c2sp.org/tlog-policy), by their keys", "POLICY" },
        { "show", 0, 0, G_OPTION_ARG_NONE, &words.show, "put in what is sealed: all who get the file can read it", NULL },
        { "newest", 0, 0, G_OPTION_ARG_NONE, &words.newest, "under the newest checkpoint, though witnesses may have seen an older one", NULL },
        { 0 }
    };
    g_autoptr(Home) home = NULL;
    g_autoptr(Policy) policy = NULL;
    g_autoptr(Proof) proof = NULL;
    char node[NODE_ID_SIZE];
    guint64 seq;

    if (!command_parse(invocation, &argc, &argv, entries, 0, 1, error))
        return FALSE;
    if ((argc == 2) == (words.record != NULL))
        return chama_error(error, CHAMA_ERROR_USAGE, "prove: want NAME@V or --record, one of them; see `chama prove --help`");
    home = command_home(invocation, error);
    if (!home || !(words.record ? find_record(home, &words, node, &seq, error) : find_version(home, argv[1], node, &seq, error)))
        return FALSE;
    if (words.policy && !(policy = policy_load(words.policy, error)))
        return FALSE;
    proof = proving_make(home, node, seq, &(ProveOptions){ .show = words.show, .newest = words.newest, .policy = policy }, error);
    return proof && write_out(proof);
}
