/*
 * rewritten: the index learns of what gc and purge wrote anew, from the pack itself.
 */
#include "keys/error.h"
#include "manifests/store/store_private.h"

gboolean
store_index_rewritten(Store *store, IndexChange *change, PackWriter *out, guint64 from, guint64 old, GError **error)
{
    const PackHeader *header = pack_writer_header(out);
    g_autofree char *path = pack_folder_file(store->packs, header->id);
    g_autoptr(PackFile) file = pack_folder_get(store->packs, header->id, error);
    g_autoptr(PackReader) reader = NULL;
    IndexPack record;
    PackPiece piece;
    PackStep step;

    if (!file || !index_change_open_pack(change, header, &record, error))
        return FALSE;
    reader = pack_reader_new(file->fd, path, header->id, from, pack_writer_size(out));
    while ((step = pack_reader_next(reader, &piece, error)) == PACK_FRAME)
        if (!index_change_add(change, &record, &piece, old, error))
            return FALSE;
    if (step == PACK_DAMAGE)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: what was just written does not read back", path);
    record.length = pack_writer_size(out);
    return step == PACK_END && index_change_put_pack(change, &record, error);
}
