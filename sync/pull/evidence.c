#include "sync/pull/evidence.h"

#include <string.h>

#include "keys/canonical.h"

static void
append_text(json_t *array, const char *text)
{
    if (text)
        json_array_append_new(array, json_string(text));
}

static void
append_record(json_t *array, const Record *record)
{
    g_autoptr(GBytes) entry = record ? record_entry(record) : NULL;
    gsize size;

    if (entry) {
        const char *text = g_bytes_get_data(entry, &size);

        json_array_append_new(array, json_stringn(text, size));
    }
}

static char *
format(const char *node, const char *kind, const Contradiction *contradiction, GError **error)
{
    g_autoptr(json_t) object = json_object();
    json_t *checkpoints = json_array(), *records = json_array();
    g_autoptr(GBytes) bytes = NULL;
    gsize size;

    append_text(checkpoints, contradiction->held_checkpoint);
    append_text(checkpoints, contradiction->offered_checkpoint);
    append_record(records, contradiction->held_record);
    append_record(records, contradiction->offered_record);
    json_object_set_new(object, "checkpoints", checkpoints);
    json_object_set_new(object, "kind", json_string(kind));
    json_object_set_new(object, "node", json_string(node));
    json_object_set_new(object, "records", records);
    json_object_set_new(object, "type", json_string("evidence/1"));
    bytes = canonical_format(object, error);
    if (!bytes)
        return NULL;
    size = g_bytes_get_size(bytes);
    return g_strndup(g_bytes_get_data(bytes, NULL), size);
}

static gboolean
is_known(const GPtrArray *all, const char *node, const char *kind)
{
    for (guint i = 0; i < all->len; i++) {
        const Evidence *evidence = all->pdata[i];

        if (strcmp(evidence->node, node) == 0 && strcmp(evidence->kind, kind) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean
evidence_keep(Home *home, const char *node, const char *kind, const Contradiction *contradiction, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GPtrArray) all = state ? state_evidence(state, error) : NULL;
    g_autofree char *text = NULL;

    if (!all)
        return FALSE;
    if (is_known(all, node, kind))
        return TRUE;
    text = format(node, kind, contradiction, error);
    return text && state_add_evidence(state, node, kind, text, g_get_real_time() / G_USEC_PER_SEC, error);
}
