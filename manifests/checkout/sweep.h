/*
 * sweep: temporary files of a checkout that was killed are removed by the next one in the same folder, which holds its lock.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_SWEEP_H
#define CHAMA_MANIFESTS_CHECKOUT_SWEEP_H

#include <glib.h>

/* Of the folder at @path below @root, without those below it.  What cannot be removed stays. */
void sweep_folder(int root, const char *path);

/* Locks the folder that is checked out into until it is closed: EXISTS if another checkout is writing there. */
gboolean sweep_lock(int root, const char *folder, GError **error);

#endif
