/*
 * volume: one archive of a bundle, read: a BagIt bag (RFC 8493) in a tar (sync/BUNDLE.md, B7 to B12).  What is wrong with the bag as a whole is found when it is opened; the
 * SHA-256 of a payload file is checked each time that it is read, so a damaged file costs only itself.
 */
#ifndef CHAMA_SYNC_BUNDLE_VOLUME_H
#define CHAMA_SYNC_BUNDLE_VOLUME_H

#include "keys/identity.h"
#include "sync/bundle/tar.h"

#define VOLUME_GROUP_LENGTH 32
#define VOLUME_FORMAT "1"
#define VOLUME_LABEL_FORMAT "Chama-Bundle"
#define VOLUME_LABEL_WRITER "External-Identifier"     /* "chama/NODE" */
#define VOLUME_LABEL_RECEIVER "Chama-Receiver"
#define VOLUME_LABEL_DATE "Bagging-Date"
#define VOLUME_LABEL_OXUM "Payload-Oxum"
#define VOLUME_LABEL_GROUP "Bag-Group-Identifier"
#define VOLUME_LABEL_COUNT "Bag-Count"
#define VOLUME_WRITER_PREFIX "chama/"

typedef struct {
    char group[VOLUME_GROUP_LENGTH + 1];
    guint number, count;          /* @count 0: the volume does not say, others follow */
    char writer[NODE_ID_SIZE];    /* who says that it wrote it; empty: sealed, and not told */
    char receiver[NODE_ID_SIZE];  /* empty: for anyone, or not told */
    char date[16];                /* empty: not told */
    guint64 payload;              /* bytes below data/ */
} VolumeInfo;

typedef struct Volume Volume;
/* @spool, @reserve: as of tar_open().  MALFORMED, LIMIT, VERIFY (its tag files are not what its tag manifest says), UNSUPPORTED: the name and the rule. */
Volume *volume_open(const char *path, const char *spool, guint64 reserve, GError **error);
void volume_free(Volume *volume);
const VolumeInfo *volume_info(const Volume *volume);
const char *volume_name(const Volume *volume);

/* Payload files, by their paths below data/, in the order of the archive. */
guint volume_files(const Volume *volume);
const char *volume_path(const Volume *volume, guint index);
guint64 volume_size(const Volume *volume, guint index);
gboolean volume_find(const Volume *volume, const char *path, guint *index);
/* VERIFY, naming it, unless its bytes are those that the manifest names. */
GBytes *volume_read(Volume *volume, guint index, GError **error);

#endif
