#include <string.h>

#include "keys/canonical.h"
#include "manifests/bracket.h"
#include "sync/audit/questions.h"

/* S30: a version whose claimed time does not lie where anchors put it.  Cosignatures stand in `chama log`. */
gboolean
audit_version_bracket(Auditing *auditing, const Manifest *manifest, GError **error)
{
    static const AuditKind kinds[] = { [BRACKET_TOO_EARLY] = AUDIT_TIME_TOO_EARLY, [BRACKET_TOO_LATE] = AUDIT_TIME_TOO_LATE, [BRACKET_CROSSED] = AUDIT_TIME_CROSSED };
    g_autofree char *version = NULL;
    char claimed[TIME_TEXT_SIZE], bound[TIME_TEXT_SIZE];
    const Bound *against;
    Bracket bracket;

    if (!bracket_of_record(auditing->catalogue, manifest->node, manifest->seq, manifest->time, NULL, &bracket, error))
        return FALSE;
    if (bracket.verdict == BRACKET_OPEN || bracket.verdict == BRACKET_WITHIN)
        return TRUE;
    against = bracket.verdict == BRACKET_TOO_LATE ? &bracket.before : &bracket.after;
    version = g_strdup_printf("%s@%" G_GUINT64_FORMAT, manifest->name, manifest->version);
    audit_find(auditing, kinds[bracket.verdict], manifest->node, (gint64)manifest->seq, manifest->time, version, time_format(manifest->time, claimed),
               time_format(against->time, bound), against->node, NULL);
    return TRUE;
}
