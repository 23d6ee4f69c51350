#include "node/renewing.h"

#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/sightings.h"
#include "node/print.h"
#include "sync/peers.h"

#define STEPS_MAX 8   /* make, announce, take over, withdraw are four */

/* TC9: by what they cosigned, which needed all records before it. */
static gboolean
count_peers(Home *home, Renewing *r, GError **error)
{
    g_autoptr(GPtrArray) peers = peers_all(home, PEER_ACCEPTED, error);
    g_autoptr(Sightings) sightings = peers ? sightings_load(home, home_id(home), error) : NULL;
    g_autoptr(GArray) seen = sightings ? sightings_of(sightings, r->renewal.record) : NULL;

    for (guint i = 0; seen && i < peers->len; i++)
        for (guint s = 0; s < seen->len; s++)
            r->seen += strcmp(g_array_index(seen, Sighting, s).witness, ((const Peer *)peers->pdata[i])->node) == 0;
    r->peers = peers ? peers->len : 0;
    r->all_seen = seen && r->renewal.record > 0 && r->seen >= r->peers;
    return seen != NULL;
}

gboolean
renewing_read(Home *home, Renewing *r, GError **error)
{
    *r = (Renewing){ .now = g_get_real_time() / G_USEC_PER_SEC };
    if (!renewal_read(home, &r->renewal, error) || (r->renewal.waiting && r->renewal.next_named && !count_peers(home, r, error)))
        return FALSE;
    if (r->renewal.waiting && r->renewal.next_named) {
        gint64 wanted = r->all_seen ? RENEWAL_SEEN_FOR : RENEWAL_ANNOUNCED_FOR;

        r->takes_over = r->now + MAX(wanted - (gint64)r->renewal.served, 0);
    }
    return TRUE;
}

/* TC6: of the warnings the one that is due, in days; 0 when it is over; -1: none. */
static int
warning_due(const Renewing *r)
{
    static const int before[] = { 1, 7, 30 };

    if (r->renewal.until <= r->now)
        return 0;
    for (guint i = 0; i < G_N_ELEMENTS(before); i++)
        if (r->renewal.until - r->now <= (gint64)before[i] * RENEWAL_DAY)
            return before[i];
    return -1;
}

static void
print_next(const Renewing *r)
{
    const Renewal *renewal = &r->renewal;
    char pin[DIGEST_TEXT_SIZE], since[TIME_TEXT_SIZE], takes_over[TIME_TEXT_SIZE];

    if (!renewal->waiting)
        return;
    digest_format(&renewal->next, pin);
    if (!renewal->next_named) {
        printf("tls next    %s, not announced: that takes the signing key; run `chama keys renew-tls --new-key`\n", pin);
        return;
    }
    printf("tls next    %s, announced since %s (record %" G_GUINT64_FORMAT "), seen by %u of %u peers\n", pin, time_format(renewal->since, since), renewal->record, r->seen,
           r->peers);
    printf("            takes over about %s, after %" G_GINT64_FORMAT " more days of service\n", time_format(r->takes_over, takes_over),
           (r->takes_over - r->now + RENEWAL_DAY - 1) / RENEWAL_DAY);
}

void
renewing_print(const Renewing *r)
{
    char pin[DIGEST_TEXT_SIZE], time[TIME_TEXT_SIZE];
    int due = warning_due(r);

    printf("tls         until %s, %" G_GINT64_FORMAT " days\n", time_format(r->renewal.until, time), (r->renewal.until - r->now) / RENEWAL_DAY);
    printf("tls pin     %s, in use%s\n", digest_format(&r->renewal.current, pin), r->renewal.current_named ? "" : "; no profile names it: peers refuse this node");
    print_next(r);
    if (r->renewal.others_named)
        printf("tls before  the profile still names the pin of a key that is not in use any more; it is withdrawn after a day of service\n");
    if (due == 0)
        printf("WARNING     the TLS certificate is over; `chama keys renew-tls` makes a new one\n");
    else if (due > 0)
        printf("WARNING     the TLS certificate ends within %d day%s; `chama keys renew-tls` makes a new one\n", due, due == 1 ? "" : "s");
}

static json_t *
next_json(const Renewing *r)
{
    json_t *next = json_pack("{s:o, s:b}", "pin", json_digest(&r->renewal.next), "announced", r->renewal.next_named);

    if (!r->renewal.next_named)
        return next;
    json_object_set_new(next, "since", json_time(r->renewal.since));
    json_object_set_new(next, "record", json_integer((json_int_t)r->renewal.record));
    json_object_set_new(next, "served", json_integer((json_int_t)r->renewal.served));
    json_object_set_new(next, "takes_over", json_time(r->takes_over));
    json_object_set_new(next, "peers", json_integer(r->peers));
    json_object_set_new(next, "seen", json_integer(r->seen));
    return next;
}

json_t *
renewing_json(const Renewing *r)
{
    json_t *tls = json_pack("{s:o, s:I, s:o, s:b, s:b}", "until", json_time(r->renewal.until), "days", (json_int_t)((r->renewal.until - r->now) / RENEWAL_DAY), "pin",
                            json_digest(&r->renewal.current), "named", r->renewal.current_named, "others", r->renewal.others_named);

    if (warning_due(r) >= 0)
        json_object_set_new(tls, "warning", json_integer(warning_due(r)));
    if (r->renewal.waiting)
        json_object_set_new(tls, "next", next_json(r));
    return tls;
}

static gboolean
may_sign(Home *home)
{
    return home_check_may_sign(home, NULL) && home_signing_key(home, NULL);
}

/* What is due now; what needs a signature only if one can be made. */
static gboolean
next_step(Home *home, RenewalStep *step, GError **error)
{
    Renewing r;

    if (!renewing_read(home, &r, error))
        return FALSE;
    *step = renewal_decide(&r.renewal, r.now, r.all_seen, TRUE);
    if (renewal_needs_signing(*step) && !may_sign(home))
        *step = renewal_decide(&r.renewal, r.now, r.all_seen, FALSE);
    return TRUE;
}

gboolean
renewing_run(const char *path, guint64 served, void (*tell)(gpointer data, const char *what), gpointer data, GError **error)
{
    static const char *const words[] = { [RENEWAL_CERTIFICATE] = "renewed", [RENEWAL_MAKE] = "made", [RENEWAL_ANNOUNCE] = "announced", [RENEWAL_TAKE_OVER] = "taken into use",
                                         [RENEWAL_WITHDRAW] = "the one before is withdrawn" };
    g_autoptr(Home) home = home_open(path, error);
    RenewalStep step = RENEWAL_NOTHING;

    if (!home || !renewal_count(home, served, error))
        return FALSE;
    for (guint i = 0; i < STEPS_MAX; i++) {
        if (!next_step(home, &step, error))
            return FALSE;
        if (step == RENEWAL_NOTHING)
            return TRUE;
        if (!renewal_take(home, step, error))
            return FALSE;
        tell(data, words[step]);
    }
    return TRUE;
}

gboolean
renewing_begin(Home *home, GError **error)
{
    Renewal renewal;

    if (!home_check_may_sign(home, error) || !home_signing_key(home, error) || !renewal_read(home, &renewal, error))
        return FALSE;
    if (renewal.waiting && renewal.next_named)
        return chama_error(error, CHAMA_ERROR_EXISTS, "renew-tls: TC8: a new TLS key is announced already; see `chama keys status`, and --now to take it into use before its time");
    return renewal_take(home, RENEWAL_MAKE, error) && renewal_take(home, RENEWAL_ANNOUNCE, error);
}

gboolean
renewing_hurry(Home *home, GError **error)
{
    Renewal renewal;

    if (!renewal_read(home, &renewal, error))
        return FALSE;
    if (!renewal.waiting || !renewal.next_named)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "renew-tls: TC9: want a new TLS key that is announced, have none: begin with --new-key; --stolen changes it at once");
    return renewal_take(home, RENEWAL_TAKE_OVER, error);
}
