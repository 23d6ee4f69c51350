/* chama keys: how old the keys are, and changing them. */
#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "keys/history.h"
#include "manifests/changeover.h"
#include "manifests/rotating.h"
#include "node/command.h"
#include "node/in_token.h"
#include "node/print.h"
#include "node/renewing.h"

#define DAY (24 * 3600)

/* What `status` shows. */
typedef struct {
    const Identity *identity;
    gint64 now;
    gint64 log_since, encryption_since;   /* times of the records that named them first */
    gboolean encrypted;                   /* the signing key is under a passphrase */
    gboolean next_here;                   /* a file, whatever is in it */
    InToken signing, next;
    Renewing tls;
} KeysStatus;

static void
keys_status_clear(KeysStatus *s)
{
    in_token_clear(&s->signing);
    in_token_clear(&s->next);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KeysStatus, keys_status_clear)

/* A rotation may keep a key: how long the present one has been there. */
static gint64
log_since(const Identity *identity)
{
    while (identity->before && memcmp(&identity->before->log, &identity->log, sizeof identity->log) == 0)
        identity = identity->before;
    return identity->time;
}

static gint64
encryption_since(const Identity *identity)
{
    while (identity->before && memcmp(identity->before->encryption, identity->encryption, sizeof identity->encryption) == 0)
        identity = identity->before;
    return identity->time;
}

static gboolean
collect(Home *home, KeysStatus *s, GError **error)
{
    g_autofree char *signing = home_file(home, "keys/signing.key"), *next = home_file(home, "keys/next.key");

    s->identity = home_identity(home, error);
    if (!s->identity || !changeover_settle(home, error))
        return FALSE;
    s->now = g_get_real_time() / G_USEC_PER_SEC;
    s->log_since = log_since(s->identity);
    s->encryption_since = encryption_since(s->identity);
    s->encrypted = keypair_file_is_encrypted(signing);
    s->next_here = g_file_test(next, G_FILE_TEST_EXISTS);
    return in_token_read(home, "keys/signing.key", TRUE, &s->signing, error) && in_token_read(home, "keys/next.key", TRUE, &s->next, error) &&
           renewing_read(home, &s->tls, error);
}

static gint64
days(gint64 seconds)
{
    return seconds / DAY;
}

static json_t *
key_json(gint64 since, gint64 now)
{
    return json_pack("{s:o, s:I}", "since", json_time(since), "days", (json_int_t)days(now - since));
}

static const char *
where_next(const KeysStatus *s)
{
    return s->next.uri ? "token" : s->next_here ? "here" : "offline";
}

static void
print_status_json(const KeysStatus *s)
{
    char key[PUBLIC_KEY_TEXT_SIZE];
    json_t *signing = key_json(s->identity->time, s->now), *next = json_pack("{s:s, s:o}", "where", where_next(s), "hash", json_digest(&s->identity->next));
    json_t *root = json_object();

    json_object_set_new(signing, "key", json_string(public_key_format(&s->identity->signing, key)));
    json_object_set_new(signing, "record", json_integer((json_int_t)s->identity->since));
    json_object_set_new(signing, "passphrase", json_boolean(s->encrypted));
    in_token_json(&s->signing, signing);
    in_token_json(&s->next, next);
    json_object_set_new(root, "node", json_string(s->identity->id));
    json_object_set_new(root, "rotations", json_integer(identity_rotations(s->identity)));
    if (s->identity->before)
        json_object_set_new(root, "rotation", json_digest(&s->identity->record));
    json_object_set_new(root, "epoch", json_integer((json_int_t)s->identity->epoch));
    json_object_set_new(root, "signing", signing);
    json_object_set_new(root, "log", key_json(s->log_since, s->now));
    json_object_set_new(root, "encryption", key_json(s->encryption_since, s->now));
    json_object_set_new(root, "next", next);
    json_object_set_new(root, "tls", renewing_json(&s->tls));
    print_json(root);
}

static void
add_key(Table *table, const char *name, gint64 since, gint64 now, const char *more)
{
    g_autofree char *age = g_strdup_printf("%" G_GINT64_FORMAT " days", days(now - since));
    char time[TIME_TEXT_SIZE];

    table_add(table, name, age, time_format(since, time), more, NULL);
}

static const char *
place(const KeysStatus *s)
{
    return s->signing.uri ? ", in a token" : s->encrypted ? ", under a passphrase" : "";
}

static void
print_next(const KeysStatus *s)
{
    if (s->next.uri)
        in_token_print("next", &s->next);
    else
        printf("next        %s\n", s->next_here ? "keys/next.key: move it to removable media, off this machine" : "offline: not in this home");
    if (in_token_both(&s->signing, &s->next))
        printf("WARNING     " IN_TOKEN_BOTH "\n");
}

/* What its people read out where somebody else has rotated, too (N16). */
static void
print_rotation(const Identity *identity)
{
    char address[DIGEST_TEXT_SIZE], fingerprint[FINGERPRINT_SIZE];

    for (const Identity *at = identity; at->before; at = at->before)
        printf("rotation    record %" G_GUINT64_FORMAT ", fingerprint %s, %s\n", at->since, fingerprint_format(&at->record, fingerprint), digest_format(&at->record, address));
}

static void
print_status(const KeysStatus *s)
{
    g_autoptr(Table) table = table_new(4);
    g_autofree char *record = g_strdup_printf("from record %" G_GUINT64_FORMAT " on%s", s->identity->since, place(s));
    g_autofree char *epoch = s->identity->epoch ? g_strdup_printf("epoch %" G_GUINT64_FORMAT " of the log", s->identity->epoch) : g_strdup("");

    add_key(table, "signing", s->identity->time, s->now, record);
    add_key(table, "log", s->log_since, s->now, epoch);
    add_key(table, "encryption", s->encryption_since, s->now, "");
    table_print(table);
    in_token_print("in a token", &s->signing);
    print_rotation(s->identity);
    print_next(s);
    renewing_print(&s->tls);
}

typedef struct {
    gboolean json, try;
    gint64 disavow;
    gboolean new_key, now;
    RotatingOptions rotating;
} Options;

/* One in a token signs a test when it is opened. */
static gboolean
try_signing(Home *home, gboolean json, GError **error)
{
    const Keypair *key = home_signing_key(home, error);

    if (key && !json)
        printf("%-11s the key that the ledger names signs%s\n", "tried", keypair_token(key) ? ", in its token" : "");
    return key != NULL;
}

static gboolean
keys_status(Home *home, Options *o, GError **error)
{
    g_auto(KeysStatus) s = { 0 };

    if (!collect(home, &s, error) || (o->try && !try_signing(home, o->json, error)))
        return FALSE;
    (o->json ? print_status_json : print_status)(&s);
    return TRUE;
}

static void
print_rotated(Home *home, const RotatingOptions *o, const RotatingResult *r, gboolean json)
{
    const Identity *identity = home_identity(home, NULL);
    char key[PUBLIC_KEY_TEXT_SIZE];

    if (json) {
        json_t *root = json_pack("{s:I, s:b, s:s, s:s}", "record", (json_int_t)r->seq, "done", !o->dry_run, "revealed", r->next, "next", r->new_next);

        if (r->epoch)
            json_object_set_new(root, "epoch", json_integer((json_int_t)r->epoch));
        if (!o->dry_run)
            json_object_set_new(root, "signing", json_string(public_key_format(&identity->signing, key)));
        print_json(root);
        return;
    }
    if (o->dry_run)
        printf("would rotate with record %" G_GUINT64_FORMAT "%s: the key in %s would sign, a new next key would go to %s\n", r->seq, r->epoch ? " (a recovery)" : "", r->next,
               r->new_next);
    else
        printf("rotated with record %" G_GUINT64_FORMAT ": %s signs from here on\n", r->seq, public_key_format(&identity->signing, key));
    if (r->epoch)
        printf("epoch %" G_GUINT64_FORMAT " of the log %s: witnesses begin anew\n", r->epoch, o->dry_run ? "would begin" : "begins");
    if (r->settled)
        printf("the other history of this ledger that was seen %s repudiated; `chama sync` tells the peers\n", o->dry_run ? "would be" : "is");
}

static void
warn_of_next(Home *home, const RotatingOptions *o, const RotatingResult *r)
{
    g_auto(InToken) signing = { 0 }, next = { 0 };

    if (in_token_read(home, "keys/signing.key", FALSE, &signing, NULL) && in_token_read(home, "keys/next.key", FALSE, &next, NULL) && in_token_both(&signing, &next))
        fprintf(stderr, "warning: " IN_TOKEN_BOTH "\n");
    if (!o->new_next)
        fprintf(stderr, "note: the new next key is %s: copy it to removable media or paper, keep that away from this machine, and delete it here\n", r->new_next);
    if (o->next && !token_is_uri(o->next))
        fprintf(stderr, "note: %s is now a copy of the signing key in use: destroy it or keep it as safe as that\n", o->next);
    fprintf(stderr, "note: the keys before are in keys/retired: only the encryption key among them is still of use, for what was encrypted to it\n");
}

static gboolean
keys_rotate(Home *home, Options *o, GError **error)
{
    g_auto(RotatingResult) result = { 0 };

    o->rotating.disavowed = (guint64)o->disavow;
    if (!rotating_rotate(home, &o->rotating, &result, error))
        return FALSE;
    print_rotated(home, &o->rotating, &result, o->json);
    if (!o->rotating.dry_run)
        warn_of_next(home, &o->rotating, &result);
    return TRUE;
}

/* TC7 */
static gboolean
renew_certificate(Home *home, GError **error)
{
    return renewal_take(home, RENEWAL_CERTIFICATE, error);
}

/* What each way of `renew-tls` does, and what a person is to know then. */
typedef struct {
    gboolean (*run)(Home *home, GError **error);
    const char *said, *note;
} Renewer;

static const Renewer *
choose_renewer(const Options *o)
{
    static const Renewer certificate = { renew_certificate, "the TLS certificate is renewed; its key and pin are as before", NULL },
                         new_key = { renewing_begin, "a new TLS key is made, and its pin announced beside the one in use",
                                     "note: a daemon takes it into use after 30 days of service, or 7 once all peers have seen it" },
                         now = { renewing_hurry, "the announced TLS key is in use",
                                 "note: a peer that has not synced since the announcement has to learn it from another, or with `chama peer add`" },
                         stolen = { renewal_replace, "another TLS key is in use, and no profile names the one before any more",
                                    "note: peers learn it from one another; the first one must be told: send it the line of `chama invite`, for its `chama peer add`" };

    return o->rotating.stolen ? &stolen : o->now ? &now : o->new_key ? &new_key : &certificate;
}

static gboolean
keys_renew_tls(Home *home, Options *o, GError **error)
{
    const Renewer *renewer = choose_renewer(o);
    Renewing tls;

    if (o->rotating.stolen + o->now + o->new_key > 1)
        return chama_error(error, CHAMA_ERROR_USAGE, "renew-tls: want one of --new-key, --now and --stolen, have more");
    if (!renewer->run(home, error) || !renewing_read(home, &tls, error))
        return FALSE;
    if (o->json) {
        print_json(renewing_json(&tls));
        return TRUE;
    }
    printf("%s\n", renewer->said);
    renewing_print(&tls);
    if (renewer->note)
        fprintf(stderr, "%s\n", renewer->note);
    return TRUE;
}

/* No node is needed, for the key of one to be comes first.  What was made is opened, which shows that it can be used. */
static gboolean
keys_make(const char *uri, gboolean json, GError **error)
{
    g_autoptr(Keypair) made = NULL;
    char key[PUBLIC_KEY_TEXT_SIZE];

    if (!token_is_uri(uri) || !token_check_uri(uri, error)) {
        command_blame_usage(error);
        return (error && *error) ? FALSE : chama_error(error, CHAMA_ERROR_USAGE, "keys make: KT1: want the URI of a new key in a token, pkcs11:..., have %s", uri);
    }
    command_ask_pins();
    if (!token_make_key(uri, error) || !(made = keypair_open_token(uri, error)))
        return FALSE;
    public_key_format(keypair_public(made), key);
    if (json)
        print_json(json_pack("{s:s, s:s}", "key", key, "uri", uri));
    else
        printf("made %s\n", key);
    return TRUE;
}

gboolean
cmd_keys(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    static const struct {
        const char *name;
        gboolean (*run)(Home *home, Options *options, GError **error);
    } verbs[] = { { "status", keys_status }, { "rotate", keys_rotate }, { "renew-tls", keys_renew_tls } };
    Options o = { 0 };
    const GOptionEntry entries[] = {
        { "next", 0, 0, G_OPTION_ARG_FILENAME, &o.rotating.next, "rotate: the file with the next key, or its place in a token (default: keys/next.key of the home)", "FILE|pkcs11:URI" },
        { "new-next", 0, 0, G_OPTION_ARG_FILENAME, &o.rotating.new_next, "rotate: write the key after that to this new file (removable media), or take that of a token", "FILE|pkcs11:URI" },
        { "lost", 0, 0, G_OPTION_ARG_NONE, &o.rotating.lost, "rotate: the signing key is lost: a recovery, which only the next key signs", NULL },
        { "stolen", 0, 0, G_OPTION_ARG_NONE, &o.rotating.stolen, "rotate: someone else may have signed with it: begin a new epoch of the log; renew-tls: change the TLS key at once", NULL },
        { "new-key", 0, 0, G_OPTION_ARG_NONE, &o.new_key, "renew-tls: make another TLS key and announce its pin; it is used later", NULL },
        { "now", 0, 0, G_OPTION_ARG_NONE, &o.now, "renew-tls: take the announced key into use at once", NULL },
        { "disavow-from", 0, 0, G_OPTION_ARG_INT64, &o.disavow, "rotate: say that this node does not stand by its records from this one on", "RECORD" },
        { "try", 0, 0, G_OPTION_ARG_NONE, &o.try, "status: see whether the signing key signs; this logs in to its token", NULL },
        { "dry-run", 0, 0, G_OPTION_ARG_NONE, &o.rotating.dry_run, "rotate: check everything, change nothing", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 2, error))
        return FALSE;
    if (strcmp(argv[1], "make") == 0)
        return argc == 3 ? keys_make(argv[2], o.json, error) : chama_error(error, CHAMA_ERROR_USAGE, "keys make: want the URI of a new key in a token, have none");
    if (argc == 3)
        return chama_error(error, CHAMA_ERROR_USAGE, "keys %s: want nothing after it, have %s; see `chama keys --help`", argv[1], argv[2]);
    if (o.disavow < 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "--disavow-from: want the number of a record, have %" G_GINT64_FORMAT, o.disavow);
    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            return (home = command_home(invocation, error)) && verbs[i].run(home, &o, error);
    return chama_error(error, CHAMA_ERROR_USAGE, "keys: want `status`, `rotate`, `renew-tls` or `make`, have %s; see `chama keys --help`", argv[1]);
}
