/*
 * orphans: patches of which a base is nowhere (manifests/FORMAT.md, P27): what cannot be read must not count as here, or nobody would bring it again.
 */
#include "keys/error.h"
#include "manifests/store/patch.h"
#include "manifests/store/store_private.h"

#define HEAD_SIZE_MAX (PATCH_HEAD_SIZE + PATCH_BASES_MAX * DIGEST_SIZE + 1)

typedef struct {
    Index *index;
    PackFolder *packs;
    GArray *found;             /* of Digest */
} Orphans;

static gboolean
read_patch(const Orphans *orphans, const IndexEntry *entry, Patch *patch)
{
    g_autoptr(PackFile) file = pack_folder_get(orphans->packs, entry->pack, NULL);
    gsize size = MIN(entry->stored_size, HEAD_SIZE_MAX);
    guint8 bytes[HEAD_SIZE_MAX];

    return file && pack_pread(file->fd, "", entry->offset + FRAME_HEADER_SIZE, bytes, size, NULL) && patch_parse(bytes, size, patch, NULL);
}

/* What lacks a base that the index knows. */
static gboolean
visit(gpointer data, const IndexEntry *entry, GError **error)
{
    Orphans *orphans = data;
    gboolean orphan;
    Patch patch;

    if (entry->codec != CODEC_PATCH)
        return TRUE;
    orphan = !read_patch(orphans, entry, &patch);
    for (guint i = 0; !orphan && i < patch.base_count; i++) {
        g_autoptr(GError) failed = NULL;

        orphan = !index_find(orphans->index, &patch.bases[i], NULL, NULL, NULL, &failed);
        if (failed) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
    }
    if (orphan)
        g_array_append_val(orphans->found, entry->digest);
    return TRUE;
}

static gboolean
let_go(const Orphans *orphans, StoreReport report, gpointer data, GError **error)
{
    g_autoptr(IndexChange) change = index_change_begin(orphans->index, error);

    for (guint i = 0; change && i < orphans->found->len; i++) {
        const Digest *digest = &g_array_index(orphans->found, Digest, i);
        g_autoptr(GError) failed = NULL;
        char text[DIGEST_TEXT_SIZE];

        index_change_remove(change, digest, &failed);
        if (failed) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
        store_report(report, data, digest, "%s: P27: left out: a base that it needs is missing", digest_format(digest, text));
    }
    return change && index_change_commit(change, error);
}

/* What was made against an orphan is one after that. */
static gboolean
let_all_go(Orphans *orphans, StoreReport report, gpointer data, GError **error)
{
    do {
        g_array_set_size(orphans->found, 0);
        if (!index_foreach(orphans->index, visit, orphans, error))
            return FALSE;
        if (orphans->found->len > 0 && !let_go(orphans, report, data, error))
            return FALSE;
    } while (orphans->found->len > 0);
    return TRUE;
}

gboolean
store_let_orphans_go(Index *index, const char *packs_path, StoreReport report, gpointer data, GError **error)
{
    Orphans orphans = { .index = index, .packs = pack_folder_new(packs_path), .found = g_array_new(FALSE, FALSE, sizeof(Digest)) };
    gboolean good = let_all_go(&orphans, report, data, error);

    g_array_unref(orphans.found);
    pack_folder_free(orphans.packs);
    return good;
}

gboolean
store_has_bases(IndexChange *change, const PackPiece *piece, gboolean *has, GError **error)
{
    const Frame *frame = &piece->frame;
    Patch patch;

    *has = frame->kind == FRAME_MARK || frame->codec != CODEC_PATCH;
    if (*has)
        return TRUE;
    *has = patch_parse(piece->bytes + frame->header_size, frame->stored_size, &patch, NULL);
    for (guint i = 0; *has && i < patch.base_count; i++) {
        g_autoptr(GError) failed = NULL;
        IndexEntry entry;

        *has = index_change_find(change, &patch.bases[i], &entry, &failed);
        if (failed) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
    }
    return TRUE;
}
