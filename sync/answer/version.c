/* GET /v1/versions/MANIFEST/content and /details, POST /pages and /chunks: E12 to E16 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "sync/answer/answer_private.h"
#include "sync/answer/serving.h"
#include "sync/transfers.h"

/* Who may be behind a key that no accepted peer has: the one that the opening speaks of, the owner, one with a grant of this dataset. */
static void
prove_caller(Answer *answer, const AnswerRequest *request, const Manifest *manifest, GBytes *opening)
{
    Catalogue *catalogue = home_catalogue(answer->home, NULL);
    g_autoptr(Opening) shown = opening ? opening_parse(opening, NULL) : NULL;
    g_autoptr(GPtrArray) rows = NULL;
    Grant grant;

    if (!request->has_pin || answer->caller.node[0] || !catalogue)
        return;
    if (shown && grant_parse_body(shown->body, &grant, NULL) && access_prove(answer->home, &request->pin, grant.grantee, &answer->caller))
        return;
    if (access_prove(answer->home, &request->pin, manifest->node, &answer->caller))
        return;
    rows = catalogue_grants(catalogue, manifest->node, manifest->name, NULL, NULL);
    for (guint i = 0; rows && i < rows->len; i++)
        if (access_prove(answer->home, &request->pin, ((GrantRow *)rows->pdata[i])->grant.grantee, &answer->caller))
            return;
}

/* E12: this node holds this version, not only bytes that it names: what was open once lies in the store as everyone's, and a manifest of another that
 * names it would serve what its owner has closed since. */
static gboolean
check_held(Home *home, const Manifest *manifest, GError **error)
{
    State *state = home_state(home, error);
    g_autoptr(GError) failed = NULL;
    Held held;

    if (!state)
        return FALSE;
    if (state_held(state, &manifest->address, &held, &failed))
        return TRUE;
    if (!failed)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s@%" G_GUINT64_FORMAT ": E12: want a version that is held here", manifest->name, manifest->version);
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

/* E12: the manifest that the path names, if the caller may have its content; what is refused is not found.  *@grant: the record of the grant under which it may,
 * all zero if it needs none. */
static Manifest *
find_manifest(Answer *answer, const AnswerRequest *request, const char *hex, Digest *grant, GError **error)
{
    g_autoptr(GBytes) opening = NULL;
    g_autoptr(Manifest) manifest = NULL;
    Catalogue *catalogue = home_catalogue(answer->home, error);
    const char *reason;
    Digest address;

    if (request->grant && !(opening = grant_header_parse(request->grant, error)))
        return NULL;
    if (!catalogue || !digest_parse_hex(hex, &address, NULL))
        return catalogue ? chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: want a digest in hex", hex) : NULL;
    manifest = catalogue_manifest(catalogue, &address, error);
    if (!manifest)
        return NULL;
    prove_caller(answer, request, manifest, opening);
    if (access_to_version(answer->home, &answer->caller, manifest, opening, grant, &reason))
        return check_held(answer->home, manifest, error) ? g_steal_pointer(&manifest) : NULL;
    answer_set_remark(answer, reason);
    return chama_error_null(error, CHAMA_ERROR_DENIED, "%s@%" G_GUINT64_FORMAT ": %s", manifest->name, manifest->version, reason);
}

/* PU26: what is given under a grant is noted before the first byte leaves.  If it cannot be, the content is given none the less: a receiver with a grant does
 * not wait for this node's disk. */
static Manifest *
find_to_give(Answer *answer, const AnswerRequest *request, const char *hex, GError **error)
{
    static const Digest none;
    g_autoptr(GError) failed = NULL;
    Digest grant = none;
    Manifest *manifest = find_manifest(answer, request, hex, &grant, error);

    if (manifest && !digest_equal(&grant, &none) && !transfers_note_served(answer->home, &manifest->address, answer->caller.node, &grant, &failed))
        answer_set_remark(answer, failed->message);
    return manifest;
}

/* The scope, listing and details of a version, as far as its documents are here. */
typedef struct {
    Scope scope;
    Digest listing, details;
} Roots;

/* Only what is held for a version of this owner (E12): a manifest that names what belongs to others opens nothing. */
static GBytes *
get_held(Home *home, const Digest *digest, const Scope *scope, GError **error)
{
    Store *store = home_store(home, error);

    if (!store)
        return NULL;
    if (!store_has(store, digest, scope))
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "version: its content is not held here");
    return store_get(store, digest, error);
}

static gboolean
find_roots(Home *home, const Manifest *manifest, Roots *roots, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    Content content;

    if (!node_id_parse(manifest->node, &roots->scope, error))
        return FALSE;
    roots->listing = manifest->listing;
    roots->details = manifest->details;
    if (manifest->share == SHARE_OPEN)
        return TRUE;
    bytes = get_held(home, &manifest->content, &roots->scope, error);
    if (!bytes || !content_parse(bytes, &content, error))
        return FALSE;
    roots->listing = content.listing;
    roots->details = content.details;
    return TRUE;
}

static gboolean
answer_document(Answer *answer, const Digest *digest, const Scope *scope, GError **error)
{
    GBytes *bytes = get_held(answer->home, digest, scope, error);

    if (bytes)
        answer_set_body(answer, "application/json", bytes);
    return bytes != NULL;
}

gboolean
answer_content(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    g_autoptr(Manifest) manifest = find_to_give(answer, request, name, error);
    Scope scope;

    if (!manifest || !node_id_parse(manifest->node, &scope, error))
        return FALSE;
    if (manifest->share == SHARE_OPEN)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: E13: an open version has no content document", manifest->name);
    return answer_document(answer, &manifest->content, &scope, error);
}

gboolean
answer_details(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    g_autoptr(Manifest) manifest = find_to_give(answer, request, name, error);
    Roots roots;

    return manifest && find_roots(answer->home, manifest, &roots, error) && answer_document(answer, &roots.details, &roots.scope, error);
}

/* E17: the version that the caller says it holds, if it is one of the same dataset, held here, and the caller may have it: else as if it had said nothing. */
static Against *
find_against(Answer *answer, const AnswerRequest *request, const Manifest *manifest, const Digest *have)
{
    char hex[DIGEST_HEX_SIZE];
    g_autoptr(Manifest) other = find_manifest(answer, request, digest_format_hex(have, hex), NULL, NULL);
    Roots roots;

    answer_set_remark(answer, NULL);
    if (!other || strcmp(other->node, manifest->node) != 0 || strcmp(other->name, manifest->name) != 0 ||
        !find_roots(answer->home, other, &roots, NULL))
        return NULL;
    return against_new(home_store(answer->home, NULL), &roots.listing, &roots.scope);
}

/* What pages and chunks have in common; *@rest is the request without W16. */
static Serving *
start_serving(Answer *answer, const AnswerRequest *request, const char *name, GBytes **rest, GError **error)
{
    g_autoptr(Manifest) manifest = find_to_give(answer, request, name, error);
    Store *store = manifest ? home_store(answer->home, error) : NULL;
    g_autoptr(Serving) serving = NULL;
    gboolean any;
    Digest have;
    Roots roots;

    if (!store || !have_parse(request->body, &any, &have, rest, error) || !find_roots(answer->home, manifest, &roots, error))
        return NULL;
    serving = serving_new(store, &roots.listing, &roots.scope);
    if (any)
        serving_set_against(serving, find_against(answer, request, manifest, &have));
    return g_steal_pointer(&serving);
}

gboolean
answer_pages(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    g_autoptr(GBytes) rest = NULL;
    g_autoptr(Serving) serving = start_serving(answer, request, name, &rest, error);
    GArray *places = serving ? places_parse(rest, error) : NULL;

    if (!places || !serving_ask_pages(serving, places, error))
        return FALSE;
    answer_set_source(answer, SERVING_TYPE, serving_next, g_steal_pointer(&serving), serving_free);
    return TRUE;
}

gboolean
answer_chunks(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    g_autoptr(GBytes) rest = NULL;
    g_autoptr(Serving) serving = start_serving(answer, request, name, &rest, error);
    GArray *ranges = serving ? ranges_parse(rest, error) : NULL;

    if (!ranges || !serving_ask_chunks(serving, ranges, error))
        return FALSE;
    answer_set_source(answer, SERVING_TYPE, serving_next, g_steal_pointer(&serving), serving_free);
    return TRUE;
}
