/*
 * gate: libcurl's end of a connection that is not libcurl's to open: it comes out here, in the same process, as a descriptor.
 *
 * This libcurl dials by itself and takes no connection that is there already.  So it dials a socket in a folder that only this user can enter, and that is removed
 * as soon as it has.  It may dial once: a stream that has ended does not begin again.
 */
#ifndef CHAMA_SYNC_TRANSPORT_GATE_H
#define CHAMA_SYNC_TRANSPORT_GATE_H

#include "sync/transport/http.h"

typedef struct Gate Gate;

Gate *gate_open(GError **error);
void gate_close(Gate *gate);
/* All requests of @http go through @gate, which must outlive it. */
gboolean gate_lead(Gate *gate, HttpClient *http, GError **error);
/* TRUE once libcurl has found the connection ended and wanted another. */
gboolean gate_passed_twice(Gate *gate);

/* Readable once libcurl has dialled. */
int gate_descriptor(const Gate *gate);
/* Dials it as libcurl would: a socket that blocks, the caller's; -1 with an error. */
int gate_dial(Gate *gate, GError **error);
/* What libcurl dialled, the caller's, which does not block; -1: nothing yet. */
int gate_accept(Gate *gate);
#endif
