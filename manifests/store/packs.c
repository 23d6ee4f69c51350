#include "manifests/store/packs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "keys/durable.h"
#include "keys/error.h"

#define OPEN_FILES_MAX 64
#define WRITER_ROOM (4 * 1024 * 1024) /* more than the largest frame */

struct PackFolder {
    char *path;
    GMutex mutex;      /* what follows */
    GHashTable *files; /* id -> PackFile */
    GQueue recent;     /* PackFiles, the last used first */
};

PackFolder *
pack_folder_new(const char *path)
{
    PackFolder *folder = g_new0(PackFolder, 1);

    folder->path = g_strdup(path);
    g_mutex_init(&folder->mutex);
    folder->files = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_queue_init(&folder->recent);
    return folder;
}

void
pack_file_unref(PackFile *file)
{
    if (!file || !g_atomic_int_dec_and_test(&file->references))
        return;
    close(file->fd);
    g_free(file);
}

static void
forget(PackFolder *folder, PackFile *file)
{
    g_hash_table_remove(folder->files, &file->id);
    g_queue_delete_link(&folder->recent, file->link);
    pack_file_unref(file);
}

void
pack_folder_free(PackFolder *folder)
{
    if (!folder)
        return;
    while (folder->recent.head)
        forget(folder, folder->recent.head->data);
    g_hash_table_unref(folder->files);
    g_mutex_clear(&folder->mutex);
    g_free(folder->path);
    g_free(folder);
}

static char *
file_path(const char *folder, guint64 id)
{
    char name[PACK_NAME_SIZE];

    return g_build_filename(folder, pack_name_format(id, name), NULL);
}

char *
pack_folder_file(const PackFolder *folder, guint64 id)
{
    return file_path(folder->path, id);
}

static gint
compare_ids(gconstpointer a, gconstpointer b)
{
    guint64 x = *(const guint64 *)a, y = *(const guint64 *)b;

    return (x > y) - (x < y);
}

GArray *
pack_folder_list(const char *path, GPtrArray *strange, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint64));
    const char *name;
    guint64 id;

    if (!dir)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: cannot be listed", path);
    while ((name = g_dir_read_name(dir))) {
        if (pack_name_parse(name, &id))
            g_array_append_val(ids, id);
        else if (strange)
            g_ptr_array_add(strange, g_strdup(name));
    }
    g_array_sort(ids, compare_ids);
    return g_steal_pointer(&ids);
}

static PackFile *
open_file(PackFolder *folder, guint64 id, GError **error)
{
    g_autofree char *path = file_path(folder->path, id);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    PackFile *file;

    if (fd < 0) {
        chama_error_errno(error, errno, "%s", path);
        return NULL;
    }
    file = g_new0(PackFile, 1);
    file->references = 1;
    file->fd = fd;
    file->id = id;
    return file;
}

static PackFile *
remember(PackFolder *folder, PackFile *file)
{
    g_hash_table_insert(folder->files, &file->id, file);
    g_queue_push_head(&folder->recent, file);
    file->link = folder->recent.head;
    if (folder->recent.length > OPEN_FILES_MAX)
        forget(folder, folder->recent.tail->data);
    return file;
}

PackFile *
pack_folder_get(PackFolder *folder, guint64 id, GError **error)
{
    PackFile *file;

    g_mutex_lock(&folder->mutex);
    file = g_hash_table_lookup(folder->files, &id);
    if (file) {
        g_queue_unlink(&folder->recent, file->link);
        g_queue_push_head_link(&folder->recent, file->link);
    } else {
        file = open_file(folder, id, error);
        if (file)
            remember(folder, file);
    }
    if (file)
        g_atomic_int_inc(&file->references);
    g_mutex_unlock(&folder->mutex);
    return file;
}

void
pack_folder_forget_removed(PackFolder *folder)
{
    struct stat about;

    g_mutex_lock(&folder->mutex);
    for (GList *i = folder->recent.head, *next; i; i = next) {
        PackFile *file = i->data;

        next = i->next;
        if (fstat(file->fd, &about) < 0 || about.st_nlink == 0)
            forget(folder, file);
    }
    g_mutex_unlock(&folder->mutex);
}

/* ---- a pack being filled ---- */

struct PackWriter {
    int fd;
    char *folder, *path;
    PackHeader header;
    guint64 flushed;          /* bytes in the file */
    gsize buffered;
    gboolean name_is_durable;
    guint8 *buffer;
};

gboolean
pack_writer_flush(PackWriter *writer, GError **error)
{
    for (gsize done = 0; done < writer->buffered;) {
        gssize put = pwrite(writer->fd, writer->buffer + done, writer->buffered - done, (off_t)(writer->flushed + done));

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return chama_error_errno(error, errno, "%s", writer->path);
        done += (gsize)put;
    }
    /* Starts the disk now, so that the fsync of a commit has less to wait for. */
    sync_file_range(writer->fd, (off_t)writer->flushed, (off_t)writer->buffered, SYNC_FILE_RANGE_WRITE);
    writer->flushed += writer->buffered;
    writer->buffered = 0;
    return TRUE;
}

/* P17: between its making and its lock, salvage may take a new file for a dead one and remove it: then it has no name. */
static int
create_locked(const char *path, GError **error)
{
    struct stat about;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        chama_error_errno(error, errno, "%s", path);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &about) == 0 && about.st_nlink > 0)
        return fd;
    close(fd);
    unlink(path);
    return -1;
}

/* A few attempts: an id may be taken, or the file be removed by salvage at once. */
static gboolean
create(PackWriter *writer, GError **error)
{
    g_autoptr(GError) failed = NULL;

    writer->fd = -1;
    for (int attempt = 0; writer->fd < 0 && attempt < 8; attempt++) {
        g_clear_error(&failed);
        g_clear_pointer(&writer->path, g_free);
        if (gnutls_rnd(GNUTLS_RND_NONCE, &writer->header.id, sizeof writer->header.id) < 0)
            return chama_error(error, CHAMA_ERROR_FAILED, "pack: no random bytes");
        writer->path = file_path(writer->folder, writer->header.id);
        if (writer->header.id != 0)
            writer->fd = create_locked(writer->path, &failed);
    }
    if (writer->fd >= 0)
        return TRUE;
    if (!failed)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot be locked", writer->path);
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

PackWriter *
pack_writer_new(const char *folder, const Scope *scope, GError **error)
{
    PackWriter *writer = g_new0(PackWriter, 1);

    writer->folder = g_strdup(folder);
    writer->header.scope = *scope;
    writer->buffer = g_malloc(WRITER_ROOM);
    if (!create(writer, error)) {
        pack_writer_free(writer);
        return NULL;
    }
    pack_header_format(&writer->header, writer->buffer);
    writer->buffered = PACK_HEADER_SIZE;
    return writer;
}

const PackHeader *
pack_writer_header(const PackWriter *writer)
{
    return &writer->header;
}

guint64
pack_writer_size(const PackWriter *writer)
{
    return writer->flushed + writer->buffered;
}

guint64
pack_writer_flushed(const PackWriter *writer)
{
    return writer->flushed;
}

gboolean
pack_writer_append(PackWriter *writer, const Frame *frame, const void *stored, PackPiece *piece, GError **error)
{
    guint8 *at;

    if (writer->buffered + FRAME_HEADER_SIZE + frame->stored_size > WRITER_ROOM && !pack_writer_flush(writer, error))
        return FALSE;
    at = writer->buffer + writer->buffered;
    piece->frame = *frame;
    frame_format(&piece->frame, writer->header.id, stored, at);
    if (frame->stored_size)
        memcpy(at + FRAME_HEADER_SIZE, stored, frame->stored_size);
    piece->offset = pack_writer_size(writer);
    piece->size = frame_size(&piece->frame);
    piece->bytes = NULL;
    writer->buffered += piece->size;
    return TRUE;
}

gboolean
pack_writer_make_durable(PackWriter *writer, GError **error)
{
    if (!durable_fsync(writer->fd, writer->path, error))
        return FALSE;
    if (!writer->name_is_durable && !durable_fsync_folder(writer->folder, error))
        return FALSE;
    writer->name_is_durable = TRUE;
    return TRUE;
}

gboolean
pack_writer_sync(PackWriter *writer, GError **error)
{
    return pack_writer_flush(writer, error) && pack_writer_make_durable(writer, error);
}

void
pack_writer_cut(PackWriter *writer, guint64 size)
{
    writer->buffered = 0;
    if (size <= PACK_HEADER_SIZE)
        unlink(writer->path);
    else if (ftruncate(writer->fd, (off_t)size) == 0)
        writer->flushed = size;
}

void
pack_writer_free(PackWriter *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0) {
        pack_writer_flush(writer, NULL);
        close(writer->fd);
    }
    g_free(writer->folder);
    g_free(writer->path);
    g_free(writer->buffer);
    g_free(writer);
}
