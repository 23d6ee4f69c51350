/* Streams of records, W8 to W12: a state machine that eats lines, and the writers of the same lines. */
#include <string.h>

#include "keys/error.h"
#include "keys/sshsig.h"
#include "manifests/ledger/checkpoint.h"
#include "sync/decimal.h"
#include "sync/wire.h"

#define COMMAND_MAX 2048   /* "batch", two numbers, base64 of SSHSIG_SIZE_MAX bytes */
#define HASH_LINE_MAX 44   /* base64 of 32 bytes */

typedef enum { AT_COMMAND, AT_RECORD, AT_SIGNATURE, AT_PROOF, AT_NOTE, AT_END } Place;
typedef enum { IN_BATCH, IN_SPARSE, IN_CHECKPOINT } Section;

struct RecordStream {
    const RecordStreamEvents *events;
    gpointer data;
    Place place;
    Section section;
    GString *line;             /* the line that is not whole yet, or the note */
    GString *entry;            /* the log entry being read */
    guint entries_left;        /* of the batch */
    guint64 index;             /* of a sparse entry; of a checkpoint the old size */
    Digest proof[WIRE_PROOF_MAX];
    guint proof_count, proof_read;
    gsize note_size;
};

RecordStream *
record_stream_new(const RecordStreamEvents *events, gpointer data)
{
    RecordStream *stream = g_new0(RecordStream, 1);

    stream->events = events;
    stream->data = data;
    stream->line = g_string_new(NULL);
    stream->entry = g_string_new(NULL);
    return stream;
}

void
record_stream_free(RecordStream *stream)
{
    if (!stream)
        return;
    g_string_free(stream->line, TRUE);
    g_string_free(stream->entry, TRUE);
    g_free(stream);
}

/* A callback must say why it stops. */
static gboolean
stopped(GError **error)
{
    if (error && !*error)
        return chama_error(error, CHAMA_ERROR_FAILED, "record stream: stopped");
    return FALSE;
}

/* W9: "batch <first> <count> <base64>" */
static gboolean
open_batch(RecordStream *stream, const char *rest, GError **error)
{
    guint64 first, count;
    g_autoptr(GBytes) signature = NULL;

    if (!stream->events->batch || !stream->events->entry)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record stream: W9: want no batch here");
    if (!decimal_read(&rest, DECIMAL_MAX, &first) || *rest++ != ' ' || !decimal_read(&rest, WIRE_BATCH_MAX, &count) || *rest++ != ' ' || count == 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record stream: W9: want \"batch FIRST COUNT SIGNATURE\" with a count of 1 to %d", WIRE_BATCH_MAX);
    signature = base64_parse(rest, strlen(rest), SSHSIG_SIZE_MAX, error);
    if (!signature) {
        g_prefix_error(error, "record stream: W9: ");
        return FALSE;
    }
    stream->section = IN_BATCH;
    stream->place = AT_RECORD;
    stream->entries_left = (guint)count;
    return stream->events->batch(stream->data, first, (guint)count, signature, error) || stopped(error);
}

/* W10: "entry <index> <count>" */
static gboolean
open_sparse(RecordStream *stream, const char *rest, GError **error)
{
    guint64 index, count;

    if (!stream->events->sparse)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record stream: W10: want no sparse entry here");
    if (!decimal_read(&rest, DECIMAL_MAX, &index) || *rest++ != ' ' || !decimal_parse(rest, WIRE_PROOF_MAX, &count))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record stream: W10: want \"entry INDEX COUNT\" with at most %d hashes", WIRE_PROOF_MAX);
    stream->section = IN_SPARSE;
    stream->place = AT_RECORD;
    stream->index = index;
    stream->proof_count = (guint)count;
    stream->proof_read = 0;
    return TRUE;
}

/* W11: "checkpoint <old size> <count> <length>" */
static gboolean
open_checkpoint(RecordStream *stream, const char *rest, GError **error)
{
    guint64 old_size, count, length;

    if (!stream->events->checkpoint)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record stream: W11: want no checkpoint here");
    if (!decimal_read(&rest, DECIMAL_MAX, &old_size) || *rest++ != ' ' || !decimal_read(&rest, WIRE_PROOF_MAX, &count) || *rest++ != ' ' ||
        !decimal_parse(rest, NOTE_SIZE_MAX, &length) || length == 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED,
                           "record stream: W11: want \"checkpoint OLD-SIZE COUNT LENGTH\" with at most %d hashes and %d bytes", WIRE_PROOF_MAX,
                           NOTE_SIZE_MAX);
    stream->section = IN_CHECKPOINT;
    stream->index = old_size;
    stream->proof_count = (guint)count;
    stream->proof_read = 0;
    stream->note_size = (gsize)length;
    stream->place = count > 0 ? AT_PROOF : AT_NOTE;
    return TRUE;
}

static gboolean
take_command(RecordStream *stream, GError **error)
{
    static const struct {
        const char *word;
        gboolean (*open)(RecordStream *, const char *, GError **);
    } commands[] = { { "batch ", open_batch }, { "entry ", open_sparse }, { "checkpoint ", open_checkpoint } };
    const char *line = stream->line->str;

    if (strlen(line) == stream->line->len)
        for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
            if (g_str_has_prefix(line, commands[i].word))
                return commands[i].open(stream, line + strlen(commands[i].word), error);
    if (strcmp(line, "end") != 0 || stream->line->len != 3)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record stream: W8: want a line that begins with batch, entry, checkpoint or end");
    stream->place = AT_END;
    return TRUE;
}

static gboolean
take_record(RecordStream *stream, GError **error)
{
    g_string_truncate(stream->entry, 0);
    g_string_append_len(stream->entry, stream->line->str, (gssize)stream->line->len);
    g_string_append_c(stream->entry, '\n');
    stream->place = AT_SIGNATURE;
    return TRUE;
}

static gboolean
give_sparse(RecordStream *stream, GError **error)
{
    stream->place = AT_COMMAND;
    return stream->events->sparse(stream->data, stream->index, stream->entry->str, stream->entry->len, stream->proof, stream->proof_count, error) ||
           stopped(error);
}

static gboolean
take_signature(RecordStream *stream, GError **error)
{
    g_string_append_len(stream->entry, stream->line->str, (gssize)stream->line->len);
    g_string_append_c(stream->entry, '\n');
    if (stream->section == IN_SPARSE && stream->proof_count > 0) {
        stream->place = AT_PROOF;
        return TRUE;
    }
    if (stream->section == IN_SPARSE)
        return give_sparse(stream, error);
    stream->place = --stream->entries_left > 0 ? AT_RECORD : AT_COMMAND;
    return stream->events->entry(stream->data, stream->entry->str, stream->entry->len, error) || stopped(error);
}

static gboolean
take_proof(RecordStream *stream, GError **error)
{
    g_autoptr(GBytes) hash = base64_parse(stream->line->str, stream->line->len, DIGEST_SIZE, error);

    if (!hash || g_bytes_get_size(hash) != DIGEST_SIZE) {
        g_clear_error(error);
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record stream: W10: want a hash of 32 bytes in base64");
    }
    memcpy(stream->proof[stream->proof_read++].bytes, g_bytes_get_data(hash, NULL), DIGEST_SIZE);
    if (stream->proof_read < stream->proof_count)
        return TRUE;
    if (stream->section == IN_SPARSE)
        return give_sparse(stream, error);
    stream->place = AT_NOTE;
    return TRUE;
}

static gboolean
take_after_end(RecordStream *stream, GError **error)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, "record stream: W12: want nothing after end");
}

/* What a line in each place means, and how long it may be. */
static const struct {
    gsize max;
    gboolean (*take)(RecordStream *, GError **);
} places[] = {
    [AT_COMMAND] = { COMMAND_MAX, take_command },
    [AT_RECORD] = { RECORD_SIZE_MAX, take_record },
    [AT_SIGNATURE] = { ENTRY_SIZE_MAX - RECORD_SIZE_MAX - 2, take_signature },
    [AT_PROOF] = { HASH_LINE_MAX, take_proof },
    [AT_END] = { 0, take_after_end },
};

/* The note is not lines but so many bytes.  Returns how many of @size were taken. */
static gsize
feed_note(RecordStream *stream, const char *bytes, gsize size, gboolean *ok, GError **error)
{
    gsize take = MIN(size, stream->note_size - stream->line->len);

    g_string_append_len(stream->line, bytes, (gssize)take);
    if (stream->line->len < stream->note_size)
        return take;
    stream->place = AT_COMMAND;
    *ok = stream->events->checkpoint(stream->data, stream->index, stream->proof, stream->proof_count, stream->line->str, stream->line->len, error) ||
          stopped(error);
    g_string_truncate(stream->line, 0);
    return take;
}

static gsize
feed_line(RecordStream *stream, const char *bytes, gsize size, gboolean *ok, GError **error)
{
    const char *feed = memchr(bytes, '\n', size);
    gsize take = feed ? (gsize)(feed - bytes) : size;

    /* W8: before it is kept, so that a line without an end costs nothing */
    if (stream->line->len + take > places[stream->place].max) {
        *ok = stream->place == AT_END ? take_after_end(stream, error)
                                      : chama_error(error, CHAMA_ERROR_LIMIT, "record stream: W8: want a line of at most %zu bytes, have more",
                                                    places[stream->place].max);
        return take;
    }
    g_string_append_len(stream->line, bytes, (gssize)take);
    if (!feed)
        return take;
    *ok = places[stream->place].take(stream, error);
    g_string_truncate(stream->line, 0);
    return take + 1;
}

gboolean
record_stream_feed(RecordStream *stream, const void *bytes, gsize size, GError **error)
{
    const char *p = bytes;
    gboolean ok = TRUE;

    while (ok && size > 0) {
        gsize taken = stream->place == AT_NOTE ? feed_note(stream, p, size, &ok, error) : feed_line(stream, p, size, &ok, error);

        p += taken;
        size -= taken;
    }
    return ok;
}

gboolean
record_stream_end(RecordStream *stream, GError **error)
{
    if (stream->place != AT_END)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "record stream: W12: want an end line, have a stream that was cut off");
    return TRUE;
}

static void
append_proof(GString *out, const Digest *proof, guint count)
{
    for (guint i = 0; i < count; i++) {
        g_autofree char *hash = base64_format(proof[i].bytes, DIGEST_SIZE);

        g_string_append_printf(out, "%s\n", hash);
    }
}

void
record_stream_write_batch(GString *out, guint64 first, guint count, GBytes *commit_signature)
{
    gsize size;
    const void *blob = g_bytes_get_data(commit_signature, &size);
    g_autofree char *signature = base64_format(blob, size);

    g_string_append_printf(out, "batch %" G_GUINT64_FORMAT " %u %s\n", first, count, signature);
}

void
record_stream_write_entry(GString *out, GBytes *entry)
{
    gsize size;
    const char *text = g_bytes_get_data(entry, &size);

    g_string_append_len(out, text, (gssize)size);
}

void
record_stream_write_sparse(GString *out, guint64 index, GBytes *entry, const Digest *proof, guint count)
{
    g_string_append_printf(out, "entry %" G_GUINT64_FORMAT " %u\n", index, count);
    record_stream_write_entry(out, entry);
    append_proof(out, proof, count);
}

void
record_stream_write_checkpoint(GString *out, guint64 old_size, const Digest *proof, guint count, const char *note)
{
    g_string_append_printf(out, "checkpoint %" G_GUINT64_FORMAT " %u %zu\n", old_size, count, strlen(note));
    append_proof(out, proof, count);
    g_string_append(out, note);
}

void
record_stream_write_end(GString *out)
{
    g_string_append(out, "end\n");
}
