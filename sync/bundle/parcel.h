/*
 * parcel: the volumes of one bundle that are at hand, read as one: files by their names, whichever volume has them, in the clear (sync/BUNDLE.md, B12, B14, B20 to B24).
 * A file that is damaged in one volume is read from another that has it; what no volume has is not found.
 */
#ifndef CHAMA_SYNC_BUNDLE_PARCEL_H
#define CHAMA_SYNC_BUNDLE_PARCEL_H

#include "sync/bundle/sealing.h"
#include "sync/bundle/volume.h"

typedef struct Parcel Parcel;
Parcel *parcel_new(void);
void parcel_free(Parcel *parcel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Parcel, parcel_free)
/* Takes over @volume if it belongs to the same bundle: FALSE if not. */
gboolean parcel_add(Parcel *parcel, Volume *volume);
/* Of the first volume. */
const VolumeInfo *parcel_info(const Parcel *parcel);
GPtrArray *parcel_volumes(const Parcel *parcel);   /* of Volume*, by their numbers; borrowed */
gboolean parcel_is_sealed(const Parcel *parcel);
/* After the last volume: what is in them.  @home (may be NULL: only what is not sealed) has the keys.  DENIED if they are not for this node. */
gboolean parcel_open(Parcel *parcel, Home *home, GError **error);

/* All names, sorted as bytes. */
guint parcel_count(const Parcel *parcel);
const char *parcel_path(const Parcel *parcel, guint index);
guint64 parcel_size(const Parcel *parcel, guint index);
/* The first whose name is not before @path; the count if there is none. */
guint parcel_search(const Parcel *parcel, const char *path);
gboolean parcel_has(const Parcel *parcel, const char *path);
/* NOT_FOUND; VERIFY if it is damaged in every volume that has it. */
GBytes *parcel_read(Parcel *parcel, const char *path, GError **error);
/* What was found damaged so far, each once: of char*, borrowed. */
const GPtrArray *parcel_damage(const Parcel *parcel);

#endif
