/*
 * git: libgit2, loaded when a repository is first opened (keys/library.h): it brings OpenSSL, mbed TLS, libssh2 and Kerberos, a third of the time of a
 * short command, and most commands find where a ledger stands without it (headfile.h).
 */
#ifndef CHAMA_MANIFESTS_LEDGER_GIT_H
#define CHAMA_MANIFESTS_LEDGER_GIT_H

#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <glib.h>

#include "keys/library.h"

#define GIT_FUNCTIONS(f) \
    f(git_error_last) f(git_libgit2_init) f(git_libgit2_opts) f(git_libgit2_version) f(git_odb_add_backend) f(git_odb_backend_data_alloc) \
    f(git_odb_exists) f(git_odb_free) f(git_odb_hash) f(git_odb_init_backend) f(git_odb_object_data) f(git_odb_object_free) f(git_odb_object_size) \
    f(git_odb_object_type) f(git_odb_read) f(git_packbuilder_free) f(git_packbuilder_insert) f(git_packbuilder_name) f(git_packbuilder_new) \
    f(git_packbuilder_set_threads) f(git_packbuilder_write) f(git_reference_create) f(git_reference_create_matching) f(git_reference_free) \
    f(git_reference_list) f(git_reference_lookup) f(git_reference_target) f(git_reference_type) f(git_repository_free) f(git_repository_odb) \
    f(git_repository_open_bare) f(git_repository_path) f(git_strarray_dispose)

/* Valid after git_load(). */
extern struct GitLibrary { GIT_FUNCTIONS(LIBRARY_POINTER) } libgit2;

/* Loads and sets it up, the first time that it is called.  FAILED, naming what is missing. */
gboolean git_load(GError **error);

static inline void
packbuilder_free(git_packbuilder *builder)
{
    libgit2.git_packbuilder_free(builder);
}

static inline void
reference_free(git_reference *reference)
{
    libgit2.git_reference_free(reference);
}

static inline void
odb_object_free(git_odb_object *object)
{
    libgit2.git_odb_object_free(object);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_packbuilder, packbuilder_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_reference, reference_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_odb_object, odb_object_free)

#endif
