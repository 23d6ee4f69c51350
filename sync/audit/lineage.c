/* What each version was made from, judged step by step (part 14 of manifests/FORMAT.md): AU15. */
#include <string.h>

#include "sync/audit/lineages.h"
#include "sync/audit/verified.h"
#include "sync/pull/missing.h"

struct AuditLineages {
    Auditing *auditing;
    Missing *missing;        /* NULL: clones */
    HomeFacts *facts;
    LineageFacts source;
};

static Ledger *
ledger_of(gpointer auditing, const char *node)
{
    return audit_ledger(auditing, node, NULL);
}

/* What this audit verified itself, or an earlier one that may be believed (AU11). */
static void
remembered(gpointer data, const char *node, LedgerVerified *verified)
{
    Auditing *auditing = data;
    const AuditNode *here = audit_node(auditing->audit, node);

    if (here && here->verified.size > 0)
        *verified = here->verified;
    else if (!here && auditing->home && !auditing->options->full)
        verified_get(auditing->home, node, verified, NULL);
}

AuditLineages *
audit_lineages_new(Auditing *auditing)
{
    const MissingOptions offline = { .offline = TRUE };
    const LineageLedgers ledgers = { auditing->catalogue, ledger_of, auditing };
    AuditLineages *lineages = g_new0(AuditLineages, 1);
    LineageBeyond beyond = { NULL };

    lineages->auditing = auditing;
    if (auditing->home) {
        lineages->missing = missing_new(auditing->home, &offline);
        beyond = missing_beyond(lineages->missing);
    }
    beyond.remembered = remembered;
    beyond.remembered_data = auditing;
    lineages->facts = auditing->home ? home_facts_new(auditing->home, &beyond) : home_facts_of(&ledgers, &beyond);
    lineages->source = home_facts_source(lineages->facts);
    return lineages;
}

void
audit_lineages_free(AuditLineages *lineages)
{
    if (!lineages)
        return;
    g_clear_pointer(&lineages->facts, home_facts_free);
    g_clear_pointer(&lineages->missing, missing_free);
    g_free(lineages);
}

static char *
version_text(const VersionFacts *facts, const char *node)
{
    if (strcmp(facts->node, node) == 0)
        return g_strdup_printf("%s@%" G_GUINT64_FORMAT, facts->name, facts->version);
    return g_strdup_printf("%s/%s@%" G_GUINT64_FORMAT, facts->node, facts->name, facts->version);
}

/* Sources that are not known: whose affair that is. */
static AuditKind
kind_of_unknown(Verdict verdict)
{
    return verdict == VERDICT_WITHHELD ? AUDIT_LINEAGE_WITHHELD : verdict == VERDICT_ERASED ? AUDIT_LINEAGE_FORGOTTEN : AUDIT_LINEAGE_ABSENT;
}

static AuditKind
kind_of_step(Verdict verdict, const VersionFacts *derived, const VersionFacts *source)
{
    static const AuditKind kinds[VERDICTS] = {
        [VERDICT_BROKEN] = AUDIT_LINEAGE_BROKEN,   [VERDICT_MISSING] = AUDIT_LINEAGE_MISSING,   [VERDICT_WITHHELD] = AUDIT_LINEAGE_WITHHELD,
        [VERDICT_ERASED] = AUDIT_LINEAGE_ERASED,   [VERDICT_STATED] = AUDIT_LINEAGE_STATED,     [VERDICT_REPEATED] = AUDIT_LINEAGE_REPEATED,
        [VERDICT_PROVEN] = AUDIT_LINEAGE_PROVEN,
    };

    return verdict == VERDICT_STATED && (derived->disavowed || source->disavowed) ? AUDIT_LINEAGE_DISAVOWED : kinds[verdict];
}

static void
tell_of_edge(Auditing *auditing, const Manifest *manifest, const Lineage *lineage, const LineageEdge *edge)
{
    const VersionFacts *derived = lineage_version(lineage, edge->derived)->facts, *from;
    g_autofree char *version = version_text(derived, manifest->node), *source = NULL;

    if (edge->source == LINEAGE_NOTHING) {
        audit_find(auditing, kind_of_unknown(edge->verdict), manifest->node, (gint64)manifest->seq, manifest->time, version, NULL);
        return;
    }
    from = lineage_version(lineage, edge->source)->facts;
    source = version_text(from, "");
    audit_find(auditing, kind_of_step(edge->verdict, derived, from), manifest->node, (gint64)manifest->seq, manifest->time, version, source, edge->reason, NULL);
}

/* Each version is asked about by itself, so one step is as far as it goes. */
gboolean
audit_version_lineage(AuditLineages *lineages, const Manifest *manifest, GError **error)
{
    const LineageOptions options = { .depth = 1 };
    g_autoptr(Lineage) lineage = NULL;
    const VersionFacts *facts;
    Input root;

    /* Nothing was made from nothing; its own record was verified with its ledger. */
    if (manifest->share == SHARE_OPEN && manifest->inputs->len == 0)
        return TRUE;
    lineage_name_of(manifest, &root);
    lineage = lineage_build(&lineages->source, &root, &options, error);
    if (!lineage)
        return FALSE;
    facts = lineage_version(lineage, 0)->facts;
    if (facts->fault) {
        g_autofree char *version = version_text(facts, manifest->node);

        audit_find(lineages->auditing, AUDIT_VERSION_BROKEN, manifest->node, (gint64)manifest->seq, manifest->time, version, facts->fault, NULL);
    }
    for (guint i = 0; i < lineage->edges->len; i++)
        tell_of_edge(lineages->auditing, manifest, lineage, lineage_edge(lineage, i));
    return TRUE;
}
