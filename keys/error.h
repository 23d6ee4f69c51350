/*
 * error: the one GError domain of chama.  A code says what the caller can do next; the message is for a person.
 *
 * Message form: "SUBJECT: RULE: want X, have Y; WHAT TO DO", one line, no function names, no full stop.  RULE is the number
 * under which the format documents state it (for example M4), where there is one.
 */
#ifndef CHAMA_KEYS_ERROR_H
#define CHAMA_KEYS_ERROR_H

#include <glib.h>

#define CHAMA_ERROR (chama_error_quark())

typedef enum {
    CHAMA_ERROR_FAILED,      /* something here broke (disk, memory, a library)            exit 1, HTTP 500 */
    CHAMA_ERROR_USAGE,       /* the person asked for something that cannot be             exit 2, HTTP 400 */
    CHAMA_ERROR_NOT_FOUND,   /* no such thing here                                        exit 1, HTTP 404 */
    CHAMA_ERROR_EXISTS,      /* already there, and must not be replaced                   exit 1, HTTP 409 */
    CHAMA_ERROR_MALFORMED,   /* bytes that break a rule of a format                       exit 3, HTTP 400 */
    CHAMA_ERROR_LIMIT,       /* a bound was passed                                        exit 3, HTTP 413 */
    CHAMA_ERROR_UNSUPPORTED, /* an algorithm or version that this program does not know   exit 3, HTTP 400 */
    CHAMA_ERROR_VERIFY,      /* a signature, digest, chain or proof does not hold         exit 3, HTTP 400 */
    CHAMA_ERROR_DAMAGED,     /* what this node itself stored is no longer what it stored  exit 3, HTTP 500 */
    CHAMA_ERROR_FORK,        /* two histories of one ledger                               exit 3, HTTP 409 */
    CHAMA_ERROR_DENIED,      /* not allowed                                               exit 4, HTTP 404 (I4: as if it did not exist) */
    CHAMA_ERROR_UNREACHABLE, /* the peer did not answer: try again later                  exit 5, HTTP 503 */
    CHAMA_ERROR_NO_SPACE,    /* the disk or a quota is full                               exit 1, HTTP 507 */
    CHAMA_ERROR_CANCELLED,   /* the person stopped it                                     exit 1 */
} ChamaError;

GQuark chama_error_quark(void);

/* Sets @error and returns FALSE, so that a function may `return chama_error(...)`. */
gboolean chama_error(GError **error, ChamaError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The same for functions that return a pointer. */
void *chama_error_null(GError **error, ChamaError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The same for a failed system call: appends strerror(@errnum); ENOSPC and EDQUOT become CHAMA_ERROR_NO_SPACE, ENOENT
 * CHAMA_ERROR_NOT_FOUND, all else CHAMA_ERROR_FAILED. */
gboolean chama_error_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Exit status (0-5) and HTTP status of an error; errors of other domains count as CHAMA_ERROR_FAILED. */
int chama_error_exit_status(const GError *error);
int chama_error_http_status(const GError *error);

/* A short stable name of the code ("not-found", "no-space", ...), for JSON and problem documents. */
const char *chama_error_name(const GError *error);

#endif
