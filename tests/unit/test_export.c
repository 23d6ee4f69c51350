#include <time.h>

#include "keys/error.h"
#include "manifests/export.h"
#include "manifests/listing/listing.h"
#include "manifests/store/chunker.h"
#include "tests/unit/checkout_fixture.h"

#define MIB (1024 * 1024)
#define TIME 1790000001

static const char *const formats[] = { "tar", "zip", "bagit" };

static gboolean
gather(gpointer data, const void *bytes, gsize size, GError **error)
{
    g_byte_array_append(data, bytes, (guint)size);
    return TRUE;
}

static gboolean
break_off(gpointer data, const void *bytes, gsize size, GError **error)
{
    return chama_error(error, CHAMA_ERROR_NO_SPACE, "no room");
}

static Manifest *
manifest_of(gint64 seconds)
{
    Manifest *manifest = manifest_new();

    memset(manifest->node, 'a', NODE_ID_SIZE - 1);
    g_strlcpy(manifest->name, "set", sizeof manifest->name);
    manifest->version = 3;
    manifest->time = seconds;
    manifest->title_zh = g_strdup("林地");
    manifest->message = g_strdup("one\ntwo");
    return manifest;
}

static gboolean
try(Tree *tree, const Digest *root, ExportFormat format, char **only, ExportOut out, gpointer data, ExportResult *result, GError **error)
{
    g_autoptr(GBytes) record = g_bytes_new_static("{}", 2);
    ExportTag tags[] = { { "chama/record.json", record }, { 0 } };
    g_autoptr(Manifest) manifest = manifest_of(TIME);
    Progress progress = { 0 };
    ExportOptions options = { .format = format, .only = only, .manifest = manifest, .tags = tags, .progress = &progress };

    return export_archive(tree->store, root, &options, out, data, result, error);
}

static GByteArray *
export(Tree *tree, const Digest *root, ExportFormat format, char **only, ExportResult *result)
{
    GByteArray *bytes = g_byte_array_new();
    g_autoptr(GError) error = NULL;

    try(tree, root, format, only, gather, bytes, result, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(result->size, ==, bytes->len);
    return bytes;
}

static void
export_refused(Tree *tree, const Digest *root, ExportFormat format, ChamaError code, const char *says)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    ExportResult result;

    if (try(tree, root, format, NULL, gather, bytes, &result, &error))
        g_error("%s: want \"%s\", have success", formats[format], says);
    if (!g_error_matches(error, CHAMA_ERROR, (gint)code) || !g_str_has_prefix(error->message, says))
        g_error("%s: want %d \"%s\", have %d \"%s\"", formats[format], code, says, error->code, error->message);
}

/* The root of what stands in @bytes. */
static gboolean
ingest_bytes(Tree *tree, const GByteArray *bytes, Digest *root, GError **error)
{
    g_autofree char *path = g_build_filename(tree->top, "archive", NULL);
    IngestOptions options = { 0 };
    IngestResult result;

    tree_write(tree->top, "archive", bytes->data, bytes->len);
    if (!ingest_archive(NULL, path, &options, &result, error))
        return FALSE;
    *root = result.totals.root;
    return TRUE;
}

static void
fill(Tree *tree)
{
    g_autofree guint8 *noise = tree_noise(9 * MIB, 4);
    g_autofree char *name = g_strnfill(200, 'n'), *path = g_strconcat("long/", name, "/", name, NULL);
    g_autofree guint8 *zeros = g_malloc0(20 * MIB);

    tree_text(tree->in, "a/b/c.csv", "1,2\n");
    tree_text(tree->in, "a-b", "sorts after what is in a");
    tree_text(tree->in, "run", "#!/bin/sh\n");
    tree_mode(tree->in, "run", 0755);
    tree_text(tree->in, "empty.txt", "");
    tree_text(tree->in, "数据/表 一.csv", "UTF-8");
    tree_text(tree->in, "100%", "in a bag: %25");
    tree_text(tree->in, path, "long");
    tree_folder(tree->in, "none/deep");
    tree_write(tree->in, "large", noise, 9 * MIB);
    tree_write(tree->in, "zeros", zeros, 20 * MIB);
    for (guint i = 0; i < 3000; i++) {
        g_autofree char *many = g_strdup_printf("many/%04u", i);

        tree_text(tree->in, many, many);
    }
}

/* I9: what comes out goes in again as the same version. */
static void
test_same_root(Tree *tree, gconstpointer data)
{
    fill(tree);
    tree_link(tree->in, "a/link", "b/c.csv");
    tree_link(tree->in, "数据/链接", "../a/b");
    Digest root = publish(tree, tree->in), other;

    for (ExportFormat format = EXPORT_TAR; format <= EXPORT_ZIP; format++) {
        g_autoptr(GError) error = NULL;
        ExportResult result;
        g_autoptr(GByteArray) bytes = export(tree, &root, format, NULL, &result);

        g_assert_cmpuint(result.files, ==, 3009);
        g_assert_cmpuint(result.links, ==, 2);
        g_assert_cmpuint(result.folders, ==, 1);
        ingest_bytes(tree, bytes, &other, &error);
        g_assert_no_error(error);
        g_assert_true(digest_equal(&root, &other));
    }
}

/* The bag's own folder holds the same files; sums and Oxum are checked by other programs in tests/e2e/38-export.sh. */
static void
test_bag(Tree *tree, gconstpointer data)
{
    g_autofree char *command = g_strdup_printf("cd '%s' && mkdir x && tar -C x -xf archive", tree->top);
    g_autofree char *payload = g_build_filename(tree->top, "x/set-3/data", NULL);
    ExportResult result;

    fill(tree);
    Digest root = publish(tree, tree->in), other;
    g_autoptr(GByteArray) bytes = export(tree, &root, EXPORT_BAG, NULL, &result);

    tree_write(tree->top, "archive", bytes->data, bytes->len);
    g_assert_cmpint(system(command), ==, 0);
    other = publish(tree, payload);
    g_assert_true(digest_equal(&root, &other));
    assert_text(tree->top, "x/set-3/bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
    assert_text(tree->top, "x/set-3/chama/record.json", "{}");
    g_autofree char *info = text_of(tree->top, "x/set-3/bag-info.txt"), *oxum = g_strdup_printf("\nPayload-Oxum: %" G_GUINT64_FORMAT ".3009\n", result.bytes);

    g_assert_true(g_str_has_prefix(info, "External-Identifier: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/set@3\nExternal-Description: 林地\n"
                                         "Internal-Sender-Description: one two\nBagging-Date: 2026-09-21\n"));
    g_assert_nonnull(strstr(info, oxum));
}

/* EX1: if these change, then so does what people have compared: a new libarchive writes otherwise, or we do. */
static void
test_EX1_golden(Tree *tree, gconstpointer data)
{
    static const char *const golden[] = {
        "sha256:2b9898a7a70ca95c6b7201c7ce366bc03d16defad71b980da145b64c5145de88",
        "sha256:2a6cf69da3b4f88aa3041c3ef393e0025ac765e470ddfa7a5fe298a043718647",
        "sha256:89af6a5a88f6df20236b260a1834d0eaeda8830bcf2b80c38cb94b3020901b5a",
    };

    tree_text(tree->in, "a/b.csv", "1,2\n");
    tree_text(tree->in, "run", "#!/bin/sh\n");
    tree_mode(tree->in, "run", 0755);
    tree_text(tree->in, "数据/表.csv", "1,2\n");
    tree_folder(tree->in, "none");
    Digest root = publish(tree, tree->in);

    for (ExportFormat format = EXPORT_TAR; format <= EXPORT_BAG; format++) {
        ExportResult result;
        g_autoptr(GByteArray) bytes = export(tree, &root, format, NULL, &result);
        char text[DIGEST_TEXT_SIZE];
        Digest digest;

        digest_of(bytes->data, bytes->len, &digest);
        g_assert_cmpstr(digest_format(&digest, text), ==, golden[format]);
    }
}

static void
test_empty(Tree *tree, gconstpointer data)
{
    Digest root = publish(tree, tree->in), other;
    ExportResult result;
    g_autoptr(GByteArray) tar = export(tree, &root, EXPORT_TAR, NULL, &result), zip = export(tree, &root, EXPORT_ZIP, NULL, &result);
    g_autoptr(GByteArray) bag = export(tree, &root, EXPORT_BAG, NULL, &result);

    g_assert_true(ingest_bytes(tree, tar, &other, NULL));
    g_assert_true(digest_equal(&root, &other));
    /* Nothing but the end of a directory, which libarchive does not read. */
    g_assert_cmpmem(zip->data, 4, "PK\5\6", 4);
    g_assert_cmpuint(zip->len, ==, 22);
    g_assert_true(ingest_bytes(tree, bag, &other, NULL));
    g_assert_cmpuint(result.files, ==, 0);
}

static void
test_only(Tree *tree, gconstpointer data)
{
    char *only[] = { "*.csv", "/large", NULL }, *none[] = { "/nothing", NULL };
    ExportResult result;

    fill(tree);
    tree_link(tree->in, "link", "large");
    Digest root = publish(tree, tree->in);

    for (ExportFormat format = EXPORT_TAR; format <= EXPORT_BAG; format++) {
        g_autoptr(GByteArray) bytes = export(tree, &root, format, only, &result), empty = NULL;

        g_assert_cmpuint(result.files, ==, 3);
        g_assert_cmpuint(result.links, ==, 0);
        g_assert_cmpuint(result.bytes, ==, 4 + 5 + 9 * MIB);
        empty = export(tree, &root, format, none, &result);
        g_assert_cmpuint(result.files + result.links + result.folders, ==, 0);
    }
}

static void
test_names_that_are_no_utf8(Tree *tree, gconstpointer data)
{
    ExportResult result;

    tree_text(tree->in, "\xff\xfe/\xca\xfd", "bytes");
    Digest root = publish(tree, tree->in), other;
    g_autoptr(GByteArray) bytes = export(tree, &root, EXPORT_TAR, NULL, &result);

    g_assert_true(ingest_bytes(tree, bytes, &other, NULL));
    g_assert_true(digest_equal(&root, &other));
    export_refused(tree, &root, EXPORT_ZIP, CHAMA_ERROR_UNSUPPORTED, "\\xff\\xfe/\\xca\\xfd: EX4: want a name in UTF-8");
    export_refused(tree, &root, EXPORT_BAG, CHAMA_ERROR_UNSUPPORTED, "data/\\xff\\xfe/\\xca\\xfd: EX8: want a name in UTF-8");
}

static void
test_EX10_links(Tree *tree, gconstpointer data)
{
    tree_text(tree->in, "a", "x");
    tree_link(tree->in, "b", "a");
    Digest root = publish(tree, tree->in);

    export_refused(tree, &root, EXPORT_BAG, CHAMA_ERROR_USAGE, "b: EX10: want files only");
}

static gboolean
put_page(gpointer data, GBytes *page, const Digest *digest, GError **error)
{
    return store_writer_put(data, OBJECT_PAGE, digest, g_bytes_get_data(page, NULL), g_bytes_get_size(page), NULL, error);
}

static Digest
finish(Tree *tree, ListingWriter *writer)
{
    ListingTotals totals;

    g_assert_true(listing_writer_finish(writer, &totals, NULL));
    g_assert_true(store_writer_commit(tree->writer, NULL));
    return totals.root;
}

static void
test_CO1_hostile_links(Tree *tree, gconstpointer data)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);

    g_assert_true(listing_writer_link(writer, "link", "/etc/passwd", NULL));
    Digest root = finish(tree, writer);

    export_refused(tree, &root, EXPORT_TAR, CHAMA_ERROR_MALFORMED, "link: CO1: ");
    export_refused(tree, &root, EXPORT_ZIP, CHAMA_ERROR_MALFORMED, "link: CO1: ");
}

/* A file whose chunks are right, each by itself, and the whole is not what the listing says; or that are not there. */
static Digest
lying_version(Tree *tree, const guint8 *bytes, gsize size, gboolean store_chunks)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);
    Digest digest;

    digest_of("something else", 14, &digest);
    g_assert_true(listing_writer_begin_file(writer, "file", NULL));
    for (gsize at = 0, cut; at < size; at += cut) {
        cut = chunker_cut(bytes + at, size - at);
        ChunkRef chunk = { .size = (guint32)cut, .run = 1 };

        digest_of(bytes + at, cut, &chunk.digest);
        if (store_chunks)
            g_assert_true(store_writer_put(tree->writer, OBJECT_CHUNK, &chunk.digest, bytes + at, cut, NULL, NULL));
        g_assert_true(listing_writer_chunk(writer, &chunk, NULL));
    }
    g_assert_true(listing_writer_end_file(writer, FALSE, size, &digest, NULL));
    return finish(tree, writer);
}

/* EX5, of a file of one batch and of one of many. */
static void
test_EX5_wrong_content(Tree *tree, gconstpointer data)
{
    static const gsize sizes[] = { 900000, 17 * MIB };
    g_autofree guint8 *noise = tree_noise(17 * MIB, 9);

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Digest root = lying_version(tree, noise, sizes[i], FALSE);

        export_refused(tree, &root, EXPORT_TAR, CHAMA_ERROR_NOT_FOUND, "file: ");
        root = lying_version(tree, noise, sizes[i], TRUE);
        for (ExportFormat format = EXPORT_TAR; format <= EXPORT_BAG; format++)
            export_refused(tree, &root, format, CHAMA_ERROR_VERIFY, "file: want sha256:");
    }
}

/* What was handed on before a failure is no whole archive. */
static void
test_EX5_no_end(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *noise = tree_noise(17 * MIB, 9);
    Digest root = lying_version(tree, noise, 17 * MIB, TRUE), other;

    for (ExportFormat format = EXPORT_TAR; format <= EXPORT_ZIP; format++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GError) error = NULL;
        ExportResult result;

        g_assert_false(try(tree, &root, format, NULL, gather, bytes, &result, NULL));
        g_assert_cmpuint(bytes->len, >, MIB);
        g_assert_false(ingest_bytes(tree, bytes, &other, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    }
}

static void
test_failing_out(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *noise = tree_noise(3 * MIB, 9);

    tree_text(tree->in, "a", "x");
    tree_write(tree->in, "b", noise, 3 * MIB);
    Digest root = publish(tree, tree->in);

    for (ExportFormat format = EXPORT_TAR; format <= EXPORT_BAG; format++) {
        g_autoptr(GError) error = NULL;
        ExportResult result;

        g_assert_false(try(tree, &root, format, NULL, break_off, NULL, &result, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NO_SPACE);
        g_assert_cmpstr(error->message, ==, "no room");
    }
}

static void
test_cancel(Tree *tree, gconstpointer data)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(Manifest) manifest = manifest_of(TIME);
    g_autoptr(GError) error = NULL;
    Progress progress = { .cancelled = 1 };
    ExportOptions options = { .format = EXPORT_TAR, .manifest = manifest, .progress = &progress };
    ExportResult result;

    tree_text(tree->in, "a", "x");
    Digest root = publish(tree, tree->in);

    g_assert_false(export_archive(tree->store, &root, &options, gather, bytes, &result, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED);
}

static void
test_EX4_zone(Tree *tree, gconstpointer data)
{
    Digest root = publish(tree, tree->in);

    g_setenv("TZ", "CST-8", TRUE);
    export_refused(tree, &root, EXPORT_ZIP, CHAMA_ERROR_FAILED, "zip: EX4: want the time zone UTC while it is written, have CST");
    g_setenv("TZ", "UTC0", TRUE);
}

static void
test_formats(Tree *tree, gconstpointer data)
{
    static const char *const unknown[] = { "", "TAR", "bag", "tar.gz", "7z" };
    ExportFormat format;

    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_assert_true(export_format_parse(formats[i], &format, NULL));
        g_assert_cmpuint(format, ==, i);
    }
    for (guint i = 0; i < G_N_ELEMENTS(unknown); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(export_format_parse(unknown[i], &format, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_USAGE);
    }
}

int
main(int argc, char **argv)
{
    static const CheckoutTest tests[] = {
        { "EX4-zone", test_EX4_zone },
        { "same-root", test_same_root },
        { "bag", test_bag },
        { "EX1-golden", test_EX1_golden },
        { "empty", test_empty },
        { "only", test_only },
        { "names-that-are-no-utf8", test_names_that_are_no_utf8 },
        { "EX10-links", test_EX10_links },
        { "CO1-hostile-links", test_CO1_hostile_links },
        { "EX5-wrong-content", test_EX5_wrong_content },
        { "EX5-no-end", test_EX5_no_end },
        { "failing-out", test_failing_out },
        { "cancel", test_cancel },
        { "formats", test_formats },
    };

    g_setenv("TZ", "UTC0", TRUE);
    return checkout_tests(argc, argv, "/export", tests, G_N_ELEMENTS(tests));
}
