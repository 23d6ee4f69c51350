#include "manifests/tree/stamp.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <time.h>

#define SECOND G_GINT64_CONSTANT(1000000000)
/* AR10: the coarsest clock of a file system that is trusted, ext3's of one second, and as much again. */
#define SETTLED_AFTER (2 * SECOND)

/* Not in linux/magic.h. */
#define MAGIC_ZFS 0x2fc12fc1
#define MAGIC_JFS 0x3153464a
#define MAGIC_BCACHEFS 0xca451a4e

static gint64
nanoseconds(const struct timespec *time)
{
    gint64 all;

    if (__builtin_mul_overflow((gint64)time->tv_sec, SECOND, &all) || __builtin_add_overflow(all, (gint64)time->tv_nsec, &all))
        return G_MAXINT64;
    return all;
}

Stamp
stamp_of(const struct stat *st)
{
    Stamp stamp = { .device = st->st_dev, .inode = st->st_ino, .size = (guint64)st->st_size, .modified = nanoseconds(&st->st_mtim),
                    .changed = nanoseconds(&st->st_ctim) };

    if (stamp.modified == G_MAXINT64 || stamp.changed == G_MAXINT64)
        stamp.inode = 0;
    return stamp;
}

gboolean
stamp_equal(const Stamp *a, const Stamp *b)
{
    return a->inode != 0 && a->inode == b->inode && a->device == b->device && a->size == b->size && a->modified == b->modified &&
           a->changed == b->changed;
}

gboolean
stamp_is_settled(const Stamp *stamp, gint64 now)
{
    return stamp->inode != 0 && stamp->modified < now - SETTLED_AFTER && stamp->changed < now - SETTLED_AFTER;
}

gint64
stamp_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds(&now);
}

/* Those named are trusted, so that one that nobody thought of (of a network, of FUSE, of a virtual machine's host) costs time and not truth.  Not
 * FAT: it has inodes that are made up, and times of two seconds. */
gboolean
file_system_is_local(int fd)
{
    static const guint32 local[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC, RAMFS_MAGIC, F2FS_SUPER_MAGIC,
                                     OVERLAYFS_SUPER_MAGIC, REISERFS_SUPER_MAGIC, NILFS_SUPER_MAGIC, MAGIC_ZFS, MAGIC_JFS, MAGIC_BCACHEFS };
    struct statfs about;

    if (fstatfs(fd, &about) != 0)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(local); i++)
        if ((guint32)about.f_type == local[i])
            return TRUE;
    return FALSE;
}
