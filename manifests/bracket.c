#include "manifests/bracket.h"

#include "keys/canonical.h"
#include "manifests/projection.h"

static void
choose(const GArray *bounds, gboolean latest, Bound *chosen)
{
    *chosen = (Bound){ .basis = BOUND_NONE };
    for (guint i = 0; i < bounds->len; i++) {
        const Bound *bound = &g_array_index(bounds, Bound, i);

        if (chosen->basis == BOUND_NONE || (latest ? bound->time > chosen->time : bound->time < chosen->time))
            *chosen = *bound;
    }
}

void
bracket_of(gint64 claimed, const GArray *after, const GArray *before, Bracket *bracket)
{
    gboolean begins, ends;

    bracket->claimed = claimed;
    choose(after, TRUE, &bracket->after);
    choose(before, FALSE, &bracket->before);
    begins = bracket->after.basis != BOUND_NONE;
    ends = bracket->before.basis != BOUND_NONE;
    if (begins && ends && bracket->after.time > bracket->before.time)
        bracket->verdict = BRACKET_CROSSED;
    else if (begins && claimed < bracket->after.time)
        bracket->verdict = BRACKET_TOO_EARLY;
    else if (ends && claimed > bracket->before.time)
        bracket->verdict = BRACKET_TOO_LATE;
    else
        bracket->verdict = begins || ends ? BRACKET_WITHIN : BRACKET_OPEN;
}

const char *
bracket_verdict(BracketVerdict verdict)
{
    static const char *const words[] = { "open", "within", "too-early", "too-late", "crossed" };

    return words[verdict];
}

static char *
format_bound(const Bound *bound, BracketName name, gpointer data)
{
    g_autofree char *who = bound->basis == BOUND_NONE ? NULL : name ? name(data, bound->node) : g_strdup(bound->node);
    char time[TIME_TEXT_SIZE];

    if (bound->basis == BOUND_NONE)
        return NULL;
    return g_strdup_printf("%s (%s %s)", time_format(bound->time, time), who, bound->basis == BOUND_COSIGNATURE ? "cosigned" : "anchored");
}

char *
bracket_format(const Bracket *bracket, BracketName name, gpointer data)
{
    static const char *const remarks[] = { "", "", "; claimed too early", "; claimed too late", "; these contradict each other" };
    g_autofree char *after = format_bound(&bracket->after, name, data), *before = format_bound(&bracket->before, name, data);
    char time[TIME_TEXT_SIZE];

    time_format(bracket->claimed, time);
    if (after && before)
        return g_strdup_printf("claimed %s; between %s and %s%s", time, after, before, remarks[bracket->verdict]);
    if (after)
        return g_strdup_printf("claimed %s; not before %s%s", time, after, remarks[bracket->verdict]);
    if (before)
        return g_strdup_printf("claimed %s; not after %s%s", time, before, remarks[bracket->verdict]);
    return g_strdup_printf("claimed %s; nobody else says so", time);
}

/* The time that @node itself claims of its record @seq: FALSE if that is not known here. */
static gboolean
time_of(Catalogue *catalogue, const char *node, guint64 seq, gint64 *time, GError **error)
{
    Database *database = catalogue_database(catalogue);
    g_autoptr(Query) query = database_query(database, "SELECT time FROM records WHERE node = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1", error);

    if (!query)
        return FALSE;
    query_text(query, 1, node);
    query_integer(query, 2, (gint64)seq);
    if (!database_row(database, query, error))
        return FALSE;
    *time = sqlite3_column_int64(query, 0);
    return TRUE;
}

/* What stood in other ledgers before this one went on. */
static GArray *
find_after(Catalogue *catalogue, const char *node, guint64 seq, GError **error)
{
    g_autoptr(GArray) anchors = catalogue_anchors_before(catalogue, node, seq, error);
    g_autoptr(GArray) bounds = g_array_new(FALSE, TRUE, sizeof(Bound));
    g_autoptr(GError) local = NULL;

    for (guint i = 0; anchors && i < anchors->len && !local; i++) {
        const Anchor *anchor = &g_array_index(anchors, Anchor, i);
        Bound bound = { .basis = BOUND_ANCHOR };

        g_strlcpy(bound.node, anchor->node, sizeof bound.node);
        if (time_of(catalogue, anchor->node, anchor->size - 1, &bound.time, &local))
            g_array_append_val(bounds, bound);
    }
    if (!local)
        return anchors ? g_steal_pointer(&bounds) : NULL;
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

static GArray *
find_before(Catalogue *catalogue, const char *node, guint64 seq, const GArray *more, GError **error)
{
    g_autoptr(GArray) anchors = catalogue_anchors_of(catalogue, node, seq, error);
    GArray *bounds;

    if (!anchors)
        return NULL;
    bounds = g_array_new(FALSE, TRUE, sizeof(Bound));
    for (guint i = 0; i < anchors->len; i++) {
        const Anchor *anchor = &g_array_index(anchors, Anchor, i);
        Bound bound = { .basis = BOUND_ANCHOR, .time = anchor->time };

        g_strlcpy(bound.node, anchor->by, sizeof bound.node);
        g_array_append_val(bounds, bound);
    }
    if (more)
        g_array_append_vals(bounds, more->data, more->len);
    return bounds;
}

gboolean
bracket_of_record(Catalogue *catalogue, const char *node, guint64 seq, gint64 time, const GArray *more, Bracket *bracket, GError **error)
{
    g_autoptr(GArray) after = find_after(catalogue, node, seq, error);
    g_autoptr(GArray) before = after ? find_before(catalogue, node, seq, more, error) : NULL;

    if (before)
        bracket_of(time, after, before, bracket);
    return before != NULL;
}
