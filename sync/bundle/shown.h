/*
 * shown: what archives say is in them, for a person without a node (sync/BUNDLE.md, B28): checksums are checked, signatures are not, since whose they are is for a node to say.
 */
#ifndef CHAMA_SYNC_BUNDLE_SHOWN_H
#define CHAMA_SYNC_BUNDLE_SHOWN_H

#include "sync/bundle/parcel.h"

typedef struct {
    char node[NODE_ID_SIZE];
    gboolean whole;               /* else its open part */
    guint64 size;                 /* records */
} ShownLedger;

typedef struct {
    char node[NODE_ID_SIZE], *name, *share;   /* fit for a terminal */
    guint64 version, files, bytes;
    Digest manifest;
    guint64 stored;               /* bytes of its chunks in these volumes */
} ShownVersion;

typedef struct {
    VolumeInfo info;              /* of the first volume */
    GPtrArray *volumes;           /* of char*: names; of @numbers: their numbers */
    GArray *numbers;              /* of guint */
    guint missing;                /* of those that are known to be; 0 and info.count 0: not known */
    gboolean sealed;
    GPtrArray *hints;             /* of char*: of the keys that open it */
    GPtrArray *ledgers;           /* of ShownLedger* */
    GPtrArray *versions;          /* of ShownVersion* */
    guint64 files, bytes;         /* of the payload, checked */
    GPtrArray *problems;          /* of char* */
} Shown;
void shown_free(gpointer shown);

/* The bundles that @paths (of char*) belong to: array of Shown*.  What cannot be read is one of @problems (of char*).  @check: all payload files are read. */
GPtrArray *shown_read(const GPtrArray *paths, gboolean check, GPtrArray *problems);

#endif
