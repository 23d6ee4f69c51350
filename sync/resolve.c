/* Words that people type for nodes and versions, and how nodes are shown: NM4 to NM7 of sync/PROTOCOL.md. */
#include <string.h>

#include "keys/error.h"
#include "sync/decimal.h"
#include "sync/names.h"
#include "sync/peers.h"

#define PREFIX_MIN 8       /* of a node id, of a manifest's address */
#define SHORT_ID 6

/* A node known here, accepted or not. */
typedef struct {
    char *alias;   /* NULL unless accepted */
    char *slug;
} Known;

static void
known_free(gpointer data)
{
    Known *known = data;

    g_free(known->alias);
    g_free(known->slug);
    g_free(known);
}

static void
learn(GHashTable *nodes, const char *node, const char *alias, const char *name)
{
    Known *known = g_new0(Known, 1);

    known->alias = g_strdup(alias);
    known->slug = name_slug(name);
    g_hash_table_insert(nodes, g_strdup(node), known);
}

static gboolean
learn_peers(Home *home, GHashTable *nodes, PeerStatus status, GError **error)
{
    g_autoptr(GPtrArray) peers = peers_all(home, status, error);

    for (guint i = 0; peers && i < peers->len; i++) {
        const Peer *peer = peers->pdata[i];

        learn(nodes, peer->node, peer->status == PEER_ACCEPTED ? peer->alias : NULL, peer->name);
    }
    return peers != NULL;
}

static char *
name_in_catalogue(Home *home, const char *node)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(Profile) profile = catalogue ? catalogue_profile(catalogue, node, NULL) : NULL;

    return profile ? name_of_profile(profile) : NULL;
}

static gboolean
learn_third_parties(Home *home, GHashTable *nodes, GError **error)
{
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GPtrArray) ids = catalogue ? catalogue_nodes(catalogue, error) : NULL;

    for (guint i = 0; ids && i < ids->len; i++) {
        const char *node = ids->pdata[i];
        g_autofree char *name = NULL;

        if (strcmp(node, home_id(home)) == 0 || g_hash_table_contains(nodes, node))
            continue;
        name = name_in_catalogue(home, node);
        learn(nodes, node, NULL, name);
    }
    return ids != NULL;
}

/* All nodes known here but this one: id to Known. */
static GHashTable *
known_nodes(Home *home, GError **error)
{
    g_autoptr(GHashTable) nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, known_free);

    if (!learn_peers(home, nodes, PEER_PENDING, error) || !learn_peers(home, nodes, PEER_ACCEPTED, error) || !learn_third_parties(home, nodes, error))
        return NULL;
    return g_steal_pointer(&nodes);
}

typedef gboolean (*Match)(const char *word, const char *node, const Known *known);

static gboolean
match_alias(const char *word, const char *node, const Known *known)
{
    return known->alias && strcmp(word, known->alias) == 0;
}

static gboolean
match_slug_and_id(const char *word, const char *node, const Known *known)
{
    const char *tilde = strchr(word, '~');

    return !known->alias && tilde && strlen(tilde + 1) >= SHORT_ID && (gsize)(tilde - word) == strlen(known->slug) &&
           strncmp(word, known->slug, (gsize)(tilde - word)) == 0 && g_str_has_prefix(node, tilde + 1);
}

static gboolean
match_slug(const char *word, const char *node, const Known *known)
{
    return !known->alias && strcmp(word, known->slug) == 0;
}

static gboolean
match_prefix(const char *word, const char *node, const Known *known)
{
    return strlen(word) >= PREFIX_MIN && g_str_has_prefix(node, word);
}

/* The one node that matches, or NULL and how many do. */
static const char *
match_one(GHashTable *nodes, const char *word, Match match, guint *count)
{
    GHashTableIter iter;
    gpointer node, known;
    const char *found = NULL;

    *count = 0;
    g_hash_table_iter_init(&iter, nodes);
    while (g_hash_table_iter_next(&iter, &node, &known))
        if (match(word, node, known)) {
            found = node;
            (*count)++;
        }
    return *count == 1 ? found : NULL;
}

/* NM4: the first kind of word that any node answers to decides. */
static char *
resolve_among(GHashTable *nodes, const char *word, GError **error)
{
    static const Match kinds[] = { match_alias, match_slug_and_id, match_slug, match_prefix };

    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        guint count;
        const char *node = match_one(nodes, word, kinds[i], &count);

        if (node)
            return g_strdup(node);
        if (count > 1)
            return chama_error_null(error, CHAMA_ERROR_USAGE, "%s: NM4: want a word that means one node, have one that means %u; give more of the id",
                                    word, count);
    }
    return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no node is known by that name; see `chama peer ls`", word);
}

char *
peers_resolve(Home *home, const char *word, GError **error)
{
    g_autoptr(GHashTable) nodes = NULL;

    if (strcmp(word, "self") == 0 || strcmp(word, home_id(home)) == 0)
        return g_strdup(home_id(home));
    nodes = known_nodes(home, error);
    return nodes ? resolve_among(nodes, word, error) : NULL;
}

char *
peers_display(Home *home, const char *node)
{
    g_autoptr(Peer) peer = NULL;
    g_autofree char *name = NULL;
    g_autofree char *slug = NULL;

    if (strcmp(node, home_id(home)) == 0)
        return g_strdup("");
    peer = peers_get(home, node, NULL);
    if (peer && peer->status == PEER_ACCEPTED && peer->alias)
        return g_strdup(peer->alias);
    name = peer && peer->name ? g_strdup(peer->name) : name_in_catalogue(home, node);
    slug = name_slug(name);
    return g_strdup_printf("%s~%.*s", slug, SHORT_ID, node);
}

/* NM7: the version's text, from behind the '@' on. */
static gboolean
split_version(char *word, DatasetName *name, GError **error)
{
    char *at = strchr(word, '@');

    name->version[0] = '\0';
    if (!at)
        return TRUE;
    *at = '\0';
    if (at[1] == '\0' || strlen(at + 1) >= sizeof name->version)
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: NM7: want a number, sha256:<hex> or hex digits after the @", word);
    g_strlcpy(name->version, at + 1, sizeof name->version);
    return TRUE;
}

gboolean
peers_parse_dataset(Home *home, const char *word, DatasetName *name, GError **error)
{
    g_autofree char *copy = g_strdup(word);
    char *slash = strchr(copy, '/');
    char *dataset = slash ? slash + 1 : copy;
    g_autofree char *node = NULL;
    DatasetName read = { 0 };

    if (slash)
        *slash = '\0';
    if (!split_version(dataset, &read, error) || !dataset_name_check(dataset, error))
        return FALSE;
    node = slash ? peers_resolve(home, copy, error) : g_strdup(home_id(home));
    if (!node)
        return FALSE;
    g_strlcpy(read.node, node, sizeof read.node);
    g_strlcpy(read.name, dataset, sizeof read.name);
    *name = read;
    return TRUE;
}

static void *
not_a_version(const DatasetName *name, GError **error)
{
    return chama_error_null(error, CHAMA_ERROR_USAGE, "%s@%s: NM7: want a number, sha256:<64 hex digits> or %d and more hex digits after the @",
                            name->name, name->version, PREFIX_MIN);
}

/* By its full address; another dataset's manifest does not count. */
static Manifest *
find_by_address(Catalogue *catalogue, const DatasetName *name, GError **error)
{
    g_autoptr(Manifest) manifest = NULL;
    Digest address;

    if (!digest_parse(name->version, &address, NULL))
        return not_a_version(name, error);
    manifest = catalogue_manifest(catalogue, &address, error);
    if (!manifest)
        return NULL;
    if (strcmp(manifest->node, name->node) != 0 || strcmp(manifest->name, name->name) != 0)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s@%s: no such version", name->name, name->version);
    return g_steal_pointer(&manifest);
}

static Manifest *
find_version(Catalogue *catalogue, const DatasetName *name, GError **error)
{
    gsize size = strlen(name->version);
    guint64 number = 0;

    if (size == 0)
        return catalogue_version(catalogue, name->node, name->name, 0, error);
    if (g_str_has_prefix(name->version, "sha256:"))
        return find_by_address(catalogue, name, error);
    /* NM7: from 8 characters on it is a part of the address, whatever its digits */
    if (size < PREFIX_MIN && decimal_parse(name->version, DECIMAL_MAX, &number) && number > 0)
        return catalogue_version(catalogue, name->node, name->name, number, error);
    if (size >= PREFIX_MIN && strspn(name->version, "0123456789abcdef") == size)
        return catalogue_manifest_by_prefix(catalogue, name->node, name->name, name->version, error);
    return not_a_version(name, error);
}

/* What is not there goes by the word that the person typed: of a dataset that is known it is the version, else the dataset. */
static Manifest *
say_missing(Catalogue *catalogue, const DatasetName *name, const char *word, GError **error)
{
    g_autoptr(Manifest) newest = catalogue_version(catalogue, name->node, name->name, 0, NULL);

    if (!newest)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no such dataset is known here; see `chama ls`", word);
    return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no such version is known here, the newest is @%" G_GUINT64_FORMAT "; see `chama log %.*s`",
                            word, newest->version, (int)strcspn(word, "@"), word);
}

Manifest *
peers_find_version(Home *home, const char *word, GError **error)
{
    DatasetName name;
    Catalogue *catalogue;
    Manifest *manifest;
    GError *failed = NULL;

    if (!peers_parse_dataset(home, word, &name, error) || !(catalogue = home_catalogue(home, error)))
        return NULL;
    manifest = find_version(catalogue, &name, &failed);
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND)) {
        g_error_free(failed);
        return say_missing(catalogue, &name, word, error);
    }
    if (failed)
        g_propagate_error(error, failed);
    return manifest;
}
