/*
 * spool: a growing row of bytes, in memory up to a limit, beyond it in a file without a name (in $TMPDIR): memory is bounded by the
 * limit, not by what is spooled (I6).  One thread.
 */
#ifndef CHAMA_MANIFESTS_TREE_SPOOL_H
#define CHAMA_MANIFESTS_TREE_SPOOL_H

#include <glib.h>

typedef struct Spool Spool;
Spool *spool_new(gsize memory_limit);
void spool_free(Spool *spool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Spool, spool_free)

gboolean spool_add(Spool *spool, const void *data, gsize size, GError **error);
guint64 spool_size(const Spool *spool);
/* @size bytes from @offset on, which must have been added. */
gboolean spool_read(Spool *spool, guint64 offset, void *data, gsize size, GError **error);
/* Empty again. */
gboolean spool_reset(Spool *spool, GError **error);

#endif
