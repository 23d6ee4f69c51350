/*
 * source: a regular file opened for reading, and whether it stood still meanwhile.
 */
#ifndef CHAMA_MANIFESTS_INGEST_SOURCE_H
#define CHAMA_MANIFESTS_INGEST_SOURCE_H

#include <sys/stat.h>

#include <glib.h>

/* How often a file that changes is read before it is given up. */
#define SOURCE_ATTEMPTS 4

typedef struct {
    int fd;
    struct stat st;            /* when it was opened */
} Source;

typedef enum {
    SOURCE_READ,
    SOURCE_CHANGED,            /* read again, or say so */
    SOURCE_FAILED              /* an error is set */
} SourceState;

/* SOURCE_CHANGED if it is gone or no regular file any more. */
SourceState source_open(Source *source, int root, const char *path, GError **error);
/* Compares what it is now with what it was when it was opened. */
SourceState source_check(const Source *source);
void source_clear(Source *source);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)

/* Up to @size bytes from @offset on into @buffer; fewer only at the end of the file, as *@count says. */
gboolean source_read(const Source *source, const char *path, guint64 offset, guint8 *buffer, gsize size, gsize *count, GError **error);

#endif
