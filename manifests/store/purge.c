/*
 * purge: what is to go must not be needed by what stays (manifests/FORMAT.md, P29): patches against it are stored anew, whole, in packs of the scopes
 * in which they lay.
 */
#include "keys/error.h"
#include "manifests/store/codec.h"
#include "manifests/store/patch.h"
#include "manifests/store/store_private.h"

#define FOUND_MAX (256 * 1024)   /* objects of one way through the index: 10 MiB */
#define COMMIT_AFTER 16384       /* objects; as many pages of the index may change */

typedef struct {
    Digest digest;
    guint64 pack;
    Scope scope;
} Dependent;

typedef struct {
    Store *store;
    Index *index;
    StoreNamed named;
    gpointer data;
    GArray *found;           /* Dependent */
    gboolean more;           /* than found can hold */
    PackWriter *out;         /* NULL: none yet */
    guint64 from;            /* of out: what lies behind it is not in the index */
    guint waiting;           /* objects behind it */
    guint64 *count;
} Purge;

/* ---- which ---- */

/* What is damaged here is not made better by what it was made against. */
static gboolean
read_bases(Purge *purge, const IndexEntry *entry, Digest bases[PATCH_BASES_MAX], guint *count, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(GBytes) stored = store_read_entry(purge->store, entry, &failed);
    gsize size;
    const void *data = stored ? g_bytes_get_data(stored, &size) : NULL;

    *count = 0;
    if ((data && stored_patch_bases(data, size, bases, count, NULL)) || data || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DAMAGED) ||
        g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static gboolean
needs_what_goes(Purge *purge, const IndexEntry *entry, gboolean *yes, GError **error)
{
    Digest bases[PATCH_BASES_MAX];
    guint count;

    *yes = FALSE;
    if (!read_bases(purge, entry, bases, &count, error))
        return FALSE;
    for (guint i = 0; i < count && !*yes; i++) {
        g_autoptr(GError) failed = NULL;
        IndexEntry base;

        *yes = index_find(purge->index, &bases[i], NULL, &base, NULL, &failed) && !purge->named(purge->data, &base);
        if (failed) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
visit(gpointer data, const IndexEntry *entry, GError **error)
{
    Purge *purge = data;
    Dependent dependent = { entry->digest, entry->pack, { { 0 } } };
    gboolean yes;

    if (entry->codec != CODEC_PATCH || !purge->named(purge->data, entry))
        return TRUE;
    if (purge->found->len == FOUND_MAX) {
        purge->more = TRUE;
        return TRUE;
    }
    if (!needs_what_goes(purge, entry, &yes, error))
        return FALSE;
    if (yes)
        g_array_append_val(purge->found, dependent);
    return TRUE;
}

static gboolean
find_scopes(Purge *purge, GError **error)
{
    IndexPack pack;

    for (guint i = 0; i < purge->found->len; i++) {
        Dependent *dependent = &g_array_index(purge->found, Dependent, i);
        g_autoptr(GError) failed = NULL;

        if (!index_find_pack(purge->index, dependent->pack, &pack, &failed)) {
            if (failed)
                g_propagate_error(error, g_steal_pointer(&failed));
            return error && *error ? FALSE
                                   : chama_error(error, CHAMA_ERROR_DAMAGED, "index: P21: an object in a pack that is not there; chama fsck --rebuild-index");
        }
        dependent->scope = pack.scope;
    }
    return TRUE;
}

/* Scope by scope, and as they lie in packs. */
static int
compare_dependents(gconstpointer a, gconstpointer b)
{
    const Dependent *x = a, *y = b;
    int scopes = digest_compare(&x->scope, &y->scope);

    return scopes ? scopes : (x->pack > y->pack) - (x->pack < y->pack);
}

/* ---- stored anew ---- */

/* P22: what lies whole counts, for it has less reach. */
static gboolean
commit(Purge *purge, GError **error)
{
    g_autoptr(IndexChange) change = NULL;

    if (purge->waiting == 0)
        return TRUE;
    if (!pack_writer_sync(purge->out, error))
        return FALSE;
    change = index_change_begin(purge->index, error);
    if (!change || !store_index_rewritten(purge->store, change, purge->out, purge->from, 0, error) || !index_change_commit(change, error))
        return FALSE;
    *purge->count += purge->waiting;
    purge->from = pack_writer_size(purge->out);
    purge->waiting = 0;
    return TRUE;
}

/* The pack that takes @size more bytes of @scope. */
static gboolean
choose_out(Purge *purge, const Scope *scope, guint64 size, GError **error)
{
    if (purge->out && (!digest_equal(&pack_writer_header(purge->out)->scope, scope) || pack_writer_size(purge->out) + size > PACK_SIZE_MAX)) {
        if (!commit(purge, error))
            return FALSE;
        g_clear_pointer(&purge->out, pack_writer_free);
    }
    if (!purge->out) {
        purge->out = pack_writer_new(purge->store->packs_path, scope, error);
        purge->from = purge->out ? pack_writer_size(purge->out) : 0;
    }
    return purge->out != NULL;
}

static gboolean
append(Purge *purge, const Dependent *dependent, ObjectKind kind, GBytes *plain, GError **error)
{
    gsize size, stored_size;
    const void *data = g_bytes_get_data(plain, &size);
    Frame frame = { .kind = kind, .digest = dependent->digest, .plain_size = (guint32)size };
    PackPiece piece;

    stored_size = size;
    frame.codec = codec_compress(data, size, codec_scratch(), &stored_size);
    frame.stored_size = (guint32)(frame.codec == CODEC_STORED ? size : stored_size);
    if (!choose_out(purge, &dependent->scope, FRAME_HEADER_SIZE + frame.stored_size, error) ||
        !pack_writer_append(purge->out, &frame, frame.codec == CODEC_STORED ? data : codec_scratch(), &piece, error))
        return FALSE;
    return ++purge->waiting < COMMIT_AFTER || commit(purge, error);
}

/* One that cannot be read is lost with or without what it was made against. */
static gboolean
store_whole(Purge *purge, const Dependent *dependent, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(GBytes) plain = store_get(purge->store, &dependent->digest, &failed);
    IndexEntry entry;

    if (plain && store_locate(purge->store, &dependent->digest, &entry))
        return append(purge, dependent, entry.kind, plain, error);
    if (!failed || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DAMAGED) || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static gboolean
store_found(Purge *purge, GError **error)
{
    if (!find_scopes(purge, error))
        return FALSE;
    g_array_sort(purge->found, compare_dependents);
    for (guint i = 0; i < purge->found->len; i++)
        if (!store_whole(purge, &g_array_index(purge->found, Dependent, i), error))
            return FALSE;
    return commit(purge, error);
}

/* Again, as long as there was more than could be remembered and something came of it. */
static gboolean
free_all(Purge *purge, GError **error)
{
    guint64 before;

    do {
        before = *purge->count;
        purge->more = FALSE;
        g_array_set_size(purge->found, 0);
        if (!index_foreach(purge->index, visit, purge, error) || !store_found(purge, error))
            return FALSE;
    } while (purge->more && *purge->count > before);
    return TRUE;
}

gboolean
store_free_bases(Store *store, Index *index, StoreNamed named, gpointer data, guint64 *count, GError **error)
{
    Purge purge = { .store = store, .index = index, .named = named, .data = data, .count = count };
    gboolean done;

    purge.found = g_array_new(FALSE, FALSE, sizeof(Dependent));
    done = free_all(&purge, error);
    if (!done && purge.out)
        pack_writer_cut(purge.out, purge.from);
    pack_writer_free(purge.out);
    g_array_unref(purge.found);
    return done;
}
