#include "sync/push_contacts.h"

#include <string.h>

#include "sync/backoff.h"
#include "sync/table.h"

static const char table[] = "CREATE TABLE IF NOT EXISTS push_contact (node TEXT PRIMARY KEY, tried INTEGER NOT NULL, next INTEGER NOT NULL, failures INTEGER NOT NULL, "
                            "went INTEGER NOT NULL, error TEXT, mark BLOB NOT NULL) WITHOUT ROWID";

void
push_contact_clear(PushContact *push)
{
    g_clear_pointer(&push->error, g_free);
}

static void
add_ledgers(GString *text, Catalogue *catalogue, const GPtrArray *nodes, const char *but)
{
    for (guint i = 0; i < nodes->len; i++) {
        const char *node = g_ptr_array_index(nodes, i);

        if (strcmp(node, but) != 0)
            g_string_append_printf(text, "%s %" G_GUINT64_FORMAT "\n", node, catalogue_size(catalogue, node));
    }
}

static void
add_versions(GString *text, const GArray *all)
{
    for (guint i = 0; i < all->len; i++) {
        const Held *held = &g_array_index(all, Held, i);

        if (held->complete)
            g_string_append_len(text, (const char *)held->manifest.bytes, sizeof held->manifest.bytes);
    }
}

gboolean
push_mark(Home *home, const char *node, Digest *mark, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    State *state = catalogue ? home_state(home, error) : NULL;
    g_autoptr(GPtrArray) nodes = state ? catalogue_nodes(catalogue, error) : NULL;
    g_autoptr(GArray) held = nodes ? state_all_held(state, error) : NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    if (!held)
        return FALSE;
    add_ledgers(text, catalogue, nodes, node);
    add_versions(text, held);
    digest_of(text->str, text->len, mark);
    return TRUE;
}

static TableQuery *
query_new(Home *home, const char *sql, const char *node, GError **error)
{
    State *state = home_state(home, error);
    TableQuery *query = state ? table_query(state, table, sql, error) : NULL;

    if (query)
        table_text(query, 1, node);
    return query;
}

gboolean
push_contacts_get(Home *home, const char *node, PushContact *push, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "SELECT tried, next, failures, went, error, mark FROM push_contact WHERE node = ?1", node, error);
    g_autoptr(GError) failed = NULL;

    *push = (PushContact){ 0 };
    if (!query)
        return FALSE;
    if (table_row(query, &failed)) {
        push->contact = (Contact){ table_column_integer(query, 0), table_column_integer(query, 1), (guint)table_column_integer(query, 2) };
        push->went = table_column_integer(query, 3);
        push->error = table_column_text(query, 4);
        table_column_digest(query, 5, &push->mark);
    }
    if (!failed)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static gboolean
write_row(Home *home, const char *node, const PushContact *push, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "INSERT OR REPLACE INTO push_contact (node, tried, next, failures, went, error, mark) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", node, error);

    if (!query)
        return FALSE;
    table_integer(query, 2, push->contact.tried);
    table_integer(query, 3, push->contact.next);
    table_integer(query, 4, push->contact.failures);
    table_integer(query, 5, push->went);
    if (push->error)
        table_text(query, 6, push->error);
    table_digest(query, 7, &push->mark);
    return table_run(query, error);
}

gboolean
push_contacts_note(Home *home, const char *node, const ContactOutcome *outcome, const Digest *mark, GError **error)
{
    g_auto(PushContact) push = { 0 };
    ContactOutcome planned = *outcome;

    /* What is new waits for the peer also where none is planned. */
    if (outcome->failed && outcome->interval == 0)
        planned.interval = BACKOFF_MOST;
    if (!push_contacts_get(home, node, &push, error))
        return FALSE;
    contact_go_on(&push.contact, &planned);
    g_free(push.error);
    push.error = g_strdup(outcome->error);
    if (!outcome->failed) {
        push.went = push.contact.tried;
        push.mark = *mark;
    }
    return write_row(home, node, &push, error);
}

gboolean
push_contacts_note_turn(Home *home, const char *node, GError **error)
{
    g_auto(PushContact) push = { 0 };

    if (!push_contacts_get(home, node, &push, error))
        return FALSE;
    push.contact.failures = 0;
    push.contact.tried = push.contact.next = g_get_real_time() / G_USEC_PER_SEC;
    return write_row(home, node, &push, error);
}

gboolean
push_contacts_forget(Home *home, const char *node, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "DELETE FROM push_contact WHERE node = ?1", node, error);

    return query && table_run(query, error);
}
