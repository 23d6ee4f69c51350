#include "manifests/store/index_value.h"

#include "keys/error.h"
#include "manifests/store/littleendian.h"

#define PACK_DOOMED 1

gboolean
index_damaged(GError **error, const char *table)
{
    return chama_error(error, CHAMA_ERROR_DAMAGED, "index: P21: a value in %s that none of ours has; chama fsck --rebuild-index", table);
}

gboolean
index_entry_parse(const Digest *digest, const MDB_val *value, IndexEntry *entry, GError **error)
{
    const guint8 *at = value->mv_data;

    if (value->mv_size != INDEX_ENTRY_SIZE)
        return index_damaged(error, "objects");
    entry->digest = *digest;
    entry->pack = get_le64(at);
    entry->offset = get_le64(at + 8);
    entry->number = get_le32(at + 16);
    entry->stored_size = get_le32(at + 20);
    entry->plain_size = get_le32(at + 24);
    entry->kind = at[28];
    entry->codec = at[29];
    entry->reach = at[30];
    /* P21: what is read from here sizes allocations and places reads. */
    if (entry->stored_size > OBJECT_SIZE_MAX || entry->plain_size > OBJECT_SIZE_MAX || entry->offset < PACK_HEADER_SIZE ||
        entry->offset > G_MAXINT64 || entry->kind < OBJECT_CHUNK || entry->kind > OBJECT_DOCUMENT || entry->codec > CODEC_PATCH ||
        entry->reach > PATCH_REACH_MAX || (entry->codec == CODEC_PATCH) != (entry->reach > 0) || at[31] != 0)
        return index_damaged(error, "objects");
    return TRUE;
}

void
index_entry_format(const IndexEntry *entry, guint8 bytes[INDEX_ENTRY_SIZE])
{
    put_le64(bytes, entry->pack);
    put_le64(bytes + 8, entry->offset);
    put_le32(bytes + 16, entry->number);
    put_le32(bytes + 20, entry->stored_size);
    put_le32(bytes + 24, entry->plain_size);
    bytes[28] = entry->kind;
    bytes[29] = entry->codec;
    bytes[30] = entry->reach;
    bytes[31] = 0;
}

gboolean
index_pack_parse(guint64 id, const MDB_val *value, IndexPack *pack, GError **error)
{
    const guint8 *at = value->mv_data;

    if (value->mv_size != INDEX_PACK_SIZE)
        return index_damaged(error, "packs");
    pack->id = id;
    memcpy(pack->scope.bytes, at, DIGEST_SIZE);
    pack->length = get_le64(at + 32);
    pack->plain_size = get_le64(at + 40);
    pack->objects = get_le32(at + 48);
    pack->frames = get_le32(at + 52);
    pack->doomed = (get_le32(at + 56) & PACK_DOOMED) != 0;
    if (pack->length < PACK_HEADER_SIZE || pack->length > G_MAXINT64 || pack->objects > pack->frames ||
        (get_le32(at + 56) & ~(guint32)PACK_DOOMED) != 0)
        return index_damaged(error, "packs");
    return TRUE;
}

void
index_pack_format(const IndexPack *pack, guint8 bytes[INDEX_PACK_SIZE])
{
    memcpy(bytes, pack->scope.bytes, DIGEST_SIZE);
    put_le64(bytes + 32, pack->length);
    put_le64(bytes + 40, pack->plain_size);
    put_le32(bytes + 48, pack->objects);
    put_le32(bytes + 52, pack->frames);
    put_le32(bytes + 56, pack->doomed ? PACK_DOOMED : 0);
}

gboolean
index_mark_parse(const guint8 key[INDEX_MARK_KEY_SIZE], const MDB_val *value, IndexMark *mark, GError **error)
{
    const guint8 *at = value->mv_data;

    if (value->mv_size != INDEX_MARK_SIZE)
        return index_damaged(error, "marks");
    memcpy(mark->digest.bytes, key, DIGEST_SIZE);
    memcpy(mark->scope.bytes, key + DIGEST_SIZE, DIGEST_SIZE);
    mark->pack = get_le64(at);
    mark->offset = get_le64(at + 8);
    if (mark->offset < PACK_HEADER_SIZE || mark->offset > G_MAXINT64)
        return index_damaged(error, "marks");
    return TRUE;
}

void
index_mark_key(const Digest *digest, const Scope *scope, guint8 key[INDEX_MARK_KEY_SIZE])
{
    memcpy(key, digest->bytes, DIGEST_SIZE);
    memcpy(key + DIGEST_SIZE, scope->bytes, DIGEST_SIZE);
}
