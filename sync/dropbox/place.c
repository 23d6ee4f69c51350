#include "sync/dropbox/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/checkout/fresh.h"
#include "sync/dropbox/inbox.h"
#include "sync/transport/sftp.h"
#include "sync/transport/ssh_address.h"

#define SFTP_SCHEME "sftp://"
#define BLOCK (1024 * 1024)

struct Place {
    char *address;
    int fd;                    /* of the folder; -1: it is */
    Sftp *sftp;                /* elsewhere */
};

gboolean
place_is_remote(const char *word)
{
    return g_str_has_prefix(word, SFTP_SCHEME);
}

gboolean
place_is(const char *word)
{
    return place_is_remote(word) || (!strstr(word, "://") && strchr(word, '/')) || strcmp(word, ".") == 0 || strcmp(word, "..") == 0;
}

gboolean
place_valid(const char *address, GError **error)
{
    g_autoptr(SshAddress) there = NULL;

    if (!place_is_remote(address))
        return TRUE;
    there = ssh_address_parse(address, SFTP_SCHEME, error);
    return there && (there->path || chama_error(error, CHAMA_ERROR_USAGE, "%s: SH1: want sftp://[USER@]HOST[:PORT]/DIR, have no DIR (/~/ is the user's own folder there)", address));
}

/* Without links; of one that is not there, what is there of the folders above it. */
static char *
real_path(const char *path)
{
    g_autofree char *whole = g_canonicalize_filename(path, NULL), *real = realpath(path, NULL);

    if (real)
        return g_strdup(real);
    g_autofree char *above = g_path_get_dirname(whole), *name = g_path_get_basename(whole);

    if (strcmp(above, whole) == 0)
        return g_steal_pointer(&whole);
    g_autofree char *there = real_path(above);

    return g_build_filename(there, name, NULL);
}

static gboolean
is_within(const char *path, const char *folder)
{
    gsize size = strlen(folder);

    return strcmp(folder, "/") == 0 || (strncmp(path, folder, size) == 0 && (path[size] == '/' || !path[size]));
}

gboolean
place_apart(const char *path, const char *home, GError **error)
{
    g_autofree char *folder = real_path(path), *node = real_path(home);

    if (!g_path_is_absolute(path))
        return chama_error(error, CHAMA_ERROR_USAGE, "DB15: want the whole path of a folder, from / on, have %s", path);
    if (is_within(folder, node) || is_within(node, folder))
        return chama_error(error, CHAMA_ERROR_USAGE, "DB15: want a folder of its own, apart from the home %s, have %s, which is the home, above it or below it", node, path);
    return TRUE;
}

Place *
place_open(const char *address, const TransportOptions *options, GError **error)
{
    g_autoptr(Place) place = g_new0(Place, 1);

    place->address = g_strdup(address);
    place->fd = -1;
    if (!place_valid(address, error))
        return NULL;
    if (place_is_remote(address))
        return (place->sftp = sftp_open(address, options, error)) ? g_steal_pointer(&place) : NULL;
    place->fd = open(address, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->fd >= 0)
        return g_steal_pointer(&place);
    chama_error_errno(error, errno, "%s: want a folder to leave bundles in", address);
    return NULL;
}

void
place_close(Place *place)
{
    if (!place)
        return;
    if (place->fd >= 0)
        close(place->fd);
    if (place->sftp)
        sftp_close(place->sftp);
    g_free(place->address);
    g_free(place);
}

static gboolean
is_left(const char *name)
{
    return inbox_is_bundle(name) && !inbox_is_temporary(name);
}

static void
count_left(PlaceTotals *totals, const char *name, guint64 size)
{
    if (!is_left(name))
        return;
    totals->files++;
    totals->bytes += size;
}

static gboolean
look_there(Place *place, PlaceTotals *totals, GError **error)
{
    g_autoptr(GPtrArray) entries = sftp_list(place->sftp, "", error);

    for (guint i = 0; entries && i < entries->len; i++) {
        const SftpEntry *entry = entries->pdata[i];

        if (!entry->folder)
            count_left(totals, entry->name, entry->size);
    }
    return entries != NULL;
}

gboolean
place_look(Place *place, PlaceTotals *totals, GError **error)
{
    struct dirent *found;
    struct stat status;
    DIR *dir;
    int fd;

    *totals = (PlaceTotals){ 0 };
    if (place->sftp)
        return look_there(place, totals, error);
    fd = openat(place->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return chama_error_errno(error, errno, "%s", place->address);
    while ((found = readdir(dir)))
        if (fstatat(place->fd, found->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
            count_left(totals, found->d_name, (guint64)status.st_size);
    closedir(dir);
    return TRUE;
}

static gboolean
copy_bytes(Place *place, int from, int to, Progress *progress, GError **error)
{
    g_autofree guint8 *block = g_malloc(BLOCK);
    gssize n, written;

    for (;;) {
        if (progress_cancelled(progress))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped");
        n = read(from, block, BLOCK);
        if (n == 0)
            return durable_fsync(to, place->address, error);
        for (gssize done = 0; done < n; done += written) {
            written = write(to, block + done, (gsize)(n - done));
            if (written < 0 && errno != EINTR)
                return chama_error_errno(error, errno, "%s: cannot write", place->address);
            written = MAX(written, 0);
        }
        if (n < 0 && errno != EINTR)
            return chama_error_errno(error, errno, "%s: cannot be read", place->address);
        progress_add(progress, MAX(n, 0), 0);
    }
}

/* What one that was killed has left of it is begun anew: here it costs nothing to speak of. */
static gboolean
copy(Place *place, int from, const char *name, Progress *progress, GError **error)
{
    g_autofree char *part = g_strconcat(".", name, ".part", NULL);
    int to = openat(place->fd, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    gboolean copied;

    if (to < 0)
        return chama_error_errno(error, errno, "%s/%s", place->address, part);
    copied = copy_bytes(place, from, to, progress, error);
    if (close(to) != 0 && copied)
        copied = chama_error_errno(error, errno, "%s/%s", place->address, part);
    if (copied && fresh_rename_to_free(place->fd, part, place->fd, name) == 0)
        return durable_fsync_folder(place->address, error);
    if (copied && errno == EEXIST)
        chama_error(error, CHAMA_ERROR_EXISTS, "%s/%s: want no file of this name, have one", place->address, name);
    else if (copied)
        chama_error_errno(error, errno, "%s/%s: cannot be renamed", place->address, name);
    unlinkat(place->fd, part, 0);
    return FALSE;
}

static gboolean
leave_here(Place *place, const char *path, const char *name, Progress *progress, GError **error)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    gboolean copied;

    if (from < 0)
        return chama_error_errno(error, errno, "%s", path);
    copied = copy(place, from, name, progress, error);
    close(from);
    return copied;
}

/* DB11: one that was cut right after the renaming has nothing left to do. */
static gboolean
lies_there(Place *place, const char *path, const char *name)
{
    struct stat mine, theirs;
    SftpEntry *entry;
    gboolean same;

    if (stat(path, &mine) != 0)
        return FALSE;
    if (!place->sftp)
        return fstatat(place->fd, name, &theirs, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(theirs.st_mode) && theirs.st_size == mine.st_size;
    entry = sftp_look(place->sftp, name, NULL);
    same = entry && !entry->folder && entry->size == (guint64)mine.st_size;
    if (entry)
        sftp_entry_free(entry);
    return same;
}

gboolean
place_leave(Place *place, const char *path, const char *name, Progress *progress, GError **error)
{
    if (lies_there(place, path, name))
        return TRUE;
    return place->sftp ? sftp_put(place->sftp, path, name, progress, error) : leave_here(place, path, name, progress, error);
}
