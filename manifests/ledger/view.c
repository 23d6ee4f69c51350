#include "manifests/ledger/view.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/rotation.h"
#include "manifests/text.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789._-"
#define VERSION_MAX G_GINT64_CONSTANT(9007199254740991)

void
view_free(View *view)
{
    if (!view)
        return;
    json_decref(view->object);
    g_free(view);
}

/* G6.  Spelt out here, and not taken from manifest.c, because ledger/1 is frozen and what a manifest may be called is not. */
static gboolean
name_is_shown(const char *name)
{
    gsize size = strlen(name);

    return size > 0 && size <= VIEW_NAME_MAX && g_ascii_isalnum(name[0]) && strspn(name, NAME_LETTERS) == size;
}

/* G9: or a log could be made to show an auditor what no record says. */
static gboolean
message_is_shown(const char *message, gsize size)
{
    return size > 0 && size <= VIEW_MESSAGE_MAX && strlen(message) == size && text_shows(message, TRUE);
}

static void
read_manifest(View *view)
{
    const json_t *name = json_object_get(view->object, "name");
    const json_t *version = json_object_get(view->object, "version");
    const json_t *message = json_object_get(view->object, "message");

    if (!json_is_string(name) || strlen(json_string_value(name)) != json_string_length(name) || !name_is_shown(json_string_value(name)))
        return;
    view->kind = VIEW_MANIFEST;
    view->name = json_string_value(name);
    if (json_is_integer(version) && json_integer_value(version) >= 1 && json_integer_value(version) <= VERSION_MAX)
        view->version = json_integer_value(version);
    if (json_is_string(message) && message_is_shown(json_string_value(message), json_string_length(message)))
        view->message = json_string_value(message);
}

View *
view_of(const Record *record)
{
    View *view = g_new0(View, 1);
    gboolean manifest = strcmp(record->type, "manifest/1") == 0, rotation = strcmp(record->type, ROTATION_TYPE) == 0;
    gsize size;
    const void *data = g_bytes_get_data(record->bytes, &size);

    view->seq = record->seq;
    if (!manifest && !rotation && strcmp(record->type, "profile/1") != 0)
        return view;
    view->object = canonical_parse(data, size, RECORD_SIZE_MAX, "record", NULL);
    if (view->object && manifest)
        read_manifest(view);
    else if (view->object)
        view->kind = rotation ? VIEW_ROTATION : VIEW_PROFILE;
    return view;
}

static void
free_view(gpointer view)
{
    view_free(view);
}

GPtrArray *
views_of(GPtrArray *records)
{
    GPtrArray *views = g_ptr_array_new_full(records->len, free_view);

    for (guint i = 0; i < records->len; i++)
        g_ptr_array_add(views, view_of(g_ptr_array_index(records, i)));
    return views;
}
