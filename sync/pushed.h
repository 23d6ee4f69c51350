/*
 * pushed: what travels when a node pushes, beside ordinary requests (sync/PROTOCOL.md, part 12): the answer to its asking, and what came of it.  Pure.
 */
#ifndef CHAMA_SYNC_PUSHED_H
#define CHAMA_SYNC_PUSHED_H

#include <glib.h>

#define PUSH_PROTOCOL "chama/1"    /* PS3: of Upgrade */
#define PUSH_HEAD_MAX 4096         /* PS4: bytes of the answer's head */
#define PUSHED_MAX 1024            /* PS7: bytes of a result */

/* PS4: the status that @head, an answer's up to and with its empty line, begins with; 101 only if it agrees to PUSH_PROTOCOL.  MALFORMED. */
gboolean push_head_parse(const char *head, gsize size, guint *status, GError **error);

/* What came of it. */
typedef struct {
    guint64 records, versions, chunks, bytes;
    guint64 refused;       /* versions that are followed there and were not given */
    guint64 problems;      /* with single ledgers and versions; what they were is told to people there */
    guint exit_status;     /* 0 to 5: what the worst of them stands for */
    gboolean has_failed;   /* it could not be, or was broken off, for a reason of this code: */
    int failed;            /* a ChamaError */
} Pushed;

GBytes *pushed_format(const Pushed *pushed);
gboolean pushed_parse(GBytes *bytes, Pushed *pushed, GError **error);

#endif
