#include "manifests/erasure.h"

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/body.h"
#include "manifests/text.h"
#include "manifests/withdrawal.h"

static const char *const members[] = { "manifest", "of", "reason", NULL };

void
erasure_free(Erasure *erasure)
{
    if (!erasure)
        return;
    g_free(erasure->reason);
    g_free(erasure);
}

static Erasure *
read_all(const json_t *object, GError **error)
{
    g_autoptr(Erasure) e = g_new0(Erasure, 1);

    if (!member_digest(object, ERASURE, "manifest", &e->manifest, error))
        return NULL;
    if (member_has(object, "of") == member_has(object, "reason"))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "%s: S18: want a reason or the tombstone that it follows, have %s", ERASURE,
                                member_has(object, "of") ? "both" : "neither");
    if (member_has(object, "of") ? !member_digest(object, ERASURE, "of", &e->of, error)
                                 : !text_read_lines(object, ERASURE, "S18", "reason", REASON_MAX, &e->reason, error))
        return NULL;
    return g_steal_pointer(&e);
}

Erasure *
erasure_parse(GBytes *record, GError **error)
{
    g_autoptr(json_t) object = body_parse(record, ERASURE, FALSE, members, error);

    return object ? read_all(object, error) : NULL;
}

GBytes *
erasure_format(const Digest *manifest, const char *reason, const Digest *of, GError **error)
{
    g_autoptr(json_t) object = json_object();
    g_autoptr(Erasure) again = NULL;

    body_write_digest(object, "manifest", manifest);
    text_write(object, "reason", reason);
    if (of)
        body_write_digest(object, "of", of);
    again = read_all(object, error);
    return again ? canonical_format(object, error) : NULL;
}

gboolean
erasure_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error)
{
    g_autoptr(Erasure) e = erasure_parse(body, error);

    if (e)
        *subject = e->manifest;
    return e != NULL;
}

/* The first of @node's; *@erasure is NULL if there is none. */
static gboolean
find(Catalogue *catalogue, const char *node, const Digest *manifest, Erasure **erasure, GError **error)
{
    g_autoptr(GPtrArray) all = catalogue_statements(catalogue, node, ERASURE, manifest, error);
    const Statement *first = all && all->len > 0 ? g_ptr_array_index(all, 0) : NULL;

    *erasure = NULL;
    if (!first)
        return all != NULL;
    *erasure = erasure_parse(first->body, error);
    if (!*erasure)
        return FALSE;
    g_strlcpy((*erasure)->node, first->record->node, sizeof (*erasure)->node);
    (*erasure)->record = first->record->address;
    (*erasure)->time = first->record->time;
    return TRUE;
}

/* What a follower gives as its reason is the word of the one it follows. */
static void
take_reason(Catalogue *catalogue, Erasure *erasure)
{
    g_autoptr(Record) record = catalogue_record(catalogue, &erasure->of, NULL);
    g_autoptr(Erasure) followed = record ? erasure_parse(record->bytes, NULL) : NULL;

    erasure->reason = g_strdup(followed && followed->reason ? followed->reason : "another node's tombstone");
}

gboolean
erasure_of(Catalogue *catalogue, const Manifest *manifest, const char *self, Erasure **erasure, GError **error)
{
    if (!find(catalogue, manifest->node, &manifest->address, erasure, error))
        return FALSE;
    if (!*erasure && self && !find(catalogue, self, &manifest->address, erasure, error))
        return FALSE;
    if (*erasure && !(*erasure)->reason)
        take_reason(catalogue, *erasure);
    return TRUE;
}

gboolean
erasure_stated(Catalogue *catalogue, const char *node, const Digest *manifest, gboolean *yes, GError **error)
{
    g_autoptr(Erasure) erasure = NULL;

    if (!find(catalogue, node, manifest, &erasure, error))
        return FALSE;
    *yes = erasure != NULL;
    return TRUE;
}
