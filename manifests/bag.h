/*
 * bag: the text files of a BagIt bag (RFC 8493; manifests/FORMAT.md, rules EX8 and EX9): its declaration, the lines of its manifests, its bag-info.txt.
 * What an archive for others (manifests/export.h) and a bundle have in common.
 *
 * Pure and bounded.  Reading is strict: what is not byte for byte what writing it again gives is refused.
 */
#ifndef CHAMA_MANIFESTS_BAG_H
#define CHAMA_MANIFESTS_BAG_H

#include <glib.h>

#include "keys/digest.h"
#include "manifests/listing/page.h"

#define BAG_PAYLOAD "data/"
#define BAG_DECLARATION_NAME "bagit.txt"
#define BAG_DECLARATION "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
#define BAG_INFO_NAME "bag-info.txt"
#define BAG_MANIFEST_NAME "manifest-sha256.txt"
#define BAG_TAG_MANIFEST_NAME "tagmanifest-sha256.txt"
/* A digest in hex, two spaces, a path of which each byte may take three. */
#define BAG_LINE_MAX (DIGEST_HEX_SIZE - 1 + 2 + 3 * (PATH_SIZE_MAX + 5))
#define BAG_INFO_SIZE_MAX (64 * 1024)

/* Appends the line of a manifest, with its LF.  @path begins at the bag's top ("data/a.csv").  UNSUPPORTED if it is not UTF-8, which a bag's text must be. */
gboolean bag_line_append(GString *text, const Digest *digest, const char *path, GError **error);
/* A line of @size bytes, without its LF.  @path: the caller's; the part behind "data/", or all of one without it, keeps L3 to L7.  MALFORMED or LIMIT. */
gboolean bag_line_parse(const char *line, gsize size, Digest *digest, char **path, GError **error);

/* MALFORMED unless it is BAG_DECLARATION. */
gboolean bag_declaration_check(const void *bytes, gsize size, GError **error);

/* Appends an element of bag-info.txt; line feeds and other control characters of @value become spaces. Nothing if @value is NULL or empty. */
void bag_info_append(GString *text, const char *label, const char *value);
/* The value of the first element of this label, or NULL with NOT_FOUND, or MALFORMED if any line of it is none.  The caller's. */
char *bag_info_get(const char *text, gsize size, const char *label, GError **error);

#endif
