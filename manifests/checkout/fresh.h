/*
 * fresh: a file or link that gets its name only when it is whole: until then it has a temporary one in the same folder, and if it
 * is given up it is gone.  On a stage (stage.h), where nobody looks, it has its own name from the start.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_FRESH_H
#define CHAMA_MANIFESTS_CHECKOUT_FRESH_H

#include <glib.h>

typedef struct {
    int folder;                /* borrowed */
    int fd;                    /* -1 for a link */
    guint64 end;               /* of what was written */
    const char *named;         /* its own name, if it has that already: part of the path, borrowed */
    char name[32];             /* the temporary one; "" once it has its own */
} Fresh;
#define FRESH_INIT { .folder = -1, .fd = -1 }

/* Is @name one that fresh_open() gives? */
gboolean fresh_is_temporary(const char *name);

/* @path is for messages, and its last component is the name to be.  @staged: under that name, of which there must be nothing (as fresh_place()). */
gboolean fresh_open(Fresh *fresh, int folder, const char *path, gboolean staged, GError **error);
gboolean fresh_link(Fresh *fresh, int folder, const char *path, const char *target, GError **error);

/* Writes at @offset, leaving out whole blocks of zeros: they become holes.  Any thread. */
gboolean fresh_write(Fresh *fresh, const char *path, guint64 offset, const guint8 *data, gsize size, GError **error);
/* Makes it @size bytes long, of which those not written are zero. */
gboolean fresh_finish(Fresh *fresh, const char *path, guint64 size, gboolean executable, GError **error);

/* Gives it its name.  Without @replace there must be nothing of that name: EXISTS naming what the file system takes for the same. */
gboolean fresh_place(Fresh *fresh, const char *path, gboolean replace, GError **error);

/* renameat(), but nothing of the name @to may be there (EEXIST). */
int fresh_rename_to_free(int folder, const char *name, int to_folder, const char *to);

/* EXISTS naming what the file system takes for the same as @path's last component, which is there. */
gboolean fresh_refuse_taken(int folder, const char *path, GError **error);

void fresh_clear(Fresh *fresh);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fresh, fresh_clear)

/* Sets or takes the executable bits that go with the readable ones. */
gboolean fresh_set_executable(int fd, const char *path, gboolean executable, GError **error);

#endif
