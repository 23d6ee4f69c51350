/* GET /log/NODE/checkpoint and /log/NODE/tile/...: E23 to E25 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "manifests/ledger/tile.h"
#include "sync/answer/answer_private.h"

#define NOTE_TYPE "text/plain; charset=utf-8"
#define TILE_TYPE "application/octet-stream"

/* E23: what anyone may have, any cache between may keep. */
static void
set_cache(Answer *answer, gboolean anyone, const char *seconds)
{
    g_autofree char *cache = g_strdup_printf("%s, max-age=%s", anyone ? "public" : "private", seconds);

    answer_set_cache(answer, cache);
}

static gboolean
is_own(const Answer *answer, const char *node)
{
    return strcmp(node, home_id(answer->home)) == 0;
}

gboolean
answer_log_checkpoint(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    Ledger *ledger = answer_find_ledger(answer, request, name, FALSE, error);
    g_auto(Standing) standing = { 0 };

    if (!ledger || !standing_of(answer->home, name, &standing, error))
        return FALSE;
    standing_add_cosignatures(answer->home, name, &standing);
    answer_set_body(answer, NOTE_TYPE, g_bytes_new(standing.note, strlen(standing.note)));
    set_cache(answer, is_own(answer, name), "10");
    return TRUE;
}

/* E24: the size of the checkpoint that was given out last; no new one is signed for a tile. */
static gboolean
published_size(Ledger *ledger, guint64 *size, GError **error)
{
    g_autofree char *note = ledger_checkpoint(ledger, error);
    g_autoptr(Checkpoint) checkpoint = NULL;

    if (!note)
        return error && *error ? FALSE : chama_error(error, CHAMA_ERROR_NOT_FOUND, "E24: no checkpoint of this ledger is held here");
    checkpoint = checkpoint_verify_by(note, strlen(note), ledger_identity(ledger), error);
    if (!checkpoint)
        return FALSE;
    *size = MIN(checkpoint->size, ledger_head(ledger)->size);
    return TRUE;
}

/* Where an entry bundle stands. */
typedef struct {
    Ledger *ledger;
    guint64 next, end;   /* records */
    GByteArray *out;
} Bundle;

static void
bundle_free(gpointer state)
{
    Bundle *bundle = state;

    g_byte_array_unref(bundle->out);
    g_free(bundle);
}

/* One piece: a bundle may be of many megabytes. */
static gboolean
fill_bundle(Bundle *bundle, GError **error)
{
    while (bundle->next < bundle->end && bundle->out->len < ANSWER_PIECE) {
        g_autoptr(Record) record = ledger_get(bundle->ledger, bundle->next, error);
        g_autoptr(GBytes) entry = record ? record_entry(record) : NULL;

        if (!entry)
            return FALSE;
        tile_append_entry(bundle->out, entry);
        bundle->next++;
    }
    return TRUE;
}

static GBytes *
next_of_bundle(gpointer state, GError **error)
{
    Bundle *bundle = state;
    GByteArray *out = bundle->out;

    /* the first piece was made before the status was sent */
    if (out->len == 0 && !fill_bundle(bundle, error))
        return NULL;
    if (out->len == 0)
        return NULL;
    bundle->out = g_byte_array_new();
    return g_byte_array_free_to_bytes(out);
}

static gboolean
give_entries(Answer *answer, Ledger *ledger, const Tile *tile, GError **error)
{
    Bundle *bundle = g_new0(Bundle, 1);

    bundle->ledger = ledger;
    bundle->next = tile->index * TILE_WIDTH;
    bundle->end = bundle->next + tile->width;
    bundle->out = g_byte_array_new();
    if (!fill_bundle(bundle, error)) {
        bundle_free(bundle);
        return FALSE;
    }
    answer_set_source(answer, TILE_TYPE, next_of_bundle, bundle, bundle_free);
    return TRUE;
}

static gboolean
give_hashes(Answer *answer, Ledger *ledger, const Tile *tile, GError **error)
{
    GBytes *hashes = tile_hashes(tile, ledger_merkle(ledger), error);

    if (hashes)
        answer_set_body(answer, TILE_TYPE, hashes);
    return hashes != NULL;
}

gboolean
answer_log_tile(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    const char *path = request->path + strlen("/log/") + strlen(name) + strlen("/");
    g_autoptr(GError) strange = NULL;
    Ledger *ledger;
    guint64 size = 0;
    Tile tile;

    /* E1 */
    if (!tile_parse(path, &tile, &strange))
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no such address", strange->message);
    ledger = answer_find_ledger(answer, request, name, tile.entries, error);
    if (!ledger || !published_size(ledger, &size, error) || !tile_check(&tile, size, error))
        return FALSE;
    if (tile.entries ? !give_entries(answer, ledger, &tile, error) : !give_hashes(answer, ledger, &tile, error))
        return FALSE;
    set_cache(answer, is_own(answer, name) && !tile.entries, "31536000, immutable");
    return TRUE;
}
