/* The names in an inbox, and what is kept of what was taken from it: DB1, DB3, DB5, DB7. */
#include "sync/dropbox/kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "manifests/text.h"
#include "sync/dropbox/inbox.h"

#define STAMP "20260101T000000Z"
#define NAME_MAX_KEPT 160

gboolean
inbox_is_temporary(const char *name)
{
    static const char *const endings[] = { "~", ".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", ".lock" };

    if (name[0] == '.' || strstr(name, ".tmp-"))
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(endings); i++)
        if (g_str_has_suffix(name, endings[i]))
            return TRUE;
    return FALSE;
}

gboolean
inbox_is_bundle(const char *name)
{
    static const char *const endings[] = { ".tar", ".tar.zst", ".tar.gz", ".tar.xz" };

    for (guint i = 0; i < G_N_ELEMENTS(endings); i++)
        if (g_str_has_suffix(name, endings[i]) && strlen(name) > strlen(endings[i]))
            return TRUE;
    return FALSE;
}

/* DB5: what lists a folder may be a terminal, a page, a script. */
static char *
plain(const char *name)
{
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    gsize size = strlen(valid);
    char *end = valid + size, *begin = valid;

    if (size > NAME_MAX_KEPT) {
        begin = end - NAME_MAX_KEPT;
        while (g_utf8_get_char_validated(begin, -1) == (gunichar)-1)
            begin++;
    }
    for (char *at = begin; *at; at++)
        if (g_ascii_iscntrl(*at) || strchr("/\\\"'`$ ", *at))
            *at = '_';
    return text_shows(begin, FALSE) ? g_strdup(begin) : g_strdup("unnamed.tar");
}

char *
inbox_kept_name(const char *name, gint64 seconds, guint number)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
    g_autofree char *stamp = g_date_time_format(time, "%Y%m%dT%H%M%SZ"), *shown = plain(name);

    return number > 0 ? g_strdup_printf("%s-%u-%s", stamp, number, shown) : g_strdup_printf("%s-%s", stamp, shown);
}

gboolean
inbox_kept_time(const char *kept, gint64 *seconds)
{
    guint year, month, day, hour, minute, second;
    g_autoptr(GDateTime) time = NULL;

    for (guint i = 0; i < KEPT_STAMP_SIZE; i++)
        if (g_ascii_isdigit(STAMP[i]) ? !g_ascii_isdigit(kept[i]) : kept[i] != STAMP[i])
            return FALSE;
    if (kept[KEPT_STAMP_SIZE] != '-' || sscanf(kept, "%4u%2u%2uT%2u%2u%2u", &year, &month, &day, &hour, &minute, &second) != 6)
        return FALSE;
    time = g_date_time_new_utc((gint)year, (gint)month, (gint)day, (gint)hour, (gint)minute, second);
    if (time)
        *seconds = g_date_time_to_unix(time);
    return time != NULL;
}

typedef struct {
    char *name;
    gint64 time;
    guint64 size;
} Kept;

static void
kept_clear(gpointer data)
{
    g_free(((Kept *)data)->name);
}

static int
compare_kept(gconstpointer a, gconstpointer b)
{
    return strcmp(((const Kept *)b)->name, ((const Kept *)a)->name);
}

/* "STAMP-x.tar", "STAMP-x.tar.txt" */
static gboolean
is_kept(const char *name, gint64 *time)
{
    g_autofree char *base = g_strndup(name, strlen(name) - (g_str_has_suffix(name, ".txt") ? strlen(".txt") : 0));

    return inbox_is_bundle(base) && inbox_kept_time(base, time);
}

/* Newest first.  What has no such name is someone else's. */
static GArray *
list_kept(int folder)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Kept));
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *found;
    struct stat status;
    gint64 time;

    g_array_set_clear_func(list, kept_clear);
    while (dir && list->len < KEPT_LISTED_MAX && (found = readdir(dir))) {
        Kept kept = { 0 };

        if (!is_kept(found->d_name, &time) || fstatat(folder, found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(status.st_mode))
            continue;
        kept = (Kept){ g_strdup(found->d_name), time, (guint64)MAX(status.st_size, 0) };
        g_array_append_val(list, kept);
    }
    if (dir)
        closedir(dir);
    g_array_sort(list, compare_kept);
    return list;
}

void
kept_trim(int folder, const InboxLimits *limits, gint64 now)
{
    g_autoptr(GArray) list = list_kept(folder);
    guint64 bytes = 0;

    for (guint i = 0; i < list->len; i++) {
        const Kept *kept = &g_array_index(list, Kept, i);

        bytes += kept->size;
        if (bytes > limits->keep_bytes || i >= limits->keep_count || now - kept->time > (gint64)limits->keep_days * 24 * 3600)
            unlinkat(folder, kept->name, 0);
    }
}
