/*
 * extent: where stored bytes lie, and reading those of many objects straight to where they are wanted: what lies close behind one another in a pack
 * comes with one read and without a copy.  For sending.  Thread-safe.  For manifests/store and who serves.
 */
#ifndef CHAMA_MANIFESTS_STORE_EXTENT_H
#define CHAMA_MANIFESTS_STORE_EXTENT_H

#include "manifests/store/index.h"

typedef IndexEntry StoreExtent;

/* FALSE if it is not here for @owner. */
gboolean store_find_extent(Store *store, const Digest *digest, const Scope *owner, StoreExtent *extent);
/* Fills each of @rooms with the stored bytes of its extent, checksum checked.  FALSE if one of them could not be read, or is not what it should be: which,
 * store_get_stored() says; nothing in the rooms counts then. */
gboolean store_read_extents(Store *store, const StoreExtent *extents, guint8 *const *rooms, guint count);

#endif
