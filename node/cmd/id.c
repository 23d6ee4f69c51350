/* chama id: who this node is. */
#include <stdio.h>

#include "keys/tls.h"
#include "manifests/statement.h"
#include "node/command.h"
#include "node/print.h"

/* T2, T16: what a policy file calls its log, and this node as a witness. */
static char *
verifier_of(const Identity *identity, NoteAlgorithm algorithm)
{
    g_autofree char *name = algorithm == NOTE_ED25519 ? checkpoint_origin_of(identity) : checkpoint_origin(identity->id);

    return note_verifier_format(name, algorithm, &identity->log);
}

static void
print_text(const Identity *identity, const Profile *profile, const char *fingerprint, const char *openssh, const char *pin)
{
    g_autofree char *log = verifier_of(identity, NOTE_ED25519), *witness = verifier_of(identity, NOTE_COSIGNATURE);

    printf("%s\n%s\n%s %s\n", identity->id, fingerprint, openssh, identity->id);
    printf("tls  %s\nlog  %s\nwitness %s\n", pin, log, witness);
    for (guint i = 0; i < profile->addresses->len; i++)
        printf("url  %s\n", (char *)g_ptr_array_index(profile->addresses, i));
    if (profile->name_zh)
        printf("name %s\n", profile->name_zh);
    if (profile->name_en)
        printf("name %s\n", profile->name_en);
}

static void
print_as_json(const Identity *identity, const Profile *profile, const char *fingerprint, const char *openssh, const char *pin)
{
    g_autofree char *log = verifier_of(identity, NOTE_ED25519), *witness = verifier_of(identity, NOTE_COSIGNATURE);
    json_t *addresses = json_array();
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "node", identity->id, "fingerprint", fingerprint, "public_key", openssh, "tls", pin, "log", log,
                             "witness", witness);

    for (guint i = 0; i < profile->addresses->len; i++)
        json_array_append_new(addresses, json_string(g_ptr_array_index(profile->addresses, i)));
    json_object_set_new(root, "addresses", addresses);
    json_set_text(root, "name_zh", profile->name_zh);
    json_set_text(root, "name_en", profile->name_en);
    json_set_text(root, "organisation", profile->organisation);
    json_set_text(root, "sector", profile->sector);
    json_set_text(root, "division", profile->division);
    print_json(root);
}

gboolean
cmd_id(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(Profile) profile = NULL;
    g_autofree char *certificate = NULL, *openssh = NULL;
    char fingerprint[FINGERPRINT_SIZE], pin_text[DIGEST_TEXT_SIZE];
    const Identity *identity;
    Catalogue *catalogue;
    Digest inception, pin;

    if (!command_parse(invocation, &argc, &argv, entries, 0, 0, error) || !(home = command_home(invocation, error)) ||
        !(identity = home_identity(home, error)) || !(catalogue = home_catalogue(home, error)) ||
        !(profile = catalogue_profile(catalogue, identity->id, error)) || !node_id_parse(identity->id, &inception, error))
        return FALSE;
    certificate = home_file(home, "keys/tls.crt");
    if (!tls_pin_of_file(certificate, &pin, error))
        return FALSE;
    fingerprint_format(&inception, fingerprint);
    openssh = public_key_format_openssh(&identity->signing);
    (json ? print_as_json : print_text)(identity, profile, fingerprint, openssh, digest_format(&pin, pin_text));
    return TRUE;
}
