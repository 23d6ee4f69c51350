#include "manifests/withdrawal.h"

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/body.h"
#include "manifests/text.h"

static const char *const members[] = { "manifest", "reason", NULL };

void
withdrawal_free(Withdrawal *withdrawal)
{
    if (!withdrawal)
        return;
    g_free(withdrawal->reason);
    g_free(withdrawal);
}

static Withdrawal *
read_all(const json_t *object, GError **error)
{
    g_autoptr(Withdrawal) w = g_new0(Withdrawal, 1);

    if (!member_digest(object, WITHDRAWAL, "manifest", &w->manifest, error) ||
        !text_read_lines(object, WITHDRAWAL, "S16", "reason", REASON_MAX, &w->reason, error))
        return NULL;
    return g_steal_pointer(&w);
}

Withdrawal *
withdrawal_parse(GBytes *record, GError **error)
{
    g_autoptr(json_t) object = body_parse(record, WITHDRAWAL, FALSE, members, error);

    return object ? read_all(object, error) : NULL;
}

GBytes *
withdrawal_format(const Digest *manifest, const char *reason, GError **error)
{
    g_autoptr(json_t) object = json_object();
    g_autoptr(Withdrawal) again = NULL;

    body_write_digest(object, "manifest", manifest);
    text_write(object, "reason", reason);
    again = read_all(object, error);
    return again ? canonical_format(object, error) : NULL;
}

gboolean
withdrawal_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error)
{
    g_autoptr(Withdrawal) w = withdrawal_parse(body, error);

    if (w)
        *subject = w->manifest;
    return w != NULL;
}

gboolean
withdrawal_of(Catalogue *catalogue, const Manifest *manifest, Withdrawal **withdrawal, GError **error)
{
    g_autoptr(GPtrArray) all = catalogue_statements(catalogue, manifest->node, WITHDRAWAL, &manifest->address, error);
    const Statement *first = all && all->len > 0 ? g_ptr_array_index(all, 0) : NULL;

    *withdrawal = NULL;
    if (!first)
        return all != NULL;
    *withdrawal = withdrawal_parse(first->body, error);
    if (!*withdrawal)
        return FALSE;
    (*withdrawal)->record = first->record->address;
    (*withdrawal)->time = first->record->time;
    return TRUE;
}
