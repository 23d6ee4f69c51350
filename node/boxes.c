#include "node/boxes.h"

#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "keys/digest.h"
#include "keys/durable.h"
#include "node/print.h"

static GKeyFile *
load(const char *home)
{
    g_autofree char *path = g_build_filename(home, "dropbox", NULL);
    GKeyFile *file = g_key_file_new();

    g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL);
    return file;
}

/* What a folder is called may be no name for a group. */
static char *
group_of(const char *name)
{
    char hex[DIGEST_HEX_SIZE];
    Digest digest;

    digest_of(name, strlen(name), &digest);
    return g_strndup(digest_format_hex(&digest, hex), 16);
}

Box *
box_load(const char *home, const char *box_name)
{
    g_autoptr(GKeyFile) file = load(home);
    g_autofree char *name = group_of(box_name);
    Box *box = g_new0(Box, 1);

    box->box = g_strdup(box_name);
    box->looked = g_key_file_get_int64(file, name, "looked", NULL);
    box->file = g_key_file_get_string(file, name, "file", NULL);
    box->time = g_key_file_get_int64(file, name, "time", NULL);
    box->error = g_key_file_get_string(file, name, "error", NULL);
    box->failed = g_key_file_get_int64(file, name, "failed", NULL);
    box->waiting = (guint)g_key_file_get_uint64(file, name, "waiting", NULL);
    box->count = g_key_file_get_uint64(file, name, "count", NULL);
    box->refused = g_key_file_get_uint64(file, name, "refused", NULL);
    return box;
}

void
box_free(Box *box)
{
    if (!box)
        return;
    g_free(box->box);
    g_free(box->file);
    g_free(box->error);
    g_free(box);
}

static void
set_text(GKeyFile *file, const char *group, const char *name, const char *text)
{
    if (text)
        g_key_file_set_string(file, group, name, text);
    else
        g_key_file_remove_key(file, group, name, NULL);
}

gboolean
box_save(const char *home, const Box *box, GError **error)
{
    g_autofree char *path = g_build_filename(home, "dropbox", NULL), *text = NULL, *name = group_of(box->box);
    g_autoptr(GKeyFile) file = load(home);
    gsize size;

    g_key_file_set_string(file, name, "box", box->box);
    g_key_file_set_int64(file, name, "looked", box->looked);
    set_text(file, name, "file", box->file);
    g_key_file_set_int64(file, name, "time", box->time);
    set_text(file, name, "error", box->error);
    g_key_file_set_int64(file, name, "failed", box->failed);
    g_key_file_set_uint64(file, name, "waiting", box->waiting);
    g_key_file_set_uint64(file, name, "count", box->count);
    g_key_file_set_uint64(file, name, "refused", box->refused);
    text = g_key_file_to_data(file, &size, NULL);
    return durable_write(path, text, size, 0600, error);
}

static void
print_box(const Box *box)
{
    char looked[TIME_TEXT_SIZE] = "never", time[TIME_TEXT_SIZE], failed[TIME_TEXT_SIZE];

    if (box->looked)
        time_format(box->looked, looked);
    printf("%s\n  %s  looked; %" G_GUINT64_FORMAT " files done, %" G_GUINT64_FORMAT " refused, %u waiting\n", box->box, looked, box->count, box->refused, box->waiting);
    if (box->file)
        printf("  %s  %s\n", time_format(box->time, time), box->file);
    if (box->error)
        printf("  %s  %s\n", time_format(box->failed, failed), box->error);
}

GPtrArray *
boxes_named(const Config *config)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    if (config->inbox)
        g_ptr_array_add(names, g_strconcat("inbox ", config->inbox, NULL));
    for (guint i = 0; i < config->outboxes->len; i++)
        g_ptr_array_add(names, boxes_name_of(config->outboxes->pdata[i]));
    return names;
}

char *
boxes_name_of(const ConfigOutbox *outbox)
{
    return g_strdup_printf("outbox %s:%s", outbox->peer, outbox->address);
}

void
boxes_print(const char *home, const GPtrArray *names)
{
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(Box) box = box_load(home, names->pdata[i]);

        print_box(box);
    }
}

static json_t *
box_json(const Box *box)
{
    json_t *object = json_pack("{s:s, s:I, s:I, s:i}", "box", box->box, "done", (json_int_t)box->count, "refused", (json_int_t)box->refused, "waiting", (int)box->waiting);

    if (box->looked)
        json_object_set_new(object, "looked", json_time(box->looked));
    json_set_text(object, "file", box->file);
    if (box->file)
        json_object_set_new(object, "time", json_time(box->time));
    json_set_text(object, "error", box->error);
    if (box->error)
        json_object_set_new(object, "failed", json_time(box->failed));
    return object;
}

json_t *
boxes_json(const char *home, const GPtrArray *names)
{
    json_t *list = json_array();

    for (guint i = 0; i < names->len; i++) {
        g_autoptr(Box) box = box_load(home, names->pdata[i]);

        json_array_append_new(list, box_json(box));
    }
    return list;
}
