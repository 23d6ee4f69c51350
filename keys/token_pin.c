/* PINs: where they come from, and when none is tried: KT6, KT7. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/error.h"
#include "keys/token_private.h"

/* What this process knows of a token. */
typedef struct {
    char *pin;          /* as the token took it, or is about to be asked; NULL: not known */
    gboolean refused;   /* the token did not take it */
} Known;

static GMutex mutex;
static GHashTable *tokens;            /* complete URL of the token -> Known* */
static TokenAsk ask;
static gpointer ask_data;
static GPrivate current;              /* TokenLogin* */

void
token_set_ask(TokenAsk function, gpointer data)
{
    ask = function;
    ask_data = data;
}

void
token_login_begin(TokenLogin *login)
{
    g_private_set(&current, login);
}

void
token_login_end(void)
{
    g_private_set(&current, NULL);
}

static Known *
known_token(const char *url)
{
    Known *known;

    if (!tokens)
        tokens = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    known = g_hash_table_lookup(tokens, url);
    if (!known) {
        known = g_new0(Known, 1);
        g_hash_table_insert(tokens, g_strdup(url), known);
    }
    return known;
}

static void
forget(Known *known)
{
    if (known->pin)
        explicit_bzero(known->pin, strlen(known->pin));
    g_clear_pointer(&known->pin, g_free);
}

/* KT6: what others can read is no secret. */
static gboolean
check_file(int fd, const char *path, GError **error)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return chama_error_errno(error, errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: KT6: want a file with the PIN, have something else", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: KT6: want the file with the PIN to be this user's or root's, have another's", path);
    return !(st.st_mode & 077) ||
           chama_error(error, CHAMA_ERROR_DENIED, "%s: KT6: want the file with the PIN readable by its owner only, have mode %04o; chmod 600 it", path, st.st_mode & 07777);
}

static char *
read_line(int fd, const char *path, GError **error)
{
    char text[GNUTLS_PKCS11_MAX_PIN_LEN + 2];
    gssize size = read(fd, text, sizeof text);
    char *pin = NULL;

    if (size < 0)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: %s", path, g_strerror(errno));
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
        size--;
    if (size == 0 || size >= GNUTLS_PKCS11_MAX_PIN_LEN || memchr(text, 0, (gsize)size) || memchr(text, '\n', (gsize)size))
        chama_error(error, CHAMA_ERROR_DENIED, "%s: KT6: want one line of 1 to %d bytes, the PIN, have something else", path, GNUTLS_PKCS11_MAX_PIN_LEN - 1);
    else
        pin = g_strndup(text, (gsize)size);
    explicit_bzero(text, sizeof text);
    return pin;
}

static char *
pin_of_file(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *pin;

    if (fd < 0)
        return chama_error_null(error, CHAMA_ERROR_DENIED, "%s: KT6: want a file with the PIN: %s", path, g_strerror(errno));
    pin = check_file(fd, path, error) ? read_line(fd, path, error) : NULL;
    close(fd);
    return pin;
}

/* KT7: a token counts wrong PINs and locks for good; that of a file is the same at every attempt, and timers attempt for ever. */
static char *
find_pin(const TokenLogin *login, const char *label, unsigned int flags, GError **error)
{
    const char *environment = g_getenv("CHAMA_PIN_FILE");
    const char *file = environment && *environment ? environment : login ? login->pin_file : NULL;
    g_autoptr(GError) asked = NULL;
    char *pin;

    if (flags & GNUTLS_PIN_FINAL_TRY)
        return chama_error_null(error, CHAMA_ERROR_DENIED, "token \"%s\": KT7: want more than one attempt left, have one: after another wrong PIN the token would lock; "
                                "log in with its own program first", label);
    if (file && !(flags & GNUTLS_PIN_COUNT_LOW))
        return pin_of_file(file, error);
    pin = ask ? ask(ask_data, label, &asked) : NULL;
    if (pin)
        return pin;
    if (g_error_matches(asked, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
        g_propagate_error(error, g_steal_pointer(&asked));
        return NULL;
    }
    if (file)
        return chama_error_null(error, CHAMA_ERROR_DENIED, "token \"%s\": KT7: a wrong PIN was given to it before, so that of a file is not tried; "
                                "check %s, then run `chama keys status --try` at a terminal", label, file);
    return chama_error_null(error, CHAMA_ERROR_DENIED, "token \"%s\": KT6: want its PIN, have none: give it with pin-source=file:PATH in its URI, with CHAMA_PIN_FILE, or at a terminal",
                            label);
}

static gboolean
learn_pin(Known *known, const TokenLogin *login, int attempt, const char *label, unsigned int flags, GError **error)
{
    if (attempt > 0 || (flags & GNUTLS_PIN_WRONG)) {
        forget(known);
        known->refused = TRUE;
    }
    if (known->refused)
        return chama_error(error, CHAMA_ERROR_DENIED, "token \"%s\": KT7: want its PIN, have a wrong one; it was tried once and is not tried again", label);
    if (!known->pin)
        known->pin = find_pin(login, label, flags, error);
    return known->pin != NULL;
}

int
token_give_pin(void *unused, int attempt, const char *url, const char *label, unsigned int flags, char *pin, size_t size)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&mutex);
    TokenLogin *login = g_private_get(&current);
    Known *known = known_token(url);

    if (login)
        g_clear_error(&login->error);
    if (!learn_pin(known, login, attempt, label, flags, login ? &login->error : NULL))
        return -1;
    return g_strlcpy(pin, known->pin, size) < size ? 0 : -1;
}
