#include "manifests/ledger/packs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"

#define INDEX_MAGIC "\377tOc\0\0\0\2"
#define INDEX_HEAD (8 + 256 * 4)
#define INDEX_TRAILER (2 * GIT_OID_RAWSZ)
#define PACK_HEAD 12
#define FAR_OFFSET 0x80000000u   /* the rest of the number says which entry of the table of 64-bit offsets */
/* 100 000 objects take 3 MB; stock git may have made larger ones. */
#define INDEX_SIZE_MAX (1024 * 1024 * 1024)

static void
free_pack(gpointer data)
{
    PackFile *pack = data;

    g_free(pack->base);
    g_free(pack);
}

static guint32
read_number(const guint8 *at)
{
    return (guint32)at[0] << 24 | (guint32)at[1] << 16 | (guint32)at[2] << 8 | at[3];
}

/* The head of an index says how many objects it has. */
static gboolean
parse_head(const char *path, const guint8 *data, gsize size, guint32 *objects, GError **error)
{
    if (size < INDEX_HEAD || memcmp(data, INDEX_MAGIC, 8) != 0)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: G1: want a pack index of version 2", path);
    *objects = read_number(data + INDEX_HEAD - 4);
    return TRUE;
}

/* Of the head alone: this is done at every append, whatever the size of the packs. */
static gboolean
read_head(PackFile *pack, GError **error)
{
    g_autofree char *path = g_strconcat(pack->base, ".idx", NULL);
    guint8 head[INDEX_HEAD];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return chama_error_errno(error, errno, "%s", path);
    got = pread(fd, head, sizeof head, 0);
    close(fd);
    return parse_head(path, head, got > 0 ? (gsize)got : 0, &pack->objects, error);
}

gboolean
packs_read_index(const PackFile *pack, GArray *ids, GError **error)
{
    g_autofree char *path = g_strconcat(pack->base, ".idx", NULL);
    g_autoptr(GBytes) bytes = durable_read(path, INDEX_SIZE_MAX, error);
    const guint8 *data;
    guint32 objects;
    gsize size;

    if (!bytes)
        return FALSE;
    data = g_bytes_get_data(bytes, &size);
    if (!parse_head(path, data, size, &objects, error))
        return FALSE;
    if ((size - INDEX_HEAD) / GIT_OID_RAWSZ < objects)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: G1: want %u objects in a pack index, have fewer", path, objects);
    for (guint32 i = 0; i < objects; i++) {
        git_oid id;

        oid_from_raw(&id, data + INDEX_HEAD + (gsize)i * GIT_OID_RAWSZ);
        g_array_append_val(ids, id);
    }
    return TRUE;
}

/* Where object @i begins, as the index says; 0 if it does not say. */
static guint64
offset_of(const guint8 *offsets, guint32 objects, guint32 far, guint32 i)
{
    guint32 near = read_number(offsets + (gsize)i * 4);
    const guint8 *entry = offsets + (gsize)objects * 4 + (gsize)(near & ~FAR_OFFSET) * 8;

    if (!(near & FAR_OFFSET))
        return near;
    return (near & ~FAR_OFFSET) < far ? (guint64)read_number(entry) << 32 | read_number(entry + 4) : 0;
}

static gboolean
check_offsets(const PackFile *pack, const guint8 *data, gsize size, guint64 pack_size, GError **error)
{
    /* An id, a checksum and an offset each. */
    gsize needed = INDEX_HEAD + (gsize)pack->objects * (GIT_OID_RAWSZ + 8) + INDEX_TRAILER;
    const guint8 *offsets = data + INDEX_HEAD + (gsize)pack->objects * (GIT_OID_RAWSZ + 4);

    if (size < needed)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "%s.idx: G1: want %u objects in a pack index, have fewer", pack->base, pack->objects);
    for (guint32 i = 0; i < pack->objects; i++) {
        guint64 offset = offset_of(offsets, pack->objects, (guint32)((size - needed) / 8), i);

        if (offset < PACK_HEAD || offset + GIT_OID_RAWSZ >= pack_size)
            return chama_error(error, CHAMA_ERROR_DAMAGED,
                               "%s.idx: G1: want objects inside the pack, have one at %" G_GUINT64_FORMAT "; make it anew with `git index-pack`, or restore a backup",
                               pack->base, offset);
    }
    return TRUE;
}

/* A pack that went away since it was listed was merged into another. */
static gboolean
check_pack(const PackFile *pack, GError **error)
{
    g_autofree char *index_path = g_strconcat(pack->base, ".idx", NULL), *pack_path = g_strconcat(pack->base, ".pack", NULL);
    g_autoptr(GMappedFile) index = g_mapped_file_new(index_path, FALSE, NULL);
    struct stat about;

    if (!index || stat(pack_path, &about) != 0)
        return TRUE;
    return check_offsets(pack, (const guint8 *)g_mapped_file_get_contents(index), g_mapped_file_get_length(index), (guint64)about.st_size, error);
}

gboolean
packs_check(const char *git, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(GPtrArray) packs = packs_list(git, &failed);

    for (guint i = 0; packs && i < packs->len; i++) {
        if (!check_pack(g_ptr_array_index(packs, i), error))
            return FALSE;
    }
    /* No folder of packs: libgit2 says what else is wrong. */
    if (packs || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static gboolean
has_index(const PackFile *pack)
{
    g_autofree char *path = g_strconcat(pack->base, ".idx", NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static int
compare_packs(gconstpointer a, gconstpointer b)
{
    const PackFile *left = *(PackFile *const *)a, *right = *(PackFile *const *)b;

    return (left->objects > right->objects) - (left->objects < right->objects);
}

static GDir *
open_folder(const char *path, GError **error)
{
    g_autoptr(GError) problem = NULL;
    GDir *dir = g_dir_open(path, 0, &problem);

    if (!dir)
        chama_error(error, CHAMA_ERROR_DAMAGED, "%s: G1: %s", path, problem->message);
    return dir;
}

GPtrArray *
packs_list(const char *git, GError **error)
{
    g_autoptr(GPtrArray) packs = g_ptr_array_new_with_free_func(free_pack);
    g_autofree char *folder = g_build_filename(git, "objects", "pack", NULL);
    g_autoptr(GDir) dir = open_folder(folder, error);
    const char *name;

    if (!dir)
        return NULL;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = NULL;
        g_autoptr(GError) failed = NULL;
        PackFile *pack;

        if (!g_str_has_prefix(name, "pack-") || !g_str_has_suffix(name, ".pack"))
            continue;
        path = g_build_filename(folder, name, NULL);
        pack = g_new0(PackFile, 1);
        pack->base = g_strndup(path, strlen(path) - strlen(".pack"));
        g_ptr_array_add(packs, pack);
        if (has_index(pack) && read_head(pack, &failed))
            continue;
        /* Without an index it is none; so is one that another process has just merged into a larger one. */
        if (failed && !g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return NULL;
        }
        g_ptr_array_set_size(packs, (gint)packs->len - 1);
    }
    g_ptr_array_sort(packs, compare_packs);
    return g_steal_pointer(&packs);
}

static void
list_loose_folder(const char *objects, const char *prefix, GArray *ids)
{
    g_autofree char *path = g_build_filename(objects, prefix, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *hex = g_strconcat(prefix, name, NULL);
        git_oid id;

        if (strlen(hex) == GIT_OID_HEXSZ && oid_parse(hex, &id))
            g_array_append_val(ids, id);
    }
}

GArray *
packs_loose(const char *git, GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(git_oid));
    g_autofree char *objects = g_build_filename(git, "objects", NULL);
    g_autoptr(GDir) dir = open_folder(objects, error);
    const char *name;

    if (!dir)
        return NULL;
    while ((name = g_dir_read_name(dir)))
        if (strlen(name) == 2)
            list_loose_folder(objects, name, ids);
    return g_steal_pointer(&ids);
}

char *
packs_loose_path(const char *git, const git_oid *id)
{
    char hex[GIT_OID_HEXSZ + 1];

    oid_format(id, hex);
    return g_strdup_printf("%s/objects/%.2s/%s", git, hex, hex + 2);
}
