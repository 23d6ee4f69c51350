#include "sync/contacts.h"

#include "sync/backoff.h"
#include "sync/peers.h"
#include "sync/table.h"

static const char table[] = "CREATE TABLE IF NOT EXISTS contact (node TEXT PRIMARY KEY, tried INTEGER NOT NULL, next INTEGER NOT NULL, failures INTEGER NOT NULL) WITHOUT ROWID";

static TableQuery *
query_new(Home *home, const char *sql, const char *node, GError **error)
{
    State *state = home_state(home, error);
    TableQuery *query = state ? table_query(state, table, sql, error) : NULL;

    if (query)
        table_text(query, 1, node);
    return query;
}

static gint64
now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

gboolean
contacts_get(Home *home, const char *node, Contact *contact, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "SELECT tried, next, failures FROM contact WHERE node = ?1", node, error);
    g_autoptr(GError) failed = NULL;

    *contact = (Contact){ 0 };
    if (!query)
        return FALSE;
    if (table_row(query, &failed)) {
        contact->tried = table_column_integer(query, 0);
        contact->next = table_column_integer(query, 1);
        contact->failures = (guint)table_column_integer(query, 2);
    }
    if (!failed)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static gboolean
write_row(Home *home, const char *node, const Contact *contact, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "INSERT OR REPLACE INTO contact (node, tried, next, failures) VALUES (?1, ?2, ?3, ?4)", node, error);

    if (!query)
        return FALSE;
    table_integer(query, 2, contact->tried);
    table_integer(query, 3, contact->next);
    table_integer(query, 4, contact->failures);
    return table_run(query, error);
}

void
contact_go_on(Contact *contact, const ContactOutcome *outcome)
{
    contact->failures = !outcome->failed ? 0 : outcome->got_on ? 1 : contact->failures + 1;
    contact->tried = now();
    contact->next = outcome->interval > 0 ? contact->tried + backoff_next(contact->failures, outcome->interval, g_random_double()) : 0;
}

gboolean
contacts_note(Home *home, const char *node, const ContactOutcome *outcome, GError **error)
{
    Contact contact;

    if (!contacts_get(home, node, &contact, error))
        return FALSE;
    contact_go_on(&contact, outcome);
    return write_row(home, node, &contact, error) && peers_note_contact(home, node, outcome->error, error);
}

gboolean
contacts_note_turn(Home *home, const char *node, GError **error)
{
    const Contact contact = { .tried = now(), .next = now() };

    return write_row(home, node, &contact, error);
}

gboolean
contacts_forget(Home *home, const char *node, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "DELETE FROM contact WHERE node = ?1", node, error);

    return query && table_run(query, error);
}
