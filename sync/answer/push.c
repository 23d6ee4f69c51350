/* POST /v1/push and /v1/push/answers: PS3 to PS5 of sync/PROTOCOL.md. */
#include "keys/error.h"
#include "sync/answer/answer_private.h"

gboolean
answer_push(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    if (!answer->caller.accepted)
        return chama_error(error, CHAMA_ERROR_DENIED, "PS3: pushes are taken from accepted peers");
    answer->status = 200;
    answer->pushes = TRUE;
    return TRUE;
}
