/*
 * packs: the folder of pack files: their names, a bounded set of open descriptors for readers, and appending to a new one.
 * PackFolder is thread-safe; a PackWriter is not.
 */
#ifndef CHAMA_MANIFESTS_STORE_PACKS_H
#define CHAMA_MANIFESTS_STORE_PACKS_H

#include "manifests/store/pack.h"

typedef struct PackFolder PackFolder;
PackFolder *pack_folder_new(const char *path);
void pack_folder_free(PackFolder *folder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PackFolder, pack_folder_free)
/* The caller's. */
char *pack_folder_file(const PackFolder *folder, guint64 id);
/* Ids (guint64) of all packs, ascending.  @strange (may be NULL) gets the names of what is no pack; its strings are the caller's. */
GArray *pack_folder_list(const char *path, GPtrArray *strange, GError **error);

typedef struct {
    gint references;
    int fd;
    guint64 id;
    GList *link;
} PackFile;
/* Open for reading; NOT_FOUND if it is gone. */
PackFile *pack_folder_get(PackFolder *folder, guint64 id, GError **error);
void pack_file_unref(PackFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PackFile, pack_file_unref)
/* Lets go of files that gc removed, so that their space is free. */
void pack_folder_forget_removed(PackFolder *folder);

/* A pack being filled.  Its file is locked (flock) as long as the writer lives: that is how others know. */
typedef struct PackWriter PackWriter;
PackWriter *pack_writer_new(const char *folder, const Scope *scope, GError **error);
const PackHeader *pack_writer_header(const PackWriter *writer);
/* Where the next frame will begin. */
guint64 pack_writer_size(const PackWriter *writer);
/* Appends a frame (kind, codec, sizes and digest of @frame) with its bytes, and fills *@piece but for its bytes. */
gboolean pack_writer_append(PackWriter *writer, const Frame *frame, const void *stored, PackPiece *piece, GError **error);
/* How much of it others can read in its file. */
guint64 pack_writer_flushed(const PackWriter *writer);
/* Makes everything durable: bytes and name.  In two steps: to the file, and from there to the disk, while another thread may append. */
gboolean pack_writer_sync(PackWriter *writer, GError **error);
gboolean pack_writer_flush(PackWriter *writer, GError **error);
gboolean pack_writer_make_durable(PackWriter *writer, GError **error);
/* Drops what lies beyond @size; if nothing but the header is left, the file. */
void pack_writer_cut(PackWriter *writer, guint64 size);
/* Closes; what is still in memory goes to the file if it can. */
void pack_writer_free(PackWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PackWriter, pack_writer_free)

#endif
