/* What evidence shows, in plain words. */
#include <stdio.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/identity.h"
#include "manifests/evidence.h"
#include "node/checking.h"
#include "node/print.h"

static void
print_text(const Contradiction *found, const char *words)
{
    char fingerprint[FINGERPRINT_SIZE], address[DIGEST_TEXT_SIZE];
    Digest inception;

    node_id_parse(found->node, &inception, NULL);
    printf("evidence       %s\nof node        %s\nfingerprint    %s\naddress        %s\n", contradiction_kind(found), found->node,
           fingerprint_format(&inception, fingerprint), digest_format(&found->address, address));
    printf("it shows       %s\n", words);
    printf("that proves    whoever had the keys of this node signed statements that cannot all be true\n");
    printf("it does not    say who had the keys (the node, or a thief), nor which of the statements is right\n");
}

static json_t *
found_json(const Contradiction *found, const char *words)
{
    json_t *root = json_pack("{s:s, s:s, s:s, s:o, s:s, s:b}", "type", "evidence/1", "kind", contradiction_kind(found), "node", found->node, "address",
                             json_digest(&found->address), "what", words, "holds", TRUE);

    if (found->size > 0)
        json_object_set_new(root, "within_records", json_integer((json_int_t)found->size));
    return root;
}

gboolean
checking_evidence(GBytes *file, const CheckOptions *options, GError **error)
{
    g_autoptr(Contradiction) found = NULL;
    g_autofree char *words = NULL;

    if (options->policy || options->content)
        return chama_error(error, CHAMA_ERROR_USAGE, "evidence speaks of neither witnesses nor content: check it without --policy and --content");
    found = evidence_verify(file, error);
    if (!found)
        return FALSE;
    words = contradiction_describe(found);
    if (options->json)
        print_json(found_json(found, words));
    else
        print_text(found, words);
    return TRUE;
}
