/*
 * version: what people do with versions of datasets, over a Home: publish, drop, verify, collect garbage.  Commands call this; it calls ingest,
 * store, listing and ledger in the order that makes a version visible only when all of it is durable (I1).
 */
#ifndef CHAMA_MANIFESTS_VERSION_H
#define CHAMA_MANIFESTS_VERSION_H

#include "manifests/home.h"
#include "manifests/ingest.h"
#include "manifests/manifest.h"
#include "manifests/verify/files.h"

typedef struct {
    const char *name;
    const char *path;
    gboolean unpack, dry_run;
    gboolean rehash;           /* read every file, also those that stat says have not changed */
    IngestOptions ingest;      /* but for memory, which is the version's own */
    /* NULL or FALSE: carried over from the version before */
    const char *message, *title_zh, *title_en, *level;
    gboolean has_share;
    Share share;
    char **labels;
    GPtrArray *inputs;         /* of Input*, already resolved; NULL: none (inputs are never carried over) */
    const char *activity;      /* how it was made (activity_format()); NULL: not said (never carried over) */
} PublishOptions;

typedef struct {
    gboolean unchanged;        /* nothing was made: @manifest is the version that is the same */
    Manifest *manifest;        /* of a dry run: as it would be, without address */
    IngestResult ingest;
} PublishResult;
void publish_result_clear(PublishResult *result);

gboolean version_publish(Home *home, const PublishOptions *options, PublishResult *result, GError **error);

/* The roots of a version: NOT_FOUND ("its content is not held here; ...", which is to be prefixed by the version's name) if it is not here. */
gboolean version_roots(Home *home, const Manifest *manifest, Held *held, GError **error);
Details *version_details(Home *home, const Manifest *manifest, GError **error);

/* Stop holding. NOT_FOUND if it is not held. @bytes: of content that the listing names (what gc frees may be less). */
gboolean version_drop(Home *home, const Manifest *manifest, gboolean dry_run, guint64 *bytes, GError **error);

/* Reads and hashes listing, every chunk and every whole file of a held version, on all cores.  Each thing wrong to @report (path, position, digest).
 * @found_good (may be NULL) takes note of what was good, and that is not read again in the next version. */
gboolean version_verify(Home *home, const Manifest *manifest, FoundGood *found_good, VersionReport report, gpointer data, Progress *progress,
                        GError **error);

/* gc over all versions held (complete or being transferred); what is to be erased is (manifests/erasing.h). */
#include "manifests/store/maintain.h"
gboolean version_gc(Home *home, gboolean dry_run, void (*waiting)(void), GcTotals *totals, GError **error);
/* P29: the same to the end (store_purge()); the versions whose manifests are in @gone (of Digest) count as none. */
gboolean version_purge(Home *home, GHashTable *gone, gboolean *busy, void (*waiting)(void), GcTotals *totals, GError **error);

#endif
