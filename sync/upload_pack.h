/*
 * upload_pack: what stock git sends to a node that serves its ledgers to it (sync/PROTOCOL.md, part 10): the parts that are read here.  Pure.
 */
#ifndef CHAMA_SYNC_UPLOAD_PACK_H
#define CHAMA_SYNC_UPLOAD_PACK_H

#include <glib.h>

#include "keys/identity.h"

/* GT1: "NODE.git" into @node; NOT_FOUND. */
gboolean upload_pack_parse_name(const char *name, char node[NODE_ID_SIZE], GError **error);

/* GT5: the version of git's protocol that the header Git-Protocol (may be NULL) asks for: 0, 1 or 2.  What is not understood counts as not said. */
guint upload_pack_parse_version(const char *header);

/* GT4: @body as it was before @encoding (a Content-Encoding, or NULL), of at most @max bytes; the caller's.  UNSUPPORTED, MALFORMED, LIMIT. */
GBytes *upload_pack_decode(const char *encoding, GBytes *body, gsize max, GError **error);

#endif
