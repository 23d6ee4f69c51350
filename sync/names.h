/*
 * names: what nodes call themselves, made fit for aliases and terminals (sync/PROTOCOL.md, part 5, rules NM1..).  Pure.
 */
#ifndef CHAMA_SYNC_NAMES_H
#define CHAMA_SYNC_NAMES_H

#include "manifests/statement.h"

#define ALIAS_MAX 40
#define PEER_NAME_MAX 256

/* NM2: a slug of @name (may be NULL): "Forestry Bureau" -> "forestry-bureau", and "node" where no ASCII letter or digit is left.  The caller's. */
char *name_slug(const char *name);
/* NM1: [a-z0-9._-], 1 to ALIAS_MAX bytes, begins with a letter or digit, is not "self": USAGE otherwise. */
gboolean alias_check(const char *alias, GError **error);

/* NM6: the @size bytes at @text with a '?' for each that is not UTF-8, control characters and those that do not show (manifests/text.h), cut to at
 * most @max bytes at a character's end.  For what a peer said and a terminal will show.  The caller's. */
char *name_printable(const char *text, gsize size, gsize max);

/* What a node calls itself: the English name, else the Chinese one.  The caller's. */
char *name_of_profile(const Profile *profile);

#endif
