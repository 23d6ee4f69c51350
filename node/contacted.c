#include "node/contacted.h"

#include "keys/canonical.h"
#include "node/print.h"
#include "sync/contacts.h"

char *
contacted_text(Home *home, const Peer *peer)
{
    GString *text = g_string_new(NULL);
    Contact contact;
    char time[TIME_TEXT_SIZE];

    contacts_get(home, peer->node, &contact, NULL);
    if (contact.failures > 0)
        g_string_append_printf(text, "failed %u time%s: ", contact.failures, contact.failures == 1 ? "" : "s");
    g_string_append(text, peer->last_error ? peer->last_error : peer->last_contact ? "ok" : "not yet");
    if (contact.failures > 0 && contact.next > 0)
        g_string_append_printf(text, "; again at %s", time_format(contact.next, time));
    return g_string_free(text, FALSE);
}

void
contacted_add(Home *home, const Peer *peer, json_t *object)
{
    Contact contact;

    contacts_get(home, peer->node, &contact, NULL);
    if (peer->last_contact)
        json_object_set_new(object, "last_contact", json_time(peer->last_contact));
    json_set_text(object, "last_error", peer->last_error);
    json_object_set_new(object, "failures", json_integer(contact.failures));
    if (contact.tried)
        json_object_set_new(object, "last_try", json_time(contact.tried));
    if (contact.next)
        json_object_set_new(object, "next_try", json_time(contact.next));
}
