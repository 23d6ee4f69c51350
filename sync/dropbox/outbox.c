#include "sync/dropbox/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/digest.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "sync/dropbox/inbox.h"
#include "sync/dropbox/place.h"

#define HAND "by-hand"
#define OUTBOX_NOTE_MAX (64 * 1024 * 1024)

typedef struct {
    const char *stage;
    const OutboxLimits *limits;
    const OutboxOffer *offer;
    Progress *progress;
    OutboxResult *result;
    Place *place;
    PlaceTotals there;
    int lock;
} Outbox;

static void
outbox_clear(Outbox *outbox)
{
    g_clear_pointer(&outbox->place, place_close);
    if (outbox->lock >= 0)
        close(outbox->lock);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outbox, outbox_clear)

char *
outbox_stage(const char *home, const char *peer, const char *address)
{
    g_autofree char *text = g_strdup_printf("%s\n%s", peer ? peer : "", address), *name = NULL;
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    digest_of(text, strlen(text), &digest);
    name = g_strndup(digest_format_hex(&digest, hex), 16);
    return g_build_filename(home, "outbox", name, NULL);
}

static char *
below(const Outbox *outbox, const char *name)
{
    return g_build_filename(outbox->stage, name, NULL);
}

static gboolean
is_there(const Outbox *outbox, const char *name)
{
    g_autofree char *path = below(outbox, name);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The bundles in a folder of the stage, by name. */
static GPtrArray *
list_bundles(const Outbox *outbox, const char *name)
{
    g_autofree char *path = below(outbox, name);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *found;

    while (dir && (found = g_dir_read_name(dir)))
        if (inbox_is_bundle(found))
            g_ptr_array_add(names, g_strdup(found));
    g_ptr_array_sort(names, compare_names);
    return names;
}

static guint64
size_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? (guint64)status.st_size : 0;
}

static gboolean
lock_stage(Outbox *outbox)
{
    outbox->lock = open(outbox->stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return outbox->lock >= 0 && flock(outbox->lock, LOCK_EX | LOCK_NB) == 0;
}

static gboolean
take_stage(Outbox *outbox, GError **error)
{
    g_autofree char *making = below(outbox, "making"), *hand = below(outbox, HAND);

    if (g_mkdir_with_parents(outbox->stage, 0700) != 0)
        return chama_error_errno(error, errno, "%s", outbox->stage);
    if (!lock_stage(outbox))
        return outbox->lock < 0 ? chama_error_errno(error, errno, "%s", outbox->stage) : chama_error(error, CHAMA_ERROR_EXISTS, "%s: another process leaves bundles there now; try again", outbox->stage);
    durable_remove_tree(making);
    if (outbox->offer->by_hand)
        return durable_write(hand, "", 0, 0600, error);
    g_unlink(hand);
    return TRUE;
}

/* ---- leaving what is ready ---- */

/* DB14: nothing is counted as gone before all of it is.  A kill between any two of these is mended by doing them again. */
static gboolean
settle(Outbox *outbox, GError **error)
{
    static const char *const notes[] = { "left", "state" };
    g_autofree char *ready = below(outbox, "ready"), *sent = below(outbox, "sent");

    for (guint i = 0; i < G_N_ELEMENTS(notes); i++) {
        g_autofree char *made = g_build_filename(ready, notes[i], NULL), *kept = below(outbox, notes[i]);

        if (g_file_test(made, G_FILE_TEST_EXISTS) && !durable_rename(made, kept, error))
            return FALSE;
    }
    durable_remove_tree(sent);
    durable_remove_tree(ready);
    return TRUE;
}

static gboolean
fits(const Outbox *outbox, guint64 size)
{
    const OutboxLimits *limits = outbox->limits;

    return (limits->files_max == 0 || outbox->there.files < limits->files_max) && (limits->bytes_max == 0 || outbox->there.bytes + size <= limits->bytes_max);
}

static gboolean
leave_one(Outbox *outbox, const char *name, GError **error)
{
    g_autofree char *ready = below(outbox, "ready"), *sent = below(outbox, "sent");
    g_autofree char *from = g_build_filename(ready, name, NULL), *to = g_build_filename(sent, name, NULL);
    guint64 size = size_of(from);

    if (!durable_mkdir(sent, 0700, error) || !place_leave(outbox->place, from, name, outbox->progress, error) || !durable_rename(from, to, error))
        return FALSE;
    outbox->there.files++;
    outbox->there.bytes += size;
    outbox->result->left++;
    outbox->result->bytes += size;
    g_strlcpy(outbox->result->last, name, sizeof outbox->result->last);
    return TRUE;
}

/* What is to be left comes on top of what was made. */
static void
announce(const Outbox *outbox, const GPtrArray *names)
{
    for (guint i = 0; i < names->len && outbox->progress; i++) {
        g_autofree char *path = g_build_filename(outbox->stage, "ready", names->pdata[i], NULL);

        __atomic_fetch_add(&outbox->progress->bytes_total, (gint64)size_of(path), __ATOMIC_RELAXED);
    }
}

static gboolean
leave_ready(Outbox *outbox, GError **error)
{
    g_autoptr(GPtrArray) names = list_bundles(outbox, "ready");

    announce(outbox, names);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(outbox->stage, "ready", names->pdata[i], NULL);

        outbox->result->waiting = names->len - i;
        if (!fits(outbox, size_of(path))) {
            outbox->result->full = TRUE;
            return TRUE;
        }
        if (!leave_one(outbox, names->pdata[i], error))
            return FALSE;
    }
    outbox->result->waiting = 0;
    return settle(outbox, error);
}

/* ---- making ---- */

static char *
read_note(const Outbox *outbox, const char *name)
{
    g_autofree char *path = below(outbox, name);
    g_autoptr(GBytes) bytes = durable_read(path, OUTBOX_NOTE_MAX, NULL);

    return bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;
}

static gboolean
is_old(const Outbox *outbox)
{
    g_autofree char *state = read_note(outbox, "state");

    return !outbox->offer->anew && state && g_strcmp0(state, outbox->offer->state) == 0;
}

/* The time, so that names are in order, and nothing that says from whom or for whom it is. */
static char *
choose_name(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *stamp = g_date_time_format(now, "%Y%m%dT%H%M%SZ");

    return g_strdup_printf("%s-%08x.tar", stamp, g_random_int());
}

static gboolean
write_note(const char *folder, const char *name, const char *text, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    return durable_write(path, text, strlen(text), 0600, error);
}

static gboolean
write_state(const Outbox *outbox, const char *folder, GError **error)
{
    return !outbox->offer->state || write_note(folder, "state", outbox->offer->state, error);
}

static gboolean
write_wish(const Outbox *outbox, const char *folder, GError **error)
{
    return !outbox->offer->wish || write_note(folder, "wish", outbox->offer->wish, error);
}

static gboolean
make_in(Outbox *outbox, const char *making, gboolean *empty, GError **error)
{
    const OutboxOffer *offer = outbox->offer;
    g_autofree char *left = read_note(outbox, "left"), *name = choose_name(), *path = g_build_filename(making, name, NULL), *now = NULL;

    if (!offer->make(offer->data, path, left, &now, empty, error))
        return FALSE;
    if (*empty)
        return write_state(outbox, outbox->stage, error);
    return (!now || write_note(making, "left", now, error)) && write_wish(outbox, making, error) && write_state(outbox, making, error);
}

static gboolean
make(Outbox *outbox, gboolean *empty, GError **error)
{
    g_autofree char *making = below(outbox, "making"), *ready = below(outbox, "ready");

    gboolean made;

    *empty = FALSE;
    made = durable_mkdir(making, 0700, error) && make_in(outbox, making, empty, error);
    if (made && !*empty)
        return durable_rename(making, ready, error);
    durable_remove_tree(making);
    return made;
}

static gboolean
make_and_leave(Outbox *outbox, GError **error)
{
    outbox->result->nothing_new = is_old(outbox);
    if (outbox->result->nothing_new)
        return TRUE;
    outbox->result->full = !fits(outbox, 1);
    if (outbox->result->full)
        return TRUE;
    return make(outbox, &outbox->result->nothing_new, error) && (outbox->result->nothing_new || leave_ready(outbox, error));
}

/* DB16: what was made and not left; and the folder, unless it says what was left before. */
static void
drop(const Outbox *outbox)
{
    static const char *const made[] = { "making", "ready", "sent" };
    g_autofree char *hand = below(outbox, HAND);

    for (guint i = 0; i < G_N_ELEMENTS(made); i++) {
        g_autofree char *path = below(outbox, made[i]);

        durable_remove_tree(path);
    }
    g_unlink(hand);
    g_rmdir(outbox->stage);
}

static void
sweep_stage(const char *stage, gint64 before)
{
    g_auto(Outbox) outbox = { .stage = stage, .lock = -1 };
    struct stat status;
    g_autofree char *hand = below(&outbox, HAND);

    if (stat(hand, &status) == 0 && status.st_mtime < before && lock_stage(&outbox))
        drop(&outbox);
}

void
outbox_sweep(const char *home, gint64 now)
{
    g_autofree char *folder = g_build_filename(home, "outbox", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *found;

    while (dir && (found = g_dir_read_name(dir))) {
        g_autofree char *stage = g_build_filename(folder, found, NULL);

        sweep_stage(stage, now - OUTBOX_HAND_DAYS * 24 * 3600);
    }
}

/* DB16: only over SFTP is there something there to go on with. */
static void
give_up(Outbox *outbox, const char *address, GError **error)
{
    gboolean cut = g_error_matches(*error, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE) || g_error_matches(*error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
    g_autoptr(GError) failed = g_error_copy(*error);

    if (!cut || !place_is_remote(address) || !is_there(outbox, "ready")) {
        drop(outbox);
        return;
    }
    g_clear_error(error);
    g_set_error(error, failed->domain, failed->code, "%s; what was made is kept for %d days: the same command goes on with it", failed->message, OUTBOX_HAND_DAYS);
}

static gboolean
is_what_was_wished(const Outbox *outbox)
{
    g_autofree char *wish = outbox->offer->wish ? read_note(outbox, "ready/wish") : NULL;

    return wish && strcmp(wish, outbox->offer->wish) == 0;
}

static gboolean
run(Outbox *outbox, GError **error)
{
    gboolean wished = is_what_was_wished(outbox);

    if (!place_look(outbox->place, &outbox->there, error))
        return FALSE;
    outbox->result->there = outbox->there.files;
    if (is_there(outbox, "ready") && !leave_ready(outbox, error))
        return FALSE;
    return wished || outbox->result->full || make_and_leave(outbox, error);
}

gboolean
outbox_run(const char *stage, const char *address, const OutboxLimits *limits, const OutboxOffer *offer, const TransportOptions *options, Progress *progress,
           OutboxResult *result, GError **error)
{
    g_auto(Outbox) outbox = { .stage = stage, .limits = limits, .offer = offer, .progress = progress, .result = result, .lock = -1 };
    GError *failed = NULL;

    *result = (OutboxResult){ 0 };
    /* What is mistyped leaves nothing here. */
    if (!(outbox.place = place_open(address, options, error)) || !take_stage(&outbox, error))
        return FALSE;
    if (run(&outbox, &failed))
        return TRUE;
    if (offer->by_hand)
        give_up(&outbox, address, &failed);
    g_propagate_error(error, failed);
    return FALSE;
}
