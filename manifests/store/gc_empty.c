/*
 * gc_empty: a pack's live frames go to another pack of its scope, the index changes in one step, then its file goes (manifests/FORMAT.md, P19).
 */
#include "keys/error.h"
#include "manifests/store/gc_private.h"

/* The pack that takes @size more bytes of @scope. */
static gboolean
choose_out(Gc *gc, const Scope *scope, guint64 size, GError **error)
{
    if (gc->out && (!digest_equal(&pack_writer_header(gc->out)->scope, scope) || pack_writer_size(gc->out) + size > PACK_SIZE_MAX))
        g_clear_pointer(&gc->out, pack_writer_free);
    if (!gc->out)
        gc->out = pack_writer_new(gc->store->packs_path, scope, error);
    return gc->out != NULL;
}

/* What of a frame goes on living: the object, a mark, or nothing (kind 0). */
static void
what_lives(const GcMarks *marks, const GcPack *pack, const PackPiece *piece, Frame *frame)
{
    IndexEntry entry;
    IndexMark mark;

    *frame = piece->frame;
    if (frame->kind != FRAME_MARK && index_find(marks->index, &frame->digest, NULL, &entry, NULL, NULL) &&
        entry.pack == pack->record.id && entry.offset == piece->offset) {
        if (!gc_is_live(marks, &entry))
            frame->kind = 0;
        return;
    }
    memset(frame, 0, sizeof *frame);
    frame->digest = piece->frame.digest;
    if (index_find_mark(marks->index, &frame->digest, &pack->record.scope, &mark, NULL) && mark.pack == pack->record.id &&
        mark.offset == piece->offset && gc_digest_is_live(marks, &frame->digest))
        frame->kind = FRAME_MARK;
}

static gboolean
copy_piece(Gc *gc, const GcPack *pack, const PackPiece *piece, guint32 *objects, GError **error)
{
    PackPiece copy;
    Frame frame;

    what_lives(gc->marks, pack, piece, &frame);
    if (frame.kind == 0)
        return TRUE;
    *objects += frame.kind != FRAME_MARK;
    return pack_writer_append(gc->out, &frame, piece->bytes + piece->frame.header_size, &copy, error);
}

/* Copies what lives; *@whole is FALSE if not all of it could be read, or if there is something of a later version. */
static gboolean
copy_live(Gc *gc, const GcPack *pack, PackReader *reader, gboolean *whole, GError **error)
{
    guint32 objects = 0;
    PackPiece piece;
    PackStep step;

    *whole = TRUE;
    while ((step = pack_reader_next(reader, &piece, error)) == PACK_FRAME || step == PACK_DAMAGE) {
        if (step == PACK_DAMAGE)
            continue;
        if (!frame_check(&piece.frame, NULL))
            *whole = FALSE;
        else if (!copy_piece(gc, pack, &piece, &objects, error))
            return FALSE;
    }
    *whole = *whole && objects == pack->live_objects;
    return step == PACK_END;
}

/* What the index still says about a frame of the old pack goes. */
static gboolean
drop_piece(IndexChange *change, const GcPack *pack, const PackPiece *piece, guint32 *dropped, GError **error)
{
    g_autoptr(GError) failed = NULL;
    const Digest *digest = &piece->frame.digest;
    IndexEntry entry;
    IndexMark mark;

    if (index_change_find(change, digest, &entry, &failed) && entry.pack == pack->record.id && entry.offset == piece->offset)
        *dropped += index_change_remove(change, digest, &failed);
    if (!failed && index_change_find_mark(change, digest, &pack->record.scope, &mark, &failed) && mark.pack == pack->record.id &&
        mark.offset == piece->offset)
        index_change_remove_mark(change, digest, &pack->record.scope, &failed);
    if (!failed)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

typedef struct {
    const GcMarks *marks;
    const GcPack *pack;
    IndexChange *change;
    guint32 dropped;
} Drop;

static gboolean
drop_unreadable(gpointer data, const IndexEntry *entry, GError **error)
{
    Drop *drop = data;
    g_autoptr(GError) failed = NULL;

    if (entry->pack != drop->pack->record.id || gc_is_live(drop->marks, entry))
        return TRUE;
    drop->dropped += index_change_remove(drop->change, &entry->digest, &failed);
    if (!failed)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static gboolean
doom(IndexChange *change, const GcPack *pack, GError **error)
{
    IndexPack doomed = pack->record;

    doomed.doomed = TRUE;
    doomed.objects = 0;
    doomed.plain_size = 0;
    return index_change_put_pack(change, &doomed, error);
}

/* *@whole is FALSE if the pack must stay: something of a later version is in it, or the index knows more in it than was met. */
static gboolean
drop_rest(Gc *gc, IndexChange *change, const GcPack *pack, PackReader *reader, gboolean *whole, GError **error)
{
    Drop drop = { .marks = gc->marks, .pack = pack, .change = change };
    gboolean known = TRUE;
    PackPiece piece;
    PackStep step;

    while ((step = pack_reader_next(reader, &piece, error)) == PACK_FRAME || step == PACK_DAMAGE) {
        if (step == PACK_DAMAGE)
            continue;
        known = known && frame_check(&piece.frame, NULL);
        if (!drop_piece(change, pack, &piece, &drop.dropped, error))
            return FALSE;
    }
    if (step != PACK_END)
        return FALSE;
    if (drop.dropped + pack->live_objects < pack->record.objects && !index_foreach(gc->marks->index, drop_unreadable, &drop, error))
        return FALSE;
    *whole = known && drop.dropped + pack->live_objects == pack->record.objects;
    return doom(change, pack, error);
}

/* One step for all who read the index. */
static gboolean
change_index(Gc *gc, const GcPack *pack, PackReader *reader, guint64 from, gboolean *whole, GError **error)
{
    g_autoptr(IndexChange) change = index_change_begin(gc->marks->index, error);

    if (!change || (pack->live_bytes > 0 && !store_index_rewritten(gc->store, change, gc->out, from, pack->record.id, error)) ||
        !drop_rest(gc, change, pack, reader, whole, error))
        return FALSE;
    return !*whole || index_change_commit(change, error);
}

static PackReader *
read_pack(const PackFile *file, const GcPack *pack)
{
    char name[PACK_NAME_SIZE];

    return pack_reader_new(file->fd, pack_name_format(pack->record.id, name), pack->record.id, PACK_HEADER_SIZE, pack->record.length);
}

/* Copies, makes durable, changes the index. */
static gboolean
move_content(Gc *gc, const GcPack *pack, const PackFile *file, guint64 *from, gboolean *whole, GError **error)
{
    g_autoptr(PackReader) first = read_pack(file, pack), second = NULL;
    gboolean ok;

    *whole = FALSE;
    if (pack->live_bytes > 0) {
        if (!choose_out(gc, &pack->record.scope, pack->live_bytes, error))
            return FALSE;
        *from = pack_writer_size(gc->out);
        if (!copy_live(gc, pack, first, whole, error))
            return FALSE;
        if (!*whole)
            return TRUE;
        if (!pack_writer_sync(gc->out, error))
            return FALSE;
    }
    second = read_pack(file, pack);
    ok = change_index(gc, pack, second, *from, whole, error);
    /* Whether the index has the copies is in doubt: they stay. */
    if (!ok)
        *from = 0;
    return ok;
}

/* What was copied for nothing goes again. */
static void
take_back(Gc *gc, guint64 from)
{
    if (!gc->out || from == 0)
        return;
    pack_writer_cut(gc->out, from);
    if (from <= PACK_HEADER_SIZE)
        g_clear_pointer(&gc->out, pack_writer_free);
}

void
gc_count(GcTotals *totals, const GcPack *pack)
{
    totals->objects_freed += pack->record.objects - pack->live_objects;
    totals->bytes_freed += pack->record.length - MIN(pack->record.length, pack->live_bytes);
    *(pack->live_bytes > 0 ? &totals->packs_rewritten : &totals->packs_removed) += 1;
}

/* A pack that cannot be read to its end stays as it is: store_check() tells what is wrong with it. */
gboolean
gc_empty_pack(Gc *gc, const GcPack *pack, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(PackFile) file = pack_folder_get(gc->store->packs, pack->record.id, NULL);
    guint64 from = 0;
    gboolean whole;

    if (!file) {
        gc->totals->packs_left++;
        return TRUE;
    }
    if (!move_content(gc, pack, file, &from, &whole, &failed) || !whole) {
        take_back(gc, from);
        gc->totals->packs_left++;
        if (!failed || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DAMAGED))
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    gc_count(gc->totals, pack);
    return store_remove_doomed(gc->store, gc->marks->index, pack->record.id, error);
}
