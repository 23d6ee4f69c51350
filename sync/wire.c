/* What the documents of the protocol have in common (W1, W2), and the short ones: comparisons, arrivals, the header that shows a grant. */
#include "sync/wire_private.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/ledger/checkpoint.h"
#include "sync/decimal.h"

json_t *
wire_parse(GBytes *bytes, gsize limit, const char *type, const char *what, GError **error)
{
    gsize size = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    g_autoptr(json_t) root = canonical_parse(size > 0 ? data : "", size, limit, what, error);
    const char *found;

    if (!root)
        return NULL;
    if (!json_is_object(root))
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "%s: W1: want an object", what);
    if (!member_string(root, what, "type", RECORD_TYPE_MAX, &found, error))
        return NULL;
    if (strcmp(found, type) != 0)
        return chama_error_null(error, CHAMA_ERROR_UNSUPPORTED, "%s: W1: want type %s, have %s", what, type, found);
    return g_steal_pointer(&root);
}

GBytes *
wire_format(const json_t *root, const char *what, GError **error)
{
    g_autoptr(GBytes) bytes = canonical_format(root, error);

    if (!bytes) {
        g_prefix_error(error, "%s: W1: ", what);
        return NULL;
    }
    if (g_bytes_get_size(bytes) > WIRE_EXCHANGE_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "%s: W1: want at most %d bytes, have %zu", what, WIRE_EXCHANGE_MAX, g_bytes_get_size(bytes));
    return g_steal_pointer(&bytes);
}

gboolean
wire_read_node(const json_t *object, const char *what, char node[NODE_ID_SIZE], GError **error)
{
    const char *text;

    if (!member_string(object, what, "node", NODE_ID_LENGTH, &text, error))
        return FALSE;
    if (!node_id_valid(text))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: W2: want a node id, have \"%s\"", what, text);
    memcpy(node, text, NODE_ID_SIZE);
    return TRUE;
}

gboolean
wire_read_size(const json_t *object, const char *what, const char *name, guint64 *size, GError **error)
{
    gint64 number;

    if (!member_integer(object, what, name, 0, (gint64)DECIMAL_MAX, &number, error))
        return FALSE;
    *size = (guint64)number;
    return TRUE;
}

/* ---- comparisons ---- */

Comparison *
comparison_new(void)
{
    Comparison *comparison = g_new0(Comparison, 1);

    comparison->hashes = g_array_new(FALSE, FALSE, sizeof(Digest));
    return comparison;
}

void
comparison_free(Comparison *comparison)
{
    if (!comparison)
        return;
    g_free(comparison->checkpoint);
    g_array_unref(comparison->hashes);
    g_free(comparison);
}

static gboolean
read_hashes(const json_t *root, GArray *hashes, GError **error)
{
    const json_t *array, *item;
    size_t i;

    if (!member_array(root, "comparison", "hashes", WIRE_PROOF_MAX, &array, error))
        return FALSE;
    json_array_foreach(array, i, item) {
        const char *text = json_string_value(item);
        g_autoptr(GBytes) bytes = text ? base64_parse(text, json_string_length(item), DIGEST_SIZE, NULL) : NULL;
        Digest hash;

        if (!bytes || g_bytes_get_size(bytes) != DIGEST_SIZE)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "comparison: E29: want hashes of 32 bytes in base64");
        memcpy(hash.bytes, g_bytes_get_data(bytes, NULL), DIGEST_SIZE);
        g_array_append_val(hashes, hash);
    }
    return TRUE;
}

/* E29 */
Comparison *
comparison_parse(GBytes *bytes, GError **error)
{
    g_autoptr(json_t) root = wire_parse(bytes, WIRE_COMPARISON_MAX, "comparison/1", "comparison", error);
    g_autoptr(Comparison) comparison = comparison_new();
    const char *note;

    if (!root || !member_string(root, "comparison", "checkpoint", NOTE_SIZE_MAX, &note, error))
        return NULL;
    comparison->checkpoint = g_strdup(note);
    comparison->has_root = member_has(root, "root");
    if (comparison->has_root && (!member_digest(root, "comparison", "root", &comparison->root, error) || !read_hashes(root, comparison->hashes, error)))
        return NULL;
    return g_steal_pointer(&comparison);
}

GBytes *
comparison_format(const Comparison *comparison, GError **error)
{
    g_autoptr(json_t) root = json_pack("{s:s, s:s}", "checkpoint", comparison->checkpoint, "type", "comparison/1");
    json_t *hashes = json_array();
    char text[DIGEST_TEXT_SIZE];

    for (guint i = 0; i < comparison->hashes->len; i++) {
        g_autofree char *hash = base64_format(g_array_index(comparison->hashes, Digest, i).bytes, DIGEST_SIZE);

        json_array_append_new(hashes, json_string(hash));
    }
    if (comparison->has_root) {
        json_object_set_new(root, "root", json_string(digest_format(&comparison->root, text)));
        json_object_set(root, "hashes", hashes);
    }
    json_decref(hashes);
    return wire_format(root, "comparison", error);
}

/* ---- a grant, shown ---- */

/* W6 */
GBytes *
grant_header_parse(const char *value, GError **error)
{
    gsize size = strlen(value);
    GBytes *opening;

    if (size == 0 || size > WIRE_GRANT_HEADER_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "Chama-Grant: W6: want 1 to %d bytes, have %zu", WIRE_GRANT_HEADER_MAX, size);
    opening = base64_parse(value, size, WIRE_GRANT_HEADER_MAX, error);
    if (!opening)
        g_prefix_error(error, "Chama-Grant: W6: ");
    return opening;
}

char *
grant_header_format(GBytes *opening)
{
    gsize size;
    const void *data = g_bytes_get_data(opening, &size);

    return base64_format(data, size);
}

/* ---- arrivals ---- */

static const char arrivals_type[] = "arrivals/1", arrivals_reply_type[] = "arrivals-reply/1";

static gboolean
read_claim(const json_t *object, ArrivalClaim *claim, GError **error)
{
    static const char what[] = "arrivals: arrival";
    const char *transfer;

    return member_digest(object, what, "manifest", &claim->manifest, error) && member_string(object, what, "transfer", TRANSFER_ID_TEXT - 1, &transfer, error) &&
           transfer_id_parse(transfer, &claim->transfer, error);
}

/* W19 */
GArray *
arrivals_parse(GBytes *bytes, GError **error)
{
    g_autoptr(json_t) root = wire_parse(bytes, WIRE_EXCHANGE_MAX, arrivals_type, "arrivals", error);
    g_autoptr(GArray) arrivals = g_array_new(FALSE, FALSE, sizeof(ArrivalClaim));
    const json_t *array, *object;
    size_t i;

    if (!root || !member_array(root, "arrivals", "arrivals", WIRE_ARRIVALS_MAX, &array, error))
        return NULL;
    json_array_foreach(array, i, object) {
        ArrivalClaim claim;

        if (!read_claim(object, &claim, error))
            return NULL;
        g_array_append_val(arrivals, claim);
    }
    return g_steal_pointer(&arrivals);
}

GBytes *
arrivals_format(const GArray *arrivals, GError **error)
{
    json_t *array = json_array();
    g_autoptr(json_t) root = json_pack("{s:o, s:s}", "arrivals", array, "type", arrivals_type);

    for (guint i = 0; i < arrivals->len; i++) {
        const ArrivalClaim *claim = &g_array_index(arrivals, ArrivalClaim, i);
        char manifest[DIGEST_TEXT_SIZE];

        json_array_append_new(array, json_pack("{s:s, s:s}", "manifest", digest_format(&claim->manifest, manifest), "transfer", claim->transfer.text));
    }
    return wire_format(root, "arrivals", error);
}

gboolean
arrivals_reply_parse(GBytes *bytes, ArrivalsReply *reply, GError **error)
{
    g_autoptr(json_t) root = wire_parse(bytes, WIRE_ARRIVALS_REPLY_MAX, arrivals_reply_type, "arrivals reply", error);

    return root && wire_read_size(root, "arrivals reply", "known", &reply->known, error) && wire_read_size(root, "arrivals reply", "stated", &reply->stated, error);
}

GBytes *
arrivals_reply_format(const ArrivalsReply *reply, GError **error)
{
    g_autoptr(json_t) root = json_pack("{s:I, s:I, s:s}", "known", (json_int_t)reply->known, "stated", (json_int_t)reply->stated, "type", arrivals_reply_type);

    return wire_format(root, "arrivals reply", error);
}
