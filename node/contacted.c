#include "node/contacted.h"

#include <stdio.h>

#include "keys/canonical.h"
#include "node/print.h"
#include "sync/push_contacts.h"

static void
add_outcome(GString *text, const Contact *contact, const char *error, gboolean went)
{
    char time[TIME_TEXT_SIZE];

    if (contact->failures > 0)
        g_string_append_printf(text, "failed %u time%s: ", contact->failures, contact->failures == 1 ? "" : "s");
    g_string_append(text, error ? error : went ? "ok" : "not yet");
    if (contact->failures > 0 && contact->next > 0)
        g_string_append_printf(text, "; again at %s", time_format(contact->next, time));
}

char *
contacted_text(Home *home, const Peer *peer)
{
    GString *text = g_string_new(NULL);
    g_auto(PushContact) push = { 0 };
    Contact contact;

    contacts_get(home, peer->node, &contact, NULL);
    add_outcome(text, &contact, peer->last_error, peer->last_contact > 0);
    push_contacts_get(home, peer->node, &push, NULL);
    if (push.contact.tried > 0) {
        g_string_append(text, "; push: ");
        add_outcome(text, &push.contact, push.error, push.went > 0);
    }
    return g_string_free(text, FALSE);
}

static void
add_times(json_t *object, const Contact *contact, gint64 went, const char *error)
{
    if (went)
        json_object_set_new(object, "last_contact", json_time(went));
    json_set_text(object, "last_error", error);
    json_object_set_new(object, "failures", json_integer(contact->failures));
    if (contact->tried)
        json_object_set_new(object, "last_try", json_time(contact->tried));
    if (contact->next)
        json_object_set_new(object, "next_try", json_time(contact->next));
}

void
contacted_add(Home *home, const Peer *peer, json_t *object)
{
    g_auto(PushContact) push = { 0 };
    Contact contact;

    contacts_get(home, peer->node, &contact, NULL);
    add_times(object, &contact, peer->last_contact, peer->last_error);
    push_contacts_get(home, peer->node, &push, NULL);
    if (push.contact.tried > 0) {
        json_object_set_new(object, "push", json_object());
        add_times(json_object_get(object, "push"), &push.contact, push.went, push.error);
    }
}

GPtrArray *
contacted_strangers(Home *home, const Config *config)
{
    GPtrArray *strangers = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < config->peers->len; i++) {
        const ConfigPeer *peer = config->peers->pdata[i];
        g_autofree char *node = peers_resolve(home, peer->alias, NULL);

        if (!node)
            g_ptr_array_add(strangers, g_strdup(peer->alias));
    }
    return strangers;
}

void
contacted_warn(Home *home, const Config *config)
{
    g_autoptr(GPtrArray) strangers = contacted_strangers(home, config);

    for (guint i = 0; i < strangers->len; i++)
        fprintf(stderr, "chama: [peer %s]: " STRANGER "\n", (char *)strangers->pdata[i]);
}
