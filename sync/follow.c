#include "sync/follow.h"

#include <fnmatch.h>
#include <string.h>

#include "keys/error.h"
#include "sync/table.h"

#define GLOB_MAX 256

static const char table[] = "CREATE TABLE IF NOT EXISTS follow (node TEXT NOT NULL, glob TEXT NOT NULL, PRIMARY KEY (node, glob)) WITHOUT ROWID";

static const char aside[] = "CREATE TABLE IF NOT EXISTS aside (manifest BLOB PRIMARY KEY, node TEXT NOT NULL, name TEXT NOT NULL) WITHOUT ROWID";

void
follow_free(Follow *follow)
{
    if (!follow)
        return;
    g_free(follow->glob);
    g_free(follow);
}

/* Only what can match a dataset's name: a typing error is told, not kept. */
static gboolean
check_pattern(const char *node, const char *glob, GError **error)
{
    gsize length = strlen(glob);

    if (strcmp(node, "*") != 0 && !node_id_valid(node))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want a node id or *", node);
    if (length == 0 || length > GLOB_MAX)
        return chama_error(error, CHAMA_ERROR_USAGE, "follow: want a pattern of 1 to %d bytes, have %" G_GSIZE_FORMAT, GLOB_MAX, length);
    if (strspn(glob, "abcdefghijklmnopqrstuvwxyz0123456789._-*?[]!") != length)
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want a dataset's name or a glob over such names (a-z 0-9 . _ - * ? [ ])", glob);
    return TRUE;
}

static gboolean
change(Home *home, const char *sql, const char *node, const char *glob, gboolean *changed, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, table, sql, error) : NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, node);
    table_text(query, 2, glob);
    if (!table_run(query, error))
        return FALSE;
    if (changed)
        *changed = table_changes(state) > 0;
    return TRUE;
}

static gboolean
take_up_again(Home *home, const Digest *manifest, GError **error)
{
    g_autoptr(TableQuery) query = table_query(home_state(home, NULL), aside, "DELETE FROM aside WHERE manifest = ?1", error);

    if (!query)
        return FALSE;
    table_digest(query, 1, manifest);
    return table_run(query, error);
}

/* Whoever follows a dataset again wants what was dropped of it. */
static gboolean
take_up_matching(Home *home, const char *node, const char *glob, GError **error)
{
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Digest));
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, aside, "SELECT manifest, node, name FROM aside", error) : NULL;
    GError *failed = NULL;
    Digest manifest;

    while (query && table_row(query, &failed)) {
        g_autofree char *owner = table_column_text(query, 1), *name = table_column_text(query, 2);

        if ((strcmp(node, "*") == 0 || strcmp(node, owner) == 0) && fnmatch(glob, name, 0) == 0 && table_column_digest(query, 0, &manifest))
            g_array_append_val(found, manifest);
    }
    if (failed)
        g_propagate_error(error, failed);
    if (!query || failed)
        return FALSE;
    for (guint i = 0; i < found->len; i++) {
        if (!take_up_again(home, &g_array_index(found, Digest, i), error))
            return FALSE;
    }
    return TRUE;
}

gboolean
follow_add(Home *home, const char *node, const char *glob, gboolean *changed, GError **error)
{
    return check_pattern(node, glob, error) && change(home, "INSERT OR IGNORE INTO follow (node, glob) VALUES (?1, ?2)", node, glob, changed, error) &&
           take_up_matching(home, node, glob, error);
}

gboolean
follow_set_aside(Home *home, const Manifest *manifest, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, aside, "INSERT OR IGNORE INTO aside (manifest, node, name) VALUES (?1, ?2, ?3)", error) : NULL;

    if (!query)
        return FALSE;
    table_digest(query, 1, &manifest->address);
    table_text(query, 2, manifest->node);
    table_text(query, 3, manifest->name);
    return table_run(query, error);
}

gboolean
follow_is_aside(Home *home, const Digest *manifest)
{
    State *state = home_state(home, NULL);
    g_autoptr(TableQuery) query = state ? table_query(state, aside, "SELECT 1 FROM aside WHERE manifest = ?1", NULL) : NULL;

    if (!query)
        return FALSE;
    table_digest(query, 1, manifest);
    return table_row(query, NULL);
}

gboolean
follow_remove(Home *home, const char *node, const char *glob, gboolean *changed, GError **error)
{
    return check_pattern(node, glob, error) && change(home, "DELETE FROM follow WHERE node = ?1 AND glob = ?2", node, glob, changed, error);
}

GPtrArray *
follow_all(Home *home, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)follow_free);
    State *state = home_state(home, error);
    g_autoptr(TableQuery) query = state ? table_query(state, table, "SELECT node, glob FROM follow ORDER BY node, glob", error) : NULL;
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    while (table_row(query, &local)) {
        g_autofree char *node = table_column_text(query, 0);
        Follow *follow = g_new0(Follow, 1);

        g_strlcpy(follow->node, node, sizeof follow->node);
        follow->glob = table_column_text(query, 1);
        g_ptr_array_add(all, follow);
    }
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return g_steal_pointer(&all);
}

gboolean
follow_matches(const GPtrArray *follows, const char *node, const char *name)
{
    for (guint i = 0; i < follows->len; i++) {
        const Follow *follow = follows->pdata[i];

        if ((strcmp(follow->node, "*") == 0 || strcmp(follow->node, node) == 0) && fnmatch(follow->glob, name, 0) == 0)
            return TRUE;
    }
    return FALSE;
}
