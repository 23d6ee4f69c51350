#include "manifests/ingest/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "keys/library.h"
#include "manifests/listing/page.h"

#define BLOCK (1024 * 1024)
#define TAR_BLOCK 512

/* Loaded with the first archive: it and what it brings take 3 ms, as long as all else that a short command does. */
#define FUNCTIONS(f) \
    f(archive_entry_hardlink) f(archive_entry_is_encrypted) f(archive_entry_mode) f(archive_entry_pathname) f(archive_entry_size) f(archive_entry_size_is_set) \
    f(archive_entry_symlink) f(archive_error_string) f(archive_filter_bytes) f(archive_format) f(archive_read_data) f(archive_read_free) \
    f(archive_read_header_position) f(archive_read_new) f(archive_read_next_header) f(archive_read_open) f(archive_read_open_fd) f(archive_read_set_options) \
    f(archive_read_support_filter_bzip2) f(archive_read_support_filter_compress) f(archive_read_support_filter_gzip) \
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
    int fd;                    /* -1: standard input, */
    guint8 *block;             /* what was read of it last, */
    gint64 taken;              /* and how much in all */
    locale_t locale, before;   /* names are converted by the thread's locale */
    gboolean strict_names;
    struct archive_entry *entry;
    gint64 left;               /* of the entry, -1 if the archive does not say */
};

static gboolean
malformed(const ArchiveReader *reader, GError **error)
{
    const char *text = lib.archive_error_string(reader->archive);

    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: AR5: not a whole archive: %s%s", reader->name, text ? text : "it cannot be read",
                       reader->block && reader->entry == NULL ? "; on standard input want a tar" : "");
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
    lib.archive_read_support_filter_gzip(archive);
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
    if (strcmp(path, "-") == 0)
        return TRUE;
    reader->fd = open(path, O_RDONLY | O_CLOEXEC);
    return reader->fd >= 0 || chama_error_errno(error, errno, "%s", path);
}

static la_ssize_t
read_standard_input(struct archive *archive, void *data, const void **block)
{
    ArchiveReader *reader = data;
    ssize_t n;

    do
        n = read(STDIN_FILENO, reader->block, BLOCK);
    while (n < 0 && errno == EINTR);
    reader->taken += MAX(n, 0);
    *block = reader->block;
    return n;
}

static int
start_reading(ArchiveReader *reader)
{
    /* AR12: tars one behind another are one; else what stands behind the first would be passed over in silence. */
    lib.archive_read_set_options(reader->archive, "tar:read_concatenated_archives");
    if (reader->fd >= 0)
        return lib.archive_read_open_fd(reader->archive, reader->fd, BLOCK);
    reader->block = g_malloc(BLOCK);
    return lib.archive_read_open(reader->archive, reader, NULL, read_standard_input, NULL);
}

ArchiveReader *
archive_reader_open(const char *path, const char *encoding, GError **error)
{
    g_autoptr(ArchiveReader) reader = library_load(&library, error) ? g_new0(ArchiveReader, 1) : NULL;
    gboolean from_stdin = strcmp(path, "-") == 0;

    if (!reader)
        return NULL;
    reader->fd = -1;
    reader->name = from_stdin ? g_strdup("stdin") : g_path_get_basename(path);
    reader->archive = lib.archive_read_new();
    reader->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!reader->archive || !reader->locale)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: cannot set up libarchive in the locale C.UTF-8", reader->name);
    reader->before = uselocale(reader->locale);
    support_formats(reader->archive, from_stdin);
    support_filters(reader->archive);
    if (!open_file(reader, path, error) || !set_encoding(reader, encoding, error))
        return NULL;
    if (start_reading(reader) == ARCHIVE_OK)
        return g_steal_pointer(&reader);
    malformed(reader, error);
    return NULL;
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
    if (reader->fd >= 0)
        close(reader->fd);
    g_free(reader->block);
    g_free(reader->name);
    g_free(reader);
}

/* AR12: what unpacks some compressions stops where they end, whatever follows. */
static gboolean
check_rest(const ArchiveReader *reader, GError **error)
{
    gint64 unpacked = lib.archive_filter_bytes(reader->archive, -1), all = reader->taken;
    struct stat status;

    if (reader->fd >= 0)
        all = fstat(reader->fd, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : unpacked;
    return all <= unpacked || chama_error(error, CHAMA_ERROR_MALFORMED, "%s: AR12: want nothing behind its end, have %" G_GINT64_FORMAT " bytes",
                                          reader->name, all - unpacked);
}

/* AR5: a tar ends with blocks of zeros; one that was cut between two entries has none. */
static gboolean
check_end(const ArchiveReader *reader, GError **error)
{
    gboolean tar = (lib.archive_format(reader->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;

    if (!tar)
        return TRUE;
    if (lib.archive_filter_bytes(reader->archive, 0) - lib.archive_read_header_position(reader->archive) >= TAR_BLOCK)
        return check_rest(reader, error);
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: AR5: not a whole archive: want its end marker, have none", reader->name);
}

static gboolean
refuse_encrypted(const ArchiveReader *reader, const char *path, GError **error)
{
    g_autofree char *shown = path_display(path);

    return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: %s: AR13: want it unencrypted, have it encrypted; unpack it and publish the folder",
                       reader->name, shown);
}

static gboolean
names_are_well(const ArchiveReader *reader, int status, const char *path, GError **error)
{
    if (path && !(status == ARCHIVE_WARN && reader->strict_names))
        return TRUE;
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: an entry: want a name in the stated encoding, have %s", reader->name,
                       path ? lib.archive_error_string(reader->archive) : "none that can be read");
}

gboolean
archive_reader_next(ArchiveReader *reader, ArchiveEntry *entry, GError **error)
{
    int status = lib.archive_read_next_header(reader->archive, &reader->entry);

    if (status == ARCHIVE_EOF) {
        check_end(reader, error);
        return FALSE;
    }
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
        return malformed(reader, error);
    entry->path = lib.archive_entry_pathname(reader->entry);
    entry->hard_link = lib.archive_entry_hardlink(reader->entry);
    entry->link = lib.archive_entry_symlink(reader->entry);
    entry->mode = lib.archive_entry_mode(reader->entry);
    reader->left = lib.archive_entry_size_is_set(reader->entry) ? lib.archive_entry_size(reader->entry) : -1;
    if (!names_are_well(reader, status, entry->path, error))
        return FALSE;
    return !lib.archive_entry_is_encrypted(reader->entry) || refuse_encrypted(reader, entry->path, error);
}

gboolean
archive_reader_read(ArchiveReader *reader, void *buffer, gsize size, gsize *count, GError **error)
{
    la_ssize_t n = lib.archive_read_data(reader->archive, buffer, size);

    if (n < 0)
        return malformed(reader, error);
    *count = (gsize)n;
    if (reader->left < 0 || (n > 0 && n <= reader->left) || (n == 0 && reader->left == 0)) {
        reader->left -= reader->left < 0 ? 0 : n;
        return TRUE;
    }
    g_autofree char *shown = path_display(lib.archive_entry_pathname(reader->entry));

    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: want as many bytes as its header says, have %s", reader->name, shown, n > 0 ? "more" : "fewer");
}
