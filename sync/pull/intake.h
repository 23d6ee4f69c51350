/*
 * intake: what a peer sent, verified and stored on all cores while the next frames come in.  Memory is bounded: whoever gives waits while
 * too much is under way.
 */
#ifndef CHAMA_SYNC_PULL_INTAKE_H
#define CHAMA_SYNC_PULL_INTAKE_H

#include "manifests/store/store.h"
#include "sync/wire.h"

typedef struct Intake Intake;
/* Patches are opened with what @store holds for @owner. */
Intake *intake_new(Store *store, StoreWriter *writer, const Scope *owner);
/* Waits for what is under way. */
void intake_free(Intake *intake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Intake, intake_free)

/* Hands over one object as it was sent; it is stored only if it turns out to be @digest.  FALSE with the first error of any object given before. */
gboolean intake_give(Intake *intake, const Digest *digest, const FrameHeader *header, GBytes *stored, GError **error);
/* Waits until all given is stored: FALSE with the first error. */
gboolean intake_settle(Intake *intake, GError **error);

/* Stored so far: objects, and bytes as sent. */
guint64 intake_objects(Intake *intake);
guint64 intake_bytes(Intake *intake);

#endif
