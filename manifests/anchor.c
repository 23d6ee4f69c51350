#include "manifests/anchor.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/body.h"

static const char *const members[] = { "ledgers", NULL };
static const char *const ledger_members[] = { "node", "root", "size", NULL };

/* S28 */
static gboolean
read_ledger(const json_t *object, Anchored *anchored, GError **error)
{
    const char *what = ANCHOR ": ledger";
    const char *node;
    gint64 size;

    if (!json_is_object(object))
        return chama_error(error, CHAMA_ERROR_MALFORMED, ANCHOR ": S28: want objects in \"ledgers\", have something else");
    if (!member_only(object, what, ledger_members, error) || !member_string(object, what, "node", NODE_ID_LENGTH, &node, error) ||
        !member_digest(object, what, "root", &anchored->root, error) || !member_integer(object, what, "size", 1, (gint64)RECORD_SEQ_MAX + 1, &size, error))
        return FALSE;
    if (!node_id_valid(node))
        return chama_error(error, CHAMA_ERROR_MALFORMED, ANCHOR ": S28: want a node id, have \"%s\"", node);
    g_strlcpy(anchored->node, node, sizeof anchored->node);
    anchored->size = (guint64)size;
    return TRUE;
}

/* S29: by node id, each once; not the node's own. */
static GArray *
read_ledgers(const json_t *object, const char *own, GError **error)
{
    g_autoptr(GArray) ledgers = g_array_new(FALSE, FALSE, sizeof(Anchored));
    const json_t *array, *item;
    size_t i;

    if (!member_array(object, ANCHOR, "ledgers", ANCHOR_LEDGERS_MAX, &array, error))
        return NULL;
    if (json_array_size(array) == 0)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, ANCHOR ": S29: want at least one ledger, have none");
    json_array_foreach(array, i, item) {
        Anchored anchored;

        if (!read_ledger(item, &anchored, error))
            return NULL;
        if (i > 0 && strcmp(g_array_index(ledgers, Anchored, i - 1).node, anchored.node) >= 0)
            return chama_error_null(error, CHAMA_ERROR_MALFORMED, ANCHOR ": S29: want ledgers in order of their ids, each once");
        if (own && strcmp(own, anchored.node) == 0)
            return chama_error_null(error, CHAMA_ERROR_MALFORMED, ANCHOR ": S29: want ledgers of others, have the node's own");
        g_array_append_val(ledgers, anchored);
    }
    return g_steal_pointer(&ledgers);
}

GArray *
anchor_parse(GBytes *record, GError **error)
{
    g_autoptr(json_t) object = body_parse(record, ANCHOR, FALSE, members, error);
    const char *own;

    return object && member_string(object, ANCHOR, "node", NODE_ID_LENGTH, &own, error) ? read_ledgers(object, own, error) : NULL;
}

GBytes *
anchor_format(const GArray *ledgers, GError **error)
{
    g_autoptr(json_t) object = json_object();
    g_autoptr(GArray) again = NULL;
    json_t *array = json_array();

    for (guint i = 0; i < ledgers->len; i++) {
        const Anchored *anchored = &g_array_index(ledgers, Anchored, i);
        json_t *entry = json_pack("{s:s, s:I}", "node", anchored->node, "size", (json_int_t)anchored->size);

        body_write_digest(entry, "root", &anchored->root);
        json_array_append_new(array, entry);
    }
    json_object_set_new(object, "ledgers", array);
    again = read_ledgers(object, NULL, error);
    return again ? canonical_format(object, error) : NULL;
}

gboolean
anchor_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error)
{
    g_autoptr(GArray) ledgers = anchor_parse(body, error);

    return ledgers != NULL;
}
