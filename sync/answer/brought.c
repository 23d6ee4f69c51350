/* POST /v1/brought: W24 of sync/PROTOCOL.md, and the body that its caller makes. */
#include <string.h>

#include "keys/error.h"
#include "sync/answer/answer_private.h"
#include "sync/pull.h"

/* The records from @size on, as E10 would give them. */
static gboolean
append_records(GByteArray *body, Home *home, const char *node, guint64 size, GError **error)
{
    g_autofree char *query = g_strdup_printf("from=%" G_GUINT64_FORMAT, size);
    const AnswerRequest request = { .method = "GET", .query = query };
    Answer *answer = g_new0(Answer, 1);
    g_autoptr(Answer) owned = answer;
    GError *failed = NULL;

    answer->home = home;
    answer->caller.accepted = TRUE;
    g_strlcpy(answer->caller.node, node, sizeof answer->caller.node);
    if (!answer_records(answer, &request, home_id(home), error))
        return FALSE;
    for (;;) {
        g_autoptr(GBytes) piece = answer_next(answer, &failed);

        if (!piece)
            break;
        if (g_bytes_get_size(piece) > REQUEST_BODY_MAX - body->len)
            return chama_error(error, CHAMA_ERROR_LIMIT, "brought: W23: want at most %d bytes of records, have more", REQUEST_BODY_MAX);
        g_byte_array_append(body, g_bytes_get_data(piece, NULL), (guint)g_bytes_get_size(piece));
    }
    if (failed)
        g_propagate_error(error, failed);
    return failed == NULL;
}

GBytes *
answer_to_bring(Home *home, const char *node, guint64 size, guint64 openings, GError **error)
{
    g_autoptr(ExchangeReply) reply = exchange_reply_to(home, node, size, openings, error);
    g_autoptr(GBytes) head = reply ? exchange_reply_format(reply, error) : NULL;
    g_autoptr(GByteArray) body = g_byte_array_new();

    if (!head)
        return NULL;
    if (g_bytes_get_size(head) >= REQUEST_BODY_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "brought: W23: want at most %d bytes, have more", REQUEST_BODY_MAX);
    g_byte_array_append(body, g_bytes_get_data(head, NULL), (guint)g_bytes_get_size(head));
    g_byte_array_append(body, (const guint8 *)"\n", 1);
    return append_records(body, home, node, size, error) ? g_byte_array_free_to_bytes(g_steal_pointer(&body)) : NULL;
}

/* What went wrong with a part of it is for this node's own log. */
static void
note_result(Answer *answer, const PullResult *result)
{
    if (result->alarms->len > 0)
        answer_set_remark(answer, result->alarms->pdata[0]);
    else if (result->problems->len > 0)
        answer_set_remark(answer, result->problems->pdata[0]);
}

/* W24: where this node stands now, so that the caller can go on from there. */
gboolean
answer_brought(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    const char *caller = answer->caller.node;
    g_autoptr(ExchangeReply) reply = exchange_reply_new();
    PullResult result = { 0 };
    GBytes *bytes = NULL;

    if (!answer->caller.accepted)
        return chama_error(error, CHAMA_ERROR_DENIED, "W24: records are taken from accepted peers");
    if (pull_brought(answer->home, caller, request->body, &result, error)) {
        note_result(answer, &result);
        g_strlcpy(reply->node, home_id(answer->home), sizeof reply->node);
        reply->peer = TRUE;
        if (exchange_ask_to_bring(answer->home, caller, reply, error)) {
            reply->bring = TRUE;
            bytes = exchange_reply_format(reply, error);
        }
    }
    pull_result_clear(&result);
    if (bytes)
        answer_set_body(answer, "application/json", bytes);
    return bytes != NULL;
}
