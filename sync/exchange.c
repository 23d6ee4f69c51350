/* The exchange that begins a session, and its reply; W3, W4, W5, W17, W18, W22. */
#include <string.h>

#include "keys/error.h"
#include "manifests/ledger/checkpoint.h"
#include "manifests/statement.h"
#include "sync/wire_private.h"

/* ---- what both have ---- */

/* W3: no ledger twice. */
static gboolean
see_once(GHashTable *seen, const char *node, const char *what, GError **error)
{
    if (!g_hash_table_add(seen, g_strdup(node)))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: W3: want each ledger once, have %s twice", what, node);
    return TRUE;
}

static gboolean
check_ledger_count(gsize count, const char *what, GError **error)
{
    if (count > WIRE_LEDGERS_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: W3: want at most %d ledgers, have %zu", what, WIRE_LEDGERS_MAX, count);
    return TRUE;
}

/* W17: "NODE/fork NODE/rollback ...", as one string, so that a thousand of them are one member. */
static gboolean
read_evidence_name(const char *word, EvidenceName *name)
{
    const char *kind = word + NODE_ID_LENGTH;

    if (strlen(word) <= NODE_ID_LENGTH)
        return FALSE;
    memcpy(name->node, word, NODE_ID_LENGTH);
    name->node[NODE_ID_LENGTH] = '\0';
    name->rollback = strcmp(kind, "/rollback") == 0;
    return node_id_valid(name->node) && (name->rollback || strcmp(kind, "/fork") == 0);
}

static gboolean
bad_evidence(const char *what, const char *member, GError **error)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: W17: want 1 to %d words NODE/fork or NODE/rollback in \"%s\"", what, WIRE_EVIDENCE_MAX, member);
}

static gboolean
read_evidence(const json_t *root, const char *what, const char *member, GArray *names, GError **error)
{
    g_auto(GStrv) words = NULL;
    const char *text;

    if (!member_has(root, member))
        return TRUE;
    if (!member_string(root, what, member, WIRE_EVIDENCE_MAX * (NODE_ID_SIZE + strlen("/rollback")), &text, error))
        return FALSE;
    words = g_strsplit(text, " ", WIRE_EVIDENCE_MAX + 1);
    for (char **word = words; *word; word++) {
        EvidenceName name;

        if (names->len == WIRE_EVIDENCE_MAX || !read_evidence_name(*word, &name))
            return bad_evidence(what, member, error);
        g_array_append_val(names, name);
    }
    return names->len > 0 || bad_evidence(what, member, error);
}

/* What is empty is left out. */
static void
add_evidence(json_t *root, const char *member, const GArray *names)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < names->len && i < WIRE_EVIDENCE_MAX; i++) {
        const EvidenceName *name = &g_array_index(names, EvidenceName, i);

        g_string_append_printf(text, "%s%s/%s", i > 0 ? " " : "", name->node, name->rollback ? "rollback" : "fork");
    }
    if (text->len > 0)
        json_object_set_new(root, member, json_string(text->str));
}

/* ---- the exchange ---- */

static gboolean
read_position(const json_t *object, LedgerPosition *position, GError **error)
{
    const char *what = "exchange: ledger";

    position->rotated = member_has(object, "rotation");
    if (position->rotated && !member_digest(object, what, "rotation", &position->rotation, error))
        return FALSE;
    return wire_read_node(object, what, position->node, error) && wire_read_size(object, what, "size", &position->size, error) &&
           member_digest(object, what, "root", &position->root, error) && member_time(object, what, "time", &position->time, error);
}

static gboolean
read_positions(const json_t *root, const char *name, GArray *positions, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const json_t *array, *object;
    size_t i;

    if (!member_array(root, "exchange", name, WIRE_LEDGERS_MAX, &array, error))
        return FALSE;
    json_array_foreach(array, i, object) {
        LedgerPosition position;

        if (!read_position(object, &position, error) || !see_once(seen, position.node, "exchange", error))
            return FALSE;
        g_array_append_val(positions, position);
    }
    return TRUE;
}

/* W4 */
static gboolean
read_introduction(const json_t *root, Exchange *exchange, GError **error)
{
    const json_t *introduction;

    if (!member_has(root, "introduction"))
        return TRUE;
    if (!exchange->node[0])
        return chama_error(error, CHAMA_ERROR_MALFORMED, "exchange: W4: want a node beside the introduction");
    if (!member_object(root, "exchange", "introduction", &introduction, error))
        return FALSE;
    exchange->introduction = credentials_parse(introduction, "introduction", error);
    return exchange->introduction != NULL;
}

Exchange *
exchange_new(void)
{
    Exchange *exchange = g_new0(Exchange, 1);

    exchange->ledgers = g_array_new(FALSE, FALSE, sizeof(LedgerPosition));
    exchange->sparse = g_array_new(FALSE, FALSE, sizeof(LedgerPosition));
    exchange->evidence = g_array_new(FALSE, FALSE, sizeof(EvidenceName));
    return exchange;
}

void
exchange_free(Exchange *exchange)
{
    if (!exchange)
        return;
    credentials_free(exchange->introduction);
    g_array_unref(exchange->ledgers);
    g_array_unref(exchange->sparse);
    g_array_unref(exchange->evidence);
    g_free(exchange);
}

Exchange *
exchange_parse(GBytes *bytes, GError **error)
{
    g_autoptr(json_t) root = wire_parse(bytes, WIRE_EXCHANGE_MAX, "exchange/1", "exchange", error);
    g_autoptr(Exchange) exchange = exchange_new();

    if (!root || (member_has(root, "node") && !wire_read_node(root, "exchange", exchange->node, error)))
        return NULL;
    if (!read_introduction(root, exchange, error) || !wire_read_size(root, "exchange", "openings", &exchange->openings, error) ||
        (member_has(root, "revealed") && !wire_read_size(root, "exchange", "revealed", &exchange->revealed, error)) ||
        !read_positions(root, "ledgers", exchange->ledgers, error) || !read_positions(root, "sparse", exchange->sparse, error) ||
        !read_evidence(root, "exchange", "evidence", exchange->evidence, error))
        return NULL;
    if (!check_ledger_count(exchange->ledgers->len + exchange->sparse->len, "exchange", error))
        return NULL;
    return g_steal_pointer(&exchange);
}

static json_t *
positions_to_json(const GArray *positions)
{
    json_t *array = json_array();

    for (guint i = 0; i < positions->len; i++) {
        const LedgerPosition *position = &g_array_index(positions, LedgerPosition, i);
        char root[DIGEST_TEXT_SIZE], rotation[DIGEST_TEXT_SIZE], time[TIME_TEXT_SIZE];
        json_t *object = json_pack("{s:s, s:s, s:I, s:s}", "node", position->node, "root", digest_format(&position->root, root), "size",
                                   (json_int_t)position->size, "time", time_format(position->time, time));

        if (position->rotated)
            json_object_set_new(object, "rotation", json_string(digest_format(&position->rotation, rotation)));
        json_array_append_new(array, object);
    }
    return array;
}

GBytes *
exchange_format(const Exchange *exchange, GError **error)
{
    g_autoptr(json_t) root = NULL;

    if (!check_ledger_count(exchange->ledgers->len + exchange->sparse->len, "exchange", error))
        return NULL;
    root = json_pack("{s:s, s:I, s:o, s:o}", "type", "exchange/1", "openings", (json_int_t)exchange->openings, "ledgers",
                     positions_to_json(exchange->ledgers), "sparse", positions_to_json(exchange->sparse));
    if (exchange->revealed > 0)
        json_object_set_new(root, "revealed", json_integer((json_int_t)exchange->revealed));
    if (exchange->node[0])
        json_object_set_new(root, "node", json_string(exchange->node));
    if (exchange->introduction) {
        json_t *introduction = json_object();

        credentials_add(exchange->introduction, introduction);
        json_object_set_new(root, "introduction", introduction);
    }
    add_evidence(root, "evidence", exchange->evidence);
    return wire_format(root, "exchange", error);
}

/* ---- its reply ---- */

void
ledger_offer_free(LedgerOffer *offer)
{
    if (!offer)
        return;
    g_free(offer->checkpoint);
    g_free(offer);
}

/* What an offer and "yours" have in common; the caller's on success. */
static LedgerOffer *
read_offer(const json_t *object, GError **error)
{
    LedgerOffer read = { .whole = TRUE };
    const char *checkpoint;

    if (!wire_read_node(object, "reply: ledger", read.node, error) || !wire_read_size(object, "reply: ledger", "size", &read.size, error) ||
        !member_string(object, "reply: ledger", "checkpoint", NOTE_SIZE_MAX, &checkpoint, error))
        return NULL;
    read.checkpoint = g_strdup(checkpoint);
    return g_memdup2(&read, sizeof read);
}

static gboolean
read_access(const json_t *object, LedgerOffer *offer, GError **error)
{
    const char *access;

    if (!member_string(object, "reply: ledger", "access", 16, &access, error))
        return FALSE;
    offer->whole = strcmp(access, "whole") == 0;
    if (!offer->whole && strcmp(access, "sparse") != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "reply: ledger: W5: want access whole or sparse, have \"%s\"", access);
    return TRUE;
}

static gboolean
read_offers(const json_t *root, GPtrArray *offers, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const json_t *array, *object;
    size_t i;

    if (!member_array(root, "reply", "ledgers", WIRE_LEDGERS_MAX, &array, error))
        return FALSE;
    json_array_foreach(array, i, object) {
        LedgerOffer *offer = read_offer(object, error);

        if (!offer)
            return FALSE;
        g_ptr_array_add(offers, offer);
        if (!read_access(object, offer, error) || !see_once(seen, offer->node, "reply", error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
read_documents(const json_t *root, const char *name, gsize max, GPtrArray *documents, GError **error)
{
    const json_t *array, *string;
    size_t i;

    if (!member_array(root, "reply", name, max, &array, error))
        return FALSE;
    json_array_foreach(array, i, string) {
        if (!json_is_string(string) || json_string_length(string) > OPENING_SIZE_MAX)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "reply: W5: want openings as strings of at most %d bytes", OPENING_SIZE_MAX);
        g_ptr_array_add(documents, g_bytes_new(json_string_value(string), json_string_length(string)));
    }
    return TRUE;
}

static gboolean
read_openings(const json_t *root, ExchangeReply *reply, GError **error)
{
    return read_documents(root, "openings", WIRE_OPENINGS_MAX, reply->openings, error) &&
           (!member_has(root, "openings_next") || wire_read_size(root, "reply", "openings_next", &reply->openings_next, error)) &&
           (!member_has(root, "revealed") || read_documents(root, "revealed", WIRE_REVEALED_MAX, reply->revealed, error)) &&
           (!member_has(root, "revealed_next") || wire_read_size(root, "reply", "revealed_next", &reply->revealed_next, error));
}

/* W22. */
static gboolean
read_bring(const json_t *root, ExchangeReply *reply, GError **error)
{
    const json_t *bring = json_object_get(root, "bring");

    reply->bring = bring != NULL;
    return !bring || (wire_read_size(bring, "bring", "size", &reply->bring_size, error) && wire_read_size(bring, "bring", "openings", &reply->bring_openings, error));
}

static gboolean
read_peer_and_yours(const json_t *root, ExchangeReply *reply, GError **error)
{
    const json_t *peer = json_object_get(root, "peer"), *yours;

    if (!json_is_boolean(peer))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "reply: W5: want peer true or false");
    reply->peer = json_is_true(peer);
    if (!member_has(root, "yours"))
        return TRUE;
    if (!member_object(root, "reply", "yours", &yours, error))
        return FALSE;
    reply->yours = read_offer(yours, error);
    return reply->yours != NULL;
}

/* W18 */
static gboolean
read_seen(const json_t *root, ExchangeReply *reply, GError **error)
{
    const json_t *array, *note;
    size_t i;

    if (!member_has(root, "seen"))
        return TRUE;
    if (!member_array(root, "reply", "seen", WIRE_LEDGERS_MAX, &array, error))
        return FALSE;
    json_array_foreach(array, i, note) {
        if (!json_is_string(note) || json_string_length(note) > NOTE_SIZE_MAX)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "reply: W18: want signed notes of at most %d bytes in \"seen\"", NOTE_SIZE_MAX);
        g_ptr_array_add(reply->seen, g_strdup(json_string_value(note)));
    }
    return TRUE;
}

static void
add_seen(json_t *root, const GPtrArray *seen)
{
    json_t *array;

    if (seen->len == 0)
        return;
    array = json_array();
    for (guint i = 0; i < seen->len; i++)
        json_array_append_new(array, json_string(seen->pdata[i]));
    json_object_set_new(root, "seen", array);
}

ExchangeReply *
exchange_reply_new(void)
{
    ExchangeReply *reply = g_new0(ExchangeReply, 1);

    reply->ledgers = g_ptr_array_new_with_free_func((GDestroyNotify)ledger_offer_free);
    reply->openings = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    reply->revealed = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    reply->seen = g_ptr_array_new_with_free_func(g_free);
    reply->evidence = g_array_new(FALSE, FALSE, sizeof(EvidenceName));
    reply->evidence_wanted = g_array_new(FALSE, FALSE, sizeof(EvidenceName));
    return reply;
}

void
exchange_reply_free(ExchangeReply *reply)
{
    if (!reply)
        return;
    g_ptr_array_unref(reply->ledgers);
    g_ptr_array_unref(reply->openings);
    g_ptr_array_unref(reply->revealed);
    ledger_offer_free(reply->yours);
    g_ptr_array_unref(reply->seen);
    g_array_unref(reply->evidence);
    g_array_unref(reply->evidence_wanted);
    g_free(reply);
}

ExchangeReply *
exchange_reply_parse(GBytes *bytes, GError **error)
{
    g_autoptr(json_t) root = wire_parse(bytes, WIRE_EXCHANGE_MAX, "exchange-reply/1", "reply", error);
    g_autoptr(ExchangeReply) reply = exchange_reply_new();

    if (!root || !wire_read_node(root, "reply", reply->node, error) || !read_offers(root, reply->ledgers, error) ||
        !read_openings(root, reply, error) || !read_peer_and_yours(root, reply, error) || !read_seen(root, reply, error) || !read_bring(root, reply, error) ||
        !read_evidence(root, "reply", "evidence", reply->evidence, error) || !read_evidence(root, "reply", "evidence_wanted", reply->evidence_wanted, error))
        return NULL;
    return g_steal_pointer(&reply);
}

static json_t *
offer_to_json(const LedgerOffer *offer)
{
    return json_pack("{s:s, s:s, s:I}", "checkpoint", offer->checkpoint, "node", offer->node, "size", (json_int_t)offer->size);
}

static json_t *
offers_to_json(const GPtrArray *offers)
{
    json_t *array = json_array();

    for (guint i = 0; i < offers->len; i++) {
        const LedgerOffer *offer = offers->pdata[i];
        json_t *object = offer_to_json(offer);

        json_object_set_new(object, "access", json_string(offer->whole ? "whole" : "sparse"));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *
openings_to_json(const GPtrArray *openings)
{
    json_t *array = json_array();

    for (guint i = 0; i < openings->len; i++) {
        gsize size;
        const char *text = g_bytes_get_data(openings->pdata[i], &size);

        json_array_append_new(array, json_stringn(text, size));
    }
    return array;
}

GBytes *
exchange_reply_format(const ExchangeReply *reply, GError **error)
{
    g_autoptr(json_t) root = NULL;

    if (!check_ledger_count(reply->ledgers->len, "reply", error))
        return NULL;
    if (reply->openings->len > WIRE_OPENINGS_MAX)
        return chama_error_null(error, CHAMA_ERROR_LIMIT, "reply: W5: want at most %d openings, have %u", WIRE_OPENINGS_MAX, reply->openings->len);
    root = json_pack("{s:s, s:s, s:b, s:o, s:o}", "type", "exchange-reply/1", "node", reply->node, "peer", reply->peer, "ledgers",
                     offers_to_json(reply->ledgers), "openings", openings_to_json(reply->openings));
    if (!root)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "reply: W1: want text in UTF-8");
    if (reply->revealed->len > 0) {
        json_object_set_new(root, "revealed", openings_to_json(reply->revealed));
        json_object_set_new(root, "revealed_next", json_integer((json_int_t)reply->revealed_next));
    }
    if (reply->openings_next > 0)
        json_object_set_new(root, "openings_next", json_integer((json_int_t)reply->openings_next));
    if (reply->yours)
        json_object_set_new(root, "yours", offer_to_json(reply->yours));
    if (reply->bring)
        json_object_set_new(root, "bring", json_pack("{s:I, s:I}", "size", (json_int_t)reply->bring_size, "openings", (json_int_t)reply->bring_openings));
    add_seen(root, reply->seen);
    add_evidence(root, "evidence", reply->evidence);
    add_evidence(root, "evidence_wanted", reply->evidence_wanted);
    return wire_format(root, "reply", error);
}
