#include "manifests/ledger/repository.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/ledger/packs.h"

#define REF_SIZE_MAX 4096

struct Repository {
    char *path;
    git_repository *git;
    git_odb *database;
    Objects *objects;
};

/* G2: no reader of these files is to be surprised, so they are the same in every ledger. */
static const struct { const char *name, *text; } files[] = {
    { "HEAD", "ref: " REPOSITORY_REF "\n" },
    { "description", "chama ledger/1\n" },
    { "config", "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
                "[gpg]\n\tformat = ssh\n[gpg \"ssh\"]\n\tallowedSignersFile = " REPOSITORY_SIGNERS "\n[gc]\n\tauto = 0\n" },
};

static const char *const folders[] = { "objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags" };

const char *
repository_file_text(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(files); i++)
        if (strcmp(files[i].name, name) == 0)
            return files[i].text;
    return NULL;
}

gboolean
repository_error(GError **error, int code, const char *path, const char *what)
{
    int saved = errno;
    const git_error *last = libgit2.git_error_last();
    const char *text = last && last->message ? last->message : "unknown error";

    if (code == GIT_ENOTFOUND || code == GIT_EMISMATCH || (last && (last->klass == GIT_ERROR_ZLIB || last->klass == GIT_ERROR_OBJECT)))
        return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: %s: %s", path, what, text);
    if (last && last->klass == GIT_ERROR_OS && (saved == ENOSPC || saved == EDQUOT))
        return chama_error(error, CHAMA_ERROR_NO_SPACE, "%s: %s: %s", path, what, text);
    return chama_error(error, CHAMA_ERROR_FAILED, "%s: %s: %s", path, what, text);
}

static gboolean
write_layout(const char *path, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_build_filename(path, folders[i], NULL);

        if (!durable_mkdir(folder, 0755, error))
            return FALSE;
    }
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *file = g_build_filename(path, files[i].name, NULL);

        if (!durable_write(file, files[i].text, strlen(files[i].text), 0644, error))
            return FALSE;
    }
    return TRUE;
}

static void
remove_layout(const char *path)
{
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *file = g_build_filename(path, files[i].name, NULL);

        g_unlink(file);
    }
    for (guint i = G_N_ELEMENTS(folders); i > 0; i--) {
        g_autofree char *folder = g_build_filename(path, folders[i - 1], NULL);

        g_rmdir(folder);
    }
    g_rmdir(path);
}

gboolean
repository_create(const char *path, GError **error)
{
    g_autofree char *temporary = g_strconcat(path, ".tmp-XXXXXX", NULL);

    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: want nothing there, have something", path);
    if (!g_mkdtemp_full(temporary, 0755))
        return chama_error_errno(error, errno, "%s: cannot create", path);
    if (write_layout(temporary, error) && durable_rename(temporary, path, error))
        return TRUE;
    remove_layout(temporary);
    return FALSE;
}

static void
close_git(Repository *repository)
{
    g_clear_pointer(&repository->database, libgit2.git_odb_free);
    g_clear_pointer(&repository->git, libgit2.git_repository_free);
}

static gboolean
open_git(Repository *repository, GError **error)
{
    int status;

    if (!git_load(error) || !packs_check(repository->path, error))
        return FALSE;
    status = libgit2.git_repository_open_bare(&repository->git, repository->path);
    if (status == 0)
        status = libgit2.git_repository_odb(&repository->database, repository->git);
    if (status == 0 && objects_attach(repository->objects, repository->database))
        return TRUE;
    close_git(repository);
    return repository_error(error, status, repository->path, "cannot open the repository");
}

Repository *
repository_open(const char *path, GError **error)
{
    g_autoptr(Repository) repository = g_new0(Repository, 1);

    repository->path = g_strdup(path);
    repository->objects = objects_new();
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no ledger here", path);
    return g_steal_pointer(&repository);
}

void
repository_close(Repository *repository)
{
    if (!repository)
        return;
    close_git(repository);
    objects_free(repository->objects);
    g_free(repository->path);
    g_free(repository);
}

gboolean
repository_reopen(Repository *repository, GError **error)
{
    close_git(repository);
    return open_git(repository, error);
}

git_repository *
repository_git(Repository *repository)
{
    return repository->git;
}

Objects *
repository_objects(Repository *repository)
{
    return repository->objects;
}

static GBytes *
bytes_of(const Repository *repository, int status, git_odb_object *object, const git_oid *id, git_object_t type, GError **error)
{
    char text[GIT_OID_HEXSZ + 1];

    if (status != 0) {
        repository_error(error, status, repository->path, "G1");
        return NULL;
    }
    if (libgit2.git_odb_object_type(object) != type)
        return chama_error_null(error, CHAMA_ERROR_DAMAGED, "%s: G1: object %s is of another type", repository->path, oid_format(id, text));
    return g_bytes_new(libgit2.git_odb_object_data(object), libgit2.git_odb_object_size(object));
}

GBytes *
repository_read_from(const Repository *repository, git_odb *database, const git_oid *id, git_object_t type, GError **error)
{
    g_autoptr(git_odb_object) object = NULL;
    int status = database ? libgit2.git_odb_read(&object, database, id) : GIT_ENOTFOUND;

    return bytes_of(repository, status, object, id, type, error);
}

GBytes *
repository_read(Repository *repository, const git_oid *id, git_object_t type, GError **error)
{
    g_autoptr(git_odb_object) object = NULL;
    int status;

    if (!repository->database && !open_git(repository, error))
        return NULL;
    status = libgit2.git_odb_read(&object, repository->database, id);
    if (status != 0 && repository_reopen(repository, NULL))
        status = libgit2.git_odb_read(&object, repository->database, id);
    return bytes_of(repository, status, object, id, type, error);
}

/* What stands in the ref's own file, as libgit2 writes it. */
static gboolean
read_loose_ref(Repository *repository, git_oid *head)
{
    g_autofree char *path = g_build_filename(repository->path, REPOSITORY_REF, NULL);
    g_autoptr(GBytes) bytes = durable_read(path, REF_SIZE_MAX, NULL);
    const char *text = bytes ? g_bytes_get_data(bytes, NULL) : NULL;

    return text && g_bytes_get_size(bytes) == GIT_OID_HEXSZ + 1 && text[GIT_OID_HEXSZ] == '\n' && oid_parse(text, head);
}

gboolean
repository_head(Repository *repository, git_oid *head, GError **error)
{
    g_autoptr(git_reference) ref = NULL;
    int status;

    memset(head, 0, sizeof *head);
    if (read_loose_ref(repository, head))
        return TRUE;
    if (!repository->git && !open_git(repository, error))
        return FALSE;
    status = libgit2.git_reference_lookup(&ref, repository->git, REPOSITORY_REF);
    if (status == GIT_ENOTFOUND)
        return TRUE;
    if (status != 0 || libgit2.git_reference_type(ref) != GIT_REFERENCE_DIRECT)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: G3: " REPOSITORY_REF " does not name a commit", repository->path);
    *head = *libgit2.git_reference_target(ref);
    return TRUE;
}

gboolean
repository_set_head(Repository *repository, const git_oid *from, const git_oid *to, GError **error)
{
    g_autoptr(git_reference) ref = NULL;
    /* libgit2 takes an id of zeros for "whatever it was", so a first commit says "only if there is none". */
    int status = oid_is_zero(from)
        ? libgit2.git_reference_create(&ref, repository->git, REPOSITORY_REF, to, 0, NULL)
        : libgit2.git_reference_create_matching(&ref, repository->git, REPOSITORY_REF, to, 1, from, NULL);

    return status == 0 || repository_error(error, status, repository->path, "cannot move " REPOSITORY_REF);
}

static void
clear_folder(const char *path, const char *pattern)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        if (g_pattern_match_simple(pattern, name))
            g_unlink(file);
    }
}

void
repository_clear_stale(Repository *repository)
{
    g_autofree char *heads = g_build_filename(repository->path, "refs", "heads", NULL);
    g_autofree char *packs = g_build_filename(repository->path, "objects", "pack", NULL);

    clear_folder(heads, "*.lock");
    clear_folder(packs, "*.tmp-*");
    clear_folder(packs, "*_git2_*");
}

char *
repository_library(void)
{
    int major, minor, revision;

    if (!git_load(NULL))
        return g_strdup("none");
    libgit2.git_libgit2_version(&major, &minor, &revision);
    return g_strdup_printf("%d.%d.%d", major, minor, revision);
}
