/* chama show: one version's manifest. */
#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "manifests/lineage/derivation.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "node/when.h"
#include "node/stated.h"
#include "sync/peers.h"

static void
print_line(const char *name, const char *value)
{
    if (value && *value)
        printf("%-10s %s\n", name, value);
}

static void
print_inputs(Home *home, const GPtrArray *inputs)
{
    char address[DIGEST_TEXT_SIZE];

    for (guint i = 0; i < inputs->len; i++) {
        const Input *input = g_ptr_array_index(inputs, i);
        g_autofree char *dataset = show_dataset(home, input->node, input->name);

        printf("%-10s %s@%" G_GUINT64_FORMAT " %s\n", "from", dataset, input->version, digest_format(&input->manifest, address));
    }
}

static void
print_activity(const char *activity)
{
    g_autofree char *kind = NULL, *tool = NULL, *parameters = NULL;
    gboolean observed;

    if (!activity || !activity_read(activity, &kind, &tool, &parameters, &observed))
        return;
    printf("%-10s %s%s%s%s%s (%s)\n", "made by", kind, tool ? " with " : "", tool ? tool : "", parameters ? " " : "", parameters ? parameters : "",
           observed ? "observed" : "as stated");
}

/* Details say more to who holds the version than the card does of a dataset that is not open. */
static void
print_details(Home *home, const Manifest *manifest)
{
    g_autoptr(Details) details = version_details(home, manifest, NULL);

    if (!details) {
        printf("%-10s %s%" G_GUINT64_FORMAT "\n%-10s %s%" G_GUINT64_FORMAT "\n", "files", manifest->share == SHARE_OPEN ? "" : "at most ", manifest->files,
               "bytes", manifest->share == SHARE_OPEN ? "" : "at most ", manifest->bytes);
        print_inputs(home, manifest->inputs);
        print_activity(manifest->activity);
        return;
    }
    printf("%-10s %" G_GUINT64_FORMAT "\n%-10s %" G_GUINT64_FORMAT "\n%-10s %" G_GUINT64_FORMAT "\n", "files", details->files + details->links, "bytes", details->bytes,
           "chunks", details->chunks);
    for (guint i = 0; i < details->labels->len; i++)
        print_line("label", g_ptr_array_index(details->labels, i));
    print_inputs(home, details->inputs);
    print_activity(details->activity);
}

static const char *
why_not_held(Home *home, const Manifest *m)
{
    Catalogue *catalogue = home_catalogue(home, NULL);
    g_autoptr(GPtrArray) grants = NULL;
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    Share share = m->share;

    if (strcmp(m->node, home_id(home)) == 0)
        return "not held here: dropped";
    if (!catalogue || !catalogue_share_in_force(catalogue, m, &share, NULL) || share == SHARE_OPEN)
        return "not held here";
    if (share == SHARE_NONE)
        return "not held here: its owner shares it with nobody";
    grants = catalogue_grants(catalogue, m->node, m->name, home_id(home), NULL);
    for (guint i = 0; grants && i < grants->len; i++) {
        const GrantRow *row = g_ptr_array_index(grants, i);

        if (!row->revoked && row->grant.until > now)
            return "not held here";
    }
    return "not held here: no grant to this node is in force";
}

static gboolean
print_text(Home *home, const Manifest *m, GError **error)
{
    g_autofree char *version = show_version(home, m), *publisher = show_node_name(home, m->node);
    g_autofree char *end = stated_end(home, m), *when = when_text(home, m->node, m->seq, m->time);
    g_autofree char *signature = show_signature_text(home, m);
    const char *held = show_held(home, m);
    char time[TIME_TEXT_SIZE], digest[DIGEST_TEXT_SIZE];

    print_line("version", version);
    print_line("address", digest_format(&m->address, digest));
    print_line("publisher", publisher);
    print_line("node", m->node);
    print_line("time", time_format(m->time, time));
    print_line("when", when);
    print_line("title", m->title_zh);
    print_line("title", m->title_en);
    print_line("message", m->message);
    print_line("level", m->level);
    print_line("share", share_format(m->share));
    if (m->has_previous)
        print_line("previous", digest_format(&m->previous, digest));
    print_line(m->share == SHARE_OPEN ? "listing" : "content", digest_format(m->share == SHARE_OPEN ? &m->listing : &m->content, digest));
    print_details(home, m);
    print_line("state", end);
    print_line("content", *held ? held : end && g_str_has_prefix(end, "erased") ? "erased" : why_not_held(home, m));
    print_line("signature", signature);
    return stated_print(home, m, error);
}

static gboolean
print_as_json(Home *home, const Manifest *manifest, GError **error)
{
    json_t *stated = stated_json(home, manifest, error);
    json_t *root = stated ? show_manifest_json(home, manifest) : NULL;
    g_autoptr(Details) details = version_details(home, manifest, NULL);
    g_autoptr(GBytes) bytes = details ? details_format(details, NULL) : NULL;

    if (!root)
        return FALSE;
    json_object_set_new(root, "signature", json_string(show_signature(home, manifest)));
    if (show_disavowed(home, manifest))
        json_object_set_new(root, "disavowed", json_time(show_disavowed(home, manifest)));
    json_object_set_new(root, "when", when_json(home, manifest->node, manifest->seq, manifest->time));
    if (bytes)
        json_object_set_new(root, "exact", json_loadb(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), 0, NULL));
    json_object_update_new(root, stated);
    print_json(root);
    return TRUE;
}

gboolean
cmd_show(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(Manifest) manifest = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 1, 1, error) || !(home = command_home(invocation, error)) ||
        !(manifest = peers_find_version(home, argv[1], error)))
        return FALSE;
    return json ? print_as_json(home, manifest, error) : print_text(home, manifest, error);
}
