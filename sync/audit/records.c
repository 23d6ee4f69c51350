/* What single records of a ledger say, as they pass: of which types they are, when they claim to have been made, whether their bodies keep the rules. */
#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/statements.h"
#include "sync/audit/questions.h"

/* Clocks differ. */
#define AHEAD (3600)
/* Different types that are counted by name. */
#define TYPES_MAX 1000
#define OTHER_TYPES "others"

/* FALSE if the body breaks the rules of its type; *@subject (the caller's) is what it is about, in few words, if that has a name. */
typedef gboolean (*LookAt)(const Record *record, char **subject);

static gboolean
look_at_manifest(const Record *record, char **subject)
{
    g_autoptr(Manifest) manifest = manifest_parse(record, NULL);

    if (manifest)
        *subject = g_strdup_printf("%s@%" G_GUINT64_FORMAT, manifest->name, manifest->version);
    return manifest != NULL;
}

static gboolean
look_at_profile(const Record *record, char **subject)
{
    g_autoptr(Profile) profile = profile_parse(record, NULL);

    return profile != NULL;
}

static gboolean
look_at_sealed(const Record *record, char **subject)
{
    Digest digest;

    return sealed_parse(record, &digest, NULL);
}

static gboolean
look_at_grant(const Record *record, char **subject)
{
    Grant grant;

    if (!grant_parse(record, &grant, NULL))
        return FALSE;
    *subject = g_strdup(grant.name);
    return TRUE;
}

static gboolean
look_at_revocation(const Record *record, char **subject)
{
    Digest of;

    return revocation_parse(record, &of, NULL);
}

static gboolean
look_at_keys(const Record *record, char **subject)
{
    return TRUE; /* else there were no ledger; rotations are judged with the keys (N6-N12) */
}

static gboolean
look_at_statement(const Record *record, char **subject)
{
    return statement_keeps_rules(record);
}

static const struct {
    const char *type;
    LookAt look_at;
} types[] = {
    { "inception/1", look_at_keys }, { "rotation/1", look_at_keys }, { "profile/1", look_at_profile },       { "manifest/1", look_at_manifest },
    { "sealed/1", look_at_sealed },  { "grant/1", look_at_grant },   { "revocation/1", look_at_revocation },
};

/* NULL: it is not known. */
static LookAt
rules_of(const char *type)
{
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (strcmp(types[i].type, type) == 0)
            return types[i].look_at;
    return statement_type_known(type) ? look_at_statement : NULL;
}

/* What it costs time to find. */
typedef struct {
    gboolean breaks_rules;
    char *subject;
} Looked;

gpointer
audit_look(const Record *record)
{
    LookAt look_at = rules_of(record->type);
    Looked *looked = g_new0(Looked, 1);

    looked->breaks_rules = look_at && !look_at(record, &looked->subject);
    return looked;
}

void
audit_looked_free(gpointer data)
{
    Looked *looked = data;

    g_free(looked->subject);
    g_free(looked);
}

static void
note_event(AuditWalk *walk, const Record *record, const char *subject)
{
    Audit *audit = walk->auditing->audit;
    AuditEvent event = { .seq = (gint64)record->seq, .time = record->time };

    audit_lane_add(&walk->node->lane, record->type, MIN(record->time, audit->time));
    g_strlcpy(event.node, record->node, sizeof event.node);
    g_strlcpy(event.type, record->type, sizeof event.type);
    event.subject = g_strdup(subject);
    g_array_append_val(audit->events, event);
    /* AU3: the newest count; room for as many again, so that it is sorted seldom */
    if (audit->events->len >= 2 * AUDIT_EVENTS_MAX)
        audit_forget_old_events(audit);
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

/* A ledger may have a type for each record. */
static void
count_type(AuditNode *node, const char *type)
{
    const char *name = g_hash_table_size(node->types) < TYPES_MAX || g_hash_table_contains(node->types, type) ? type : OTHER_TYPES;
    gpointer key, count;

    if (g_hash_table_lookup_extended(node->types, name, &key, &count))
        g_hash_table_steal(node->types, name);
    else
        key = g_strdup(name), count = NULL;
    g_hash_table_insert(node->types, key, GUINT_TO_POINTER(GPOINTER_TO_UINT(count) + 1));
    node->seen++;
}

gboolean
audit_take(AuditWalk *walk, const Record *record, gconstpointer data)
{
    const Looked *looked = data;

    count_type(walk->node, record->type);
    look_at_time(walk, record);
    if (looked->breaks_rules)
        audit_find(walk->auditing, AUDIT_BODY_INVALID, walk->node->node, (gint64)record->seq, record->time, record->type, NULL);
    note_event(walk, record, looked->subject);
    progress_add(walk->auditing->options->progress, 0, 1);
    return !progress_cancelled(walk->auditing->options->progress);
}

gboolean
audit_visit(gpointer walk, const Record *record, GError **error)
{
    gpointer looked = audit_look(record);
    gboolean go_on = audit_take(walk, record, looked);

    audit_looked_free(looked);
    return go_on || chama_error(error, CHAMA_ERROR_CANCELLED, "stopped before all was looked at");
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
