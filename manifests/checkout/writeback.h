/*
 * writeback: what a checkout has written goes to the disk while it is still writing the rest, so that its sync at the end finds little left.  Only ever
 * sooner: whether all is durable, and whether that failed, is for the sync at the end to say.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_WRITEBACK_H
#define CHAMA_MANIFESTS_CHECKOUT_WRITEBACK_H

#include <glib.h>

typedef struct Writeback Writeback;
/* Of the file system of the folder @root, which is borrowed. */
Writeback *writeback_new(int root);
/* Waits for what is under way. */
void writeback_free(Writeback *writeback);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Writeback, writeback_free)

/* So many bytes more were written.  Any thread; never waits for the disk. */
void writeback_add(Writeback *writeback, guint64 bytes);

#endif
