#include "manifests/checkout/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/checkout/fresh.h"
#include "manifests/checkout/sweep.h"
#include "manifests/listing/page.h"

/* Names that are held at a time while a folder changes under the eyes of its reader. */
#define NAMES_MAX 4096

void
stage_name(const Digest *listing, char *const *only, char name[32])
{
    g_autoptr(DigestStream) stream = digest_stream_new();
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    digest_stream_update(stream, listing, sizeof *listing);
    for (; only && *only; only++)
        digest_stream_update(stream, *only, strlen(*only) + 1);
    digest_stream_reset(stream, &digest);
    g_snprintf(name, 32, ".chama-%.16s.tmp", digest_format_hex(&digest, hex));
}

/* What is of this name and no folder is in the way. */
static gboolean
make(Stage *stage, int target, const char *name)
{
    if (mkdirat(target, name, 0700) == 0 || (errno == EEXIST && unlinkat(target, name, 0) == 0 && mkdirat(target, name, 0700) == 0))
        return TRUE;
    stage->resumed = errno == EISDIR || errno == EPERM;
    return stage->resumed;
}

gboolean
stage_open(Stage *stage, int target, const char *name, GError **error)
{
    stage->target = target;
    if (make(stage, target, name))
        stage->fd = openat(target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (stage->fd < 0)
        return chama_error_errno(error, errno, "%s", name);
    g_strlcpy(stage->name, name, sizeof stage->name);
    return TRUE;
}

/* Some of the names in the folder, not always the same ones; an empty array at its end. */
static GPtrArray *
some_names(int folder)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *found;

    while (dir && names->len < NAMES_MAX && (found = readdir(dir)))
        if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0)
            g_ptr_array_add(names, g_strdup(found->d_name));
    if (dir)
        closedir(dir);
    return names;
}

static gboolean
settle_one(const Stage *stage, const char *name, GError **error)
{
    if (fresh_rename_to_free(stage->fd, name, stage->target, name) == 0)
        return TRUE;
    if (errno == EEXIST)
        return fresh_refuse_taken(stage->target, name, error);
    int saved = errno;
    g_autofree char *shown = path_display(name);

    return chama_error_errno(error, saved, "%s", shown);
}

gboolean
stage_settle(Stage *stage, GError **error)
{
    for (;;) {
        g_autoptr(GPtrArray) names = some_names(stage->fd);

        if (names->len == 0)
            break;
        for (guint i = 0; i < names->len; i++)
            if (!settle_one(stage, g_ptr_array_index(names, i), error))
                return FALSE;
    }
    if (unlinkat(stage->target, stage->name, AT_REMOVEDIR) != 0)
        return chama_error_errno(error, errno, "%s", stage->name);
    return TRUE;
}

void
stage_discard(Stage *stage)
{
    sweep_tree(stage->target, stage->name);
}

void
stage_close(Stage *stage)
{
    if (stage->fd >= 0)
        close(stage->fd);
    stage->fd = -1;
}
