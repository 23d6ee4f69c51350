#include "sync/bundle/carrying.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/ledger/note.h"
#include "sync/pull/ledgers.h"

#define HELD_LINE DIGEST_HEX_SIZE
#define PATH_LINE_MAX 64
#define NOTE_PREFIX "chama-bundle/"
#define POSTED_COUNT_MAX 64

/* What may be posted this way: it is taken by the rules of its address. */
static const char *const addresses[] = { "/v1/arrivals", "/v1/cosignatures", "/v1/evidence" };

static gboolean
may_be_posted(const char *path)
{
    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
        if (strcmp(path, addresses[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Of others it is none of the receiver's business. */
static GBytes *
held_of(Home *home, const char *owner, GError **error)
{
    State *state = home_state(home, error);
    Catalogue *catalogue = state ? home_catalogue(home, error) : NULL;
    g_autoptr(GPtrArray) manifests = catalogue ? catalogue_manifests(catalogue, owner, error) : NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    char hex[DIGEST_HEX_SIZE];
    Held held;

    for (guint i = 0; manifests && i < manifests->len; i++) {
        const Manifest *manifest = manifests->pdata[i];

        if (state_held(state, &manifest->address, &held, NULL) && held.complete)
            g_string_append_printf(text, "%s\n", digest_format_hex(&manifest->address, hex));
    }
    return manifests ? g_string_free_to_bytes(g_steal_pointer(&text)) : NULL;
}

gboolean
carrying_put_holds(Making *making, GError **error)
{
    g_autoptr(Exchange) holds = pull_holds(making->home, making->peer->node, error);
    g_autoptr(GBytes) bytes = holds ? exchange_format(holds, error) : NULL, held = bytes ? held_of(making->home, making->peer->node, error) : NULL;

    return held && packing_add_common(making->packing, BUNDLE_HOLDS, bytes, error) && packing_add_common(making->packing, BUNDLE_HOLDS_VERSIONS, held, error);
}

/* From whom, to whom, and the digest of each file: what the log key signs.  No checkpoint begins so. */
static GString *
posted_head(const char *from, const char *to)
{
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, NOTE_PREFIX "posted\n%s\n%s\n", from, to);
    return text;
}

static void
append_digest(GString *text, GBytes *file)
{
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    digest_of_bytes(file, &digest);
    g_string_append_printf(text, "%s\n", digest_format_hex(&digest, hex));
}

/* The address, a line feed, the body. */
static GBytes *
posted_file(const Posted *posted)
{
    GByteArray *file = g_byte_array_new();

    g_byte_array_append(file, (const guint8 *)posted->path, (guint)strlen(posted->path));
    g_byte_array_append(file, (const guint8 *)"\n", 1);
    g_byte_array_append(file, g_bytes_get_data(posted->body, NULL), (guint)g_bytes_get_size(posted->body));
    return g_byte_array_free_to_bytes(file);
}

gboolean
carrying_put_posted(Making *making, GError **error)
{
    const GPtrArray *all = making->options->posted;
    g_autoptr(GString) text = posted_head(home_id(making->home), making->peer->node);
    g_autofree char *name = g_strconcat(NOTE_PREFIX, home_id(making->home), NULL), *note = NULL;
    Keypair *key = home_log_key(making->home, error);
    g_autoptr(GBytes) bytes = NULL;

    for (guint i = 0; key && i < all->len; i++) {
        g_autoptr(GBytes) file = posted_file(all->pdata[i]);
        g_autofree char *path = g_strdup_printf(BUNDLE_POSTED "%06u", i);

        append_digest(text, file);
        if (!packing_add_common(making->packing, path, file, error))
            return FALSE;
    }
    note = key ? note_sign(text->str, name, key, error) : NULL;
    if (!note)
        return FALSE;
    bytes = g_bytes_new(note, strlen(note));
    return packing_add_common(making->packing, BUNDLE_POSTED_NOTE, bytes, error);
}

static gboolean
read_held(Making *making, GBytes *bytes, GError **error)
{
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    for (gsize at = 0; at < size; at += HELD_LINE) {
        if (size - at < HELD_LINE || text[at + HELD_LINE - 1] != '\n')
            return chama_error(error, CHAMA_ERROR_MALFORMED, "versions held: B29: want lines of 64 digits, have another");
        memcpy(hex, text + at, HELD_LINE - 1);
        hex[HELD_LINE - 1] = '\0';
        if (!digest_parse_hex(hex, &digest, error))
            return FALSE;
        g_hash_table_add(making->held, g_memdup2(&digest, sizeof digest));
    }
    return TRUE;
}

/* One that is not sealed has only what its writer says of its receiver (B29). */
static gboolean
check_tells(const Parcel *parcel, gboolean own, GError **error)
{
    return own || parcel_has(parcel, BUNDLE_HOLDS) ||
           chama_error(error, CHAMA_ERROR_NOT_FOUND, "B30: want a bundle that was made here for the receiver, or one by the receiver that says what it holds (`chama bundle apply --receipt`); "
                       "have one by another node for anyone");
}

/* Who wrote it says whether it tells what the receiver will hold, or what the writer does. */
static gboolean
read_known(Making *making, Parcel *parcel, GError **error)
{
    g_autoptr(GBytes) reply_bytes = parcel_read(parcel, BUNDLE_EXCHANGE, error);
    g_autoptr(ExchangeReply) reply = reply_bytes ? exchange_reply_parse(reply_bytes, error) : NULL;
    gboolean own = reply && strcmp(reply->node, home_id(making->home)) == 0;
    g_autoptr(GBytes) bytes = reply && check_tells(parcel, own, error) ? parcel_read(parcel, own ? BUNDLE_KNOWN : BUNDLE_HOLDS, error) : NULL,
                      held = bytes ? parcel_read(parcel, own ? BUNDLE_KNOWN_VERSIONS : BUNDLE_HOLDS_VERSIONS, error) : NULL;
    Exchange *known = held ? exchange_parse(bytes, error) : NULL;

    if (!known)
        return FALSE;
    exchange_free(making->known);
    making->known = known;
    g_clear_pointer(&known->introduction, credentials_free);
    g_array_set_size(known->evidence, 0);
    if (!own && strcmp(known->node, reply->node) != 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, "B29: want what its writer holds, have what %s holds", known->node);
    return read_held(making, held, error);
}

gboolean
carrying_learn(Making *making, const char *path, GError **error)
{
    g_autoptr(Parcel) parcel = parcel_new();
    Volume *volume = volume_open(path, home_path(making->home), 0, error);

    if (!volume)
        return FALSE;
    parcel_add(parcel, volume);
    if (parcel_open(parcel, making->home, error) && read_known(making, parcel, error))
        return TRUE;
    g_prefix_error(error, "--since %s: ", path);
    return FALSE;
}

static gboolean
check_note(Home *home, Parcel *parcel, const char *node, const GPtrArray *files, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(Identity) identity = catalogue ? catalogue_identity(catalogue, node, NULL) : NULL;
    g_autoptr(GBytes) note = identity ? parcel_read(parcel, BUNDLE_POSTED_NOTE, error) : NULL;
    g_autoptr(GString) want = posted_head(node, home_id(home));
    g_autofree char *name = g_strconcat(NOTE_PREFIX, node, NULL);
    gsize size;

    if (!note)
        return identity ? FALSE : chama_error(error, CHAMA_ERROR_NOT_FOUND, "posted: B31: want the ledger of %s here", node);
    for (guint i = 0; i < files->len; i++)
        append_digest(want, files->pdata[i]);
    if (!note_open(g_bytes_get_data(note, NULL), g_bytes_get_size(note), name, &identity->log, &size, error))
        return FALSE;
    return (size == want->len && memcmp(g_bytes_get_data(note, NULL), want->str, size) == 0) ||
           chama_error(error, CHAMA_ERROR_VERIFY, "posted: B31: want what %s signed for this node, have something else", node);
}

static GPtrArray *
read_posted(Parcel *parcel, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

    for (guint i = 0; i < POSTED_COUNT_MAX; i++) {
        g_autofree char *path = g_strdup_printf(BUNDLE_POSTED "%06u", i);
        GBytes *bytes;

        if (!parcel_has(parcel, path))
            break;
        bytes = parcel_read(parcel, path, error);
        if (!bytes)
            return NULL;
        g_ptr_array_add(files, bytes);
    }
    return g_steal_pointer(&files);
}

/* As if the peer had called. */
static gboolean
post(Home *home, const Peer *peer, GBytes *file, GError **error)
{
    gsize size;
    const char *data = g_bytes_get_data(file, &size), *feed = memchr(data, '\n', MIN(size, PATH_LINE_MAX));
    g_autofree char *path = feed ? g_strndup(data, (gsize)(feed - data)) : NULL;
    g_autoptr(GBytes) body = feed ? g_bytes_new_from_bytes(file, (gsize)(feed - data) + 1, size - (gsize)(feed - data) - 1) : NULL, answered = NULL;
    AnswerRequest request = { .method = "POST", .path = path, .body = body, .has_pin = TRUE };
    g_autoptr(Answer) answer = NULL;

    if (!path || !may_be_posted(path))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "posted: B31: want an address that may be posted to, have another");
    request.pin = g_array_index(peer->pins, Digest, 0);
    answer = answer_new(home, &request);
    answered = answer_next(answer, error);
    if (answered && answer_status(answer) != 200)
        problem_read(answered, answer_status(answer), error);
    return answered && answer_status(answer) == 200;
}

gboolean
carrying_take_posted(Home *home, Parcel *parcel, const char *node, guint *taken, GError **error)
{
    g_autoptr(Peer) peer = peers_get(home, node, NULL);
    g_autoptr(GPtrArray) files = NULL;

    *taken = 0;
    if (!parcel_has(parcel, BUNDLE_POSTED_NOTE) || !peer || peer->status != PEER_ACCEPTED || peer->pins->len == 0)
        return TRUE;
    files = read_posted(parcel, error);
    if (!files || !check_note(home, parcel, node, files, error))
        return FALSE;
    for (guint i = 0; i < files->len; i++) {
        if (!post(home, peer, files->pdata[i], error))
            return FALSE;
        ++*taken;
    }
    return TRUE;
}
