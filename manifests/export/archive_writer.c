#include "manifests/export/archive_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <sys/stat.h>
#include <time.h>

#include "keys/error.h"
#include "keys/library.h"
#include "manifests/listing/page.h"

/* What is handed on at a time; and to what a tar is filled up, as tar does it. */
#define BLOCK (1024 * 1024)
#define TAR_RECORD 10240

#define FUNCTIONS(f) \
    f(archive_entry_clear) f(archive_entry_free) f(archive_entry_new) f(archive_entry_set_gid) f(archive_entry_set_mode) \
    f(archive_entry_set_mtime) f(archive_entry_set_pathname) f(archive_entry_set_size) f(archive_entry_set_symlink) f(archive_entry_set_uid) \
    f(archive_error_string) f(archive_write_close) f(archive_write_data) f(archive_write_free) f(archive_write_header) \
    f(archive_write_new) f(archive_write_open) f(archive_write_set_bytes_in_last_block) f(archive_write_set_bytes_per_block) \
    f(archive_write_set_format_pax_restricted) f(archive_write_set_format_zip) f(archive_write_set_options)

static struct { FUNCTIONS(LIBRARY_POINTER) } lib;
static const LibraryFunction functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };
static Library library = { .file = SONAME_ARCHIVE, .functions = functions, .count = G_N_ELEMENTS(functions) };

struct ArchiveWriter {
    ArchiveWriterKind kind;
    struct archive *archive;
    struct archive_entry *entry;
    locale_t locale, before;   /* names are converted by the thread's locale */
    gint64 time;
    ArchiveOut out;
    gpointer data;
    gboolean broken;           /* out() failed, */
    GError *error;             /* and said this; or nobody wants more */
};

/* libarchive never hears of a failure: after one it would not free all that it has.  What it still says goes nowhere. */
static la_ssize_t
hand_on(struct archive *archive, void *data, const void *bytes, size_t size)
{
    ArchiveWriter *writer = data;

    writer->broken = writer->broken || !writer->out(writer->data, bytes, size, &writer->error);
    return (la_ssize_t)size;
}

static gboolean
failed(ArchiveWriter *writer, const char *path, GError **error)
{
    const char *text = lib.archive_error_string(writer->archive);
    g_autofree char *shown = path_display(path);

    if (!writer->error)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot be written to the archive: %s", shown, text ? text : "libarchive does not say why");
    g_propagate_error(error, g_steal_pointer(&writer->error));
    return FALSE;
}

/* A zip has the time of the clock on the wall, for which libarchive asks the C library. */
static gboolean
check_zone(gint64 seconds, GError **error)
{
    time_t t = (time_t)seconds;
    struct tm tm;

    tzset();
    return (localtime_r(&t, &tm) && tm.tm_gmtoff == 0) ||
           chama_error(error, CHAMA_ERROR_FAILED, "zip: EX4: want the time zone UTC while it is written, have %s", tm.tm_zone);
}

static gboolean
set_format(ArchiveWriter *writer)
{
    struct archive *archive = writer->archive;
    gboolean zip = writer->kind == ARCHIVE_WRITER_ZIP;
    int status = zip ? lib.archive_write_set_format_zip(archive) : lib.archive_write_set_format_pax_restricted(archive);

    /* EX4: what deflate makes of something is not the same with every zlib. */
    if (status == ARCHIVE_OK && zip)
        status = lib.archive_write_set_options(archive, "zip:compression=store,zip:hdrcharset=UTF-8");
    return status == ARCHIVE_OK && lib.archive_write_set_bytes_per_block(archive, BLOCK) == ARCHIVE_OK &&
           lib.archive_write_set_bytes_in_last_block(archive, zip ? 1 : TAR_RECORD) == ARCHIVE_OK &&
           lib.archive_write_open(archive, writer, NULL, hand_on, NULL) == ARCHIVE_OK;
}

ArchiveWriter *
archive_writer_new(ArchiveWriterKind kind, gint64 time, ArchiveOut out, gpointer data, GError **error)
{
    g_autoptr(ArchiveWriter) writer = NULL;

    if (!library_load(&library, error) || (kind == ARCHIVE_WRITER_ZIP && !check_zone(time, error)))
        return NULL;
    writer = g_new0(ArchiveWriter, 1);
    *writer = (ArchiveWriter){ .kind = kind, .time = time, .out = out, .data = data, .archive = lib.archive_write_new(), .entry = lib.archive_entry_new() };
    writer->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (writer->locale)
        writer->before = uselocale(writer->locale);
    if (!writer->archive || !writer->entry || !writer->locale || !set_format(writer))
        return chama_error_null(error, CHAMA_ERROR_FAILED, "cannot set up libarchive to write in the locale C.UTF-8");
    return g_steal_pointer(&writer);
}

void
archive_writer_free(ArchiveWriter *writer)
{
    if (!writer)
        return;
    /* It would be given its end. */
    writer->broken = TRUE;
    lib.archive_entry_free(writer->entry);
    lib.archive_write_free(writer->archive);
    if (writer->before)
        uselocale(writer->before);
    if (writer->locale)
        freelocale(writer->locale);
    g_clear_error(&writer->error);
    g_free(writer);
}

/* libarchive would put question marks. */
static gboolean
check_name(const ArchiveWriter *writer, const char *path, const char *name, GError **error)
{
    g_autofree char *shown = NULL;

    if (writer->kind != ARCHIVE_WRITER_ZIP || g_utf8_validate(name, -1, NULL))
        return TRUE;
    shown = path_display(path);
    return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "%s: EX4: want a name in UTF-8, which a zip can hold, have other bytes; a tar holds them", shown);
}

static gboolean
add(ArchiveWriter *writer, const char *path, mode_t mode, guint64 size, const char *target, GError **error)
{
    struct archive_entry *entry = writer->entry;

    if (!check_name(writer, path, path, error) || (target && !check_name(writer, path, target, error)))
        return FALSE;
    lib.archive_entry_clear(entry);
    lib.archive_entry_set_pathname(entry, path);
    lib.archive_entry_set_mode(entry, mode);
    lib.archive_entry_set_size(entry, (la_int64_t)size);
    lib.archive_entry_set_mtime(entry, (time_t)writer->time, 0);
    lib.archive_entry_set_uid(entry, 0);
    lib.archive_entry_set_gid(entry, 0);
    if (target)
        lib.archive_entry_set_symlink(entry, target);
    /* A warning says that a name is not UTF-8: then it stands there as the bytes that it is. */
    return (lib.archive_write_header(writer->archive, entry) >= ARCHIVE_WARN && !writer->broken) || failed(writer, path, error);
}

gboolean
archive_writer_file(ArchiveWriter *writer, const char *path, guint64 size, gboolean executable, GError **error)
{
    return add(writer, path, S_IFREG | (executable ? 0755 : 0644), size, NULL, error);
}

gboolean
archive_writer_link(ArchiveWriter *writer, const char *path, const char *target, GError **error)
{
    return add(writer, path, S_IFLNK | 0777, 0, target, error);
}

gboolean
archive_writer_folder(ArchiveWriter *writer, const char *path, GError **error)
{
    g_autofree char *folder = g_strconcat(path, "/", NULL);

    return add(writer, folder, S_IFDIR | 0755, 0, NULL, error);
}

gboolean
archive_writer_bytes(ArchiveWriter *writer, const void *bytes, gsize size, GError **error)
{
    return (lib.archive_write_data(writer->archive, bytes, size) == (la_ssize_t)size && !writer->broken) || failed(writer, "content", error);
}

gboolean
archive_writer_finish(ArchiveWriter *writer, GError **error)
{
    return (lib.archive_write_close(writer->archive) == ARCHIVE_OK && !writer->broken) || failed(writer, "end", error);
}
