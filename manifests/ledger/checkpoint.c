#include "manifests/ledger/checkpoint.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/history.h"

#define SIZE_MAX_STATED G_GUINT64_CONSTANT(0x7fffffffffffffff)
#define TIME_EXTENSION "time "

void
checkpoint_free(Checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    g_free(checkpoint->origin);
    g_free(checkpoint);
}

char *
checkpoint_origin(const char *node_id)
{
    return g_strconcat("chama/", node_id, NULL);
}

char *
checkpoint_origin_of(const Identity *identity)
{
    if (identity->epoch == 0)
        return checkpoint_origin(identity->id);
    return g_strdup_printf("chama/%s/%" G_GUINT64_FORMAT, identity->id, identity->epoch);
}

char *
checkpoint_sign(const char *origin, guint64 size, const Digest *root, gint64 time, const Keypair *log_key, GError **error)
{
    char when[TIME_TEXT_SIZE];
    g_autofree char *hash = base64_format(root->bytes, DIGEST_SIZE);
    g_autofree char *text = g_strdup_printf("%s\n%" G_GUINT64_FORMAT "\n%s\n" TIME_EXTENSION "%s\n", origin, size, hash, time_format(time, when));

    return note_sign(text, origin, log_key, error);
}

static gboolean
malformed(GError **error, const char *what)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, "checkpoint: %s", what);
}

/* T6: decimal, one spelling, at most 2^63-1. */
static gboolean
parse_size(const char *line, guint64 *size, GError **error)
{
    if (!g_ascii_string_to_unsigned(line, 10, 0, SIZE_MAX_STATED, size, NULL) || (line[0] == '0' && line[1] != '\0'))
        return malformed(error, "T6: want a size in decimal without leading zeros");
    return TRUE;
}

static gboolean
parse_root(const char *line, Digest *root, GError **error)
{
    g_autoptr(GBytes) bytes = base64_parse(line, strlen(line), DIGEST_SIZE, NULL);

    if (!bytes || g_bytes_get_size(bytes) != DIGEST_SIZE)
        return malformed(error, "T6: want a root of 32 bytes in base64");
    memcpy(root->bytes, g_bytes_get_data(bytes, NULL), DIGEST_SIZE);
    return TRUE;
}

/* T7: of the extension lines, "time" is read; others are for others, but none may be empty. */
static gboolean
parse_extensions(char **lines, gint64 *time, GError **error)
{
    gboolean seen = FALSE;

    for (; *lines; lines++) {
        if (**lines == '\0')
            return malformed(error, "T7: want no empty extension line");
        if (!g_str_has_prefix(*lines, TIME_EXTENSION))
            continue;
        if (seen)
            return malformed(error, "T7: want one time line, have two");
        seen = TRUE;
        if (!time_parse(*lines + strlen(TIME_EXTENSION), time, error)) {
            g_prefix_error(error, "checkpoint: T7: ");
            return FALSE;
        }
    }
    return TRUE;
}

/* T6: of a tree without leaves there is one root. */
static gboolean
check_empty(const Checkpoint *checkpoint, GError **error)
{
    Digest empty;

    digest_of("", 0, &empty);
    if (checkpoint->size == 0 && !digest_equal(&checkpoint->root, &empty))
        return malformed(error, "T6: want the root of an empty tree with size 0");
    return TRUE;
}

static Checkpoint *
parse_text(const char *text, gsize size, GError **error)
{
    g_autoptr(Checkpoint) checkpoint = g_new0(Checkpoint, 1);
    /* Without the final LF, or the split would end in an empty line. */
    g_autofree char *copy = g_strndup(text, size - 1);
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);

    if (g_strv_length(lines) < 3 || lines[0][0] == '\0')
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "checkpoint: T6: want origin, size and root, a line each");
    checkpoint->origin = g_strdup(lines[0]);
    if (!parse_size(lines[1], &checkpoint->size, error) || !parse_root(lines[2], &checkpoint->root, error)
        || !parse_extensions(lines + 3, &checkpoint->time, error))
        return NULL;
    return g_steal_pointer(&checkpoint);
}

Checkpoint *
checkpoint_verify(const char *note, gsize size, const char *origin, const PublicKey *log_key, GError **error)
{
    g_autoptr(Checkpoint) checkpoint = NULL;
    gsize text_size;

    if (!note_open(note, size, origin, log_key, &text_size, error))
        return NULL;
    checkpoint = parse_text(note, text_size, error);
    if (!checkpoint || !check_empty(checkpoint, error))
        return NULL;
    if (strcmp(checkpoint->origin, origin) != 0)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "checkpoint: T8: want origin %s, have %s", origin, checkpoint->origin);
    return g_steal_pointer(&checkpoint);
}

/* How many records an unverified note speaks of: only to choose the key that it must be verified with. */
static guint64
claimed_size(const char *note, gsize size)
{
    const char *line = memchr(note, '\n', size), *end = line ? memchr(line + 1, '\n', size - (gsize)(line + 1 - note)) : NULL;
    g_autofree char *text = end ? g_strndup(line + 1, (gsize)(end - line - 1)) : NULL;
    guint64 claimed;

    return text && g_ascii_string_to_unsigned(text, 10, 0, SIZE_MAX_STATED, &claimed, NULL) ? claimed : SIZE_MAX_STATED;
}

Checkpoint *
checkpoint_verify_by(const char *note, gsize size, const Identity *identity, GError **error)
{
    guint64 claimed = claimed_size(note, size);
    const Identity *then = identity_at(identity, claimed > 0 ? claimed - 1 : 0);
    g_autofree char *origin = checkpoint_origin_of(then);

    return checkpoint_verify(note, size, origin, &then->log, error);
}

char *
checkpoint_bare(const char *note, gsize size, const Identity *identity, GError **error)
{
    guint64 claimed = claimed_size(note, size);
    const Identity *then = identity_at(identity, claimed > 0 ? claimed - 1 : 0);
    g_autofree char *origin = checkpoint_origin_of(then);
    g_autoptr(Checkpoint) checkpoint = checkpoint_verify(note, size, origin, &then->log, error);

    return checkpoint ? note_bare(note, size, origin, &then->log, error) : NULL;
}

Checkpoint *
checkpoint_claims(const char *note, gsize size, GError **error)
{
    gsize text_size;

    return note_text(note, size, &text_size, error) ? parse_text(note, text_size, error) : NULL;
}
