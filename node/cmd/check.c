/* chama check: what a file proves, with no node and no network. */
#include <string.h>

#include "keys/durable.h"
#include "manifests/proof/proof.h"
#include "node/checking.h"
#include "node/command.h"

/* What is handed over, by its first bytes: a proof is lines of text, evidence a canonical JSON object. */
static const struct {
    const char *begin;
    gboolean (*check)(GBytes *file, const CheckOptions *options, GError **error);
} kinds[] = {
    { PROOF_FIRST_LINE "\n", checking_proof },
    { "{\"", checking_evidence },
};

static gboolean
begins_with(GBytes *file, const char *text)
{
    return g_bytes_get_size(file) >= strlen(text) && memcmp(g_bytes_get_data(file, NULL), text, strlen(text)) == 0;
}

static gboolean
check_file(GBytes *file, const CheckOptions *options, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (begins_with(file, kinds[i].begin))
            return kinds[i].check(file, options, error);
    return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "want a proof, whose first line is \"" PROOF_FIRST_LINE "\", or evidence/1, have another");
}

gboolean
cmd_check(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    CheckOptions options = { 0 };
    g_autofree char *content = NULL, *policy_path = NULL;
    g_autoptr(Policy) policy = NULL;
    const GOptionEntry entries[] = { { "content", 0, 0, G_OPTION_ARG_FILENAME, &content, "compare the files in PATH with those of the version proven", "PATH" },
                                     { "policy", 0, 0, G_OPTION_ARG_FILENAME, &policy_path, "want the logs and witnesses of this policy (c2sp.org/tlog-policy)", "POLICY" },
                                     { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "print JSON", NULL },
                                     { 0 } };
    g_autoptr(GBytes) file = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 1, error) || !(file = durable_read(argv[1], PROOF_SIZE_MAX, error)))
        return FALSE;
    if (policy_path && !(policy = policy_load(policy_path, error))) {
        command_blame_input(error);
        return FALSE;
    }
    options.policy = policy;
    options.content = content;
    if (check_file(file, &options, error))
        return TRUE;
    g_prefix_error(error, "%s: ", argv[1]);
    return FALSE;
}
