#include "manifests/ledger/objects.h"

#include <string.h>
#include <unistd.h>

#include "manifests/ledger/git.h"
#include "manifests/ledger/gitpack.h"
#include "manifests/ledger/oid.h"

/* Above libgit2's own backends (1 and 2), so that what is in memory is found first. */
#define PRIORITY 100

typedef struct {
    git_oid id;
    git_object_t type;
    const char *hint;
    gsize size;
    guint8 data[];
} Object;

struct Objects {
    GHashTable *by_id;  /* of Object, keys in the values */
    GPtrArray *in_order; /* of Object: borrowed */
    gsize size;
    GPtrArray *written; /* names of packs that hold what no ref names yet, without suffix */
};

/* A view of Objects that an object database owns. */
typedef struct {
    git_odb_backend parent;
    Objects *objects;
} Backend;

static guint
id_hash(gconstpointer id)
{
    guint hash;

    memcpy(&hash, ((const git_oid *)id)->id, sizeof hash);
    return hash;
}

static gboolean
id_equal(gconstpointer a, gconstpointer b)
{
    return oid_equal(a, b);
}

Objects *
objects_new(void)
{
    Objects *objects = g_new0(Objects, 1);

    objects->by_id = g_hash_table_new_full(id_hash, id_equal, NULL, g_free);
    objects->in_order = g_ptr_array_new();
    objects->written = g_ptr_array_new_with_free_func(g_free);
    return objects;
}

void
objects_free(Objects *objects)
{
    if (!objects)
        return;
    g_ptr_array_unref(objects->written);
    g_ptr_array_unref(objects->in_order);
    g_hash_table_unref(objects->by_id);
    g_free(objects);
}

void
objects_clear(Objects *objects)
{
    g_ptr_array_set_size(objects->in_order, 0);
    g_hash_table_remove_all(objects->by_id);
    objects->size = 0;
}

gsize
objects_size(const Objects *objects)
{
    return objects->size;
}

void
objects_add(Objects *objects, git_object_t type, const void *data, gsize size, const char *hint, git_oid *id)
{
    Object *object;

    libgit2.git_odb_hash(id, data, size, type);
    if (g_hash_table_contains(objects->by_id, id))
        return;
    object = g_malloc(sizeof *object + size);
    object->id = *id;
    object->type = type;
    object->hint = hint;
    object->size = size;
    memcpy(object->data, data, size);
    g_hash_table_insert(objects->by_id, &object->id, object);
    g_ptr_array_add(objects->in_order, object);
    objects->size += sizeof *object + size;
}

static const Object *
find(git_odb_backend *backend, const git_oid *id)
{
    return g_hash_table_lookup(((Backend *)backend)->objects->by_id, id);
}

static int
backend_read(void **data, size_t *size, git_object_t *type, git_odb_backend *backend, const git_oid *id)
{
    const Object *object = find(backend, id);

    if (!object)
        return GIT_ENOTFOUND;
    *data = libgit2.git_odb_backend_data_alloc(backend, object->size);
    if (!*data)
        return GIT_ERROR;
    memcpy(*data, object->data, object->size);
    *size = object->size;
    *type = object->type;
    return GIT_OK;
}

static int
backend_read_header(size_t *size, git_object_t *type, git_odb_backend *backend, const git_oid *id)
{
    const Object *object = find(backend, id);

    if (!object)
        return GIT_ENOTFOUND;
    *size = object->size;
    *type = object->type;
    return GIT_OK;
}

static int
backend_exists(git_odb_backend *backend, const git_oid *id)
{
    return find(backend, id) != NULL;
}

static void
backend_free(git_odb_backend *backend)
{
    g_free(backend);
}

gboolean
objects_attach(Objects *objects, git_odb *database)
{
    Backend *backend = g_new0(Backend, 1);

    libgit2.git_odb_init_backend(&backend->parent, GIT_ODB_BACKEND_VERSION);
    backend->parent.read = backend_read;
    backend->parent.read_header = backend_read_header;
    backend->parent.exists = backend_exists;
    backend->parent.free = backend_free;
    backend->objects = objects;
    if (libgit2.git_odb_add_backend(database, &backend->parent, PRIORITY) == 0)
        return TRUE;
    g_free(backend);
    return FALSE;
}

gboolean
objects_flush(Objects *objects, git_repository *repository, GError **error)
{
    g_autofree char *folder = g_build_filename(libgit2.git_repository_path(repository), "objects", "pack", NULL);
    g_autoptr(GitPack) pack = NULL;
    char *name;

    if (objects->in_order->len == 0)
        return TRUE;
    pack = gitpack_new();
    for (guint i = 0; i < objects->in_order->len; i++) {
        const Object *object = g_ptr_array_index(objects->in_order, i);

        gitpack_add(pack, &object->id, object->type, object->data, object->size, object->hint);
    }
    name = gitpack_write(pack, folder, error);
    if (!name)
        return FALSE;
    g_ptr_array_add(objects->written, name);
    objects_clear(objects);
    return TRUE;
}

void
objects_keep(Objects *objects)
{
    g_ptr_array_set_size(objects->written, 0);
}

/* Index first: a pack without one is not there. */
gboolean
objects_drop(Objects *objects, const char *git)
{
    static const char *const suffixes[] = { ".idx", ".pack" };
    gboolean any = objects->written->len > 0;

    for (guint i = 0; i < objects->written->len; i++) {
        for (guint j = 0; j < G_N_ELEMENTS(suffixes); j++) {
            g_autofree char *path = g_strdup_printf("%s/objects/pack/pack-%s%s", git, (const char *)objects->written->pdata[i], suffixes[j]);

            unlink(path);
        }
    }
    objects_keep(objects);
    objects_clear(objects);
    return any;
}
