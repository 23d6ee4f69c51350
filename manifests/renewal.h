/*
 * renewal: how a node comes to another TLS key (keys/IDENTITY.md, TC8-TC12; manifests/FORMAT.md, H9): the new key is made beside the one in use, its pin is announced in
 * the profile, after a while in which peers could learn of it the key takes its place, and a day later the old pin is withdrawn.
 *
 * What has passed is counted in seconds that the daemon served, by a clock that does not jump: the wall clock may be wrong, and nobody learns anything of a node that is
 * switched off.  What a kill left is finished by the next home_open().
 */
#ifndef CHAMA_MANIFESTS_RENEWAL_H
#define CHAMA_MANIFESTS_RENEWAL_H

#include "manifests/home.h"

#define RENEWAL_DAY (24 * 3600)
#define RENEWAL_ANNOUNCED_FOR (30 * RENEWAL_DAY) /* TC9: seconds of service before the new key takes its place, */
#define RENEWAL_SEEN_FOR (7 * RENEWAL_DAY)       /* ... and if all accepted peers have cosigned the announcement */
#define RENEWAL_LINGERS_FOR RENEWAL_DAY          /* TC10: of the old pin after that */
#define RENEWAL_BEFORE (90 * RENEWAL_DAY)        /* TC8: before the end of the certificate in use, by the wall clock */
#define RENEWAL_CERTIFICATE_BEFORE (30 * RENEWAL_DAY) /* TC7 */

/* How things stand. */
typedef struct {
    Digest current;             /* the pin of keys/tls.crt */
    gint64 from, until;         /* its certificate */
    gboolean own;               /* ... which this node made itself */
    gboolean waiting;           /* keys/tls-next.key and .crt are there, and belong together */
    Digest next;                /* their pin */
    gboolean current_named, next_named, others_named; /* in the newest profile */
    guint64 served;             /* seconds of service since @next was announced; where none is waiting, since @current took its place */
    guint64 record;             /* the profile that announced it; 0: none did */
    gint64 since;               /* its time */
} Renewal;
gboolean renewal_read(Home *home, Renewal *renewal, GError **error);

typedef enum {
    RENEWAL_NOTHING,
    RENEWAL_CERTIFICATE, /* TC7: a new certificate over the same key */
    RENEWAL_MAKE,        /* a new key, not yet announced */
    RENEWAL_ANNOUNCE,    /* a profile that names all keys that are here */
    RENEWAL_TAKE_OVER,   /* the announced key is the one in use */
    RENEWAL_WITHDRAW,    /* a profile that names no others any more */
} RenewalStep;
/* What is due.  Pure.  @all_seen: each accepted peer has cosigned the announcement; @may_sign: a record can be stated. */
RenewalStep renewal_decide(const Renewal *renewal, gint64 now, gboolean all_seen, gboolean may_sign);
gboolean renewal_needs_signing(RenewalStep step);
/* Does it.  RENEWAL_MAKE and RENEWAL_CERTIFICATE: UNSUPPORTED if the certificate is another's. */
gboolean renewal_take(Home *home, RenewalStep step, GError **error);

/* TC7: a new certificate, also of a key that waits, if one of @hosts (NULL-terminated) is not in it; *@renewed says whether that of the key in use was. */
gboolean renewal_rename(Home *home, const char *const *hosts, gboolean *renewed, GError **error);

/* Adds to what was served, if that is counted now. */
gboolean renewal_count(Home *home, guint64 seconds, GError **error);

/* TC11: another key at once, announced by nothing before, and no pin but its own from then on.  The signing key is needed. */
gboolean renewal_replace(Home *home, GError **error);

/* Finishes what was killed; cheap where nothing was. */
gboolean renewal_settle(Home *home, GError **error);

#endif
