/*
 * tile: a ledger's Merkle log in the pieces of C2SP tlog-tiles (manifests/FORMAT.md, part 8, rules T20-T24): paths, and the bytes of hash tiles and
 * entry bundles.
 *
 * No tile is kept: all are made from the hash file and the ledger when they are asked for, so that an append writes none.  Which tiles there are is a
 * function of a size, that of a checkpoint.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_TILE_H
#define CHAMA_MANIFESTS_LEDGER_TILE_H

#include "manifests/ledger/ledger.h"

#define TILE_HEIGHT 8
#define TILE_WIDTH 256     /* hashes or entries of a full tile */
#define TILE_LEVEL_MAX 63
#define TILE_PATH_SIZE 64  /* the longest path and NUL */

typedef struct {
    gboolean entries;  /* an entry bundle; level is 0 */
    guint level;
    guint64 index;
    guint width;       /* 1 to 256; 256: full */
} Tile;

/* "tile/0/x001/234.p/5", "tile/entries/000": exactly what tile_format() writes, else MALFORMED. */
gboolean tile_parse(const char *path, Tile *tile, GError **error);
char *tile_format(const Tile *tile, char path[TILE_PATH_SIZE]);

/* How many hashes or entries tile @index of @level has in a tree of @size leaves: 0 if it does not exist. */
guint tile_width(guint level, guint64 index, guint64 size);
/* T23: NOT_FOUND unless it is a tile of a tree of at most @size leaves. */
gboolean tile_check(const Tile *tile, guint64 size, GError **error);

/* The bytes of a hash tile: that of a tree which the file has. */
GBytes *tile_hashes(const Tile *tile, MerkleFile *merkle, GError **error);
/* Appends a log entry (at most ENTRY_SIZE_MAX bytes) as an entry bundle has it. */
void tile_append_entry(GByteArray *bundle, GBytes *entry);
/* Takes apart a bundle that came from elsewhere: an array of GBytes, @width of them.  MALFORMED. */
GPtrArray *tile_parse_bundle(GBytes *bundle, guint width, GError **error);

#endif
