/*
 * holes: where a file has none of its bytes on disk, so that what is known to be zero need not be read.
 */
#ifndef CHAMA_MANIFESTS_TREE_HOLES_H
#define CHAMA_MANIFESTS_TREE_HOLES_H

#include <glib.h>

typedef struct {
    int fd;
    guint64 size;              /* of the file */
    guint64 data_until;        /* no hole begins before this: no call is spent on what is known to be data */
    guint64 hole_from, hole_until;   /* where the hole was found that was found last */
} Holes;

/* How many bytes from @offset on are a hole; 0 too where the file system cannot tell. */
guint64 holes_at(Holes *holes, guint64 offset);

#endif
