/*
 * stamps: the file in which a node keeps, beside the root of a listing, the stamps of its files in their order (AR9; manifests/FORMAT.md, part 11).
 * A cache: one that is not there, damaged, or of something else is the same as none, and what cannot be written is let go of.
 */
#ifndef CHAMA_MANIFESTS_INGEST_STAMPS_H
#define CHAMA_MANIFESTS_INGEST_STAMPS_H

#include "keys/digest.h"
#include "manifests/tree/stamp.h"

/* NULL if there is none of @key, or it is not whole.  Memory: one block. */
typedef struct StampsReader StampsReader;
StampsReader *stamps_reader_open(const char *path, const Digest *key);
void stamps_reader_free(StampsReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StampsReader, stamps_reader_free)
const Digest *stamps_reader_root(const StampsReader *reader);
/* As it was given to stamps_writer_keep(). */
const Digest *stamps_reader_state(const StampsReader *reader);
guint64 stamps_reader_count(const StampsReader *reader);
/* The next one; FALSE at the end, and from the first damaged block on. */
gboolean stamps_reader_next(StampsReader *reader, Stamp *stamp);

/* Into a file beside @path, which takes its place once stamps_writer_keep() is called. */
typedef struct StampsWriter StampsWriter;
StampsWriter *stamps_writer_new(const char *path, const Digest *key);
void stamps_writer_free(StampsWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StampsWriter, stamps_writer_free)
void stamps_writer_add(StampsWriter *writer, const Stamp *stamp);
/* @state: of the store, when all of that listing was held; all zero if that is of no use. */
gboolean stamps_writer_keep(StampsWriter *writer, const Digest *root, const Digest *state);

#endif
