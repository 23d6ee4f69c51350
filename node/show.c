#include "node/show.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/history.h"
#include "keys/sshsig.h"
#include "manifests/statement.h"
#include "node/print.h"
#include "node/stated.h"
#include "sync/peers.h"

char *
show_dataset(Home *home, const char *node, const char *name)
{
    g_autofree char *peer = peers_display(home, node);

    return *peer ? g_strdup_printf("%s/%s", peer, name) : g_strdup(name);
}

char *
show_version(Home *home, const Manifest *manifest)
{
    g_autofree char *dataset = show_dataset(home, manifest->node, manifest->name);

    return g_strdup_printf("%s@%" G_GUINT64_FORMAT, dataset, manifest->version);
}

char *
show_node_name(Home *home, const char *node)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(Profile) profile = catalogue ? catalogue_profile(catalogue, node, NULL) : NULL;

    if (!profile)
        return g_strdup("");
    return g_strdup_printf("%s%s%s", profile->name_zh ? profile->name_zh : "", profile->name_zh && profile->name_en ? " " : "",
                           profile->name_en ? profile->name_en : "");
}

gboolean
show_blame(Home *home, const Manifest *manifest, GError **error)
{
    g_autofree char *version = show_version(home, manifest);

    g_prefix_error(error, "%s: ", version);
    return FALSE;
}

const char *
show_held(Home *home, const Manifest *manifest)
{
    State *state = home_state(home, NULL);
    Held held;

    if (!state || !state_held(state, &manifest->address, &held, NULL))
        return "";
    return held.complete ? "held" : "partly";
}

const char *
show_signature(Home *home, const Manifest *manifest)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(Record) record = catalogue ? catalogue_record(catalogue, &manifest->address, NULL) : NULL;
    g_autoptr(Identity) identity = catalogue ? catalogue_identity(catalogue, manifest->node, NULL) : NULL;
    gsize size;
    const void *bytes;
    Digest address;

    if (!record || !identity)
        return "unknown";
    bytes = g_bytes_get_data(record->bytes, &size);
    digest_of(bytes, size, &address);
    if (!digest_equal(&address, &manifest->address))
        return "altered";
    return sshsig_verify(record->signature, &identity_at(identity, record->seq)->signing, SSHSIG_NAMESPACE_RECORD, bytes, size, NULL) ? "valid" : "bad";
}

gint64
show_disavowed(Home *home, const Manifest *manifest)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(Identity) identity = catalogue ? catalogue_identity(catalogue, manifest->node, NULL) : NULL;
    const Identity *disavowed = identity ? identity_disavowed(identity, manifest->seq) : NULL;

    return disavowed ? disavowed->time : 0;
}

char *
show_signature_text(Home *home, const Manifest *manifest)
{
    const char *signature = show_signature(home, manifest);
    gint64 disavowed = strcmp(signature, "valid") == 0 ? show_disavowed(home, manifest) : 0;
    char time[TIME_TEXT_SIZE];

    return disavowed ? g_strdup_printf("valid when seen, disavowed on %s", time_format(disavowed, time)) : g_strdup(signature);
}

static json_t *
labels_json(const GPtrArray *labels)
{
    json_t *array = json_array();

    for (guint i = 0; i < labels->len; i++)
        json_array_append_new(array, json_string(g_ptr_array_index(labels, i)));
    return array;
}

static json_t *
inputs_json(Home *home, const GPtrArray *inputs)
{
    json_t *array = json_array();

    for (guint i = 0; i < inputs->len; i++) {
        const Input *input = g_ptr_array_index(inputs, i);
        g_autofree char *dataset = show_dataset(home, input->node, input->name);
        json_t *entry = json_pack("{s:s, s:s, s:I, s:o, s:s}", "dataset", dataset, "node", input->node, "version", (json_int_t)input->version,
                                  "manifest", json_digest(&input->manifest), "role", input->role ? input->role : "source");

        json_array_append_new(array, entry);
    }
    return array;
}

json_t *
show_manifest_json(Home *home, const Manifest *m)
{
    g_autofree char *dataset = show_dataset(home, m->node, m->name), *publisher = show_node_name(home, m->node);
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:I, s:o}", "dataset", dataset, "node", m->node, "publisher", publisher, "name", m->name,
                             "version", (json_int_t)m->version, "address", json_digest(&m->address), "seq", (json_int_t)m->seq, "time", json_time(m->time));

    if (m->has_previous)
        json_object_set_new(root, "previous", json_digest(&m->previous));
    json_set_text(root, "title_zh", m->title_zh);
    json_set_text(root, "title_en", m->title_en);
    json_set_text(root, "message", m->message);
    json_set_text(root, "level", m->level);
    json_object_set_new(root, "share", json_string(share_format(m->share)));
    json_object_set_new(root, "files", json_integer((json_int_t)m->files));
    json_object_set_new(root, "bytes", json_integer((json_int_t)m->bytes));
    if (m->share == SHARE_OPEN) {
        json_object_set_new(root, "listing", json_digest(&m->listing));
        json_object_set_new(root, "details", json_digest(&m->details));
        json_object_set_new(root, "labels", labels_json(m->labels));
        json_object_set_new(root, "inputs", inputs_json(home, m->inputs));
        if (m->activity)
            json_object_set_new(root, "activity", json_loads(m->activity, 0, NULL));
    } else
        json_object_set_new(root, "content", json_digest(&m->content));
    json_object_set_new(root, "held", json_string(show_held(home, m)));
    stated_add_end(home, m, root);
    return root;
}
