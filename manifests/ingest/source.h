/*
 * source: a regular file opened for reading, and whether it stood still meanwhile.
 */
#ifndef CHAMA_MANIFESTS_INGEST_SOURCE_H
#define CHAMA_MANIFESTS_INGEST_SOURCE_H

#include "manifests/tree/beneath.h"
#include "manifests/tree/look.h"

/* How often a file that changes is read before it is given up. */
#define SOURCE_ATTEMPTS 4

typedef struct {
    int fd;
    mode_t mode;               /* both as it was when it was opened, or seen before that */
    Stamp stamp;
} Source;

typedef enum {
    SOURCE_READ,
    SOURCE_CHANGED,            /* read again, or say so */
    SOURCE_FAILED              /* an error is set */
} SourceState;

/* SOURCE_CHANGED if it is gone or no regular file any more. */
SourceState source_open(Source *source, int root, const char *path, GError **error);
/* The same for many files of the folders that @folder holds open.  With @seen (may be NULL) nothing is asked before it is read: source_check() compares with
 * what was seen. */
SourceState source_open_in(Source *source, BeneathFolder *folder, const char *path, const Found *seen, GError **error);
/* Compares what it is now with what it was when it was opened. */
SourceState source_check(const Source *source);
void source_clear(Source *source);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)

/* Up to @size bytes from @offset on into @buffer; fewer only at the end of the file, as *@count says. */
gboolean source_read(const Source *source, const char *path, guint64 offset, guint8 *buffer, gsize size, gsize *count, GError **error);

#endif
