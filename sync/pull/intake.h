/*
 * intake: what a peer sent, verified and stored on all cores while the next frames come in.  Small objects are handed to a core many at a time.  Memory
 * is bounded: whoever gives waits while too much is under way.
 */
#ifndef CHAMA_SYNC_PULL_INTAKE_H
#define CHAMA_SYNC_PULL_INTAKE_H

#include "manifests/store/store.h"
#include "sync/wire.h"

typedef struct Intake Intake;
Intake *intake_new(Store *store);
/* Waits for what is under way. */
void intake_free(Intake *intake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Intake, intake_free)

/* Who what arrives is for: borrowed until intake_settle(). */
typedef struct {
    StoreWriter *writer;
    Scope owner;              /* patches are opened with what is held for it */
    /* What became of @object, from any thread: it is stored, or (@refused, borrowed) it is not what it should be. */
    void (*told)(gpointer data, gpointer object, const GError *refused);
    gpointer data;
} IntakeFor;

/* Hands over one object as it was sent; it is stored only if it turns out to be @digest, which it is told of as @object.  FALSE with the first error of
 * storing any object given before: what does not verify is no such error.  From any thread. */
gboolean intake_give(Intake *intake, const IntakeFor *whom, const Digest *digest, gpointer object, const FrameHeader *header, GBytes *stored, GError **error);
/* Waits until all given is stored or refused, and told of: FALSE with the first error of storing, which is then forgotten. */
gboolean intake_settle(Intake *intake, GError **error);

#endif
