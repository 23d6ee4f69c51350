/*
 * salvage: what writers that died had appended and not committed (manifests/FORMAT.md, P18).  Their frames are taken into the index, so that
 * nothing is fetched twice; a torn end is cut off.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/store/codec.h"
#include "manifests/store/patch.h"
#include "manifests/store/store_private.h"

gboolean
store_frame_check(const PackPiece *piece, GError **error)
{
    const Frame *frame = &piece->frame;
    Patch patch;

    if (!frame_check(frame, error))
        return FALSE;
    if (frame->kind == FRAME_MARK)
        return TRUE;
    if (frame->codec == CODEC_PATCH)
        return patch_parse(piece->bytes + frame->header_size, frame->stored_size, &patch, error);
    return codec_open(&frame->digest, frame->codec, frame->plain_size, piece->bytes + frame->header_size, frame->stored_size, codec_scratch(),
                      error);
}

gboolean
store_index_frames(IndexChange *change, IndexPack *pack, PackReader *reader, gboolean bases_first, StoreReport report, gpointer data,
                   guint64 *valid_end, GError **error)
{
    gboolean has_bases = TRUE;
    char name[PACK_NAME_SIZE];
    PackPiece piece;

    pack_name_format(pack->id, name);
    for (;;) {
        g_autoptr(GError) failed = NULL;

        switch (pack_reader_next(reader, &piece, error)) {
        case PACK_END:
            return TRUE;
        case PACK_FAILED:
            return FALSE;
        case PACK_DAMAGE:
            store_report(report, data, NULL, "pack %s: offset %" G_GUINT64_FORMAT ": P18: %" G_GUINT64_FORMAT " damaged bytes", name,
                         piece.offset, piece.size);
            break;
        case PACK_FRAME:
            *valid_end = piece.offset + piece.size;
            if (!store_frame_check(&piece, &failed))
                store_report(report, data, &piece.frame.digest, "pack %s: offset %" G_GUINT64_FORMAT ": %s", name, piece.offset,
                             failed->message);
            else if ((bases_first && !store_has_bases(change, &piece, &has_bases, error)) ||
                     (has_bases && !index_change_add(change, pack, &piece, 0, error)))
                return FALSE;
        }
    }
}

gboolean
store_open_dead_pack(const char *path, int *fd, guint64 *size, GError **error)
{
    struct stat about;

    *fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return errno == ENOENT || chama_error_errno(error, errno, "%s", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0 && fstat(*fd, &about) == 0 && about.st_nlink > 0) {
        *size = (guint64)about.st_size;
        return TRUE;
    }
    close(*fd);
    *fd = -1;
    return TRUE;
}

/* P18: a file of which nothing but (part of) a header, or only zeros where it should be, ever reached the disk.  Any other file stays. */
static gboolean
is_empty(int fd, guint64 size)
{
    static const guint8 zeros[PACK_HEADER_SIZE];
    guint8 bytes[PACK_HEADER_SIZE];

    return size <= PACK_HEADER_SIZE ||
           (pread(fd, bytes, sizeof bytes, 0) == sizeof bytes && memcmp(bytes, zeros, sizeof bytes) == 0);
}

static gboolean
read_header(int fd, const char *path, guint64 id, PackHeader *header, GError **error)
{
    guint8 bytes[PACK_HEADER_SIZE];

    if (!pack_pread(fd, path, 0, bytes, sizeof bytes, error))
        return FALSE;
    if (!pack_header_parse(bytes, sizeof bytes, header, error)) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    if (header->id != id)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: P3: want the id of its name, have %016" G_GINT64_MODIFIER "x", path, header->id);
    return TRUE;
}

/* Bytes [pack->length, size) of a pack whose writer is dead. */
static gboolean
take_in(Index *index, int fd, const char *path, guint64 size, const PackHeader *header, GError **error)
{
    g_autoptr(IndexChange) change = NULL;
    g_autoptr(PackReader) reader = NULL;
    IndexPack pack;
    guint64 end;

    /* P24: an index that fell back to an older state looks like packs with a tail, and must not be written to. */
    if (!index_check(index, error))
        return FALSE;
    change = index_change_begin(index, error);
    if (!change || !index_change_open_pack(change, header, &pack, error))
        return FALSE;
    end = pack.length;
    reader = pack_reader_new(fd, path, pack.id, pack.length, size);
    if (!store_index_frames(change, &pack, reader, TRUE, NULL, NULL, &end, error))
        return FALSE;
    if (end < size && ftruncate(fd, (off_t)end) < 0)
        return chama_error_errno(error, errno, "%s", path);
    pack.length = end;
    return durable_fsync(fd, path, error) && index_change_put_pack(change, &pack, error) && index_change_commit(change, error);
}

/* A pack that the index does not know to its end; @fd is locked. */
static gboolean
salvage_locked(Store *store, Index *index, const char *path, guint64 id, int fd, guint64 size, GError **error)
{
    g_autoptr(GError) failed = NULL;
    IndexPack known;
    PackHeader header = { .id = id };

    if (index_find_pack(index, id, &known, &failed)) {
        header.scope = known.scope;
        return known.doomed || known.length >= size || take_in(index, fd, path, size, &header, error);
    }
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    if (is_empty(fd, size))
        return durable_unlink(path, error);
    /* What is no pack of ours is left as it is, for store_check() to report. */
    if (!read_header(fd, path, id, &header, NULL))
        return TRUE;
    return durable_fsync_folder(store->packs_path, error) && take_in(index, fd, path, size, &header, error);
}

static gboolean
salvage_pack(Store *store, Index *index, guint64 id, GError **error)
{
    g_autofree char *path = pack_folder_file(store->packs, id);
    guint64 size;
    gboolean ok;
    int fd;

    if (!store_open_dead_pack(path, &fd, &size, error))
        return FALSE;
    if (fd < 0)
        return TRUE;
    ok = salvage_locked(store, index, path, id, fd, size, error);
    close(fd);
    return ok;
}

gboolean
store_remove_doomed(Store *store, Index *index, guint64 id, GError **error)
{
    g_autofree char *path = pack_folder_file(store->packs, id);
    g_autoptr(IndexChange) change = index_change_begin(index, error);

    if (!change)
        return FALSE;
    if (unlink(path) < 0 && errno != ENOENT)
        return chama_error_errno(error, errno, "%s", path);
    return index_change_remove_pack(change, id, error) && index_change_commit(change, error);
}

static guint64
file_size(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 ? (guint64)about.st_size : 0;
}

/* Id -> IndexPack, borrowed from @packs. */
static GHashTable *
packs_by_id(const GArray *packs)
{
    GHashTable *by_id = g_hash_table_new(g_int64_hash, g_int64_equal);

    for (guint i = 0; i < packs->len; i++) {
        IndexPack *pack = &g_array_index(packs, IndexPack, i);

        g_hash_table_insert(by_id, &pack->id, pack);
    }
    return by_id;
}

gboolean
store_salvage(Store *store, GError **error)
{
    g_autoptr(Index) index = store_index(store);
    g_autoptr(GArray) packs = index_packs(index, error);
    g_autoptr(GArray) ids = packs ? pack_folder_list(store->packs_path, NULL, error) : NULL;
    g_autoptr(GHashTable) known = NULL;

    if (!ids)
        return FALSE;
    known = packs_by_id(packs);
    for (guint i = 0; i < ids->len; i++) {
        guint64 id = g_array_index(ids, guint64, i);
        const IndexPack *pack = g_hash_table_lookup(known, &id);
        g_autofree char *path = pack_folder_file(store->packs, id);

        if (pack && (pack->doomed || file_size(path) <= pack->length))
            continue;
        if (!salvage_pack(store, index, id, error))
            return FALSE;
    }
    /* gc had let go of them and did not come to remove them. */
    for (guint i = 0; i < packs->len; i++)
        if (g_array_index(packs, IndexPack, i).doomed && !store_remove_doomed(store, index, g_array_index(packs, IndexPack, i).id, error))
            return FALSE;
    return TRUE;
}
