/* A table that changes a little from version to version, put as patches; and patches and packs made by hand.  For the tests of patches. */
#ifndef CHAMA_TESTS_UNIT_PATCH_FIXTURE_H
#define CHAMA_TESTS_UNIT_PATCH_FIXTURE_H

#include "manifests/store/codec.h"
#include "manifests/store/patch.h"
#include "manifests/store/store_private.h"

#include "tests/unit/store_fixture.h"

#define VERSION_SIZE 100000

/* A table of numbers in which version @version has other values in a hundredth of its rows than the one before. */
static inline GBytes *
table_version(guint version, Digest *digest)
{
    GString *text = g_string_new(NULL);

    for (guint row = 0; text->len < VERSION_SIZE; row++) {
        guint changed = 0;

        for (guint v = 1; v <= version; v++)
            if ((row * 2654435761u ^ v * 40503u) % 100 == 0)
                changed = v;
        g_string_append_printf(text, "%u,station-%u,%u\n", row, row * 7919 % 500, (row + 1) * (changed + 1) * 2246822519u);
    }
    digest_of(text->str, text->len, digest);
    return g_string_free_to_bytes(text);
}

static inline Digest
digest_of_version(guint version)
{
    Digest digest;

    g_bytes_unref(table_version(version, &digest));
    return digest;
}

/* ---- putting ---- */

typedef struct {
    guint count, asked;
    Digest bases[2][PATCH_BASES_MAX];     /* by attempt */
} Likeness;

static inline guint
say_likeness(gpointer data, guint attempt, const void *bytes, gsize size, Digest bases[PATCH_BASES_MAX])
{
    Likeness *likeness = data;

    g_assert_cmpuint(attempt, ==, likeness->asked++ % 2);
    memcpy(bases, likeness->bases[attempt], sizeof likeness->bases[attempt]);
    return likeness->count;
}

/* Puts an object and says that it is like each of @bases, committed or not; returns by how much the pack grew. */
static inline guint64
put_like(StoreWriter *writer, GBytes *bytes, const Digest *digest, const Digest *bases, guint count)
{
    g_autoptr(GError) error = NULL;
    Likeness likeness = { .count = count };
    guint64 grown = 0;

    memcpy(likeness.bases[0], bases, count * sizeof *bases);
    memcpy(likeness.bases[1], bases, count * sizeof *bases);
    store_writer_put_like(writer, OBJECT_CHUNK, digest, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), say_likeness, &likeness, &grown,
                          &error);
    g_assert_no_error(error);
    return grown;
}

/* The same, committed, in a pack of its own. */
static inline guint64
put_object_like(Store *store, const Scope *scope, GBytes *bytes, const Digest *digest, const Digest *bases, guint count)
{
    g_autoptr(StoreWriter) writer = open_writer(store, scope);
    guint64 grown = put_like(writer, bytes, digest, bases, count);

    commit(writer);
    return grown;
}

static inline guint64
put_whole_version(Store *store, const Scope *scope, guint version)
{
    Digest digest;
    g_autoptr(GBytes) bytes = table_version(version, &digest);

    return put_object_like(store, scope, bytes, &digest, &digest, 0);
}

/* Version @version as a patch against version @base. */
static inline guint64
put_version_like(Store *store, const Scope *scope, guint version, guint base)
{
    Digest digest, against = digest_of_version(base);
    g_autoptr(GBytes) bytes = table_version(version, &digest);

    return put_object_like(store, scope, bytes, &digest, &against, 1);
}

/* ---- looking ---- */

static inline IndexEntry
entry_of_digest(Store *store, const Digest *digest)
{
    IndexEntry entry;

    g_assert_true(store_locate(store, digest, &entry));
    return entry;
}

static inline IndexEntry
entry_of(Store *store, guint version)
{
    Digest digest = digest_of_version(version);

    return entry_of_digest(store, &digest);
}

static inline void
assert_object(Store *store, const Digest *digest)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) have = store_get(store, digest, &error);

    g_assert_no_error(error);
}

static inline void
assert_version(Store *store, guint version)
{
    Digest digest = digest_of_version(version);

    assert_object(store, &digest);
}

static inline void
assert_no_version(Store *store, guint version, ChamaError code)
{
    g_autoptr(GError) error = NULL;
    Digest digest = digest_of_version(version);

    g_assert_null(store_get(store, &digest, &error));
    g_assert_error(error, CHAMA_ERROR, (int)code);
}

/* A bit of the stored bytes of an object, as it lies there now. */
static inline void
damage(Store *store, const char *path, guint version)
{
    IndexEntry entry = entry_of(store, version);
    char name[PACK_NAME_SIZE];
    g_autofree char *pack = g_build_filename(path, "packs", pack_name_format(entry.pack, name), NULL);

    flip_bit(pack, (gint64)entry.offset + FRAME_HEADER_SIZE + entry.stored_size / 2, 3);
}

/* ---- by hand ---- */

/* Version @version as a patch against others, as a peer might send it, its reach @reach. */
static inline GBytes *
patch_by_hand(guint version, const guint *bases, guint count, guint reach)
{
    g_autoptr(GByteArray) prefix = g_byte_array_new();
    Digest digest, digests[PATCH_BASES_MAX];
    g_autoptr(GBytes) plain = table_version(version, &digest);
    gsize head = patch_head_size(count), size = g_bytes_get_size(plain);
    guint8 *room = g_malloc(head + size);
    gsize delta;

    for (guint i = 0; i < count; i++) {
        g_autoptr(GBytes) base = table_version(bases[i], &digests[i]);

        g_byte_array_append(prefix, g_bytes_get_data(base, NULL), (guint)g_bytes_get_size(base));
    }
    patch_head_format(digests, count, reach, room);
    delta = codec_patch(prefix->data, prefix->len, g_bytes_get_data(plain, NULL), size, room + head, size);
    g_assert_cmpuint(delta, >, 0);
    return g_bytes_new_take(room, head + delta);
}

/* A pack in @path, of which the caller says the id. */
typedef struct {
    PackHeader header;
    GByteArray *bytes;
} RawPack;

static inline RawPack
raw_pack(guint64 id, const Scope *scope)
{
    RawPack pack = { { id, *scope }, g_byte_array_new() };

    g_byte_array_set_size(pack.bytes, PACK_HEADER_SIZE);
    pack_header_format(&pack.header, pack.bytes->data);
    return pack;
}

static inline void
raw_pack_add(RawPack *pack, guint version, Codec codec, GBytes *stored)
{
    guint8 header[FRAME_HEADER_SIZE];
    Digest digest;
    g_autoptr(GBytes) plain = table_version(version, &digest);
    gsize size;
    const void *data = g_bytes_get_data(codec == CODEC_STORED ? plain : stored, &size);
    Frame frame = {
        .kind = OBJECT_CHUNK, .codec = codec, .stored_size = (guint32)size, .plain_size = (guint32)g_bytes_get_size(plain), .digest = digest,
    };

    frame_format(&frame, pack->header.id, data, header);
    g_byte_array_append(pack->bytes, header, sizeof header);
    g_byte_array_append(pack->bytes, data, (guint)size);
}

/* Version @version as a patch against version @base. */
static inline void
raw_pack_add_patch(RawPack *pack, guint version, guint base, guint reach)
{
    g_autoptr(GBytes) patch = patch_by_hand(version, &base, 1, reach);

    raw_pack_add(pack, version, CODEC_PATCH, patch);
}

static inline void
raw_pack_write(RawPack *pack, const char *path)
{
    char name[PACK_NAME_SIZE];
    g_autofree char *folder = g_build_filename(path, "packs", NULL);
    g_autofree char *file = g_build_filename(folder, pack_name_format(pack->header.id, name), NULL);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(file, (const char *)pack->bytes->data, pack->bytes->len, NULL));
    g_byte_array_unref(pack->bytes);
}

#endif
