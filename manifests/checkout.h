/*
 * checkout: from a listing to files, and updates of such a folder in place.  Writes only beneath the target (I7): every path is opened with
 * openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS) or its equal; a folder in the way that is a link is never followed.  A file gets its
 * place only when it is whole (CO6): what goes into an empty folder all at once, once it is durable; what is updated one by one.  Holes stay holes, the
 * executable bit is set, mode 0666/0777 less umask.
 *
 * One checkout at a time writes into a folder (EXISTS), and takes up or removes what one that was killed has left.
 *
 * A link that leads out of the folder (CO1, manifests/tree/beneath.h) is refused before anything has its place: MALFORMED.
 *
 * An update (with a base) writes what differs and what is missing, removes what the base had and the new version has not, with the folders that
 * this leaves empty, and leaves alone what neither knows.  A file counts as unedited by its content (hashed; sizes first), not by its
 * time; one that nothing happened to since its content was known need not be hashed (CO8).
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_H
#define CHAMA_MANIFESTS_CHECKOUT_H

#include "manifests/listing/listing.h"
#include "manifests/progress.h"
#include "manifests/store/store.h"

typedef struct {
    char **only;               /* globs of paths to write (manifests/tree/patterns.h, patterns_add_path(); a folder's name takes all below); NULL: all */
    gboolean force;            /* overwrite local edits; but a folder with files that no version knows is never removed */
    const Digest *base;        /* listing root that the folder was written from, or NULL: then only what equals the new version may stand in the way */
    GArray *others;            /* of Digest: roots of other versions whose files count as unedited too; may be NULL */
    Progress *progress;
    const char *stamps;        /* the file that keeps what is known of the folder's files (CO8), for the next update; NULL: none.  @stamps_key is of */
    Digest stamps_key;         /* what: node and folder */
} CheckoutOptions;

typedef struct {
    guint64 written, removed, kept;    /* files: written anew, removed, already right */
    guint64 bytes_written;
} CheckoutResult;

/* Nothing is touched before every local edit was looked for: EXISTS naming the first ones (and how many), unless force.  Paths that collide on the
 * target's file system (case, normalisation) are refused, naming both, only if it cannot hold both. */
gboolean checkout(Store *store, const Digest *root, const char *folder, const CheckoutOptions *options, CheckoutResult *result, GError **error);

/* Writes one file's bytes to @fd.  NOT_FOUND. */
gboolean checkout_cat(Store *store, const Digest *root, const char *path, int fd, GError **error);

/* The size in bytes and whole-file digest are checked on the way: VERIFY or DAMAGED. */

/* A ListingGet over a store (its @data is a Store*). */
GBytes *store_listing_get(gpointer store, const Digest *digest, GError **error);

#endif
