#include "manifests/tree/look.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "keys/error.h"
#include "manifests/listing/page.h"
#include "manifests/tree/beneath.h"
#include "manifests/tree/pipeline.h"

/* Enough that handing over costs nothing; a small folder never fills one and is looked at without threads. */
#define WINDOW_PATHS 512

typedef struct {
    guint path;                /* where it begins in paths */
    mode_t mode;               /* at first only the kind */
    gboolean trusted;
    Stamp stamp;
    int failure;               /* errno */
} Seen;

typedef struct {
    GString *paths;            /* each with its NUL */
    guint count;
    Seen seen[WINDOW_PATHS];
} Window;

struct Look {
    int root;
    LookVisit visit;
    gpointer visit_data;
    Window *filling;
    Pipeline *windows;         /* once the first is full */
};

gboolean
look_changed(const char *path, GError **error)
{
    g_autofree char *shown = path_display(path);

    return chama_error(error, CHAMA_ERROR_FAILED, "%s changed while it was read; want it to stand still, publish again", shown);
}

gboolean
look_failed(const char *path, int errnum, GError **error)
{
    g_autofree char *shown = path_display(*path ? path : ".");

    if (errnum == EACCES)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: want leave to read it, have none; give it, or leave it out with --exclude", shown);
    return errnum == ENOENT ? look_changed(path, error) : chama_error_errno(error, errnum, "%s", shown);
}

static Window *
window_new(void)
{
    Window *window = g_new(Window, 1);

    window->paths = g_string_sized_new(WINDOW_PATHS * 32);
    window->count = 0;
    return window;
}

static void
window_free(gpointer data)
{
    Window *window = data;

    if (!window)
        return;
    g_string_free(window->paths, TRUE);
    g_free(window);
}

/* The folder of the path looked at last, and whether stamps of the device asked about last count (AR10). */
typedef struct {
    BeneathFolder folder;
    gboolean asked, local;
    dev_t device;
} Place;

/* A file of another device than its folder's is mounted there by itself: of its file system nothing is asked. */
static gboolean
is_local(Place *place, dev_t device)
{
    struct stat st;

    if (place->asked && place->device == device)
        return place->local;
    if (fstat(place->folder.fd, &st) != 0 || st.st_dev != device)
        return FALSE;
    place->asked = TRUE;
    place->device = device;
    place->local = file_system_is_local(place->folder.fd);
    return place->local;
}

static void
look_at(Place *place, const char *path, Seen *seen)
{
    struct stat st;

    if (S_ISDIR(seen->mode))
        return;
    if (beneath_folder_of(&place->folder, path, FALSE) < 0 || fstatat(place->folder.fd, beneath_name(path), &st, AT_SYMLINK_NOFOLLOW) != 0) {
        seen->failure = errno;
        return;
    }
    seen->failure = (st.st_mode & S_IFMT) == (seen->mode & S_IFMT) ? 0 : ENOENT;
    seen->mode = st.st_mode;
    seen->stamp = stamp_of(&st);
    seen->trusted = is_local(place, st.st_dev);
}

static void
look_at_all(gpointer job, gpointer data)
{
    Window *window = job;
    const Look *look = data;
    Place place = { .folder = BENEATH_FOLDER_INIT(look->root) };

    for (guint i = 0; i < window->count; i++)
        look_at(&place, window->paths->str + window->seen[i].path, &window->seen[i]);
    beneath_folder_clear(&place.folder);
}

static gboolean
tell(gpointer job, gpointer data, GError **error)
{
    const Window *window = job;
    const Look *look = data;

    for (guint i = 0; i < window->count; i++) {
        const Seen *seen = &window->seen[i];
        Found found = { .path = window->paths->str + seen->path, .mode = seen->mode, .stamp = seen->stamp, .trusted = seen->trusted };

        if (seen->failure)
            return look_failed(found.path, seen->failure, error);
        if (!look->visit(look->visit_data, &found, error))
            return FALSE;
    }
    return TRUE;
}

Look *
look_new(int root, LookVisit visit, gpointer visit_data)
{
    Look *look = g_new0(Look, 1);

    look->root = root;
    look->visit = visit;
    look->visit_data = visit_data;
    look->filling = window_new();
    return look;
}

void
look_free(Look *look)
{
    if (!look)
        return;
    pipeline_free(look->windows);
    window_free(look->filling);
    g_free(look);
}

static gboolean
send_window(Look *look, GError **error)
{
    guint threads = pipeline_threads();
    PipelineKind kind = { threads, 2 * threads, look_at_all, tell, window_free, look };
    Window *full = look->filling;

    if (!look->windows)
        look->windows = pipeline_new(&kind);
    look->filling = window_new();
    return pipeline_push(look->windows, full, error);
}

gboolean
look_add(Look *look, const char *path, mode_t mode, GError **error)
{
    Window *window = look->filling;

    window->seen[window->count++] = (Seen){ .path = (guint)window->paths->len, .mode = mode };
    g_string_append_len(window->paths, path, (gssize)strlen(path) + 1);
    return window->count < WINDOW_PATHS || send_window(look, error);
}

gboolean
look_finish(Look *look, GError **error)
{
    if (look->windows)
        return send_window(look, error) && pipeline_drain(look->windows, error);
    look_at_all(look->filling, look);
    return tell(look->filling, look, error);
}
