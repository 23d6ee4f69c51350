#include "sync/dropbox/inbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/checkout/fresh.h"
#include "manifests/listing/page.h"
#include "sync/dropbox/kept.h"

#define RETRY_FIRST 5             /* seconds; doubled up to */
#define RETRY_MAX 3600

#define NAMES_TRIED 1000

/* A file that is not done with. */
typedef struct {
    guint64 size;
    gint64 changed;               /* its time, in nanoseconds */
    gint64 since;                 /* when it was seen so first */
    guint tries;
    gint64 next;                  /* not before */
    guint look;                   /* in which it was seen last */
} Watched;

struct Inbox {
    char *folder;
    InboxLimits limits;
    InboxTake take;
    InboxTell tell;
    gpointer data;
    GHashTable *watched;          /* of Watched, by name ("taking/" before those that are there) */
    guint look;
    int top, taking, done, refused;
};

Inbox *
inbox_new(const char *folder, const InboxLimits *limits, InboxTake take, InboxTell tell, gpointer data)
{
    Inbox *inbox = g_new0(Inbox, 1);

    *inbox = (Inbox){ .folder = g_strdup(folder), .limits = *limits, .take = take, .tell = tell, .data = data, .top = -1, .taking = -1, .done = -1, .refused = -1 };
    inbox->watched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return inbox;
}

static void
close_folders(Inbox *inbox)
{
    int *fds[] = { &inbox->top, &inbox->taking, &inbox->done, &inbox->refused };

    for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

void
inbox_free(Inbox *inbox)
{
    if (!inbox)
        return;
    close_folders(inbox);
    g_hash_table_unref(inbox->watched);
    g_free(inbox->folder);
    g_free(inbox);
}

/* DB4: our own, and no link to somewhere else. */
static gboolean
open_below(const Inbox *inbox, const char *name, mode_t mode, int *fd, GError **error)
{
    if (mkdirat(inbox->top, name, mode) != 0 && errno != EEXIST)
        return chama_error_errno(error, errno, "%s/%s: cannot make the folder", inbox->folder, name);
    *fd = openat(inbox->top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *fd >= 0 || chama_error_errno(error, errno, "%s/%s: DB4: want a folder", inbox->folder, name);
}

/* Each time: a folder that is mounted comes and goes. */
static gboolean
open_folders(Inbox *inbox, GError **error)
{
    close_folders(inbox);
    inbox->top = open(inbox->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (inbox->top < 0)
        return chama_error_errno(error, errno, "%s", inbox->folder);
    if (!open_below(inbox, INBOX_TAKING, 0700, &inbox->taking, error) || !open_below(inbox, INBOX_DONE, 0777, &inbox->done, error) ||
        !open_below(inbox, INBOX_REFUSED, 0777, &inbox->refused, error))
        return FALSE;
    return flock(inbox->taking, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK ||
           chama_error(error, CHAMA_ERROR_EXISTS, "%s: DB4: want it for one node alone, have another at work in it", inbox->folder);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Those of bundles, in order; no more than DB8 says.  All others are someone else's (DB3). */
static GPtrArray *
list_names(int folder)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *found;

    while (dir && names->len < INBOX_NAMES_MAX && (found = readdir(dir)))
        if (found->d_type != DT_DIR && inbox_is_bundle(found->d_name) && !inbox_is_temporary(found->d_name))
            g_ptr_array_add(names, g_strdup(found->d_name));
    if (dir)
        closedir(dir);
    g_ptr_array_sort(names, compare_names);
    return names;
}

static Watched *
watch(Inbox *inbox, const char *prefix, const char *name, gint64 now)
{
    g_autofree char *key = g_strconcat(prefix, name, NULL);
    Watched *watched = g_hash_table_lookup(inbox->watched, key);

    if (!watched) {
        watched = g_new0(Watched, 1);
        watched->since = now;
        g_hash_table_insert(inbox->watched, g_steal_pointer(&key), watched);
    }
    watched->look = inbox->look;
    return watched;
}

/* DB2: the clock of who writes may be wrong, and that of a file system elsewhere too: what counts is what was seen from here. */
static gboolean
is_still(Watched *watched, const struct stat *status, gint64 now, guint settle)
{
    gint64 changed = (gint64)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;

    if (watched->size != (guint64)status->st_size || watched->changed != changed) {
        watched->size = (guint64)status->st_size;
        watched->changed = changed;
        watched->since = now;
    }
    return now - watched->since >= (gint64)settle;
}

static gint64
wall_clock(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

/* From the top under a name of ours; what has one keeps it, unless it is taken. */
static char *
move(const Inbox *inbox, int from, const char *name, int to, GError **error)
{
    gint64 time;
    gboolean stamped = inbox_kept_time(name, &time);
    const char *base = stamped ? name + KEPT_STAMP_SIZE + 1 : name;

    for (guint number = 0; number < NAMES_TRIED; number++) {
        g_autofree char *kept = stamped && from == inbox->taking && number == 0 ? g_strdup(name) : inbox_kept_name(base, wall_clock(), number);

        if (fresh_rename_to_free(from, name, to, kept) == 0)
            return g_steal_pointer(&kept);
        if (errno != EEXIST)
            break;
    }
    g_autofree char *shown = path_display(name);

    chama_error_errno(error, errno, "%s: %s: cannot be moved", inbox->folder, shown);
    return NULL;
}

/* DB5 */
static gboolean
refuse(Inbox *inbox, int from, const char *name, const char *reason, GError **error)
{
    g_autofree char *kept = move(inbox, from, name, inbox->refused, error), *shown = path_display(name), *path = NULL, *text = NULL;

    if (!kept)
        return FALSE;
    path = g_strconcat(inbox->folder, "/" INBOX_REFUSED "/", kept, ".txt", NULL);
    text = g_strdup_printf("%s\n%s\n", shown, reason);
    inbox->tell(inbox->data, shown, INBOX_IS_REFUSED, reason);
    return durable_write(path, text, strlen(text), 0644, error);
}

static const char *
kind_of(mode_t mode)
{
    return S_ISLNK(mode) ? "a link" : S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket" : S_ISREG(mode) ? "a file" : "a device";
}

/* DB6: how long until it is looked at again. */
static void
put_off(Watched *watched, InboxVerdict verdict, gint64 now)
{
    watched->tries += verdict == INBOX_TRY_AGAIN;
    watched->next = now + (verdict == INBOX_TRY_AGAIN ? MIN(RETRY_FIRST << MIN(watched->tries - 1, 10), RETRY_MAX) : RETRY_FIRST);
}

static gboolean
finish(Inbox *inbox, const char *name, Watched *watched, InboxVerdict verdict, const char *reason, GError **error)
{
    g_autofree char *shown = path_display(name), *moved = NULL, *last = NULL;

    if (verdict == INBOX_TRY_AGAIN && watched->tries >= INBOX_TRIES_MAX) {
        last = g_strdup_printf("DB6: want it to work within %d tries, have: %s", INBOX_TRIES_MAX, reason);
        return refuse(inbox, inbox->taking, name, last, error);
    }
    if (verdict == INBOX_IS_REFUSED)
        return refuse(inbox, inbox->taking, name, reason, error);
    if (verdict == INBOX_IS_DONE && !(moved = move(inbox, inbox->taking, name, inbox->done, error)))
        return FALSE;
    inbox->tell(inbox->data, shown, verdict, reason);
    return TRUE;
}

/* In "taking" nobody else changes what lies there under our hands. */
static gboolean
take_one(Inbox *inbox, const char *name, gint64 now, GError **error)
{
    Watched *watched = watch(inbox, INBOX_TAKING "/", name, now);
    g_autofree char *path = g_strconcat(inbox->folder, "/" INBOX_TAKING "/", name, NULL), *reason = NULL;
    struct stat status;
    InboxVerdict verdict;

    if (now < watched->next)
        return TRUE;
    if (fstatat(inbox->taking, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || chama_error_errno(error, errno, "%s", path);
    if (S_ISDIR(status.st_mode))
        return TRUE;
    if (S_ISREG(status.st_mode))
        verdict = inbox->take(inbox->data, path, &reason);
    else {
        verdict = INBOX_IS_REFUSED;
        reason = g_strdup_printf("DB3: want a file, have %s", kind_of(status.st_mode));
    }
    put_off(watched, verdict, now);
    return finish(inbox, name, watched, verdict, reason, error);
}

/* Moves what is complete to "taking", and what is called as a bundle and can be none to "refused". */
static gboolean
sort_in(Inbox *inbox, const char *name, gint64 now, GError **error)
{
    g_autofree char *shown = path_display(name), *reason = NULL, *kept = NULL;
    struct stat status;

    if (fstatat(inbox->top, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || chama_error_errno(error, errno, "%s/%s", inbox->folder, shown);
    if (S_ISDIR(status.st_mode))
        return TRUE;
    if (!S_ISREG(status.st_mode))
        reason = g_strdup_printf("DB3: want a file, have %s", kind_of(status.st_mode));
    else if (!is_still(watch(inbox, "", name, now), &status, now, inbox->limits.settle))
        return TRUE;
    if (reason)
        return refuse(inbox, inbox->top, name, reason, error);
    kept = move(inbox, inbox->top, name, inbox->taking, error);
    return kept != NULL;
}

static gboolean
was_not_seen(gpointer name, gpointer value, gpointer data)
{
    return ((const Watched *)value)->look != ((const Inbox *)data)->look;
}

/* One that cannot be worked with does not hold up the others; the first error is told. */
static gboolean
for_all(Inbox *inbox, int folder, gboolean (*work)(Inbox *, const char *, gint64, GError **), gint64 now, GError **error)
{
    g_autoptr(GPtrArray) names = list_names(folder);
    GError *first = NULL;

    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GError) failed = NULL;

        if (!work(inbox, names->pdata[i], now, &failed) && !first)
            first = g_steal_pointer(&failed);
    }
    if (first)
        g_propagate_error(error, first);
    return first == NULL;
}

static guint
count_names(int folder)
{
    g_autoptr(GPtrArray) names = list_names(folder);

    return names->len;
}

gboolean
inbox_look(Inbox *inbox, gint64 now, guint *waiting, GError **error)
{
    gboolean sorted, taken;

    *waiting = 0;
    inbox->look++;
    if (!open_folders(inbox, error))
        return FALSE;
    sorted = for_all(inbox, inbox->top, sort_in, now, error);
    taken = for_all(inbox, inbox->taking, take_one, now, sorted ? error : NULL);
    g_hash_table_foreach_remove(inbox->watched, was_not_seen, inbox);
    kept_trim(inbox->done, &inbox->limits, wall_clock());
    kept_trim(inbox->refused, &inbox->limits, wall_clock());
    *waiting = count_names(inbox->top) + count_names(inbox->taking);
    close_folders(inbox);
    return sorted && taken;
}
