/*
 * stage: a folder in the target folder, where a checkout into an empty one writes what then gets its place all at once.  So a file has its own name from
 * the start, nobody sees a part of a version, and once there is something to see all of it is durable.
 *
 * Its name comes from what is checked out: one that was killed is gone on with by the next checkout of the same.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_STAGE_H
#define CHAMA_MANIFESTS_CHECKOUT_STAGE_H

#include "keys/digest.h"

typedef struct {
    int target, fd;            /* target: borrowed */
    char name[32];
    gboolean resumed;          /* there is something in it */
} Stage;
#define STAGE_INIT { .target = -1, .fd = -1 }

/* The name of a stage for the files of @listing that @only (may be NULL) takes. */
void stage_name(const Digest *listing, char *const *only, char name[32]);
gboolean stage_open(Stage *stage, int target, const char *name, GError **error);
/* Gives everything its place, of which there must be nothing (EXISTS), and removes the stage. */
gboolean stage_settle(Stage *stage, GError **error);
/* Removes it with all that is in it. */
void stage_discard(Stage *stage);
/* Closes: what was neither settled nor discarded stays for the next checkout. */
void stage_close(Stage *stage);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Stage, stage_close)

#endif
