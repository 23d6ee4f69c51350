#include "sync/transport/sftp.h"

#include <string.h>
#include <sys/socket.h>

#include "keys/error.h"
#include "manifests/text.h"
#include "sync/transport/sftp_private.h"

#define SCHEME "sftp://"
#define NAME_MAX_BYTES 255
#define LIST_NAME_MAX 1024
#define FOLDER_MODE 0755L
#define BEGIN_SECONDS 10   /* for the first packet: a program that is not SFTP waits for something else, and would for ever */

/* What a server means by its numbers; all else is FAILED. */
static const struct {
    unsigned long status;
    ChamaError code;
    const char *words;
} meanings[] = {
    { LIBSSH2_FX_NO_SUCH_FILE, CHAMA_ERROR_NOT_FOUND, "not there" },
    { LIBSSH2_FX_NO_SUCH_PATH, CHAMA_ERROR_NOT_FOUND, "not there" },
    { LIBSSH2_FX_PERMISSION_DENIED, CHAMA_ERROR_DENIED, "the server does not allow it" },
    { LIBSSH2_FX_WRITE_PROTECT, CHAMA_ERROR_DENIED, "the server does not allow it" },
    { LIBSSH2_FX_FILE_ALREADY_EXISTS, CHAMA_ERROR_EXISTS, "it is there already" },
    { LIBSSH2_FX_NO_SPACE_ON_FILESYSTEM, CHAMA_ERROR_NO_SPACE, "no space there" },
    { LIBSSH2_FX_QUOTA_EXCEEDED, CHAMA_ERROR_NO_SPACE, "no space there" },
    { LIBSSH2_FX_OP_UNSUPPORTED, CHAMA_ERROR_UNSUPPORTED, "the server does not do that" },
    { LIBSSH2_FX_CONNECTION_LOST, CHAMA_ERROR_UNREACHABLE, "the connection has ended" },
    { LIBSSH2_FX_NO_CONNECTION, CHAMA_ERROR_UNREACHABLE, "the connection has ended" },
};

void
sftp_entry_free(SftpEntry *entry)
{
    if (!entry)
        return;
    g_free(entry->name);
    g_free(entry);
}

void
sftp_close(Sftp *sftp)
{
    if (!sftp)
        return;
    if (sftp->handle)
        ssh.libssh2_sftp_shutdown(sftp->handle);
    ssh_session_close(sftp->session);
    if (sftp->limit)
        limit_unref(sftp->limit);
    g_free(sftp->base);
    g_free(sftp->name);
    g_free(sftp);
}

gboolean
sftp_done(Sftp *sftp, gssize result, const char *name, GError *waited, GError **error)
{
    unsigned long status;

    if (result >= 0)
        return TRUE;
    if (waited || result != LIBSSH2_ERROR_SFTP_PROTOCOL) {
        /* What is half way would be taken for the answer to the next request. */
        shutdown(ssh_session_descriptor(sftp->session), SHUT_RDWR);
        if (!waited)
            return ssh_session_error(sftp->session, *name ? name : "SFTP", error);
        g_propagate_error(error, waited);
        return FALSE;
    }
    status = ssh.libssh2_sftp_last_error(sftp->handle);
    for (gsize i = 0; i < G_N_ELEMENTS(meanings); i++) {
        if (status == meanings[i].status)
            return chama_error(error, meanings[i].code, "%s/%s: %s", sftp->name, name, meanings[i].words);
    }
    return chama_error(error, CHAMA_ERROR_FAILED, "%s/%s: the server fails (status %lu)", sftp->name, name, status);
}

/* SH7.  A key that authorized_keys binds to a command gets that command, whatever is asked for. */
static gboolean
begin(Sftp *sftp, GError **error)
{
    guint stall = ssh_session_set_stall(sftp->session, BEGIN_SECONDS);
    GError *waited = NULL;

    if (stall < BEGIN_SECONDS)
        ssh_session_set_stall(sftp->session, stall);
    SSH_AGAIN_POINTER(sftp->session, sftp->handle, ssh.libssh2_sftp_init(ssh_session_handle(sftp->session)), &waited);
    ssh_session_set_stall(sftp->session, stall);
    if (sftp->handle)
        return TRUE;
    if (waited && !g_error_matches(waited, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE)) {
        g_propagate_error(error, waited);
        return FALSE;
    }
    chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: SH7: want a server that speaks SFTP, have %s; if `command=` stands before this key in authorized_keys there, the server runs that and no SFTP: "
                "use another key ([ssh] key of config.ini), or have command=\"internal-sftp\" put there", sftp->name, waited ? "no answer to the first packet" : "one that does not");
    g_clear_error(&waited);
    return FALSE;
}

static Sftp *
start(SshSession *session, const SshAddress *address, Limit *limit, GError **error)
{
    g_autoptr(Sftp) sftp = g_new0(Sftp, 1);

    sftp->session = session;
    sftp->limit = limit ? limit_ref(limit) : NULL;
    sftp->name = g_strndup(address->url, strlen(address->url) - (g_str_has_suffix(address->url, "/") ? 1 : 0));
    sftp->base = g_strdup(address->path ? address->path : ".");
    if (begin(sftp, error))
        return g_steal_pointer(&sftp);
    return NULL;
}

Sftp *
sftp_open(const char *url, const TransportOptions *options, GError **error)
{
    g_autoptr(SshAddress) address = ssh_address_parse(url, SCHEME, error);
    SshSession *session = address ? ssh_session_open(address, options, error) : NULL;
    g_autoptr(Sftp) sftp = session ? start(session, address, options->limit, error) : NULL;
    g_autoptr(GError) failed = NULL;
    SftpEntry *folder = sftp ? sftp_look(sftp, "", &failed) : NULL;
    gboolean good = folder && folder->folder;

    if (failed)
        g_propagate_error(error, g_steal_pointer(&failed));
    else if (sftp && !good)
        chama_error(error, CHAMA_ERROR_USAGE, "%s: SH7: want a folder, have something else", url);
    sftp_entry_free(folder);
    return good ? g_steal_pointer(&sftp) : NULL;
}

static gboolean
part_good(const char *part, gsize size)
{
    return size > 0 && size <= NAME_MAX_BYTES && !(size == 1 && *part == '.') && !(size == 2 && strncmp(part, "..", 2) == 0);
}

char *
sftp_path(const Sftp *sftp, const char *name, GError **error)
{
    ssh_session_allow(sftp->session);
    for (const char *part = name; *name; part += strcspn(part, "/") + 1) {
        if (!part_good(part, strcspn(part, "/")) || !text_shows(name, FALSE))
            return chama_error_null(error, CHAMA_ERROR_USAGE, "%s: want a name below a folder, have %s", sftp->name, name);
        if (!part[strcspn(part, "/")])
            break;
    }
    return *name ? g_strconcat(sftp->base, "/", name, NULL) : g_strdup(sftp->base);
}

static SftpEntry *
entry_new(const char *name, const LIBSSH2_SFTP_ATTRIBUTES *attributes)
{
    SftpEntry *entry = g_new0(SftpEntry, 1);

    entry->name = g_strdup(name);
    entry->size = attributes->flags & LIBSSH2_SFTP_ATTR_SIZE ? attributes->filesize : 0;
    entry->time = attributes->flags & LIBSSH2_SFTP_ATTR_ACMODTIME ? (gint64)attributes->mtime : 0;
    entry->folder = LIBSSH2_SFTP_S_ISDIR(attributes->permissions);
    return entry;
}

SftpEntry *
sftp_look(Sftp *sftp, const char *name, GError **error)
{
    g_autofree char *path = sftp_path(sftp, name, error);
    LIBSSH2_SFTP_ATTRIBUTES attributes = { 0 };
    GError *waited = NULL;
    int result;

    if (!path)
        return NULL;
    SSH_AGAIN(sftp->session, result, ssh.libssh2_sftp_stat_ex(sftp->handle, path, (unsigned)strlen(path), LIBSSH2_SFTP_STAT, &attributes), &waited);
    return sftp_done(sftp, result, name, waited, error) ? entry_new(name, &attributes) : NULL;
}

LIBSSH2_SFTP_HANDLE *
sftp_open_handle(Sftp *sftp, const char *name, unsigned long flags, long mode, int type, GError **error)
{
    g_autofree char *path = sftp_path(sftp, name, error);
    LIBSSH2_SFTP_HANDLE *handle = NULL;
    GError *waited = NULL;

    if (!path)
        return NULL;
    SSH_AGAIN_POINTER(sftp->session, handle, ssh.libssh2_sftp_open_ex(sftp->handle, path, (unsigned)strlen(path), flags, mode, type), &waited);
    if (!handle)
        sftp_done(sftp, ssh.libssh2_session_last_errno(ssh_session_handle(sftp->session)), name, waited, error);
    return handle;
}

gboolean
sftp_close_handle(Sftp *sftp, LIBSSH2_SFTP_HANDLE *handle, const char *name, GError **error)
{
    GError *waited = NULL;
    int result;

    SSH_AGAIN(sftp->session, result, ssh.libssh2_sftp_close_handle(handle), &waited);
    return sftp_done(sftp, result, name, waited, error);
}

static int
compare_entries(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const SftpEntry *const *)a)->name, (*(const SftpEntry *const *)b)->name);
}

/* Names come from the server: one with a slash would lead out of the folder. */
static void
add_entry(GPtrArray *entries, const char *name, const LIBSSH2_SFTP_ATTRIBUTES *attributes, gboolean hidden)
{
    gboolean plain = LIBSSH2_SFTP_S_ISREG(attributes->permissions) || LIBSSH2_SFTP_S_ISDIR(attributes->permissions);

    if (plain && part_good(name, strlen(name)) && !strchr(name, '/') && text_shows(name, FALSE) && (hidden || *name != '.'))
        g_ptr_array_add(entries, entry_new(name, attributes));
}

/* One name more.  Returns 0 at the end, below 0 with an error. */
static gssize
read_entry(Sftp *sftp, LIBSSH2_SFTP_HANDLE *handle, const char *folder, char *name, LIBSSH2_SFTP_ATTRIBUTES *attributes, GError **error)
{
    GError *waited = NULL;
    gssize size;

    SSH_AGAIN(sftp->session, size, ssh.libssh2_sftp_readdir_ex(handle, name, LIST_NAME_MAX, NULL, 0, attributes), &waited);
    if (!sftp_done(sftp, size, folder, waited, error) || size < 0)
        return -1;
    name[MIN(size, LIST_NAME_MAX)] = '\0';
    return size;
}

GPtrArray *
sftp_entries(Sftp *sftp, const char *folder, gboolean hidden, GError **error)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)sftp_entry_free);
    LIBSSH2_SFTP_HANDLE *handle = sftp_open_handle(sftp, folder, 0, 0, LIBSSH2_SFTP_OPENDIR, error);
    LIBSSH2_SFTP_ATTRIBUTES attributes;
    char name[LIST_NAME_MAX + 1];
    gssize size = 0;
    gboolean good;
    guint seen = 0;

    if (!handle)
        return NULL;
    while (seen++ <= SFTP_ENTRIES_MAX && (size = read_entry(sftp, handle, folder, name, &attributes, error)) > 0)
        add_entry(entries, name, &attributes, hidden);
    good = size == 0;
    if (size > 0)
        chama_error(error, CHAMA_ERROR_LIMIT, "%s/%s: SH8: want at most %d entries, have more", sftp->name, folder, SFTP_ENTRIES_MAX);
    good = sftp_close_handle(sftp, handle, folder, good ? error : NULL) && good;
    g_ptr_array_sort(entries, compare_entries);
    return good ? g_steal_pointer(&entries) : NULL;
}

GPtrArray *
sftp_list(Sftp *sftp, const char *name, GError **error)
{
    return sftp_entries(sftp, name, FALSE, error);
}

gboolean
sftp_remove(Sftp *sftp, const char *name, GError **error)
{
    g_autofree char *path = sftp_path(sftp, name, error);
    GError *waited = NULL;
    int result;

    if (!path)
        return FALSE;
    SSH_AGAIN(sftp->session, result, ssh.libssh2_sftp_unlink_ex(sftp->handle, path, (unsigned)strlen(path)), &waited);
    return sftp_done(sftp, result, name, waited, error);
}

gboolean
sftp_there(Sftp *sftp, const char *name, gboolean *there, GError **error)
{
    g_autoptr(GError) failed = NULL;
    SftpEntry *entry = sftp_look(sftp, name, &failed);

    *there = entry != NULL;
    sftp_entry_free(entry);
    if (!failed || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* A server of version 3 says that it failed, and no more. */
gboolean
sftp_rename(Sftp *sftp, const char *from, const char *to, GError **error)
{
    g_autofree char *path = sftp_path(sftp, from, error), *target = path ? sftp_path(sftp, to, error) : NULL;
    g_autoptr(GError) failed = NULL;
    GError *waited = NULL;
    gboolean there = FALSE;
    int result;

    if (!target)
        return FALSE;
    SSH_AGAIN(sftp->session, result, ssh.libssh2_sftp_rename_ex(sftp->handle, path, (unsigned)strlen(path), target, (unsigned)strlen(target), 0), &waited);
    if (sftp_done(sftp, result, to, waited, &failed))
        return TRUE;
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_FAILED) && sftp_there(sftp, to, &there, NULL) && there)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s/%s: it is there already", sftp->name, to);
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

gboolean
sftp_make_folder(Sftp *sftp, const char *name, GError **error)
{
    g_autofree char *path = sftp_path(sftp, name, error);
    g_autoptr(GError) failed = NULL;
    SftpEntry *entry = NULL;
    GError *waited = NULL;
    gboolean there;
    int result;

    if (!path)
        return FALSE;
    SSH_AGAIN(sftp->session, result, ssh.libssh2_sftp_mkdir_ex(sftp->handle, path, (unsigned)strlen(path), FOLDER_MODE), &waited);
    if (sftp_done(sftp, result, name, waited, &failed))
        return TRUE;
    if (!waited)
        entry = sftp_look(sftp, name, NULL);
    there = entry && entry->folder;
    sftp_entry_free(entry);
    if (!there)
        g_propagate_error(error, g_steal_pointer(&failed));
    return there;
}

gboolean
sftp_free_space(Sftp *sftp, guint64 *bytes, GError **error)
{
    LIBSSH2_SFTP_STATVFS st = { 0 };
    GError *waited = NULL;
    int result;

    SSH_AGAIN(sftp->session, result, ssh.libssh2_sftp_statvfs(sftp->handle, sftp->base, strlen(sftp->base), &st), &waited);
    if (!sftp_done(sftp, result, "", waited, error))
        return FALSE;
    if (st.f_frsize == 0 || st.f_bavail > G_MAXUINT64 / st.f_frsize)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: the server does not say what is free", sftp->name);
    *bytes = st.f_bavail * st.f_frsize;
    return TRUE;
}
