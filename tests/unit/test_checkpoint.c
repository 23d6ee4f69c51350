#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/ledger/checkpoint.h"

static Keypair *
key_of(guint8 seed)
{
    guint8 bytes[32];

    memset(bytes, seed, sizeof bytes);
    return keypair_from_seed(bytes, NULL);
}

static json_t *
load(const char *path)
{
    json_t *root = json_load_file(path, 0, NULL);

    g_assert_nonnull(root);
    return root;
}

static const char *
string_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    g_assert_nonnull(text);
    return text;
}

static void
test_round_trip(void)
{
    g_autoptr(Keypair) key = key_of(7);
    g_autoptr(GError) error = NULL;
    g_autofree char *origin = checkpoint_origin("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    Digest root = { { 1, 2, 3 } };
    g_autofree char *note = checkpoint_sign(origin, 42, &root, 1777622400, key, &error);
    g_autoptr(Checkpoint) checkpoint = NULL;

    g_assert_no_error(error);
    g_assert_true(g_str_has_prefix(note, "chama/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n42\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                                         "time 2026-05-01T08:00:00Z\n\n\xe2\x80\x94 chama/"));
    checkpoint = checkpoint_verify(note, strlen(note), origin, keypair_public(key), &error);
    g_assert_no_error(error);
    g_assert_cmpstr(checkpoint->origin, ==, origin);
    g_assert_cmpuint(checkpoint->size, ==, 42);
    g_assert_true(digest_equal(&checkpoint->root, &root));
    g_assert_cmpint(checkpoint->time, ==, 1777622400);
}

static Checkpoint *
verify_vector(const char *note, const char *vkey, GError **error)
{
    g_autoptr(NoteVerifier) log = note_verifier_parse(vkey, NULL);

    g_assert_cmpint(log->algorithm, ==, NOTE_ED25519);
    return checkpoint_verify(note, strlen(note), log->name, &log->key, error);
}

/* The vectors: a note, the same cosigned, and a fork: good by itself, of one size with another root. */
static void
test_vectors(void)
{
    g_autoptr(json_t) vectors = load("tests/vectors.json");
    const json_t *c = json_object_get(vectors, "checkpoint");
    const char *vkey = string_of(c, "log_vkey");
    g_autoptr(GError) error = NULL;
    g_autoptr(Checkpoint) plain = verify_vector(string_of(c, "note"), vkey, &error);
    g_autoptr(Checkpoint) cosigned = verify_vector(string_of(c, "cosigned_note"), vkey, &error);
    g_autoptr(Checkpoint) fork = verify_vector(string_of(c, "fork_same_size"), vkey, &error);
    g_autoptr(Checkpoint) none = NULL;

    g_assert_no_error(error);
    g_assert_cmpuint(plain->size, ==, 8);
    g_assert_cmpint(plain->time, ==, 0);
    g_assert_true(digest_equal(&plain->root, &cosigned->root));
    g_assert_cmpuint(fork->size, ==, 8);
    g_assert_false(digest_equal(&plain->root, &fork->root));
}

static void
test_c2sp_checkpoint(void)
{
    g_autoptr(json_t) root = load("tests/c2sp/checkpoint.json");
    const json_t *c = json_object_get(root, "computed_here");
    g_autoptr(GError) error = NULL;
    g_autoptr(Checkpoint) checkpoint = verify_vector(string_of(c, "checkpoint"), string_of(c, "log_vkey"), &error);
    g_autoptr(Keypair) key = key_of(1);
    g_autofree char *vkey = note_verifier_format("log.example/a", NOTE_ED25519, keypair_public(key));

    g_assert_no_error(error);
    g_assert_cmpuint(checkpoint->size, ==, 100);
    g_assert_cmpstr(vkey, ==, string_of(c, "log_vkey"));
}

/* What the verdict on a note of tests/c2sp/note.json is with its first key; "ambiguous key" is about lists of keys, which we have not. */
static void
check_note(const json_t *value)
{
    const char *expect = string_of(value, "expect"), *coded = json_string_value(json_object_get(value, "note_b64"));
    const char *vkey = json_string_value(json_array_get(json_object_get(value, "vkeys"), 0));
    g_autoptr(GBytes) bytes = coded ? base64_parse(coded, strlen(coded), 4096, NULL)
                                    : g_bytes_new(string_of(value, "note"), strlen(string_of(value, "note")));
    g_autoptr(NoteVerifier) verifier = NULL;
    gsize text_size;
    gboolean good;

    if (!vkey || g_str_has_prefix(expect, "ambiguous") || g_str_has_prefix(string_of(value, "id"), "unused-ambiguous"))
        return;
    verifier = note_verifier_parse(vkey, NULL);
    good = note_open(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), verifier->name, &verifier->key, &text_size, NULL);
    g_assert_cmpint(good, ==, strcmp(expect, "ok") == 0);
}

static void
test_c2sp_notes(void)
{
    g_autoptr(json_t) root = load("tests/c2sp/note.json");
    const json_t *notes = json_object_get(root, "notes");
    size_t i;
    json_t *value;

    json_array_foreach((json_t *)notes, i, value) {
        g_test_message("%s", string_of(value, "id"));
        check_note(value);
    }
    g_assert_cmpuint(i, ==, 17);
}

static void
check_vkey_refused(const char *vkey)
{
    g_autoptr(GError) error = NULL;

    g_test_message("%s", vkey);
    g_assert_null(note_verifier_parse(vkey, &error));
    g_assert_true(g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED) || g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED));
}

/* T2: no proper substring of a verifier key and no neighbour of one is a verifier key. */
static void
test_t2_vkeys(void)
{
    g_autoptr(json_t) root = load("tests/c2sp/note.json");
    const json_t *signer = json_object_get(root, "signer"), *bad = json_object_get(root, "bad_vkeys");
    const char *vkey = string_of(signer, "vkey");
    size_t i;
    json_t *value;

    json_array_foreach((json_t *)bad, i, value)
        check_vkey_refused(json_string_value(value));
    for (gsize at = 0; vkey[at]; at++) {
        g_autofree char *cut = g_strndup(vkey, at);
        g_autofree char *changed = g_strdup(vkey);

        check_vkey_refused(cut);
        if (at > 0)
            check_vkey_refused(vkey + at);
        changed[at]++;
        check_vkey_refused(changed);
    }
}

/* A note over @text, so that only the text is what is refused. */
static void
check_text_refused(const char *text, int code, const char *says)
{
    g_autoptr(Keypair) key = key_of(7);
    g_autoptr(GError) error = NULL;
    g_autofree char *note = note_sign(text, "origin", key, &error);

    g_test_message("%s", text);
    g_assert_no_error(error);
    g_assert_null(checkpoint_verify(note, strlen(note), "origin", keypair_public(key), &error));
    g_assert_error(error, CHAMA_ERROR, code);
    g_assert_nonnull(strstr(error->message, says));
}

#define ROOT "AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void
test_t6_to_t8_texts(void)
{
    static const struct { const char *text, *says; int code; } cases[] = {
        { "origin\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n1\n", "T6", CHAMA_ERROR_MALFORMED },
        { "\n1\n" ROOT "\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n\n" ROOT "\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n01\n" ROOT "\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n+1\n" ROOT "\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n-1\n" ROOT "\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n 1\n" ROOT "\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n0x1\n" ROOT "\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n9223372036854775808\n" ROOT "\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n99999999999999999999999\n" ROOT "\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n1\nAQID\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n1\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n1\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n0\n" ROOT "\n", "T6", CHAMA_ERROR_MALFORMED },
        { "origin\n1\n" ROOT "\n\n", "T7", CHAMA_ERROR_MALFORMED },
        { "origin\n1\n" ROOT "\ntime yesterday\n", "T7", CHAMA_ERROR_MALFORMED },
        { "origin\n1\n" ROOT "\ntime 2026-05-01T08:00:00Z\ntime 2026-05-01T08:00:00Z\n", "T7", CHAMA_ERROR_MALFORMED },
        { "other\n1\n" ROOT "\n", "T8", CHAMA_ERROR_VERIFY },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        check_text_refused(cases[i].text, cases[i].code, cases[i].says);
}

static void
test_t7_unknown_extensions(void)
{
    g_autoptr(Keypair) key = key_of(7);
    g_autoptr(GError) error = NULL;
    g_autofree char *note = note_sign("origin\n9223372036854775807\n" ROOT "\nepoch 2\ntime 2026-05-01T08:00:00Z\nx\n", "origin", key, NULL);
    g_autoptr(Checkpoint) checkpoint = checkpoint_verify(note, strlen(note), "origin", keypair_public(key), &error);

    g_assert_no_error(error);
    g_assert_cmpuint(checkpoint->size, ==, G_MAXINT64);
    g_assert_cmpint(checkpoint->time, ==, 1777622400);
}

static void
check_note_refused(const char *note, const char *name, const PublicKey *key, int code, const char *says)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(checkpoint_verify(note, strlen(note), name, key, &error));
    g_assert_error(error, CHAMA_ERROR, code);
    g_assert_nonnull(strstr(error->message, says));
}

/* T5: by another key, under another name, over another text, for another log. */
static void
test_t5_signatures(void)
{
    g_autoptr(Keypair) key = key_of(7);
    g_autoptr(Keypair) other = key_of(8);
    const PublicKey *public = keypair_public(key);
    Digest root = { { 1, 2, 3 } };
    g_autofree char *note = checkpoint_sign("origin", 1, &root, 1777622400, key, NULL);
    g_autofree char *renamed = note_sign("origin\n1\n" ROOT "\n", "alias", key, NULL);
    g_auto(GStrv) parts = g_strsplit(note, "\n1\n", 2);
    g_autofree char *altered = g_strjoinv("\n2\n", parts);

    check_note_refused(note, "origin", keypair_public(other), CHAMA_ERROR_VERIFY, "T5");
    check_note_refused(note, "elsewhere", public, CHAMA_ERROR_VERIFY, "T5");
    check_note_refused(renamed, "origin", public, CHAMA_ERROR_VERIFY, "T5");
    check_note_refused(altered, "origin", public, CHAMA_ERROR_VERIFY, "T5");
    check_note_refused("", "origin", public, CHAMA_ERROR_MALFORMED, "T3");
}

/* T3: signature lines may be many, of keys that nobody here knows, but not without end. */
static void
test_t1_t3_limits(void)
{
    g_autoptr(Keypair) key = key_of(7);
    g_autoptr(Keypair) other = key_of(8);
    Digest root = { { 1, 2, 3 } };
    g_autofree char *note = checkpoint_sign("origin", 1, &root, 1777622400, key, NULL);
    g_autofree char *by_other = checkpoint_sign("witness", 1, &root, 1777622400, other, NULL);
    const char *line = strstr(by_other, "\n\n") + 2;
    g_autoptr(GString) many = g_string_new(note);
    g_autofree char *fill = g_strnfill(NOTE_SIZE_MAX, 'x');
    g_autoptr(Checkpoint) checkpoint = NULL;

    for (guint i = 1; i < NOTE_SIGNATURES_MAX; i++)
        g_string_append(many, line);
    checkpoint = checkpoint_verify(many->str, many->len, "origin", keypair_public(key), NULL);
    g_assert_nonnull(checkpoint);
    g_string_append(many, line);
    check_note_refused(many->str, "origin", keypair_public(key), CHAMA_ERROR_LIMIT, "T3");
    g_string_prepend(many, fill);
    check_note_refused(many->str, "origin", keypair_public(key), CHAMA_ERROR_LIMIT, "T1");
}

static void
test_t2_names(void)
{
    static const char *const names[] = { "", "a b", "a+b", "a\nb", "a\xc2\xa0" "b", "a\xe3\x80\x80" "b", "a\xc2\x85" "b", "\xff" };
    g_autoptr(Keypair) key = key_of(7);

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(note_sign("text\n", names[i], key, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_t1_sign_refusals(void)
{
    static const char *const texts[] = { "", "no line feed", "tab\t\n", "cr\r\n", "\xff\n" };
    g_autoptr(Keypair) key = key_of(7);

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(note_sign(texts[i], "origin", key, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/checkpoint/round-trip", test_round_trip);
    g_test_add_func("/checkpoint/vectors", test_vectors);
    g_test_add_func("/checkpoint/c2sp-checkpoint", test_c2sp_checkpoint);
    g_test_add_func("/checkpoint/c2sp-notes", test_c2sp_notes);
    g_test_add_func("/checkpoint/t1-t3/limits", test_t1_t3_limits);
    g_test_add_func("/checkpoint/t1/sign-refusals", test_t1_sign_refusals);
    g_test_add_func("/checkpoint/t2/names", test_t2_names);
    g_test_add_func("/checkpoint/t2/verifier-keys", test_t2_vkeys);
    g_test_add_func("/checkpoint/t5/signatures", test_t5_signatures);
    g_test_add_func("/checkpoint/t6-t8/texts", test_t6_to_t8_texts);
    g_test_add_func("/checkpoint/t7/unknown-extensions", test_t7_unknown_extensions);
    return g_test_run();
}
