#include <fcntl.h>

#include "manifests/checkout/fresh.h"
#include "manifests/checkout/stage.h"
#include "tests/unit/checkout_fixture.h"

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

int
main(int argc, char **argv)
{
    static const CheckoutTest tests[] = {
        { "sweep", test_sweep },
        { "CO6-stage-resumed", test_stage_resumed },
        { "CO6-stage-swept", test_stage_swept },
        { "I7-stage-in-the-way", test_stage_in_the_way },
        { "stage-settle", test_stage_settle },
    };

    return checkout_tests(argc, argv, "/stage", tests, G_N_ELEMENTS(tests));
}
