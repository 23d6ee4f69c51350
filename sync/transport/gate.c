/* Its checks of options are macros in place of the functions, which here are pointers. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "sync/transport/gate.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "keys/error.h"
#include "keys/library.h"

#define FUNCTIONS(f) f(curl_easy_setopt) f(curl_version)

static struct { FUNCTIONS(LIBRARY_POINTER) } lib;
static const LibraryFunction functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };
static Library library = { .file = SONAME_CURL, .functions = functions, .count = G_N_ELEMENTS(functions) };

struct Gate {
    int listener;
    char *folder, *path;     /* NULL once libcurl has dialled */
    gint dialled;            /* times that libcurl wanted a connection */
};

/* An abstract address would leave no file, but this libcurl takes a connection to one for one that is not there yet, and never uses it again. */
static gboolean
listen_in_a_folder(Gate *gate, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    gate->folder = g_dir_make_tmp("chama-XXXXXX", error);
    if (!gate->folder)
        return FALSE;
    gate->path = g_build_filename(gate->folder, "http", NULL);
    if (g_strlcpy(address.sun_path, gate->path, sizeof address.sun_path) >= sizeof address.sun_path)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: want a path of at most %zu bytes for a socket; set TMPDIR to a shorter one", gate->path, sizeof address.sun_path - 1);
    gate->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (gate->listener < 0 || bind(gate->listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(gate->listener, 1) != 0)
        return chama_error_errno(error, errno, "%s", gate->path);
    return TRUE;
}

static void
remove_folder(Gate *gate)
{
    if (gate->path)
        unlink(gate->path);
    if (gate->folder)
        rmdir(gate->folder);
    g_clear_pointer(&gate->path, g_free);
    g_clear_pointer(&gate->folder, g_free);
}

Gate *
gate_open(GError **error)
{
    Gate *gate;

    if (!library_load(&library, error))
        return NULL;
    gate = g_new0(Gate, 1);
    gate->listener = -1;
    if (listen_in_a_folder(gate, error))
        return gate;
    gate_close(gate);
    return NULL;
}

void
gate_close(Gate *gate)
{
    if (!gate)
        return;
    remove_folder(gate);
    if (gate->listener >= 0)
        close(gate->listener);
    g_free(gate);
}

static curl_socket_t
dial(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    Gate *gate = data;

    if (g_atomic_int_add(&gate->dialled, 1) > 0)
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

gboolean
gate_lead(Gate *gate, HttpClient *http, GError **error)
{
    CURL *curl = http_handle(http);

    /* Without an age that it may have, an idle connection would be left after two minutes for another, which there is not. */
    if (lib.curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, gate->path) == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, dial) == CURLE_OK &&
        lib.curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, gate) == CURLE_OK && lib.curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, 365 * 86400L) == CURLE_OK)
        return TRUE;
    return chama_error(error, CHAMA_ERROR_FAILED, "libcurl: lacks something that chama needs (%s)", lib.curl_version());
}

gboolean
gate_passed_twice(Gate *gate)
{
    return g_atomic_int_get(&gate->dialled) > 1;
}

int
gate_descriptor(const Gate *gate)
{
    return gate->listener;
}

int
gate_dial(Gate *gate, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, gate->path, sizeof address.sun_path);
    g_atomic_int_inc(&gate->dialled);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    chama_error_errno(error, errno, "%s", gate->path);
    if (fd >= 0)
        close(fd);
    return -1;
}

int
gate_accept(Gate *gate)
{
    int fd = accept4(gate->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0)
        remove_folder(gate);
    return fd;
}
