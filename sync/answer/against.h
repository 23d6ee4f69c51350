/*
 * against: objects of a version as patches against those of an earlier one that the caller says it holds (sync/PROTOCOL.md, W16, E17).  Nothing is named
 * as a base but what stands in the listing of that version, which the caller may have, too.  One thread.
 */
#ifndef CHAMA_SYNC_ANSWER_AGAINST_H
#define CHAMA_SYNC_ANSWER_AGAINST_H

#include "manifests/listing/page.h"
#include "manifests/store/store.h"

typedef struct Against Against;
/* @root: of that version's listing; what is not held for @scope is not here.  @store must live longer. */
Against *against_new(Store *store, const Digest *root, const Scope *scope);
void against_free(Against *against);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Against, against_free)

/* @object, as store_get_stored() gave it, becomes what is sent: a patch that the caller can open, or the object whole.  A chunk: number @index of
 * @item. */
gboolean against_chunk(Against *against, const Item *item, guint index, StoredObject *object, GError **error);
gboolean against_page(Against *against, const Digest *digest, StoredObject *object, GError **error);

#endif
