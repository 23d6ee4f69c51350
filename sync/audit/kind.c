#include "sync/audit/kind.h"

static const struct {
    AuditVerdict verdict;
    const char *name;
} kinds[] = {
#define AUDIT_KIND_ROW(kind, verdict, name) { AUDIT_##verdict, name },
    AUDIT_KINDS(AUDIT_KIND_ROW)
#undef AUDIT_KIND_ROW
};

static guint
row(AuditKind kind)
{
    g_assert(kind > AUDIT_KIND_FIRST_ && kind < AUDIT_KIND_END_);
    return kind - AUDIT_KIND_FIRST_ - 1;
}

AuditVerdict
audit_kind_verdict(AuditKind kind)
{
    return kinds[row(kind)].verdict;
}

const char *
audit_kind_name(AuditKind kind)
{
    return kinds[row(kind)].name;
}

const char *
audit_verdict_name(AuditVerdict verdict)
{
    static const char *const names[] = { "good", "note", "warning", "failed" };

    return names[verdict];
}
