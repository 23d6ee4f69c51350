#include "sync/audit/clones.h"

#include <string.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/ledger/note.h"

struct Clones {
    char *work;
    GPtrArray *ledgers;
    GHashTable *checkpoints;   /* node id to GPtrArray of char* */
    Catalogue *catalogue;
};

/* Log folder @index of the temporary one. */
static char *
log_folder(const Clones *clones, guint index)
{
    g_autofree char *name = g_strdup_printf("log-%u", index);

    return g_build_filename(clones->work, name, NULL);
}

void
clones_close(Clones *clones)
{
    if (!clones)
        return;
    g_clear_pointer(&clones->catalogue, catalogue_close);
    if (clones->work)
        durable_remove_tree(clones->work);
    g_ptr_array_unref(clones->ledgers);
    g_hash_table_unref(clones->checkpoints);
    g_free(clones->work);
    g_free(clones);
}

/* With a working tree the repository is in .git. */
static char *
repository_of(const char *path, GError **error)
{
    g_autofree char *inner = g_build_filename(path, ".git", NULL), *objects = g_build_filename(path, "objects", NULL);

    if (g_file_test(inner, G_FILE_TEST_IS_DIR))
        return g_steal_pointer(&inner);
    if (g_file_test(objects, G_FILE_TEST_IS_DIR))
        return g_strdup(path);
    return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: want a clone of a ledger, have no git repository there", path);
}

static gboolean
add_clone(Clones *clones, const char *path, GError **error)
{
    g_autofree char *git = repository_of(path, error), *log = log_folder(clones, clones->ledgers->len);
    g_autoptr(Ledger) ledger = git ? ledger_open(git, log, error) : NULL;
    g_autoptr(GError) unprojected = NULL;

    if (!ledger)
        return FALSE;
    if (!ledger_node(ledger))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: G3: want a ledger, have no record on refs/heads/main", path);
    if (clones_ledger(clones, ledger_node(ledger)))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: want one clone of each node's ledger, have a second", path);
    catalogue_project(clones->catalogue, ledger, &unprojected);
    g_ptr_array_add(clones->ledgers, g_steal_pointer(&ledger));
    return TRUE;
}

Clones *
clones_open(const char *const *paths, GError **error)
{
    g_autoptr(Clones) clones = g_new0(Clones, 1);
    g_autofree char *database = NULL;

    clones->checkpoints = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    clones->ledgers = g_ptr_array_new_with_free_func((GDestroyNotify)ledger_close);
    clones->work = g_dir_make_tmp("chama-audit-XXXXXX", error);
    if (!clones->work)
        return NULL;
    database = g_build_filename(clones->work, "catalogue.sqlite", NULL);
    clones->catalogue = catalogue_open(database, error);
    for (; clones->catalogue && *paths; paths++)
        if (!add_clone(clones, *paths, error))
            return NULL;
    return clones->catalogue ? g_steal_pointer(&clones) : NULL;
}

/* "chama/ID", after a recovery "chama/ID/2" (T8). */
static Ledger *
ledger_of_origin(const Clones *clones, const char *origin)
{
    g_auto(GStrv) parts = g_strsplit(origin, "/", 3);

    return parts[0] && parts[1] && strcmp(parts[0], "chama") == 0 ? clones_ledger(clones, parts[1]) : NULL;
}

gboolean
clones_add_checkpoint(Clones *clones, const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = durable_read(path, NOTE_SIZE_MAX, error);
    gsize size = bytes ? g_bytes_get_size(bytes) : 0;
    g_autofree char *note = bytes ? g_strndup(g_bytes_get_data(bytes, NULL), size) : NULL;
    g_autoptr(Checkpoint) claims = note ? checkpoint_claims(note, strlen(note), error) : NULL;
    Ledger *ledger = claims ? ledger_of_origin(clones, claims->origin) : NULL;
    GPtrArray *notes;

    if (!claims) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    if (!ledger)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: want a checkpoint of a clone that is given, have one of another ledger", path);
    notes = g_hash_table_lookup(clones->checkpoints, ledger_node(ledger));
    if (!notes)
        g_hash_table_insert(clones->checkpoints, g_strdup(ledger_node(ledger)), notes = g_ptr_array_new_with_free_func(g_free));
    g_ptr_array_add(notes, g_steal_pointer(&note));
    return TRUE;
}

const GPtrArray *
clones_checkpoints(Clones *clones, const char *node)
{
    if (!g_hash_table_contains(clones->checkpoints, node))
        g_hash_table_insert(clones->checkpoints, g_strdup(node), g_ptr_array_new_with_free_func(g_free));
    return g_hash_table_lookup(clones->checkpoints, node);
}

Catalogue *
clones_catalogue(Clones *clones)
{
    return clones->catalogue;
}

GPtrArray *
clones_nodes(const Clones *clones)
{
    GPtrArray *nodes = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < clones->ledgers->len; i++)
        g_ptr_array_add(nodes, g_strdup(ledger_node(g_ptr_array_index(clones->ledgers, i))));
    return nodes;
}

Ledger *
clones_ledger(const Clones *clones, const char *node)
{
    for (guint i = 0; i < clones->ledgers->len; i++) {
        Ledger *ledger = g_ptr_array_index(clones->ledgers, i);

        if (strcmp(ledger_node(ledger), node) == 0)
            return ledger;
    }
    return NULL;
}
