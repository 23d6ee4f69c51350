/* POST /v1/exchange: E5 to E9 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "manifests/sightings.h"
#include "manifests/statements.h"
#include "sync/answer/answer_private.h"
#include "sync/evidence.h"
#include "sync/names.h"
#include "sync/peer.h"
#include "sync/reveal.h"
#include "sync/sparse.h"

#define NEWER_BY 3600                            /* seconds by which a checkpoint alone is worth an offer */
#define OPENINGS_SIZE_MAX (WIRE_EXCHANGE_MAX / 2)
#define REVEALED_SIZE_MAX (WIRE_EXCHANGE_MAX / 4)
#define REPLY_HEAD 4096                          /* all but offers and openings */
#define OFFER_HEAD 160                           /* an offer's members but for the note */
#define CONTACT_EVERY 300

typedef struct {
    Answer *answer;
    const Exchange *exchange;
    ExchangeReply *reply;
    gsize size;                  /* what the reply will take at most */
} Exchanging;

gsize
json_string_size(const char *text, gsize size)
{
    gsize total = 3;

    for (gsize i = 0; i < size; i++)
        total += text[i] == '"' || text[i] == '\\' || text[i] == '\n' ? 2 : (guchar)text[i] < 0x20 ? 6 : 1;
    return total;
}

static const LedgerPosition *
find_position(const GArray *positions, const char *node)
{
    for (guint i = 0; i < positions->len; i++) {
        const LedgerPosition *position = &g_array_index(positions, LedgerPosition, i);

        if (strcmp(position->node, node) == 0)
            return position;
    }
    return NULL;
}

/* E7: is there anything in it for the caller? */
static gboolean
is_news(const Standing *standing, const LedgerPosition *position)
{
    return !position || position->size != standing->size || !digest_equal(&position->root, &standing->root) ||
           standing->time > position->time + NEWER_BY;
}

/* E7: an accepted peer that holds all of the own ledger has not cosigned this checkpoint, as far as is known here: offered once more it is cosigned (PU21). */
static gboolean
is_uncosigned(const Exchanging *x, const Standing *standing)
{
    Home *home = x->answer->home;
    const Caller *caller = &x->answer->caller;

    return caller->accepted && find_position(x->exchange->ledgers, home_id(home)) && sightings_lacks(home, home_id(home), standing->note, caller->node);
}

/* The offer, or NULL if the reply has no room for it. */
static LedgerOffer *
make_offer(Exchanging *x, const char *node, gboolean whole, Standing *standing)
{
    LedgerOffer *offer;
    gsize size;

    standing_add_cosignatures(x->answer->home, node, standing);
    size = OFFER_HEAD + json_string_size(standing->note, strlen(standing->note));
    if (x->size + size > WIRE_EXCHANGE_MAX)
        return NULL;
    x->size += size;
    offer = g_new0(LedgerOffer, 1);
    g_strlcpy(offer->node, node, sizeof offer->node);
    offer->whole = whole;
    offer->size = standing->size;
    offer->checkpoint = g_steal_pointer(&standing->note);
    return offer;
}

static gboolean
offer_own(Exchanging *x, GError **error)
{
    Home *home = x->answer->home;
    gboolean whole = access_to_ledger(home, &x->answer->caller, home_id(home));
    g_auto(Standing) standing = { 0 };
    LedgerOffer *offer;

    if (!standing_of(home, home_id(home), &standing, error))
        return FALSE;
    if (!is_news(&standing, find_position(whole ? x->exchange->ledgers : x->exchange->sparse, home_id(home))) && !is_uncosigned(x, &standing))
        return TRUE;
    offer = make_offer(x, home_id(home), whole, &standing);
    if (offer)
        g_ptr_array_add(x->reply->ledgers, offer);
    return TRUE;
}

/* A shorter copy is no news, unless it has a rotation that the caller does not know (N14). */
static gboolean
is_stale(const Standing *standing, const LedgerPosition *position)
{
    if (!position || standing->size >= position->size)
        return FALSE;
    return !standing->rotated || (position->rotated && digest_equal(&standing->rotation, &position->rotation));
}

/* What the caller said that it holds of it, whole or sparse; NULL if nothing. */
static const LedgerPosition *
position_named(const Exchange *exchange, const char *node)
{
    const LedgerPosition *position = find_position(exchange->ledgers, node);

    return position ? position : find_position(exchange->sparse, node);
}

/* W18: the caller holds more, so that only it can compare; or its root is not that of as many records here. */
static gboolean
may_differ(Home *home, const char *node, const Standing *standing, const LedgerPosition *position)
{
    Ledger *ledger = home_peer_ledger(home, node, NULL);
    Digest root;

    return standing->size < position->size || !ledger || !ledger_root(ledger, position->size, &root, NULL) || !digest_equal(&root, &position->root);
}

static void
tell_of(Exchanging *x, const char *node, Standing *standing)
{
    gsize size = json_string_size(standing->note, strlen(standing->note));

    if (x->size + size > WIRE_EXCHANGE_MAX || x->reply->seen->len + x->reply->ledgers->len >= WIRE_LEDGERS_MAX)
        return;
    x->size += size;
    g_ptr_array_add(x->reply->seen, g_steal_pointer(&standing->note));
}

/* E7: a ledger of a third party, as its profile allows; if it is not offered, an accepted peer that names it is told of the checkpoint where the two may
 * differ.  One that cannot be read is left out: the others are not its fault. */
static void
offer_relayed(Exchanging *x, const char *node)
{
    const Caller *caller = &x->answer->caller;
    const LedgerPosition *position = find_position(x->exchange->ledgers, node), *named = caller->accepted ? position_named(x->exchange, node) : NULL;
    gboolean may = strcmp(node, caller->node) != 0 && access_to_ledger(x->answer->home, caller, node);
    g_auto(Standing) standing = { 0 };
    LedgerOffer *offer;

    if (strcmp(node, caller->node) == 0 || (!may && !named) || !standing_of(x->answer->home, node, &standing, NULL))
        return;
    /* a shorter copy is stale, and no news */
    if (!may || !is_news(&standing, position) || is_stale(&standing, position)) {
        if (named && may_differ(x->answer->home, node, &standing, named))
            tell_of(x, node, &standing);
        return;
    }
    offer = make_offer(x, node, TRUE, &standing);
    if (offer)
        g_ptr_array_add(x->reply->ledgers, offer);
}

static gboolean
offer_others(Exchanging *x, GError **error)
{
    g_autoptr(GPtrArray) nodes = home_ledgers(x->answer->home, error);

    for (guint i = 1; nodes && i < nodes->len && x->reply->ledgers->len < WIRE_LEDGERS_MAX; i++)
        offer_relayed(x, nodes->pdata[i]);
    return nodes != NULL;
}

/* W18: two that were shown open parts alone are to find out as well.  Each costs the reading of a file. */
static void
tell_of_open_part(Exchanging *x, const char *node)
{
    Home *home = x->answer->home;
    const LedgerPosition *named = position_named(x->exchange, node);
    Ledger *whole = named ? home_peer_ledger(home, node, NULL) : NULL;
    g_auto(Standing) standing = { 0 };
    gint64 time;

    if (!named || strcmp(node, x->answer->caller.node) == 0 || (whole && ledger_head(whole)->size > 0) ||
        !sparse_position(home, node, &standing.size, &standing.root, &time, NULL) || standing.size == 0)
        return;
    if (standing.size != named->size || !digest_equal(&standing.root, &named->root))
        standing.note = sparse_checkpoint(home, node);
    if (standing.note)
        tell_of(x, node, &standing);
}

static gboolean
tell_of_open_parts(Exchanging *x, GError **error)
{
    g_autoptr(GPtrArray) nodes = sparse_nodes(x->answer->home, error);
    gsize bytes = 0;

    for (guint i = 0; nodes && i < nodes->len; i++) {
        if (!position_named(x->exchange, nodes->pdata[i]))
            continue;
        bytes += sparse_size(x->answer->home, nodes->pdata[i]);
        if (bytes <= SPARSE_SIZE_MAX)
            tell_of_open_part(x, nodes->pdata[i]);
    }
    return nodes != NULL;
}

/* E8: what is held here of the caller's own ledger, so that a node restored from an old backup learns of it, with the cosignatures of it. */
static void
offer_yours(Exchanging *x)
{
    const char *node = x->answer->caller.node;
    g_auto(Standing) standing = { 0 };
    gsize bare;

    if (!node[0] || !standing_of(x->answer->home, node, &standing, NULL))
        return;
    bare = strlen(standing.note);
    standing_add_cosignatures(x->answer->home, node, &standing);
    if (is_news(&standing, find_position(x->exchange->ledgers, node)) || strlen(standing.note) > bare)
        x->reply->yours = make_offer(x, node, TRUE, &standing);
}

/* FALSE if the reply has no room for another. */
static gboolean
add_opening(Exchanging *x, GBytes *opening, gsize *used)
{
    gsize size = json_string_size(g_bytes_get_data(opening, NULL), g_bytes_get_size(opening));

    if (*used + size > OPENINGS_SIZE_MAX || x->reply->openings->len == WIRE_OPENINGS_MAX)
        return FALSE;
    *used += size;
    x->size += size;
    g_ptr_array_add(x->reply->openings, g_bytes_ref(opening));
    return TRUE;
}

/* E9: what was sealed for the caller, to the caller alone. */
static gboolean
add_openings(Exchanging *x, GError **error)
{
    Home *home = x->answer->home;
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GArray) places = catalogue ? catalogue_openings_for(catalogue, home_id(home), x->answer->caller.node, x->exchange->openings,
                                                                  WIRE_OPENINGS_MAX + 1, error)
                                         : NULL;
    gsize used = 0;

    for (guint i = 0; places && i < places->len; i++) {
        const OpeningPlace *place = &g_array_index(places, OpeningPlace, i);
        g_autoptr(GBytes) opening = home_opening(home, &place->record, NULL);

        if (opening && !add_opening(x, opening, &used)) {
            x->reply->openings_next = place->seq;
            break;
        }
    }
    return places != NULL;
}

/* E6: the keys that the inception and the rotations name signed the profile, which names the TLS key that the caller showed.  What is known here already
 * goes before what is shown. */
static Profile *
verify_introduction(Exchanging *x, GError **error)
{
    Catalogue *catalogue = home_catalogue(x->answer->home, error);
    g_autoptr(Identity) known = catalogue ? catalogue_identity(catalogue, x->exchange->node, NULL) : NULL;
    g_autoptr(Identity) identity = NULL;

    return catalogue ? credentials_verify(x->exchange->introduction, x->exchange->node, known, "introduction: E6", &identity, error) : NULL;
}

/* @pin: of the TLS key that the caller showed; NULL where the road proves who it is (A15) and shows no key. */
static Peer *
peer_introduced(Exchanging *x, const Digest *pin, GError **error)
{
    g_autoptr(Profile) profile = verify_introduction(x, error);
    g_autoptr(Peer) peer = peer_new();
    gboolean shown = !pin;

    if (!profile)
        return NULL;
    g_strlcpy(peer->node, x->exchange->node, sizeof peer->node);
    peer->name = name_of_profile(profile);
    for (guint i = 0; i < profile->addresses->len; i++)
        peer_add_url(peer->urls, profile->addresses->pdata[i]);
    for (guint i = 0; i < profile->pins->len && i < PEER_PINS_MAX; i++) {
        g_array_append_val(peer->pins, g_array_index(profile->pins, Digest, i));
        shown = shown || digest_equal(&g_array_index(profile->pins, Digest, i), pin);
    }
    if (!shown)
        return chama_error_null(error, CHAMA_ERROR_VERIFY, "introduction: E6: want the TLS key that the caller showed in its profile");
    return g_steal_pointer(&peer);
}

static gboolean
meet_stranger(Exchanging *x, const AnswerRequest *request, GError **error)
{
    g_autoptr(Peer) peer = NULL;

    if ((!request->node && !request->has_pin) || !x->exchange->node[0])
        return TRUE;
    if (!request->node)
        access_prove(x->answer->home, &request->pin, x->exchange->node, &x->answer->caller);
    if (!x->exchange->introduction)
        return TRUE;
    peer = peer_introduced(x, request->node ? NULL : &request->pin, error);
    return peer && peers_note_pending(x->answer->home, peer, error);
}

/* A peer without addresses is known to be alive only by its calls. */
static void
note_call(Exchanging *x)
{
    g_autoptr(Peer) peer = peers_get(x->answer->home, x->answer->caller.node, NULL);

    if (peer && peer->urls->len == 0 && peer->last_contact + CONTACT_EVERY < g_get_real_time() / G_USEC_PER_SEC)
        peers_note_contact(x->answer->home, peer->node, NULL, NULL);
}

/* W17, PU22: what either side can show and the other lacks. */
static gboolean
tell_of_evidence(Exchanging *x, GError **error)
{
    Home *home = x->answer->home;
    GArray *names = evidence_names(home, error);
    GArray *lacking = names ? evidence_lacking(home, x->answer->caller.node, x->exchange->evidence, error) : NULL;

    if (!lacking) {
        g_clear_pointer(&names, g_array_unref);
        return FALSE;
    }
    g_array_unref(x->reply->evidence);
    g_array_unref(x->reply->evidence_wanted);
    x->reply->evidence = names;
    x->reply->evidence_wanted = lacking;
    x->size += (names->len + lacking->len) * (NODE_ID_SIZE + strlen("/rollback"));
    return TRUE;
}

/* E30: what a person here shows to the caller beyond its audience, of any ledger. */
static gboolean
add_revealed(Exchanging *x, GError **error)
{
    Home *home = x->answer->home;
    g_autoptr(GArray) all = reveal_for(home, x->answer->caller.node, x->exchange->revealed, WIRE_REVEALED_MAX, error);
    gsize used = 0;

    for (guint i = 0; all && i < all->len; i++) {
        const Revelation *revelation = &g_array_index(all, Revelation, i);
        g_autoptr(GBytes) opening = home_opening(home, &revelation->record, NULL);
        gsize size = opening ? json_string_size(g_bytes_get_data(opening, NULL), g_bytes_get_size(opening)) : 0;

        if (used + size > REVEALED_SIZE_MAX)
            break;
        used += size;
        x->size += size;
        x->reply->revealed_next = revelation->number + 1;
        if (opening)
            g_ptr_array_add(x->reply->revealed, g_steal_pointer(&opening));
    }
    return all != NULL;
}

gboolean
exchange_ask_to_bring(Home *home, const char *node, ExchangeReply *reply, GError **error)
{
    g_autoptr(Peer) peer = peers_get(home, node, error);
    Ledger *ledger = peer ? home_peer_ledger(home, node, NULL) : NULL;

    if (!peer)
        return FALSE;
    reply->bring = peer->urls->len == 0 || peer->last_error;
    reply->bring_size = ledger ? ledger_head(ledger)->size : 0;
    reply->bring_openings = peer->openings;
    return TRUE;
}

ExchangeReply *
exchange_reply_to(Home *home, const char *node, guint64 size, guint64 openings, GError **error)
{
    Answer answer = { .home = home, .caller = { .accepted = TRUE } };
    const LedgerPosition position = { .size = size };
    g_autoptr(Exchange) exchange = exchange_new();
    g_autoptr(ExchangeReply) reply = exchange_reply_new();
    Exchanging x = { &answer, exchange, reply, REPLY_HEAD };

    g_strlcpy(answer.caller.node, node, sizeof answer.caller.node);
    exchange->openings = openings;
    if (size > 0) {
        g_array_append_val(exchange->ledgers, position);
        g_strlcpy(g_array_index(exchange->ledgers, LedgerPosition, 0).node, home_id(home), NODE_ID_SIZE);
    }
    g_strlcpy(reply->node, home_id(home), sizeof reply->node);
    reply->peer = TRUE;
    return offer_own(&x, error) && add_openings(&x, error) ? g_steal_pointer(&reply) : NULL;
}

static gboolean
fill_reply(Exchanging *x, const AnswerRequest *request, GError **error)
{
    const Caller *caller = &x->answer->caller;

    /* before the exchange itself a caller is known as an accepted peer, or by the road */
    if (caller->node[0] && x->exchange->node[0] && strcmp(x->exchange->node, caller->node) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "exchange: E5: want node %s, whose TLS key (or --as in authorized_keys) it is, have %s: a copied home, or the key of another node", caller->node, x->exchange->node);
    if (!caller->accepted && !meet_stranger(x, request, error))
        return FALSE;
    if (caller->accepted)
        note_call(x);
    g_strlcpy(x->reply->node, home_id(x->answer->home), sizeof x->reply->node);
    x->reply->peer = caller->accepted;
    if (!offer_own(x, error) || (caller->accepted && (!tell_of_evidence(x, error) || !exchange_ask_to_bring(x->answer->home, caller->node, x->reply, error))))
        return FALSE;
    offer_yours(x);
    return (!caller->accepted || (add_openings(x, error) && add_revealed(x, error))) && offer_others(x, error) &&
           (!caller->accepted || tell_of_open_parts(x, error));
}

gboolean
answer_exchange(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    g_autoptr(Exchange) exchange = exchange_parse(request->body, error);
    g_autoptr(ExchangeReply) reply = exchange_reply_new();
    Exchanging x = { answer, exchange, reply, REPLY_HEAD };
    GBytes *bytes;

    if (!exchange || !fill_reply(&x, request, error))
        return FALSE;
    bytes = exchange_reply_format(reply, error);
    if (bytes)
        answer_set_body(answer, "application/json", bytes);
    return bytes != NULL;
}
