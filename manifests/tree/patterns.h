/*
 * patterns: lines as in .gitignore, and which paths they match: comments '#', '!' takes back what an earlier line matched, a trailing '/'
 * asks for a folder, a '/' at the start or within ties a line to the top, one without is for names at any depth.  The last line that
 * matches decides.  What lies in a folder that matches is matched, whatever later lines say (git's rule).
 */
#ifndef CHAMA_MANIFESTS_TREE_PATTERNS_H
#define CHAMA_MANIFESTS_TREE_PATTERNS_H

#include <glib.h>

#define PATTERNS_MAX 10000

typedef struct Patterns Patterns;
Patterns *patterns_new(void);
void patterns_free(Patterns *patterns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Patterns, patterns_free)

/* One line, without its line feed.  USAGE if it is too long, LIMIT beyond PATTERNS_MAX. */
gboolean patterns_add(Patterns *patterns, const char *line, GError **error);
/* A whole file of lines; a '\r' before the line feed and a byte order mark are dropped. */
gboolean patterns_add_text(Patterns *patterns, const char *text, gsize size, GError **error);
/* One that a person typed: '#' and '!' are plain, a '/' at the start or within ties it to the top as in a line. */
gboolean patterns_add_path(Patterns *patterns, const char *glob, GError **error);

/* Of @path itself; for a walk that does not go into folders that match. */
gboolean patterns_match(const Patterns *patterns, const char *path, gboolean is_folder);
/* The same, looking at the folders above first; for paths in any order.  *@matched (may be NULL): how many bytes of @path
 * are the topmost match. */
gboolean patterns_match_deep(const Patterns *patterns, const char *path, gboolean is_folder, gsize *matched);

#endif
