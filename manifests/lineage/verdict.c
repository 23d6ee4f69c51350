#include "manifests/lineage/verdict.h"

const char *
verdict_format(Verdict verdict)
{
    static const char *const names[] = { "broken", "missing", "withheld", "erased", "stated", "repeated", "proven" };

    return verdict < G_N_ELEMENTS(names) ? names[verdict] : "none";
}

static Verdict
say(Verdict verdict, char *because, char **reason)
{
    *reason = because;
    return verdict;
}

/* LI4: what contradicts what was signed comes before what is not known. */
static gboolean
is_broken(const EdgeFacts *f, char **reason)
{
    if (f->derived_fault)
        *reason = g_strdup_printf("LI4: %s", f->derived_fault);
    else if (f->source_fault)
        *reason = g_strdup_printf("LI4: the source: %s", f->source_fault);
    else if (f->source_is)
        *reason = g_strdup_printf("LI4: the address that is named is that of %s", f->source_is);
    else if (f->named_is)
        *reason = g_strdup_printf("LI4: the version that is named has the address %s", f->named_is);
    return *reason != NULL;
}

Verdict
verdict_of_edge(const EdgeFacts *f, char **reason)
{
    *reason = NULL;
    if (is_broken(f, reason))
        return VERDICT_BROKEN;
    if (!f->source_known)
        return say(VERDICT_MISSING, g_strdup("LI5: the record of the source is not known here"), reason);
    if (f->source_erased)
        return say(VERDICT_ERASED, g_strdup("LI7: the content of the source was erased"), reason);
    if (f->disavowed)
        return say(VERDICT_STATED, g_strdup("LI8: signed, and disavowed since by its node"), reason);
    if (f->same_content)
        return say(VERDICT_PROVEN, g_strdup("LI10: the content is the source's own, file for file"), reason);
    if (f->observed)
        return say(VERDICT_PROVEN, g_strdup("LI10: signed, and observed by the program that signed it"), reason);
    if (f->repeats > 0)
        return say(VERDICT_REPEATED, g_strdup_printf("LI9: %u other node%s the same derivation with the same result", f->repeats, f->repeats == 1 ? " states" : "s state"),
                   reason);
    return say(VERDICT_STATED, g_strdup("LI8: signed; the activity was not observed"), reason);
}

Verdict
verdict_of_unknown(SourcesState state, char **reason)
{
    switch (state) {
    case SOURCES_WITHHELD:
        return say(VERDICT_WITHHELD, g_strdup("LI6: its sources stand in details that are not for this node"), reason);
    case SOURCES_ERASED:
        return say(VERDICT_ERASED, g_strdup("LI7: its sources stood in details that were erased"), reason);
    default:
        return say(VERDICT_MISSING, g_strdup("LI5: its sources stand in details that are not held here"), reason);
    }
}
