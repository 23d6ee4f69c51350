/*
 * memories: the folder stamps/ of a home, in which each dataset and place that it was published from has its memory (manifests/ingest/memory.h).
 */
#ifndef CHAMA_MANIFESTS_MEMORIES_H
#define CHAMA_MANIFESTS_MEMORIES_H

#include "manifests/home.h"
#include "manifests/ingest/memory.h"

/* Of dataset @name and the folder or file @path; @anew: nothing is recalled; @writer (may be NULL): what the version is to be put with.  NULL if there can be none.  The home's
 * store must be open, and stay so. */
Memory *memories_open(Home *home, const char *name, const char *path, gboolean anew, StoreWriter *writer);
/* The version with the listing @root was committed, or is there already: keeps the memory, and lets go of those that were not used for longest.  @writer has been there since before what is
 * held of it was looked up. */
void memories_keep(Home *home, Memory *memory, StoreWriter *writer, const Digest *root);

/* The file for what is known of the folder @real (its real path) that versions are written into (CO8), and its key.  The caller's. */
char *memories_of_checkout(Home *home, const char *real, Digest *key);
/* Lets go of those that were not used for longest. */
void memories_trim(Home *home);

#endif
