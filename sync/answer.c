/* Routes, and the life of an answer; part 3 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "sync/answer/answer_private.h"
#include "sync/decimal.h"

#define NAME_MAX_BYTES 64   /* a node id or a digest in hex */

/* Between before and after stands one part of the path; without after, the path is before.  An after that ends in a slash leaves open what follows. */
static const struct {
    const char *method, *before, *after;
    AnswerHandler handler;
} routes[] = {
    { "GET", "/v1/node", NULL, answer_node },
    { "POST", "/v1/exchange", NULL, answer_exchange },
    { "POST", "/v1/cosignatures", NULL, answer_cosignatures },
    { "POST", "/v1/arrivals", NULL, answer_arrivals },
    { "POST", "/v1/brought", NULL, answer_brought },
    { "POST", "/v1/push", NULL, answer_push },
    { "POST", "/v1/push/answers", NULL, answer_push },
    { "GET", "/v1/ledgers/", "/records", answer_records },
    { "GET", "/v1/ledgers/", "/sparse", answer_sparse },
    { "GET", "/v1/records/", "", answer_record },
    { "POST", "/v1/ledgers/", "/compare", answer_compare },
    { "GET", "/v1/evidence/", "/fork", answer_evidence },
    { "GET", "/v1/evidence/", "/rollback", answer_evidence },
    { "POST", "/v1/evidence", NULL, answer_take_evidence },
    { "GET", "/v1/versions/", "/content", answer_content },
    { "GET", "/v1/versions/", "/details", answer_details },
    { "POST", "/v1/versions/", "/pages", answer_pages },
    { "POST", "/v1/versions/", "/chunks", answer_chunks },
    { "GET", "/log/", "/checkpoint", answer_log_checkpoint },
    { "GET", "/log/", "/tile/", answer_log_tile },
    { "GET", "/ledgers/", "/info/refs", answer_git_refs },
    { "POST", "/ledgers/", "/git-upload-pack", answer_git_pack },
    { "POST", "/witness/add-checkpoint", NULL, answer_add_checkpoint },
    { "GET", "/witness/", "/checkpoint", answer_witnessed },
};

void
answer_set_body(Answer *answer, const char *content_type, GBytes *body)
{
    answer->status = 200;
    answer->content_type = content_type;
    answer->body = body;
}

void
answer_set_source(Answer *answer, const char *content_type, AnswerSource source, gpointer state, GDestroyNotify free_state)
{
    answer->status = 200;
    answer->content_type = content_type;
    answer->source = source;
    answer->state = state;
    answer->free_state = free_state;
}

void
answer_set_remark(Answer *answer, const char *remark)
{
    g_free(answer->remark);
    answer->remark = g_strdup(remark);
}

gboolean
answer_query_from(const AnswerRequest *request, guint64 *from, GError **error)
{
    if (!request->query || !g_str_has_prefix(request->query, "from=") || !decimal_parse(request->query + strlen("from="), DECIMAL_MAX, from))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "request: E3: want the query from=N");
    return TRUE;
}

static gboolean
ends_as(const char *rest, const char *after)
{
    return g_str_has_suffix(after, "/") ? g_str_has_prefix(rest, after) : strcmp(rest, after) == 0;
}

/* The open part of the path into @name, if the path is this route's. */
static gboolean
matches(const char *path, guint route, char name[NAME_MAX_BYTES + 1])
{
    const char *rest;
    gsize size;

    name[0] = '\0';
    if (!routes[route].after)
        return strcmp(path, routes[route].before) == 0;
    if (!g_str_has_prefix(path, routes[route].before))
        return FALSE;
    rest = path + strlen(routes[route].before);
    size = strcspn(rest, "/");
    if (size == 0 || size > NAME_MAX_BYTES || !ends_as(rest + size, routes[route].after))
        return FALSE;
    memcpy(name, rest, size);
    name[size] = '\0';
    return TRUE;
}

void
answer_set_cache(Answer *answer, const char *cache)
{
    g_free(answer->cache);
    answer->cache = g_strdup(cache);
}

/* The one answer whose status no error has. */
static gboolean
refuse_method(Answer *answer)
{
    static const char problem[] = "{\"code\":\"usage\",\"detail\":\"no such method here\",\"status\":405,\"title\":\"Method Not Allowed\",\"type\":\"about:blank\"}";

    answer_set_body(answer, ANSWER_PROBLEM_TYPE, g_bytes_new_static(problem, strlen(problem)));
    answer->status = 405;
    return TRUE;
}

static gboolean
route(Answer *answer, const AnswerRequest *request, GError **error)
{
    char name[NAME_MAX_BYTES + 1];
    gboolean known = FALSE;

    if (request->body && g_bytes_get_size(request->body) > REQUEST_BODY_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "request: E2: want a body of at most %d bytes", REQUEST_BODY_MAX);
    for (guint i = 0; i < G_N_ELEMENTS(routes); i++) {
        if (!matches(request->path, i, name))
            continue;
        if (strcmp(request->method, routes[i].method) == 0)
            return routes[i].handler(answer, request, name, error);
        known = TRUE;
    }
    if (known)
        return refuse_method(answer);
    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s %s: no such address", request->method, request->path);
}

Answer *
answer_new(Home *home, const AnswerRequest *request)
{
    Answer *answer = g_new0(Answer, 1);
    g_autoptr(GError) error = NULL;

    answer->home = home;
    if (request->node)
        access_named(home, request->node, &answer->caller);
    else if (request->has_pin)
        access_accepted(home, &request->pin, &answer->caller);
    if (route(answer, request, &error))
        return answer;
    if (!answer->remark)
        answer_set_remark(answer, error->message);
    g_clear_pointer(&answer->git, answer_git_free);
    answer->status = chama_error_http_status(error);
    answer->content_type = ANSWER_PROBLEM_TYPE;
    answer->body = problem_format(error);
    return answer;
}

void
answer_free(Answer *answer)
{
    if (!answer)
        return;
    if (answer->free_state)
        answer->free_state(answer->state);
    g_clear_pointer(&answer->git, answer_git_free);
    g_clear_pointer(&answer->body, g_bytes_unref);
    g_free(answer->remark);
    g_free(answer->cache);
    g_free(answer);
}

int
answer_status(const Answer *answer)
{
    return answer->status;
}

const AnswerGit *
answer_git(const Answer *answer)
{
    return answer->git;
}

const char *
answer_content_type(const Answer *answer)
{
    return answer->content_type;
}

const char *
answer_cache(const Answer *answer)
{
    return answer->cache ? answer->cache : "no-store";
}

const char *
answer_remark(const Answer *answer)
{
    return answer->remark;
}

const char *
answer_caller(const Answer *answer)
{
    return answer->caller.node;
}

gboolean
answer_is_push(const Answer *answer)
{
    return answer->pushes;
}

gboolean
answer_is_streamed(const Answer *answer)
{
    return answer->source != NULL;
}

GBytes *
answer_next(Answer *answer, GError **error)
{
    if (answer->source)
        return answer->source(answer->state, error);
    return g_steal_pointer(&answer->body);
}
