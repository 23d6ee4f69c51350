#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/statements.h"
#include "sync/audit/questions.h"
#include "sync/audit/verified.h"
#include "sync/sparse.h"

/* A mirror may serve by grants for a week (A8 of sync/PROTOCOL.md); an auditor wants to know of older ones. */
#define CHECKPOINT_OLD (7 * 24 * 3600)
/* Times that a ledger may grow while it is verified. */
#define MOVES_MAX 5
/* Clocks differ. */
#define AHEAD (3600)

static gboolean
keeps_manifest(const Record *record)
{
    g_autoptr(Manifest) manifest = manifest_parse(record, NULL);

    return manifest != NULL;
}

static gboolean
keeps_profile(const Record *record)
{
    g_autoptr(Profile) profile = profile_parse(record, NULL);

    return profile != NULL;
}

static gboolean
keeps_sealed(const Record *record)
{
    Digest digest;

    return sealed_parse(record, &digest, NULL);
}

static gboolean
keeps_grant(const Record *record)
{
    Grant grant;

    return grant_parse(record, &grant, NULL);
}

static gboolean
keeps_revocation(const Record *record)
{
    Digest of;

    return revocation_parse(record, &of, NULL);
}

static gboolean
keeps_inception(const Record *record)
{
    return TRUE; /* else there were no ledger; rotations are judged with the keys (N6-N12) */
}

typedef gboolean (*KeepsRules)(const Record *record);

static const struct {
    const char *type;
    KeepsRules keeps_rules;
} types[] = {
    { "inception/1", keeps_inception }, { "rotation/1", keeps_inception }, { "profile/1", keeps_profile }, { "manifest/1", keeps_manifest },
    { "sealed/1", keeps_sealed },       { "grant/1", keeps_grant },     { "revocation/1", keeps_revocation },
};

/* NULL: of another kind of statement, or unknown. */
static KeepsRules
rules_of(const char *type)
{
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (strcmp(types[i].type, type) == 0)
            return types[i].keeps_rules;
    return statement_type_known(type) ? statement_keeps_rules : NULL;
}

static void
look_at_body(AuditWalk *walk, const Record *record)
{
    KeepsRules keeps_rules = rules_of(record->type);

    if (keeps_rules && !keeps_rules(record))
        audit_find(walk->auditing, AUDIT_BODY_INVALID, walk->node->node, (gint64)record->seq, record->time, record->type, NULL);
}

/* What the record is about, in few words; NULL if it is about nothing that has a name. */
static char *
event_subject(const Record *record)
{
    g_autoptr(Manifest) manifest = strcmp(record->type, "manifest/1") == 0 ? manifest_parse(record, NULL) : NULL;
    Grant grant;

    if (manifest)
        return g_strdup_printf("%s@%" G_GUINT64_FORMAT, manifest->name, manifest->version);
    return strcmp(record->type, "grant/1") == 0 && grant_parse(record, &grant, NULL) ? g_strdup(grant.name) : NULL;
}

static void
note_event(AuditWalk *walk, const Record *record)
{
    Audit *audit = walk->auditing->audit;
    AuditEvent event = { .seq = (gint64)record->seq, .time = record->time };

    if (audit->events->len >= AUDIT_EVENTS_MAX) {
        audit->events_left_out++;
        return;
    }
    g_strlcpy(event.node, record->node, sizeof event.node);
    g_strlcpy(event.type, record->type, sizeof event.type);
    event.subject = event_subject(record);
    g_array_append_val(audit->events, event);
}

/* AU5: a time is a claim, and need not grow; but who reads it should know. */
static void
look_at_time(AuditWalk *walk, const Record *record)
{
    char text[TIME_TEXT_SIZE], before[TIME_TEXT_SIZE];

    if (walk->node->first == 0)
        walk->node->first = record->time;
    walk->node->last = record->time;
    if (record->time < walk->before)
        audit_find(walk->auditing, AUDIT_TIME_BACKWARDS, walk->node->node, (gint64)record->seq, record->time, time_format(record->time, text),
                   time_format(walk->before, before), NULL);
    if (record->time > walk->auditing->options->now + AHEAD)
        audit_find(walk->auditing, AUDIT_TIME_AHEAD, walk->node->node, (gint64)record->seq, record->time, time_format(record->time, text), NULL);
    walk->before = record->time;
}

static void
count_type(AuditNode *node, const char *type)
{
    guint count = GPOINTER_TO_UINT(g_hash_table_lookup(node->types, type));

    g_hash_table_insert(node->types, g_strdup(type), GUINT_TO_POINTER(count + 1));
    node->seen++;
}

gboolean
audit_visit(gpointer data, const Record *record, GError **error)
{
    AuditWalk *walk = data;

    count_type(walk->node, record->type);
    look_at_time(walk, record);
    look_at_body(walk, record);
    note_event(walk, record);
    progress_add(walk->auditing->options->progress, 0, 1);
    return !progress_cancelled(walk->auditing->options->progress) || chama_error(error, CHAMA_ERROR_CANCELLED, "stopped before all was looked at");
}

void
audit_tell_of_unknown_types(Auditing *auditing, const AuditNode *node)
{
    GHashTableIter iter;
    gpointer type, count;

    g_hash_table_iter_init(&iter, node->types);
    while (g_hash_table_iter_next(&iter, &type, &count)) {
        g_autofree char *many = g_strdup_printf("%u", GPOINTER_TO_UINT(count));

        if (!rules_of(type))
            audit_find(auditing, AUDIT_TYPE_UNKNOWN, node->node, -1, 0, type, many, NULL);
    }
}

void
audit_look_at_age(Auditing *auditing, AuditNode *node, gint64 signed_at)
{
    char time[TIME_TEXT_SIZE];

    node->checkpoint_time = signed_at;
    if (signed_at < auditing->options->now - CHECKPOINT_OLD)
        audit_find(auditing, AUDIT_CHECKPOINT_OLD, node->node, -1, signed_at, time_format(signed_at, time), NULL);
}

static void
look_at_checkpoint(Auditing *auditing, AuditNode *node, const Checkpoint *checkpoint)
{
    g_autofree char *covered = g_strdup_printf("%" G_GUINT64_FORMAT, checkpoint->size), *held = g_strdup_printf("%" G_GUINT64_FORMAT, node->size);

    audit_look_at_age(auditing, node, checkpoint->time);
    node->covered = MIN(checkpoint->size, node->size);
    if (checkpoint->size < node->size)
        audit_find(auditing, AUDIT_CHECKPOINT_BEHIND, node->node, -1, checkpoint->time, covered, held, NULL);
}

/* ledger_verify() has said if the note does not hold, or the keys cannot be read. */
static void
find_checkpoint(Auditing *auditing, AuditNode *node, Ledger *ledger)
{
    g_autofree char *note = ledger_checkpoint(ledger, NULL);
    const Identity *identity = ledger_identity(ledger);
    g_autoptr(Checkpoint) checkpoint = note && identity ? checkpoint_verify_by(note, strlen(note), identity, NULL) : NULL;

    /* One's own is signed when somebody asks. */
    if (!note && auditing->home && strcmp(node->node, home_id(auditing->home)) != 0)
        audit_find(auditing, AUDIT_NO_CHECKPOINT, node->node, -1, 0, NULL);
    else if (checkpoint)
        look_at_checkpoint(auditing, node, checkpoint);
}

static void
complain(gpointer complaints, const char *message)
{
    g_ptr_array_add(complaints, g_strdup(message));
}

static gboolean
verify_once(Auditing *auditing, const char *node, Ledger *ledger, GPtrArray *complaints)
{
    LedgerVerified verified = { 0 };

    if (!auditing->home)
        return ledger_verify_records(ledger, complain, complaints, NULL);
    if (!auditing->options->full)
        verified_get(auditing->home, node, &verified, NULL);
    if (!ledger_verify_again(ledger, TRUE, &verified, complain, complaints, NULL))
        return FALSE;
    /* AU11: what cannot be remembered is checked again, and is no failure */
    verified_set(auditing->home, node, &verified, NULL);
    return TRUE;
}

/* TRUE if another process appended to the ledger since it was opened, so that files are not those of the ledger as it was then. */
static gboolean
has_moved(Ledger *ledger)
{
    guint64 size = ledger_head(ledger)->size;

    return ledger_refresh(ledger, NULL) && ledger_head(ledger)->size != size;
}

static gboolean
verify(Auditing *auditing, const char *node, Ledger *ledger)
{
    g_autoptr(GPtrArray) complaints = g_ptr_array_new_with_free_func(g_free);
    gboolean good = verify_once(auditing, node, ledger, complaints);

    for (guint i = 0; !good && i < MOVES_MAX && has_moved(ledger); i++) {
        g_ptr_array_set_size(complaints, 0);
        good = verify_once(auditing, node, ledger, complaints);
    }
    for (guint i = 0; i < complaints->len; i++)
        audit_find(auditing, AUDIT_LEDGER_BROKEN, node, -1, 0, g_ptr_array_index(complaints, i), NULL);
    return good;
}

static gboolean
audit_whole(Auditing *auditing, AuditNode *node, Ledger *ledger, GError **error)
{
    AuditWalk walk = { auditing, node, 0 };
    g_autofree char *count = NULL;
    gboolean good;

    node->whole = TRUE;
    good = verify(auditing, node->node, ledger);
    node->size = ledger_head(ledger)->size;
    ledger_root(ledger, node->size, &node->root, NULL);
    if (good) {
        count = g_strdup_printf("%" G_GUINT64_FORMAT, node->size);
        audit_find(auditing, AUDIT_LEDGER_GOOD, node->node, -1, 0, count, NULL);
    }
    if (node->size == 0)
        return TRUE;
    find_checkpoint(auditing, node, ledger);
    if (!ledger_foreach(ledger, 0, audit_visit, &walk, error))
        return FALSE;
    audit_tell_of_unknown_types(auditing, node);
    return TRUE;
}

/* The manifests that anyone may see, and how many records there are that they do not show. */
static gboolean
audit_sparse(Auditing *auditing, AuditNode *node, GError **error)
{
    g_autoptr(GPtrArray) manifests = catalogue_manifests(auditing->catalogue, node->node, error);
    g_autofree char *seen = NULL, *all = NULL;
    g_autoptr(GError) broken = NULL;
    AuditWalk walk = { auditing, node, 0 };

    if (!manifests)
        return FALSE;
    if (!sparse_position(auditing->home, node->node, &node->size, &node->root, &node->checkpoint_time, &broken) ||
        !sparse_verify(auditing->home, node->node, &broken)) {
        audit_find(auditing, AUDIT_LEDGER_BROKEN, node->node, -1, 0, broken->message, NULL);
        return TRUE;
    }
    for (guint i = 0; i < manifests->len; i++) {
        const Manifest *manifest = g_ptr_array_index(manifests, i);
        g_autoptr(Record) record = catalogue_record(auditing->catalogue, &manifest->address, error);

        if (!record || !audit_visit(&walk, record, error))
            return FALSE;
    }
    seen = g_strdup_printf("%" G_GUINT64_FORMAT, node->seen);
    all = g_strdup_printf("%" G_GUINT64_FORMAT, node->size);
    audit_find(auditing, AUDIT_SPARSE_GOOD, node->node, -1, 0, seen, all, NULL);
    return TRUE;
}

static gboolean
audit_one(Auditing *auditing, AuditNode *node, GError **error)
{
    g_autoptr(GError) broken = NULL;
    Ledger *ledger = audit_ledger(auditing, node->node, &broken);

    if (!ledger && !broken)
        return audit_sparse(auditing, node, error);
    if (!ledger) {
        audit_find(auditing, AUDIT_LEDGER_UNREADABLE, node->node, -1, 0, broken->message, NULL);
        return TRUE;
    }
    if (audit_whole(auditing, node, ledger, &broken))
        return TRUE;
    if (g_error_matches(broken, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
        g_propagate_error(error, g_steal_pointer(&broken));
        return FALSE;
    }
    audit_find(auditing, AUDIT_LEDGER_BROKEN, node->node, -1, 0, broken->message, NULL);
    return TRUE;
}

gboolean
audit_ledgers(Auditing *auditing, GError **error)
{
    for (guint i = 0; i < auditing->audit->nodes->len; i++)
        if (!audit_one(auditing, g_ptr_array_index(auditing->audit->nodes, i), error))
            return FALSE;
    return TRUE;
}
