/*
 * glob: patterns over paths, by gitignore's rules, byte by byte: '?' one byte but '/', '*' any of those, [a-z] [!a-z] [[:digit:]] one of a
 * set but '/', '\' takes the next byte as it is; a component that is "**" any number of components, and as the last one all
 * that lies below.  Time is bounded by pattern times path, whatever the pattern.  Pure.
 */
#ifndef CHAMA_MANIFESTS_TREE_GLOB_H
#define CHAMA_MANIFESTS_TREE_GLOB_H

#include <glib.h>

#define GLOB_SIZE_MAX 4096

typedef struct Glob Glob;
/* USAGE if it is longer than GLOB_SIZE_MAX bytes.  A '[' without its ']' matches nothing (as in git). */
Glob *glob_new(const char *pattern, GError **error);
void glob_free(Glob *glob);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Glob, glob_free)

/* Does the whole of @path match? */
gboolean glob_match(const Glob *glob, const char *path);

#endif
