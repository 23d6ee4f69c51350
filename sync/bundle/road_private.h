/*
 * road_private: what road.c (which answer is wanted; versions) and ledger_road.c (ledgers) share.  Not for others.
 */
#ifndef CHAMA_SYNC_BUNDLE_ROAD_PRIVATE_H
#define CHAMA_SYNC_BUNDLE_ROAD_PRIVATE_H

#include "sync/bundle/pieces.h"
#include "sync/bundle/road.h"
#include "sync/transport/road.h"

#define BUNDLE_PIECE (256 * 1024)   /* bytes of an answer that are gathered before they are given */

struct Road {
    Parcel *parcel;
    GPtrArray *posted;
    char *chunks_path;         /* of the file last read, */
    Pieces *chunks;            /* and what is in it */
    char pages_of[DIGEST_HEX_SIZE];
    GHashTable *places;        /* of Place*, a set: of the version @pages_of */
    char *pages_path;          /* of the file last read */
    Pieces *pages;
};

/* One answer being given. */
typedef struct {
    Road *road;
    const RoadRequest *request;
    RoadBody body;
    gpointer data;
} Giving;

/* A part of the answer. */
gboolean bundle_give(Giving *giving, GBytes *bytes, GError **error);
/* The file of @prefix whose name goes on with the largest number that is not above @number; NULL: there is none. */
const char *bundle_find_numbered(const Road *road, const char *prefix, guint64 number);

/* ledger_road.c: the records of a node from @from on, whole or the open ones; what stands in the checkpoint that was posted, against the bundle's. */
gboolean bundle_give_records(Giving *giving, const char *node, guint64 from, GError **error);
gboolean bundle_give_sparse(Giving *giving, const char *node, guint64 from, GError **error);
gboolean bundle_give_comparison(Giving *giving, const char *node, GError **error);

#endif
