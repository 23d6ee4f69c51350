/*
 * answer_private: what the files that answer share.  A handler finds out all that can be wrong before the first byte; what follows comes from a
 * source, piece by piece.  Not for others.
 */
#ifndef CHAMA_SYNC_ANSWER_PRIVATE_H
#define CHAMA_SYNC_ANSWER_PRIVATE_H

#include "sync/answer.h"
#include "sync/wire.h"

#define ANSWER_PIECE (256 * 1024)
#define ANSWER_PROBLEM_TYPE "application/problem+json"   /* W7 */
#define RECORDS_TYPE "application/vnd.chama.records"   /* W8 */

/* Gives the next piece, or NULL at the end (or with an error: the answer breaks off). */
typedef GBytes *(*AnswerSource)(gpointer state, GError **error);

struct Answer {
    Home *home;
    int status;
    const char *content_type;
    char *cache;             /* NULL: nobody is to keep it */
    Caller caller;
    char *remark;
    gboolean pushes;         /* PS3 */
    GBytes *body;            /* whole, or else: */
    AnswerSource source;
    gpointer state;
    GDestroyNotify free_state;
    AnswerGit *git;          /* or else: */
};

/* A handler fills the answer, or sets an error, which becomes a problem document.  @name: the part of the path that the route leaves open. */
typedef gboolean (*AnswerHandler)(Answer *answer, const AnswerRequest *request, const char *name, GError **error);

gboolean answer_node(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_exchange(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_brought(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_push(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_arrivals(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_records(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_sparse(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_record(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_compare(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_evidence(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_take_evidence(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_content(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_details(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_pages(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_chunks(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_log_checkpoint(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_cosignatures(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_add_checkpoint(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_witnessed(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_log_tile(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_git_refs(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
gboolean answer_git_pack(Answer *answer, const AnswerRequest *request, const char *name, GError **error);
void answer_git_free(AnswerGit *git);

/* A whole body; takes over @body. */
void answer_set_body(Answer *answer, const char *content_type, GBytes *body);
/* A body in pieces; takes over @state. */
void answer_set_source(Answer *answer, const char *content_type, AnswerSource source, gpointer state, GDestroyNotify free_state);
void answer_set_remark(Answer *answer, const char *remark);
/* Cache-Control (RFC 9111). */
void answer_set_cache(Answer *answer, const char *cache);
/* "from=N" and nothing else: MALFORMED. */
gboolean answer_query_from(const AnswerRequest *request, guint64 *from, GError **error);

/* A11-A13: the ledger of @node, held whole here, brought up to date, if the caller may have it: whole, or else the own one also without its records.
 * What is refused is not found. */
Ledger *answer_find_ledger(Answer *answer, const AnswerRequest *request, const char *node, gboolean whole, GError **error);

/* The checkpoint under which a ledger is offered. */
typedef struct {
    char *note;
    guint64 size;
    Digest root;
    gint64 time;
    gboolean rotated;      /* there was a rotation: */
    Digest rotation;       /* the newest */
} Standing;
void standing_clear(Standing *standing);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Standing, standing_clear)
/* Of a ledger held whole here; the own one's is signed if need be.  NOT_FOUND if none is held. */
gboolean standing_of(Home *home, const char *node, Standing *standing, GError **error);

/* T17: puts the cosignatures of the checkpoint that are kept behind its owner's line: what leaves carries them. */
void standing_add_cosignatures(Home *home, const char *node, Standing *standing);

/* W22: how much of the ledger of @node, an accepted peer, is here, and which of its openings; and whether this node has no way to ask it for more. */
gboolean exchange_ask_to_bring(Home *home, const char *node, ExchangeReply *reply, GError **error);
/* What @node, an accepted peer that holds the first @size records of the own ledger, would get as a reply: the own ledger, and openings from @openings on.  The caller's. */
ExchangeReply *exchange_reply_to(Home *home, const char *node, guint64 size, guint64 openings, GError **error);

/* Bytes that @text takes as a JSON string. */
gsize json_string_size(const char *text, gsize size);

#endif
