#include "manifests/tree/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "keys/error.h"
#include "manifests/listing/page.h"
#include "manifests/tree/beneath.h"

/* The entries of one folder: names in a row, and where each begins. */
typedef struct {
    guint32 name;
    mode_t kind;
} Entry;

typedef struct {
    GByteArray *names;
    GArray *entries;
} Entries;

static void
entries_clear(Entries *entries)
{
    g_clear_pointer(&entries->names, g_byte_array_unref);
    g_clear_pointer(&entries->entries, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Entries, entries_clear)

static const char *
special_kind(mode_t mode)
{
    return S_ISSOCK(mode) ? "a socket" : S_ISFIFO(mode) ? "a FIFO" : S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "something else";
}

gboolean
walk_special(Walk *walk, const char *path, mode_t mode, GError **error)
{
    g_autofree char *shown = path_display(path), *message = NULL;

    if (!walk->skip_special)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: AR6: want a file, a link or a folder, have %s; --skip-special leaves it out", shown, special_kind(mode));
    walk->skipped++;
    message = g_strdup_printf("%s: skipped: it is %s", shown, special_kind(mode));
    if (walk->warn)
        walk->warn(walk->warn_data, message);
    return TRUE;
}

static gint
compare_entries(gconstpointer a, gconstpointer b, gpointer names)
{
    const Entry *left = a, *right = b;
    const char *base = (const char *)((GByteArray *)names)->data;

    /* By bytes: '/' sorts below every byte, so what is in "a" comes before "a-b", as "a" does. */
    return strcmp(base + left->name, base + right->name);
}

/* Some file systems do not say the kind with the name. */
static gboolean
find_kind(int fd, const char *folder, const struct dirent *found, mode_t *kind, GError **error)
{
    struct stat st;

    *kind = DTTOIF(found->d_type);
    if (found->d_type != DT_UNKNOWN)
        return TRUE;
    if (fstatat(fd, found->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        g_autofree char *path = *folder ? g_strdup_printf("%s/%s", folder, found->d_name) : g_strdup(found->d_name);

        return look_failed(path, errno, error);
    }
    *kind = st.st_mode & S_IFMT;
    return TRUE;
}

static gboolean
read_entry(Entries *entries, int fd, const char *folder, const struct dirent *found, GError **error)
{
    Entry entry = { .name = entries->names->len };

    if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
        return TRUE;
    if (entries->names->len > G_MAXUINT32 / 2)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: want names of at most 2 GiB in one folder", folder);
    if (!find_kind(fd, folder, found, &entry.kind, error))
        return FALSE;
    g_byte_array_append(entries->names, (const guint8 *)found->d_name, (guint)strlen(found->d_name) + 1);
    g_array_append_val(entries->entries, entry);
    return TRUE;
}

static gboolean
read_all(Entries *entries, DIR *dir, const char *path, GError **error)
{
    struct dirent *found;

    while ((errno = 0, found = readdir(dir)))
        if (!read_entry(entries, dirfd(dir), path, found, error))
            return FALSE;
    return errno == 0 || look_failed(path, errno, error);
}

/* Closed before the walk goes deeper: one descriptor, however deep it is. */
static gboolean
read_folder(const Walk *walk, const char *path, Entries *entries, GError **error)
{
    int fd = beneath_open(walk->root, path, O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (!dir)
        return look_failed(path, errno, error);
    entries->names = g_byte_array_new();
    entries->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    gboolean ok = read_all(entries, dir, path, error);

    closedir(dir);
    if (ok)
        g_array_sort_with_data(entries->entries, compare_entries, entries->names);
    return ok;
}

typedef struct {
    Walk *walk;
    Look *look;
    GString *path;
} Walking;

static gboolean walk_below(Walking *walking, gboolean *empty, GError **error);

static gboolean
walk_subfolder(Walking *walking, GError **error)
{
    gboolean empty = TRUE;

    return walk_below(walking, &empty, error) && (!empty || look_add(walking->look, walking->path->str, S_IFDIR, error));
}

static gboolean
walk_entry(Walking *walking, mode_t kind, gboolean *empty, GError **error)
{
    const char *path = walking->path->str;
    gboolean regular = S_ISREG(kind) || S_ISLNK(kind), folder = S_ISDIR(kind);

    if (patterns_match(walking->walk->left_out, path, folder)) {
        walking->walk->skipped++;
        return TRUE;
    }
    if (!path_check(path, error))
        return FALSE;
    if (!regular && !folder)
        return walk_special(walking->walk, path, kind, error);
    *empty = FALSE;
    return folder ? walk_subfolder(walking, error) : look_add(walking->look, path, kind, error);
}

/* Goes at most as deep as path_check() lets a path be long. */
static gboolean
walk_below(Walking *walking, gboolean *empty, GError **error)
{
    g_auto(Entries) entries = { 0 };
    GString *path = walking->path;
    gsize length = path->len;
    gboolean ok = read_folder(walking->walk, path->str, &entries, error);

    for (guint i = 0; ok && i < entries.entries->len; i++) {
        const Entry *entry = &g_array_index(entries.entries, Entry, i);

        if (length > 0)
            g_string_append_c(path, '/');
        g_string_append(path, (const char *)entries.names->data + entry->name);
        ok = walk_entry(walking, entry->kind, empty, error);
        g_string_truncate(path, length);
    }
    return ok;
}

gboolean
walk_folder(Walk *walk, GError **error)
{
    g_autoptr(GString) path = g_string_new(NULL);
    g_autoptr(Look) look = look_new(walk->root, walk->visit, walk->visit_data);
    Walking walking = { walk, look, path };
    gboolean empty = TRUE;

    return walk_below(&walking, &empty, error) && look_finish(look, error);
}
