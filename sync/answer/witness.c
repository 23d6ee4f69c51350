/* POST /v1/cosignatures, POST /witness/add-checkpoint, GET /witness/HASH/checkpoint: E18, E20 to E22 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "manifests/sightings.h"
#include "sync/answer/answer_private.h"
#include "sync/witness.h"

#define NOTE_TYPE "text/plain; charset=utf-8"
#define SIZE_TYPE "text/x.tlog.size"

static char *
body_text(const AnswerRequest *request, gsize *size)
{
    const char *text = request->body ? g_bytes_get_data(request->body, size) : "";

    if (!request->body)
        *size = 0;
    return g_strndup(text ? text : "", *size);
}

/* E18: the caller is an accepted peer, the checkpoint this node's own, and each line one that its own table of sightings would take from anyone. */
gboolean
answer_cosignatures(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    gsize size;
    g_autofree char *note = body_text(request, &size);
    g_autofree char *reply = NULL;
    guint learned;

    if (!answer->caller.accepted)
        return chama_error(error, CHAMA_ERROR_DENIED, "E18: cosignatures are taken from accepted peers");
    if (size > NOTE_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "E18: want a note of at most %d bytes, have %" G_GSIZE_FORMAT, NOTE_SIZE_MAX, size);
    if (strlen(note) != size)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "E18: want a note without NUL");
    if (!sightings_learn(answer->home, home_id(answer->home), note, &learned, error))
        return FALSE;
    reply = g_strdup_printf("%u\n", learned);
    answer_set_body(answer, NOTE_TYPE, g_bytes_new(reply, strlen(reply)));
    return TRUE;
}

/* E21: these statuses no error has. */
static gboolean
give_refusal(Answer *answer, const WitnessReply *reply, GError **error)
{
    g_autofree char *text = NULL;

    answer_set_remark(answer, reply->detail);
    if (reply->status == WITNESS_MALFORMED)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s", reply->detail);
    if (reply->status == WITNESS_UNKNOWN)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "E21: %s", reply->detail);
    if (reply->status == WITNESS_CONFLICT)
        text = g_strdup_printf("%" G_GUINT64_FORMAT "\n", reply->latest);
    else
        text = g_strdup_printf("%s\n", reply->status == WITNESS_FORBIDDEN ? "invalid signature" : "the consistency proof does not hold");
    answer_set_body(answer, reply->status == WITNESS_CONFLICT ? SIZE_TYPE : NOTE_TYPE, g_bytes_new(text, strlen(text)));
    answer->status = (int)reply->status;
    return TRUE;
}

/* A node that signs nothing (PU7) has failed, for the caller: 409 would say something else. */
static gboolean
cosign(Answer *answer, const AddCheckpoint *add, WitnessReply *reply, GError **error)
{
    g_autoptr(GError) failed = NULL;

    if (witness_answer(answer->home, add, reply, &failed))
        return TRUE;
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_FORK))
        return chama_error(error, CHAMA_ERROR_FAILED, "%s", failed->message);
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

gboolean
answer_add_checkpoint(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    gsize size;
    g_autofree char *body = body_text(request, &size);
    g_auto(WitnessReply) reply = { 0 };
    g_autofree char *line = NULL;
    AddCheckpoint add;

    if (!add_checkpoint_parse(body, size, &add, error) || !cosign(answer, &add, &reply, error))
        return FALSE;
    if (reply.status != WITNESS_COSIGNED)
        return give_refusal(answer, &reply, error);
    line = note_signature_format(reply.line);
    answer_set_body(answer, NOTE_TYPE, g_bytes_new(line, strlen(line)));
    return TRUE;
}

/* E22: for whom the ledger itself would be (A12): that this node witnesses it is nobody else's business. */
gboolean
answer_witnessed(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    g_autofree char *origin = NULL;
    g_auto(Witnessed) latest = { 0 };
    const char *node;
    Digest hash;

    if (strlen(name) != DIGEST_HEX_SIZE - 1 || !digest_parse_hex(name, &hash, NULL))
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: want the SHA-256 of an origin in hex", name);
    if (!witness_latest_by_hash(answer->home, &hash, &origin, &latest, error))
        return FALSE;
    node = g_str_has_prefix(origin, "chama/") ? origin + strlen("chama/") : origin;
    if (request->has_pin && !answer->caller.accepted)
        access_prove(answer->home, &request->pin, node, &answer->caller);
    if (!access_to_ledger(answer->home, &answer->caller, node))
        return chama_error(error, CHAMA_ERROR_DENIED, "A12: %s: not for this caller", node);
    answer_set_body(answer, NOTE_TYPE, g_bytes_new(latest.note, strlen(latest.note)));
    return TRUE;
}
