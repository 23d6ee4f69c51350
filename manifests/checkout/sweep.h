/*
 * sweep: what a checkout that was killed has left is removed by the next one in the same folder, which holds its lock.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_SWEEP_H
#define CHAMA_MANIFESTS_CHECKOUT_SWEEP_H

#include <glib.h>

/* Temporary files of the folder at @path below @root, without those below it.  What cannot be removed stays. */
void sweep_folder(int root, const char *path);

/* The same of the folder @root itself, with stages (stage.h) but for the one called @stage.  Was there nothing else in it? */
gboolean sweep_top(int root, const char *stage);

/* Removes @name in @folder, and if it is a folder all that is in it.  What cannot be removed stays. */
void sweep_tree(int folder, const char *name);

/* Locks the folder that is checked out into until it is closed: EXISTS if another checkout is writing there. */
gboolean sweep_lock(int root, const char *folder, GError **error);

#endif
