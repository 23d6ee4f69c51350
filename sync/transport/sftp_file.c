/* Files over SFTP: sftp_put(), sftp_get(). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/digest.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "sync/transport/sftp_private.h"

#define PIECE (2 * 1024 * 1024)      /* what is under way at once: a long way takes as much */
#define BACK (1024 * 1024)           /* of what was there before a cut is done again: a machine that went down may have lost the end */
#define DIGEST_DIGITS 16
#define PART ".part"
#define FILE_MODE 0644L

/* A transfer that goes on where another ended. */
typedef struct {
    Sftp *sftp;
    LIBSSH2_SFTP_HANDLE *handle;
    const char *name;
    int fd;
    guint64 done, size;
    guint8 *bytes;           /* PIECE */
    Progress *progress;
} Transfer;

static gboolean
moved(Transfer *transfer, gsize size)
{
    gint64 rest = limit_take(transfer->sftp->limit, size);

    transfer->done += size;
    progress_add(transfer->progress, (gint64)size, 0);
    ssh_session_allow_bytes(transfer->sftp->session, size, rest);
    return limit_rest(rest, transfer->progress ? &transfer->progress->cancelled : NULL);
}

static gboolean
stopped(const Transfer *transfer, GError **error)
{
    chama_error(error, CHAMA_ERROR_CANCELLED, "%s/%s: stopped", transfer->sftp->name, transfer->name);
    return FALSE;
}

static guint64
resume_at(guint64 there, guint64 size)
{
    return there > size ? 0 : there > BACK ? there - BACK : 0;
}

static gboolean
digest_of_file(int fd, const char *path, Digest *digest, GError **error)
{
    g_autofree guint8 *bytes = g_malloc(PIECE);
    g_autoptr(DigestStream) stream = digest_stream_new();
    gssize size;

    while ((size = read(fd, bytes, PIECE)) > 0)
        digest_stream_update(stream, bytes, (gsize)size);
    if (size < 0)
        return chama_error_errno(error, errno, "%s", path);
    digest_stream_finish(g_steal_pointer(&stream), digest);
    return TRUE;
}

/* "done/a.tar" -> "done/.a.tar." */
static char *
temporary_prefix(const char *name)
{
    const char *slash = strrchr(name, '/');
    gsize folder = slash ? (gsize)(slash - name) + 1 : 0;

    return g_strdup_printf("%.*s.%s.", (int)folder, name, name + folder);
}

/* What is left of others that were to have the same name. */
static gboolean
remove_others(Sftp *sftp, const char *prefix, const char *temporary, GError **error)
{
    const char *slash = strrchr(prefix, '/');
    g_autofree char *folder = g_strndup(prefix, slash ? (gsize)(slash - prefix) : 0);
    g_autoptr(GPtrArray) entries = sftp_entries(sftp, folder, TRUE, error);

    for (guint i = 0; entries && i < entries->len; i++) {
        const SftpEntry *entry = entries->pdata[i];
        g_autofree char *name = *folder ? g_strconcat(folder, "/", entry->name, NULL) : g_strdup(entry->name);

        if (!entry->folder && g_str_has_prefix(name, prefix) && g_str_has_suffix(name, PART) && strcmp(name, temporary) != 0 && !sftp_remove(sftp, name, error))
            return FALSE;
    }
    return entries != NULL;
}

/* libssh2 sends what it is given and returns what was confirmed; the rest it wants to see again. */
static gboolean
send_bytes(Transfer *transfer, GError **error)
{
    guint64 taken = transfer->done;
    gsize begin = 0, end = 0;

    while (transfer->done < transfer->size) {
        GError *waited = NULL;
        gssize size;

        if (end - begin < PIECE / 2 && taken < transfer->size) {
            memmove(transfer->bytes, transfer->bytes + begin, end - begin);
            end -= begin;
            begin = 0;
            size = pread(transfer->fd, transfer->bytes + end, (gsize)MIN(PIECE - end, transfer->size - taken), (off_t)taken);
            if (size <= 0)
                return size < 0 ? chama_error_errno(error, errno, "%s", transfer->name) : chama_error(error, CHAMA_ERROR_FAILED, "%s: the file became shorter", transfer->name);
            end += (gsize)size;
            taken += (guint64)size;
        }
        SSH_AGAIN(transfer->sftp->session, size, ssh.libssh2_sftp_write(transfer->handle, (const char *)transfer->bytes + begin, end - begin), &waited);
        if (!sftp_done(transfer->sftp, size, transfer->name, waited, error))
            return FALSE;
        begin += (gsize)size;
        if (!moved(transfer, (gsize)size))
            return stopped(transfer, error);
    }
    return TRUE;
}

/* A server that cannot do it keeps files as it does. */
static gboolean
make_durable(Transfer *transfer, GError **error)
{
    g_autoptr(GError) failed = NULL;
    GError *waited = NULL;
    int result;

    SSH_AGAIN(transfer->sftp->session, result, ssh.libssh2_sftp_fsync(transfer->handle), &waited);
    if (sftp_done(transfer->sftp, result, transfer->name, waited, &failed) || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_UNSUPPORTED))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* Before bytes are sent; a server that does not say is tried. */
static gboolean
check_space(Transfer *transfer, GError **error)
{
    g_autoptr(GError) failed = NULL;
    guint64 space = 0;

    if (!sftp_free_space(transfer->sftp, &space, &failed)) {
        if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE) || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
        return TRUE;
    }
    return transfer->size - transfer->done <= space ||
           chama_error(error, CHAMA_ERROR_NO_SPACE, "%s: SH8: want %" G_GUINT64_FORMAT " bytes free for %s, have %" G_GUINT64_FORMAT, transfer->sftp->name,
                       transfer->size - transfer->done, transfer->name, space);
}

static gboolean
send_under(Transfer *transfer, const char *temporary, GError **error)
{
    g_autoptr(GError) none = NULL;
    SftpEntry *entry = sftp_look(transfer->sftp, temporary, &none);
    gboolean good;

    transfer->done = entry ? resume_at(entry->size, transfer->size) : 0;
    sftp_entry_free(entry);
    if (!check_space(transfer, error))
        return FALSE;
    transfer->handle = sftp_open_handle(transfer->sftp, temporary, LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | (transfer->done == 0 ? LIBSSH2_FXF_TRUNC : 0), FILE_MODE,
                                        LIBSSH2_SFTP_OPENFILE, error);
    if (!transfer->handle)
        return FALSE;
    ssh.libssh2_sftp_seek64(transfer->handle, transfer->done);
    progress_add(transfer->progress, (gint64)transfer->done, 0);
    good = send_bytes(transfer, error) && make_durable(transfer, error);
    return sftp_close_handle(transfer->sftp, transfer->handle, transfer->name, good ? error : NULL) && good;
}

/* @transfer has the open file. */
static gboolean
put(Transfer *transfer, const char *path, GError **error)
{
    g_autofree char *prefix = temporary_prefix(transfer->name), *temporary = NULL;
    char digits[DIGEST_HEX_SIZE];
    gboolean there = FALSE;
    struct stat st;
    Digest digest;

    if (fstat(transfer->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want a file, have something else", path);
    transfer->size = (guint64)st.st_size;
    if (!sftp_there(transfer->sftp, transfer->name, &there, error))
        return FALSE;
    if (there)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s/%s: it is there already", transfer->sftp->name, transfer->name);
    if (!digest_of_file(transfer->fd, path, &digest, error))
        return FALSE;
    temporary = g_strdup_printf("%s%.*s" PART, prefix, DIGEST_DIGITS, digest_format_hex(&digest, digits));
    return remove_others(transfer->sftp, prefix, temporary, error) && send_under(transfer, temporary, error) &&
           sftp_rename(transfer->sftp, temporary, transfer->name, error);
}

gboolean
sftp_put(Sftp *sftp, const char *path, const char *name, Progress *progress, GError **error)
{
    g_autofree guint8 *bytes = g_malloc(PIECE);
    Transfer transfer = { .sftp = sftp, .name = name, .bytes = bytes, .progress = progress };
    gboolean good;

    transfer.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (transfer.fd < 0)
        return chama_error_errno(error, errno, "%s", path);
    good = put(&transfer, path, error);
    close(transfer.fd);
    return good;
}

static gboolean
write_all(int fd, const guint8 *bytes, gsize size, guint64 offset)
{
    while (size > 0) {
        gssize written = pwrite(fd, bytes, size, (off_t)offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return FALSE;
        bytes += written;
        size -= (gsize)written;
        offset += (guint64)written;
    }
    return TRUE;
}

static gboolean
receive_bytes(Transfer *transfer, const char *path, GError **error)
{
    while (transfer->done < transfer->size) {
        GError *waited = NULL;
        gssize size;

        SSH_AGAIN(transfer->sftp->session, size,
                  ssh.libssh2_sftp_read(transfer->handle, (char *)transfer->bytes, (gsize)MIN(PIECE, transfer->size - transfer->done)), &waited);
        if (!sftp_done(transfer->sftp, size, transfer->name, waited, error))
            return FALSE;
        if (size == 0)
            return chama_error(error, CHAMA_ERROR_FAILED, "%s/%s: the file became shorter", transfer->sftp->name, transfer->name);
        if (!write_all(transfer->fd, transfer->bytes, (gsize)size, transfer->done))
            return chama_error_errno(error, errno, "%s", path);
        if (!moved(transfer, (gsize)size))
            return stopped(transfer, error);
    }
    return TRUE;
}

static gboolean
receive_into(Transfer *transfer, const char *part, GError **error)
{
    struct stat st;
    gboolean good;

    if (fstat(transfer->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: want a file, have something else", part);
    transfer->done = resume_at((guint64)st.st_size, transfer->size);
    transfer->handle = sftp_open_handle(transfer->sftp, transfer->name, LIBSSH2_FXF_READ, 0, LIBSSH2_SFTP_OPENFILE, error);
    if (!transfer->handle)
        return FALSE;
    ssh.libssh2_sftp_seek64(transfer->handle, transfer->done);
    progress_add(transfer->progress, (gint64)transfer->done, 0);
    good = receive_bytes(transfer, part, error) && durable_fsync(transfer->fd, part, error);
    return sftp_close_handle(transfer->sftp, transfer->handle, transfer->name, good ? error : NULL) && good;
}

gboolean
sftp_get(Sftp *sftp, const char *name, const char *path, guint64 max, Progress *progress, GError **error)
{
    g_autofree guint8 *bytes = g_malloc(PIECE);
    Transfer transfer = { .sftp = sftp, .name = name, .bytes = bytes, .progress = progress };
    SftpEntry *entry = NULL;
    g_autofree char *part = NULL;
    gboolean good;

    if (access(path, F_OK) == 0)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: it is there already", path);
    entry = sftp_look(sftp, name, error);
    if (!entry)
        return FALSE;
    transfer.size = entry->size;
    part = g_strdup_printf("%s.%" G_GUINT64_FORMAT "-%" G_GINT64_FORMAT PART, path, entry->size, entry->time);
    sftp_entry_free(entry);
    if (transfer.size > max)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s/%s: want at most %" G_GUINT64_FORMAT " bytes, have %" G_GUINT64_FORMAT, sftp->name, name, max, transfer.size);
    transfer.fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (transfer.fd < 0)
        return chama_error_errno(error, errno, "%s", part);
    good = receive_into(&transfer, part, error);
    close(transfer.fd);
    return good && durable_rename(part, path, error);
}
