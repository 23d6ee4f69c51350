/*
 * gc: packs without what is no longer wanted (manifests/FORMAT.md, P19, P29).  A pack is either kept as it is or emptied: its live frames go to
 * another pack of its scope, the index changes in one step, then its file goes.
 */
#include <sys/file.h>

#include "keys/error.h"
#include "manifests/store/store_private.h"

#define SMALL_PACK (16 * 1024 * 1024) /* cheap to rewrite */
#define SMALL_PACKS_MAX 8             /* of one scope, before they are put together */

typedef struct {
    IndexPack record;
    guint64 first_bit;     /* of its frame 0 */
    guint64 live_bytes;    /* frames, with headers */
    guint32 live_objects;
    gboolean empty_it;
} GcPack;

struct GcMarks {
    Store *store;
    Index *index;
    GArray *records;       /* IndexPack */
    GcPack *packs;
    guint pack_count;
    GHashTable *by_id;     /* id -> GcPack */
    guint8 *live, *named;  /* one bit for each frame number of each pack: wanted; named by gc_mark_add() itself */
    GArray *bases;         /* Digest: of patches that were marked, not looked at yet */
    gboolean purge;        /* P29: what is not named is dead, and each pack with something dead is emptied */
};

typedef struct {
    Store *store;
    GcMarks *marks;
    PackWriter *out;       /* where live frames go; NULL if there is none yet */
    GcTotals *totals;
} Gc;

/* ---- marks ---- */

static gboolean
marks_load(GcMarks *marks, GError **error)
{
    guint64 bits = 0;

    marks->records = index_packs(marks->index, error);
    if (!marks->records)
        return FALSE;
    marks->packs = g_new0(GcPack, marks->records->len);
    for (guint i = 0; i < marks->records->len; i++) {
        GcPack *pack = &marks->packs[i];

        pack->record = g_array_index(marks->records, IndexPack, i);
        pack->first_bit = bits;
        bits += pack->record.frames;
        g_hash_table_insert(marks->by_id, &pack->record.id, pack);
    }
    marks->pack_count = marks->records->len;
    marks->live = g_malloc0(bits / 8 + 1);
    marks->named = g_malloc0(bits / 8 + 1);
    return TRUE;
}

static GcMarks *
marks_new(Store *store, Index *index, gboolean purge, GError **error)
{
    GcMarks *marks = g_new0(GcMarks, 1);

    marks->store = store;
    marks->index = index_ref(index);
    marks->purge = purge;
    marks->by_id = g_hash_table_new(g_int64_hash, g_int64_equal);
    marks->bases = g_array_new(FALSE, FALSE, sizeof(Digest));
    if (marks_load(marks, error))
        return marks;
    g_array_unref(marks->bases);
    g_hash_table_unref(marks->by_id);
    index_unref(marks->index);
    g_free(marks);
    return NULL;
}

static void
marks_free(GcMarks *marks)
{
    g_array_unref(marks->records);
    g_array_unref(marks->bases);
    g_hash_table_unref(marks->by_id);
    index_unref(marks->index);
    g_free(marks->packs);
    g_free(marks->live);
    g_free(marks->named);
    g_free(marks);
}

/* The bit of an object; DAMAGED if the index names a frame that it did not count. */
static gboolean
find_bit(const GcMarks *marks, const IndexEntry *entry, guint64 *bit, GError **error)
{
    const GcPack *pack = g_hash_table_lookup(marks->by_id, &entry->pack);

    if (!pack || entry->number >= pack->record.frames)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "index: P21: an object in a pack that is not there; chama fsck --rebuild-index");
    *bit = pack->first_bit + entry->number;
    return TRUE;
}

/* P27: what a patch that lives is made against lives, too. */
static gboolean
note_bases(GcMarks *marks, const IndexEntry *entry, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(GBytes) stored = store_read_entry(marks->store, entry, &failed);
    Digest bases[PATCH_BASES_MAX];
    guint count = 0;
    gsize size;
    const void *data = stored ? g_bytes_get_data(stored, &size) : NULL;

    if (data && stored_patch_bases(data, size, bases, &count, &failed)) {
        g_array_append_vals(marks->bases, bases, count);
        return TRUE;
    }
    /* What is damaged or lost needs nothing any more; store_check() tells of it. */
    if (data || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DAMAGED) || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* TRUE if it was not set. */
static gboolean
set_bit(guint8 *bits, guint64 bit)
{
    gboolean was = (bits[bit / 8] & 1 << bit % 8) != 0;

    bits[bit / 8] |= (guint8)(1 << bit % 8);
    return !was;
}

/* *@bit is G_MAXUINT64 if it is not here. */
static gboolean
mark_object(GcMarks *marks, const Digest *digest, guint64 *bit, GError **error)
{
    g_autoptr(GError) failed = NULL;
    IndexEntry entry;

    *bit = G_MAXUINT64;
    if (index_find(marks->index, digest, NULL, &entry, NULL, &failed))
        return find_bit(marks, &entry, bit, error) &&
               (!set_bit(marks->live, *bit) || marks->purge || entry.codec != CODEC_PATCH || note_bases(marks, &entry, error));
    if (!failed)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* What lives as a base alone was not named: below a page that comes to be named later lies what must live, too.  Each object is looked into once, so
 * this ends whatever is made against what. */
gboolean
gc_mark_add(GcMarks *marks, const Digest *digest, gboolean *fresh, GError **error)
{
    gboolean unseen;
    guint64 bit;

    if (!mark_object(marks, digest, &bit, error))
        return FALSE;
    unseen = bit == G_MAXUINT64 || set_bit(marks->named, bit);
    while (marks->bases->len > 0) {
        Digest base = g_array_index(marks->bases, Digest, marks->bases->len - 1);

        g_array_set_size(marks->bases, marks->bases->len - 1);
        if (!mark_object(marks, &base, &bit, error))
            return FALSE;
    }
    if (fresh)
        *fresh = unseen;
    return TRUE;
}

/* Packs that came after the marks are our own: only what lives was copied there. */
static gboolean
is_live(const GcMarks *marks, const IndexEntry *entry)
{
    guint64 bit = 0;

    if (!g_hash_table_contains(marks->by_id, &entry->pack))
        return TRUE;
    return find_bit(marks, entry, &bit, NULL) && (marks->live[bit / 8] & 1 << bit % 8);
}

static gboolean
digest_is_live(const GcMarks *marks, const Digest *digest)
{
    IndexEntry entry;

    return index_find(marks->index, digest, NULL, &entry, NULL, NULL) && is_live(marks, &entry);
}

/* ---- what each pack weighs, and what to do with it ---- */

static gboolean
weigh_object(gpointer data, const IndexEntry *entry, GError **error)
{
    GcMarks *marks = data;
    GcPack *pack = g_hash_table_lookup(marks->by_id, &entry->pack);
    guint64 bit;

    if (!find_bit(marks, entry, &bit, error))
        return FALSE;
    if (!is_live(marks, entry))
        return TRUE;
    pack->live_bytes += FRAME_HEADER_SIZE + entry->stored_size;
    pack->live_objects++;
    return TRUE;
}

/* A mark lives as long as its object. */
static gboolean
weigh_mark(gpointer data, const IndexMark *mark, GError **error)
{
    GcMarks *marks = data;
    GcPack *pack = g_hash_table_lookup(marks->by_id, &mark->pack);

    if (pack && digest_is_live(marks, &mark->digest))
        pack->live_bytes += FRAME_HEADER_SIZE;
    return TRUE;
}

static guint64
content_bytes(const GcPack *pack)
{
    return pack->record.length - PACK_HEADER_SIZE;
}

/* Packs with nothing live first, which frees room for the others; then scope by scope. */
static int
compare_packs(gconstpointer a, gconstpointer b)
{
    const GcPack *x = a, *y = b;

    if ((x->live_bytes == 0) != (y->live_bytes == 0))
        return x->live_bytes == 0 ? -1 : 1;
    return digest_compare(&x->record.scope, &y->record.scope);
}

static guint
count_small(const GcMarks *marks, const Scope *scope)
{
    guint count = 0;

    for (guint i = 0; i < marks->pack_count; i++)
        count += digest_equal(&marks->packs[i].record.scope, scope) && content_bytes(&marks->packs[i]) < SMALL_PACK;
    return count;
}

/* P19. */
static gboolean
is_worth_it(const GcMarks *marks, const GcPack *pack)
{
    guint64 content = content_bytes(pack);

    if (pack->record.doomed)
        return FALSE;
    if (marks->purge)
        return pack->live_bytes < content;
    if (pack->live_bytes == 0 || pack->live_bytes < content / 4 * 3)
        return TRUE;
    if (content >= SMALL_PACK)
        return FALSE;
    return pack->live_bytes < content || count_small(marks, &pack->record.scope) > SMALL_PACKS_MAX;
}

static gboolean
plan(GcMarks *marks, GError **error)
{
    if (!index_foreach(marks->index, weigh_object, marks, error) || !index_foreach_mark(marks->index, weigh_mark, marks, error))
        return FALSE;
    for (guint i = 0; i < marks->pack_count; i++)
        marks->packs[i].empty_it = is_worth_it(marks, &marks->packs[i]);
    return TRUE;
}

/* ---- emptying a pack ---- */

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
        if (!is_live(marks, &entry))
            frame->kind = 0;
        return;
    }
    memset(frame, 0, sizeof *frame);
    frame->digest = piece->frame.digest;
    if (index_find_mark(marks->index, &frame->digest, &pack->record.scope, &mark, NULL) && mark.pack == pack->record.id &&
        mark.offset == piece->offset && digest_is_live(marks, &frame->digest))
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

/* The copies, from what was written: they take the place of what lay in the old pack. */
static gboolean
index_copies(Gc *gc, IndexChange *change, const GcPack *pack, guint64 from, GError **error)
{
    const PackHeader *header = pack_writer_header(gc->out);
    g_autofree char *path = pack_folder_file(gc->store->packs, header->id);
    g_autoptr(PackFile) file = pack_folder_get(gc->store->packs, header->id, error);
    g_autoptr(PackReader) reader = NULL;
    IndexPack record;
    PackPiece piece;
    PackStep step;

    if (!file || !index_change_open_pack(change, header, &record, error))
        return FALSE;
    reader = pack_reader_new(file->fd, path, header->id, from, pack_writer_size(gc->out));
    while ((step = pack_reader_next(reader, &piece, error)) == PACK_FRAME)
        if (!index_change_add(change, &record, &piece, pack->record.id, error))
            return FALSE;
    if (step == PACK_DAMAGE)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: what was just written does not read back", path);
    record.length = pack_writer_size(gc->out);
    return step == PACK_END && index_change_put_pack(change, &record, error);
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

    if (entry->pack != drop->pack->record.id || is_live(drop->marks, entry))
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

    if (!change || (pack->live_bytes > 0 && !index_copies(gc, change, pack, from, error)) ||
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

static void
count(GcTotals *totals, const GcPack *pack)
{
    totals->objects_freed += pack->record.objects - pack->live_objects;
    totals->bytes_freed += pack->record.length - MIN(pack->record.length, pack->live_bytes);
    *(pack->live_bytes > 0 ? &totals->packs_rewritten : &totals->packs_removed) += 1;
}

/* A pack that cannot be read to its end stays as it is: store_check() tells what is wrong with it. */
static gboolean
empty_pack(Gc *gc, const GcPack *pack, GError **error)
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
    count(gc->totals, pack);
    return store_remove_doomed(gc->store, gc->marks->index, pack->record.id, error);
}

/* ---- all of it ---- */

static gboolean
carry_out(Store *store, GcMarks *marks, GcTotals *totals, GError **error)
{
    Gc gc = { .store = store, .marks = marks, .totals = totals };
    gboolean ok = TRUE;

    for (guint i = 0; ok && i < marks->pack_count; i++)
        ok = !marks->packs[i].empty_it || empty_pack(&gc, &marks->packs[i], error);
    pack_writer_free(gc.out);
    pack_folder_forget_removed(store->packs);
    return ok;
}

/* Sorted only when the marks are set: the bits are found through by_id. */
static void
sort_packs(GcMarks *marks)
{
    if (marks->pack_count > 0)
        qsort(marks->packs, marks->pack_count, sizeof *marks->packs, compare_packs);
    g_hash_table_remove_all(marks->by_id);
    for (guint i = 0; i < marks->pack_count; i++)
        g_hash_table_insert(marks->by_id, &marks->packs[i].record.id, &marks->packs[i]);
}

static gboolean
collect(Store *store, GcMarks *marks, gboolean dry_run, GcTotals *totals, GError **error)
{
    StoreTotals after;

    if (!plan(marks, error))
        return FALSE;
    sort_packs(marks);
    if (!dry_run && !carry_out(store, marks, totals, error))
        return FALSE;
    for (guint i = 0; dry_run && i < marks->pack_count; i++)
        if (marks->packs[i].empty_it)
            count(totals, &marks->packs[i]);
    if (!store_totals(store, &after, error))
        return FALSE;
    totals->bytes_kept = after.pack_bytes - (dry_run ? totals->bytes_freed : 0);
    return TRUE;
}

/* One way through: marks, then @act with them. */
typedef gboolean (*GcAct)(Store *store, GcMarks *marks, gboolean dry_run, GcTotals *totals, GError **error);

static gboolean
mark_and(GcAct act, Store *store, gboolean purge, gboolean dry_run, GcMark mark, gpointer data, GcTotals *totals, GError **error)
{
    g_autoptr(Index) index = store_index(store);
    GcMarks *marks = marks_new(store, index, purge, error);
    gboolean ok;

    if (!marks)
        return FALSE;
    ok = mark(marks, data, error) && act(store, marks, dry_run, totals, error);
    marks_free(marks);
    return ok;
}

static gboolean
gc_locked(Store *store, gboolean dry_run, GcMark mark, gpointer data, GcTotals *totals, GError **error)
{
    return store_refresh(store, NULL, error) && (dry_run || store_salvage(store, error)) &&
           mark_and(collect, store, FALSE, dry_run, mark, data, totals, error);
}

/* What came after the marks is our own: copies of what is named. */
static gboolean
is_named(gpointer data, const IndexEntry *entry)
{
    const GcMarks *marks = data;
    guint64 bit = 0;

    if (!g_hash_table_contains(marks->by_id, &entry->pack))
        return TRUE;
    return find_bit(marks, entry, &bit, NULL) && (marks->named[bit / 8] & 1 << bit % 8);
}

static gboolean
make_whole(Store *store, GcMarks *marks, gboolean dry_run, GcTotals *totals, GError **error)
{
    return store_free_bases(store, marks->index, is_named, marks, &totals->made_whole, error);
}

/* P29: what a patch needs that nobody names is no longer needed; then it is as dead as all else. */
static gboolean
purge_locked(Store *store, GcMark mark, gpointer data, GcTotals *totals, GError **error)
{
    return store_refresh(store, NULL, error) && store_salvage(store, error) &&
           mark_and(make_whole, store, TRUE, FALSE, mark, data, totals, error) && mark_and(collect, store, TRUE, FALSE, mark, data, totals, error);
}

/* The store's lock, exclusive; *@lock -1 and *@busy set if others have it and it is not to be waited for. */
static gboolean
lock_alone(Store *store, gboolean *busy, void (*waiting)(void), int *lock, GError **error)
{
    if (!store_lock(store->lock_path, LOCK_EX, FALSE, lock, error))
        return FALSE;
    if (busy)
        *busy = *lock < 0;
    if (*lock >= 0 || busy)
        return TRUE;
    if (waiting)
        waiting();
    return store_lock(store->lock_path, LOCK_EX, TRUE, lock, error);
}

gboolean
store_purge(Store *store, GcMark mark, gpointer data, gboolean *busy, void (*waiting)(void), GcTotals *totals, GError **error)
{
    gboolean ok;
    int lock;

    memset(totals, 0, sizeof *totals);
    if (!lock_alone(store, busy, waiting, &lock, error))
        return FALSE;
    if (lock < 0)
        return TRUE;
    ok = purge_locked(store, mark, data, totals, error);
    base_cache_clear(store->bases);
    store_unlock(lock);
    return ok;
}

gboolean
store_gc(Store *store, gboolean dry_run, GcMark mark, gpointer data, void (*waiting)(void), GcTotals *totals, GError **error)
{
    GcTotals nowhere;
    gboolean ok;
    int lock;

    if (!lock_alone(store, NULL, waiting, &lock, error))
        return FALSE;
    totals = totals ? totals : &nowhere;
    memset(totals, 0, sizeof *totals);
    ok = gc_locked(store, dry_run, mark, data, totals, error);
    store_unlock(lock);
    return ok;
}
