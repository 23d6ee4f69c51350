/*
 * names: what nodes call themselves, made fit for aliases and terminals (sync/PROTOCOL.md, part 5, rules N1..).  Pure.
 */
#ifndef CHAMA_SYNC_NAMES_H
#define CHAMA_SYNC_NAMES_H

#include <glib.h>

#define ALIAS_MAX 40
#define PEER_NAME_MAX 256

/* N2: a slug of @name (may be NULL): "Forestry Bureau" -> "forestry-bureau", and "node" where no ASCII letter or digit is left.  The caller's. */
char *name_slug(const char *name);
/* N1: [a-z0-9._-], 1 to ALIAS_MAX bytes, begins with a letter or digit, is not "self", is not spelt like a node id: USAGE otherwise. */
gboolean alias_check(const char *alias, GError **error);

/* N6: TRUE if all of @text (at most @max bytes) is valid UTF-8 that a terminal shows as it is: no control, format (such as those that turn the direction of
 * writing), line or paragraph separator, unassigned character. */
gboolean name_is_printable(const char *text, gsize max);
/* The same text with a '?' for each character that is not, cut to at most @max bytes at a character's end.  The caller's. */
char *name_printable(const char *text, gsize size, gsize max);

#endif
