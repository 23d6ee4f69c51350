#include "node/in_token.h"

#include <stdio.h>

void
in_token_clear(InToken *in)
{
    g_clear_pointer(&in->uri, g_free);
    g_clear_pointer(&in->silent, g_free);
}

gboolean
in_token_read(Home *home, const char *name, gboolean look, InToken *in, GError **error)
{
    g_autofree char *path = home_file(home, name);
    g_auto(TokenReference) reference = { 0 };
    g_autoptr(GError) broken = NULL;

    if (!token_reference_load(path, &reference, &broken)) {
        if (!broken)
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&broken));
        return FALSE;
    }
    in->uri = g_steal_pointer(&reference.uri);
    if (look && !token_answers(in->uri, &broken))
        in->silent = g_strdup(broken->message);
    return TRUE;
}

void
in_token_json(const InToken *in, json_t *key)
{
    if (in->uri)
        json_object_set_new(key, "token", json_pack("{s:s, s:b}", "uri", in->uri, "answers", !in->silent));
}

void
in_token_print(const char *name, const InToken *in)
{
    if (in->silent)
        printf("%-11s %s\n", name, in->silent);
    else if (in->uri)
        printf("%-11s %s: the token is there\n", name, in->uri);
}

gboolean
in_token_both(const InToken *signing, const InToken *next)
{
    return signing->uri && next->uri && token_same(signing->uri, next->uri);
}
