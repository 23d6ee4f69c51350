/*
 * packing: the archives of a bundle, written: files go in one by one, a BagIt bag in a tar comes out, or several (volumes).  Nothing stands under its final name before all is
 * durable.  What is added first (common) is small, and stands in each volume, so that each can be applied by itself.
 */
#ifndef CHAMA_SYNC_BUNDLE_PACKING_H
#define CHAMA_SYNC_BUNDLE_PACKING_H

#include "sync/bundle/sealing.h"
#include "sync/bundle/volume.h"

typedef struct {
    guint64 volume_max;           /* bytes of a volume; 0: one archive */
    const char *info;             /* lines of bag-info.txt, but for what this adds: size, group, number */
    const Sealing *sealing;       /* NULL: in the clear */
} PackingOptions;

typedef struct Packing Packing;
/* @path ends in .tar or .tar.zst (USAGE); volumes are PATH with a number before that.  EXISTS if there is one. */
Packing *packing_new(const char *path, const PackingOptions *options, GError **error);
/* Takes away what is not finished. */
void packing_free(Packing *packing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Packing, packing_free)
/* @path below data/.  All common files come first.  LIMIT if volumes have no room for them. */
gboolean packing_add_common(Packing *packing, const char *path, GBytes *bytes, GError **error);
gboolean packing_add(Packing *packing, const char *path, GBytes *bytes, GError **error);
/* *@files (of char*): what was written; the caller's. */
gboolean packing_finish(Packing *packing, GPtrArray **files, guint64 *bytes, GError **error);
const char *packing_group(const Packing *packing);

#endif
