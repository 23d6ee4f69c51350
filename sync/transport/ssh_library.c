#include "sync/transport/ssh_library.h"

#include "keys/error.h"

#define lib ssh   /* the name that LIBRARY_FUNCTION() knows */

SshLibrary ssh;
static const LibraryFunction functions[] = { SSH_FUNCTIONS(LIBRARY_FUNCTION) };
static Library library = { .file = SONAME_SSH, .functions = functions, .count = G_N_ELEMENTS(functions) };

gboolean
ssh_library_start(GError **error)
{
    static gsize started;

    if (!library_load(&library, error))
        return FALSE;
    if (g_once_init_enter(&started))
        g_once_init_leave(&started, ssh.libssh2_init(0) == 0 ? 1 : 2);
    return started == 1 || chama_error(error, CHAMA_ERROR_FAILED, "libssh2: does not start");
}

const char *
ssh_library_version(void)
{
    return library_load(&library, NULL) ? ssh.libssh2_version(0) : "none";
}
