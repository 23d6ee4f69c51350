#include <string.h>

#include <jansson.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/ledger/checkpoint.h"
#include "manifests/ledger/cosignature.h"

#define SEEN 1777622400 /* 2026-05-01T08:00:00Z */
#define TEXT "log\n1\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

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

static gint64
verify(const char *note, const char *vkey, GError **error)
{
    g_autoptr(NoteVerifier) witness = note_verifier_parse(vkey, NULL);
    gint64 time = -1;

    g_assert_cmpint(witness->algorithm, ==, NOTE_COSIGNATURE);
    if (!cosignature_verify(note, strlen(note), witness->name, &witness->key, &time, error))
        return -1;
    return time;
}

static GPtrArray *
list_of(NoteSignature *first, NoteSignature *second)
{
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)note_signature_free);

    g_ptr_array_add(list, first);
    if (second)
        g_ptr_array_add(list, second);
    return list;
}

/* Both vectors: their times, and every changed letter of the text refused. */
static void
test_vectors(void)
{
    g_autoptr(json_t) vectors = load("tests/vectors.json");
    const json_t *c = json_object_get(vectors, "checkpoint");
    g_autoptr(GError) error = NULL;
    const char *note = string_of(c, "cosigned_note");

    g_assert_cmpint(verify(note, string_of(c, "witness_vkey"), &error), ==, json_integer_value(json_object_get(c, "cosign_time")));
    g_assert_no_error(error);
    g_assert_cmpint(verify(string_of(c, "note"), string_of(c, "witness_vkey"), &error), ==, 0);
    g_assert_no_error(error);
    for (gsize at = 0; note[at] != '\xe2'; at++) {
        g_autofree char *changed = g_strdup(note);
        g_autoptr(GError) refused = NULL;

        changed[at] = (char)(changed[at] == '\n' ? 'x' : changed[at] ^ 1);
        g_assert_cmpint(verify(changed, string_of(c, "witness_vkey"), &refused), ==, -1);
    }
}

/* The same lines come out of the same seeds: message, key id and order of the blob are those of C2SP. */
static void
test_c2sp(void)
{
    g_autoptr(json_t) root = load("tests/c2sp/checkpoint.json");
    const json_t *c = json_object_get(root, "computed_here");
    g_autoptr(Keypair) log = key_of(1);
    g_autoptr(Keypair) witness = key_of(2);
    const char *message = string_of(c, "cosigned_message");
    const char *text = strchr(strchr(message, '\n') + 1, '\n') + 1;
    gint64 time = json_integer_value(json_object_get(c, "timestamp"));
    g_autofree char *note = note_sign(text, "log.example/a", log, NULL);
    g_autoptr(GPtrArray) lines = list_of(cosignature_sign(text, strlen(text), "witness.example/w1", witness, time, NULL), NULL);
    g_autofree char *merged = note_merge(note, strlen(note), lines, NULL);
    g_autofree char *vkey = note_verifier_format("witness.example/w1", NOTE_COSIGNATURE, keypair_public(witness));

    g_assert_cmpstr(vkey, ==, string_of(c, "witness_vkey"));
    g_assert_cmpstr(merged, ==, string_of(c, "checkpoint"));
    g_assert_cmpint(verify(merged, vkey, NULL), ==, time);
}

/* The example of the specification is by keys that it does not give: two lines, neither of which stands in the way. */
static void
test_spec_example(void)
{
    g_autoptr(json_t) root = load("tests/c2sp/checkpoint.json");
    const char *note = string_of(root, "spec_format_example");
    const json_t *vkeys = json_object_get(root, "vkeys");
    gsize text_size;
    g_autoptr(GPtrArray) lines = note_signatures(note, strlen(note), &text_size, NULL);
    size_t i;
    json_t *vkey;

    g_assert_cmpuint(lines->len, ==, 2);
    g_assert_cmpuint(text_size, ==, strstr(note, "\n\n") + 1 - note);
    g_assert_cmpstr(((NoteSignature *)lines->pdata[1])->name, ==, "witness.example.com/w1");
    g_assert_cmpuint(g_bytes_get_size(((NoteSignature *)lines->pdata[1])->signature), ==, 72);
    json_array_foreach((json_t *)vkeys, i, vkey) {
        g_autoptr(NoteVerifier) verifier = note_verifier_parse(json_string_value(vkey), NULL);
        gint64 time = -1;

        g_assert_nonnull(verifier);
        g_assert_true(cosignature_verify(note, strlen(note), verifier->name, &verifier->key, &time, NULL));
        g_assert_cmpint(time, ==, 0);
    }
}

/* A blob of the vectors as the line of the key with seed 2: what is read of it before the signature fails. */
static void
check_blob(const json_t *vector)
{
    const char *coded = string_of(vector, "sig");
    const json_t *time = json_object_get(vector, "time");
    g_autoptr(GBytes) blob = base64_parse(coded, strlen(coded), 4096, NULL);
    g_autoptr(Keypair) key = key_of(2);
    g_autoptr(NoteSignature) line = NULL;
    g_autoptr(GError) error = NULL;
    gsize size;
    const guint8 *data = g_bytes_get_data(blob, &size);
    guint64 stamp;
    NoteKeyId id;
    gint64 seen;

    memcpy(&stamp, data + NOTE_KEY_ID_SIZE, 8);
    note_key_id("w", NOTE_COSIGNATURE, keypair_public(key), &id);
    line = note_signature_new("w", &id, data + NOTE_KEY_ID_SIZE, size - NOTE_KEY_ID_SIZE);
    g_assert_false(cosignature_check(line, TEXT, strlen(TEXT), "w", keypair_public(key), &seen, &error));
    if (json_is_integer(time)) {
        g_assert_cmpuint(GUINT64_FROM_BE(stamp), ==, json_integer_value(time));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    } else
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

static void
test_t11_blobs(void)
{
    g_autoptr(json_t) root = load("tests/c2sp/checkpoint.json");
    const json_t *blobs = json_object_get(root, "timestamp_vectors");
    size_t i;
    json_t *value;

    json_array_foreach((json_t *)blobs, i, value)
        check_blob(value);
    g_assert_cmpuint(i, ==, 2);
}

static void
test_t13_times(void)
{
    static const guint64 times[] = { 0, G_GUINT64_CONSTANT(0x8000000000000000), G_MAXUINT64 };
    g_autoptr(Keypair) key = key_of(2);
    g_autoptr(GError) error = NULL;
    NoteKeyId id;

    note_key_id("w", NOTE_COSIGNATURE, keypair_public(key), &id);
    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        guint8 body[72] = { 0 };
        guint64 stamp = GUINT64_TO_BE(times[i]);
        g_autoptr(NoteSignature) line = NULL;
        g_autoptr(GError) refused = NULL;
        gint64 seen;

        memcpy(body, &stamp, 8);
        line = note_signature_new("w", &id, body, sizeof body);
        g_assert_false(cosignature_check(line, TEXT, strlen(TEXT), "w", keypair_public(key), &seen, &refused));
        g_assert_error(refused, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_nonnull(strstr(refused->message, "T13"));
    }
    g_assert_null(cosignature_sign(TEXT, strlen(TEXT), "w", key, 0, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
}

static void
check_refused(const NoteSignature *line, const char *text, const char *name, const Keypair *key)
{
    g_autoptr(GError) error = NULL;
    gint64 time = -1;

    g_assert_false(cosignature_check(line, text, strlen(text), name, keypair_public(key), &time, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
    g_assert_nonnull(strstr(error->message, "T14"));
    g_assert_cmpint(time, ==, -1);
}

/* T14: of another text, name or key; with another time; and the owner's own signature is no cosignature, nor the other way round. */
static void
test_t14_refusals(void)
{
    g_autoptr(Keypair) key = key_of(2);
    g_autoptr(Keypair) other = key_of(3);
    g_autoptr(NoteSignature) line = cosignature_sign(TEXT, strlen(TEXT), "w", key, SEEN, NULL);
    g_autofree guint8 *body = g_memdup2(g_bytes_get_data(line->signature, NULL), 72);
    g_autoptr(NoteSignature) later = NULL;
    g_autofree char *signed_note = note_sign(TEXT, "w", key, NULL);
    g_autofree char *formatted = note_signature_format(line);
    g_autofree char *cosigned_only = g_strconcat(TEXT "\n", formatted, NULL);
    gint64 time = -1;
    gsize text_size;

    g_assert_true(cosignature_check(line, TEXT, strlen(TEXT), "w", keypair_public(key), &time, NULL));
    g_assert_cmpint(time, ==, SEEN);
    body[7]++;
    later = note_signature_new("w", &line->id, body, 72);
    check_refused(later, TEXT, "w", key);
    check_refused(line, "log\n2\n", "w", key);
    check_refused(line, TEXT, "v", key);
    check_refused(line, TEXT, "w", other);
    g_assert_true(cosignature_verify(signed_note, strlen(signed_note), "w", keypair_public(key), &time, NULL));
    g_assert_cmpint(time, ==, 0);
    g_assert_false(note_open(cosigned_only, strlen(cosigned_only), "w", keypair_public(key), &text_size, NULL));
}

/* T14: one bad line of a known witness refuses the note; a second line by it is passed over. */
static void
test_t14_notes(void)
{
    g_autoptr(Keypair) log = key_of(1);
    g_autoptr(Keypair) key = key_of(2);
    g_autofree char *note = note_sign(TEXT, "log", log, NULL);
    g_autoptr(NoteSignature) good = cosignature_sign(TEXT, strlen(TEXT), "w", key, SEEN, NULL);
    g_autoptr(NoteSignature) bad = cosignature_sign("other\n", 6, "w", key, SEEN, NULL);
    g_autofree char *good_line = note_signature_format(good);
    g_autofree char *bad_line = note_signature_format(bad);
    g_autofree char *good_first = g_strconcat(note, good_line, bad_line, NULL);
    g_autofree char *bad_first = g_strconcat(note, bad_line, good_line, NULL);
    g_autoptr(GError) error = NULL;
    gint64 time = -1;

    g_assert_true(cosignature_verify(good_first, strlen(good_first), "w", keypair_public(key), &time, NULL));
    g_assert_cmpint(time, ==, SEEN);
    g_assert_false(cosignature_verify(bad_first, strlen(bad_first), "w", keypair_public(key), &time, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
}

/* T15: a line of ML-DSA-44 (2 432 bytes) is well-formed and says nothing. */
static void
test_t15_ml_dsa(void)
{
    g_autoptr(Keypair) log = key_of(1);
    g_autofree guint8 *body = g_malloc0(2428);
    NoteKeyId id = { { 6, 6, 6, 6 } };
    g_autofree char *note = note_sign(TEXT, "log", log, NULL);
    g_autoptr(GPtrArray) lines = list_of(note_signature_new("w", &id, body, 2428), NULL);
    g_autofree char *merged = note_merge(note, strlen(note), lines, NULL);
    gsize text_size;
    gint64 time = -1;

    g_assert_true(note_open(merged, strlen(merged), "log", keypair_public(log), &text_size, NULL));
    g_assert_true(cosignature_verify(merged, strlen(merged), "w", keypair_public(log), &time, NULL));
    g_assert_cmpint(time, ==, 0);
}

/* T17: the owner's line stays first, each name and key once, the first of them; and no more than 64. */
static void
test_t17_merge(void)
{
    g_autoptr(Keypair) log = key_of(1);
    g_autoptr(Keypair) key = key_of(2);
    g_autofree char *note = note_sign(TEXT, "log", log, NULL);
    g_autoptr(GPtrArray) lines = list_of(cosignature_sign(TEXT, strlen(TEXT), "w", key, SEEN, NULL),
                                         cosignature_sign(TEXT, strlen(TEXT), "w", key, SEEN + 1, NULL));
    g_autofree char *merged = note_merge(note, strlen(note), lines, NULL);
    g_autofree char *bare = note_bare(merged, strlen(merged), "log", keypair_public(log), NULL);
    g_autoptr(GPtrArray) many = g_ptr_array_new_with_free_func((GDestroyNotify)note_signature_free);
    g_autoptr(GPtrArray) kept = NULL;
    g_autofree char *full = NULL;
    gint64 time;
    gsize text_size;

    g_assert_true(g_str_has_prefix(merged, note));
    g_assert_true(cosignature_verify(merged, strlen(merged), "w", keypair_public(key), &time, NULL));
    g_assert_cmpint(time, ==, SEEN);
    g_assert_cmpstr(bare, ==, note);
    for (guint i = 0; i < 100; i++) {
        g_autofree char *name = g_strdup_printf("w%u", i);

        g_ptr_array_add(many, cosignature_sign(TEXT, strlen(TEXT), name, key, SEEN, NULL));
    }
    full = note_merge(note, strlen(note), many, NULL);
    g_assert_true(g_str_has_prefix(full, note));
    kept = note_signatures(full, strlen(full), &text_size, NULL);
    g_assert_cmpuint(kept->len, ==, NOTE_SIGNATURES_MAX);
}

static void
test_t17_merge_refusals(void)
{
    static const char *const notes[] = { "", "text\n", "text\n\n", "text\n\nno dash\n", "text\n\n\xe2\x80\x94 w !\n" };
    g_autoptr(Keypair) log = key_of(1);
    g_autoptr(GPtrArray) none = g_ptr_array_new();

    for (guint i = 0; i < G_N_ELEMENTS(notes); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(note_merge(notes[i], strlen(notes[i]), none, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_null(note_bare(notes[i], strlen(notes[i]), "log", keypair_public(log), NULL));
    }
}

static void
test_t4_single_lines(void)
{
    static const char *const bad[] = { "", "\n", "\xe2\x80\x94 w AAAAAAAA", "\xe2\x80\x94 w AAAAAAAA\n\n", "\xe2\x80\x94 w AAAAAAAA\n\xe2\x80\x94 w AAAAAAAA\n", "\xe2\x80\x94 w AAAA\n",
                                       "\xe2\x80\x94 a+b AAAAAAAA\n", "\xe2\x80\x94  AAAAAAAA\n", "- w AAAAAAAA\n", "\xe2\x80\x94 w AAAAAAB=\n", "\xe2\x80\x94 w\tAAAAAAAA\n" };
    static const char good[] = "\xe2\x80\x94 w AAAAAAAA\n";
    g_autoptr(NoteSignature) line = note_signature_parse(good, strlen(good), NULL);
    g_autofree char *again = note_signature_format(line);

    g_assert_cmpstr(again, ==, good);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%u", i);
        g_assert_null(note_signature_parse(bad[i], strlen(bad[i]), &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cosignature/vectors", test_vectors);
    g_test_add_func("/cosignature/c2sp", test_c2sp);
    g_test_add_func("/cosignature/spec-example", test_spec_example);
    g_test_add_func("/cosignature/t4/single-lines", test_t4_single_lines);
    g_test_add_func("/cosignature/t11/blobs", test_t11_blobs);
    g_test_add_func("/cosignature/t13/times", test_t13_times);
    g_test_add_func("/cosignature/t14/refusals", test_t14_refusals);
    g_test_add_func("/cosignature/t14/notes", test_t14_notes);
    g_test_add_func("/cosignature/t15/ml-dsa", test_t15_ml_dsa);
    g_test_add_func("/cosignature/t17/merge", test_t17_merge);
    g_test_add_func("/cosignature/t17/refusals", test_t17_merge_refusals);
    return g_test_run();
}
