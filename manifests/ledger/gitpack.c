#include "manifests/ledger/gitpack.h"

#include <string.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <zlib.h>

#include "keys/durable.h"

#define DELTA_OFFSET 6      /* type of an object that is told by what differs from one before it */
#define CHAIN_MAX 40        /* deltas to undo for one object: reading is what counts later */
#define DELTA_WORTH 64      /* bytes; git refuses deltas of less than four */
#define INSERT_MAX 127
#define COPY_MAX 0xffffff

typedef struct {
    git_oid id;
    guint32 offset, crc;
} Entry;

/* The object that the next of its group is compared with. */
typedef struct {
    const guint8 *data;
    gsize size;
    guint32 offset;
    guint chain;
} Base;

struct GitPack {
    GByteArray *bytes;
    GArray *entries;        /* of Entry */
    GHashTable *bases;      /* hint -> Base */
    GByteArray *delta;      /* room */
    z_stream zlib;
};

GitPack *
gitpack_new(void)
{
    static const guint8 head[12] = { 'P', 'A', 'C', 'K', 0, 0, 0, 2 };
    GitPack *pack = g_new0(GitPack, 1);

    pack->bytes = g_byte_array_append(g_byte_array_new(), head, sizeof head);
    pack->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    pack->bases = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    pack->delta = g_byte_array_new();
    if (deflateInit(&pack->zlib, Z_DEFAULT_COMPRESSION) != Z_OK)
        g_error("zlib: out of memory");
    return pack;
}

void
gitpack_free(GitPack *pack)
{
    if (!pack)
        return;
    deflateEnd(&pack->zlib);
    g_byte_array_unref(pack->bytes);
    g_array_unref(pack->entries);
    g_hash_table_unref(pack->bases);
    g_byte_array_unref(pack->delta);
    g_free(pack);
}

static void
put_byte(GByteArray *bytes, guint byte)
{
    guint8 one = (guint8)byte;

    g_byte_array_append(bytes, &one, 1);
}

static void
put_number(GByteArray *bytes, guint32 number)
{
    number = GUINT32_TO_BE(number);
    g_byte_array_append(bytes, (const guint8 *)&number, sizeof number);
}

/* Seven bits a byte, lowest first. */
static void
put_size(GByteArray *bytes, gsize size)
{
    for (; size > 0x7f; size >>= 7)
        put_byte(bytes, 0x80 | (size & 0x7f));
    put_byte(bytes, (guint)size);
}

/* "From @offset of the base @size bytes": only bytes that are not zero are told. */
static void
put_copy(GByteArray *delta, gsize offset, gsize size)
{
    guint8 told[8] = { 0x80 };
    guint length = 1;

    if (size == 0)
        return;
    for (guint i = 0; i < 7; i++) {
        guint8 byte = (guint8)(i < 4 ? offset >> 8 * i : size >> 8 * (i - 4));

        if (byte == 0)
            continue;
        told[0] |= (guint8)(1 << i);
        told[length++] = byte;
    }
    g_byte_array_append(delta, told, length);
}

static gsize
common_start(const guint8 *a, const guint8 *b, gsize most)
{
    gsize same = 0;

    while (same < most && a[same] == b[same])
        same++;
    return same;
}

static gsize
common_end(const guint8 *a_end, const guint8 *b_end, gsize most)
{
    gsize same = 0;

    while (same < most && a_end[-1 - (gssize)same] == b_end[-1 - (gssize)same])
        same++;
    return same;
}

/* FALSE if most of it is new. */
static gboolean
make_delta(GByteArray *delta, const Base *base, const guint8 *data, gsize size)
{
    gsize most = MIN(base->size, size);
    gsize start = common_start(base->data, data, most);
    gsize end = common_end(base->data + base->size, data + size, most - start);

    if (size < DELTA_WORTH || start + end < size / 2 || start > COPY_MAX || end > COPY_MAX)
        return FALSE;
    g_byte_array_set_size(delta, 0);
    put_size(delta, base->size);
    put_size(delta, size);
    put_copy(delta, 0, start);
    for (gsize at = start; at < size - end;) {
        gsize piece = MIN(size - end - at, INSERT_MAX);

        put_byte(delta, (guint)piece);
        g_byte_array_append(delta, data + at, (guint)piece);
        at += piece;
    }
    put_copy(delta, base->size - end, end);
    return TRUE;
}

/* Four bits of the size stand beside the type. */
static void
put_head(GByteArray *bytes, guint type, gsize size)
{
    put_byte(bytes, (size > 0xf ? 0x80 : 0) | type << 4 | (size & 0xf));
    if (size > 0xf)
        put_size(bytes, size >> 4);
}

/* How far back the base is: highest seven bits first, each but the last less one. */
static void
put_distance(GByteArray *bytes, guint32 distance)
{
    guint8 told[5];
    guint at = sizeof told - 1;

    told[at] = distance & 0x7f;
    while (distance >>= 7)
        told[--at] = (guint8)(0x80 | (--distance & 0x7f));
    g_byte_array_append(bytes, told + at, (guint)sizeof told - at);
}

static void
put_compressed(GitPack *pack, const guint8 *data, gsize size)
{
    gsize before = pack->bytes->len;

    deflateReset(&pack->zlib);
    g_byte_array_set_size(pack->bytes, (guint)(before + deflateBound(&pack->zlib, size)));
    pack->zlib.next_in = (Bytef *)data;
    pack->zlib.avail_in = (uInt)size;
    pack->zlib.next_out = pack->bytes->data + before;
    pack->zlib.avail_out = (uInt)(pack->bytes->len - before);
    /* There is room for all, so this cannot fail. */
    g_assert(deflate(&pack->zlib, Z_FINISH) == Z_STREAM_END);
    g_byte_array_set_size(pack->bytes, pack->bytes->len - pack->zlib.avail_out);
}

/* This object is what the next of its group is compared with. */
static void
set_base(GitPack *pack, const char *hint, const Base *base)
{
    g_hash_table_replace(pack->bases, (gpointer)hint, g_memdup2(base, sizeof *base));
}

void
gitpack_add(GitPack *pack, const git_oid *id, git_object_t type, const void *data, gsize size, const char *hint)
{
    const Base *base = hint ? g_hash_table_lookup(pack->bases, hint) : NULL;
    gboolean differs = base && base->chain < CHAIN_MAX && make_delta(pack->delta, base, data, size);
    Entry entry = { *id, pack->bytes->len, 0 };
    Base own = { data, size, entry.offset, differs ? base->chain + 1 : 0 };

    if (differs) {
        put_head(pack->bytes, DELTA_OFFSET, pack->delta->len);
        put_distance(pack->bytes, entry.offset - base->offset);
        put_compressed(pack, pack->delta->data, pack->delta->len);
    } else {
        put_head(pack->bytes, type, size);
        put_compressed(pack, data, size);
    }
    entry.crc = (guint32)crc32(crc32(0, NULL, 0), pack->bytes->data + entry.offset, pack->bytes->len - entry.offset);
    g_array_append_val(pack->entries, entry);
    if (hint)
        set_base(pack, hint, &own);
}

static void
put_hash(GByteArray *bytes, guint8 hash[GIT_OID_RAWSZ])
{
    gnutls_hash_fast(GNUTLS_DIG_SHA1, bytes->data, bytes->len, hash);
    g_byte_array_append(bytes, hash, GIT_OID_RAWSZ);
}

static int
compare_entries(gconstpointer a, gconstpointer b)
{
    return oid_compare(&((const Entry *)a)->id, &((const Entry *)b)->id);
}

/* For each first byte of an id, how many objects have that or a lower one. */
static void
put_fan_out(GByteArray *index, const GArray *entries)
{
    guint count = 0;

    for (guint first = 0; first < 256; first++) {
        while (count < entries->len && g_array_index(entries, Entry, count).id.id[0] <= first)
            count++;
        put_number(index, count);
    }
}

static GByteArray *
make_index(GArray *entries, const guint8 pack_hash[GIT_OID_RAWSZ])
{
    static const guint8 head[8] = { 0xff, 't', 'O', 'c', 0, 0, 0, 2 };
    GByteArray *index = g_byte_array_append(g_byte_array_new(), head, sizeof head);
    guint8 hash[GIT_OID_RAWSZ];

    g_array_sort(entries, compare_entries);
    put_fan_out(index, entries);
    for (guint i = 0; i < entries->len; i++)
        g_byte_array_append(index, g_array_index(entries, Entry, i).id.id, GIT_OID_RAWSZ);
    for (guint i = 0; i < entries->len; i++)
        put_number(index, g_array_index(entries, Entry, i).crc);
    for (guint i = 0; i < entries->len; i++)
        put_number(index, g_array_index(entries, Entry, i).offset);
    g_byte_array_append(index, pack_hash, GIT_OID_RAWSZ);
    put_hash(index, hash);
    return index;
}

char *
gitpack_write(GitPack *pack, const char *folder, GError **error)
{
    guint32 count = GUINT32_TO_BE(pack->entries->len);
    guint8 hash[GIT_OID_RAWSZ];
    char name[GIT_OID_HEXSZ + 1];
    git_oid id;
    g_autoptr(GByteArray) index = NULL;
    g_autofree char *pack_path = NULL, *index_path = NULL;

    memcpy(pack->bytes->data + 8, &count, sizeof count);
    put_hash(pack->bytes, hash);
    index = make_index(pack->entries, hash);
    oid_from_raw(&id, hash);
    oid_format(&id, name);
    pack_path = g_strdup_printf("%s/pack-%s.pack", folder, name);
    index_path = g_strdup_printf("%s/pack-%s.idx", folder, name);
    if (!durable_write(pack_path, pack->bytes->data, pack->bytes->len, 0444, error))
        return NULL;
    if (durable_write(index_path, index->data, index->len, 0444, error))
        return g_strdup(name);
    /* Nobody would ever look at it again, and the room is needed. */
    unlink(pack_path);
    return NULL;
}
