/*
 * catalogue_fixture: a node with its ledger, and a catalogue that may know of it.  For unit tests.
 */
#ifndef CHAMA_TESTS_CATALOGUE_FIXTURE_H
#define CHAMA_TESTS_CATALOGUE_FIXTURE_H

#include <glib/gstdio.h>

#include "manifests/catalogue.h"
#include "tests/unit/node_fixture.h"

typedef struct {
    char *folder, *path;
    NodeFixture node;
    Ledger *ledger;
    Catalogue *catalogue;
} Fixture;

static inline void
remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            remove_tree(child);
        else
            g_unlink(child);
    }
    g_rmdir(path);
}

static inline Ledger *
make_ledger(Fixture *f, const char *name)
{
    g_autofree char *git = g_strdup_printf("%s/%s.git", f->folder, name);
    g_autofree char *log = g_strdup_printf("%s/%s.log", f->folder, name);
    g_autoptr(GError) error = NULL;
    Ledger *ledger = ledger_create(git, log, &error);

    g_assert_no_error(error);
    return ledger;
}

static inline Ledger *
open_again(Fixture *f, const char *name)
{
    g_autofree char *git = g_strdup_printf("%s/%s.git", f->folder, name);
    g_autofree char *log = g_strdup_printf("%s/%s.log", f->folder, name);
    g_autoptr(GError) error = NULL;
    Ledger *ledger = ledger_open(git, log, &error);

    g_assert_no_error(error);
    return ledger;
}

static inline void
open_catalogue(Fixture *f)
{
    g_autoptr(GError) error = NULL;

    f->catalogue = catalogue_open(f->path, &error);
    g_assert_no_error(error);
}

static inline void
set_up(Fixture *f)
{
    f->folder = g_dir_make_tmp("chama-catalogue-XXXXXX", NULL);
    g_assert_nonnull(f->folder);
    f->path = g_build_filename(f->folder, "catalogue.sqlite", NULL);
    node_init(&f->node, 1);
    f->ledger = make_ledger(f, "own");
    open_catalogue(f);
}

static inline void
tear_down(Fixture *f)
{
    catalogue_close(f->catalogue);
    ledger_close(f->ledger);
    node_clear(&f->node);
    remove_tree(f->folder);
    g_free(f->folder);
    g_free(f->path);
}

/* The records of the node that @ledger has not yet, as one batch. */
static inline void
append_to(Ledger *ledger, const NodeFixture *node)
{
    g_autoptr(GPtrArray) batch = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(LedgerLock) lock = ledger_lock(ledger, &error);

    g_assert_no_error(error);
    for (guint64 i = ledger_head(ledger)->size; i < node->records->len; i++)
        g_ptr_array_add(batch, g_ptr_array_index(node->records, i));
    if (batch->len > 0)
        ledger_append(ledger, batch, node->signing, &error);
    g_assert_no_error(error);
}

static inline void
project(Fixture *f)
{
    g_autoptr(GError) error = NULL;

    append_to(f->ledger, &f->node);
    catalogue_project(f->catalogue, f->ledger, &error);
    g_assert_no_error(error);
}

static inline Record *
state(NodeFixture *node, const char *type, const char *members)
{
    g_autoptr(GBytes) bytes = text_bytes(members);

    return node_state(node, type, bytes);
}

/* A sealed statement with @body, and its opening. */
static inline Opening *
seal(NodeFixture *node, const char *body)
{
    Opening *opening = g_new0(Opening, 1);
    g_autoptr(GBytes) members = NULL;
    Digest digest;

    salt_generate(opening->salt);
    opening->body = text_bytes(body);
    seal_digest(opening->salt, opening->body, &digest);
    members = sealed_format(&digest, NULL);
    opening->record = node_state(node, "sealed/1", members)->address;
    return opening;
}

#endif
