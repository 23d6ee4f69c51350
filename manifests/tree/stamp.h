/*
 * stamp: what stat says of a file by which a change of its content shows (AR9): device, inode, size, and the times of the last change of content
 * and of anything.  Pure, but for the two questions to the system.
 */
#ifndef CHAMA_MANIFESTS_TREE_STAMP_H
#define CHAMA_MANIFESTS_TREE_STAMP_H

#include <sys/stat.h>

#include <glib.h>

typedef struct {
    guint64 device, inode, size;   /* inode 0: says nothing, and equals nothing */
    gint64 modified, changed;      /* nanoseconds since 1970 */
} Stamp;

/* Says nothing of a file whose times are beyond 64 bits of nanoseconds. */
Stamp stamp_of(const struct stat *st);
gboolean stamp_equal(const Stamp *a, const Stamp *b);
/* AR10: the file was left alone long enough before @now that a later change has another time. */
gboolean stamp_is_settled(const Stamp *stamp, gint64 now);

gint64 stamp_now(void);
/* AR10: does the file system of @fd (may be O_PATH) keep times and inodes by itself, on this machine?  What is not known does not. */
gboolean file_system_is_local(int fd);

#endif
