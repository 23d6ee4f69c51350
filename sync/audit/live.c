/* What a node shows of its log over the network: AU7 to AU10 of manifests/FORMAT.md. */
#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/history.h"
#include "sync/audit/entries.h"
#include "sync/audit/questions.h"
#include "sync/audit/seen.h"
#include "sync/evidence.h"
#include "sync/peers.h"
#include "sync/sparse.h"

/* One node being asked. */
typedef struct {
    Auditing *auditing;
    Remote *remote;
    AuditNode *node;
    char *note;
    Checkpoint *checkpoint;   /* what it shows now */
    TileTree *tree;
    Seen seen;
    gboolean contradicted;    /* by what was seen before: nothing is remembered */
} Live;

static void
live_clear(Live *live)
{
    seen_clear(&live->seen);
    g_clear_pointer(&live->tree, tile_tree_free);
    g_clear_pointer(&live->checkpoint, checkpoint_free);
    g_clear_pointer(&live->note, g_free);
    g_clear_pointer(&live->remote, remote_close);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Live, live_clear)

static char *
number_text(guint64 number)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT, number);
}

/* I3: both stand in what is kept; nothing that was seen before is given up for what is shown now. */
static gboolean
contradict(Live *live, const char *earlier, Conflict *conflict, GError **error)
{
    const char *node = live->node->node;

    conflict->keys = g_ptr_array_ref(remote_keys(live->remote));
    conflict->checkpoints[0] = g_strdup(earlier);
    conflict->checkpoints[1] = g_strdup(live->note);
    if (!evidence_keep(live->auditing->home, node, conflict, NULL, error))
        return FALSE;
    live->contradicted = TRUE;
    audit_find(live->auditing, conflict->rollback ? AUDIT_ROLLBACK : AUDIT_FORK, node, -1, live->checkpoint->time, NULL);
    return TRUE;
}

/* N11: after a recovery the log begins anew where the two branches part. */
static gboolean
tell_of_recovery(Live *live, const Checkpoint *earlier)
{
    g_autofree char *before = number_text(earlier->size);

    if (strcmp(earlier->origin, live->checkpoint->origin) == 0)
        return FALSE;
    audit_find(live->auditing, AUDIT_LIVE_REPLACED, live->node->node, -1, live->checkpoint->time, before, NULL);
    live->seen.verified = 0;
    return TRUE;
}

/* AU9: does what is shown now begin with what was signed before? */
static gboolean
compare(Live *live, const char *note, GError **error)
{
    g_autoptr(Checkpoint) earlier = checkpoint_verify_by(note, strlen(note), remote_identity(live->remote), NULL);
    g_auto(Conflict) conflict = { 0 };
    Digest root;

    /* by keys that do not count any more */
    if (!earlier)
        return TRUE;
    if (earlier->size <= live->checkpoint->size) {
        if (!tile_tree_root(live->tree, earlier->size, &root, error))
            return FALSE;
        if (digest_equal(&root, &earlier->root))
            return TRUE;
    }
    if (tell_of_recovery(live, earlier))
        return TRUE;
    conflict.rollback = earlier->size > live->checkpoint->size;
    if (earlier->size < live->checkpoint->size) {
        conflict.has_root = TRUE;
        conflict.root = root;
        conflict.hashes = tile_tree_consistency(live->tree, earlier->size, error);
        if (!conflict.hashes)
            return FALSE;
    }
    return contradict(live, note, &conflict, error);
}

/* The checkpoint of what is held here of its ledger, whole or not: NULL if nothing is. */
static char *
held_checkpoint(Live *live)
{
    Ledger *ledger = audit_ledger(live->auditing, live->node->node, NULL);

    return ledger && ledger_head(ledger)->size > 0 ? ledger_checkpoint(ledger, NULL) : sparse_checkpoint(live->auditing->home, live->node->node);
}

static gboolean
compare_all(Live *live, GError **error)
{
    g_autofree char *held = held_checkpoint(live);

    if (live->seen.note && !compare(live, live->seen.note, error))
        return FALSE;
    return live->contradicted || !held || (live->seen.note && strcmp(held, live->seen.note) == 0) || compare(live, held, error);
}

static void
tell_of_size(Live *live)
{
    char time[TIME_TEXT_SIZE];
    g_autofree char *now = number_text(live->checkpoint->size), *before = number_text(live->seen.size);

    if (live->seen.note)
        audit_find(live->auditing, AUDIT_LIVE_GOOD, live->node->node, -1, live->checkpoint->time, now, before, time_format(live->seen.time, time), NULL);
    else
        audit_find(live->auditing, AUDIT_LIVE_FIRST, live->node->node, -1, live->checkpoint->time, now, NULL);
}

static gboolean
remember(Live *live, GError **error)
{
    Seen *seen = &live->seen;

    g_free(seen->note);
    seen->note = g_strdup(live->note);
    seen->size = live->checkpoint->size;
    seen->root = live->checkpoint->root;
    seen->time = live->auditing->options->now;
    return seen_set(live->auditing->home, live->node->node, seen, error);
}

/* AU10: records that are held here were verified when they came. */
static gboolean
skip_held(Live *live, GError **error)
{
    Ledger *ledger = audit_ledger(live->auditing, live->node->node, NULL);
    guint64 size = ledger ? ledger_head(ledger)->size : 0;
    Digest shown, held;

    if (size <= live->seen.verified || size > live->checkpoint->size)
        return TRUE;
    if (!tile_tree_root(live->tree, size, &shown, error) || !ledger_root(ledger, size, &held, error))
        return FALSE;
    if (digest_equal(&shown, &held)) {
        live->seen.verified = size;
        live->seen.head = ledger_head(ledger)->head;
    }
    return TRUE;
}

/* The records that come, and how far they hold. */
typedef struct {
    AuditWalk walk;
    Live *live;
} Coming;

static gboolean
visit(gpointer data, const Record *record, GError **error)
{
    Coming *coming = data;

    return audit_visit(&coming->walk, record, error);
}

static gboolean
keep(gpointer data, const EntriesPosition *position, GError **error)
{
    Coming *coming = data;
    Live *live = coming->live;

    live->seen.verified = position->size;
    live->seen.head = position->head;
    return seen_set(live->auditing->home, live->node->node, &live->seen, error);
}

static gboolean
is_withheld(const GError *error)
{
    return g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND) || g_error_matches(error, CHAMA_ERROR, CHAMA_ERROR_DENIED);
}

static gboolean
verify_entries(Live *live, GError **error)
{
    Coming coming = { { live->auditing, live->node, 0 }, live };
    const EntriesEvents events = { visit, keep, &coming };
    guint64 size = live->checkpoint->size, from = live->seen.verified;
    EntriesPosition position = { from, live->seen.head, from > 0 ? identity_ref(identity_at(remote_identity(live->remote), from - 1)) : NULL };
    g_autofree char *all = number_text(size), *new = NULL, *withheld = NULL;
    GError *failed = NULL;

    entries_verify(live->remote, live->tree, size, &position, &events, &failed);
    g_clear_pointer(&position.identity, identity_free);
    new = number_text(position.size - from);
    if (position.size > from || (!failed && from == size))
        audit_find(live->auditing, AUDIT_LIVE_ENTRIES, live->node->node, -1, 0, new, all, NULL);
    audit_tell_of_unknown_types(live->auditing, live->node);
    if (!is_withheld(failed)) {
        if (failed)
            g_propagate_error(error, failed);
        return failed == NULL;
    }
    g_error_free(failed);
    withheld = number_text(size - position.size);
    audit_find(live->auditing, AUDIT_LIVE_WITHHELD, live->node->node, -1, 0, withheld, all, NULL);
    return TRUE;
}

static gboolean
look_at(Live *live, GError **error)
{
    Home *home = live->auditing->home;

    live->checkpoint = remote_checkpoint(live->remote, &live->note, error);
    if (!live->checkpoint || !seen_get(home, live->node->node, &live->seen, error))
        return FALSE;
    live->node->size = live->checkpoint->size;
    live->node->root = live->checkpoint->root;
    audit_look_at_age(live->auditing, live->node, live->checkpoint->time);
    live->tree = tile_tree_open(live->checkpoint->size, &live->checkpoint->root, remote_tile, live->remote, error);
    if (!live->tree || !compare_all(live, error))
        return FALSE;
    if (live->contradicted)
        return TRUE;
    tell_of_size(live);
    audit_note_witnesses(live->auditing, live->node, live->note, live->checkpoint, remote_identity(live->remote));
    return remember(live, error) && skip_held(live, error) && verify_entries(live, error);
}

/* What the node is to blame for; else the audit cannot go on. */
static gboolean
blame(Auditing *auditing, const char *node, const char *target, GError *failed, GError **error)
{
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED) || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_DAMAGED) ||
        g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NO_SPACE)) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_UNREACHABLE))
        audit_find(auditing, AUDIT_LIVE_UNREACHED, node, -1, 0, target, failed->message, NULL);
    else
        audit_find(auditing, AUDIT_LIVE_BROKEN, node, -1, 0, failed->message, NULL);
    g_error_free(failed);
    return TRUE;
}

static AuditNode *
node_of(Auditing *auditing, const char *id)
{
    AuditNode *node = audit_node(auditing->audit, id);

    if (!node)
        node = audit_add_node(auditing, id);
    node->live = TRUE;
    return node;
}

/* A node that cannot even be named makes no finding. */
static gboolean
ask(Auditing *auditing, const char *target, guint *reached, GError **error)
{
    g_auto(Live) live = { .auditing = auditing };
    g_autofree char *meant = strstr(target, "://") ? NULL : peers_resolve(auditing->home, target, error);
    GError *failed = NULL;

    if (!meant && !strstr(target, "://"))
        return FALSE;
    live.remote = remote_open(auditing->home, target, auditing->options->progress, &failed);
    *reached += live.remote != NULL;
    if (!live.remote && !meant) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    live.node = node_of(auditing, live.remote ? remote_node(live.remote) : meant);
    return (live.remote && look_at(&live, &failed)) || blame(auditing, live.node->node, target, failed, error);
}

gboolean
audit_live(Auditing *auditing, GError **error)
{
    const GPtrArray *targets = auditing->options->live;
    guint reached = 0;

    for (guint i = 0; i < targets->len; i++)
        if (!ask(auditing, g_ptr_array_index(targets, i), &reached, error))
            return FALSE;
    if (reached > 0 || auditing->audit->counts[AUDIT_FAILED] > 0)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_UNREACHABLE, "none of those that were to be asked answered: %s",
                       g_array_index(auditing->audit->findings, AuditFinding, 0).values[1]);
}
