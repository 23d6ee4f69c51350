/* What a version is sent as to one who says that it holds an earlier one: W16, E17 of sync/PROTOCOL.md. */
#include "tests/unit/two_nodes.h"

#include "manifests/listing/listing.h"
#include "sync/access.h"

#define SOME_CHUNKS "0-3\n"

static void
make(TwoNodes *nodes, gconstpointer data)
{
    two_nodes_make(nodes, NULL);
}

static Reply
ask(Node *node, const Node *caller, const Manifest *manifest, const char *what, const Manifest *have, const char *text)
{
    char hex[DIGEST_HEX_SIZE];
    g_autofree char *path = g_strdup_printf("/v1/versions/%s/%s", digest_format_hex(&manifest->address, hex), what);
    g_autoptr(GBytes) bare = g_bytes_new(text, strlen(text));
    g_autoptr(GBytes) body = have ? have_format(&have->address, bare) : g_bytes_ref(bare);

    return node_ask(node, caller, "POST", path, NULL, NULL, body);
}

static GBytes *
get_page(gpointer data, const Digest *digest, GError **error)
{
    return store_get(data, digest, error);
}

/* The chunks, or the pages, that a version's listing names. */
static GHashTable *
objects_of(Node *node, const Manifest *manifest)
{
    Store *store = home_store(node->home, NULL);
    g_autoptr(ListingCursor) cursor = NULL;
    GHashTable *set = g_hash_table_new_full(digest_hash, digest_equal, g_free, NULL);
    const Item *item;
    Held held;

    g_assert_true(version_roots(node->home, manifest, &held, NULL));
    cursor = listing_cursor_new(&held.listing, get_page, store, NULL);
    g_hash_table_add(set, g_memdup2(&held.listing, sizeof held.listing));
    while (listing_cursor_next(cursor, &item, NULL, NULL, NULL))
        for (guint i = 0; i < item->chunk_count; i++)
            g_hash_table_add(set, g_memdup2(&item->chunks[i].digest, sizeof(Digest)));
    return set;
}

/* How many frames there are, and how many of them are patches; each of these names only what stands in @have. */
static void
count_frames(const Reply *reply, GHashTable *have, guint *frames, guint *patches)
{
    const guint8 *p = reply->body->data, *end = p + reply->body->len;

    g_assert_cmpint(reply->status, ==, 200);
    for (*frames = *patches = 0; p < end; ++*frames) {
        Digest bases[PATCH_BASES_MAX];
        FrameHeader header;
        guint count = 0;

        g_assert_true(frame_header_parse(p, &header, NULL));
        g_assert_cmpint(header.kind, !=, 0);
        p += WIRE_FRAME_HEADER_SIZE;
        if (header.codec == CODEC_PATCH) {
            ++*patches;
            g_assert_true(stored_patch_bases(p, header.stored_size, bases, &count, NULL));
        }
        for (guint i = 0; i < count; i++)
            g_assert_true(g_hash_table_contains(have, &bases[i]));
        p += header.stored_size;
    }
}

static void
assert_frames(Node *node, const Node *caller, const Manifest *manifest, const char *what, const char *text, const Manifest *have, gboolean patched)
{
    g_auto(Reply) reply = ask(node, caller, manifest, what, have, text);
    g_autoptr(GHashTable) objects = have ? objects_of(node, have) : NULL;
    guint frames, patches;

    count_frames(&reply, objects, &frames, &patches);
    g_assert_cmpuint(frames, >, 0);
    g_assert_cmpuint(patches, ==, patched ? frames : 0);
}

/* Also against one that is older than what the chunks are stored against here. */
static void
test_patches(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;
    Manifest *editions[5];

    for (guint i = 0; i < G_N_ELEMENTS(editions); i++)
        editions[i] = node_publish_table(forestry, "table", SHARE_OPEN, i);
    for (guint i = 1; i < G_N_ELEMENTS(editions); i++) {
        for (guint have = 0; have < i; have++)
            assert_frames(forestry, NULL, editions[i], "chunks", SOME_CHUNKS, editions[have], TRUE);
        assert_frames(forestry, NULL, editions[i], "chunks", SOME_CHUNKS, NULL, FALSE);
    }
    for (guint i = 0; i < G_N_ELEMENTS(editions); i++)
        manifest_free(editions[i]);
}

/* A file that grows line by line: the bases of a late version stand in none of the last ones. */
static void
test_long_line(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;
    Manifest *before = NULL;
    GString *text = g_string_new(NULL);

    for (guint line = 0; line < 3000; line++)
        g_string_append_printf(text, "%u,%u\n", line, line * 2654435761u);
    for (guint version = 0; version < 80; version++) {
        Manifest *manifest;

        g_string_append_printf(text, "version %u,%u,%u\n", version, version * 2654435761u, version * 40503u);
        manifest = node_publish_bytes(forestry, "log", SHARE_OPEN, (const guint8 *)text->str, text->len);
        if (before)
            assert_frames(forestry, NULL, manifest, "chunks", "0\n", before, TRUE);
        g_clear_pointer(&before, manifest_free);
        before = manifest;
    }
    manifest_free(before);
    g_string_free(text, TRUE);
}

/* One of two files changed: its chunk digests did, and with them the page. */
static void
test_pages(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;
    g_autofree char *folder = g_build_filename(nodes->folder, "folder", NULL);
    const PublishOptions options = { .name = "files", .path = folder, .has_share = TRUE, .share = SHARE_OPEN };
    PublishResult results[2];

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    for (guint edition = 0; edition < 2; edition++) {
        for (guint i = 0; i < 100; i++) {
            g_autofree char *path = g_strdup_printf("%s/%u", folder, i);
            g_autofree char *text = g_strdup_printf("file %u, edition %u", i, i == 50 ? edition : 0);

            g_assert_true(g_file_set_contents(path, text, -1, NULL));
        }
        g_assert_true(version_publish(forestry->home, &options, &results[edition], NULL));
    }
    assert_frames(forestry, NULL, results[1].manifest, "pages", "16 0\n", results[0].manifest, TRUE);
    assert_frames(forestry, NULL, results[1].manifest, "pages", "16 0\n", NULL, FALSE);
    for (guint edition = 0; edition < 2; edition++)
        publish_result_clear(&results[edition]);
}

/* As if nothing had been said. */
static void
test_of_no_use(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry, *tourism = &nodes->tourism;
    g_autoptr(Manifest) closed = node_publish_table(forestry, "table", SHARE_CONDITIONAL, 0);
    g_autoptr(Manifest) open = node_publish_table(forestry, "table", SHARE_OPEN, 1);
    g_autoptr(Manifest) other = node_publish_table(forestry, "other", SHARE_OPEN, 0);
    g_autoptr(Manifest) nowhere = manifest_new();

    node_accept(forestry, tourism, NULL);
    /* another dataset, none at all, one that the caller may not have, itself */
    assert_frames(forestry, NULL, open, "chunks", SOME_CHUNKS, other, FALSE);
    assert_frames(forestry, tourism, open, "chunks", SOME_CHUNKS, closed, FALSE);
    g_auto(Reply) reply = ask(forestry, NULL, open, "chunks", nowhere, SOME_CHUNKS);
    guint frames, patches;

    count_frames(&reply, NULL, &frames, &patches);
    g_assert_cmpuint(patches, ==, 0);
    /* the owner itself may have all of it */
    assert_frames(forestry, forestry, open, "chunks", SOME_CHUNKS, closed, TRUE);
}

static void
test_refused(TwoNodes *nodes, gconstpointer unused)
{
    Node *forestry = &nodes->forestry;
    g_autoptr(Manifest) manifest = node_publish_table(forestry, "table", SHARE_OPEN, 0);
    static const char *const bodies[] = {
        "have \n0\n",
        "have 0123\n0\n",
        "have 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0\n",
        "have 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
        "0\nhave 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
    };

    for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_auto(Reply) chunks = ask(forestry, NULL, manifest, "chunks", NULL, bodies[i]);
        g_auto(Reply) pages = ask(forestry, NULL, manifest, "pages", NULL, bodies[i]);

        g_assert_cmpint(chunks.status, ==, 400);
        g_assert_cmpint(pages.status, ==, 400);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/against/patches", TwoNodes, NULL, make, test_patches, two_nodes_clear);
    g_test_add("/against/long-line", TwoNodes, NULL, make, test_long_line, two_nodes_clear);
    g_test_add("/against/pages", TwoNodes, NULL, make, test_pages, two_nodes_clear);
    g_test_add("/against/of-no-use", TwoNodes, NULL, make, test_of_no_use, two_nodes_clear);
    g_test_add("/against/refused", TwoNodes, NULL, make, test_refused, two_nodes_clear);
    return g_test_run();
}
