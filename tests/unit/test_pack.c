#include "manifests/store/pack.h"

#include <sys/mman.h>

#include "manifests/store/littleendian.h"
#include "manifests/store/packs.h"
#include "tests/unit/store_fixture.h"

#define PACK_ID G_GUINT64_CONSTANT(0x0123456789abcdef)

/* ---- headers ---- */

/* P2: the bytes themselves, so that another program can be held against them. */
static void
test_header_bytes(void)
{
    PackHeader header = { .id = PACK_ID, .scope = scope_a }, again;
    guint8 bytes[PACK_HEADER_SIZE];
    g_autoptr(GError) error = NULL;

    pack_header_format(&header, bytes);
    g_assert_cmpmem(bytes, 16, "chama-pack/1\n\0\0\0", 16);
    g_assert_cmpmem(bytes + 16, 8, "\xef\xcd\xab\x89\x67\x45\x23\x01", 8);
    g_assert_cmpmem(bytes + 24, DIGEST_SIZE, scope_a.bytes, DIGEST_SIZE);
    g_assert_true(pack_header_parse(bytes, sizeof bytes, &again, &error));
    g_assert_cmpuint(again.id, ==, PACK_ID);
    g_assert_cmpmem(&again.scope, DIGEST_SIZE, &scope_a, DIGEST_SIZE);
    for (guint at = 0; at < PACK_HEADER_SIZE; at++) {
        bytes[at] ^= 0x10;
        g_assert_false(pack_header_parse(bytes, sizeof bytes, &again, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_clear_error(&error);
        bytes[at] ^= 0x10;
    }
    g_assert_false(pack_header_parse(bytes, PACK_HEADER_SIZE - 1, &again, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
}

typedef struct {
    const char *name;
    gboolean is_pack;
} NameCase;

static void
test_names(void)
{
    static const NameCase cases[] = {
        { "0123456789abcdef.pack", TRUE },   { "ffffffffffffffff.pack", TRUE },  { "0123456789abcdef.pac", FALSE },
        { "0123456789abcdef.packs", FALSE }, { "0123456789ABCDEF.pack", FALSE }, { "123456789abcdef.pack", FALSE },
        { "00123456789abcdef.pack", FALSE }, { " 123456789abcdef.pack", FALSE }, { "+123456789abcdef.pack", FALSE },
        { "0x23456789abcdef0.pack", FALSE }, { "", FALSE },                      { ".pack", FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        char again[PACK_NAME_SIZE];
        guint64 id;

        g_assert_cmpint(pack_name_parse(cases[i].name, &id), ==, cases[i].is_pack);
        if (cases[i].is_pack)
            g_assert_cmpstr(pack_name_format(id, again), ==, cases[i].name);
    }
}

/* The example of manifests/FORMAT.md, part 6. */
static void
test_example(void)
{
    static const char want[] = "6368616d612d7061636b2f310a000000efcdab8967452301"
                               "0000000000000000000000000000000000000000000000000000000000000000"
                               "6b0563904f594387"
                               "63686631010038000600000006000000"
                               "80d246236cc440a181e3c4f7d509388b0fa776a8f53aa750eb4896cb57503a2a"
                               "8ffcb5823edef0b26368616d610a"
                               "63686631040038000000000000000000"
                               "a9f74d1ec36ebdeb2da3f6e5868090cd2a2d20b3dcca7b62f60304b1d3d9ef42"
                               "408ab8b25a548db9";
    PackHeader header = { .id = PACK_ID };
    Frame chunk = { .kind = OBJECT_CHUNK, .stored_size = 6, .plain_size = 6 }, mark = { .kind = FRAME_MARK };
    guint8 bytes[64 + 62 + 56];
    g_autoptr(GString) have = g_string_new(NULL);

    digest_of("chama\n", 6, &chunk.digest);
    digest_of("tea", 3, &mark.digest);
    pack_header_format(&header, bytes);
    frame_format(&chunk, PACK_ID, "chama\n", bytes + 64);
    memcpy(bytes + 120, "chama\n", 6);
    frame_format(&mark, PACK_ID, "", bytes + 126);
    for (guint i = 0; i < sizeof bytes; i++)
        g_string_append_printf(have, "%02x", bytes[i]);
    g_assert_cmpstr(have->str, ==, want);
}

/* ---- frames ---- */

typedef struct {
    const char *name;
    guint offset, width;
    guint64 value;
    ChamaError code;
} FrameCase;

static void
test_frame_refuses(void)
{
    static const FrameCase cases[] = {
        { "P5 magic", 0, 1, 'C', CHAMA_ERROR_MALFORMED },
        { "P5 magic of another version", 3, 1, '2', CHAMA_ERROR_MALFORMED },
        { "P6 short header", 6, 2, 55, CHAMA_ERROR_MALFORMED },
        { "P6 no header", 6, 2, 0, CHAMA_ERROR_MALFORMED },
        { "P6 far too long header", 6, 2, 4097, CHAMA_ERROR_MALFORMED },
        { "P6 longer header", 6, 2, 64, CHAMA_ERROR_UNSUPPORTED },
        { "P8 kind 0", 4, 1, 0, CHAMA_ERROR_UNSUPPORTED },
        { "P8 kind 5", 4, 1, 5, CHAMA_ERROR_UNSUPPORTED },
        { "P9 mark with bytes", 4, 1, FRAME_MARK, CHAMA_ERROR_MALFORMED },
        { "P10 stored size", 8, 4, OBJECT_SIZE_MAX + 1, CHAMA_ERROR_LIMIT },
        { "P10 stored size", 8, 4, G_MAXUINT32, CHAMA_ERROR_LIMIT },
        { "P11 plain size", 12, 4, OBJECT_SIZE_MAX + 1, CHAMA_ERROR_LIMIT },
        { "P11 plain size", 12, 4, G_MAXUINT32, CHAMA_ERROR_LIMIT },
        { "P12 stored, other sizes", 12, 4, 8, CHAMA_ERROR_MALFORMED },
        { "P12 zstd that does not save", 5, 1, CODEC_ZSTD, CHAMA_ERROR_MALFORMED },
        { "P12 patch that does not save", 5, 1, CODEC_PATCH, CHAMA_ERROR_MALFORMED },
        { "P12 codec 3", 5, 1, 3, CHAMA_ERROR_UNSUPPORTED },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Frame frame = { .kind = OBJECT_CHUNK, .stored_size = 7, .plain_size = 7 }, again;
        guint8 bytes[FRAME_HEADER_SIZE];
        g_autoptr(GError) error = NULL;
        g_autofree char *rule = NULL;

        g_test_message("%s", cases[i].name);
        frame_format(&frame, PACK_ID, "content", bytes);
        g_assert_true(frame_parse(bytes, sizeof bytes, &again, &error) && frame_check(&again, &error));
        for (guint k = 0; k < cases[i].width; k++)
            bytes[cases[i].offset + k] = (guint8)(cases[i].value >> (8 * k));
        g_assert_false(frame_parse(bytes, sizeof bytes, &again, &error) && frame_check(&again, &error));
        g_assert_error(error, CHAMA_ERROR, (int)cases[i].code);
        rule = g_strndup(cases[i].name, strcspn(cases[i].name, " "));
        g_assert_nonnull(strstr(error->message, rule));
    }
}

/* P7: the checksum covers header and bytes, and holds in no other pack. */
static void
test_frame_checksum(void)
{
    Frame frame = { .kind = OBJECT_PAGE, .stored_size = 7, .plain_size = 7 }, parsed;
    guint8 bytes[FRAME_HEADER_SIZE + 7];

    frame_format(&frame, PACK_ID, "content", bytes);
    memcpy(bytes + FRAME_HEADER_SIZE, "content", 7);
    g_assert_true(frame_parse(bytes, sizeof bytes, &parsed, NULL));
    g_assert_cmpuint(frame_checksum(PACK_ID, bytes, &parsed), ==, parsed.checksum);
    g_assert_cmpuint(frame_checksum(PACK_ID + 1, bytes, &parsed), !=, parsed.checksum);
    for (guint at = 0; at < sizeof bytes; at++) {
        bytes[at] ^= 1;
        g_assert_false(frame_parse(bytes, sizeof bytes, &parsed, NULL) && frame_size(&parsed) <= sizeof bytes &&
                       frame_checksum(PACK_ID, bytes, &parsed) == parsed.checksum);
        bytes[at] ^= 1;
    }
}

/* ---- reading a pack ---- */

/* A pack in memory: @count frames of 7 bytes under PACK_ID. */
static GByteArray *
build(guint count)
{
    GByteArray *pack = g_byte_array_new();
    PackHeader header = { .id = PACK_ID };
    guint8 bytes[PACK_HEADER_SIZE];

    pack_header_format(&header, bytes);
    g_byte_array_append(pack, bytes, PACK_HEADER_SIZE);
    for (guint i = 0; i < count; i++) {
        Frame frame = { .kind = OBJECT_CHUNK, .stored_size = 7, .plain_size = 7 };

        frame_format(&frame, PACK_ID, "content", bytes);
        g_byte_array_append(pack, bytes, FRAME_HEADER_SIZE);
        g_byte_array_append(pack, (const guint8 *)"content", 7);
    }
    return pack;
}

/* "f" for each frame, "d" for each run of damage. */
static char *
steps(const GByteArray *pack)
{
    int fd = memfd_create("pack", MFD_CLOEXEC);
    g_autoptr(PackReader) reader = pack_reader_new(fd, "test", PACK_ID, PACK_HEADER_SIZE, pack->len);
    g_autoptr(GError) error = NULL;
    GString *text = g_string_new(NULL);
    PackPiece piece;
    PackStep step;

    g_assert_cmpint(write(fd, pack->data, pack->len), ==, pack->len);
    while ((step = pack_reader_next(reader, &piece, &error)) == PACK_FRAME || step == PACK_DAMAGE)
        g_string_append_c(text, step == PACK_FRAME ? 'f' : 'd');
    g_assert_no_error(error);
    close(fd);
    return g_string_free(text, FALSE);
}

typedef struct {
    const char *name;
    guint at, size;      /* overwritten with 0xff */
    const char *want;
} DamageCase;

/* P18: the reader finds the next frame behind any damage. */
static void
test_reader(void)
{
    static const DamageCase cases[] = {
        { "whole", 0, 0, "ffff" },
        { "header of the first", 64, 4, "dfff" },
        { "size of the second", 64 + 63 + 8, 1, "fdff" },
        { "size that passes the end", 64 + 63 + 9, 2, "fdff" },
        { "bytes of the third", 64 + 2 * 63 + 60, 1, "ffdf" },
        { "two in a row", 64 + 63, 2 * 63, "fdf" },
        { "across two", 64 + 63 + 60, 10, "fdf" },
        { "the last", 64 + 3 * 63 + 62, 1, "fffd" },
        { "all", 64, 4 * 63, "d" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) pack = build(4);
        g_autofree char *have = NULL;

        g_test_message("%s", cases[i].name);
        memset(pack->data + cases[i].at, 0xff, cases[i].size);
        have = steps(pack);
        g_assert_cmpstr(have, ==, cases[i].want);
    }
}

/* P7: a frame in content does not count, not even one with another pack's checksum, when the frame around it is damaged. */
static void
test_frame_in_content(void)
{
    g_autoptr(GByteArray) pack = build(1);
    guint8 inner[FRAME_HEADER_SIZE], outer[FRAME_HEADER_SIZE];
    Frame mark = { .kind = FRAME_MARK, .digest = scope_a };
    Frame chunk = { .kind = OBJECT_CHUNK, .stored_size = FRAME_HEADER_SIZE, .plain_size = FRAME_HEADER_SIZE };
    g_autofree char *before = NULL, *after = NULL;

    frame_format(&mark, PACK_ID + 1, "", inner);
    frame_format(&chunk, PACK_ID, inner, outer);
    g_byte_array_append(pack, outer, sizeof outer);
    g_byte_array_append(pack, inner, sizeof inner);
    before = steps(pack);
    g_assert_cmpstr(before, ==, "ff");
    pack->data[64 + 63 + 20] ^= 1;
    after = steps(pack);
    g_assert_cmpstr(after, ==, "fd");
}

/* P6: a frame of a later version is stepped over, by its sizes and checksum. */
static void
test_longer_header(void)
{
    g_autoptr(GByteArray) pack = build(1);
    g_autofree char *have = NULL;
    Frame frame = { .kind = 9, .codec = 2, .stored_size = 7, .plain_size = 100 }, parsed;
    guint8 bytes[72 + 7] = { 0 };
    guint at = pack->len;

    frame_format(&frame, PACK_ID, "content", bytes);
    put_le16(bytes + 6, 72);
    memcpy(bytes + 72, "content", 7);
    g_assert_true(frame_parse(bytes, sizeof bytes, &parsed, NULL));
    put_le64(bytes + 48, frame_checksum(PACK_ID, bytes, &parsed));
    g_byte_array_append(pack, bytes, sizeof bytes);
    have = steps(pack);
    g_assert_cmpstr(have, ==, "ff");
    pack->data[at + 60] ^= 1;
    g_free(g_steal_pointer(&have));
    have = steps(pack);
    g_assert_cmpstr(have, ==, "fd");
}

/* Frames that pass the reader's room, and damage that spans more than one search. */
static void
test_reader_large(void)
{
    g_autofree char *folder = temporary_folder();
    g_autoptr(PackWriter) writer = pack_writer_new(folder, &SCOPE_OPEN, NULL);
    g_autofree guint8 *content = g_malloc0(OBJECT_SIZE_MAX);
    g_autoptr(PackReader) reader = NULL;
    g_autofree char *path = NULL;
    PackPiece piece;
    guint64 id = pack_writer_header(writer)->id;
    char name[PACK_NAME_SIZE];
    int fd;

    for (guint i = 0; i < 12; i++) {
        Frame frame = { .kind = OBJECT_CHUNK, .stored_size = OBJECT_SIZE_MAX, .plain_size = OBJECT_SIZE_MAX };

        memcpy(content + 1000 * i, "chf1", 4);
        g_assert_true(pack_writer_append(writer, &frame, content, &piece, NULL));
    }
    g_assert_true(pack_writer_sync(writer, NULL));
    path = g_build_filename(folder, pack_name_format(id, name), NULL);
    flip_bit(path, 64 + 5 * (OBJECT_SIZE_MAX + 56) + 3, 0);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    reader = pack_reader_new(fd, path, id, PACK_HEADER_SIZE, pack_writer_size(writer));
    for (guint i = 0; i < 12; i++) {
        g_assert_cmpint(pack_reader_next(reader, &piece, NULL), ==, i == 5 ? PACK_DAMAGE : PACK_FRAME);
        g_assert_cmpuint(piece.size, ==, OBJECT_SIZE_MAX + 56);
    }
    g_assert_cmpint(pack_reader_next(reader, &piece, NULL), ==, PACK_END);
    close(fd);
    remove_tree(folder);
}

/* More packs than may be open at once. */
static void
test_many_open_files(void)
{
    g_autofree char *path = temporary_folder();
    g_autoptr(PackFolder) folder = pack_folder_new(path);
    g_autoptr(GArray) ids = NULL;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 150; i++) {
        g_autoptr(PackWriter) writer = pack_writer_new(path, &SCOPE_OPEN, &error);

        g_assert_no_error(error);
    }
    ids = pack_folder_list(path, NULL, &error);
    g_assert_cmpuint(ids->len, ==, 150);
    for (guint i = 0; i < 300; i++) {
        g_autoptr(PackFile) file = pack_folder_get(folder, g_array_index(ids, guint64, i % 150), &error);
        guint8 bytes[PACK_HEADER_SIZE];

        g_assert_no_error(error);
        g_assert_true(pack_pread(file->fd, "test", 0, bytes, sizeof bytes, &error));
        g_assert_false(pack_pread(file->fd, "test", 1, bytes, sizeof bytes, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_DAMAGED);
        g_clear_error(&error);
    }
    g_assert_null(pack_folder_get(folder, 1, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    remove_tree(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pack/P2-header", test_header_bytes);
    g_test_add_func("/pack/P2-P9-example", test_example);
    g_test_add_func("/pack/P1-names", test_names);
    g_test_add_func("/pack/P5-P12-frame-refuses", test_frame_refuses);
    g_test_add_func("/pack/P7-checksum", test_frame_checksum);
    g_test_add_func("/pack/P18-reader", test_reader);
    g_test_add_func("/pack/P7-frame-in-content", test_frame_in_content);
    g_test_add_func("/pack/P6-longer-header", test_longer_header);
    g_test_add_func("/pack/P18-large", test_reader_large);
    g_test_add_func("/pack/many-open-files", test_many_open_files);
    return g_test_run();
}
