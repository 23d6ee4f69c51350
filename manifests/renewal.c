#include "manifests/renewal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "keys/tls.h"
#include "manifests/statement.h"

#define KEY "keys/tls.key"
#define CERTIFICATE "keys/tls.crt"
#define NEXT_KEY "keys/tls-next.key"
#define NEXT_CERTIFICATE "keys/tls-next.crt"
#define COUNT "keys/tls-renewal"
#define COUNT_SIZE_MAX 1024
#define SERVED_MAX ((gint64)100 * 366 * RENEWAL_DAY)

/* keys/tls-renewal: what is counted, and of which key. */
typedef struct {
    Digest pin;
    guint64 served, record;
    gint64 since;
} Count;

typedef struct {
    char *key, *certificate, *next_key, *next_certificate;
} Files;

static Files
files_of(Home *home)
{
    return (Files){ home_file(home, KEY), home_file(home, CERTIFICATE), home_file(home, NEXT_KEY), home_file(home, NEXT_CERTIFICATE) };
}

static void
files_clear(Files *files)
{
    g_free(files->key);
    g_free(files->certificate);
    g_free(files->next_key);
    g_free(files->next_certificate);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Files, files_clear)

/* One process at a time changes these files; readers see a whole pair, or none. */
static int
lock_keys(Home *home, GError **error)
{
    g_autofree char *folder = home_file(home, "keys");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), locked = -1;

    while (fd >= 0 && (locked = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
        ;
    if (fd >= 0 && locked == 0)
        return fd;
    chama_error_errno(error, errno, "%s: cannot lock", folder);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* FALSE where there is none, or none that can be read: then nothing has been counted. */
static gboolean
read_count(Home *home, Count *count)
{
    g_autofree char *path = home_file(home, COUNT);
    g_autoptr(GBytes) bytes = durable_read(path, COUNT_SIZE_MAX, NULL);
    g_autoptr(json_t) root = bytes ? canonical_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), COUNT_SIZE_MAX, COUNT, NULL) : NULL;
    gint64 served, record;

    if (!root || !member_digest(root, COUNT, "pin", &count->pin, NULL) || !member_integer(root, COUNT, "served", 0, SERVED_MAX, &served, NULL) ||
        !member_integer(root, COUNT, "record", 0, G_MAXINT32, &record, NULL) || !member_time(root, COUNT, "since", &count->since, NULL))
        return FALSE;
    count->served = (guint64)served;
    count->record = (guint64)record;
    return TRUE;
}

static gboolean
write_count(Home *home, const Count *count, GError **error)
{
    char pin[DIGEST_TEXT_SIZE], since[TIME_TEXT_SIZE];
    g_autofree char *path = home_file(home, COUNT);
    g_autoptr(json_t) root = json_pack("{s:s, s:I, s:I, s:s}", "pin", digest_format(&count->pin, pin), "record", (json_int_t)count->record, "served",
                                       (json_int_t)MIN(count->served, (guint64)SERVED_MAX), "since", time_format(count->since, since));
    g_autoptr(GBytes) bytes = canonical_format(root, error);

    return bytes && durable_write(path, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), 0600, error);
}

static void
look_at_profile(Renewal *renewal, const Profile *profile)
{
    for (guint i = 0; profile && i < profile->pins->len; i++) {
        const Digest *pin = &g_array_index(profile->pins, Digest, i);

        if (digest_equal(pin, &renewal->current))
            renewal->current_named = TRUE;
        else if (renewal->waiting && digest_equal(pin, &renewal->next))
            renewal->next_named = TRUE;
        else
            renewal->others_named = TRUE;
    }
}

/* What was counted for another key says nothing of this one. */
static void
look_at_count(Home *home, Renewal *renewal)
{
    Count count;

    if (!read_count(home, &count) || !digest_equal(&count.pin, renewal->waiting ? &renewal->next : &renewal->current))
        return;
    renewal->served = count.served;
    renewal->record = count.record;
    renewal->since = count.since;
}

gboolean
renewal_read(Home *home, Renewal *renewal, GError **error)
{
    g_auto(Files) files = files_of(home);
    g_autoptr(GError) local = NULL;
    g_autoptr(Profile) profile = NULL;
    Catalogue *catalogue = home_catalogue(home, error);

    *renewal = (Renewal){ 0 };
    if (!catalogue || !tls_pin_of_file(files.certificate, &renewal->current, error) ||
        !tls_certificate_times(files.certificate, &renewal->from, &renewal->until, error))
        return FALSE;
    profile = catalogue_profile(catalogue, home_id(home), &local);
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    renewal->own = tls_is_own(files.certificate, home_id(home));
    renewal->waiting = tls_pair_check(files.next_key, files.next_certificate, NULL) && tls_pin_of_file(files.next_certificate, &renewal->next, NULL);
    look_at_profile(renewal, profile);
    look_at_count(home, renewal);
    return TRUE;
}

gboolean
renewal_needs_signing(RenewalStep step)
{
    return step == RENEWAL_MAKE || step == RENEWAL_ANNOUNCE || step == RENEWAL_WITHDRAW;
}

RenewalStep
renewal_decide(const Renewal *r, gint64 now, gboolean all_seen, gboolean may_sign)
{
    /* TC7, TC12: also one of a clock that ran ahead when it was made; its key and pin stay. */
    if (r->own && (r->until - now <= RENEWAL_CERTIFICATE_BEFORE || r->from - now > RENEWAL_DAY))
        return RENEWAL_CERTIFICATE;
    if (may_sign && (!r->current_named || (r->waiting && !r->next_named)))
        return RENEWAL_ANNOUNCE;
    if (r->waiting && r->next_named && r->served >= (all_seen ? RENEWAL_SEEN_FOR : RENEWAL_ANNOUNCED_FOR))
        return RENEWAL_TAKE_OVER;
    if (may_sign && r->own && !r->waiting && r->until - now <= RENEWAL_BEFORE)
        return RENEWAL_MAKE;
    if (may_sign && !r->waiting && r->others_named && r->served >= RENEWAL_LINGERS_FOR)
        return RENEWAL_WITHDRAW;
    return RENEWAL_NOTHING;
}

/* Which pins a profile is to have. */
typedef struct {
    Renewal renewal;
    gboolean alone;          /* no others */
} Announcement;

static void
add_pin(GArray *pins, const Digest *pin)
{
    for (guint i = 0; i < pins->len; i++)
        if (digest_equal(&g_array_index(pins, Digest, i), pin))
            return;
    if (pins->len < PROFILE_PINS_MAX)
        g_array_append_vals(pins, pin, 1);
}

static GBytes *
build_profile(gpointer data, Home *home, GError **error)
{
    const Announcement *announcement = data;
    g_autoptr(Profile) profile = catalogue_profile(home_catalogue(home, error), home_id(home), error);
    g_autoptr(GArray) before = NULL;

    if (!profile)
        return NULL;
    before = g_steal_pointer(&profile->pins);
    profile->pins = g_array_new(FALSE, FALSE, sizeof(Digest));
    add_pin(profile->pins, &announcement->renewal.current);
    if (announcement->renewal.waiting)
        add_pin(profile->pins, &announcement->renewal.next);
    for (guint i = 0; !announcement->alone && i < before->len; i++)
        add_pin(profile->pins, &g_array_index(before, Digest, i));
    return profile_format(profile, error);
}

static gboolean
announce(Home *home, const Renewal *renewal, gboolean alone, GError **error)
{
    Announcement announcement = { *renewal, alone };
    g_autoptr(Record) record = home_state_built(home, "profile/1", build_profile, NULL, &announcement, error);
    Count count;

    if (!record)
        return FALSE;
    if (renewal->record > 0)
        return TRUE;
    count = (Count){ .pin = renewal->waiting ? renewal->next : renewal->current, .record = record->seq, .since = record->time };
    return write_count(home, &count, error);
}

/* TC10: the key goes first, so that what a kill leaves is told from a key that was never finished. */
static gboolean
take_over(Home *home, const Files *files, guint64 lingered, GError **error)
{
    Count count = { .served = lingered, .since = g_get_real_time() / G_USEC_PER_SEC };

    return tls_pin_of_file(files->next_certificate, &count.pin, error) && durable_rename(files->next_key, files->key, error) &&
           durable_rename(files->next_certificate, files->certificate, error) && write_count(home, &count, error);
}

/* With the lock. */
static gboolean
settle(const Files *files, GError **error)
{
    gboolean key = g_file_test(files->next_key, G_FILE_TEST_EXISTS), certificate = g_file_test(files->next_certificate, G_FILE_TEST_EXISTS);

    if (key == certificate)
        return TRUE;
    if (key)
        return durable_unlink(files->next_key, error);
    if (tls_pair_check(files->key, files->next_certificate, NULL))
        return durable_rename(files->next_certificate, files->certificate, error);
    return durable_unlink(files->next_certificate, error);
}

static gboolean
take(Home *home, const Files *files, RenewalStep step, GError **error)
{
    Renewal renewal;

    if (!settle(files, error) || !renewal_read(home, &renewal, error))
        return FALSE;
    switch (step) {
    case RENEWAL_CERTIFICATE:
        return tls_renew(files->key, files->certificate, home_id(home), error);
    case RENEWAL_MAKE:
        return renewal.waiting || tls_succeed(files->key, files->certificate, home_id(home), files->next_key, files->next_certificate, error);
    case RENEWAL_ANNOUNCE:
        return announce(home, &renewal, !renewal.waiting && renewal.served >= RENEWAL_LINGERS_FOR, error);
    case RENEWAL_TAKE_OVER:
        return take_over(home, files, 0, error);
    case RENEWAL_WITHDRAW:
        return announce(home, &renewal, TRUE, error);
    case RENEWAL_NOTHING:
        break;
    }
    return TRUE;
}

gboolean
renewal_take(Home *home, RenewalStep step, GError **error)
{
    g_auto(Files) files = files_of(home);
    int lock = lock_keys(home, error);
    gboolean done = lock >= 0 && take(home, &files, step, error);

    if (lock >= 0)
        close(lock);
    return done;
}

static gboolean
rename_both(Home *home, const Files *files, const char *const *hosts, gboolean *renewed, GError **error)
{
    gboolean next;

    return settle(files, error) && tls_rename(files->key, files->certificate, home_id(home), hosts, renewed, error) &&
           (!g_file_test(files->next_certificate, G_FILE_TEST_EXISTS) || tls_rename(files->next_key, files->next_certificate, home_id(home), hosts, &next, error));
}

gboolean
renewal_rename(Home *home, const char *const *hosts, gboolean *renewed, GError **error)
{
    g_auto(Files) files = files_of(home);
    int lock = lock_keys(home, error);
    gboolean done = lock >= 0 && rename_both(home, &files, hosts, renewed, error);

    if (lock >= 0)
        close(lock);
    return done;
}

gboolean
renewal_settle(Home *home, GError **error)
{
    g_auto(Files) files = files_of(home);
    gboolean done;
    int lock;

    if (g_file_test(files.next_key, G_FILE_TEST_EXISTS) == g_file_test(files.next_certificate, G_FILE_TEST_EXISTS))
        return TRUE;
    lock = lock_keys(home, error);
    done = lock >= 0 && settle(&files, error);
    if (lock >= 0)
        close(lock);
    return done;
}

gboolean
renewal_count(Home *home, guint64 seconds, GError **error)
{
    int lock = lock_keys(home, error);
    gboolean done = lock >= 0;
    Renewal renewal;

    done = done && renewal_read(home, &renewal, error);
    if (done && seconds > 0 && (renewal.waiting ? renewal.next_named : renewal.others_named)) {
        const Count count = { renewal.waiting ? renewal.next : renewal.current, renewal.served + seconds, renewal.record, renewal.since };

        done = write_count(home, &count, error);
    }
    if (lock >= 0)
        close(lock);
    return done;
}

/* An announced key lay beside the stolen one: it goes, too.  The new one is counted as if the others' time were over, so that they are withdrawn even if this is killed. */
static gboolean
replace(Home *home, const Files *files, GError **error)
{
    Renewal renewal;

    if (!settle(files, error) || (g_file_test(files->next_certificate, G_FILE_TEST_EXISTS) &&
                                  (!durable_unlink(files->next_certificate, error) || !durable_unlink(files->next_key, error))))
        return FALSE;
    return tls_succeed(files->key, files->certificate, home_id(home), files->next_key, files->next_certificate, error) &&
           take_over(home, files, RENEWAL_LINGERS_FOR, error) && renewal_read(home, &renewal, error) && announce(home, &renewal, TRUE, error);
}

gboolean
renewal_replace(Home *home, GError **error)
{
    g_auto(Files) files = files_of(home);
    gboolean done;
    int lock;

    /* All that can be refused before anything is changed. */
    if (!home_catalogue(home, error) || !home_check_may_sign(home, error) || !home_signing_key(home, error))
        return FALSE;
    lock = lock_keys(home, error);
    done = lock >= 0 && replace(home, &files, error);
    if (lock >= 0)
        close(lock);
    return done;
}
