/*
 * archive_writer: libarchive, set up to write the same bytes for the same members everywhere: one time for all, no owner, modes 644 and 755, nothing of this
 * machine, names as the bytes that they are (manifests/FORMAT.md, EX2-EX4).
 *
 * From new to free it belongs to one thread, whose locale it changes.
 */
#ifndef CHAMA_MANIFESTS_EXPORT_ARCHIVE_WRITER_H
#define CHAMA_MANIFESTS_EXPORT_ARCHIVE_WRITER_H

#include <glib.h>

typedef enum { ARCHIVE_WRITER_TAR, ARCHIVE_WRITER_ZIP } ArchiveWriterKind;

/* Bytes of the archive, in order. */
typedef gboolean (*ArchiveOut)(gpointer data, const void *bytes, gsize size, GError **error);

typedef struct ArchiveWriter ArchiveWriter;
/* @time: seconds since 1970, of all members.  A zip wants the time zone of the process to be UTC: FAILED. */
ArchiveWriter *archive_writer_new(ArchiveWriterKind kind, gint64 time, ArchiveOut out, gpointer data, GError **error);
/* What was not finished has no end marker, or no directory: nobody takes it for whole. */
void archive_writer_free(ArchiveWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveWriter, archive_writer_free)

/* Members; after a file come its @size bytes, no more and no fewer.  UNSUPPORTED if the format cannot hold the name. */
gboolean archive_writer_file(ArchiveWriter *writer, const char *path, guint64 size, gboolean executable, GError **error);
gboolean archive_writer_link(ArchiveWriter *writer, const char *path, const char *target, GError **error);
gboolean archive_writer_folder(ArchiveWriter *writer, const char *path, GError **error);
gboolean archive_writer_bytes(ArchiveWriter *writer, const void *bytes, gsize size, GError **error);
gboolean archive_writer_finish(ArchiveWriter *writer, GError **error);

#endif
