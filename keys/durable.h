/*
 * durable: the one way to put a file or folder on disk: temporary name, write, fsync, rename, fsync the folder.
 */
#ifndef CHAMA_KEYS_DURABLE_H
#define CHAMA_KEYS_DURABLE_H

#include <sys/types.h>

#include <glib.h>

/* Writes @size bytes to @path (replacing it whole) so that after a crash there is the old file or the new one, never a part. */
gboolean durable_write(const char *path, const void *data, gsize size, mode_t mode, GError **error);
/* The same, but EXISTS if @path is already there. */
gboolean durable_create(const char *path, const void *data, gsize size, mode_t mode, GError **error);

/* The same bit by bit, for what is too large for memory: what durable_file_commit() has not given its name is gone with durable_file_free(). */
typedef struct DurableFile DurableFile;
/* @mode, less the umask.  EXISTS if there is a @path that is no regular file, or, without @replace, any. */
DurableFile *durable_file_new(const char *path, mode_t mode, gboolean replace, GError **error);
void durable_file_free(DurableFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DurableFile, durable_file_free)
int durable_file_fd(const DurableFile *file);
gboolean durable_file_write(DurableFile *file, const void *data, gsize size, GError **error);
/* EXISTS if @path came meanwhile and is not to be replaced. */
gboolean durable_file_commit(DurableFile *file, GError **error);

/* Makes @path (one level) if it is not there, and fsyncs its parent. */
gboolean durable_mkdir(const char *path, mode_t mode, GError **error);
gboolean durable_fsync_folder(const char *path, GError **error);
gboolean durable_fsync(int fd, const char *path, GError **error);
/* Renames and fsyncs the target's folder. */
gboolean durable_rename(const char *from, const char *to, GError **error);
gboolean durable_unlink(const char *path, GError **error);

/* Removes the temporary files in @folder that writers who died left there at least @age seconds ago: nobody who is alive takes so long. */
void durable_clear_stale(const char *folder, gint64 age);

/* Removes @path with all that is below it, following no links.  FALSE if something of it is still there. */
gboolean durable_remove_tree(const char *path);

/* All of a file of at most @limit bytes (LIMIT otherwise).  The caller's. */
GBytes *durable_read(const char *path, gsize limit, GError **error);

#endif
