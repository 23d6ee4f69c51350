/*
 * canonical: JSON in the narrow RFC 8785 profile of keys/IDENTITY.md, part 2 (rules C1-C9): integers only with
 * |n| <= 2^53-1, no null, no duplicate names, no NUL, no lone surrogates, depth at most 16, at most 4096 members in all.
 * Member names sort by UTF-16 code units.  One object, one spelling: what does not re-serialise to the same bytes is refused.
 *
 * Pure and bounded.  Also the one place that reads typed members out of a json_t, so that every parser says the same words.
 */
#ifndef CHAMA_KEYS_CANONICAL_H
#define CHAMA_KEYS_CANONICAL_H

#include <glib.h>
#include <jansson.h>

#include "keys/digest.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

#define CANONICAL_DEPTH_MAX 16
#define CANONICAL_MEMBERS_MAX 4096

/* Parses @size bytes (at most @limit: LIMIT) that must be one canonical object or array.  @what names it in errors. */
json_t *canonical_parse(const void *data, gsize size, gsize limit, const char *what, GError **error);

/* The canonical bytes of @value (no final line feed), or NULL where the profile cannot express it. */
GBytes *canonical_format(const json_t *value, GError **error);

/* The same members in the same order, indented by two spaces, one member a line, with a final line feed: for people
 * (datasets/NAME/manifest.json).  A function of the canonical bytes alone; frozen as part of ledger/1. */
char *canonical_format_pretty(const json_t *value);

/* Typed members of @object.  A missing or wrongly typed one is MALFORMED, and names @what and the member.  Strings are borrowed from
 * the object and hold at most @max bytes of UTF-8, any characters: what people will see goes through manifests/text.h, too. */
gboolean member_string(const json_t *object, const char *what, const char *name, gsize max, const char **value, GError **error);
gboolean member_integer(const json_t *object, const char *what, const char *name, gint64 min, gint64 max, gint64 *value, GError **error);
gboolean member_digest(const json_t *object, const char *what, const char *name, Digest *value, GError **error);
gboolean member_time(const json_t *object, const char *what, const char *name, gint64 *seconds, GError **error);
gboolean member_object(const json_t *object, const char *what, const char *name, const json_t **value, GError **error);
gboolean member_array(const json_t *object, const char *what, const char *name, gsize max, const json_t **value, GError **error);

/* TRUE if @object has a member @name. */
gboolean member_has(const json_t *object, const char *name);

/* Refuses members that are not in @known (NULL-terminated): MALFORMED naming the first stranger. */
gboolean member_only(const json_t *object, const char *what, const char *const *known, GError **error);

/* RFC 3339 in UTC with whole seconds and a Z ("2026-05-01T08:00:00Z"), years 1970-9999; seconds since 1970. */
#define TIME_TEXT_SIZE 21
char *time_format(gint64 seconds, char text[TIME_TEXT_SIZE]);
gboolean time_parse(const char *text, gint64 *seconds, GError **error);

#endif
