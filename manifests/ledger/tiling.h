/*
 * tiling: a ledger's log written as files that any web server can serve (C2SP tlog-tiles; manifests/FORMAT.md, T25).
 *
 * The checkpoint is written last, when all tiles that it needs are durable; what is there already is left as it is, so each run writes what is new.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_TILING_H
#define CHAMA_MANIFESTS_LEDGER_TILING_H

#include "manifests/ledger/ledger.h"

typedef struct {
    guint64 size;      /* records under the checkpoint */
    guint64 written;   /* tiles */
    guint64 bytes;
} Tiling;

/* Writes the tree under @note, a checkpoint of this ledger that was verified, into @folder, which is made if need be; @entries: with entry bundles.  FORK if
 * the checkpoint that is there is not of this history, EXISTS if it is of another log. */
gboolean tiling_write(Ledger *ledger, const char *note, gboolean entries, const char *folder, Tiling *done, GError **error);

#endif
