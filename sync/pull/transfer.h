/*
 * transfer: the content of one version, from a peer into the store: documents, then one walk through the listing, which fetches the pages that lie
 * ahead of it and gathers the chunks to be asked for.  Everything is verified before it is stored; the version counts as held only when all of it is
 * durable (I1).  What arrived before a cut is kept, and only the rest is asked for next time.
 */
#ifndef CHAMA_SYNC_PULL_TRANSFER_H
#define CHAMA_SYNC_PULL_TRANSFER_H

#include "manifests/listing/listing.h"
#include "sync/pull/session.h"

typedef struct {
    Session *session;
    const Manifest *manifest;
    char hex[DIGEST_HEX_SIZE];  /* of the manifest's address, for paths */
    char *grant;                /* value of the Chama-Grant header, or NULL */
    IntakeFor whom;             /* the landing's writer; what is held for the owner counts as held for this version, as what is open does */
    Held held;                  /* roots as far as they are known */
    Details *details;
    gboolean whole;             /* no base is to be named */
    gboolean open;              /* anyone may have it: no receipt is due for it */
    gboolean has_base;          /* another version of the dataset is held whole here: */
    Digest base;                /* the peer may send patches against it (W16) */
    gboolean begun;             /* its root is here: what comes from now on is to be kept for the next attempt */
    guint64 absent_pages;       /* that the peer says it does not have */
    gint64 progressed;          /* bytes added to the progress for this version; from several threads */
} Transfer;

/* A version of another node is not taken if it has more chunk positions than this (64 TB in chunks of the usual size): each is looked at. */
#define TRANSFER_POSITIONS_MAX G_GUINT64_CONSTANT(1000000000)

/* Pages of parts that a walk has been through (each stands once for all); of at most this many, then the version is not taken. */
#define PART_PAGES_MAX 500000
typedef struct {
    GHashTable *digests;        /* set of Digest* */
    gboolean too_many;
} PartPages;
PartPages part_pages_new(void);
void part_pages_clear(PartPages *pages);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PartPages, part_pages_clear)
/* TRUE if @page was there before (a ListingPassOver), or there are too many. */
gboolean part_pages_see(gpointer pages, const Digest *page);
gboolean part_pages_check(const PartPages *pages, GError **error);

/* Fetches what is missing of @manifest, and puts it into the session's landing.  @opening (may be NULL): the grant to show.  If it has *@begun,
 * *@held is what is to be held, complete or not, also on failure.  NOT_FOUND if the peer does not have it, or not all of it.  In a dry run only documents
 * and pages are fetched, and what is missing is counted. */
gboolean transfer_version(Session *session, const Manifest *manifest, GBytes *opening, Held *held, gboolean *begun, GError **error);

/* Its steps. */
gboolean transfer_root(Transfer *transfer, GError **error);
gboolean transfer_chunks(Transfer *transfer, GError **error);

/* For the steps: a request for parts of the version, and whether what it will bring fits on the disk. */
gboolean transfer_request(Transfer *transfer, Transport *transport, const char *what, GBytes *body, TransportSink sink, gpointer data, GError **error);
gboolean transfer_space(Transfer *transfer, guint64 want, GError **error);
/* @bytes more of the version are here (or fewer, when a cut makes it begin anew). */
void transfer_progress(Transfer *transfer, gint64 bytes);
/* Is it held for this version (PU14)?  Counts what came in this transfer. */
gboolean transfer_has(Transfer *transfer, const Digest *digest);
/* A ListingGet whose data is the transfer: pages (or documents) that are here. */
GBytes *transfer_page(gpointer transfer, const Digest *digest, GError **error);
/* A ListingAhead whose data is the transfer: fetches the page that is about to be read, and as many that will follow as one request should bring. */
gboolean transfer_look_ahead(gpointer transfer, const Page *page, guint index, guint64 first_item, GError **error);
/* gc keeps what came of the version even if this program dies. */
gboolean transfer_hold(Transfer *transfer, GError **error);

#endif
