#include "manifests/erasing.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/version.h"

/* A version whose content is to go, or (done) has gone from here. */
#define CREATE "CREATE TABLE IF NOT EXISTS erasing (manifest BLOB PRIMARY KEY, done INTEGER NOT NULL) WITHOUT ROWID"

/* ---- notes ---- */

static sqlite3_stmt *
prepare(State *state, const char *sql, const Digest *manifest, GError **error)
{
    sqlite3_stmt *query = NULL;

    if (!state || !state_make_table(state, CREATE, error))
        return NULL;
    if (sqlite3_prepare_v2(state_database(state), sql, -1, &query, NULL) != SQLITE_OK) {
        state_error(state, error);
        return NULL;
    }
    if (manifest)
        sqlite3_bind_blob(query, 1, manifest->bytes, DIGEST_SIZE, SQLITE_STATIC);
    return query;
}

static gboolean
run(State *state, const char *sql, const Digest *manifest, GError **error)
{
    sqlite3_stmt *query = prepare(state, sql, manifest, error);
    gboolean done = query && sqlite3_step(query) == SQLITE_DONE;

    if (query && !done)
        state_error(state, error);
    sqlite3_finalize(query);
    return done;
}

static gboolean
note(State *state, const Digest *manifest, GError **error)
{
    return run(state, "INSERT INTO erasing (manifest, done) VALUES (?1, 0) ON CONFLICT (manifest) DO UPDATE SET done = 0", manifest, error);
}

/* Those that are not done; of Digest. */
static GArray *
all_pending(State *state, GError **error)
{
    sqlite3_stmt *query = prepare(state, "SELECT manifest FROM erasing WHERE done = 0", NULL, error);
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Digest));
    int step = SQLITE_DONE;

    while (query && (step = sqlite3_step(query)) == SQLITE_ROW) {
        Digest manifest = { 0 };

        if (sqlite3_column_bytes(query, 0) == DIGEST_SIZE)
            memcpy(manifest.bytes, sqlite3_column_blob(query, 0), DIGEST_SIZE);
        g_array_append_val(all, manifest);
    }
    if (query && step != SQLITE_DONE)
        state_error(state, error);
    sqlite3_finalize(query);
    return query && step == SQLITE_DONE ? g_steal_pointer(&all) : NULL;
}

/* -1: never noted; else whether it is done.  What cannot be read was never noted: to do it again does no harm. */
static int
look_up(State *state, const Digest *manifest)
{
    sqlite3_stmt *query = prepare(state, "SELECT done FROM erasing WHERE manifest = ?1", manifest, NULL);
    int done = query && sqlite3_step(query) == SQLITE_ROW ? sqlite3_column_int(query, 0) != 0 : -1;

    sqlite3_finalize(query);
    return done;
}

gboolean
erasing_pending(Home *home, guint *count, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GArray) all = state ? all_pending(state, error) : NULL;

    if (all)
        *count = all->len;
    return all != NULL;
}

/* ---- tombstones ---- */

static gboolean
note_before(gpointer data, const Record *record, GError **error)
{
    Home *home = data;
    g_autoptr(Erasure) erasure = erasure_parse(record->bytes, error);
    State *state = erasure ? home_state(home, error) : NULL;

    return state && note(state, &erasure->manifest, error);
}

static Record *
state_tombstone(Home *home, const Digest *manifest, const char *reason, const Digest *of, GError **error)
{
    g_autoptr(GBytes) members = erasure_format(manifest, reason, of, error);

    return members ? home_state_record(home, ERASURE, members, note_before, home, error) : NULL;
}

Record *
erasing_state(Home *home, const Manifest *manifest, const char *reason, GError **error)
{
    return state_tombstone(home, &manifest->address, reason, NULL, error);
}

/* ---- following ---- */

/* Anything of @manifest may lie in the store: it is held, or was and the store has not been rid of it. */
static gboolean
may_be_here(Home *home, const Manifest *manifest, gboolean *held, GError **error)
{
    State *state = home_state(home, error);
    Store *store = state ? home_store(home, error) : NULL;
    g_autoptr(GPtrArray) versions = NULL;
    Scope scope;
    Held what;

    if (!store || !node_id_parse(manifest->node, &scope, error))
        return FALSE;
    *held = state_held(state, &manifest->address, &what, NULL);
    if (*held || store_has(store, manifest->share == SHARE_OPEN ? &manifest->listing : &manifest->content, &scope))
        return TRUE;
    /* What other versions are stored against may be its. */
    versions = catalogue_history(home_catalogue(home, NULL), manifest->node, manifest->name, NULL);
    for (guint i = 0; versions && i < versions->len; i++)
        if (state_held(state, &((const Manifest *)g_ptr_array_index(versions, i))->address, &what, NULL))
            return TRUE;
    return FALSE;
}

/* One tombstone of an owner: S19. */
static gboolean
follow(Home *home, const Statement *statement, ErasingTold told, gpointer data, GError **error)
{
    g_autoptr(Erasure) erasure = erasure_parse(statement->body, NULL);
    g_autoptr(Manifest) manifest = erasure ? catalogue_manifest(home_catalogue(home, NULL), &erasure->manifest, NULL) : NULL;
    State *state = home_state(home, error);
    g_autoptr(GError) failed = NULL;
    g_autoptr(Record) record = NULL;
    gboolean held = FALSE, stated = FALSE;

    if (!state || !manifest || strcmp(manifest->node, statement->record->node) != 0 || look_up(state, &manifest->address) >= 0)
        return state != NULL;
    if (!may_be_here(home, manifest, &held, &failed)) {
        if (!failed)
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    if (!erasure_stated(home_catalogue(home, NULL), home_id(home), &manifest->address, &stated, error))
        return FALSE;
    if (!held || stated)
        return note(state, &manifest->address, error);
    record = state_tombstone(home, &manifest->address, NULL, &statement->record->address, error);
    if (record && told)
        told(data, manifest);
    return record != NULL;
}

gboolean
erasing_follow(Home *home, ErasingTold told, gpointer data, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GPtrArray) statements = catalogue ? catalogue_statements(catalogue, NULL, ERASURE, NULL, error) : NULL;

    for (guint i = 0; statements && i < statements->len; i++) {
        const Statement *statement = g_ptr_array_index(statements, i);

        if (strcmp(statement->record->node, home_id(home)) != 0 && !follow(home, statement, told, data, error))
            return FALSE;
    }
    return statements != NULL;
}

/* ---- doing it ---- */

/* A note of which no tombstone came (a crash in between) is none: nobody said that it should go. */
static gboolean
was_stated(Home *home, const Digest *digest, gboolean *yes, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Manifest) manifest = catalogue ? catalogue_manifest(catalogue, digest, NULL) : NULL;
    g_autoptr(Erasure) erasure = NULL;

    if (!catalogue)
        return FALSE;
    if (!manifest)
        return erasure_stated(catalogue, home_id(home), digest, yes, error);
    if (!erasure_of(catalogue, manifest, home_id(home), &erasure, error))
        return FALSE;
    *yes = erasure != NULL;
    return TRUE;
}

gboolean
erasing_is_pending(Home *home, const Digest *manifest)
{
    State *state = home_state(home, NULL);
    gboolean stated = FALSE;

    return state && look_up(state, manifest) == 0 && was_stated(home, manifest, &stated, NULL) && stated;
}

/* Digests of manifests to themselves: all that is to go. */
static GHashTable *
what_goes(Home *home, State *state, GError **error)
{
    g_autoptr(GHashTable) gone = g_hash_table_new_full(digest_hash, digest_equal, g_free, NULL);
    g_autoptr(GArray) pending = all_pending(state, error);

    for (guint i = 0; pending && i < pending->len; i++) {
        const Digest *manifest = &g_array_index(pending, Digest, i);
        gboolean yes = FALSE;

        if (!was_stated(home, manifest, &yes, error))
            return NULL;
        if (yes)
            g_hash_table_add(gone, g_memdup2(manifest, sizeof *manifest));
        else if (!run(state, "DELETE FROM erasing WHERE manifest = ?1", manifest, error))
            return NULL;
    }
    return pending ? g_steal_pointer(&gone) : NULL;
}

static gboolean
close_notes(State *state, GHashTable *gone, GError **error)
{
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, gone);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        if (!state_drop(state, key, error) || !run(state, "UPDATE erasing SET done = 1 WHERE manifest = ?1", key, error))
            return FALSE;
    return TRUE;
}

gboolean
erasing_finish(Home *home, gboolean *busy, void (*waiting)(void), GcTotals *totals, GError **error)
{
    State *state = home_refresh(home, error) ? home_state(home, error) : NULL;
    g_autoptr(GHashTable) gone = state ? what_goes(home, state, error) : NULL;

    memset(totals, 0, sizeof *totals);
    if (busy)
        *busy = FALSE;
    if (!gone || g_hash_table_size(gone) == 0)
        return gone != NULL;
    if (!version_purge(home, gone, busy, waiting, totals, error))
        return FALSE;
    if (busy && *busy)
        return TRUE;
    if (totals->packs_left > 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "erasing: %" G_GUINT64_FORMAT " damaged packs could not be rid of what is erased; `chama fsck --rebuild-index`, "
                           "`chama sync`, then `chama gc`", totals->packs_left);
    return close_notes(state, gone, error);
}

/* ---- fsck ---- */

static gboolean
some_version_has(const GArray *held, const Digest *listing)
{
    for (guint i = 0; i < held->len; i++)
        if (digest_equal(&g_array_index(held, Held, i).listing, listing))
            return TRUE;
    return FALSE;
}

/* Of an open version the root of its listing is known, of another one its content document, which no other version has. */
static gboolean
is_still_here(Home *home, const Manifest *manifest, const GArray *held)
{
    gboolean open = manifest->share == SHARE_OPEN;

    return store_has(home_store(home, NULL), open ? &manifest->listing : &manifest->content, NULL) && !(open && some_version_has(held, &manifest->listing));
}

static gboolean
is_own_and_done(Home *home, const Manifest *manifest)
{
    g_autoptr(Erasure) erasure = NULL;

    return erasure_of(home_catalogue(home, NULL), manifest, home_id(home), &erasure, NULL) && erasure && !erasing_is_pending(home, &manifest->address) &&
           look_up(home_state(home, NULL), &manifest->address) > 0;
}

gboolean
erasing_check(Home *home, void (*report)(gpointer data, const char *message), gpointer data, GError **error)
{
    Catalogue *catalogue = home_store(home, error) ? home_catalogue(home, error) : NULL;
    State *state = catalogue ? home_state(home, error) : NULL;
    g_autoptr(GArray) held = state ? state_all_held(state, error) : NULL;
    g_autoptr(GPtrArray) all = held ? catalogue_statements(catalogue, NULL, ERASURE, NULL, error) : NULL;

    for (guint i = 0; all && i < all->len; i++) {
        g_autoptr(Erasure) erasure = erasure_parse(((const Statement *)g_ptr_array_index(all, i))->body, NULL);
        g_autoptr(Manifest) manifest = erasure ? catalogue_manifest(catalogue, &erasure->manifest, NULL) : NULL;
        g_autofree char *message = NULL;

        if (!manifest || !is_own_and_done(home, manifest) || !is_still_here(home, manifest, held))
            continue;
        message = g_strdup_printf("%.8s/%s@%" G_GUINT64_FORMAT ": S19: want nothing of what was erased, have its %s still in the store; `chama gc`", manifest->node,
                                  manifest->name, manifest->version, manifest->share == SHARE_OPEN ? "listing" : "content document");
        report(data, message);
    }
    return all != NULL;
}
