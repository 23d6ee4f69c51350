#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "keys/error.h"
#include "manifests/checkout.h"
#include "manifests/ingest.h"
#include "manifests/ingest/records.h"
#include "tests/unit/tree.h"

#define MIB (1024 * 1024)

typedef struct {
    mode_t mode;
    const char *path;
    const char *text;          /* content, or a link's target */
    const char *hard_link;
} Packed;

#define FILE_ENTRY(path, text) { S_IFREG | 0644, path, text }
#define FOLDER_ENTRY(path) { S_IFDIR | 0755, path }
#define LINK_ENTRY(path, target) { S_IFLNK | 0777, path, target }
#define HARD_ENTRY(path, target) { S_IFREG | 0644, path, NULL, target }

static void
setup(Tree *tree, gconstpointer data)
{
    tree_open(tree);
}

static void
teardown(Tree *tree, gconstpointer data)
{
    tree_close(tree);
}

static void
pack_one(struct archive *archive, const Packed *packed)
{
    struct archive_entry *entry = archive_entry_new();
    gsize size = packed->text && S_ISREG(packed->mode) ? strlen(packed->text) : 0;

    archive_entry_set_pathname(entry, packed->path);
    archive_entry_set_mode(entry, packed->mode);
    if (S_ISLNK(packed->mode))
        archive_entry_set_symlink(entry, packed->text);
    if (packed->hard_link)
        archive_entry_set_hardlink(entry, packed->hard_link);
    else
        archive_entry_set_size(entry, (la_int64_t)size);
    g_assert_cmpint(archive_write_header(archive, entry), >=, ARCHIVE_WARN);
    if (size > 0)
        g_assert_cmpint(archive_write_data(archive, packed->text, size), ==, (la_ssize_t)size);
    archive_entry_free(entry);
}

/* Below the tree's top, as "archive"; the caller's path. */
static char *
pack(Tree *tree, int format, int filter, const Packed *packed, gsize count)
{
    char *path = g_build_filename(tree->top, "archive", NULL);
    struct archive *archive = archive_write_new();

    g_assert_cmpint(archive_write_set_format(archive, format), ==, ARCHIVE_OK);
    g_assert_cmpint(archive_write_add_filter(archive, filter), ==, ARCHIVE_OK);
    g_assert_cmpint(archive_write_open_filename(archive, path), ==, ARCHIVE_OK);
    for (gsize i = 0; i < count; i++)
        pack_one(archive, &packed[i]);
    g_assert_cmpint(archive_write_free(archive), ==, ARCHIVE_OK);
    return path;
}

static Digest
ingest_with(Tree *tree, const char *path, const IngestOptions *options, IngestResult *result)
{
    g_autoptr(GError) error = NULL;

    ingest_archive(tree->writer, path, options, result, &error);
    g_assert_no_error(error);
    g_assert_true(store_writer_commit(tree->writer, NULL));
    return result->totals.root;
}

static Digest
ingest(Tree *tree, const char *path)
{
    IngestOptions options = { 0 };
    IngestResult result;

    return ingest_with(tree, path, &options, &result);
}

static Digest
root_of_folder(Tree *tree)
{
    IngestOptions options = { 0 };
    IngestResult result;

    g_assert_true(ingest_folder(tree->writer, tree->in, &options, &result, NULL));
    return result.totals.root;
}

static void
refused(Tree *tree, const char *path, const IngestOptions *options, ChamaError code, const char *says)
{
    static const IngestOptions none = { 0 };
    g_autoptr(GError) error = NULL;
    IngestResult result;

    if (ingest_archive(tree->writer, path, options ? options : &none, &result, &error))
        g_error("want \"%s\", have success", says);
    if (!g_error_matches(error, CHAMA_ERROR, (gint)code) || !strstr(error->message, says))
        g_error("want %d \"%s\", have %d \"%s\"", code, says, error->code, error->message);
}

static void
fill(Tree *tree)
{
    g_autofree guint8 *noise = tree_noise(3 * MIB, 21);

    tree_text(tree->in, "a/b/c.csv", "1,2\n");
    tree_text(tree->in, "a-b", "sorts after what is in a");
    tree_text(tree->in, "run", "#!/bin/sh\n");
    tree_mode(tree->in, "run", 0755);
    tree_text(tree->in, "empty.txt", "");
    tree_text(tree->in, "\xe6\x95\xb0\xe6\x8d\xae/\xe8\xa1\xa8.csv", "UTF-8");
    tree_link(tree->in, "a/link", "b/c.csv");
    tree_folder(tree->in, "empty/deep");
    tree_write(tree->in, "large", noise, 3 * MIB);
}

/* I9, with what other programs pack. */
static void
test_same_root(Tree *tree, gconstpointer data)
{
    static const struct {
        const char *program, *command;
    } cases[] = {
        { "tar", "tar -C in -cf archive ." },
        { "tar", "tar -C in -cf archive --format=ustar ." },
        { "tar", "tar -C in -cf archive --format=posix --sort=name ." },
        { "tar", "tar -C in -czf archive a a-b run empty.txt \xe6\x95\xb0\xe6\x8d\xae empty large" },
        { "zip", "cd in && zip -qry ../archive.zip . && mv ../archive.zip ../archive" },
        { "zip", "cd in && zip -qryD ../archive.zip . && zip -qr ../archive.zip empty && mv ../archive.zip ../archive" },
        { "bsdtar", "bsdtar -C in -cf archive --format=7zip ." },
        { "bsdtar", "bsdtar -C in -cf archive --format=cpio ." },
    };
    g_autofree char *path = g_build_filename(tree->top, "archive", NULL);

    fill(tree);
    Digest root = root_of_folder(tree);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *program = g_find_program_in_path(cases[i].program), *command = g_strdup_printf("cd '%s' && %s", tree->top, cases[i].command);

        if (!program)
            continue;
        g_assert_cmpint(system(command), ==, 0);
        Digest packed = ingest(tree, path);

        if (!digest_equal(&root, &packed))
            g_error("%s: another root", cases[i].command);
        unlink(path);
    }
}

static void
test_formats(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { FILE_ENTRY("b/file", "content"), FOLDER_ENTRY("none/"), FOLDER_ENTRY("b"), FILE_ENTRY("a", "x") };
    static const struct {
        int format, filter;
    } cases[] = {
        { ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE },        { ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_GZIP },
        { ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_ZSTD }, { ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_XZ },
        { ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_BZIP2 },       { ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE },
        { ARCHIVE_FORMAT_7ZIP, ARCHIVE_FILTER_NONE },             { ARCHIVE_FORMAT_CPIO_POSIX, ARCHIVE_FILTER_NONE },
        { ARCHIVE_FORMAT_CPIO_SVR4_NOCRC, ARCHIVE_FILTER_NONE },
    };

    tree_text(tree->in, "b/file", "content");
    tree_text(tree->in, "a", "x");
    tree_folder(tree->in, "none");
    Digest root = root_of_folder(tree);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = pack(tree, cases[i].format, cases[i].filter, packed, G_N_ELEMENTS(packed));
        Digest other = ingest(tree, path);

        if (!digest_equal(&root, &other))
            g_error("format %x, filter %d: another root", (guint)cases[i].format, cases[i].filter);
    }
}

static void
test_spellings(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { FOLDER_ENTRY("./"), FOLDER_ENTRY("."), FILE_ENTRY("././/a/x", "1"), FOLDER_ENTRY("./a//"), FOLDER_ENTRY("a/"),
                                     FILE_ENTRY("./.hidden", "2") };
    g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, packed, G_N_ELEMENTS(packed));

    tree_text(tree->in, "a/x", "1");
    tree_text(tree->in, ".hidden", "2");
    Digest root = root_of_folder(tree), other = ingest(tree, path);

    g_assert_true(digest_equal(&root, &other));
}

static void
test_refusals(Tree *tree, gconstpointer data)
{
    static const struct {
        Packed packed[3];
        guint count;
        const char *says;
    } cases[] = {
        { { FILE_ENTRY("/etc/passwd", "x") }, 1, "L4" },
        { { FILE_ENTRY("../x", "x") }, 1, "L6" },
        { { FILE_ENTRY("a/../../x", "x") }, 1, "L6" },
        { { FILE_ENTRY("a/./x", "x") }, 1, "L6" },
        { { FILE_ENTRY("a//x", "x") }, 1, "L4" },
        { { FOLDER_ENTRY("..") }, 1, "L6" },
        { { FOLDER_ENTRY("/") }, 1, "L4" },
        { { FILE_ENTRY("a", "x"), FILE_ENTRY("a", "x") }, 2, "a: AR1" },
        { { FILE_ENTRY("a", "x"), FILE_ENTRY("./a", "y") }, 2, "a: AR1" },
        { { FILE_ENTRY("a", "x"), FOLDER_ENTRY("a/") }, 2, "a: AR1" },
        { { FOLDER_ENTRY("a/"), FILE_ENTRY("a", "x") }, 2, "a: AR1" },
        { { LINK_ENTRY("a", "b"), FILE_ENTRY("a", "x") }, 2, "a: AR1" },
        { { FILE_ENTRY("a", "x"), FILE_ENTRY("a/b", "x") }, 2, "a: AR2" },
        { { FILE_ENTRY("a/b/c", "x"), FILE_ENTRY("a/b-c", "x"), FILE_ENTRY("a", "x") }, 3, "a: AR2" },
        { { LINK_ENTRY("a", "b"), FILE_ENTRY("a/c", "x") }, 2, "a: AR2" },
        { { FILE_ENTRY("a", "x"), FOLDER_ENTRY("a/b") }, 2, "a: AR2" },
        { { LINK_ENTRY("a", "/etc") }, 1, "a: CO1" },
        { { LINK_ENTRY("b/a", "../../x") }, 1, "b/a: CO1" },
        { { HARD_ENTRY("a", "b") }, 1, "a: AR3" },
        { { HARD_ENTRY("a", "b"), FILE_ENTRY("b", "x") }, 2, "a: AR3" },
        { { FOLDER_ENTRY("b"), HARD_ENTRY("a", "b") }, 2, "a: AR3" },
        { { LINK_ENTRY("b", "c"), HARD_ENTRY("a", "b") }, 2, "a: AR3" },
        { { HARD_ENTRY("a", "a") }, 1, "a: AR3" },
        { { HARD_ENTRY("a", "../b") }, 1, "L6" },
        { { HARD_ENTRY("a", "/etc/shadow") }, 1, "L4" },
        { { LINK_ENTRY(".chamaignore", "x") }, 1, ".chamaignore: want a regular file" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, cases[i].packed, cases[i].count);

        refused(tree, path, NULL, CHAMA_ERROR_MALFORMED, cases[i].says);
    }
}

static void
test_special(Tree *tree, gconstpointer data)
{
    static const Packed pipe[] = { { S_IFIFO | 0644, "pipe" } }, device[] = { { S_IFCHR | 0644, "null" } };
    g_autofree char *first = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, pipe, 1);

    refused(tree, first, NULL, CHAMA_ERROR_FAILED, "pipe: AR6: want a file, a link or a folder, have a FIFO");
    g_autofree char *second = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, device, 1);

    refused(tree, second, NULL, CHAMA_ERROR_FAILED, "null: AR6: want a file, a link or a folder, have a device");
}

static void
test_hard_links(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { { S_IFREG | 0755, "z/run", "content" }, HARD_ENTRY("a", "./z/run"), HARD_ENTRY("b", "a"), FILE_ENTRY("c", "") };
    g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, packed, G_N_ELEMENTS(packed));
    static const char *const names[] = { "z/run", "a", "b" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        tree_text(tree->in, names[i], "content");
        tree_mode(tree->in, names[i], 0755);
    }
    tree_text(tree->in, "c", "");
    Digest root = root_of_folder(tree), other = ingest(tree, path);

    g_assert_true(digest_equal(&root, &other));
}

static void
test_hard_link_to_left_out(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { FILE_ENTRY("a", "x"), HARD_ENTRY("b", "a") };
    g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, packed, G_N_ELEMENTS(packed));
    char *exclude[] = { "a", NULL };
    IngestOptions options = { .exclude = exclude };

    refused(tree, path, &options, CHAMA_ERROR_MALFORMED, "b: AR3");
}

static void
keep_warning(gpointer data, const char *message)
{
    g_string_append(data, message);
}

static void
test_skip_special(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { FILE_ENTRY("a", "x"), { S_IFIFO | 0644, "pipe" } };
    g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, packed, G_N_ELEMENTS(packed));
    g_autoptr(GString) warned = g_string_new(NULL);
    IngestOptions options = { .skip_special = TRUE, .warn = keep_warning, .warn_data = warned };
    IngestResult result;

    ingest_with(tree, path, &options, &result);
    g_assert_cmpuint(result.skipped, ==, 1);
    g_assert_cmpuint(result.totals.files, ==, 1);
    g_assert_cmpstr(warned->str, ==, "pipe: skipped: it is a FIFO");
}

/* The lines may come last, and folders may have no entries of their own. */
static void
test_left_out(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { FILE_ENTRY("only/b.tmp", "3"), FILE_ENTRY("keep.tmp", "2"), FILE_ENTRY("a.tmp", "1"),
                                     FILE_ENTRY("x/cache/y", "5"), FILE_ENTRY("cache/x/y", "4"), FILE_ENTRY("cache/z", "4"), FILE_ENTRY("c.bak", "6"),
                                     FILE_ENTRY("x/d.bak", "7"), FILE_ENTRY(".chamaignore", "*.tmp\n/cache/\n") };
    g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, packed, G_N_ELEMENTS(packed));
    char *exclude[] = { "*.bak", "!keep.tmp", NULL };
    IngestOptions options = { .exclude = exclude };
    IngestResult of_folder, of_archive;

    for (gsize i = 0; i < G_N_ELEMENTS(packed); i++)
        tree_text(tree->in, packed[i].path, packed[i].text);
    g_assert_true(ingest_folder(tree->writer, tree->in, &options, &of_folder, NULL));
    ingest_with(tree, path, &options, &of_archive);
    g_assert_true(digest_equal(&of_folder.totals.root, &of_archive.totals.root));
    g_assert_cmpuint(of_folder.skipped, ==, 5);
    g_assert_cmpuint(of_archive.skipped, ==, 5);
}

static void
test_names(Tree *tree, gconstpointer data)
{
    static const Packed raw[] = { FILE_ENTRY("\xff\xfe/\xca\xfd", "bytes") };
    static const Packed gbk[] = { FILE_ENTRY("\xca\xfd\xbe\xdd.csv", "x") };
    IngestOptions options = { .encoding = "GBK" };
    IngestResult result;

    tree_text(tree->in, "\xff\xfe/\xca\xfd", "bytes");
    Digest root = root_of_folder(tree), other;
    g_autofree char *tar = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, raw, 1);

    other = ingest(tree, tar);
    g_assert_true(digest_equal(&root, &other));
    tree_remove(tree->in);
    tree_text(tree->in, "\xca\xfd\xbe\xdd.csv", "x");
    root = root_of_folder(tree);
    g_autofree char *zip = pack(tree, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, gbk, 1);

    other = ingest(tree, zip);
    g_assert_true(digest_equal(&root, &other));
    tree_remove(tree->in);
    tree_text(tree->in, "\xe6\x95\xb0\xe6\x8d\xae.csv", "x");
    root = root_of_folder(tree);
    other = ingest_with(tree, zip, &options, &result);
    g_assert_true(digest_equal(&root, &other));
}

static void
test_wrong_encoding(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { FILE_ENTRY("\xff\xff.csv", "x") };
    g_autofree char *path = pack(tree, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, packed, 1);
    IngestOptions gbk = { .encoding = "GBK" }, unknown = { .encoding = "no-such-charset" };

    refused(tree, path, &gbk, CHAMA_ERROR_MALFORMED, "want a name in the stated encoding");
    refused(tree, path, &unknown, CHAMA_ERROR_USAGE, "no-such-charset");
}

/* However it is cut, it is no version. */
static void
test_truncated(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { FILE_ENTRY("a", "some content"), FILE_ENTRY("b", "some more content"), FOLDER_ENTRY("c") };
    static const struct {
        int format, filter;
        gsize step, at_end;
    } cases[] = {
        { ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, 256, 0 },
        { ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, 7, 0 },
        { ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_XZ, 7, 0 },
        { ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, 7, 0 },
        { ARCHIVE_FORMAT_7ZIP, ARCHIVE_FILTER_NONE, 7, 0 },
        { ARCHIVE_FORMAT_CPIO_SVR4_NOCRC, ARCHIVE_FILTER_NONE, 7, 0 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = pack(tree, cases[i].format, cases[i].filter, packed, G_N_ELEMENTS(packed)), *bytes = NULL;
        gsize size;

        g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
        /* All that comes after the first block of zeros of a tar is padding. */
        if (cases[i].format == ARCHIVE_FORMAT_TAR_USTAR && cases[i].filter == ARCHIVE_FILTER_NONE)
            size = 5 * 512;
        for (gsize cut = 0; cut < size; cut += cases[i].step) {
            tree_write(tree->top, "cut", bytes, cut);
            g_autofree char *cut_path = g_build_filename(tree->top, "cut", NULL);
            g_autoptr(GError) error = NULL;
            IngestOptions options = { 0 };
            IngestResult result;

            if (ingest_archive(NULL, cut_path, &options, &result, &error))
                g_error("format %x, filter %d, cut at %zu of %zu: read as if whole", (guint)cases[i].format, cases[i].filter, cut, size);
            g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        }
    }
}

static void
test_no_archive(Tree *tree, gconstpointer data)
{
    static const char *const texts[] = { "", "a,b\n1,2\n", "#mtree\n/etc/passwd type=file size=1 contents=/etc/passwd\n" };
    g_autofree char *path = g_build_filename(tree->top, "text", NULL), *none = g_build_filename(tree->top, "none", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        tree_text(tree->top, "text", texts[i]);
        refused(tree, path, NULL, CHAMA_ERROR_MALFORMED, "text: AR5: not a whole archive");
    }
    refused(tree, none, NULL, CHAMA_ERROR_NOT_FOUND, "none");
}

static void
test_empty(Tree *tree, gconstpointer data)
{
    g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, NULL, 0), *zip = NULL;
    Digest root = root_of_folder(tree), other = ingest(tree, path);

    g_assert_true(digest_equal(&root, &other));
    zip = pack(tree, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, NULL, 0);
    other = ingest(tree, zip);
    g_assert_true(digest_equal(&root, &other));
}

static void
test_sparse(Tree *tree, gconstpointer data)
{
    g_autofree char *path = g_build_filename(tree->top, "archive", NULL), *program = g_find_program_in_path("tar"), *file = NULL, *command = NULL;

    if (!program) {
        g_test_skip("needs tar");
        return;
    }
    tree_text(tree->in, "sparse", "begin");
    file = g_build_filename(tree->in, "sparse", NULL);
    g_assert_cmpint(truncate(file, 5 * MIB + 3), ==, 0);
    command = g_strdup_printf("tar -C '%s' -Scf '%s' .", tree->in, path);
    g_assert_cmpint(system(command), ==, 0);
    Digest root = root_of_folder(tree), other = ingest(tree, path);

    g_assert_true(digest_equal(&root, &other));
}

static char *
bytes_of(const char *path, gsize *size)
{
    char *bytes;

    g_assert_true(g_file_get_contents(path, &bytes, size, NULL));
    return bytes;
}

/* AR12: tars one behind another are one; anything else behind the end is refused, whatever the packing makes of it. */
static void
test_behind_the_end(Tree *tree, gconstpointer data)
{
    static const Packed first[] = { FILE_ENTRY("a", "x") }, second[] = { FILE_ENTRY("b", "y") };
    static const struct {
        int filter;
        const char *says;
    } cases[] = {
        { ARCHIVE_FILTER_NONE, "both: AR5: not a whole archive: " }, { ARCHIVE_FILTER_GZIP, "both: AR12: want nothing behind its end, have 2000 bytes or more" },
        { ARCHIVE_FILTER_BZIP2, "both: AR12: want nothing behind its end, have 2000 bytes" },
        { ARCHIVE_FILTER_XZ, "both: AR5: not a whole archive: " },   { ARCHIVE_FILTER_ZSTD, "both: AR5: not a whole archive: " },
    };
    g_autofree char *both = g_build_filename(tree->top, "both", NULL);

    tree_text(tree->in, "a", "x");
    tree_text(tree->in, "b", "y");
    Digest root = root_of_folder(tree), other;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize size, more;
        g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, cases[i].filter, first, 1), *one = bytes_of(path, &size);
        g_autofree char *again = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, cases[i].filter, second, 1), *two = bytes_of(again, &more);
        g_autofree char *joined = g_malloc(size + MAX(more, 2000));

        memcpy(joined, one, size);
        memcpy(joined + size, two, more);
        tree_write(tree->top, "both", joined, size + more);
        other = ingest(tree, both);
        g_assert_true(digest_equal(&root, &other));
        memset(joined + size, 'g', 2000);
        tree_write(tree->top, "both", joined, size + 2000);
        refused(tree, both, NULL, CHAMA_ERROR_MALFORMED, cases[i].says);
    }
}

static void
test_zeros_behind_the_end(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { FILE_ENTRY("a", "x") };
    g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, packed, 1);

    tree_text(tree->in, "a", "x");
    g_assert_cmpint(truncate(path, 5 * MIB), ==, 0);
    Digest root = root_of_folder(tree), other = ingest(tree, path);

    g_assert_true(digest_equal(&root, &other));
}

static void
test_encrypted(Tree *tree, gconstpointer data)
{
    static const char *const options[] = { "zip:encryption=traditional", "zip:encryption=aes256" };
    static const Packed packed = FILE_ENTRY("a/b", "secret");
    g_autofree char *path = g_build_filename(tree->top, "archive", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
        struct archive *archive = archive_write_new();

        g_assert_cmpint(archive_write_set_format_zip(archive), ==, ARCHIVE_OK);
        g_assert_cmpint(archive_write_set_options(archive, options[i]), ==, ARCHIVE_OK);
        g_assert_cmpint(archive_write_set_passphrase(archive, "geheim"), ==, ARCHIVE_OK);
        g_assert_cmpint(archive_write_open_filename(archive, path), ==, ARCHIVE_OK);
        pack_one(archive, &packed);
        g_assert_cmpint(archive_write_free(archive), ==, ARCHIVE_OK);
        refused(tree, path, NULL, CHAMA_ERROR_UNSUPPORTED, "archive: a/b: AR13: want it unencrypted, have it encrypted; unpack it and publish the folder");
    }
}

/* The ways in which tar says long names and holes. */
static void
test_ways_of_tar(Tree *tree, gconstpointer data)
{
    static const char *const ways[] = { "--format=gnu", "--format=posix", "--format=posix --sparse-version=0.0", "--format=posix --sparse-version=0.1",
                                        "--format=posix --sparse-version=1.0" };
    g_autofree char *archive = g_build_filename(tree->top, "archive", NULL), *program = g_find_program_in_path("tar"), *name = g_strnfill(250, 'n');
    g_autofree char *path = g_strconcat("\xe6\x95\xb0/", name, "/", name, NULL), *link = g_strconcat(name, ".link", NULL), *file = NULL;

    if (!program) {
        g_test_skip("needs tar");
        return;
    }
    tree_text(tree->in, path, "long");
    tree_link(tree->in, link + 6, path);
    tree_text(tree->in, "sparse", "begin");
    file = g_build_filename(tree->in, "sparse", NULL);
    g_assert_cmpint(truncate(file, 5 * MIB + 3), ==, 0);
    Digest root = root_of_folder(tree), other;

    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_autofree char *command = g_strdup_printf("tar -C '%s' %s -Scf '%s' .", tree->in, ways[i], archive);

        g_assert_cmpint(system(command), ==, 0);
        other = ingest(tree, archive);
        if (!digest_equal(&root, &other))
            g_error("%s: another root", ways[i]);
    }
}

/* Nothing is taken off a name but what AR4 says: not the one folder at the top, nor what a system may take for the same, nor how it spells Unicode. */
static void
test_names_are_kept(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { FILE_ENTRY("top/A", "1"), FILE_ENTRY("top/a", "2"), FILE_ENTRY("top/b\\c", "3"), FILE_ENTRY("top/C:", "4"), FILE_ENTRY("top/e\xcc\x81", "5"),
                                     LINK_ENTRY("top/\xef\xa4\x80", "e\xcc\x81") };
    g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_NONE, packed, G_N_ELEMENTS(packed));

    for (gsize i = 0; i < G_N_ELEMENTS(packed); i++)
        (S_ISLNK(packed[i].mode) ? tree_link : tree_text)(tree->in, packed[i].path, packed[i].text);
    Digest root = root_of_folder(tree), other = ingest(tree, path);

    g_assert_true(digest_equal(&root, &other));
}

static void
test_stdin(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { FILE_ENTRY("a", "x") };
    g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, packed, 1);
    int kept = dup(STDIN_FILENO), fd = open(path, O_RDONLY);

    tree_text(tree->in, "a", "x");
    g_assert_cmpint(dup2(fd, STDIN_FILENO), ==, STDIN_FILENO);
    Digest root = root_of_folder(tree), other = ingest(tree, "-");

    g_assert_true(digest_equal(&root, &other));
    /* All was read: there is no second archive. */
    refused(tree, "-", NULL, CHAMA_ERROR_MALFORMED, "stdin: AR5: not a whole archive: Unrecognized archive format; on standard input want a tar");
    dup2(kept, STDIN_FILENO);
    close(kept);
    close(fd);
}

static void
test_dry_run_and_cancel(Tree *tree, gconstpointer data)
{
    static const Packed packed[] = { FILE_ENTRY("a", "some text"), LINK_ENTRY("b", "a") };
    g_autofree char *path = pack(tree, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, packed, 2);
    Progress progress = { 0 };
    IngestOptions options = { .progress = &progress };
    IngestResult dry, wet;

    g_assert_true(ingest_archive(NULL, path, &options, &dry, NULL));
    g_assert_cmpuint(dry.new_bytes, ==, 0);
    g_assert_cmpint(progress.bytes_done, ==, 9);
    g_assert_cmpint(progress.files_done, ==, 2);
    ingest_with(tree, path, &options, &wet);
    g_assert_cmpuint(wet.new_bytes, >, 0);
    g_assert_true(digest_equal(&dry.totals.root, &wet.totals.root));
    progress.cancelled = 1;
    refused(tree, path, &options, CHAMA_ERROR_CANCELLED, "stopped");
}

/* Runs in the spool and on disk, merged: with little memory the order is the same. */
static void
test_records_spill(Tree *tree, gconstpointer data)
{
    g_autoptr(Records) records = records_new(4096);
    g_autoptr(GError) error = NULL;
    Archived archived;

    for (guint i = 0; i < 2000; i++) {
        g_autofree char *path = g_strdup_printf("%u/%04u", i * 7919 % 3, i * 7919 % 2000);

        archived = (Archived){ .kind = ARCHIVED_LINK, .number = i, .path = path, .target = path };
        g_assert_true(records_add(records, &archived, NULL));
    }
    for (guint round = 0; round < 2; round++) {
        g_autofree char *before = g_strdup("");
        guint count = 0;

        g_assert_true(records_rewind(records, NULL));
        for (; records_next(records, &archived, &error); count++) {
            g_assert_cmpint(path_compare(before, archived.path), <, 0);
            g_assert_cmpstr(archived.path, ==, archived.target);
            g_free(before);
            before = g_strdup(archived.path);
        }
        g_assert_no_error(error);
        g_assert_cmpuint(count, ==, 2000);
    }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(Tree *, gconstpointer);
    } tests[] = {
        { "same-root", test_same_root },
        { "formats", test_formats },
        { "spellings", test_spellings },
        { "AR1-AR3-refusals", test_refusals },
        { "special", test_special },
        { "AR3-hard-links", test_hard_links },
        { "AR3-hard-link-to-left-out", test_hard_link_to_left_out },
        { "skip-special", test_skip_special },
        { "left-out", test_left_out },
        { "names", test_names },
        { "wrong-encoding", test_wrong_encoding },
        { "truncated", test_truncated },
        { "no-archive", test_no_archive },
        { "empty", test_empty },
        { "sparse", test_sparse },
        { "AR12-behind-the-end", test_behind_the_end },
        { "AR12-zeros-behind-the-end", test_zeros_behind_the_end },
        { "AR13-encrypted", test_encrypted },
        { "ways-of-tar", test_ways_of_tar },
        { "names-are-kept", test_names_are_kept },
        { "stdin", test_stdin },
        { "dry-run-and-cancel", test_dry_run_and_cancel },
        { "records-spill", test_records_spill },
    };

    /* bsdtar leaves names out of a 7z that its locale cannot say. */
    g_setenv("LC_ALL", "C.UTF-8", TRUE);
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/archive/", tests[i].name, NULL);

        g_test_add(path, Tree, NULL, setup, tests[i].test, teardown);
    }
    return g_test_run();
}
