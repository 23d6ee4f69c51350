/*
 * tar: the archive around a bag, written and read with libarchive (sync/BUNDLE.md, B1 to B6).  Nothing is ever unpacked by name: an archive becomes an index of
 * regular files, each a path and a place, whose bytes are read when they are asked for.
 *
 * Read are tar archives, plain or compressed by zstd, gzip or xz.  A plain one is read where it lies; a compressed one is spooled to a file without a name.
 */
#ifndef CHAMA_SYNC_BUNDLE_TAR_H
#define CHAMA_SYNC_BUNDLE_TAR_H

#include <glib.h>

#define TAR_FILE_MAX G_GUINT64_CONSTANT(75497472)   /* B3: bytes of one file: 72 MiB, so that each can be held in memory */
#define TAR_FILES_MAX 1000000                       /* B4 */
#define TAR_PATH_MAX 256                            /* B5 */
#define TAR_RATIO_MAX 64                            /* B6: by so much a compressed archive may grow, and 64 MiB more */

typedef struct TarWriter TarWriter;
/* Writes to @fd, which stays the caller's; @name is for messages.  Same files in the same order, same bytes. */
TarWriter *tar_writer_new(int fd, const char *name, gboolean zstd, GError **error);
gboolean tar_writer_add(TarWriter *writer, const char *path, GBytes *content, GError **error);
gboolean tar_writer_finish(TarWriter *writer, GError **error);
void tar_writer_free(TarWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TarWriter, tar_writer_free)
/* What a file of @size bytes takes in an archive that is not compressed. */
guint64 tar_file_size(guint64 size);
#define TAR_END_SIZE 10240                          /* at most, what ends an archive */

typedef struct {
    char *path;
    gint64 offset;
    guint64 size;
} TarFile;

typedef struct Tar Tar;
/* @spool: a folder for what is compressed, of whose disk @reserve bytes stay free.  MALFORMED, naming the entry and the rule: what is no whole archive, and what holds
 * other things than regular files and folders, a path that leads out of it, a path twice. */
Tar *tar_open(const char *path, const char *spool, guint64 reserve, GError **error);
void tar_free(Tar *tar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tar, tar_free)
/* All files in the order of the archive, of TarFile; borrowed. */
const GArray *tar_files(const Tar *tar);
GBytes *tar_read(Tar *tar, const TarFile *file, GError **error);

#endif
