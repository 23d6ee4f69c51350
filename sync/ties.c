#include "sync/ties.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/sightings.h"
#include "sync/table.h"

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS tie (node TEXT NOT NULL, rotation BLOB NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, met INTEGER NOT NULL,"
    " endorsed INTEGER NOT NULL, open INTEGER NOT NULL, before BLOB NOT NULL, PRIMARY KEY (node, rotation)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS tie_seen (node TEXT NOT NULL, rotation BLOB NOT NULL, witness TEXT NOT NULL, time INTEGER NOT NULL,"
    " PRIMARY KEY (node, rotation, witness)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS tie_decided (node TEXT NOT NULL, before BLOB NOT NULL, rotation BLOB NOT NULL, time INTEGER NOT NULL,"
    " PRIMARY KEY (node, before)) WITHOUT ROWID;";

BranchVerdict
ties_weigh(const TieFacts *facts)
{
    /* N16 */
    if (facts->decided_held != facts->decided_offered)
        return facts->decided_held ? BRANCH_HELD : BRANCH_OFFERED;
    /* N17 */
    if (!facts->same_kind || (facts->held_seen == 0 && facts->offered_seen == 0))
        return facts->verdict;
    /* In one second: anything that is the same for all. */
    if (facts->held_seen == facts->offered_seen)
        return facts->held_is_less ? BRANCH_HELD : BRANCH_OFFERED;
    if (facts->held_seen == 0 || facts->offered_seen == 0)
        return facts->held_seen ? BRANCH_HELD : BRANCH_OFFERED;
    return facts->held_seen < facts->offered_seen ? BRANCH_HELD : BRANCH_OFFERED;
}

static TableQuery *
query_new(Home *home, const char *sql, const char *node, const Digest *rotation, GError **error)
{
    State *state = home_state(home, error);
    TableQuery *query = state ? table_query(state, tables, sql, error) : NULL;

    if (query && node)
        table_text(query, 1, node);
    if (query && rotation)
        table_digest(query, 2, rotation);
    return query;
}

static gboolean
is_decided(Home *home, const Identity *rotation, gboolean *decided, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "SELECT 1 FROM tie_decided WHERE node = ?1 AND rotation = ?2", rotation->id, &rotation->record, error);
    g_autoptr(GError) local = NULL;

    if (!query)
        return FALSE;
    *decided = table_row(query, &local);
    if (!local)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

/* The first time counts, whenever it came to be known: so all who know the same agree. */
static gboolean
note_seen(Home *home, const Identity *rotation, const char *witness, gint64 time, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "INSERT INTO tie_seen (node, rotation, witness, time) VALUES (?1, ?2, ?3, ?4)"
                                            " ON CONFLICT (node, rotation, witness) DO UPDATE SET time = min(time, ?4)", rotation->id, &rotation->record, error);

    if (!query)
        return FALSE;
    table_text(query, 3, witness);
    table_integer(query, 4, time);
    return table_run(query, error);
}

/* A verifier key is one name and one key, and so one string. */
static char *
name_of(const Policy *policy, guint index)
{
    const NoteVerifier *verifier = policy_witness(policy, index).verifier;
    char key[PUBLIC_KEY_TEXT_SIZE];

    return g_strdup_printf("%s %s", verifier->name, public_key_format(&verifier->key, key));
}

gboolean
ties_learn(Home *home, const Policy *policy, const Identity *rotation, const char *note, GError **error)
{
    g_autoptr(Checkpoint) claims = checkpoint_claims(note, strlen(note), NULL);
    gint64 times[POLICY_WITNESSES_MAX] = { 0 };

    /* A line that does not hold spoils the note, and what is said under it counts for nothing. */
    if (!claims || claims->size <= rotation->since || !policy_read(policy, note, strlen(note), times, NULL))
        return TRUE;
    for (guint i = 0; i < policy_witnesses(policy); i++) {
        g_autofree char *name = name_of(policy, i);

        if (times[i] > 0 && !note_seen(home, rotation, name, times[i], error))
            return FALSE;
    }
    return TRUE;
}

/* What is kept of cosignatures of the history that is held. */
static gboolean
learn_of_held(Home *home, const Policy *policy, const Identity *rotation, GError **error)
{
    g_autoptr(Sightings) sightings = sightings_load(home, rotation->id, error);

    for (guint i = 0; sightings && i < policy_witnesses(policy); i++) {
        g_autofree char *name = name_of(policy, i);
        gint64 time = sightings_by(sightings, rotation->since, policy_witness(policy, i).verifier);

        if (time > 0 && !note_seen(home, rotation, name, time, error))
            return FALSE;
    }
    return sightings != NULL;
}

/* When its quorum had cosigned histories with the rotation. */
static gboolean
reached(Home *home, const Policy *policy, const Identity *rotation, gint64 *time, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "SELECT witness, time FROM tie_seen WHERE node = ?1 AND rotation = ?2", rotation->id, &rotation->record, error);
    gint64 times[POLICY_WITNESSES_MAX] = { 0 };
    g_autoptr(GError) local = NULL;
    PolicyVerdict verdict;

    if (!query)
        return FALSE;
    while (table_row(query, &local)) {
        g_autofree char *witness = table_column_text(query, 0);

        for (guint i = 0; i < policy_witnesses(policy); i++) {
            g_autofree char *name = name_of(policy, i);

            if (strcmp(name, witness) == 0)
                times[i] = table_column_integer(query, 1);
        }
    }
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    verdict = policy_judge(policy, times);
    *time = verdict.quorum ? verdict.reached : 0;
    return TRUE;
}

/* N17 */
static gboolean
ask_policy(Home *home, const Policy *policy, const Identity *held, const Identity *offered, const char *note, TieFacts *facts, GError **error)
{
    return !policy || (learn_of_held(home, policy, held, error) && ties_learn(home, policy, offered, note, error) &&
                       reached(home, policy, held, &facts->held_seen, error) && reached(home, policy, offered, &facts->offered_seen, error));
}

static gboolean
is_open(Home *home, const Identity *rotation)
{
    g_autoptr(TableQuery) query = query_new(home, "SELECT 1 FROM tie WHERE node = ?1 AND rotation = ?2 AND open", rotation->id, &rotation->record, NULL);

    return query && table_row(query, NULL);
}

static gboolean
keep(Home *home, const Identity *rotation, gboolean open, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "INSERT INTO tie (node, rotation, seq, time, met, endorsed, open, before) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?10"
                                            " WHERE EXISTS (SELECT 1 FROM tie WHERE node = ?1 AND rotation = ?2)"
                                            " OR ((SELECT count(*) FROM tie WHERE node = ?1) < ?8 AND (SELECT count(*) FROM tie) < ?9)"
                                            " ON CONFLICT (node, rotation) DO UPDATE SET open = ?7", rotation->id, &rotation->record, error);

    if (!query)
        return FALSE;
    table_integer(query, 3, (gint64)rotation->since);
    table_integer(query, 4, rotation->time);
    table_integer(query, 5, g_get_real_time() / G_USEC_PER_SEC);
    table_integer(query, 6, rotation->endorsed);
    table_integer(query, 7, open);
    table_integer(query, 8, TIES_NODE_MAX);
    table_integer(query, 9, TIES_MAX);
    table_digest(query, 10, &rotation->before->record);
    return table_run(query, error);
}

BranchVerdict
ties_judge(Home *home, const Policy *policy, const Identity *held, const Identity *offered, const char *note, gboolean *fresh, GError **error)
{
    const Identity *ours, *theirs;
    TieFacts facts = { .verdict = identity_judge(held, offered) };
    BranchVerdict verdict;
    gboolean untold;

    identity_rivals(held, offered, &ours, &theirs);
    if (fresh)
        *fresh = FALSE;
    if (!ours || !theirs)
        return facts.verdict;
    facts.held_is_less = memcmp(ours->record.bytes, theirs->record.bytes, DIGEST_SIZE) < 0;
    facts.same_kind = ours->endorsed == theirs->endorsed;
    if (!is_decided(home, ours, &facts.decided_held, error) || !is_decided(home, theirs, &facts.decided_offered, error) ||
        !ask_policy(home, policy, ours, theirs, note, &facts, error))
        return BRANCH_FROZEN;
    verdict = ties_weigh(&facts);
    /* N15: where the one held is kept only because another followed it, whoever met the other one first keeps that: people should know. */
    untold = verdict == BRANCH_FROZEN || (held != ours && facts.decided_held == facts.decided_offered && facts.held_seen == 0 && facts.offered_seen == 0);
    if (fresh)
        *fresh = untold && !is_open(home, theirs);
    if (!keep(home, ours, untold, error) || !keep(home, theirs, untold, error))
        return BRANCH_FROZEN;
    return verdict;
}

static void
read_tie(TableQuery *query, Tie *tie)
{
    g_autofree char *node = table_column_text(query, 0);

    g_strlcpy(tie->node, node, sizeof tie->node);
    table_column_digest(query, 1, &tie->rotation);
    tie->seq = (guint64)table_column_integer(query, 2);
    tie->time = table_column_integer(query, 3);
    tie->met = table_column_integer(query, 4);
    tie->endorsed = table_column_integer(query, 5) != 0;
    tie->open = table_column_integer(query, 6) != 0;
    tie->decided = table_column_integer(query, 7) != 0;
    tie->witnesses = (guint)table_column_integer(query, 8);
    tie->seen = table_column_integer(query, 9);
}

GArray *
ties_of(Home *home, const char *node, GError **error)
{
    g_autoptr(TableQuery) query = query_new(home, "SELECT node, rotation, seq, time, met, endorsed, open,"
                                            " EXISTS (SELECT 1 FROM tie_decided d WHERE d.node = tie.node AND d.rotation = tie.rotation),"
                                            " (SELECT count(*) FROM tie_seen s WHERE s.node = tie.node AND s.rotation = tie.rotation),"
                                            " (SELECT coalesce(min(time), 0) FROM tie_seen s WHERE s.node = tie.node AND s.rotation = tie.rotation)"
                                            " FROM tie WHERE ?1 = '' OR node = ?1 ORDER BY node, met, rotation", node ? node : "", NULL, error);
    g_autoptr(GArray) ties = g_array_new(FALSE, TRUE, sizeof(Tie));
    g_autoptr(GError) local = NULL;

    if (!query)
        return NULL;
    while (table_row(query, &local)) {
        Tie tie = { .seq = 0 };

        read_tie(query, &tie);
        g_array_append_val(ties, tie);
    }
    if (!local)
        return g_steal_pointer(&ties);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

/* A person may think better of it: of one commitment there is one decision. */
static gboolean
write_decision(Home *home, const char *node, const Digest *rotation, GError **error)
{
    g_autoptr(TableQuery) insert = query_new(home, "INSERT OR REPLACE INTO tie_decided (node, before, rotation, time)"
                                             " SELECT node, before, rotation, ?3 FROM tie WHERE node = ?1 AND rotation = ?2", node, rotation, error);
    g_autoptr(TableQuery) close = NULL;

    if (!insert)
        return FALSE;
    table_integer(insert, 3, g_get_real_time() / G_USEC_PER_SEC);
    close = table_run(insert, error) ? query_new(home, "UPDATE tie SET open = 0 WHERE node = ?1 AND before = (SELECT before FROM tie WHERE node = ?1 AND rotation = ?2)", node,
                                                 rotation, error)
                                     : NULL;
    return close && table_run(close, error);
}

gboolean
ties_decide(Home *home, const char *node, const Digest *rotation, GError **error)
{
    g_autoptr(GArray) ties = ties_of(home, node, error);
    char text[DIGEST_TEXT_SIZE];

    for (guint i = 0; ties && i < ties->len; i++) {
        const Tie *tie = &g_array_index(ties, Tie, i);

        if (digest_equal(&tie->rotation, rotation))
            return write_decision(home, node, rotation, error);
    }
    return ties && chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: N16: want a rotation of two that were met, have %s", node, digest_format(rotation, text));
}
