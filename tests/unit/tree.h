/*
 * tree: folders of files that tests make, and a store beside them.
 */
#ifndef CHAMA_TESTS_UNIT_TREE_H
#define CHAMA_TESTS_UNIT_TREE_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "manifests/store/store.h"

typedef struct {
    char *top;                 /* a temporary folder; below it: */
    char *in, *out;            /* a folder to fill, and a name for one to write */
    Store *store;
    StoreWriter *writer;
} Tree;

static inline void
tree_open(Tree *tree)
{
    g_autofree char *store = NULL;

    tree->top = g_dir_make_tmp("chama-test-XXXXXX", NULL);
    g_assert_nonnull(tree->top);
    tree->in = g_build_filename(tree->top, "in", NULL);
    tree->out = g_build_filename(tree->top, "out", NULL);
    store = g_build_filename(tree->top, "store", NULL);
    g_assert_cmpint(mkdir(tree->in, 0777), ==, 0);
    tree->store = store_open(store, NULL);
    g_assert_nonnull(tree->store);
    tree->writer = store_writer_new(tree->store, &SCOPE_OPEN, NULL);
    g_assert_nonnull(tree->writer);
}

static inline int
tree_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static inline void
tree_remove(const char *path)
{
    nftw(path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void
tree_close(Tree *tree)
{
    store_writer_free(tree->writer);
    store_close(tree->store);
    tree_remove(tree->top);
    g_free(tree->top);
    g_free(tree->in);
    g_free(tree->out);
}

/* Writes @path below @folder, with the folders above it. */
static inline void
tree_write(const char *folder, const char *path, const void *data, gsize size)
{
    g_autofree char *full = g_build_filename(folder, path, NULL), *parent = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(parent, 0777), ==, 0);
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    g_assert_cmpint(fd, >=, 0);
    for (gsize done = 0; done < size;) {
        gssize n = write(fd, (const char *)data + done, size - done);

        g_assert_cmpint(n, >, 0);
        done += (gsize)n;
    }
    close(fd);
}

static inline void
tree_text(const char *folder, const char *path, const char *text)
{
    tree_write(folder, path, text, strlen(text));
}

static inline void
tree_folder(const char *folder, const char *path)
{
    g_autofree char *full = g_build_filename(folder, path, NULL);

    g_assert_cmpint(g_mkdir_with_parents(full, 0777), ==, 0);
}

static inline void
tree_link(const char *folder, const char *path, const char *target)
{
    g_autofree char *full = g_build_filename(folder, path, NULL), *parent = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(parent, 0777), ==, 0);
    g_assert_cmpint(symlink(target, full), ==, 0);
}

static inline void
tree_mode(const char *folder, const char *path, mode_t mode)
{
    g_autofree char *full = g_build_filename(folder, path, NULL);

    g_assert_cmpint(chmod(full, mode), ==, 0);
}

/* Bytes that look random and are the same in every run. */
static inline guint8 *
tree_noise(gsize size, guint64 seed)
{
    guint8 *data = g_malloc(size);

    for (gsize i = 0; i < size; i++) {
        seed = seed * G_GUINT64_CONSTANT(6364136223846793005) + G_GUINT64_CONSTANT(1442695040888963407);
        data[i] = (guint8)(seed >> 56);
    }
    return data;
}

#endif
