#include "manifests/ingest/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "keys/library.h"
#include "manifests/ingest/gunzip.h"
#include "manifests/listing/page.h"
#include "manifests/listing/varint.h"

#define BLOCK (1024 * 1024)
#define TAR_BLOCK 512
#define EMPTY_ZIP "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"   /* and the NUL that ends it */
#define WINDOW_MAX (256 * 1024 * 1024)
#define WINDOW_LOOK (16 * 1024 * 1024)   /* of plain bytes: more of a window is not touched before it is noticed */
#define WINDOW_LOOK_ENTRY (64 * 1024)

/* Loaded with the first archive: it and what it brings take 3 ms, as long as all else that a short command does. */
#define FUNCTIONS(f) \
    f(archive_entry_hardlink) f(archive_entry_is_encrypted) f(archive_entry_mode) f(archive_entry_pathname) f(archive_entry_size) f(archive_entry_size_is_set) \
    f(archive_entry_symlink) f(archive_error_string) f(archive_filter_bytes) f(archive_format) f(archive_read_data) f(archive_read_free) \
    f(archive_read_header_position) f(archive_read_new) f(archive_read_next_header) f(archive_read_open) f(archive_read_open_fd) f(archive_read_set_options) \
    f(archive_read_support_filter_bzip2) f(archive_read_support_filter_compress) \
    f(archive_read_support_filter_lz4) f(archive_read_support_filter_lzip) f(archive_read_support_filter_lzma) f(archive_read_support_filter_xz) \
    f(archive_read_support_filter_zstd) f(archive_read_support_format_7zip) f(archive_read_support_format_ar) f(archive_read_support_format_cab) \
    f(archive_read_support_format_cpio) f(archive_read_support_format_gnutar) f(archive_read_support_format_iso9660) \
    f(archive_read_support_format_lha) f(archive_read_support_format_rar) f(archive_read_support_format_rar5) f(archive_read_support_format_tar) \
    f(archive_read_support_format_xar) f(archive_read_support_format_zip_seekable) f(archive_version_string)

static struct { FUNCTIONS(LIBRARY_POINTER) } lib;
static const LibraryFunction functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };
static Library library = { .file = SONAME_ARCHIVE, .functions = functions, .count = G_N_ELEMENTS(functions) };

struct ArchiveReader {
    struct archive *archive;
    char *name;                /* for messages */
    int fd;
    Gunzip *gunzip;            /* what cannot be sought in; else NULL */
    gint64 taken;              /* of its plain bytes */
    GError *failed;            /* of these */
    locale_t locale, plain, before;   /* names are converted by the thread's locale */
    gboolean from_stdin, strict_names, empty, begun;
    gsize held;                /* memory in large blocks before the first entry */
    guint64 unlooked;          /* bytes since that was looked at */
    struct archive_entry *entry;
    gint64 left;               /* of the entry, -1 if the archive does not say */
};

static gboolean
malformed(ArchiveReader *reader, GError **error)
{
    const char *text = lib.archive_error_string(reader->archive);

    if (reader->failed) {
        g_propagate_prefixed_error(error, g_steal_pointer(&reader->failed), "%s: ", reader->name);
        return FALSE;
    }
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: AR5: not a whole archive: %s%s", reader->name, text ? text : "it cannot be read",
                       reader->from_stdin && reader->entry == NULL ? "; on standard input want a tar" : "");
}

static void
support_formats(struct archive *archive, gboolean tar_only)
{
    lib.archive_read_support_format_tar(archive);
    lib.archive_read_support_format_gnutar(archive);
    if (tar_only)
        return;
    lib.archive_read_support_format_7zip(archive);
    lib.archive_read_support_format_ar(archive);
    lib.archive_read_support_format_cab(archive);
    lib.archive_read_support_format_cpio(archive);
    lib.archive_read_support_format_iso9660(archive);
    lib.archive_read_support_format_lha(archive);
    lib.archive_read_support_format_rar(archive);
    lib.archive_read_support_format_rar5(archive);
    lib.archive_read_support_format_xar(archive);
    /* By its directory at the end, never as a stream: that would take a cut one for whole. */
    lib.archive_read_support_format_zip_seekable(archive);
}

static void
support_filters(struct archive *archive)
{
    lib.archive_read_support_filter_bzip2(archive);
    lib.archive_read_support_filter_compress(archive);
    lib.archive_read_support_filter_lz4(archive);
    lib.archive_read_support_filter_lzip(archive);
    lib.archive_read_support_filter_lzma(archive);
    lib.archive_read_support_filter_xz(archive);
    lib.archive_read_support_filter_zstd(archive);
}

static gboolean
set_encoding(ArchiveReader *reader, const char *encoding, GError **error)
{
    g_autofree char *option = NULL;

    if (!encoding)
        return TRUE;
    option = g_strconcat("hdrcharset=", encoding, NULL);
    reader->strict_names = TRUE;
    if (lib.archive_read_set_options(reader->archive, option) == ARCHIVE_OK)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_USAGE, "encoding: want one that iconv knows, have \"%s\"", encoding);
}

static gboolean
open_file(ArchiveReader *reader, const char *path, GError **error)
{
    struct stat status;

    reader->fd = reader->from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0 || fstat(reader->fd, &status) != 0)
        return chama_error_errno(error, errno, "%s", path);
    return reader->from_stdin || !S_ISDIR(status.st_mode) ||
           chama_error(error, CHAMA_ERROR_USAGE, "%s: --unpack: want an archive, have a folder: publish it without --unpack", path);
}

static la_ssize_t
read_plain(struct archive *archive, void *data, const void **block)
{
    ArchiveReader *reader = data;
    const guint8 *bytes;
    gsize size;

    if (reader->failed || !gunzip_read(reader->gunzip, &bytes, &size, &reader->failed))
        return -1;
    reader->taken += (gint64)size;
    *block = bytes;
    return (la_ssize_t)size;
}

/* libarchive looks for the directory of a zip everywhere but at the very beginning. */
static gboolean
is_empty_zip(int fd)
{
    char bytes[sizeof(EMPTY_ZIP) + 1];

    return pread(fd, bytes, sizeof(bytes), 0) == sizeof(EMPTY_ZIP) && memcmp(bytes, EMPTY_ZIP, sizeof(EMPTY_ZIP)) == 0;
}

/* Zip and others are sought in, and read by libarchive itself: what is a file and is not gzip. */
static gboolean
is_sought(const ArchiveReader *reader)
{
    struct stat status;
    guint8 magic[2] = { 0 };

    return !reader->from_stdin && fstat(reader->fd, &status) == 0 && S_ISREG(status.st_mode) && pread(reader->fd, magic, sizeof(magic), 0) >= 0 &&
           !gunzip_begins(magic);
}

static int
start_reading(ArchiveReader *reader)
{
    /* AR12: tars one behind another are one; else what stands behind the first would be passed over in silence. */
    lib.archive_read_set_options(reader->archive, "tar:read_concatenated_archives");
    if (is_sought(reader))
        return lib.archive_read_open_fd(reader->archive, reader->fd, BLOCK);
    reader->gunzip = gunzip_new(reader->fd);
    return lib.archive_read_open(reader->archive, reader, NULL, read_plain, NULL);
}

static gboolean
start(ArchiveReader *reader, const char *encoding, locale_t locale, GError **error)
{
    uselocale(locale);
    reader->archive = lib.archive_read_new();
    if (!reader->archive)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot set up libarchive", reader->name);
    support_formats(reader->archive, reader->from_stdin);
    support_filters(reader->archive);
    return set_encoding(reader, encoding, error) && (start_reading(reader) == ARCHIVE_OK || malformed(reader, error));
}

ArchiveReader *
archive_reader_open(const char *path, const char *encoding, GError **error)
{
    g_autoptr(ArchiveReader) reader = library_load(&library, error) ? g_new0(ArchiveReader, 1) : NULL;

    if (!reader)
        return NULL;
    reader->fd = -1;
    reader->from_stdin = strcmp(path, "-") == 0;
    reader->name = reader->from_stdin ? g_strdup("stdin") : g_path_get_basename(path);
    reader->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    reader->plain = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
    if (!reader->locale || !reader->plain)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: cannot set up the locale C.UTF-8", reader->name);
    reader->before = uselocale(reader->locale);
    reader->held = mallinfo2().hblkhd;
    reader->unlooked = WINDOW_LOOK;
    if (!open_file(reader, path, error))
        return NULL;
    reader->empty = is_empty_zip(reader->fd);
    reader->begun = encoding != NULL;
    return reader->empty || start(reader, encoding, encoding ? reader->locale : reader->plain, error) ? g_steal_pointer(&reader) : NULL;
}

const char *
archive_reader_library(void)
{
    return library_load(&library, NULL) ? lib.archive_version_string() : "none";
}

void
archive_reader_free(ArchiveReader *reader)
{
    if (!reader)
        return;
    lib.archive_read_free(reader->archive);
    if (reader->before)
        uselocale(reader->before);
    if (reader->locale)
        freelocale(reader->locale);
    if (reader->plain)
        freelocale(reader->plain);
    if (reader->fd >= 0 && !reader->from_stdin)
        close(reader->fd);
    g_clear_pointer(&reader->gunzip, gunzip_free);
    g_clear_error(&reader->failed);
    g_free(reader->name);
    g_free(reader);
}

/* AR12: what unpacks some compressions stops where they end, whatever follows. */
static gboolean
check_rest(const ArchiveReader *reader, GError **error)
{
    gint64 unpacked = lib.archive_filter_bytes(reader->archive, -1), all = reader->taken;
    struct stat status;

    if (!reader->gunzip)
        all = fstat(reader->fd, &status) == 0 ? status.st_size : unpacked;
    return all <= unpacked || chama_error(error, CHAMA_ERROR_MALFORMED, "%s: AR12: want nothing behind its end, have %" G_GINT64_FORMAT " bytes",
                                          reader->name, all - unpacked);
}

/* Other archives than tar end where they say, before their gzip does, and its checksum comes last. */
static gboolean
read_rest(ArchiveReader *reader, GError **error)
{
    const guint8 *bytes;
    gsize size = 1;

    while (reader->gunzip && size > 0) {
        if (!gunzip_read(reader->gunzip, &bytes, &size, &reader->failed))
            return malformed(reader, error);
    }
    return TRUE;
}

/* AR5: a tar ends with blocks of zeros; one that was cut between two entries has none. */
static gboolean
check_end(ArchiveReader *reader, GError **error)
{
    gboolean tar = (lib.archive_format(reader->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;

    if (!tar)
        return read_rest(reader, error);
    if (lib.archive_filter_bytes(reader->archive, 0) - lib.archive_read_header_position(reader->archive) >= TAR_BLOCK)
        return check_rest(reader, error);
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: AR5: not a whole archive: want its end marker, have none", reader->name);
}

/* AR14: xz, 7z and others say how much memory unpacking them takes, up to gigabytes. It is had as one large block, and is not filled before as much was unpacked. */
static gboolean
window_is_bounded(ArchiveReader *reader, gsize done, GError **error)
{
    gsize held;

    reader->unlooked += done;
    if (reader->unlooked < WINDOW_LOOK)
        return TRUE;
    reader->unlooked = 0;
    held = mallinfo2().hblkhd;
    return held <= reader->held + WINDOW_MAX ||
           chama_error(error, CHAMA_ERROR_LIMIT, "%s: AR14: want at most %d MiB of memory to unpack it, have %" G_GSIZE_FORMAT "; pack it anew with a smaller dictionary", reader->name,
                       WINDOW_MAX / 1024 / 1024, (held - reader->held) / 1024 / 1024);
}

static gboolean
refuse_encrypted(const ArchiveReader *reader, const char *path, GError **error)
{
    g_autofree char *shown = path_display(path);

    return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: %s: AR13: want it unencrypted, have it encrypted; unpack it and publish the folder",
                       reader->name, shown);
}

/* A sparse file of a few bytes may say that it is longer than any. */
static gboolean
size_is_well(const ArchiveReader *reader, const char *path, GError **error)
{
    g_autofree char *shown = path_display(path);

    return reader->left < 0 || (guint64)reader->left <= VARINT_MAX ||
           chama_error(error, CHAMA_ERROR_LIMIT, "%s: %s: L22: want at most 2^53-1 bytes, have %" G_GINT64_FORMAT, reader->name, shown, reader->left);
}

static gboolean
names_are_well(const ArchiveReader *reader, int status, const char *path, GError **error)
{
    if (path && !(status == ARCHIVE_WARN && reader->strict_names))
        return TRUE;
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: an entry: want a name in the stated encoding, have %s", reader->name,
                       path ? lib.archive_error_string(reader->archive) : "none that can be read");
}

/* AR4: on the way to a locale of UTF-8 libarchive brings names to normal form C. On the way to one that cannot hold them it fails, and gives the names of a tar as they are;
 * all else is begun again. */
static int
first_header(ArchiveReader *reader, GError **error)
{
    int status = lib.archive_read_next_header(reader->archive, &reader->entry);

    reader->begun = TRUE;
    if ((lib.archive_format(reader->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR || lseek(reader->fd, 0, SEEK_SET) != 0)
        return status;
    lib.archive_read_free(g_steal_pointer(&reader->archive));
    reader->entry = NULL;
    g_clear_pointer(&reader->gunzip, gunzip_free);
    g_clear_error(&reader->failed);
    if (!start(reader, NULL, reader->locale, error))
        return ARCHIVE_RETRY;
    return lib.archive_read_next_header(reader->archive, &reader->entry);
}

/* A name that a tar has in a header of its own is passed over if that header is damaged, and the short one beside it taken. */
static gboolean
is_damaged(const ArchiveReader *reader, int status)
{
    const char *text = lib.archive_error_string(reader->archive);

    return (status != ARCHIVE_OK && status != ARCHIVE_WARN) || (status == ARCHIVE_WARN && text && g_str_has_prefix(text, "Ignoring malformed pax"));
}

gboolean
archive_reader_next(ArchiveReader *reader, ArchiveEntry *entry, GError **error)
{
    GError *failed = NULL;
    int status;

    if (reader->empty)
        return FALSE;
    status = reader->begun ? lib.archive_read_next_header(reader->archive, &reader->entry) : first_header(reader, &failed);
    if (failed) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    if (status == ARCHIVE_EOF) {
        check_end(reader, error);
        return FALSE;
    }
    if (is_damaged(reader, status))
        return malformed(reader, error);
    entry->path = lib.archive_entry_pathname(reader->entry);
    entry->hard_link = lib.archive_entry_hardlink(reader->entry);
    entry->link = lib.archive_entry_symlink(reader->entry);
    entry->mode = lib.archive_entry_mode(reader->entry);
    reader->left = lib.archive_entry_size_is_set(reader->entry) ? lib.archive_entry_size(reader->entry) : -1;
    if (!window_is_bounded(reader, WINDOW_LOOK_ENTRY, error) || !names_are_well(reader, status, entry->path, error) || !size_is_well(reader, entry->path, error))
        return FALSE;
    return !lib.archive_entry_is_encrypted(reader->entry) || refuse_encrypted(reader, entry->path, error);
}

gboolean
archive_reader_read(ArchiveReader *reader, void *buffer, gsize size, gsize *count, GError **error)
{
    la_ssize_t n = lib.archive_read_data(reader->archive, buffer, size);

    if (n < 0)
        return malformed(reader, error);
    if (!window_is_bounded(reader, (gsize)n, error))
        return FALSE;
    *count = (gsize)n;
    if (reader->left < 0 || (n > 0 && n <= reader->left) || (n == 0 && reader->left == 0)) {
        reader->left -= reader->left < 0 ? 0 : n;
        return TRUE;
    }
    g_autofree char *shown = path_display(lib.archive_entry_pathname(reader->entry));

    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: want as many bytes as its header says, have %s", reader->name, shown, n > 0 ? "more" : "fewer");
}
