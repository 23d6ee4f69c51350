/*
 * home_fixture: a node in a temporary folder, which goes with it.  For unit tests.
 */
#ifndef CHAMA_TESTS_HOME_FIXTURE_H
#define CHAMA_TESTS_HOME_FIXTURE_H

#include <ftw.h>
#include <stdio.h>

#include <glib.h>

#include "manifests/home.h"

typedef struct {
    char *folder;
    Home *home;
} HomeFixture;

static inline Home *
home_fixture_create(const char *path, const char *name, const char *address)
{
    g_autofree char *addresses = address ? g_strdup_printf("\"%s\"", address) : g_strdup("");
    g_autofree char *profile = g_strdup_printf("{\"addresses\":[%s],\"ledger\":\"relayed\",\"name\":{\"en\":\"%s\"}}", addresses, name);
    g_autoptr(GBytes) members = g_bytes_new(profile, strlen(profile));
    const HomeSetup setup = { .profile = members, .config = "" };
    g_autoptr(GError) error = NULL;
    Home *home = home_create(path, &setup, &error);

    g_assert_no_error(error);
    return home;
}

static inline void
home_fixture_make(HomeFixture *fixture, gconstpointer unused)
{
    g_autofree char *path = NULL;

    fixture->folder = g_dir_make_tmp("chama-XXXXXX", NULL);
    path = g_build_filename(fixture->folder, "home", NULL);
    fixture->home = home_fixture_create(path, "Test", NULL);
}

static inline int
home_fixture_remove(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    return remove(path);
}

static inline void
home_fixture_clear(HomeFixture *fixture, gconstpointer unused)
{
    home_close(fixture->home);
    g_assert_cmpint(nftw(fixture->folder, home_fixture_remove, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
    g_free(fixture->folder);
}

#endif
