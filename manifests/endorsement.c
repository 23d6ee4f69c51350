#include "manifests/endorsement.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/body.h"
#include "manifests/text.h"

static const char *const members[] = { "body", "note", NULL };

void
endorsement_free(Endorsement *endorsement)
{
    if (!endorsement)
        return;
    g_free(endorsement->note);
    g_free(endorsement);
}

static Endorsement *
read_all(const json_t *object, GError **error)
{
    g_autoptr(Endorsement) e = g_new0(Endorsement, 1);

    if (!member_digest(object, ENDORSEMENT, "body", &e->body, error))
        return NULL;
    if (member_has(object, "note") && !text_read_lines(object, ENDORSEMENT, "S20", "note", ENDORSEMENT_NOTE_MAX, &e->note, error))
        return NULL;
    return g_steal_pointer(&e);
}

Endorsement *
endorsement_parse(GBytes *record, GError **error)
{
    g_autoptr(json_t) object = body_parse(record, ENDORSEMENT, FALSE, members, error);

    return object ? read_all(object, error) : NULL;
}

GBytes *
endorsement_format(const Digest *body, const char *note, GError **error)
{
    g_autoptr(json_t) object = json_object();
    g_autoptr(Endorsement) again = NULL;

    body_write_digest(object, "body", body);
    text_write(object, "note", note);
    again = read_all(object, error);
    return again ? canonical_format(object, error) : NULL;
}

gboolean
endorsement_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error)
{
    g_autoptr(Endorsement) e = endorsement_parse(body, error);

    if (e)
        *subject = e->body;
    return e != NULL;
}

GPtrArray *
endorsements_of(Catalogue *catalogue, const Digest *body, GError **error)
{
    g_autoptr(GPtrArray) statements = catalogue_statements(catalogue, NULL, ENDORSEMENT, body, error);
    GPtrArray *all = statements ? g_ptr_array_new_with_free_func((GDestroyNotify)endorsement_free) : NULL;

    for (guint i = 0; statements && i < statements->len; i++) {
        const Statement *statement = g_ptr_array_index(statements, i);
        const Endorsement *last = all->len > 0 ? g_ptr_array_index(all, all->len - 1) : NULL;
        Endorsement *e = last && strcmp(last->node, statement->record->node) == 0 ? NULL : endorsement_parse(statement->body, NULL);

        if (!e)
            continue;
        g_strlcpy(e->node, statement->record->node, sizeof e->node);
        e->record = statement->record->address;
        e->time = statement->record->time;
        g_ptr_array_add(all, e);
    }
    return all;
}
