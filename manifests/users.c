#include "manifests/users.h"

#include <string.h>

#include "manifests/version.h"

#define USERS_MAX 1000

GPtrArray *
version_inputs(Home *home, const Manifest *manifest)
{
    g_autoptr(Details) details = manifest->share == SHARE_OPEN ? NULL : version_details(home, manifest, NULL);

    return g_ptr_array_ref(details ? details->inputs : manifest->inputs);
}

static gboolean
uses(Home *home, const Manifest *manifest, const Digest *source)
{
    g_autoptr(GPtrArray) inputs = version_inputs(home, manifest);

    for (guint i = 0; i < inputs->len; i++)
        if (digest_equal(&((const Input *)g_ptr_array_index(inputs, i))->manifest, source))
            return TRUE;
    return FALSE;
}

/* Open versions say it in their manifests, of which there is an index. */
static gboolean
add_open(Catalogue *catalogue, const Digest *source, GPtrArray *users, GError **error)
{
    g_autoptr(GArray) derived = catalogue_derived(catalogue, source, USERS_MAX, error);

    for (guint i = 0; derived && i < derived->len; i++) {
        Manifest *manifest = catalogue_manifest(catalogue, &g_array_index(derived, Digest, i), error);

        if (!manifest)
            return FALSE;
        g_ptr_array_add(users, manifest);
    }
    return derived != NULL;
}

/* The others in details, which only those that are held here show. */
static gboolean
add_held(Home *home, const Digest *source, GPtrArray *users, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GArray) held = state ? state_all_held(state, error) : NULL;

    for (guint i = 0; held && i < held->len && users->len < USERS_MAX; i++) {
        g_autoptr(Manifest) manifest = catalogue_manifest(home_catalogue(home, NULL), &g_array_index(held, Held, i).manifest, NULL);

        if (manifest && manifest->share != SHARE_OPEN && uses(home, manifest, source))
            g_ptr_array_add(users, g_steal_pointer(&manifest));
    }
    return held != NULL;
}

GPtrArray *
version_users(Home *home, const Digest *source, GError **error)
{
    g_autoptr(GPtrArray) users = g_ptr_array_new_with_free_func((GDestroyNotify)manifest_free);
    Catalogue *catalogue = home_catalogue(home, error);

    if (!catalogue || !add_open(catalogue, source, users, error) || !add_held(home, source, users, error))
        return NULL;
    return g_steal_pointer(&users);
}

void
withdrawn_in_use_free(WithdrawnInUse *in_use)
{
    if (!in_use)
        return;
    manifest_free(in_use->manifest);
    withdrawal_free(in_use->withdrawal);
    g_ptr_array_unref(in_use->users);
    g_free(in_use);
}

/* The sources of all @newest, each to those that name it (borrowed): read once, whatever was withdrawn. */
static GHashTable *
index_sources(Home *home, const GPtrArray *newest)
{
    GHashTable *index = g_hash_table_new_full(digest_hash, digest_equal, g_free, (GDestroyNotify)g_ptr_array_unref);

    for (guint i = 0; i < newest->len; i++) {
        g_autoptr(GPtrArray) inputs = version_inputs(home, g_ptr_array_index(newest, i));

        for (guint n = 0; n < inputs->len; n++) {
            const Digest *source = &((const Input *)g_ptr_array_index(inputs, n))->manifest;
            GPtrArray *users = g_hash_table_lookup(index, source);

            if (!users) {
                users = g_ptr_array_new();
                g_hash_table_insert(index, g_memdup2(source, sizeof *source), users);
            }
            if (!g_ptr_array_find(users, g_ptr_array_index(newest, i), NULL))
                g_ptr_array_add(users, g_ptr_array_index(newest, i));
        }
    }
    return index;
}

static GPtrArray *
users_of(Home *home, GHashTable *sources, const Digest *source)
{
    GPtrArray *users = g_ptr_array_new_with_free_func((GDestroyNotify)manifest_free);
    const GPtrArray *found = g_hash_table_lookup(sources, source);

    for (guint i = 0; found && i < found->len; i++) {
        Manifest *copy = catalogue_manifest(home_catalogue(home, NULL), &((const Manifest *)g_ptr_array_index(found, i))->address, NULL);

        if (copy)
            g_ptr_array_add(users, copy);
    }
    return users;
}

/* NULL if it is of no consequence here. */
static WithdrawnInUse *
judge(Home *home, const Statement *statement, GHashTable *sources)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(Withdrawal) said = withdrawal_parse(statement->body, NULL), counts = NULL;
    g_autoptr(Manifest) manifest = said ? catalogue_manifest(catalogue, &said->manifest, NULL) : NULL;
    g_autoptr(GPtrArray) users = NULL;
    WithdrawnInUse *in_use;
    gboolean held;
    Held what;

    /* S16: the first one of its own node, and no other */
    if (!manifest || strcmp(manifest->node, statement->record->node) != 0 || !withdrawal_of(catalogue, manifest, &counts, NULL) || !counts ||
        !digest_equal(&counts->record, &statement->record->address))
        return NULL;
    held = strcmp(manifest->node, home_id(home)) != 0 && state_held(home_state(home, NULL), &manifest->address, &what, NULL);
    users = users_of(home, sources, &manifest->address);
    if (!held && users->len == 0)
        return NULL;
    in_use = g_new0(WithdrawnInUse, 1);
    *in_use = (WithdrawnInUse){ g_steal_pointer(&manifest), g_steal_pointer(&counts), held, g_steal_pointer(&users) };
    return in_use;
}

GPtrArray *
withdrawn_in_use(Home *home, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GPtrArray) statements = catalogue && home_state(home, error) ? catalogue_statements(catalogue, NULL, WITHDRAWAL, NULL, error) : NULL;
    g_autoptr(GPtrArray) newest = statements ? catalogue_datasets(catalogue, home_id(home), error) : NULL;
    g_autoptr(GHashTable) sources = newest && statements->len > 0 ? index_sources(home, newest) : NULL;
    GPtrArray *all = newest ? g_ptr_array_new_with_free_func((GDestroyNotify)withdrawn_in_use_free) : NULL;

    for (guint i = 0; all && i < statements->len; i++) {
        WithdrawnInUse *in_use = judge(home, g_ptr_array_index(statements, i), sources);

        if (in_use)
            g_ptr_array_add(all, in_use);
    }
    return all;
}
