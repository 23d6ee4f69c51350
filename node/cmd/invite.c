/* chama invite: the line with which another node adds this one. */
#include <stdio.h>

#include "node/command.h"
#include "node/print.h"
#include "node/self.h"
#include "sync/invite.h"

gboolean
cmd_invite(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(Peer) self = NULL;
    g_autofree char *line = NULL;

    if (!command_parse(invocation, &argc, &argv, entries, 0, 0, error) || !(home = command_home(invocation, error)) || !(self = self_as_peer(home, error)) ||
        !(line = invite_format(self, error)))
        return FALSE;
    if (self->urls->len == 0)
        fprintf(stderr, "chama: this node advertises no address: whoever adds it waits for it to dial in (set one with `chama init --url`, or [node] url)\n");
    if (json)
        print_json(json_pack("{s:s, s:s}", "invite", line, "node", self->node));
    else
        puts(line);
    return TRUE;
}
