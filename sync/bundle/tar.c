#include "sync/bundle/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "keys/error.h"
#include "keys/library.h"
#include "manifests/listing/page.h"
#include "sync/pull/plan.h"

#define BLOCK (1024 * 1024)
#define TAR_BLOCK 512
#define RATIO_ROOM (64 * 1024 * 1024)

#define FUNCTIONS(f) \
    f(archive_entry_filetype) f(archive_entry_free) f(archive_entry_hardlink) f(archive_entry_new) f(archive_entry_pathname) f(archive_entry_set_filetype) \
    f(archive_entry_set_gid) f(archive_entry_set_mtime) f(archive_entry_set_pathname) f(archive_entry_set_perm) f(archive_entry_set_size) \
    f(archive_entry_set_uid) f(archive_entry_size) f(archive_entry_size_is_set) f(archive_entry_sparse_count) f(archive_errno) f(archive_error_string) f(archive_filter_bytes) \
    f(archive_filter_code) f(archive_filter_count) f(archive_read_data) f(archive_read_free) f(archive_read_new) f(archive_read_next_header) \
    f(archive_read_open_fd) f(archive_read_support_filter_gzip) f(archive_read_support_filter_xz) f(archive_read_support_filter_zstd) \
    f(archive_read_support_format_gnutar) f(archive_read_support_format_tar) f(archive_write_add_filter_zstd) f(archive_write_close) f(archive_write_data) \
    f(archive_write_free) f(archive_write_header) f(archive_write_new) f(archive_write_open_fd) f(archive_write_set_bytes_per_block) \
    f(archive_write_set_format_ustar)

static struct { FUNCTIONS(LIBRARY_POINTER) } lib;
static const LibraryFunction functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };
static Library library = { .file = SONAME_ARCHIVE, .functions = functions, .count = G_N_ELEMENTS(functions) };

/* What libarchive says; that the disk is full keeps its own code. */
static gboolean
failed(struct archive *archive, const char *name, ChamaError code, GError **error)
{
    const char *text = lib.archive_error_string(archive);

    if (errno == ENOSPC || errno == EDQUOT)
        return chama_error_errno(error, errno, "%s: cannot write", name);
    return chama_error(error, code, "%s: %s", name, text ? text : "it cannot be read");
}

struct TarWriter {
    struct archive *archive;
    char *name;
};

TarWriter *
tar_writer_new(int fd, const char *name, gboolean zstd, GError **error)
{
    g_autoptr(TarWriter) writer = NULL;

    if (!library_load(&library, error))
        return NULL;
    writer = g_new0(TarWriter, 1);
    writer->name = g_strdup(name);
    writer->archive = lib.archive_write_new();
    lib.archive_write_set_format_ustar(writer->archive);
    lib.archive_write_set_bytes_per_block(writer->archive, zstd ? BLOCK : TAR_END_SIZE);
    if ((zstd && lib.archive_write_add_filter_zstd(writer->archive) != ARCHIVE_OK) || lib.archive_write_open_fd(writer->archive, fd) != ARCHIVE_OK) {
        failed(writer->archive, name, CHAMA_ERROR_FAILED, error);
        return NULL;
    }
    return g_steal_pointer(&writer);
}

gboolean
tar_writer_add(TarWriter *writer, const char *path, GBytes *content, GError **error)
{
    struct archive_entry *entry = lib.archive_entry_new();
    gsize size;
    const void *bytes = g_bytes_get_data(content, &size);
    gboolean good;

    lib.archive_entry_set_pathname(entry, path);
    lib.archive_entry_set_filetype(entry, S_IFREG);
    lib.archive_entry_set_perm(entry, 0644);
    lib.archive_entry_set_uid(entry, 0);
    lib.archive_entry_set_gid(entry, 0);
    lib.archive_entry_set_mtime(entry, 0, 0);
    lib.archive_entry_set_size(entry, (gint64)size);
    errno = 0;
    good = lib.archive_write_header(writer->archive, entry) == ARCHIVE_OK && (size == 0 || lib.archive_write_data(writer->archive, bytes, size) == (la_ssize_t)size);
    lib.archive_entry_free(entry);
    return good || failed(writer->archive, writer->name, CHAMA_ERROR_FAILED, error);
}

gboolean
tar_writer_finish(TarWriter *writer, GError **error)
{
    errno = 0;
    return lib.archive_write_close(writer->archive) == ARCHIVE_OK || failed(writer->archive, writer->name, CHAMA_ERROR_FAILED, error);
}

void
tar_writer_free(TarWriter *writer)
{
    if (!writer)
        return;
    lib.archive_write_free(writer->archive);
    g_free(writer->name);
    g_free(writer);
}

guint64
tar_file_size(guint64 size)
{
    return TAR_BLOCK + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

struct Tar {
    char *name;
    int fd, spool;              /* -1: none */
    GArray *files;              /* of TarFile */
    guint64 spooled, spool_max, reserve;
};

/* An archive being gone through once. */
typedef struct {
    Tar *tar;
    struct archive *archive;
    GHashTable *seen;           /* paths in the files */
    gboolean plain;
} Scan;

static void
scan_clear(Scan *scan)
{
    if (scan->archive)
        lib.archive_read_free(scan->archive);
    g_clear_pointer(&scan->seen, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scan, scan_clear)

static void
file_clear(gpointer file)
{
    g_free(((TarFile *)file)->path);
}

/* B2, B5 */
static gboolean
check_entry(const Scan *scan, struct archive_entry *entry, GError **error)
{
    const char *path = lib.archive_entry_pathname(entry), *name = scan->tar->name;
    g_autofree char *shown = path ? path_display(path) : NULL;
    gint64 size = lib.archive_entry_size(entry);

    if (!path || strlen(path) > TAR_PATH_MAX || !g_utf8_validate(path, -1, NULL))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B5: want paths of at most %d bytes in UTF-8, have another", name, TAR_PATH_MAX);
    if (lib.archive_entry_filetype(entry) != AE_IFREG || lib.archive_entry_hardlink(entry) || lib.archive_entry_sparse_count(entry) > 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: B2: want nothing but regular files and folders, have something else", name, shown);
    if (!path_check(path, error)) {
        g_prefix_error(error, "%s: %s: B5: ", name, shown);
        return FALSE;
    }
    if (!lib.archive_entry_size_is_set(entry) || size < 0 || (guint64)size > TAR_FILE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: %s: B3: want at most %" G_GUINT64_FORMAT " bytes, have more", name, shown, TAR_FILE_MAX);
    if (g_hash_table_contains(scan->seen, path))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: B5: want each path once, have it twice", name, shown);
    return scan->tar->files->len < TAR_FILES_MAX ||
           chama_error(error, CHAMA_ERROR_LIMIT, "%s: B4: want at most %d files, have more", name, TAR_FILES_MAX);
}

/* B6 */
static gboolean
check_spool(const Tar *tar, guint64 size, GError **error)
{
    struct statvfs disk;

    if (tar->spooled + size > tar->spool_max)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: B6: want at most %d times its size once it is unpacked, have more", tar->name, TAR_RATIO_MAX);
    return fstatvfs(tar->spool, &disk) == 0 ? plan_space((guint64)disk.f_bavail * disk.f_frsize, tar->reserve, size, error)
                                            : chama_error_errno(error, errno, "%s: cannot tell how full the disk is", tar->name);
}

/* What libarchive says of read(2) names a number of ours. */
static gboolean
malformed(const Scan *scan, GError **error)
{
    const char *text = lib.archive_error_string(scan->archive);

    if (text && g_str_has_prefix(text, "Error reading fd"))
        return chama_error_errno(error, lib.archive_errno(scan->archive), "%s: cannot read the archive: copy it again from where it came", scan->tar->name);
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B1: want a whole tar archive, have: %s; bring it again", scan->tar->name, text ? text : "it cannot be read");
}

static gboolean
spool_entry(Scan *scan, guint64 size, GError **error)
{
    Tar *tar = scan->tar;
    g_autofree guint8 *room = g_malloc(MIN(size, BLOCK) + 1);

    if (!check_spool(tar, size, error))
        return FALSE;
    for (guint64 done = 0; done < size;) {
        la_ssize_t count = lib.archive_read_data(scan->archive, room, MIN(size - done, BLOCK));

        if (count <= 0)
            return malformed(scan, error);
        if (pwrite(tar->spool, room, (gsize)count, (off_t)tar->spooled) != count)
            return chama_error_errno(error, errno ? errno : ENOSPC, "%s: cannot unpack", tar->name);
        done += (guint64)count;
        tar->spooled += (guint64)count;
    }
    return TRUE;
}

static gboolean
take_entry(Scan *scan, struct archive_entry *entry, GError **error)
{
    Tar *tar = scan->tar;
    TarFile file = { 0 };

    if (lib.archive_entry_filetype(entry) == AE_IFDIR)
        return TRUE;
    if (!check_entry(scan, entry, error))
        return FALSE;
    file.size = (guint64)lib.archive_entry_size(entry);
    file.offset = scan->plain ? lib.archive_filter_bytes(scan->archive, 0) : (gint64)tar->spooled;
    if (!scan->plain && !spool_entry(scan, file.size, error))
        return FALSE;
    file.path = g_strdup(lib.archive_entry_pathname(entry));
    g_hash_table_add(scan->seen, file.path);
    g_array_append_val(tar->files, file);
    return TRUE;
}

static gboolean
begin_scan(Scan *scan, GError **error)
{
    scan->archive = lib.archive_read_new();
    lib.archive_read_support_format_tar(scan->archive);
    lib.archive_read_support_format_gnutar(scan->archive);
    lib.archive_read_support_filter_gzip(scan->archive);
    lib.archive_read_support_filter_xz(scan->archive);
    lib.archive_read_support_filter_zstd(scan->archive);
    errno = 0;
    return lib.archive_read_open_fd(scan->archive, scan->tar->fd, BLOCK) == ARCHIVE_OK || malformed(scan, error);
}

/* What stands behind the last file must lie in the archive, too: a plain one that was cut within a file is found out here. */
static gboolean
check_end(const Scan *scan, GError **error)
{
    const Tar *tar = scan->tar;
    const TarFile *last = tar->files->len > 0 ? &g_array_index(tar->files, TarFile, tar->files->len - 1) : NULL;
    struct stat status;

    if (fstat(tar->fd, &status) != 0)
        return chama_error_errno(error, errno, "%s", tar->name);
    if (!last)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B1: want a tar archive with files in it, have none", tar->name);
    return !scan->plain || last->offset + (gint64)last->size <= status.st_size ||
           chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B1: the archive was cut off: copy it again", tar->name);
}

static gboolean
go_through(Tar *tar, GError **error)
{
    g_auto(Scan) scan = { .tar = tar, .seen = g_hash_table_new(g_str_hash, g_str_equal) };
    struct archive_entry *entry;
    int found;

    if (!begin_scan(&scan, error))
        return FALSE;
    while ((found = lib.archive_read_next_header(scan.archive, &entry)) == ARCHIVE_OK || found == ARCHIVE_WARN) {
        scan.plain = lib.archive_filter_count(scan.archive) == 1;
        if (!take_entry(&scan, entry, error))
            return FALSE;
    }
    if (found != ARCHIVE_EOF)
        return malformed(&scan, error);
    return check_end(&scan, error);
}

static gboolean
open_files(Tar *tar, const char *path, const char *spool, GError **error)
{
    struct stat status;

    tar->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (tar->fd < 0 || fstat(tar->fd, &status) != 0)
        return chama_error_errno(error, errno, "%s", tar->name);
    if (!S_ISREG(status.st_mode))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: B1: want a file, have %s", tar->name, S_ISDIR(status.st_mode) ? "a folder" : "something else");
    tar->spool = open(spool, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    tar->spool_max = (guint64)status.st_size * TAR_RATIO_MAX + RATIO_ROOM;
    return tar->spool >= 0 || chama_error_errno(error, errno, "%s: cannot make a temporary file", spool);
}

Tar *
tar_open(const char *path, const char *spool, guint64 reserve, GError **error)
{
    g_autoptr(Tar) tar = g_new0(Tar, 1);

    tar->name = g_path_get_basename(path);
    tar->fd = tar->spool = -1;
    tar->reserve = reserve;
    tar->files = g_array_new(FALSE, FALSE, sizeof(TarFile));
    g_array_set_clear_func(tar->files, file_clear);
    if (!library_load(&library, error) || !open_files(tar, path, spool, error) || !go_through(tar, error))
        return NULL;
    if (tar->spooled == 0) {
        close(tar->spool);
        tar->spool = -1;
    }
    return g_steal_pointer(&tar);
}

void
tar_free(Tar *tar)
{
    if (!tar)
        return;
    if (tar->fd >= 0)
        close(tar->fd);
    if (tar->spool >= 0)
        close(tar->spool);
    g_array_unref(tar->files);
    g_free(tar->name);
    g_free(tar);
}

const GArray *
tar_files(const Tar *tar)
{
    return tar->files;
}

GBytes *
tar_read(Tar *tar, const TarFile *file, GError **error)
{
    g_autofree guint8 *bytes = g_malloc(file->size + 1);

    for (guint64 done = 0; done < file->size;) {
        ssize_t count = pread(tar->spool >= 0 ? tar->spool : tar->fd, bytes + done, file->size - done, (off_t)(file->offset + (gint64)done));

        if (count < 0 && errno != EINTR)
            return chama_error_errno(error, errno, "%s: %s: cannot read", tar->name, file->path), NULL;
        if (count == 0)
            return chama_error_null(error, CHAMA_ERROR_MALFORMED, "%s: B1: the archive was cut off: copy it again", tar->name);
        done += count > 0 ? (guint64)count : 0;
    }
    return g_bytes_new_take(g_steal_pointer(&bytes), file->size);
}
