#include "sync/audit/audit.h"

#include <stdarg.h>
#include <string.h>

#include "keys/error.h"
#include "sync/audit/questions.h"
#include "sync/sparse.h"

static void
node_free(gpointer data)
{
    AuditNode *node = data;

    g_hash_table_unref(node->types);
    g_free(node->name_zh);
    g_free(node->name_en);
    g_free(node);
}

static void
finding_clear(gpointer data)
{
    AuditFinding *finding = data;

    for (guint i = 0; i < AUDIT_VALUES; i++)
        g_free(finding->values[i]);
}

static void
event_clear(gpointer data)
{
    g_free(((AuditEvent *)data)->subject);
}

static Audit *
audit_new(void)
{
    Audit *audit = g_new0(Audit, 1);

    audit->nodes = g_ptr_array_new_with_free_func(node_free);
    audit->findings = g_array_new(FALSE, TRUE, sizeof(AuditFinding));
    g_array_set_clear_func(audit->findings, finding_clear);
    audit->of_kind = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    audit->events = g_array_new(FALSE, TRUE, sizeof(AuditEvent));
    g_array_set_clear_func(audit->events, event_clear);
    return audit;
}

void
audit_free(Audit *audit)
{
    if (!audit)
        return;
    g_ptr_array_unref(audit->nodes);
    g_array_unref(audit->findings);
    g_array_unref(audit->events);
    g_hash_table_unref(audit->of_kind);
    g_free(audit);
}

AuditNode *
audit_node(const Audit *audit, const char *node)
{
    for (guint i = 0; i < audit->nodes->len; i++) {
        AuditNode *at = g_ptr_array_index(audit->nodes, i);

        if (strcmp(at->node, node) == 0)
            return at;
    }
    return NULL;
}

gboolean
audit_wanted(const Auditing *auditing, const char *node)
{
    return audit_node(auditing->audit, node) != NULL;
}

/* AU3: how many there were before of @kind about @node. */
static guint
count_one(Audit *audit, AuditKind kind, const char *node)
{
    char *key = g_strconcat(node, " ", audit_kind_name(kind), NULL);
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(audit->of_kind, key));

    g_hash_table_insert(audit->of_kind, key, GUINT_TO_POINTER(before + 1));
    return before;
}

/* AU3: one finding for each kind of which there are more than are named. */
static void
tell_of_more(Audit *audit)
{
    GHashTableIter iter;
    gpointer key, count;

    g_hash_table_iter_init(&iter, audit->of_kind);
    while (g_hash_table_iter_next(&iter, &key, &count)) {
        AuditFinding more = { .kind = AUDIT_MORE, .seq = -1 };
        const char *name = strchr(key, ' ');

        if (GPOINTER_TO_UINT(count) <= AUDIT_FINDINGS_MAX)
            continue;
        g_strlcpy(more.node, key, MIN(sizeof more.node, (gsize)(name - (char *)key) + 1));
        more.values[0] = g_strdup_printf("%u", GPOINTER_TO_UINT(count) - AUDIT_FINDINGS_MAX);
        more.values[1] = g_strdup(name + 1);
        g_array_append_val(audit->findings, more);
    }
}

void
audit_find(Auditing *auditing, AuditKind kind, const char *node, gint64 seq, gint64 time, ...)
{
    Audit *audit = auditing->audit;
    AuditFinding finding = { .kind = kind, .seq = seq, .time = time };
    AuditNode *about = audit_node(audit, node);
    va_list values;

    audit->counts[audit_kind_verdict(kind)]++;
    if (about)
        about->worst = MAX(about->worst, (guint)audit_kind_verdict(kind));
    if (count_one(audit, kind, node) >= AUDIT_FINDINGS_MAX)
        return;
    g_strlcpy(finding.node, node, sizeof finding.node);
    va_start(values, time);
    for (guint i = 0; i < AUDIT_VALUES; i++)
        if (!(finding.values[i] = g_strdup(va_arg(values, const char *))))
            break;
    va_end(values);
    g_array_append_val(audit->findings, finding);
}

static gint
by_weight(gconstpointer a, gconstpointer b)
{
    const AuditFinding *one = a, *other = b;
    gint verdicts = (gint)audit_kind_verdict(other->kind) - (gint)audit_kind_verdict(one->kind), nodes = strcmp(one->node, other->node);

    if (verdicts != 0)
        return verdicts;
    if (nodes != 0)
        return nodes;
    if (one->kind != other->kind)
        return (gint)one->kind - (gint)other->kind;
    if (one->seq != other->seq)
        return one->seq < other->seq ? -1 : 1;
    return g_strcmp0(one->values[1], other->values[1]);
}

static gint
by_time(gconstpointer a, gconstpointer b)
{
    const AuditEvent *one = a, *other = b;

    if (one->time != other->time)
        return one->time < other->time ? -1 : 1;
    return strcmp(one->node, other->node) != 0 ? strcmp(one->node, other->node) : one->seq < other->seq ? -1 : one->seq > other->seq;
}

void
audit_forget_old_events(Audit *audit)
{
    guint many = audit->events->len > AUDIT_EVENTS_MAX ? audit->events->len - AUDIT_EVENTS_MAX : 0;

    g_array_sort(audit->events, by_time);
    if (many > 0)
        g_array_remove_range(audit->events, 0, many);
    audit->events_left_out += many;
}

Ledger *
audit_ledger(Auditing *auditing, const char *node, GError **error)
{
    g_autofree char *path = NULL;

    if (!auditing->home)
        return clones_ledger(auditing->options->clones, node);
    if (strcmp(node, home_id(auditing->home)) == 0)
        return home_ledger(auditing->home, error);
    path = g_strdup_printf("%s/ledgers/%s.git", home_path(auditing->home), node);
    return g_file_test(path, G_FILE_TEST_EXISTS) ? home_peer_ledger(auditing->home, node, error) : NULL;
}

AuditNode *
audit_add_node(Auditing *auditing, const char *id)
{
    g_autoptr(Profile) profile = catalogue_profile(auditing->catalogue, id, NULL);
    AuditNode *node = g_new0(AuditNode, 1);

    if (profile) {
        node->name_zh = g_strdup(profile->name_zh);
        node->name_en = g_strdup(profile->name_en);
    }
    g_strlcpy(node->node, id, sizeof node->node);
    node->types = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_ptr_array_add(auditing->audit->nodes, node);
    return node;
}

/* Ids of all nodes whose ledger is here, whole or sparse, some twice. */
static GPtrArray *
all_nodes(Auditing *auditing, GError **error)
{
    g_autoptr(GPtrArray) whole = auditing->home ? home_ledgers(auditing->home, error) : clones_nodes(auditing->options->clones);
    g_autoptr(GPtrArray) sparse = NULL;

    if (!auditing->home || !whole)
        return g_steal_pointer(&whole);
    sparse = sparse_nodes(auditing->home, error);
    for (guint i = 0; sparse && i < sparse->len; i++)
        g_ptr_array_add(whole, g_strdup(g_ptr_array_index(sparse, i)));
    return sparse ? g_steal_pointer(&whole) : NULL;
}

/* Those that are asked for; else all. */
static gboolean
choose_nodes(Auditing *auditing, GError **error)
{
    const GPtrArray *wanted = auditing->options->nodes;
    g_autoptr(GPtrArray) all = all_nodes(auditing, error);

    if (!all)
        return FALSE;
    for (guint i = 0; i < all->len; i++) {
        const char *id = g_ptr_array_index(all, i);

        if (!audit_node(auditing->audit, id) && (!wanted || g_ptr_array_find_with_equal_func((GPtrArray *)wanted, id, g_str_equal, NULL)))
            audit_add_node(auditing, id);
    }
    for (guint i = 0; wanted && i < wanted->len; i++)
        if (!audit_node(auditing->audit, g_ptr_array_index(wanted, i)))
            return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: its ledger is not here; `chama sync` brings those of peers",
                               (const char *)g_ptr_array_index(wanted, i));
    return TRUE;
}

static gboolean
ask_here(Auditing *auditing, GError **error)
{
    static gboolean (*const questions[])(Auditing *, GError **) = {
        audit_ledgers, audit_evidence, audit_keys, audit_witnesses, audit_versions, audit_withdrawals, audit_grants, audit_receipts,
    };

    if (!choose_nodes(auditing, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(questions); i++) {
        if (!questions[i](auditing, error))
            return FALSE;
        if (progress_cancelled(auditing->options->progress))
            return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped before all was looked at");
    }
    return TRUE;
}

Audit *
audit_run(Home *home, const AuditOptions *options, GError **error)
{
    g_autoptr(Audit) audit = audit_new();
    Catalogue *catalogue = home ? home_catalogue(home, error) : clones_catalogue(options->clones);
    Auditing auditing = { home, catalogue, audit, options };

    audit->time = options->now;
    if (!catalogue || !(options->live ? audit_live : ask_here)(&auditing, error))
        return NULL;
    tell_of_more(audit);
    g_array_sort(audit->findings, by_weight);
    audit_forget_old_events(audit);
    return g_steal_pointer(&audit);
}
