/* Ledgers that are killed, damaged, tampered with, and used by several at once. */
#include "tests/unit/ledger_node.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "manifests/ledger/commit.h"
#include "manifests/ledger/repository.h"
#include "manifests/ledger/tree.h"
#include "manifests/ledger/view.h"

#define KILLS 20

/* Appends until it is killed, telling the parent after each append what is now durable. */
static void
append_for_ever(const Node *node, int pipe_end)
{
    g_autoptr(Ledger) ledger = node_open(node);

    for (guint i = 0; i < 1000; i++) {
        guint64 size;

        node_append(node, ledger, i % 3 + 1);
        size = ledger_head(ledger)->size;
        if (write(pipe_end, &size, sizeof size) != sizeof size)
            break;
    }
    _exit(0);
}

static guint64
kill_at_random(const Node *node)
{
    int ends[2];
    guint64 size, promised = 0;
    pid_t child;

    g_assert_cmpint(pipe(ends), ==, 0);
    child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        close(ends[0]);
        append_for_ever(node, ends[1]);
    }
    close(ends[1]);
    g_usleep((gulong)g_test_rand_int_range(500, 40000));
    kill(child, SIGKILL);
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
    while (read(ends[0], &size, sizeof size) == sizeof size)
        promised = size;
    close(ends[0]);
    return promised;
}

/* G12: what was reported as done is there, what was not does not harm. */
static void
test_g12_kill(void)
{
    Node node;
    guint64 least = 1;
    g_autofree char *output = NULL;

    node_set_up(&node, 1);
    {
        g_autoptr(Ledger) ledger = node_create(&node);

        node_append(&node, ledger, 1);
    }
    for (guint i = 0; i < KILLS; i++) {
        guint64 promised = kill_at_random(&node);
        g_autoptr(Ledger) ledger = node_open(&node);

        g_assert_cmpuint(ledger_head(ledger)->size, >=, MAX(promised, least));
        node_assert_clean(ledger);
        node_append(&node, ledger, 1);
        least = ledger_head(ledger)->size;
    }
    output = run(&node, "git -C ledger.git fsck --strict --no-dangling", NULL);
    g_assert_cmpstr(output, ==, "");
    output = (g_free(output), run(&node, "find ledger.git -name '*.lock' -path '*refs*'; find ledger.git -name '*_git2_*' -o -name '*.tmp-*'", NULL));
    g_assert_cmpstr(output, ==, "");
    node_tear_down(&node);
}

/* A writer killed between its steps, step by step as far as files show them. */
static void
test_g12_left_overs(void)
{
    Node node;
    g_autoptr(Ledger) ledger = NULL;
    g_autofree char *output = NULL;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 5);
    g_clear_pointer(&ledger, ledger_close);
    output = run(&node, "echo junk > ledger.git/refs/heads/main.lock; head -c 3200 /dev/urandom >> log/hashes; echo x > ledger.git/objects/pack/pack_git2_12ab;"
                        " echo PACK > ledger.git/objects/pack/pack-1111111111111111111111111111111111111111.pack; echo x > ledger.git/objects/pack/pack-2.pack.tmp-abcdef;"
                        " p=$(ls ledger.git/objects/pack/*.idx | head -1); cp $p ledger.git/objects/pack/pack-0000000000000000000000000000000000000000.idx", NULL);
    ledger = node_open(&node);
    g_assert_cmpuint(ledger_head(ledger)->size, ==, 5);
    node_append(&node, ledger, 3);
    g_assert_cmpuint(merkle_file_size(ledger_merkle(ledger)), ==, 8);
    node_assert_clean(ledger);
    node_tear_down(&node);
}

/* One flipped bit anywhere is found, by opening or by ledger_verify(). */
static gboolean
is_harmless(const char *path)
{
    return g_str_has_suffix(path, "chama.lock");
}

static void
check_flip(const Node *node, const char *path, gsize at)
{
    g_autofree char *data = NULL;
    gsize size;
    g_autoptr(Ledger) ledger = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    data[at] ^= (char)(1 << (at % 8));
    g_chmod(path, 0644);
    {
        FILE *file = fopen(path, "r+b");

        g_assert_nonnull(file);
        g_assert_cmpint(fseek(file, (long)at, SEEK_SET), ==, 0);
        g_assert_cmpint(fputc(data[at], file), !=, EOF);
        fclose(file);
    }
    ledger = ledger_open(node->git, node->log, &error);
    if (ledger && ledger_verify(ledger, node_print_finding, NULL, NULL))
        g_error("%s: a flip at byte %zu was not found", path, at);
    data[at] ^= (char)(1 << (at % 8));
    {
        FILE *file = fopen(path, "r+b");

        fseek(file, (long)at, SEEK_SET);
        fputc(data[at], file);
        fclose(file);
    }
}

static void
test_g1_g2_flips(void)
{
    Node node;
    g_autofree char *list = NULL;
    g_auto(GStrv) files = NULL;

    node_set_up(&node, 1);
    {
        g_autoptr(Ledger) ledger = node_create(&node);

        node_append(&node, ledger, 1);
        node_append(&node, ledger, 3);
        node_state(&node, ledger, "profile/1", "{\"name_en\":\"Forestry\"}");
    }
    list = run(&node, "find \"$PWD/ledger.git\" -type f", NULL);
    files = g_strsplit(g_strstrip(list), "\n", -1);
    for (guint i = 0; files[i]; i++) {
        g_autofree char *data = NULL;
        gsize size;

        g_assert_true(g_file_get_contents(files[i], &data, &size, NULL));
        if (is_harmless(files[i]))
            continue;
        for (gsize at = (gsize)g_test_rand_int_range(0, 7); at < size; at += MAX(size / 12, 1))
            check_flip(&node, files[i], at);
    }
    {
        g_autoptr(Ledger) ledger = node_open(&node);

        node_assert_clean(ledger);
    }
    node_tear_down(&node);
}

/* The hash file is found out too, where opening does not make it right. */
static void
test_g14_flips(void)
{
    Node node;
    g_autofree char *path = NULL;

    node_set_up(&node, 1);
    path = g_build_filename(node.log, "hashes", NULL);
    {
        g_autoptr(Ledger) ledger = node_create(&node);

        node_append(&node, ledger, 16);
    }
    for (gsize hash = 0; hash < 26; hash += 3)
        check_flip(&node, path, hash * 32 + 5);
    node_tear_down(&node);
}

/* A commit as someone with the node's key, but not this program, could make it: over a tree that @change made of the last one's entries. */
static void
commit_by_hand(const Node *node, GBytes *tree, gboolean as_records_say)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Ledger) ledger = node_open(node);
    g_autoptr(Repository) repository = repository_open(node->git, &error);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(node_free_record), views = NULL;
    g_autoptr(GBytes) parent_bytes = NULL, unsigned_bytes = NULL, signature = NULL, commit = NULL;
    g_auto(Commit) parent = { 0 };
    git_oid head, root, id;

    g_assert_true(repository_head(repository, &head, NULL));
    parent_bytes = repository_read(repository, &head, GIT_OBJECT_COMMIT, &error);
    g_assert_true(commit_parse(parent_bytes, &parent, NULL));
    g_ptr_array_add(records, ledger_get(ledger, ledger_head(ledger)->size - 1, NULL));
    views = views_of(records);
    root = parent.tree;
    if (tree)
        objects_add(repository_objects(repository), GIT_OBJECT_TREE, g_bytes_get_data(tree, NULL), g_bytes_get_size(tree), NULL, &root);
    unsigned_bytes = commit_format(&root, as_records_say ? &parent.parent : &head, records, views);
    signature = sshsig_sign(node->signing, SSHSIG_NAMESPACE_GIT, g_bytes_get_data(unsigned_bytes, NULL), g_bytes_get_size(unsigned_bytes), NULL);
    commit = commit_with_signature(unsigned_bytes, signature);
    objects_add(repository_objects(repository), GIT_OBJECT_COMMIT, g_bytes_get_data(commit, NULL), g_bytes_get_size(commit), NULL, &id);
    g_assert_true(objects_flush(repository_objects(repository), repository_git(repository), NULL));
    g_assert_true(repository_set_head(repository, &head, &id, NULL));
}

/* The last tree with the file of its profile naming another blob of the repository: a view that no record stands for. */
static GBytes *
tree_with_another_profile(const Node *node)
{
    g_autoptr(Repository) repository = repository_open(node->git, NULL);
    g_autoptr(GBytes) commit_bytes = NULL, tree = NULL;
    g_auto(Commit) commit = { 0 };
    GByteArray *changed = g_byte_array_new();
    git_oid head, profile, signers;

    g_assert_true(repository_head(repository, &head, NULL));
    commit_bytes = repository_read(repository, &head, GIT_OBJECT_COMMIT, NULL);
    g_assert_true(commit_parse(commit_bytes, &commit, NULL));
    tree = repository_read(repository, &commit.tree, GIT_OBJECT_TREE, NULL);
    g_assert_true(tree_find(tree, "profile.json", &profile) && tree_find(tree, "allowed_signers", &signers));
    g_byte_array_append(changed, g_bytes_get_data(tree, NULL), (guint)g_bytes_get_size(tree));
    for (guint i = 0; i + GIT_OID_RAWSZ <= changed->len; i++)
        if (memcmp(changed->data + i, profile.id, GIT_OID_RAWSZ) == 0)
            memcpy(changed->data + i, signers.id, GIT_OID_RAWSZ);
    return g_byte_array_free_to_bytes(changed);
}

/* G4, G8: well-formed, well signed, and not what the records say. */
static void
test_g4_tampered_view(void)
{
    Node node;
    g_autoptr(GBytes) tree = NULL;
    g_autoptr(Ledger) ledger = NULL;
    g_autofree char *output = NULL;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 3);
    node_state(&node, ledger, "profile/1", "{\"name_en\":\"Forestry\"}");
    g_clear_pointer(&ledger, ledger_close);
    tree = tree_with_another_profile(&node);
    commit_by_hand(&node, tree, TRUE);
    output = run(&node, "git -C ledger.git verify-commit main && git -C ledger.git fsck --strict --no-dangling", NULL);
    ledger = node_open(&node);
    node_assert_finds(ledger, "G4: its tree is not the one of the records");
    node_tear_down(&node);
}

static void
test_g8_commit_without_records(void)
{
    Node node;
    g_autoptr(Ledger) ledger = NULL;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 3);
    node_append(&node, ledger, 1);
    g_clear_pointer(&ledger, ledger_close);
    commit_by_hand(&node, NULL, FALSE);
    ledger = node_open(&node);
    node_assert_finds(ledger, "G8");
    node_tear_down(&node);
}

static void
test_g1_g3_missing_and_strange(void)
{
    static const struct { const char *harm, *says; } cases[] = {
        { "git -C ledger.git update-ref refs/heads/other main", "G3" },
        { "git -C ledger.git update-ref refs/tags/v1 main", "G3" },
        { "printf '[core]\\n\\tpager = false\\n' >> ledger.git/config", "G2" },
        { "echo more >> ledger.git/allowed_signers", "G2" },
        { "rm ledger.git/description", "description" },
        { "git -C ledger.git unpack-objects -q < aside.pack; f=$(find ledger.git/objects/?? -type f | head -1); chmod u+w $f; : > $f", "G1" },
    };
    Node node;

    node_set_up(&node, 1);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Ledger) ledger = node_create(&node);
        g_autofree char *output = NULL, *gone = NULL;

        g_test_message("%s", cases[i].harm);
        node_append(&node, ledger, 2);
        output = run(&node, "head -c 50 /dev/urandom > f; git init -q w; cp f w; git -C w add f; git -C w rev-parse :f | git -C w pack-objects -q --stdout > aside.pack", NULL);
        g_free(output);
        output = run(&node, cases[i].harm, NULL);
        node_assert_finds(ledger, cases[i].says);
        gone = run(&node, "chmod -R u+w . && rm -rf ./*", NULL);
    }
    node_tear_down(&node);
}

/* A pack of history that the newest tree does not need is gone: every object is looked for. */
static void
test_g4_missing_history(void)
{
    Node node;
    g_autoptr(Ledger) ledger = NULL;
    g_autofree char *output = NULL;

    node_set_up(&node, 1);
    ledger = node_create(&node);
    node_append(&node, ledger, 1);
    node_append(&node, ledger, 1);
    node_append(&node, ledger, 1);
    g_clear_pointer(&ledger, ledger_close);
    /* Repacks all but the tree of the second commit. */
    output = run(&node, "cd ledger.git; t=$(git rev-parse main~1^{tree}); git rev-list --objects main | cut -c1-40 | grep -v $t > ids;"
                        " git pack-objects -q objects/pack/pack < ids > name; n=$(cat name); rm ids name;"
                        " for p in objects/pack/*; do case $p in *$n*) ;; *) rm -f $p;; esac; done", NULL);
    ledger = node_open(&node);
    node_assert_finds(ledger, "1 of its objects are missing");
    node_tear_down(&node);
}

static void
append_twenty(const Node *node)
{
    g_autoptr(Ledger) ledger = node_open(node);

    for (guint i = 0; i < 20; i++)
        node_append(node, ledger, 1);
    _exit(0);
}

/* Two writers and a reader at once: every append is kept, every read whole. */
static void
test_processes(void)
{
    Node node;
    g_autoptr(Ledger) reader = NULL;
    pid_t children[2];
    guint running = 2;

    node_set_up(&node, 1);
    reader = node_create(&node);
    node_append(&node, reader, 1);
    for (guint i = 0; i < 2; i++) {
        children[i] = fork();
        g_assert_cmpint(children[i], >=, 0);
        if (children[i] == 0)
            append_twenty(&node);
    }
    while (running > 0) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Record) record = NULL;
        int status;

        g_assert_true(ledger_refresh(reader, &error));
        g_assert_no_error(error);
        record = ledger_get(reader, (guint64)g_test_rand_int_range(0, (gint)ledger_head(reader)->size), &error);
        g_assert_no_error(error);
        while (running > 0 && waitpid(-1, &status, WNOHANG) > 0) {
            g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            running--;
        }
        g_usleep(1000);
    }
    g_assert_true(ledger_refresh(reader, NULL));
    g_assert_cmpuint(ledger_head(reader)->size, ==, 41);
    node_assert_clean(reader);
    node_tear_down(&node);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ledger/g12/kill", test_g12_kill);
    g_test_add_func("/ledger/g12/left-overs", test_g12_left_overs);
    g_test_add_func("/ledger/g1-g2/flips", test_g1_g2_flips);
    g_test_add_func("/ledger/g14/flips", test_g14_flips);
    g_test_add_func("/ledger/g4/tampered-view", test_g4_tampered_view);
    g_test_add_func("/ledger/g4/missing-history", test_g4_missing_history);
    g_test_add_func("/ledger/g8/commit-without-records", test_g8_commit_without_records);
    g_test_add_func("/ledger/g1-g3/missing-and-strange", test_g1_g3_missing_and_strange);
    g_test_add_func("/ledger/processes", test_processes);
    return g_test_run();
}
