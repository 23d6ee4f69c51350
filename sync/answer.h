/*
 * answer: what a node answers to a request of the peer API, whatever road it came by (sync/PROTOCOL.md, part 3).  Knows nothing of
 * HTTP's framing, TLS or sockets.
 */
#ifndef CHAMA_SYNC_ANSWER_H
#define CHAMA_SYNC_ANSWER_H

#include "sync/access.h"

#define REQUEST_BODY_MAX (1024 * 1024)

typedef struct {
    const char *method;          /* "GET", "POST" */
    const char *path;            /* "/v1/ledgers/.../records", without the query */
    const char *query;           /* "from=12" or NULL */
    const char *grant;           /* value of Chama-Grant, or NULL */
    const char *git_protocol;    /* value of Git-Protocol, or NULL */
    const char *encoding;        /* value of Content-Encoding, or NULL: read only where it says so (GT4) */
    const char *node;            /* whom the road itself proves the caller to be (A15); NULL: by its TLS key, or nobody */
    gboolean has_pin;
    Digest pin;                  /* of the caller's TLS key */
    GBytes *body;                /* at most REQUEST_BODY_MAX; may be NULL */
} AnswerRequest;

/* What git is to answer, run by who has the Answer: `git upload-pack` on one repository, read only (GT6). */
typedef struct {
    char *repository;            /* its folder */
    guint version;               /* of git's protocol: 0, 1, 2 */
    GBytes *input;               /* what it reads; NULL: it shows its refs */
} AnswerGit;

typedef struct Answer Answer;

/* Never NULL: an error is an answer too (a problem document). */
Answer *answer_new(Home *home, const AnswerRequest *request);
void answer_free(Answer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Answer, answer_free)

/* The body of POST /v1/brought (W23) for @node, an accepted peer that holds @size records of the own ledger and asks for openings from @openings on: the other side
 * of what answers to it.  LIMIT if it would not fit into a request. */
GBytes *answer_to_bring(Home *home, const char *node, guint64 size, guint64 openings, GError **error);

int answer_status(const Answer *answer);
/* TRUE: the caller may be asked now (PS3), and there is no body. */
gboolean answer_is_push(const Answer *answer);
/* The body is what git gives, and answer_next() gives none; else NULL.  Lives as long as the answer; needs no Home. */
const AnswerGit *answer_git(const Answer *answer);
const char *answer_content_type(const Answer *answer);
/* Who may keep it and how long: Cache-Control (RFC 9111). */
const char *answer_cache(const Answer *answer);
/* Does it come from the home as it goes?  If not, the Home may be used for others meanwhile. */
gboolean answer_is_streamed(const Answer *answer);
/* The next piece of the body (up to about 256 KiB), or NULL at the end; NULL with an error if the answer must break off (the receiver then
 * sees a cut stream). May use the Home given to answer_new(), which must live that long and be used by no other thread meanwhile. */
GBytes *answer_next(Answer *answer, GError **error);
/* Why, in a word for this node's own log: which rule refused, what was damaged; NULL if there is nothing to say.  Never for the caller. */
const char *answer_remark(const Answer *answer);
/* Which node asked, as far as it showed that; "" for nobody. */
const char *answer_caller(const Answer *answer);

#endif
