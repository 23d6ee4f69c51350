/*
 * gunzip: the bytes of a stream, unpacked if they are gzip, whole and with its checksum compared (AR5 of manifests/FORMAT.md).  libarchive 3.6 does not
 * compare it, and a tar has none for content: a bit that fell over in a tar.gz would be published.
 */
#ifndef CHAMA_MANIFESTS_INGEST_GUNZIP_H
#define CHAMA_MANIFESTS_INGEST_GUNZIP_H

#include <glib.h>

typedef struct Gunzip Gunzip;
/* Reads from where @fd, which stays the caller's, stands. */
Gunzip *gunzip_new(int fd);
void gunzip_free(Gunzip *gunzip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Gunzip, gunzip_free)

/* The next plain bytes, valid until the next call; *@size 0 at the end of the last member. MALFORMED if a member is cut or damaged, or if something else
 * follows (AR12). What does not begin as gzip comes as it is. */
gboolean gunzip_read(Gunzip *gunzip, const guint8 **bytes, gsize *size, GError **error);

gboolean gunzip_begins(const guint8 magic[2]);

#endif
