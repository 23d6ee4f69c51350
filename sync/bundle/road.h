/*
 * road: a parcel as a way to reach who wrote it (sync/transport/road.h): each request is answered with what the peer answered when the bundle was made, if that is in it
 * (sync/BUNDLE.md, B15 to B18).  What the receiver would tell the peer is kept, to be carried back.
 */
#ifndef CHAMA_SYNC_BUNDLE_ROAD_H
#define CHAMA_SYNC_BUNDLE_ROAD_H

#include "sync/bundle/parcel.h"
#include "sync/transport/transport.h"

#define BUNDLE_EXCHANGE "exchange.json"
#define BUNDLE_LEDGERS "ledgers/"
#define BUNDLE_VERSIONS "versions/"
#define BUNDLE_EVIDENCE "evidence/"

/* What the receiver said that is for the peer (B27). */
typedef struct {
    char *path;
    GBytes *body;
} Posted;
void posted_free(gpointer posted);

/* @parcel stays the caller's and must live longer; @posted (of Posted*) gets what is to be carried back. */
Transport *bundle_road(Parcel *parcel, GPtrArray *posted);

/* Names of files (B15): the caller's. */
char *bundle_records_path(const char *node, guint64 from);
char *bundle_chunks_path(const char *hex, guint64 first, guint64 last);

#endif
