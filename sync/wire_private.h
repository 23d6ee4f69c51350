/*
 * wire_private: what the documents of the protocol have in common.
 */
#ifndef CHAMA_SYNC_WIRE_PRIVATE_H
#define CHAMA_SYNC_WIRE_PRIVATE_H

#include <jansson.h>

#include "sync/wire.h"

/* W1: canonical JSON of at most @limit bytes, an object of @type.  @what is named in errors, here and below. */
json_t *wire_parse(GBytes *bytes, gsize limit, const char *type, const char *what, GError **error);
GBytes *wire_format(const json_t *root, const char *what, GError **error);
/* W2: the member "node". */
gboolean wire_read_node(const json_t *object, const char *what, char node[NODE_ID_SIZE], GError **error);
gboolean wire_read_size(const json_t *object, const char *what, const char *name, guint64 *size, GError **error);

#endif
