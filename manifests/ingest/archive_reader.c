#include "manifests/ingest/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/listing/page.h"

#define BLOCK (1024 * 1024)
#define TAR_BLOCK 512

struct ArchiveReader {
    struct archive *archive;
    char *name;                /* for messages */
    int fd;
    locale_t locale, before;   /* names are converted by the thread's locale */
    gboolean strict_names;
    struct archive_entry *entry;
    gint64 left;               /* of the entry, -1 if the archive does not say */
};

static gboolean
malformed(const ArchiveReader *reader, GError **error)
{
    const char *text = archive_error_string(reader->archive);

    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: AR5: not a whole archive: %s", reader->name, text ? text : "it cannot be read");
}

static void
support_formats(struct archive *archive, gboolean tar_only)
{
    archive_read_support_format_tar(archive);
    archive_read_support_format_gnutar(archive);
    if (tar_only)
        return;
    archive_read_support_format_7zip(archive);
    archive_read_support_format_ar(archive);
    archive_read_support_format_cab(archive);
    archive_read_support_format_cpio(archive);
    archive_read_support_format_iso9660(archive);
    archive_read_support_format_lha(archive);
    archive_read_support_format_rar(archive);
    archive_read_support_format_rar5(archive);
    archive_read_support_format_xar(archive);
    /* By its directory at the end, never as a stream: that would take a cut one for whole. */
    archive_read_support_format_zip_seekable(archive);
}

static void
support_filters(struct archive *archive)
{
    archive_read_support_filter_bzip2(archive);
    archive_read_support_filter_compress(archive);
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_lz4(archive);
    archive_read_support_filter_lzip(archive);
    archive_read_support_filter_lzma(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_zstd(archive);
}

static gboolean
set_encoding(ArchiveReader *reader, const char *encoding, GError **error)
{
    g_autofree char *option = NULL;

    if (!encoding)
        return TRUE;
    option = g_strconcat("hdrcharset=", encoding, NULL);
    reader->strict_names = TRUE;
    if (archive_read_set_options(reader->archive, option) == ARCHIVE_OK)
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

ArchiveReader *
archive_reader_open(const char *path, const char *encoding, GError **error)
{
    g_autoptr(ArchiveReader) reader = g_new0(ArchiveReader, 1);
    gboolean from_stdin = strcmp(path, "-") == 0;

    reader->fd = -1;
    reader->name = from_stdin ? g_strdup("stdin") : g_path_get_basename(path);
    reader->archive = archive_read_new();
    reader->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!reader->archive || !reader->locale)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: cannot set up libarchive in the locale C.UTF-8", reader->name);
    reader->before = uselocale(reader->locale);
    support_formats(reader->archive, from_stdin);
    support_filters(reader->archive);
    if (!open_file(reader, path, error) || !set_encoding(reader, encoding, error))
        return NULL;
    if (archive_read_open_fd(reader->archive, from_stdin ? STDIN_FILENO : reader->fd, BLOCK) == ARCHIVE_OK)
        return g_steal_pointer(&reader);
    malformed(reader, error);
    return NULL;
}

void
archive_reader_free(ArchiveReader *reader)
{
    if (!reader)
        return;
    archive_read_free(reader->archive);
    if (reader->before)
        uselocale(reader->before);
    if (reader->locale)
        freelocale(reader->locale);
    if (reader->fd >= 0)
        close(reader->fd);
    g_free(reader->name);
    g_free(reader);
}

/* AR5: a tar ends with blocks of zeros; one that was cut between two entries has none. */
static gboolean
check_end(const ArchiveReader *reader, GError **error)
{
    gboolean tar = (archive_format(reader->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;

    if (!tar || archive_filter_bytes(reader->archive, 0) - archive_read_header_position(reader->archive) >= TAR_BLOCK)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: AR5: not a whole archive: want its end marker, have none", reader->name);
}

static gboolean
names_are_well(const ArchiveReader *reader, int status, const char *path, GError **error)
{
    if (path && !(status == ARCHIVE_WARN && reader->strict_names))
        return TRUE;
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: an entry: want a name in the stated encoding, have %s", reader->name,
                       path ? archive_error_string(reader->archive) : "none that can be read");
}

gboolean
archive_reader_next(ArchiveReader *reader, ArchiveEntry *entry, GError **error)
{
    int status = archive_read_next_header(reader->archive, &reader->entry);

    if (status == ARCHIVE_EOF) {
        check_end(reader, error);
        return FALSE;
    }
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
        return malformed(reader, error);
    entry->path = archive_entry_pathname(reader->entry);
    entry->hard_link = archive_entry_hardlink(reader->entry);
    entry->link = archive_entry_symlink(reader->entry);
    entry->mode = archive_entry_mode(reader->entry);
    reader->left = archive_entry_size_is_set(reader->entry) ? archive_entry_size(reader->entry) : -1;
    return names_are_well(reader, status, entry->path, error);
}

gboolean
archive_reader_read(ArchiveReader *reader, void *buffer, gsize size, gsize *count, GError **error)
{
    la_ssize_t n = archive_read_data(reader->archive, buffer, size);

    if (n < 0)
        return malformed(reader, error);
    *count = (gsize)n;
    if (reader->left < 0 || (n > 0 && n <= reader->left) || (n == 0 && reader->left == 0)) {
        reader->left -= reader->left < 0 ? 0 : n;
        return TRUE;
    }
    g_autofree char *shown = path_display(archive_entry_pathname(reader->entry));

    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: %s: want as many bytes as its header says, have %s", reader->name, shown, n > 0 ? "more" : "fewer");
}
