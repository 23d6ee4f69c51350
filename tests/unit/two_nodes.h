/*
 * two_nodes: two nodes in a temporary folder that publish, grant, ask each other and copy each other's ledgers, without a network.  For unit tests.
 */
#ifndef CHAMA_TESTS_TWO_NODES_H
#define CHAMA_TESTS_TWO_NODES_H

#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include "keys/error.h"
#include "keys/tls.h"
#include "manifests/version.h"
#include "sync/answer.h"
#include "sync/wire.h"

typedef struct {
    char *path;
    Home *home;
    Digest pin;
} Node;

typedef struct {
    char *folder;
    Node forestry, tourism;   /* "Forestry", who publishes; "Tourism" */
} TwoNodes;

static inline void
node_make(Node *node, const char *folder, const char *name, const char *audience)
{
    g_autofree char *profile = g_strdup_printf("{\"addresses\":[\"https://%s.example:8443\"],\"ledger\":\"%s\",\"name\":{\"en\":\"%s\"}}", name, audience, name);
    g_autoptr(GBytes) members = g_bytes_new(profile, strlen(profile));
    const HomeSetup setup = { .profile = members, .config = "" };
    g_autoptr(GError) error = NULL;
    g_autofree char *certificate = NULL;

    node->path = g_build_filename(folder, name, NULL);
    node->home = home_create(node->path, &setup, &error);
    g_assert_no_error(error);
    certificate = home_file(node->home, "keys/tls.crt");
    g_assert_true(tls_pin_of_file(certificate, &node->pin, &error));
}

/* @data: the audience of Forestry's ledger, "relayed" if NULL. */
static inline void
two_nodes_make(TwoNodes *nodes, gconstpointer data)
{
    nodes->folder = g_dir_make_tmp("chama-XXXXXX", NULL);
    node_make(&nodes->forestry, nodes->folder, "Forestry", data ? data : "relayed");
    node_make(&nodes->tourism, nodes->folder, "Tourism", "relayed");
}

static inline int
two_nodes_remove(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    return remove(path);
}

static inline void
two_nodes_clear(TwoNodes *nodes, gconstpointer unused)
{
    home_close(nodes->forestry.home);
    home_close(nodes->tourism.home);
    g_free(nodes->forestry.path);
    g_free(nodes->tourism.path);
    g_assert_cmpint(nftw(nodes->folder, two_nodes_remove, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
    g_free(nodes->folder);
}

/* @node's home as another process would see it. */
static inline void
node_reopen(Node *node)
{
    g_autoptr(GError) error = NULL;

    home_close(node->home);
    node->home = home_open(node->path, &error);
    g_assert_no_error(error);
}

static inline void
node_accept(Node *node, const Node *other, const char *alias)
{
    g_autoptr(Peer) peer = peer_new();
    g_autoptr(GError) error = NULL;

    g_strlcpy(peer->node, home_id(other->home), sizeof peer->node);
    peer->alias = g_strdup(alias);
    g_array_append_val(peer->pins, other->pin);
    peers_accept(node->home, peer, &error);
    g_assert_no_error(error);
}

static inline Manifest *
node_publish_bytes(Node *node, const char *name, Share share, const guint8 *data, gsize size)
{
    g_autofree char *path = g_strdup_printf("%s-%s.bin", node->path, name);
    const PublishOptions options = { .name = name, .path = path, .has_share = TRUE, .share = share };
    g_autoptr(GError) error = NULL;
    PublishResult result;

    g_assert_true(g_file_set_contents(path, (const char *)data, (gssize)size, NULL));
    version_publish(node->home, &options, &result, &error);
    g_assert_no_error(error);
    return result.manifest;
}

/* One file of @size bytes that follow from @seed. */
static inline Manifest *
node_publish(Node *node, const char *name, Share share, guint32 seed, gsize size)
{
    g_autofree guint8 *data = g_malloc(size + 1);
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);

    for (gsize i = 0; i < size; i++)
        data[i] = (guint8)g_rand_int(random);
    return node_publish_bytes(node, name, share, data, size);
}

/* A table of about 600 kB in which each edition has another value in a hundredth of its rows than the one before. */
static inline Manifest *
node_publish_table(Node *node, const char *name, Share share, guint edition)
{
    g_autofree char *path = g_strdup_printf("%s-%s.csv", node->path, name);
    const PublishOptions options = { .name = name, .path = path, .has_share = TRUE, .share = share };
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    PublishResult result;

    for (guint row = 0; row < 20000; row++) {
        guint changed = 0;

        for (guint e = 1; e <= edition; e++)
            changed = (row * 2654435761u ^ e * 40503u) % 100 == 0 ? e : changed;
        g_string_append_printf(text, "%u,%u,%u\n", row, row * 7919 % 500, (row + 1) * (changed + 1) * 2246822519u);
    }
    g_assert_true(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
    version_publish(node->home, &options, &result, &error);
    g_assert_no_error(error);
    return result.manifest;
}

/* A sealed grant, kept and known to the owner; its opening is the caller's. */
static inline GBytes *
node_grant(Node *node, const char *name, const char *grantee, gint64 until)
{
    Grant grant = { .until = until };
    Opening opening = { 0 };
    g_autoptr(GBytes) members = NULL;
    g_autoptr(Record) record = NULL;
    g_autoptr(GError) error = NULL;
    GBytes *bytes;
    Digest digest;

    g_strlcpy(grant.owner, home_id(node->home), sizeof grant.owner);
    g_strlcpy(grant.name, name, sizeof grant.name);
    g_strlcpy(grant.grantee, grantee, sizeof grant.grantee);
    opening.body = grant_format_body(&grant, &error);
    salt_generate(opening.salt);
    seal_digest(opening.salt, opening.body, &digest);
    members = sealed_format(&digest, &error);
    record = home_state_record(node->home, "sealed/1", members, NULL, NULL, &error);
    g_assert_no_error(error);
    opening.record = record->address;
    bytes = opening_format(&opening, &error);
    g_assert_true(home_keep_opening(node->home, &record->address, bytes, &error));
    g_assert_true(catalogue_learn_opening(home_catalogue(node->home, NULL), &opening, &error));
    g_bytes_unref(opening.body);
    return bytes;
}

static inline void
node_revoke(Node *node, GBytes *opening)
{
    g_autoptr(Opening) read = opening_parse(opening, NULL);
    g_autoptr(GBytes) members = revocation_format(&read->record, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Record) record = home_state_record(node->home, "revocation/1", members, NULL, NULL, &error);

    g_assert_no_error(error);
}

typedef struct {
    int status;
    char *type;
    GByteArray *body;
} Reply;

static inline void
reply_clear(Reply *reply)
{
    g_clear_pointer(&reply->type, g_free);
    g_clear_pointer(&reply->body, g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reply, reply_clear)

/* What @node answers to @caller (NULL: nobody). */
static inline Reply
node_ask(Node *node, const Node *caller, const char *method, const char *path, const char *query, GBytes *opening, GBytes *body)
{
    g_autofree char *grant = opening ? grant_header_format(opening) : NULL;
    AnswerRequest request = { .method = method, .path = path, .query = query, .grant = grant, .body = body };
    g_autoptr(Answer) answer = NULL;
    g_autoptr(GError) error = NULL;
    Reply reply = { .body = g_byte_array_new() };
    GBytes *piece;

    if (caller) {
        request.has_pin = TRUE;
        request.pin = caller->pin;
    }
    answer = answer_new(node->home, &request);
    reply.status = answer_status(answer);
    reply.type = g_strdup(answer_content_type(answer));
    while ((piece = answer_next(answer, &error))) {
        g_byte_array_append(reply.body, g_bytes_get_data(piece, NULL), (guint)g_bytes_get_size(piece));
        g_bytes_unref(piece);
    }
    g_assert_no_error(error);
    return reply;
}

static inline GBytes *
reply_bytes(const Reply *reply)
{
    return g_bytes_new(reply->body->data, reply->body->len);
}

/* Copying a ledger from a stream of records. */
typedef struct {
    Ledger *ledger;
    GBytes *signature;
    GPtrArray *records;
    guint left;
} Copying;

static inline gboolean
copy_batch(gpointer data, guint64 first, guint count, GBytes *commit_signature, GError **error)
{
    Copying *copying = data;

    g_assert_cmpuint(first, ==, ledger_replicate_head(copying->ledger)->size);
    g_clear_pointer(&copying->signature, g_bytes_unref);
    copying->signature = g_bytes_ref(commit_signature);
    g_ptr_array_set_size(copying->records, 0);
    copying->left = count;
    return TRUE;
}

static inline gboolean
copy_entry(gpointer data, const char *entry, gsize size, GError **error)
{
    Copying *copying = data;

    g_ptr_array_add(copying->records, record_trust(entry, size, NULL));
    return --copying->left > 0 || ledger_replicate(copying->ledger, copying->records, copying->signature, error);
}

/* Copies @from's ledger, as it answers @as, into @to's home, with its newest checkpoint. */
static inline void
node_copy_ledger(Node *from, const Node *as, Node *to)
{
    static const RecordStreamEvents events = { .batch = copy_batch, .entry = copy_entry };
    const char *id = home_id(from->home);
    g_autofree char *path = g_strdup_printf("/v1/ledgers/%s/records", id);
    g_autoptr(GError) error = NULL;
    Copying copying = { .ledger = home_peer_ledger_create(to->home, id, &error), .records = g_ptr_array_new_with_free_func((GDestroyNotify)record_free) };
    g_autoptr(LedgerLock) lock = ledger_lock(copying.ledger, &error);
    g_autofree char *query = g_strdup_printf("from=%" G_GUINT64_FORMAT, ledger_head(copying.ledger)->size);
    g_auto(Reply) reply = node_ask(from, as, "GET", path, query, NULL, NULL);
    g_autoptr(RecordStream) stream = record_stream_new(&events, &copying);
    g_autofree char *note = home_checkpoint(from->home, &error);

    g_assert_cmpint(reply.status, ==, 200);
    record_stream_feed(stream, reply.body->data, reply.body->len, &error);
    g_assert_no_error(error);
    g_assert_true(record_stream_end(stream, &error));
    g_assert_true(ledger_replicate_finish(copying.ledger, &error));
    g_assert_true(ledger_keep_checkpoint(copying.ledger, note, &error));
    g_assert_true(catalogue_project(home_catalogue(to->home, NULL), copying.ledger, &error));
    g_clear_pointer(&copying.signature, g_bytes_unref);
    g_ptr_array_unref(copying.records);
}

#endif
