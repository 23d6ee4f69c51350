/*
 * stream: the road over a connection that is there already: a descriptor with the peer at its other end, which answers HTTP/1.1.  Requests go one after the other;
 * a stream that has ended is UNREACHABLE for good.
 */
#ifndef CHAMA_SYNC_TRANSPORT_STREAM_H
#define CHAMA_SYNC_TRANSPORT_STREAM_H

#include "sync/transport/road.h"

extern const RoadKind road_stream;

/* Takes @fd, whatever happens.  @name stands in errors. */
Road *stream_open(int fd, const char *name, const TransportOptions *options, GError **error);

#endif
