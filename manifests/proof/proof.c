#include "manifests/proof/proof.h"

#include <string.h>

#include "keys/error.h"

#define RECORD_LINE "record"
#define KEY "key "
#define PROFILE "profile "
#define WITNESS "witness "
#define VERIFIER "verifier "
#define SHOWN_LINE "shown"
#define TLOG_LINE "c2sp.org/tlog-proof@v1"
#define INDEX "index "
#define HASH_TEXT_SIZE 44
#define TEXT_LINE_MAX (8 * 1024)

ProofEntry *
proof_entry_new(guint64 index, GBytes *entry, GArray *path)
{
    ProofEntry *new = g_new0(ProofEntry, 1);

    *new = (ProofEntry){ index, g_bytes_ref(entry), g_array_ref(path) };
    return new;
}

void
proof_entry_free(ProofEntry *entry)
{
    if (!entry)
        return;
    g_clear_pointer(&entry->entry, g_bytes_unref);
    g_clear_pointer(&entry->path, g_array_unref);
    g_free(entry);
}

ProofWitness *
proof_witness_new(void)
{
    ProofWitness *witness = g_new0(ProofWitness, 1);

    witness->keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    return witness;
}

void
proof_witness_free(ProofWitness *witness)
{
    if (!witness)
        return;
    g_ptr_array_unref(witness->keys);
    g_free(witness->verifier);
    g_free(witness);
}

Proof *
proof_new(void)
{
    Proof *proof = g_new0(Proof, 1);

    proof->keys = g_ptr_array_new_with_free_func((GDestroyNotify)proof_entry_free);
    proof->witnesses = g_ptr_array_new_with_free_func((GDestroyNotify)proof_witness_free);
    return proof;
}

void
proof_free(Proof *proof)
{
    if (!proof)
        return;
    proof_entry_free(proof->record);
    g_ptr_array_unref(proof->keys);
    proof_entry_free(proof->profile);
    g_ptr_array_unref(proof->witnesses);
    g_clear_pointer(&proof->shown, g_bytes_unref);
    g_free(proof->note);
    g_free(proof);
}

static void
append_bytes(GString *out, GBytes *bytes)
{
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);

    g_string_append_len(out, data, (gssize)size);
}

static void
append_path(GString *out, const GArray *path)
{
    for (guint i = 0; i < path->len; i++) {
        g_autofree char *hash = base64_format(g_array_index(path, Digest, i).bytes, DIGEST_SIZE);

        g_string_append_printf(out, "%s\n", hash);
    }
}

static void
append_placed(GString *out, const char *word, const ProofEntry *entry)
{
    g_string_append_printf(out, "%s%" G_GUINT64_FORMAT " %u\n", word, entry->index, entry->path->len);
    append_bytes(out, entry->entry);
    append_path(out, entry->path);
}

static void
append_witness(GString *out, const ProofWitness *witness)
{
    if (witness->verifier)
        g_string_append_printf(out, VERIFIER "%s\n", witness->verifier);
    else
        g_string_append_printf(out, WITNESS "%u\n", witness->keys->len);
    for (guint i = 0; i < witness->keys->len; i++)
        append_bytes(out, witness->keys->pdata[i]);
}

GBytes *
proof_format(const Proof *proof)
{
    GString *out = g_string_new(PROOF_FIRST_LINE "\n" RECORD_LINE "\n");

    append_bytes(out, proof->record->entry);
    for (guint i = 0; i < proof->keys->len; i++)
        append_placed(out, KEY, proof->keys->pdata[i]);
    if (proof->profile)
        append_placed(out, PROFILE, proof->profile);
    for (guint i = 0; i < proof->witnesses->len; i++)
        append_witness(out, proof->witnesses->pdata[i]);
    if (proof->shown) {
        g_string_append(out, SHOWN_LINE "\n");
        append_bytes(out, proof->shown);
        g_string_append_c(out, '\n');
    }
    g_string_append_printf(out, TLOG_LINE "\n" INDEX "%" G_GUINT64_FORMAT "\n", proof->record->index);
    append_path(out, proof->record->path);
    g_string_append_printf(out, "\n%s", proof->note);
    return g_string_free_to_bytes(out);
}

/* What is left to read. */
typedef struct {
    const char *at, *end;
} Reader;

/* PF1: the next line is @word, or begins with it if it ends in a space. */
static gboolean
is_next(const Reader *reader, const char *word)
{
    gsize size = strlen(word), left = (gsize)(reader->end - reader->at);

    if (left < size || memcmp(reader->at, word, size) != 0)
        return FALSE;
    return word[size - 1] == ' ' || (left > size && reader->at[size] == '\n');
}

/* The next line without its LF; @at is behind it. */
static gboolean
take_line(Reader *reader, gsize max, const char **line, gsize *size, GError **error)
{
    const char *end = memchr(reader->at, '\n', MIN((gsize)(reader->end - reader->at), max + 1));

    if (!end)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "proof: PF1: want a line of at most %zu bytes, have %s", max,
                           (gsize)(reader->end - reader->at) > max ? "a longer one" : "one cut off");
    *line = reader->at;
    *size = (gsize)(end - reader->at);
    reader->at = end + 1;
    return TRUE;
}

static gboolean
take_word(Reader *reader, const char *word, GError **error)
{
    if (!is_next(reader, word))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "proof: PF1: want the line \"%s\", have another", word);
    reader->at += strlen(word) + 1;
    return TRUE;
}

/* The rest of a line that begins with @word. */
static char *
take_rest(Reader *reader, const char *word, GError **error)
{
    const char *line;
    gsize size;

    if (!is_next(reader, word))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "proof: PF1: want a line \"%s...\", have another", word);
    return take_line(reader, TEXT_LINE_MAX, &line, &size, error) ? g_strndup(line + strlen(word), size - strlen(word)) : NULL;
}

/* Numbers of @text, separated by spaces.  Other spellings than proof_format()'s are found by writing the proof again. */
static gboolean
read_numbers(const char *text, guint count, guint64 numbers[], GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, " ", (int)count + 1);

    if (g_strv_length(words) != count)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "proof: PF1: want %u numbers in a line", count);
    for (guint i = 0; i < count; i++)
        if (!g_ascii_string_to_unsigned(words[i], 10, 0, G_MAXINT64, &numbers[i], NULL))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "proof: PF1: want a decimal number");
    return TRUE;
}

/* R2: two lines. */
static GBytes *
take_entry(Reader *reader, GError **error)
{
    const char *start = reader->at, *line;
    gsize size;

    if (!take_line(reader, RECORD_SIZE_MAX, &line, &size, error) || !take_line(reader, ENTRY_SIZE_MAX - RECORD_SIZE_MAX, &line, &size, error))
        return NULL;
    return g_bytes_new(start, (gsize)(reader->at - start));
}

static gboolean
take_hash(Reader *reader, GArray *path, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    const char *line;
    Digest hash;
    gsize size;

    if (path->len == MERKLE_PROOF_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "proof: PF3: want at most %d hashes", MERKLE_PROOF_MAX);
    if (!take_line(reader, HASH_TEXT_SIZE, &line, &size, error))
        return FALSE;
    bytes = base64_parse(line, size, DIGEST_SIZE, NULL);
    if (!bytes || g_bytes_get_size(bytes) != DIGEST_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "proof: PF3: want a hash of 32 bytes in base64");
    memcpy(hash.bytes, g_bytes_get_data(bytes, NULL), DIGEST_SIZE);
    g_array_append_val(path, hash);
    return TRUE;
}

/* PF3: "key INDEX COUNT", a log entry, COUNT hashes. */
static ProofEntry *
take_placed(Reader *reader, const char *word, GError **error)
{
    g_autofree char *text = take_rest(reader, word, error);
    g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(Digest));
    g_autoptr(GBytes) entry = NULL;
    guint64 numbers[2];

    if (!text || !read_numbers(text, 2, numbers, error) || !(entry = take_entry(reader, error)))
        return NULL;
    while (path->len < numbers[1])
        if (!take_hash(reader, path, error))
            return NULL;
    return proof_entry_new(numbers[0], entry, path);
}

static gboolean
take_keys(Reader *reader, Proof *proof, GError **error)
{
    while (is_next(reader, KEY)) {
        ProofEntry *entry = proof->keys->len < PROOF_KEYS_MAX ? take_placed(reader, KEY, error)
                                                              : chama_error_null(error, CHAMA_ERROR_LIMIT, "proof: PF3: want at most %d keys", PROOF_KEYS_MAX);

        if (!entry)
            return FALSE;
        g_ptr_array_add(proof->keys, entry);
    }
    return TRUE;
}

static gboolean
take_profile(Reader *reader, Proof *proof, GError **error)
{
    if (!is_next(reader, PROFILE))
        return TRUE;
    proof->profile = take_placed(reader, PROFILE, error);
    return proof->profile != NULL;
}

/* PF4: "witness COUNT" and as many log entries, or "verifier NAME+ID+KEY". */
static ProofWitness *
take_witness(Reader *reader, GError **error)
{
    g_autoptr(ProofWitness) witness = proof_witness_new();
    g_autofree char *text = NULL;
    guint64 count;

    if (is_next(reader, VERIFIER)) {
        witness->verifier = take_rest(reader, VERIFIER, error);
        return witness->verifier ? g_steal_pointer(&witness) : NULL;
    }
    text = take_rest(reader, WITNESS, error);
    if (!text || !read_numbers(text, 1, &count, error))
        return NULL;
    if (count < 1 || count > PROOF_KEYS_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "proof: PF4: want 1 to %d records of a witness, have %" G_GUINT64_FORMAT, PROOF_KEYS_MAX, count);
    while (witness->keys->len < count) {
        GBytes *entry = take_entry(reader, error);

        if (!entry)
            return NULL;
        g_ptr_array_add(witness->keys, entry);
    }
    return g_steal_pointer(&witness);
}

static gboolean
take_witnesses(Reader *reader, Proof *proof, GError **error)
{
    while (is_next(reader, WITNESS) || is_next(reader, VERIFIER)) {
        ProofWitness *witness = proof->witnesses->len < NOTE_SIGNATURES_MAX - 1
                                    ? take_witness(reader, error)
                                    : chama_error_null(error, CHAMA_ERROR_LIMIT, "proof: PF4: want at most %d witnesses", NOTE_SIGNATURES_MAX - 1);

        if (!witness)
            return FALSE;
        g_ptr_array_add(proof->witnesses, witness);
    }
    return TRUE;
}

static gboolean
take_shown(Reader *reader, Proof *proof, GError **error)
{
    const char *line;
    gsize size;

    if (!is_next(reader, SHOWN_LINE))
        return TRUE;
    if (!take_word(reader, SHOWN_LINE, error) || !take_line(reader, PROOF_SHOWN_MAX, &line, &size, error))
        return FALSE;
    proof->shown = g_bytes_new(line, size);
    return TRUE;
}

/* PF2: the rest of the file is a C2SP tlog-proof, without its line "extra", which nothing signs. */
static gboolean
take_tlog_proof(Reader *reader, GBytes *entry, Proof *proof, GError **error)
{
    g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(Digest));
    g_autofree char *index = NULL;
    guint64 number;

    if (!take_word(reader, TLOG_LINE, error) || !(index = take_rest(reader, INDEX, error)) || !read_numbers(index, 1, &number, error))
        return FALSE;
    while (reader->at < reader->end && *reader->at != '\n')
        if (!take_hash(reader, path, error))
            return FALSE;
    if (reader->at == reader->end || reader->end - reader->at - 1 > NOTE_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "proof: PF2: want an empty line and a checkpoint of at most %d bytes", NOTE_SIZE_MAX);
    reader->at++;
    proof->note = g_strndup(reader->at, (gsize)(reader->end - reader->at));
    proof->record = proof_entry_new(number, entry, path);
    return TRUE;
}

/* PF1: what would be written otherwise is another file than the one that was read. */
static gboolean
check_form(const Proof *proof, GBytes *bytes, GError **error)
{
    g_autoptr(GBytes) again = proof_format(proof);

    return g_bytes_equal(again, bytes) || chama_error(error, CHAMA_ERROR_MALFORMED, "proof: PF1: want its one spelling, have another");
}

Proof *
proof_parse(GBytes *bytes, GError **error)
{
    g_autoptr(Proof) proof = proof_new();
    g_autoptr(GBytes) entry = NULL;
    Reader reader;
    gsize size;

    reader.at = g_bytes_get_data(bytes, &size);
    reader.end = reader.at + size;
    if (size > PROOF_SIZE_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "proof: PF1: want at most %d bytes, have %zu", PROOF_SIZE_MAX, size);
    if (!take_word(&reader, PROOF_FIRST_LINE, error) || !take_word(&reader, RECORD_LINE, error) || !(entry = take_entry(&reader, error))
        || !take_keys(&reader, proof, error) || !take_profile(&reader, proof, error) || !take_witnesses(&reader, proof, error)
        || !take_shown(&reader, proof, error) || !take_tlog_proof(&reader, entry, proof, error) || !check_form(proof, bytes, error))
        return NULL;
    return g_steal_pointer(&proof);
}
