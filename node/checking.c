/* What a proof proves, in plain words. */
#include "node/checking.h"

#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/history.h"
#include "manifests/ingest.h"
#include "manifests/proof/check.h"
#include "manifests/text.h"
#include "node/print.h"

/* What --content found. */
typedef struct {
    gboolean compared;
    IngestResult found;
} Comparison;

static gboolean
compare_content(const ProofVerified *verified, const char *path, Comparison *comparison, GError **error)
{
    const IngestOptions options = { 0 };
    char want[DIGEST_TEXT_SIZE], have[DIGEST_TEXT_SIZE];
    Digest root;
    gboolean folder;

    if (!path)
        return TRUE;
    folder = g_file_test(path, G_FILE_TEST_IS_DIR);
    if (!proof_listing(verified, &root, error) || !(folder ? ingest_folder : ingest_file)(NULL, path, &options, &comparison->found, error))
        return FALSE;
    comparison->compared = TRUE;
    return digest_equal(&root, &comparison->found.totals.root)
           || chama_error(error, CHAMA_ERROR_VERIFY, "%s: PF12: want files whose listing is %s, have %s: they are not those of this version", path,
                          digest_format(&root, want), digest_format(&comparison->found.totals.root, have));
}

/* PF12: what the reader's own policy says of log and witnesses. */
static gboolean
judge(const Proof *proof, const ProofVerified *verified, const Policy *policy, char **verdict, GError **error)
{
    g_autofree gint64 *times = policy ? g_new0(gint64, policy_witnesses(policy)) : NULL;
    PolicyVerdict judged;

    if (!policy)
        return TRUE;
    if (!policy_allows_log(policy, verified->checkpoint->origin, &verified->identity->log))
        return chama_error(error, CHAMA_ERROR_VERIFY, "proof: PF12: want a log of the policy, have %s", verified->checkpoint->origin);
    if (!policy_read(policy, proof->note, strlen(proof->note), times, error))
        return FALSE;
    judged = policy_judge(policy, times);
    *verdict = policy_verdict_format(&judged);
    return judged.quorum || chama_error(error, CHAMA_ERROR_VERIFY, "proof: PF12: want the witnesses of the policy, have: %s", *verdict);
}

static void
line(const char *label, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
line(const char *label, const char *format, ...)
{
    va_list arguments;
    g_autofree char *text = NULL;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    printf("  %-10s %s\n", label, text);
}

/* As it is where a terminal shows nothing else than what was signed (M6), escaped otherwise. */
static char *
value_display(const json_t *value)
{
    g_autofree char *text = json_is_string(value) ? g_strdup(json_string_value(value)) : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    if (text_shows(text, FALSE))
        return g_steal_pointer(&text);
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
}

/* The members that are the type's own. */
static void
print_members(const char *label, GBytes *document)
{
    static const char *const common[] = { "node", "prev", "seq", "time", "type", NULL };
    g_autoptr(json_t) root = canonical_parse(g_bytes_get_data(document, NULL), g_bytes_get_size(document), RECORD_SIZE_MAX, "record", NULL);
    const char *name;
    json_t *value;

    json_object_foreach(root, name, value) {
        g_autofree char *text = NULL;

        if (g_strv_contains(common, name))
            continue;
        text = value_display(value);
        if (text_shows(name, FALSE))
            line(label, "%s: %s", name, text);
        label = "";
    }
}

static void
print_node(const ProofVerified *verified)
{
    char fingerprint[FINGERPRINT_SIZE], key[PUBLIC_KEY_TEXT_SIZE];
    const Profile *profile = verified->profile;
    Digest inception;

    node_id_parse(verified->identity->id, &inception, NULL);
    line("node", "%s", verified->identity->id);
    line("", "spoken fingerprint %s", fingerprint_format(&inception, fingerprint));
    if (profile)
        line("", "it calls itself %s%s%s%s%s", profile->name_zh ? profile->name_zh : "", profile->name_zh && profile->name_en ? ", " : "",
             profile->name_en ? profile->name_en : "", profile->organisation ? ", of " : "", profile->organisation ? profile->organisation : "");
    line("signed", "by %s, its signing key at this record", public_key_format(&verified->signer->signing, key));
    if (verified->identity->before)
        line("", "of the %u that it has had; it changed them as it had bound itself to", identity_rotations(verified->identity) + 1);
}

static json_t *
document_json(GBytes *bytes)
{
    return json_loadb(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), 0, NULL);
}

/* What the record states, where its type is one of these; the caller's. */
static char *
grant_sentence(const Grant *grant)
{
    char until[TIME_TEXT_SIZE];

    return g_strdup_printf("node %s may have dataset %s until %s", grant->grantee, grant->name, time_format(grant->until, until));
}

static char *
manifest_sentence(const Manifest *manifest)
{
    return g_strdup_printf("version %" G_GUINT64_FORMAT " of dataset %s%s%s, %s: %s%" G_GUINT64_FORMAT " files, %s%" G_GUINT64_FORMAT " bytes", manifest->version,
                           manifest->name, manifest->title_zh || manifest->title_en ? ", " : "",
                           manifest->title_zh ? manifest->title_zh : manifest->title_en ? manifest->title_en : "", share_format(manifest->share),
                           manifest->share == SHARE_OPEN ? "" : "at most ", manifest->files, manifest->share == SHARE_OPEN ? "" : "at most ", manifest->bytes);
}

/* What statements of the other types say. */
static const char *
phrase_of(const char *type)
{
    static const struct {
        const char *type, *phrase;
    } phrases[] = {
        { "inception/1", "its keys, with which its ledger begins" },
        { "rotation/1", "new keys in the place of those before" },
        { "profile/1", "what it calls itself and where it is reached" },
        { "revocation/1", "that a grant is over" },
        { "sealed/1", "something that is sealed: only its digest is here" },
        { "attestation/1", "what it found of a version" },
        { "withdrawal/1", "that it takes back a version" },
        { "erasure/1", "that it deleted a version's content" },
        { "endorse/1", "that it stands by a document" },
        { "delivery/1", "that it delivered content" },
        { "receipt/1", "that content arrived" },
        { "anchor/1", "what it had seen of other ledgers" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(phrases); i++)
        if (strcmp(type, phrases[i].type) == 0)
            return phrases[i].phrase;
    return NULL;
}

/* Of the record, or of what is sealed in it. */
static char *
sentence(const ProofVerified *verified)
{
    g_autoptr(Manifest) manifest = manifest_parse(verified->record, NULL);
    g_autoptr(json_t) body = verified->opening ? document_json(verified->opening->body) : NULL;
    const char *type = body ? json_string_value(json_object_get(body, "type")) : verified->record->type;
    const char *phrase = phrase_of(type);
    Grant grant;

    if (manifest)
        return manifest_sentence(manifest);
    if (verified->opening ? grant_parse_body(verified->opening->body, &grant, NULL) : grant_parse(verified->record, &grant, NULL))
        return grant_sentence(&grant);
    return phrase ? g_strdup(phrase) : g_strdup_printf("something of a type that is not known here: %s", text_shows(type, FALSE) ? type : "one that cannot be shown");
}

static void
print_record(const ProofVerified *verified)
{
    g_autofree char *stated = sentence(verified);
    const Record *record = verified->record;
    char address[DIGEST_TEXT_SIZE], time[TIME_TEXT_SIZE];

    line("states", "%s", stated);
    line("record", "%s, number %" G_GUINT64_FORMAT " of its ledger", record->type, record->seq);
    line("", "%s", digest_format(&record->address, address));
    line("", "says that it was made %s", time_format(record->time, time));
    if (verified->disavowed)
        line("disavowed", "by the node, in record %" G_GUINT64_FORMAT ", as it says %s: it counts for what was seen of it before, if anything",
             verified->disavowed->since, time_format(verified->disavowed->time, time));
    print_members("says", record->bytes);
    if (verified->opening)
        print_members("sealed", verified->opening->body);
    if (verified->has_content)
        line("content", "listing %s, by the content document shown", digest_format(&verified->content.listing, address));
}

/* A key's name may hold what a terminal should not show (M6). */
static char *
witness_display(const ProofSeen *seen)
{
    g_autoptr(json_t) name = json_string(seen->name);
    g_autofree char *text = value_display(name);

    return seen->node[0] ? g_strdup_printf("node %s", seen->node) : g_strdup_printf("%s (its key is all that is known here: a policy says whose it is)", text);
}

static void
print_history(const ProofVerified *verified, const char *verdict)
{
    const Checkpoint *checkpoint = verified->checkpoint;
    char root[DIGEST_TEXT_SIZE], time[TIME_TEXT_SIZE];

    line("history", "the node's ledger of %" G_GUINT64_FORMAT " records with root %s", checkpoint->size, digest_format(&checkpoint->root, root));
    if (checkpoint->time)
        line("", "which it signed, as it says, %s", time_format(checkpoint->time, time));
    for (guint i = 0; i < verified->seen->len; i++) {
        const ProofSeen *seen = verified->seen->pdata[i];
        g_autofree char *witness = witness_display(seen);

        line(i == 0 ? "seen" : "", "%s by %s", time_format(seen->time, time), witness);
    }
    if (verdict)
        line("policy", "%s", verdict);
}

static gint64
earliest_seen(const ProofVerified *verified)
{
    gint64 earliest = 0;

    for (guint i = 0; i < verified->seen->len; i++) {
        gint64 time = ((const ProofSeen *)verified->seen->pdata[i])->time;

        earliest = earliest == 0 ? time : MIN(earliest, time);
    }
    return earliest;
}

static void
print_limits(const ProofVerified *verified, const Comparison *comparison)
{
    char time[TIME_TEXT_SIZE];
    gint64 earliest = earliest_seen(verified);

    fputs("It does not prove\n", stdout);
    puts("  - who stands behind the node id: a name is a claim, the fingerprint is what people compare");
    puts("  - that what the record says is true, only that this node says it");
    if (earliest)
        printf("  - when the record was made: its time is a claim; it was there when the first of these witnesses saw it, %s\n", time_format(earliest, time));
    else
        puts("  - when the record was made: its time is a claim, and no witness saw it");
    if (verified->seen->len == 0)
        puts("  - that the node shows everybody the same history: no witness saw it");
    printf("  - what came after record %" G_GUINT64_FORMAT ": later ones may have replaced, withdrawn or revoked it\n", verified->checkpoint->size - 1);
    if (strcmp(verified->record->type, "manifest/1") == 0 && !comparison->compared)
        puts("  - anything of files: none were compared (--content DIR)");
    if (strcmp(verified->record->type, "sealed/1") == 0 && !verified->opening)
        puts("  - what is sealed in the record: only the digest of it is here");
}

static void
print_text(const ProofVerified *verified, const char *verdict, const Comparison *comparison)
{
    puts("good\nIt proves that this node stated this, in this place of this history:");
    print_node(verified);
    print_record(verified);
    print_history(verified, verdict);
    if (comparison->compared)
        line("files", "compared: %" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT " bytes, are those of this version", comparison->found.totals.files,
             comparison->found.totals.bytes);
    print_limits(verified, comparison);
}

static json_t *
seen_json(const ProofVerified *verified)
{
    json_t *list = json_array();

    for (guint i = 0; i < verified->seen->len; i++) {
        const ProofSeen *seen = verified->seen->pdata[i];

        json_array_append_new(list, json_pack("{s:s, s:o}", "witness", seen->name, "time", json_time(seen->time)));
    }
    return list;
}

static json_t *
proof_json(const ProofVerified *verified, const char *verdict, const Comparison *comparison)
{
    const Checkpoint *checkpoint = verified->checkpoint;
    g_autofree char *stated = sentence(verified);
    char key[PUBLIC_KEY_TEXT_SIZE], fingerprint[FINGERPRINT_SIZE];
    json_t *root;
    Digest inception;

    node_id_parse(verified->identity->id, &inception, NULL);
    root = json_pack("{s:b, s:s, s:s, s:s, s:s, s:o, s:I, s:o}", "good", TRUE, "kind", "proof", "node", verified->identity->id, "fingerprint",
                     fingerprint_format(&inception, fingerprint), "key", public_key_format(&verified->signer->signing, key), "address",
                     json_digest(&verified->record->address), "index", (json_int_t)verified->record->seq, "record", document_json(verified->record->bytes));
    json_object_set_new(root, "states", json_string(stated));
    json_object_set_new(root, "rotations", json_integer(identity_rotations(verified->identity)));
    if (verified->disavowed)
        json_object_set_new(root, "disavowed", json_pack("{s:I, s:o}", "record", (json_int_t)verified->disavowed->since, "time", json_time(verified->disavowed->time)));
    if (verified->profile) {
        json_set_text(root, "name_zh", verified->profile->name_zh);
        json_set_text(root, "name_en", verified->profile->name_en);
    }
    if (verified->opening)
        json_object_set_new(root, "sealed", document_json(verified->opening->body));
    if (verified->has_content)
        json_object_set_new(root, "listing", json_digest(&verified->content.listing));
    json_object_set_new(root, "size", json_integer((json_int_t)checkpoint->size));
    json_object_set_new(root, "root", json_digest(&checkpoint->root));
    if (checkpoint->time)
        json_object_set_new(root, "checkpoint_time", json_time(checkpoint->time));
    json_object_set_new(root, "seen", seen_json(verified));
    json_set_text(root, "policy", verdict);
    json_object_set_new(root, "content_compared", json_boolean(comparison->compared));
    return root;
}

gboolean
checking_proof(GBytes *file, const CheckOptions *options, GError **error)
{
    g_autoptr(Proof) proof = proof_parse(file, error);
    g_autoptr(ProofVerified) verified = proof ? proof_check(proof, error) : NULL;
    g_autofree char *verdict = NULL;
    Comparison comparison = { 0 };

    if (!verified || !judge(proof, verified, options->policy, &verdict, error) || !compare_content(verified, options->content, &comparison, error))
        return FALSE;
    if (options->json)
        print_json(proof_json(verified, verdict, &comparison));
    else
        print_text(verified, verdict, &comparison);
    return TRUE;
}
