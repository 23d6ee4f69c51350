/*
 * beneath: opening what lies below a folder, and nothing else (I7).  No component of a path is ever a symbolic link that is followed,
 * whoever changes the tree meanwhile: openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), or one openat(O_NOFOLLOW) a component where the
 * kernel has no openat2.
 *
 * Paths are relative, as path_check() allows them; "" is the folder itself.
 */
#ifndef CHAMA_MANIFESTS_TREE_BENEATH_H
#define CHAMA_MANIFESTS_TREE_BENEATH_H

#include <sys/types.h>

#include <glib.h>

/* A descriptor (close-on-exec), or -1 with errno: ELOOP or ENOTDIR if a link or file is in the way.  Thread-safe. */
int beneath_open(int root, const char *path, int flags, mode_t mode);
/* The same without openat2, as older kernels do it: for its test. */
int beneath_open_stepwise(int root, const char *path, int flags, mode_t mode);

/* The last component of @path, within @path. */
const char *beneath_name(const char *path);
/* What comes before it, without the '/'; "" at the top.  The caller's. */
char *beneath_parent(const char *path);

/* Makes the folder @path and those above it, where they are not there; FALSE with errno. */
gboolean beneath_make_folder(int root, const char *path);

/* The folder that holds a path, kept open for the next path of the same folder. */
typedef struct {
    int root, fd;
    char *path;
} BeneathFolder;
#define BENEATH_FOLDER_INIT(root_fd) { .root = (root_fd), .fd = -1 }
/* The descriptor of the folder of @path (the cache's), made with all above it if @make; -1 with errno. */
int beneath_folder_of(BeneathFolder *cache, const char *path, gboolean make);
void beneath_folder_clear(BeneathFolder *cache);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BeneathFolder, beneath_folder_clear)

/* The target of the symbolic link @name in the folder @fd, at most LINK_TARGET_MAX bytes; NULL with errno.  The caller's. */
char *beneath_read_link(int fd, const char *name);

/*
 * CO1 link targets: a symbolic link is written and published only if it cannot lead out of the folder: its target is relative, begins with at
 * most as many ".." as its path has folders, and has no ".." after a name.  Then no chain of such links leaves the folder either
 * (with "name/.." it could: the name may itself be a link).  MALFORMED naming rule, path and target.
 */
gboolean link_check(const char *path, const char *target, GError **error);

#endif
