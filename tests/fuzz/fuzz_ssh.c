/* Addresses of SSH, which peers state: what would be run for one; and host keys, which servers show. */
#include <stdint.h>
#include <string.h>

#include "sync/transport/known_hosts.h"
#include "sync/transport/ssh_address.h"

/* Whatever the address says, a shell is told five words or three, of which the folder is one. */
static void
fuzz_address(const char *url)
{
    g_autoptr(SshAddress) address = ssh_address_parse(url, "ssh://", NULL);
    g_autofree char *command = address ? ssh_address_command(address) : NULL, *host = address ? ssh_address_host_name(address) : NULL;
    g_auto(GStrv) words = NULL;
    int count = 0;

    if (!address)
        return;
    g_assert(*address->host && *address->host != '-' && *address->user && *address->user != '-' && address->port > 0 && !strpbrk(host, " ,*?!\n"));
    g_assert(g_shell_parse_argv(command, &count, &words, NULL) && count == (address->path ? 5 : 3) && strcmp(words[0], "chama") == 0);
    g_assert(!address->path || (strcmp(words[1], "--home") == 0 && strcmp(words[2], address->path) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *url = g_strndup((const char *)data, size);
    g_autofree char *kind = host_key_kind(data, size), *print = host_key_fingerprint(data, size);

    g_assert(strlen(print) == strlen("SHA256:") + 43);
    for (const char *letter = kind; letter && *letter; letter++)
        g_assert(g_ascii_isgraph(*letter));
    fuzz_address(url);
    return 0;
}
