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
    mode_t mode;
    guint64 size;
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

gboolean
walk_changed(const char *path, GError **error)
{
    g_autofree char *shown = path_display(path);

    return chama_error(error, CHAMA_ERROR_FAILED, "%s changed while it was read; want it to stand still, publish again", shown);
}

static gboolean
failed_at(const char *path, int errnum, GError **error)
{
    g_autofree char *shown = path_display(*path ? path : ".");

    if (errnum == EACCES)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: want leave to read it, have none; give it, or leave it out with --exclude", shown);
    return errnum == ENOENT ? walk_changed(path, error) : chama_error_errno(error, errnum, "%s", shown);
}

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

static gboolean
read_entry(Entries *entries, int fd, const char *folder, const char *name, GError **error)
{
    struct stat st;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return TRUE;
    if (entries->names->len > G_MAXUINT32 / 2)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: want names of at most 2 GiB in one folder", folder);
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        g_autofree char *path = *folder ? g_strdup_printf("%s/%s", folder, name) : g_strdup(name);

        return failed_at(path, errno, error);
    }
    Entry entry = { entries->names->len, st.st_mode, (guint64)st.st_size };

    g_byte_array_append(entries->names, (const guint8 *)name, (guint)strlen(name) + 1);
    g_array_append_val(entries->entries, entry);
    return TRUE;
}

static gboolean
read_all(Entries *entries, DIR *dir, const char *path, GError **error)
{
    struct dirent *found;

    while ((errno = 0, found = readdir(dir)))
        if (!read_entry(entries, dirfd(dir), path, found->d_name, error))
            return FALSE;
    return errno == 0 || failed_at(path, errno, error);
}

/* Closed before the walk goes deeper: one descriptor, however deep it is. */
static gboolean
read_folder(const Walk *walk, const char *path, Entries *entries, GError **error)
{
    int fd = beneath_open(walk->root, path, O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (!dir)
        return failed_at(path, errno, error);
    entries->names = g_byte_array_new();
    entries->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    gboolean ok = read_all(entries, dir, path, error);

    closedir(dir);
    if (ok)
        g_array_sort_with_data(entries->entries, compare_entries, entries->names);
    return ok;
}

static gboolean walk_below(Walk *walk, GString *path, gboolean *empty, GError **error);

static gboolean
walk_subfolder(Walk *walk, GString *path, const Entry *entry, GError **error)
{
    gboolean empty = TRUE;

    return walk_below(walk, path, &empty, error) && (!empty || walk->visit(walk->visit_data, path->str, entry->mode, 0, error));
}

static gboolean
walk_entry(Walk *walk, GString *path, const Entry *entry, gboolean *empty, GError **error)
{
    gboolean regular = S_ISREG(entry->mode) || S_ISLNK(entry->mode), folder = S_ISDIR(entry->mode);

    if (patterns_match(walk->left_out, path->str, folder)) {
        walk->skipped++;
        return TRUE;
    }
    if (!path_check(path->str, error))
        return FALSE;
    if (!regular && !folder)
        return walk_special(walk, path->str, entry->mode, error);
    *empty = FALSE;
    if (folder)
        return walk_subfolder(walk, path, entry, error);
    return walk->visit(walk->visit_data, path->str, entry->mode, entry->size, error);
}

/* Goes at most as deep as path_check() lets a path be long. */
static gboolean
walk_below(Walk *walk, GString *path, gboolean *empty, GError **error)
{
    g_auto(Entries) entries = { 0 };
    gsize length = path->len;
    gboolean ok = read_folder(walk, path->str, &entries, error);

    for (guint i = 0; ok && i < entries.entries->len; i++) {
        const Entry *entry = &g_array_index(entries.entries, Entry, i);

        if (length > 0)
            g_string_append_c(path, '/');
        g_string_append(path, (const char *)entries.names->data + entry->name);
        ok = walk_entry(walk, path, entry, empty, error);
        g_string_truncate(path, length);
    }
    return ok;
}

gboolean
walk_folder(Walk *walk, GError **error)
{
    g_autoptr(GString) path = g_string_new(NULL);
    gboolean empty = TRUE;

    return walk_below(walk, path, &empty, error);
}
