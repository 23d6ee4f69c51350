/*
 * gc_marks: which objects and marks are still wanted (manifests/FORMAT.md, P19, P27), and what each pack weighs without the others.
 */
#include "keys/error.h"
#include "manifests/store/gc_private.h"

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

GcMarks *
gc_marks_new(Store *store, Index *index, gboolean purge, GError **error)
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

void
gc_marks_free(GcMarks *marks)
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
gboolean
gc_is_live(const GcMarks *marks, const IndexEntry *entry)
{
    guint64 bit = 0;

    if (!g_hash_table_contains(marks->by_id, &entry->pack))
        return TRUE;
    return find_bit(marks, entry, &bit, NULL) && (marks->live[bit / 8] & 1 << bit % 8);
}

gboolean
gc_digest_is_live(const GcMarks *marks, const Digest *digest)
{
    IndexEntry entry;

    return index_find(marks->index, digest, NULL, &entry, NULL, NULL) && gc_is_live(marks, &entry);
}

/* What came after the marks is our own: copies of what is named. */
gboolean
gc_is_named(gpointer data, const IndexEntry *entry)
{
    const GcMarks *marks = data;
    guint64 bit = 0;

    if (!g_hash_table_contains(marks->by_id, &entry->pack))
        return TRUE;
    return find_bit(marks, entry, &bit, NULL) && (marks->named[bit / 8] & 1 << bit % 8);
}

/* ---- what each pack weighs ---- */

static gboolean
weigh_object(gpointer data, const IndexEntry *entry, GError **error)
{
    GcMarks *marks = data;
    GcPack *pack = g_hash_table_lookup(marks->by_id, &entry->pack);
    guint64 bit;

    if (!find_bit(marks, entry, &bit, error))
        return FALSE;
    if (!gc_is_live(marks, entry))
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

    if (pack && gc_digest_is_live(marks, &mark->digest))
        pack->live_bytes += FRAME_HEADER_SIZE;
    return TRUE;
}

gboolean
gc_marks_weigh(GcMarks *marks, GError **error)
{
    return index_foreach(marks->index, weigh_object, marks, error) && index_foreach_mark(marks->index, weigh_mark, marks, error);
}
