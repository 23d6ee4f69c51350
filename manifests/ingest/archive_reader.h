/*
 * archive_reader: libarchive, set up for archives from strangers: only formats and filters that it reads by itself (no helper programs, and not
 * mtree, which reads files of this machine), names as UTF-8 or as the bytes that they are, whatever the locale; and what it does not do itself: gzip's
 * checksum, an empty zip, a bound on the memory that a dictionary takes (AR5, AR14).
 */
#ifndef CHAMA_MANIFESTS_INGEST_ARCHIVE_READER_H
#define CHAMA_MANIFESTS_INGEST_ARCHIVE_READER_H

#include <sys/types.h>

#include <glib.h>

typedef struct ArchiveReader ArchiveReader;
/* "-" is a tar on stdin. @encoding (may be NULL): of names that do not say theirs; USAGE if it is not known. MALFORMED if it is no archive. */
ArchiveReader *archive_reader_open(const char *path, const char *encoding, GError **error);
void archive_reader_free(ArchiveReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveReader, archive_reader_free)

/* The version of libarchive that is loaded, for `chama --version`; "none" if it is not there. */
const char *archive_reader_library(void);

typedef struct {
    const char *path;          /* as it stands there */
    const char *hard_link, *link;   /* targets, or NULL */
    mode_t mode;
} ArchiveEntry;

/* Valid until the next call; FALSE without an error at the end. MALFORMED for a damaged or cut archive, LIMIT by AR14, from reading content, too. */
gboolean archive_reader_next(ArchiveReader *reader, ArchiveEntry *entry, GError **error);
/* Content of the entry: up to @size bytes; *@count 0 at its end. MALFORMED if it is not as long as the archive says. */
gboolean archive_reader_read(ArchiveReader *reader, void *buffer, gsize size, gsize *count, GError **error);

#endif
