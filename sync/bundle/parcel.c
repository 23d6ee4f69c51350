#include "sync/bundle/parcel.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/listing/page.h"

#define DAMAGE_MAX 100
#define NUMBER_LENGTH 12   /* of the name of a sealed file: "001-00000000" */

typedef struct {
    const char *path;          /* in the volume, or in a text of @contents */
    const char *name;          /* in the volume */
    Volume *volume;
    guint index;
} Entry;

struct Parcel {
    GPtrArray *volumes;        /* of Volume* */
    GArray *entries;           /* of Entry, sorted by path */
    GPtrArray *texts;          /* of char*: what was sealed, names among it */
    Sealing *sealing;
    GPtrArray *damage;         /* of char* */
};

Parcel *
parcel_new(void)
{
    Parcel *parcel = g_new0(Parcel, 1);

    parcel->volumes = g_ptr_array_new_with_free_func((GDestroyNotify)volume_free);
    parcel->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    parcel->texts = g_ptr_array_new_with_free_func(g_free);
    parcel->damage = g_ptr_array_new_with_free_func(g_free);
    return parcel;
}

void
parcel_free(Parcel *parcel)
{
    if (!parcel)
        return;
    g_array_unref(parcel->entries);
    g_ptr_array_unref(parcel->volumes);
    g_ptr_array_unref(parcel->texts);
    g_ptr_array_unref(parcel->damage);
    g_clear_pointer(&parcel->sealing, sealing_free);
    g_free(parcel);
}

gboolean
parcel_add(Parcel *parcel, Volume *volume)
{
    if (parcel->volumes->len > 0 && strcmp(parcel_info(parcel)->group, volume_info(volume)->group) != 0)
        return FALSE;
    g_ptr_array_add(parcel->volumes, volume);
    return TRUE;
}

const VolumeInfo *
parcel_info(const Parcel *parcel)
{
    return volume_info(parcel->volumes->pdata[0]);
}

GPtrArray *
parcel_volumes(const Parcel *parcel)
{
    return parcel->volumes;
}

gboolean
parcel_is_sealed(const Parcel *parcel)
{
    guint index;

    return volume_find(parcel->volumes->pdata[0], SEALING_KEY_FILE, &index);
}

static void
note_damage(Parcel *parcel, const GError *error)
{
    if (parcel->damage->len < DAMAGE_MAX && !g_ptr_array_find_with_equal_func(parcel->damage, error->message, g_str_equal, NULL))
        g_ptr_array_add(parcel->damage, g_strdup(error->message));
}

static void
add_entry(Parcel *parcel, const char *path, const char *name, Volume *volume, guint index)
{
    const Entry entry = { path, name, volume, index };

    g_array_append_val(parcel->entries, entry);
}

static void
list_clear_volume(Parcel *parcel, Volume *volume)
{
    for (guint i = 0; i < volume_files(volume); i++)
        add_entry(parcel, volume_path(volume, i), volume_path(volume, i), volume, i);
}

static GBytes *
read_sealed(const Parcel *parcel, Volume *volume, const char *name, guint index, GError **error)
{
    g_autoptr(GBytes) bytes = volume_read(volume, index, error);
    GBytes *plain;

    if (!bytes)
        return NULL;
    plain = sealing_open(parcel->sealing, name, bytes, error);
    if (!plain)
        g_prefix_error(error, "%s: ", volume_name(volume));
    return plain;
}

/* B20: "NAME PATH". */
static gboolean
take_name(Parcel *parcel, Volume *volume, char *line, GError **error)
{
    guint index;

    if (strlen(line) <= NUMBER_LENGTH + 1 || line[NUMBER_LENGTH] != ' ')
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B20: want a number and a path in each line of its contents", volume_name(volume));
    line[NUMBER_LENGTH] = '\0';
    if (!path_check(line + NUMBER_LENGTH + 1, NULL) || !volume_find(volume, line, &index))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B20: its contents name what is not there", volume_name(volume));
    add_entry(parcel, line + NUMBER_LENGTH + 1, line, volume, index);
    return TRUE;
}

static gboolean
list_sealed_volume(Parcel *parcel, Volume *volume, GError **error)
{
    g_autofree char *name = g_strdup_printf(SEALING_CONTENTS_FILE "-%03u", volume_info(volume)->number);
    g_autoptr(GBytes) bytes = NULL;
    char *text, *end;
    guint index;

    if (!volume_find(volume, name, &index))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: B20: want data/%s in it, have none", volume_name(volume), name);
    bytes = read_sealed(parcel, volume, name, index, error);
    if (!bytes)
        return FALSE;
    text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    g_ptr_array_add(parcel->texts, text);
    for (; (end = strchr(text, '\n')); text = end + 1) {
        *end = '\0';
        if (!take_name(parcel, volume, text, error))
            return FALSE;
    }
    return TRUE;
}

static int
compare_entries(gconstpointer a, gconstpointer b)
{
    const Entry *one = a, *two = b;
    int paths = strcmp(one->path, two->path);

    return paths ? paths : (int)volume_info(one->volume)->number - (int)volume_info(two->volume)->number;
}

static int
compare_volumes(gconstpointer a, gconstpointer b)
{
    const Volume *one = *(Volume *const *)a, *two = *(Volume *const *)b;

    return (int)volume_info(one)->number - (int)volume_info(two)->number;
}

/* Any volume has the key: one that is damaged there does not hide the others. */
static gboolean
take_key(Parcel *parcel, Home *home, GError **error)
{
    g_clear_pointer(&parcel->sealing, sealing_free);
    for (guint i = 0; i < parcel->volumes->len && !parcel->sealing; i++) {
        Volume *volume = parcel->volumes->pdata[i];
        g_autoptr(GError) failed = NULL;
        g_autoptr(GBytes) file = NULL;
        guint index;

        if (volume_find(volume, SEALING_KEY_FILE, &index))
            file = volume_read(volume, index, &failed);
        else
            chama_error(&failed, CHAMA_ERROR_MALFORMED, "%s: B21: want data/" SEALING_KEY_FILE " in it, have none", volume_name(volume));
        if (file && !(parcel->sealing = sealing_take(home, file, &failed)))
            g_prefix_error(&failed, "%s: ", volume_name(volume));
        if (!parcel->sealing && i + 1 == parcel->volumes->len) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
    }
    return TRUE;
}

static void
list_volume(Parcel *parcel, Volume *volume)
{
    guint before = parcel->entries->len;
    g_autoptr(GError) failed = NULL;

    if (!parcel->sealing)
        list_clear_volume(parcel, volume);
    else if (!list_sealed_volume(parcel, volume, &failed)) {
        note_damage(parcel, failed);
        g_array_set_size(parcel->entries, before);
    }
}

gboolean
parcel_open(Parcel *parcel, Home *home, GError **error)
{
    g_ptr_array_sort(parcel->volumes, compare_volumes);
    g_array_set_size(parcel->entries, 0);
    if (parcel_is_sealed(parcel) && home && !take_key(parcel, home, error))
        return FALSE;
    for (guint i = 0; i < parcel->volumes->len && (parcel->sealing || !parcel_is_sealed(parcel)); i++)
        list_volume(parcel, parcel->volumes->pdata[i]);
    g_array_sort(parcel->entries, compare_entries);
    return TRUE;
}

guint
parcel_count(const Parcel *parcel)
{
    return parcel->entries->len;
}

const char *
parcel_path(const Parcel *parcel, guint index)
{
    return g_array_index(parcel->entries, Entry, index).path;
}

guint64
parcel_size(const Parcel *parcel, guint index)
{
    const Entry *entry = &g_array_index(parcel->entries, Entry, index);

    return volume_size(entry->volume, entry->index);
}

guint
parcel_search(const Parcel *parcel, const char *path)
{
    guint from = 0, to = parcel->entries->len;

    while (from < to) {
        guint middle = from + (to - from) / 2;

        if (strcmp(parcel_path(parcel, middle), path) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

gboolean
parcel_has(const Parcel *parcel, const char *path)
{
    guint index = parcel_search(parcel, path);

    return index < parcel->entries->len && strcmp(parcel_path(parcel, index), path) == 0;
}

GBytes *
parcel_read(Parcel *parcel, const char *path, GError **error)
{
    g_autoptr(GError) failed = NULL;

    for (guint i = parcel_search(parcel, path); i < parcel->entries->len && strcmp(parcel_path(parcel, i), path) == 0; i++) {
        const Entry *entry = &g_array_index(parcel->entries, Entry, i);
        GBytes *bytes;

        g_clear_error(&failed);
        bytes = parcel->sealing ? read_sealed(parcel, entry->volume, entry->name, entry->index, &failed) : volume_read(entry->volume, entry->index, &failed);
        if (bytes)
            return bytes;
        note_damage(parcel, failed);
    }
    if (!failed)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "B14: want %s, have no volume here with it: bring those that are missing, which `chama bundle show` counts", path);
    g_propagate_error(error, g_steal_pointer(&failed));
    return NULL;
}

const GPtrArray *
parcel_damage(const Parcel *parcel)
{
    return parcel->damage;
}
