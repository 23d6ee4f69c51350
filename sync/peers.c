/* The table of peers: part 5 of sync/PROTOCOL.md, rules NM3 and PE1 to PE5. */
#include <string.h>

#include "keys/error.h"
#include "sync/names.h"
#include "sync/peer.h"
#include "sync/push_contacts.h"
#include "sync/table.h"

#define PENDING_PER_MINUTE 30
#define LAST_ERROR_MAX 512
#define ALIAS_NUMBER_MAX 10000

static const char table[] = "CREATE TABLE IF NOT EXISTS peers (node TEXT PRIMARY KEY, alias TEXT UNIQUE, status INTEGER NOT NULL, urls TEXT NOT NULL,"
                            " name TEXT, added INTEGER NOT NULL, last_contact INTEGER NOT NULL DEFAULT 0, last_error TEXT,"
                            " openings INTEGER NOT NULL DEFAULT 0, size_seen INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
                            "CREATE TABLE IF NOT EXISTS peer_pins (pin TEXT NOT NULL, node TEXT NOT NULL, PRIMARY KEY (pin, node)) WITHOUT ROWID;"
                            "CREATE TABLE IF NOT EXISTS peer_given (node TEXT PRIMARY KEY, url TEXT NOT NULL) WITHOUT ROWID;";

#define COLUMNS "node, alias, status, urls, name, added, last_contact, last_error, openings, size_seen"

static TableQuery *
query_new(Home *home, const char *sql, GError **error)
{
    State *state = home_state(home, error);

    return state ? table_query(state, table, sql, error) : NULL;
}

/* Runs @sql with @node as its first value and, unless NULL, @text as its second. */
static gboolean
run(Home *home, const char *sql, const char *node, const char *text, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, sql, error);

    if (!query)
        return FALSE;
    table_text(query, 1, node);
    if (text)
        table_text(query, 2, text);
    return table_run(query, error);
}

/* Several changes as one: begin, then commit or roll back by whether the work went well. */
static gboolean
begin(Home *home, GError **error)
{
    State *state = home_state(home, error);

    if (!state)
        return FALSE;
    return sqlite3_exec(state_database(state), "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK || state_error(state, error);
}

static gboolean
finish(Home *home, gboolean good, GError **error)
{
    State *state = home_state(home, error);

    if (!state)
        return FALSE;
    if (good && sqlite3_exec(state_database(state), "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return TRUE;
    if (good)
        state_error(state, error);
    sqlite3_exec(state_database(state), "ROLLBACK", NULL, NULL, NULL);
    return FALSE;
}

static gboolean
failed(GError **error, GError **local)
{
    if (!*local)
        return FALSE;
    g_propagate_error(error, g_steal_pointer(local));
    return TRUE;
}

static gboolean
read_pins(Home *home, Peer *peer, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "SELECT pin FROM peer_pins WHERE node = ?1 ORDER BY pin", error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, peer->node);
    while (table_row(query, &local)) {
        g_autofree char *hex = table_column_text(query, 0);
        Digest pin;

        if (!digest_parse_hex(hex, &pin, error))
            return FALSE;
        g_array_append_val(peer->pins, pin);
    }
    return !failed(error, &local);
}

static Peer *
read_row(TableQuery *query)
{
    Peer *peer = peer_new();
    g_autofree char *node = table_column_text(query, 0);
    g_autofree char *text = table_column_text(query, 3);
    g_auto(GStrv) urls = g_strsplit(text, "\n", PEER_URLS_MAX + 1);

    g_strlcpy(peer->node, node, sizeof peer->node);
    peer->alias = table_column_text(query, 1);
    peer->status = table_column_integer(query, 2) == PEER_ACCEPTED ? PEER_ACCEPTED : PEER_PENDING;
    for (guint i = 0; urls[i]; i++)
        peer_add_url(peer->urls, urls[i]);
    peer->name = table_column_text(query, 4);
    peer->added = table_column_integer(query, 5);
    peer->last_contact = table_column_integer(query, 6);
    peer->last_error = table_column_text(query, 7);
    peer->openings = (guint64)table_column_integer(query, 8);
    peer->size_seen = (guint64)table_column_integer(query, 9);
    return peer;
}

GPtrArray *
peers_all(Home *home, PeerStatus status, GError **error)
{
    g_autoptr(GPtrArray) peers = g_ptr_array_new_with_free_func((GDestroyNotify)peer_free);
    g_autoptr(TableQuery) query = query_new(home, "SELECT " COLUMNS " FROM peers WHERE status = ?1 ORDER BY alias, node", error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    table_integer(query, 1, status);
    while (table_row(query, &local))
        g_ptr_array_add(peers, read_row(query));
    if (failed(error, &local))
        return NULL;
    for (guint i = 0; i < peers->len; i++)
        if (!read_pins(home, peers->pdata[i], error))
            return NULL;
    return g_steal_pointer(&peers);
}

/* The peer of @sql's row, or NULL; without an error if there is no row. */
static Peer *
get_one(Home *home, const char *sql, const char *first, gint64 second, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, sql, error);
    g_autoptr(Peer) peer = NULL;
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    table_text(query, 1, first);
    if (second >= 0)
        table_integer(query, 2, second);
    if (table_row(query, &local))
        peer = read_row(query);
    if (failed(error, &local) || (peer && !read_pins(home, peer, error)))
        return NULL;
    return g_steal_pointer(&peer);
}

static Peer *
find(Home *home, const char *node, GError **error)
{
    return get_one(home, "SELECT " COLUMNS " FROM peers WHERE node = ?1", node, -1, error);
}

Peer *
peers_get(Home *home, const char *node, GError **error)
{
    g_autoptr(GError) local = NULL;
    Peer *peer = find(home, node, &local);

    if (!peer && !failed(error, &local))
        chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: no such peer", node);
    return peer;
}

Peer *
peers_by_pin(Home *home, const Digest *pin, PeerStatus status)
{
    char hex[DIGEST_HEX_SIZE];

    return get_one(home, "SELECT " COLUMNS " FROM peers WHERE status = ?2 AND node IN (SELECT node FROM peer_pins WHERE pin = ?1) ORDER BY added LIMIT 1",
                   digest_format_hex(pin, hex), status, NULL);
}

/* PE2: who is shown as the holder of a key is one node only; a name for it, or NULL. */
static char *
other_holder(Home *home, const char *node, const Digest *pin)
{
    g_autoptr(Peer) holder = peers_by_pin(home, pin, PEER_ACCEPTED);

    return holder && strcmp(holder->node, node) != 0 ? g_strdup(holder->alias) : NULL;
}

static gboolean
write_pins(Home *home, const char *node, const GArray *pins, GError **error)
{
    for (guint i = 0; i < pins->len && i < PEER_PINS_MAX; i++) {
        char hex[DIGEST_HEX_SIZE];

        digest_format_hex(&g_array_index(pins, Digest, i), hex);
        if (!run(home, "INSERT OR IGNORE INTO peer_pins (node, pin) VALUES (?1, ?2)", node, hex, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
alias_is_free(Home *home, const char *alias, const char *node, gboolean *is_free, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(Peer) holder = get_one(home, "SELECT " COLUMNS " FROM peers WHERE alias = ?1", alias, -1, &local);

    if (failed(error, &local))
        return FALSE;
    *is_free = !holder || strcmp(holder->node, node) == 0;
    return TRUE;
}

/* NM3: the wanted alias, or that with the first number from 2 that is free. */
static char *
choose_alias(Home *home, const char *wanted, const char *node, GError **error)
{
    for (guint number = 1; number < ALIAS_NUMBER_MAX; number++) {
        g_autofree char *alias = number == 1 ? g_strdup(wanted) : g_strdup_printf("%.*s-%u", ALIAS_MAX - 6, wanted, number);
        gboolean is_free;

        if (!alias_is_free(home, alias, node, &is_free, error))
            return NULL;
        if (is_free)
            return g_steal_pointer(&alias);
    }
    return chama_error_null(error, CHAMA_ERROR_EXISTS, "%s: NM3: want an alias with a number below %d that is free", wanted, ALIAS_NUMBER_MAX);
}

static char *
alias_for(Home *home, const Peer *peer, const Peer *known, GError **error)
{
    g_autofree char *slug = NULL;

    if (peer->alias)
        return choose_alias(home, peer->alias, peer->node, error);
    if (known && known->alias)
        return g_strdup(known->alias);
    slug = name_slug(peer->name ? peer->name : known ? known->name : NULL);
    return choose_alias(home, slug, peer->node, error);
}

static gboolean
upsert_accepted(Home *home, const Peer *peer, const Peer *known, const char *alias, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home,
                                            "INSERT INTO peers (node, alias, status, urls, name, added) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                                            " ON CONFLICT (node) DO UPDATE SET alias = ?2, status = ?3, urls = ?4, name = coalesce(?5, name)",
                                            error);
    g_autofree char *urls = peer_join_urls(peer->urls, known ? known->urls : NULL);

    if (!query)
        return FALSE;
    table_text(query, 1, peer->node);
    table_text(query, 2, alias);
    table_integer(query, 3, PEER_ACCEPTED);
    table_text(query, 4, urls);
    table_text(query, 5, peer->name);
    table_integer(query, 6, g_get_real_time() / G_USEC_PER_SEC);
    return table_run(query, error);
}

static gboolean
accept_rows(Home *home, Peer *peer, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(Peer) known = find(home, peer->node, &local);
    g_autofree char *alias = NULL;

    if (failed(error, &local))
        return FALSE;
    for (guint i = 0; i < peer->pins->len; i++) {
        g_autofree char *holder = other_holder(home, peer->node, &g_array_index(peer->pins, Digest, i));

        if (holder)
            return chama_error(error, CHAMA_ERROR_EXISTS, "%s: PE2: want a TLS key of its own, have that of %s", peer->node, holder);
    }
    alias = alias_for(home, peer, known, error);
    if (!alias || !upsert_accepted(home, peer, known, alias, error))
        return FALSE;
    /* a pending row's keys are those that a stranger showed: the person accepted the keys that @peer names */
    if (known && known->status == PEER_PENDING && peer->pins->len > 0 && !run(home, "DELETE FROM peer_pins WHERE node = ?1", peer->node, NULL, error))
        return FALSE;
    if (!write_pins(home, peer->node, peer->pins, error))
        return FALSE;
    g_free(peer->alias);
    peer->alias = g_steal_pointer(&alias);
    peer->status = PEER_ACCEPTED;
    return TRUE;
}

gboolean
peers_accept(Home *home, Peer *peer, GError **error)
{
    if (!peer_check(peer, error))
        return FALSE;
    if (strcmp(peer->node, home_id(home)) == 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: PE1: that is this node itself", peer->node);
    return contacts_forget(home, peer->node, error) && push_contacts_forget(home, peer->node, error) && begin(home, error) && finish(home, accept_rows(home, peer, error), error);
}

gboolean
peers_rename(Home *home, const char *node, const char *alias, GError **error)
{
    g_autoptr(Peer) peer = peers_get(home, node, error);
    gboolean is_free;

    if (!peer || !alias_check(alias, error) || !alias_is_free(home, alias, node, &is_free, error))
        return FALSE;
    if (peer->status != PEER_ACCEPTED)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: want an accepted peer, have one that is pending", node);
    if (!is_free)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: NM3: want an alias that no other peer has", alias);
    return run(home, "UPDATE peers SET alias = ?2 WHERE node = ?1", node, alias, error);
}

/* PE4: ids are free to make, and each row costs an fsync. */
static gboolean
pending_too_fast(Home *home, gint64 now, gboolean *too_fast, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "SELECT count(*) FROM peers WHERE status = ?1 AND added > ?2", error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return FALSE;
    table_integer(query, 1, PEER_PENDING);
    table_integer(query, 2, now - 60);
    *too_fast = table_row(query, &local) && table_column_integer(query, 0) >= PENDING_PER_MINUTE;
    return !failed(error, &local);
}

static gboolean
insert_pending(Home *home, const Peer *peer, gint64 now, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "INSERT OR REPLACE INTO peers (node, status, urls, name, added) VALUES (?1, ?2, ?3, ?4, ?5)", error);
    g_autofree char *urls = peer_join_urls(peer->urls, NULL);

    if (!query)
        return FALSE;
    table_text(query, 1, peer->node);
    table_integer(query, 2, PEER_PENDING);
    table_text(query, 3, urls);
    table_text(query, 4, peer->name);
    table_integer(query, 5, now);
    return table_run(query, error);
}

/* PE4: the oldest give way. */
static gboolean
trim_pending(Home *home, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "DELETE FROM peers WHERE status = ?1 AND node NOT IN"
                                                  " (SELECT node FROM peers WHERE status = ?1 ORDER BY added DESC, node LIMIT ?2)", error);

    if (!query)
        return FALSE;
    table_integer(query, 1, PEER_PENDING);
    table_integer(query, 2, PENDING_MAX);
    if (!table_run(query, error))
        return FALSE;
    return run(home, "DELETE FROM peer_pins WHERE node <> ?1 AND node NOT IN (SELECT node FROM peers)", "", NULL, error);
}

static gboolean
note_pending_rows(Home *home, const Peer *peer, GError **error)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(GError) local = NULL;
    g_autoptr(Peer) known = find(home, peer->node, &local);
    gboolean too_fast;

    if (failed(error, &local))
        return FALSE;
    if (known && (known->status == PEER_ACCEPTED || peer_same_introduction(known, peer)))
        return TRUE;
    if (!pending_too_fast(home, now, &too_fast, error))
        return FALSE;
    if (too_fast)
        return TRUE;
    return run(home, "DELETE FROM peer_pins WHERE node = ?1", peer->node, NULL, error) && insert_pending(home, peer, now, error) &&
           write_pins(home, peer->node, peer->pins, error) && trim_pending(home, error);
}

gboolean
peers_note_pending(Home *home, const Peer *peer, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(Peer) known = NULL;

    if (!peer_check(peer, error))
        return FALSE;
    /* most callers have called before: nothing is locked for them */
    known = find(home, peer->node, &local);
    if (failed(error, &local))
        return FALSE;
    if ((known && (known->status == PEER_ACCEPTED || peer_same_introduction(known, peer))) || strcmp(peer->node, home_id(home)) == 0)
        return TRUE;
    return begin(home, error) && finish(home, note_pending_rows(home, peer, error), error);
}

static gboolean
remove_rows(Home *home, const char *node, GError **error)
{
    return run(home, "DELETE FROM peers WHERE node = ?1", node, NULL, error) && run(home, "DELETE FROM peer_pins WHERE node = ?1", node, NULL, error) &&
           run(home, "DELETE FROM peer_given WHERE node = ?1", node, NULL, error);
}

gboolean
peers_remove(Home *home, const char *node, GError **error)
{
    g_autoptr(Peer) peer = peers_get(home, node, error);

    return peer && contacts_forget(home, node, error) && push_contacts_forget(home, node, error) && begin(home, error) && finish(home, remove_rows(home, node, error), error);
}

gboolean
peers_note_contact(Home *home, const char *node, const char *error_text, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home,
                                            "UPDATE peers SET last_contact = CASE WHEN ?2 IS NULL THEN ?3 ELSE last_contact END, last_error = ?2"
                                            " WHERE node = ?1",
                                            error);
    g_autofree char *text = error_text ? name_printable(error_text, strlen(error_text), LAST_ERROR_MAX) : NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, node);
    table_text(query, 2, text);
    table_integer(query, 3, g_get_real_time() / G_USEC_PER_SEC);
    return table_run(query, error);
}

static gboolean
note_number(Home *home, const char *sql, const char *node, guint64 number, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, sql, error);

    if (!query)
        return FALSE;
    table_text(query, 1, node);
    table_integer(query, 2, (gint64)MIN(number, (guint64)G_MAXINT64));
    return table_run(query, error);
}

gboolean
peers_note_openings(Home *home, const char *node, guint64 next, GError **error)
{
    return note_number(home, "UPDATE peers SET openings = ?2 WHERE node = ?1", node, next, error);
}

gboolean
peers_note_size(Home *home, const char *node, guint64 size, GError **error)
{
    return note_number(home, "UPDATE peers SET size_seen = max(size_seen, ?2) WHERE node = ?1", node, size, error);
}

gboolean
peers_keep_first(Home *home, const char *node, const char *url, GError **error)
{
    return run(home, "INSERT INTO peer_given (node, url) VALUES (?1, ?2) ON CONFLICT (node) DO UPDATE SET url = ?2", node, url, error);
}

/* PE5: the address that a person gave, as long as it is known. */
static gboolean
add_given(Home *home, const Peer *known, GPtrArray *urls, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "SELECT url FROM peer_given WHERE node = ?1", error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return FALSE;
    table_text(query, 1, known->node);
    while (table_row(query, &local)) {
        g_autofree char *url = table_column_text(query, 0);

        if (g_ptr_array_find_with_equal_func(known->urls, url, g_str_equal, NULL))
            peer_add_url(urls, url);
    }
    return !failed(error, &local);
}

/* PE5: what the profile says of the peer; of its keys those that no other peer holds, and those known before where none is left. */
static Peer *
peer_of_profile(Home *home, const Peer *known, const Profile *profile, GError **error)
{
    g_autoptr(Peer) peer = peer_new();

    if (!add_given(home, known, peer->urls, error))
        return NULL;
    memcpy(peer->node, known->node, NODE_ID_SIZE);
    peer->name = name_of_profile(profile);
    for (guint i = 0; i < profile->addresses->len; i++)
        peer_add_url(peer->urls, profile->addresses->pdata[i]);
    for (guint i = 0; i < known->urls->len; i++)
        peer_add_url(peer->urls, known->urls->pdata[i]);
    for (guint i = 0; i < profile->pins->len && peer->pins->len < PEER_PINS_MAX; i++) {
        const Digest *pin = &g_array_index(profile->pins, Digest, i);
        g_autofree char *holder = other_holder(home, known->node, pin);

        if (!holder)
            g_array_append_vals(peer->pins, pin, 1);
    }
    if (peer->pins->len == 0)
        g_array_append_vals(peer->pins, known->pins->data, known->pins->len);
    return g_steal_pointer(&peer);
}

static gboolean
replace_introduction(Home *home, const Peer *peer, GError **error)
{
    g_autofree char *urls = peer_join_urls(peer->urls, NULL);

    return run(home, "UPDATE peers SET urls = ?2 WHERE node = ?1", peer->node, urls, error) &&
           run(home, "UPDATE peers SET name = ?2 WHERE node = ?1", peer->node, peer->name, error) &&
           run(home, "DELETE FROM peer_pins WHERE node = ?1", peer->node, NULL, error) && write_pins(home, peer->node, peer->pins, error);
}

gboolean
peers_follow_profile(Home *home, const char *node, GError **error)
{
    g_autoptr(Peer) known = peers_get(home, node, error);
    Catalogue *catalogue = known ? home_catalogue(home, error) : NULL;
    g_autoptr(Profile) profile = NULL;
    g_autoptr(Peer) peer = NULL;
    g_autoptr(GError) local = NULL;

    if (!catalogue)
        return FALSE;
    profile = catalogue_profile(catalogue, node, &local);
    if (failed(error, &local))
        return FALSE;
    if (!profile)
        return TRUE;
    peer = peer_of_profile(home, known, profile, error);
    if (!peer)
        return FALSE;
    if (peer_same_introduction(peer, known))
        return TRUE;
    return begin(home, error) && finish(home, replace_introduction(home, peer, error), error);
}
