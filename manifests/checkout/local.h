/*
 * local: what stands at a path of the folder that a checkout writes.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_LOCAL_H
#define CHAMA_MANIFESTS_CHECKOUT_LOCAL_H

#include "manifests/listing/compare.h"
#include "manifests/progress.h"
#include "manifests/tree/beneath.h"
#include "manifests/tree/stamp.h"

typedef enum {
    LOCAL_NOTHING,
    LOCAL_BLOCKED,             /* nothing, and nothing can be: something that is no folder stands above */
    LOCAL_FILE,
    LOCAL_LINK,
    LOCAL_FOLDER,
    LOCAL_SPECIAL
} LocalKind;

typedef struct {
    LocalKind kind;
    guint64 size;
    mode_t mode;
    Stamp stamp;
    gboolean hashed;
    Digest digest;             /* of a file, of a link's target: once it was asked for */
} Local;

gboolean local_look(BeneathFolder *folder, const char *path, Local *local, GError **error);
/* Is its content what @side says?  The executable bit is left out.  Sizes are compared before anything is read.  CANCELLED through @progress,
 * which may be NULL. */
gboolean local_is(BeneathFolder *folder, const char *path, Local *local, const Side *side, Progress *progress, gboolean *is, GError **error);

/* The shortest part of @path (which is blocked) that is no folder.  The caller's; NULL if it was freed meanwhile. */
char *local_obstacle(int root, const char *path);

#endif
