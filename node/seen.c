#include "node/seen.h"

#include "keys/canonical.h"
#include "node/print.h"

struct Seer {
    Home *home;
    const Policy *policy;
    char *node;
    Sightings *sightings;   /* of it */
};

Seer *
seer_new(Home *home, const Policy *policy)
{
    Seer *seer = g_new0(Seer, 1);

    seer->home = home;
    seer->policy = policy;
    return seer;
}

void
seer_free(Seer *seer)
{
    if (!seer)
        return;
    sightings_free(seer->sightings);
    g_free(seer->node);
    g_free(seer);
}

static gboolean
look_at(Seer *seer, const char *node, GError **error)
{
    if (g_strcmp0(seer->node, node) == 0)
        return TRUE;
    g_clear_pointer(&seer->sightings, sightings_free);
    g_clear_pointer(&seer->node, g_free);
    seer->sightings = sightings_load(seer->home, node, error);
    if (seer->sightings)
        seer->node = g_strdup(node);
    return seer->sightings != NULL;
}

static void
set_time(json_t *object, const char *name, gint64 time)
{
    char text[TIME_TEXT_SIZE];

    if (time > 0)
        json_object_set_new(object, name, json_string(time_format(time, text)));
}

static json_t *
to_json(const Seen *seen, const char *text)
{
    json_t *object = json_pack("{s:b, s:i, s:s}", "policy", seen->by_policy, "seen", (int)seen->verdict.seen, "text", text);

    set_time(object, "earliest", seen->verdict.earliest);
    if (!seen->by_policy)
        return object;
    set_time(object, "reached", seen->verdict.reached);
    json_object_set_new(object, "quorum", json_boolean(seen->verdict.quorum));
    json_object_set_new(object, "witnesses", json_integer(seen->verdict.witnesses));
    return object;
}

char *
seer_say(Seer *seer, const char *node, guint64 seq, json_t **json, GError **error)
{
    char *text;
    Seen seen;

    if (!look_at(seer, node, error))
        return NULL;
    sightings_judge(seer->sightings, seq, seer->policy, &seen);
    text = sightings_format(&seen);
    if (json)
        *json = to_json(&seen, text);
    return text;
}
