#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "keys/error.h"
#include "manifests/checkout.h"
#include "manifests/checkout/fresh.h"
#include "manifests/checkout/recall.h"
#include "manifests/checkout/stage.h"
#include "manifests/ingest.h"
#include "manifests/ingest/stamps.h"
#include "manifests/store/chunker.h"
#include "manifests/tree/beneath.h"
#include "tests/unit/tree.h"

#define MIB (1024 * 1024)

static const CheckoutOptions plain = { 0 };

static void
setup(Tree *tree, gconstpointer data)
{
    tree_open(tree);
}

static void
teardown(Tree *tree, gconstpointer data)
{
    tree_close(tree);
}

static Digest
publish(Tree *tree, const char *folder)
{
    IngestOptions options = { 0 };
    g_autoptr(GError) error = NULL;
    IngestResult result;

    ingest_folder(tree->writer, folder, &options, &result, &error);
    g_assert_no_error(error);
    g_assert_true(store_writer_commit(tree->writer, NULL));
    return result.totals.root;
}

static CheckoutResult
get(Tree *tree, const Digest *root, const CheckoutOptions *options)
{
    g_autoptr(GError) error = NULL;
    CheckoutResult result;

    checkout(tree->store, root, tree->out, options, &result, &error);
    g_assert_no_error(error);
    return result;
}

static void
refused(Tree *tree, const Digest *root, const CheckoutOptions *options, ChamaError code, const char *says)
{
    g_autoptr(GError) error = NULL;
    CheckoutResult result;

    g_assert_false(checkout(tree->store, root, tree->out, options, &result, &error));
    g_assert_error(error, CHAMA_ERROR, (gint)code);
    if (!strstr(error->message, says))
        g_error("want \"%s\" in \"%s\"", says, error->message);
}

static void
assert_same(Tree *tree, const Digest *root)
{
    Digest written = publish(tree, tree->out);

    g_assert_true(digest_equal(&written, root));
}

static char *
text_of(const char *folder, const char *path)
{
    g_autofree char *full = g_build_filename(folder, path, NULL);
    char *text = NULL;

    g_file_get_contents(full, &text, NULL, NULL);
    return text;
}

#define assert_text(folder, path, want)                         \
    do {                                                        \
        g_autofree char *text_ = text_of(folder, path);         \
        g_assert_cmpstr(text_, ==, want);                       \
    } while (0)

static gboolean
exists(const char *folder, const char *path)
{
    g_autofree char *full = g_build_filename(folder, path, NULL);
    struct stat st;

    return lstat(full, &st) == 0;
}

static struct stat
stat_of(const char *folder, const char *path)
{
    g_autofree char *full = g_build_filename(folder, path, NULL);
    struct stat st;

    g_assert_cmpint(lstat(full, &st), ==, 0);
    return st;
}

static guint
count_in(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint count = 0;

    while (dir && g_dir_read_name(dir))
        count++;
    return count;
}

static void
test_round_trip(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *noise = tree_noise(18 * MIB, 7);

    tree_text(tree->in, "a/b/c.csv", "1,2\n");
    tree_text(tree->in, "a/run", "#!/bin/sh\n");
    tree_mode(tree->in, "a/run", 0755);
    tree_text(tree->in, "empty.txt", "");
    tree_text(tree->in, "\xe6\x95\xb0\xe6\x8d\xae/\xff\xfe", "not UTF-8");
    tree_link(tree->in, "a/link", "b/c.csv");
    tree_link(tree->in, "dangling", "nowhere");
    tree_folder(tree->in, "empty/deep");
    tree_write(tree->in, "middle", noise, 700000);
    tree_write(tree->in, "large", noise, 18 * MIB);
    tree_mode(tree->in, "large", 0755);
    Digest root = publish(tree, tree->in);
    CheckoutResult result = get(tree, &root, &plain);

    assert_same(tree, &root);
    g_assert_cmpuint(result.written, ==, 9);
    g_assert_cmpuint(result.bytes_written, ==, 18 * MIB + 700000 + 9 + 10 + 4);
    result = get(tree, &root, &plain);
    g_assert_cmpuint(result.written, ==, 0);
    g_assert_cmpuint(result.kept, ==, 9);
    g_assert_cmpuint(result.removed, ==, 0);
}

static void
test_many_files(Tree *tree, gconstpointer data)
{
    for (guint i = 0; i < 1200; i++) {
        g_autofree char *path = g_strdup_printf("%02u/%04u", i / 50, i), *text = g_strdup_printf("file %u\n", i);

        tree_text(tree->in, path, text);
    }
    Digest root = publish(tree, tree->in);

    g_assert_cmpuint(get(tree, &root, &plain).written, ==, 1200);
    assert_same(tree, &root);
}

static void
test_empty(Tree *tree, gconstpointer data)
{
    Digest root = publish(tree, tree->in);

    get(tree, &root, &plain);
    g_assert_true(exists(tree->out, ""));
    g_assert_cmpuint(count_in(tree->out), ==, 0);
}

static void
test_holes(Tree *tree, gconstpointer data)
{
    static const guint64 sizes[] = { 8 * MIB + 10, 40 * MIB + 10 };
    g_autofree char *path = g_build_filename(tree->in, "sparse", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        tree_text(tree->in, "sparse", "begin");
        int fd = open(path, O_WRONLY);

        g_assert_cmpint(pwrite(fd, "middle", 6, 5 * MIB + 1000), ==, 6);
        g_assert_cmpint(ftruncate(fd, (off_t)sizes[i]), ==, 0);
        close(fd);
        Digest root = publish(tree, tree->in);
        CheckoutOptions options = { .force = TRUE };

        get(tree, &root, &options);
        struct stat st = stat_of(tree->out, "sparse");

        g_assert_cmpuint((guint64)st.st_size, ==, sizes[i]);
        g_assert_cmpuint((guint64)st.st_blocks * 512, <=, 64 * 1024);
        assert_same(tree, &root);
        g_assert_cmpuint(get(tree, &root, &plain).kept, ==, 1);
    }
}

static void
test_sweep(Tree *tree, gconstpointer data)
{
    static const char *const stay[] = { ".chama-0123456789abcdef", ".chama-0123456789abcdeg.tmp", "sub/.chama-0.tmp", "mine/.chama-0123456789abcdef.tmp" };

    tree_text(tree->in, "a", "1");
    tree_text(tree->in, "sub/deep/b", "2");
    Digest root = publish(tree, tree->in);

    get(tree, &root, &plain);
    tree_text(tree->out, ".chama-0123456789abcdef.tmp", "left by a killed one");
    tree_text(tree->out, "sub/deep/.chama-ffffffffffffffff.tmp", "left by a killed one");
    for (gsize i = 0; i < G_N_ELEMENTS(stay); i++)
        tree_text(tree->out, stay[i], "x");
    get(tree, &root, &plain);
    g_assert_false(exists(tree->out, ".chama-0123456789abcdef.tmp"));
    g_assert_false(exists(tree->out, "sub/deep/.chama-ffffffffffffffff.tmp"));
    for (gsize i = 0; i < G_N_ELEMENTS(stay); i++)
        g_assert_true(exists(tree->out, stay[i]));
}

/* The folder in which a checkout of @root was killed, with its files "1" (whole), "2" (cut short) and "3" (not begun). */
static char *
killed_stage(Tree *tree, const Digest *root)
{
    char name[32];

    stage_name(root, NULL, name);
    char *stage = g_build_filename(tree->out, name, NULL);

    g_mkdir_with_parents(stage, 0700);
    tree_text(stage, "sub/1", "whole");
    tree_text(stage, "sub/2", "cut");
    tree_text(stage, "sub/.chama-0123456789abcdef.tmp", "left");
    return stage;
}

static Digest
three_files(Tree *tree)
{
    tree_text(tree->in, "sub/1", "whole");
    tree_text(tree->in, "sub/2", "cut short");
    tree_text(tree->in, "sub/3", "not begun");
    return publish(tree, tree->in);
}

/* CO6: a checkout that was killed is gone on with. */
static void
test_stage_resumed(Tree *tree, gconstpointer data)
{
    Digest root = three_files(tree);
    g_autofree char *stage = killed_stage(tree, &root);
    CheckoutResult result = get(tree, &root, &plain);

    g_assert_cmpuint(result.kept, ==, 1);
    g_assert_cmpuint(result.written, ==, 2);
    g_assert_cmpuint(count_in(tree->out), ==, 1);
    assert_same(tree, &root);
}

/* CO6: one of another version, or beside files of a person, is removed: nothing on it is anybody's. */
static void
test_stage_swept(Tree *tree, gconstpointer data)
{
    Digest root = three_files(tree);

    g_free(killed_stage(tree, &root));
    tree_text(tree->in, "more", "another version");
    Digest other = publish(tree, tree->in);

    g_assert_cmpuint(get(tree, &other, &plain).written, ==, 4);
    assert_same(tree, &other);
    g_free(killed_stage(tree, &root));
    g_assert_cmpuint(get(tree, &root, &plain).kept, ==, 3);
    g_assert_cmpuint(count_in(tree->out), ==, 2);
    g_free(killed_stage(tree, &other));
    g_assert_cmpuint(get(tree, &other, &plain).kept, ==, 4);
    g_assert_cmpuint(count_in(tree->out), ==, 2);
}

/* I7: what lies where the stage would be is not followed. */
static void
test_stage_in_the_way(Tree *tree, gconstpointer data)
{
    g_autofree char *canary = g_build_filename(tree->top, "canary", NULL);
    Digest root = three_files(tree);
    char name[32];

    tree_folder(tree->top, "canary");
    tree_text(canary, "untouched", "x");
    stage_name(&root, NULL, name);
    tree_link(tree->out, name, "../canary");
    get(tree, &root, &plain);
    assert_same(tree, &root);
    g_assert_cmpuint(count_in(canary), ==, 1);
    tree_remove(tree->out);
    tree_text(tree->out, name, "a file");
    get(tree, &root, &plain);
    assert_same(tree, &root);
    /* Nor is a link on it. */
    tree_remove(tree->out);
    g_autofree char *stage = g_build_filename(tree->out, name, NULL);

    tree_link(stage, "sub", "../../canary");
    get(tree, &root, &plain);
    assert_same(tree, &root);
    g_assert_cmpuint(count_in(canary), ==, 1);
}

/* Someone made something in the target while the stage was filled. */
static void
test_stage_settle(Tree *tree, gconstpointer data)
{
    g_auto(Stage) stage = STAGE_INIT;
    g_autoptr(GError) error = NULL;

    tree_text(tree->out, "taken", "mine");
    int target = open(tree->out, O_RDONLY | O_DIRECTORY);

    g_assert_true(stage_open(&stage, target, ".chama-0123456789abcdef.tmp", NULL));
    g_assert_false(stage.resumed);
    tree_text(tree->out, ".chama-0123456789abcdef.tmp/taken", "other");
    g_assert_false(stage_settle(&stage, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_assert_cmpstr(error->message, ==, "taken: it was made by someone else meanwhile");
    assert_text(tree->out, "taken", "mine");
    stage_discard(&stage);
    g_assert_cmpuint(count_in(tree->out), ==, 1);
    close(target);
}

/* CO8, AR10: what a later change cannot have. */
static void
test_settled(Tree *tree, gconstpointer data)
{
    static const struct {
        gint64 changed, now;
        guint64 inode;
        gboolean settled;
    } cases[] = {
        { 5000000001, 5100000002, 7, TRUE }, { 5000000001, 5100000001, 7, FALSE }, { 5000000001, 5000000001, 7, FALSE },
        { 5000000001, 4000000000, 7, FALSE }, { 5000000001, 9000000000, 0, FALSE }, { 5000000000, 5100000001, 7, FALSE },
        { 5000000000, 7000000000, 7, FALSE }, { 5000000000, 7000000001, 7, TRUE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Stamp stamp = { .inode = cases[i].inode, .modified = 1, .changed = cases[i].changed };

        g_assert_cmpint(recall_is_settled(&stamp, cases[i].now), ==, cases[i].settled);
    }
}

/* Two versions that have most in common; the first one is in the folder, and was for a while. */
typedef struct {
    Digest first, second;
    CheckoutOptions options;
    char *stamps;
} Recalled;

static void
recalled_clear(Recalled *recalled)
{
    g_free(recalled->stamps);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Recalled, recalled_clear)

static void
recalled_make(Tree *tree, Recalled *recalled)
{
    tree_text(tree->in, "sub/a", "aaaa");
    tree_text(tree->in, "sub/b", "bbbb");
    tree_text(tree->in, "sub/c", "cccc");
    tree_text(tree->in, "top", "top");
    tree_link(tree->in, "sub/link", "a");
    recalled->first = publish(tree, tree->in);
    tree_text(tree->in, "sub/b", "other");
    tree_text(tree->in, "sub/d", "more");
    recalled->second = publish(tree, tree->in);
    recalled->stamps = g_build_filename(tree->top, "stamps", NULL);
    recalled->options = (CheckoutOptions){ .stamps = recalled->stamps, .stamps_key = recalled->first };
    get(tree, &recalled->first, &recalled->options);
    recalled->options.base = &recalled->first;
    g_usleep(150000);
}

static Stamp
stamp_at(const char *folder, const char *path)
{
    struct stat st = stat_of(folder, path);

    return stamp_of(&st);
}

/* Says of the files of the first version that they are as they now are. */
static void
lie_about_stamps(Tree *tree, const Recalled *recalled, const Digest *key, const Digest *root)
{
    static const char *const paths[] = { "sub/a", "sub/b", "sub/c", "top" };
    g_autoptr(StampsWriter) writer = stamps_writer_new(recalled->stamps, key);

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        Stamp stamp = stamp_at(tree->out, paths[i]);

        stamps_writer_add(writer, &stamp);
    }
    g_assert_true(stamps_writer_keep(writer, root));
}

static void
test_recall(Tree *tree, gconstpointer data)
{
    g_auto(Recalled) recalled = { .stamps = NULL };
    CheckoutResult result;

    recalled_make(tree, &recalled);
    for (guint i = 0; i < 3; i++) {
        result = get(tree, i == 1 ? &recalled.first : &recalled.second, &recalled.options);
        g_assert_cmpuint(result.written, ==, i == 1 ? 1 : 2);
        g_assert_cmpuint(result.removed, ==, i == 1 ? 1 : 0);
        assert_same(tree, i == 1 ? &recalled.first : &recalled.second);
        recalled.options.base = i == 1 ? &recalled.first : &recalled.second;
    }
    /* What is wanted is said of each file, whatever was there: nothing is written twice. */
    result = get(tree, &recalled.second, &recalled.options);
    g_assert_cmpuint(result.kept, ==, 6);
}

/* CO8: an edit is seen though size and time of the content are as before. */
static void
test_recall_sees_edits(Tree *tree, gconstpointer data)
{
    static const char *const edited[] = { "sub/a", "sub/b" };
    CheckoutOptions force;

    for (gsize i = 0; i < G_N_ELEMENTS(edited); i++) {
        g_auto(Recalled) recalled = { .stamps = NULL };
        g_autofree char *path = g_build_filename(tree->out, edited[i], NULL);

        tree_remove(tree->out);
        tree_remove(tree->in);
        recalled_make(tree, &recalled);
        struct stat before = stat_of(tree->out, edited[i]);
        struct timespec times[2] = { before.st_atim, before.st_mtim };

        tree_text(tree->out, edited[i], "mine");
        g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
        g_assert_cmpint(stat_of(tree->out, edited[i]).st_mtim.tv_nsec, ==, before.st_mtim.tv_nsec);
        refused(tree, &recalled.second, &recalled.options, CHAMA_ERROR_EXISTS, edited[i]);
        assert_text(tree->out, edited[i], "mine");
        force = recalled.options;
        force.force = TRUE;
        get(tree, &recalled.second, &force);
        assert_same(tree, &recalled.second);
    }
}

/* CO8: stamps count, if they are of this folder and of the version that it was written from, and whole. */
static void
test_recall_of_others(Tree *tree, gconstpointer data)
{
    g_auto(Recalled) recalled = { .stamps = NULL };
    g_autofree char *bytes = NULL;
    gsize size;

    recalled_make(tree, &recalled);
    tree_text(tree->out, "sub/a", "mine");
    g_usleep(150000);
    lie_about_stamps(tree, &recalled, &recalled.second, &recalled.first);
    refused(tree, &recalled.second, &recalled.options, CHAMA_ERROR_EXISTS, "sub/a");
    lie_about_stamps(tree, &recalled, &recalled.first, &recalled.second);
    refused(tree, &recalled.second, &recalled.options, CHAMA_ERROR_EXISTS, "sub/a");
    lie_about_stamps(tree, &recalled, &recalled.first, &recalled.first);
    g_assert_true(g_file_get_contents(recalled.stamps, &bytes, &size, NULL));
    for (gsize at = 0; at < size; at += 23) {
        bytes[at] ^= 4;
        g_assert_true(g_file_set_contents(recalled.stamps, bytes, (gssize)size, NULL));
        bytes[at] ^= 4;
        refused(tree, &recalled.second, &recalled.options, CHAMA_ERROR_EXISTS, "sub/a");
    }
    /* Whole again, they are believed: so the others were not. */
    g_assert_true(g_file_set_contents(recalled.stamps, bytes, (gssize)size, NULL));
    g_assert_cmpuint(get(tree, &recalled.second, &recalled.options).kept, ==, 4);
    assert_text(tree->out, "sub/a", "mine");
}

/* CO8: a selection neither uses nor leaves stamps. */
static void
test_recall_not_of_selections(Tree *tree, gconstpointer data)
{
    g_auto(Recalled) recalled = { .stamps = NULL };
    char *only[] = { "sub", NULL };

    recalled_make(tree, &recalled);
    g_assert_true(exists(tree->top, "stamps"));
    tree_text(tree->out, "sub/a", "mine");
    g_usleep(150000);
    lie_about_stamps(tree, &recalled, &recalled.first, &recalled.first);
    recalled.options.only = only;
    refused(tree, &recalled.second, &recalled.options, CHAMA_ERROR_EXISTS, "sub/a");
}

static void
test_one_at_a_time(Tree *tree, gconstpointer data)
{
    Digest root = publish(tree, tree->in);

    tree_folder(tree->top, "out");
    int fd = open(tree->out, O_RDONLY | O_DIRECTORY);

    g_assert_cmpint(flock(fd, LOCK_EX), ==, 0);
    refused(tree, &root, &plain, CHAMA_ERROR_EXISTS, "another checkout is being written there");
    close(fd);
    get(tree, &root, &plain);
}

static void
test_mode(Tree *tree, gconstpointer data)
{
    mode_t old = umask(027);

    tree_text(tree->in, "plain", "1");
    tree_text(tree->in, "run", "2");
    tree_mode(tree->in, "run", 0700);
    Digest root = publish(tree, tree->in);

    get(tree, &root, &plain);
    g_assert_cmpint(stat_of(tree->out, "plain").st_mode & 0777, ==, 0640);
    g_assert_cmpint(stat_of(tree->out, "run").st_mode & 0777, ==, 0750);
    /* The bit alone is set right without writing the file anew. */
    tree_mode(tree->out, "plain", 0750);
    tree_mode(tree->out, "run", 0640);
    ino_t before = stat_of(tree->out, "run").st_ino;

    g_assert_cmpuint(get(tree, &root, &plain).kept, ==, 2);
    g_assert_cmpint(stat_of(tree->out, "plain").st_mode & 0777, ==, 0640);
    g_assert_cmpint(stat_of(tree->out, "run").st_mode & 0777, ==, 0750);
    g_assert_cmpuint(stat_of(tree->out, "run").st_ino, ==, before);
    umask(old);
}

/* Two versions that differ in most ways. */
static void
two_versions(Tree *tree, Digest *first, Digest *second)
{
    g_autofree char *gone = g_build_filename(tree->in, "gone", NULL);

    tree_text(tree->in, "same", "same");
    tree_text(tree->in, "changed", "old");
    tree_text(tree->in, "gone/deep/file", "gone");
    tree_text(tree->in, "gone/other", "gone");
    tree_link(tree->in, "link", "same");
    *first = publish(tree, tree->in);
    tree_text(tree->in, "changed", "new and longer");
    tree_remove(gone);
    tree_text(tree->in, "more/added", "added");
    *second = publish(tree, tree->in);
}

static void
test_update(Tree *tree, gconstpointer data)
{
    Digest first, second;
    CheckoutOptions options = { .base = &first };
    g_autofree char *mine = g_build_filename(tree->out, "mine", NULL);

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    tree_text(tree->out, "mine", "not of any version");
    struct stat before = stat_of(tree->out, "same");
    CheckoutResult result = get(tree, &second, &options);
    struct stat after = stat_of(tree->out, "same");

    g_assert_cmpuint(result.written, ==, 2);
    g_assert_cmpuint(result.removed, ==, 2);
    g_assert_cmpuint(result.kept, ==, 2);
    g_assert_cmpuint(before.st_ino, ==, after.st_ino);
    g_assert_cmpint(before.st_mtim.tv_nsec, ==, after.st_mtim.tv_nsec);
    assert_text(tree->out, "changed", "new and longer");
    assert_text(tree->out, "mine", "not of any version");
    g_assert_false(exists(tree->out, "gone"));
    g_assert_true(exists(tree->out, "more/added"));
    /* And back. */
    options.base = &second;
    get(tree, &first, &options);
    g_assert_false(exists(tree->out, "more"));
    g_assert_cmpint(unlink(mine), ==, 0);
    assert_same(tree, &first);
}

static void
test_folder_with_own_file_stays(Tree *tree, gconstpointer data)
{
    Digest first, second;
    CheckoutOptions options = { .base = &first };

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    tree_text(tree->out, "gone/deep/mine", "x");
    get(tree, &second, &options);
    g_assert_true(exists(tree->out, "gone/deep/mine"));
    g_assert_false(exists(tree->out, "gone/other"));
}

static void
test_local_edits(Tree *tree, gconstpointer data)
{
    static const char *const edited[] = { "same", "changed", "gone/other" };
    Digest first, second;
    CheckoutOptions options = { .base = &first };

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    for (gsize i = 0; i < G_N_ELEMENTS(edited); i++) {
        g_autofree char *was = text_of(tree->out, edited[i]);

        tree_text(tree->out, edited[i], "mine");
        refused(tree, &second, &options, CHAMA_ERROR_EXISTS, "have 1: ");
        refused(tree, &second, &options, CHAMA_ERROR_EXISTS, edited[i]);
        assert_text(tree->out, edited[i], "mine");
        g_assert_false(exists(tree->out, "more"));
        g_assert_true(exists(tree->out, "gone/deep/file"));
        tree_text(tree->out, edited[i], was);
    }
    tree_text(tree->out, "changed", "mine");
    options.force = TRUE;
    get(tree, &second, &options);
    assert_same(tree, &second);
}

static void
test_many_edits(Tree *tree, gconstpointer data)
{
    for (guint i = 0; i < 9; i++)
        tree_text(tree->in, (char[]){ 'f', (char)('0' + i), 0 }, "x");
    Digest root = publish(tree, tree->in);

    for (guint i = 0; i < 9; i++)
        tree_text(tree->out, (char[]){ 'f', (char)('0' + i), 0 }, "y");
    refused(tree, &root, &plain, CHAMA_ERROR_EXISTS, "have 9: f0, f1, f2, f3, f4, and more");
}

static void
test_deleted_is_restored(Tree *tree, gconstpointer data)
{
    Digest first, second;
    CheckoutOptions options = { .base = &first };
    g_autofree char *path = g_build_filename(tree->out, "same", NULL);

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    g_assert_cmpint(unlink(path), ==, 0);
    g_assert_cmpuint(get(tree, &first, &options).written, ==, 1);
    assert_same(tree, &first);
}

static void
test_others_count_as_unedited(Tree *tree, gconstpointer data)
{
    Digest first, second;
    g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(Digest));
    CheckoutOptions options = { .others = others };

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    refused(tree, &second, &plain, CHAMA_ERROR_EXISTS, "changed");
    g_array_append_val(others, first);
    get(tree, &second, &options);
    assert_text(tree->out, "changed", "new and longer");
    /* Not of the base: nobody said that this was a checkout of it. */
    g_assert_true(exists(tree->out, "gone/other"));
}

static void
test_kinds_change(Tree *tree, gconstpointer data)
{
    g_autofree char *a = g_build_filename(tree->in, "a", NULL), *b = g_build_filename(tree->in, "b", NULL),
                    *c = g_build_filename(tree->in, "c", NULL), *d = g_build_filename(tree->in, "d", NULL);
    CheckoutOptions options = { 0 };

    tree_text(tree->in, "a", "a file");
    tree_text(tree->in, "b/x/y", "below a folder");
    tree_link(tree->in, "c", "a");
    tree_folder(tree->in, "d");
    Digest first = publish(tree, tree->in);

    tree_remove(a), tree_remove(b), tree_remove(c), tree_remove(d);
    tree_text(tree->in, "a/x", "below a folder");
    tree_text(tree->in, "b", "a file");
    tree_folder(tree->in, "c");
    tree_link(tree->in, "d", "b");
    Digest second = publish(tree, tree->in);

    get(tree, &first, &plain);
    options.base = &first;
    get(tree, &second, &options);
    assert_same(tree, &second);
    options.base = &second;
    get(tree, &first, &options);
    assert_same(tree, &first);
}

static void
test_obstacles(Tree *tree, gconstpointer data)
{
    g_autofree char *out_b = g_build_filename(tree->out, "b", NULL);
    CheckoutOptions force = { .force = TRUE };

    tree_text(tree->in, "a/x", "1");
    tree_text(tree->in, "a/y", "2");
    tree_text(tree->in, "b", "3");
    Digest root = publish(tree, tree->in);

    tree_text(tree->out, "a", "mine");
    refused(tree, &root, &plain, CHAMA_ERROR_EXISTS, "have 1: a;");
    tree_text(tree->out, "b/mine", "mine");
    refused(tree, &root, &plain, CHAMA_ERROR_EXISTS, "have 2: a, b/mine;");
    /* A folder with something of the person's own is never removed. */
    refused(tree, &root, &force, CHAMA_ERROR_EXISTS, "have 1: b/mine;");
    assert_text(tree->out, "a", "mine");
    tree_remove(out_b);
    tree_folder(tree->out, "b/empty");
    get(tree, &root, &force);
    assert_same(tree, &root);
}

/* I7: a folder that became a link is not gone through, neither to write nor to remove. */
static void
test_link_in_the_way(Tree *tree, gconstpointer data)
{
    g_autofree char *aside = g_build_filename(tree->top, "aside", NULL), *more = g_build_filename(tree->out, "gone", NULL);
    Digest first, second;
    CheckoutOptions options = { .base = &first };

    two_versions(tree, &first, &second);
    get(tree, &first, &plain);
    tree_text(aside, "other", "gone");
    tree_text(aside, "deep/file", "gone");
    tree_remove(more);
    tree_link(tree->out, "gone", aside);
    tree_link(tree->out, "more", aside);
    refused(tree, &second, &options, CHAMA_ERROR_EXISTS, "have 1: more;");
    options.force = TRUE;
    get(tree, &second, &options);
    g_assert_cmpuint(count_in(aside), ==, 2);
    assert_text(aside, "other", "gone");
    assert_text(aside, "deep/file", "gone");
    assert_text(tree->out, "more/added", "added");
    g_assert_true(S_ISDIR(stat_of(tree->out, "more").st_mode));
}

static gboolean
put_page(gpointer data, GBytes *page, const Digest *digest, GError **error)
{
    return store_writer_put(data, OBJECT_PAGE, digest, g_bytes_get_data(page, NULL), g_bytes_get_size(page), NULL, error);
}

static Digest
finish(Tree *tree, ListingWriter *writer)
{
    ListingTotals totals;

    g_assert_true(listing_writer_finish(writer, &totals, NULL));
    g_assert_true(store_writer_commit(tree->writer, NULL));
    return totals.root;
}

/* CO1: ingest makes no such version, but a peer may. */
static void
test_co1_hostile_links(Tree *tree, gconstpointer data)
{
    static const char *const targets[] = { "/etc/passwd", "../x", "a/../../x" };
    CheckoutOptions force = { .force = TRUE };

    for (gsize i = 0; i < G_N_ELEMENTS(targets); i++) {
        g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);

        g_assert_true(listing_writer_folder(writer, "a", NULL));
        g_assert_true(listing_writer_link(writer, "link", targets[i], NULL));
        Digest root = finish(tree, writer);

        refused(tree, &root, &plain, CHAMA_ERROR_MALFORMED, "link: CO1: ");
        refused(tree, &root, &force, CHAMA_ERROR_MALFORMED, "link: CO1: ");
        g_assert_cmpuint(count_in(tree->out), ==, 0);
    }
}

/* A listing whose file is not what it says of the whole: chunks are right, each by itself. */
static Digest
lying_version(Tree *tree, const guint8 *data, gsize size, gboolean store_chunks)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);
    Digest digest;

    digest_of("something else", 14, &digest);
    g_assert_true(listing_writer_begin_file(writer, "file", NULL));
    for (gsize at = 0, cut; at < size; at += cut) {
        cut = chunker_cut(data + at, size - at);
        ChunkRef chunk = { .size = (guint32)cut, .run = 1 };

        digest_of(data + at, cut, &chunk.digest);
        if (store_chunks)
            g_assert_true(store_writer_put(tree->writer, OBJECT_CHUNK, &chunk.digest, data + at, cut, NULL, NULL));
        g_assert_true(listing_writer_chunk(writer, &chunk, NULL));
    }
    g_assert_true(listing_writer_end_file(writer, FALSE, size, &digest, NULL));
    return finish(tree, writer);
}

static void
test_wrong_content(Tree *tree, gconstpointer data)
{
    static const gsize sizes[] = { 900000, 17 * MIB };
    g_autofree guint8 *noise = tree_noise(17 * MIB, 9);

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Digest root = lying_version(tree, noise, sizes[i], FALSE);
        g_autoptr(GError) error = NULL;
        int fd = open("/dev/null", O_WRONLY);

        refused(tree, &root, &plain, CHAMA_ERROR_NOT_FOUND, "");
        root = lying_version(tree, noise, sizes[i], TRUE);
        refused(tree, &root, &plain, CHAMA_ERROR_VERIFY, "file: want sha256:");
        /* Neither the file nor a temporary one. */
        g_assert_cmpuint(count_in(tree->out), ==, 0);
        g_assert_false(checkout_cat(tree->store, &root, "file", fd, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_VERIFY);
        close(fd);
    }
}

/* What was whole when a checkout failed stays, under its own name, and the next one goes on from there. */
static void
test_whole_files_stay(Tree *tree, gconstpointer data)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);
    ChunkRef good = { .size = 4, .run = 1 }, absent = { .size = 5, .run = 1 };

    digest_of("good", 4, &good.digest);
    digest_of("later", 5, &absent.digest);
    g_assert_true(store_writer_put(tree->writer, OBJECT_CHUNK, &good.digest, "good", 4, NULL, NULL));
    g_assert_true(listing_writer_begin_file(writer, "a", NULL));
    g_assert_true(listing_writer_chunk(writer, &good, NULL));
    g_assert_true(listing_writer_end_file(writer, FALSE, 4, &good.digest, NULL));
    g_assert_true(listing_writer_begin_file(writer, "b", NULL));
    g_assert_true(listing_writer_chunk(writer, &absent, NULL));
    g_assert_true(listing_writer_end_file(writer, FALSE, 5, &absent.digest, NULL));
    Digest root = finish(tree, writer);

    refused(tree, &root, &plain, CHAMA_ERROR_NOT_FOUND, "");
    g_assert_cmpuint(count_in(tree->out), ==, 1);
    assert_text(tree->out, "a", "good");
    g_assert_true(store_writer_put(tree->writer, OBJECT_CHUNK, &absent.digest, "later", 5, NULL, NULL));
    g_assert_true(store_writer_commit(tree->writer, NULL));
    CheckoutResult result = get(tree, &root, &plain);

    g_assert_cmpuint(result.kept, ==, 1);
    g_assert_cmpuint(result.written, ==, 1);
}

static void
test_wrong_chunk_size(Tree *tree, gconstpointer data)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(put_page, tree->writer);
    ChunkRef chunk = { .size = 5, .run = 1 };

    digest_of("four", 4, &chunk.digest);
    g_assert_true(store_writer_put(tree->writer, OBJECT_CHUNK, &chunk.digest, "four", 4, NULL, NULL));
    g_assert_true(listing_writer_begin_file(writer, "file", NULL));
    g_assert_true(listing_writer_chunk(writer, &chunk, NULL));
    g_assert_true(listing_writer_end_file(writer, FALSE, 5, &chunk.digest, NULL));
    Digest root = finish(tree, writer);

    refused(tree, &root, &plain, CHAMA_ERROR_VERIFY, "want 5 bytes as the listing says, have 4");
    g_assert_cmpuint(count_in(tree->out), ==, 0);
}

static void
test_only(Tree *tree, gconstpointer data)
{
    char *only[] = { "/data", "*.md", "deep/**/x", NULL };
    CheckoutOptions options = { .only = only };

    tree_text(tree->in, "data/a", "1");
    tree_text(tree->in, "data/b/c", "2");
    tree_text(tree->in, "read.md", "3");
    tree_text(tree->in, "sub/read.md", "4");
    tree_text(tree->in, "deep/1/2/x", "5");
    tree_text(tree->in, "other", "6");
    tree_link(tree->in, "sub/data", "x");
    Digest root = publish(tree, tree->in);

    g_assert_cmpuint(get(tree, &root, &options).written, ==, 5);
    g_assert_true(exists(tree->out, "data/b/c"));
    g_assert_true(exists(tree->out, "deep/1/2/x"));
    g_assert_true(exists(tree->out, "read.md"));
    g_assert_true(exists(tree->out, "sub/read.md"));
    g_assert_false(exists(tree->out, "sub/data"));
    g_assert_false(exists(tree->out, "other"));
}

static void
test_cancel(Tree *tree, gconstpointer data)
{
    Progress progress = { .cancelled = 1 };
    CheckoutOptions options = { .progress = &progress };

    tree_text(tree->in, "a", "1");
    Digest root = publish(tree, tree->in);

    refused(tree, &root, &options, CHAMA_ERROR_CANCELLED, "stopped");
    g_assert_cmpuint(count_in(tree->out), ==, 0);
    progress = (Progress){ 0 };
    get(tree, &root, &options);
    g_assert_cmpint(progress.bytes_done, ==, 1);
    g_assert_cmpint(progress.bytes_total, ==, 1);
    g_assert_cmpint(progress.files_done, ==, 1);
    g_assert_cmpint(progress.files_total, ==, 1);
}

static void
test_target_is_a_file(Tree *tree, gconstpointer data)
{
    Digest root = publish(tree, tree->in);

    tree_text(tree->top, "out", "a file");
    refused(tree, &root, &plain, CHAMA_ERROR_FAILED, "out");
}

typedef struct {
    int fd;
    GString *got;
} Drain;

static gpointer
drain(gpointer data)
{
    Drain *into = data;
    char buffer[4096];
    gssize n;

    while ((n = read(into->fd, buffer, sizeof(buffer))) > 0)
        g_string_append_len(into->got, buffer, n);
    return NULL;
}

static void
test_cat(Tree *tree, gconstpointer data)
{
    g_autofree guint8 *noise = tree_noise(1000000, 11);
    g_autoptr(GString) got = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    int ends[2];

    tree_write(tree->in, "dir/file", noise, 1000000);
    tree_link(tree->in, "link", "dir");
    tree_folder(tree->in, "none");
    Digest root = publish(tree, tree->in);

    g_assert_cmpint(pipe(ends), ==, 0);
    Drain into = { ends[0], got };
    GThread *thread = g_thread_new("drain", drain, &into);

    g_assert_true(checkout_cat(tree->store, &root, "dir/file", ends[1], &error));
    close(ends[1]);
    g_thread_join(thread);
    close(ends[0]);
    g_assert_cmpmem(got->str, got->len, noise, 1000000);
}

static void
test_cat_refusals(Tree *tree, gconstpointer data)
{
    static const char *const paths[] = { "dir", "dir/", "dir/f", "dir/file/", "nothing", "link", "none", "", "../in/dir/file", "/dir/file" };
    int closed;

    tree_text(tree->in, "dir/file", "x");
    tree_link(tree->in, "link", "dir/file");
    tree_folder(tree->in, "none");
    Digest root = publish(tree, tree->in);

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(checkout_cat(tree->store, &root, paths[i], 1, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    }
    g_autoptr(GError) error = NULL;

    closed = open("/dev/null", O_RDONLY);
    g_assert_false(checkout_cat(tree->store, &root, "dir/file", closed, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_FAILED);
    close(closed);
}

/* What the file system takes for one name: here by a hard link, elsewhere by folding case. */
static void
test_collision(Tree *tree, gconstpointer data)
{
    g_autofree char *a = g_build_filename(tree->in, "Name", NULL), *b = g_build_filename(tree->in, "name", NULL);
    g_auto(Fresh) fresh = FRESH_INIT, again = FRESH_INIT;
    g_autoptr(GError) two = NULL, one = NULL;
    int folder = open(tree->in, O_PATH | O_DIRECTORY);

    tree_text(tree->in, "Name", "1");
    g_assert_true(fresh_open(&fresh, folder, "sub/Name", FALSE, NULL));
    g_assert_false(fresh_place(&fresh, "sub/Name", FALSE, &one));
    g_assert_error(one, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    g_assert_cmpstr(one->message, ==, "sub/Name: it was made by someone else meanwhile");
    g_assert_cmpint(rename(a, b), ==, 0);
    g_assert_cmpint(link(b, a), ==, 0);
    g_assert_true(fresh_open(&again, folder, "name", FALSE, NULL));
    g_assert_false(fresh_place(&again, "name", FALSE, &two));
    g_assert_error(two, CHAMA_ERROR, CHAMA_ERROR_EXISTS);
    fresh_clear(&fresh);
    fresh_clear(&again);
    g_assert_cmpuint(count_in(tree->in), ==, 2);
    close(folder);
}

static void
test_i7_beneath(Tree *tree, gconstpointer data)
{
    static const struct {
        const char *path;
        int errnum;
    } cases[] = {
        { "dir/file", 0 }, { "dir", 0 }, { "", 0 }, { "link/file", ELOOP }, { "to-file", ELOOP }, { "dir/up/top", ELOOP },
        { "dir/file/x", ENOTDIR }, { "nothing", ENOENT }, { "nothing/x", ENOENT },
    };
    static int (*const ways[])(int, const char *, int, mode_t) = { beneath_open, beneath_open_stepwise };
    int root = open(tree->in, O_PATH | O_DIRECTORY);

    tree_text(tree->in, "dir/file", "x");
    tree_text(tree->in, "top", "x");
    tree_link(tree->in, "link", "dir");
    tree_link(tree->in, "to-file", "top");
    tree_link(tree->in, "dir/up", "..");
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        for (gsize w = 0; w < G_N_ELEMENTS(ways); w++) {
            int fd = ways[w](root, cases[i].path, O_RDONLY, 0);
            /* One call cannot tell a link from another file where a folder should be, nor need it. */
            gboolean as_said = fd >= 0 ? cases[i].errnum == 0 : errno == cases[i].errnum || (errno == ENOTDIR && cases[i].errnum == ELOOP);

            if (!as_said)
                g_error("\"%s\", way %zu: want %s, have %s", cases[i].path, w, g_strerror(cases[i].errnum), fd >= 0 ? "success" : g_strerror(errno));
            if (fd >= 0)
                close(fd);
        }
    close(root);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(Tree *, gconstpointer);
    } tests[] = {
        { "round-trip", test_round_trip },
        { "many-files", test_many_files },
        { "empty", test_empty },
        { "holes", test_holes },
        { "sweep", test_sweep },
        { "CO8-settled", test_settled },
        { "CO8-recall", test_recall },
        { "CO8-recall-sees-edits", test_recall_sees_edits },
        { "CO8-recall-of-others", test_recall_of_others },
        { "CO8-recall-not-of-selections", test_recall_not_of_selections },
        { "CO6-stage-resumed", test_stage_resumed },
        { "CO6-stage-swept", test_stage_swept },
        { "I7-stage-in-the-way", test_stage_in_the_way },
        { "stage-settle", test_stage_settle },
        { "whole-files-stay", test_whole_files_stay },
        { "one-at-a-time", test_one_at_a_time },
        { "mode", test_mode },
        { "update", test_update },
        { "folder-with-own-file-stays", test_folder_with_own_file_stays },
        { "local-edits", test_local_edits },
        { "many-edits", test_many_edits },
        { "deleted-is-restored", test_deleted_is_restored },
        { "others-count-as-unedited", test_others_count_as_unedited },
        { "kinds-change", test_kinds_change },
        { "obstacles", test_obstacles },
        { "link-in-the-way", test_link_in_the_way },
        { "CO1-hostile-links", test_co1_hostile_links },
        { "wrong-content", test_wrong_content },
        { "wrong-chunk-size", test_wrong_chunk_size },
        { "only", test_only },
        { "cancel", test_cancel },
        { "target-is-a-file", test_target_is_a_file },
        { "cat", test_cat },
        { "cat-refusals", test_cat_refusals },
        { "collision", test_collision },
        { "I7-beneath", test_i7_beneath },
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/checkout/", tests[i].name, NULL);

        g_test_add(path, Tree, NULL, setup, tests[i].test, teardown);
    }
    return g_test_run();
}
