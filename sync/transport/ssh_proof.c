#include "sync/transport/ssh_proof.h"

#include <string.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "sync/transport/known_hosts.h"

#define AGENT_KEYS_MAX 4      /* a server hangs up after 6 attempts, and files are tried after these */
#define KEY_FILE_MAX (64 * 1024)
#define RSA "ssh-rsa"         /* libssh2 signs with it by SHA-1 alone, which servers no longer take */

static GMutex mutex;          /* of what follows; one question at a time */
static SshAsk asking;
static gboolean can_ask;
static char *key_path;
static GHashTable *secrets;   /* path of a key file -> its passphrase, as long as this process lives */

void
ssh_set_ask(const SshAsk *ask)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&mutex);

    can_ask = ask != NULL;
    asking = ask ? *ask : (SshAsk){ 0 };
}

void
ssh_set_key(const char *path)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&mutex);

    g_free(key_path);
    key_path = g_strdup(path);
}

gboolean
ssh_proof_ask_accept(const char *question)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&mutex);

    return can_ask && asking.accept(asking.data, question);
}

/* What was tried, for the error. */
static void
note(GString *tried, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void
note(GString *tried, const char *format, ...)
{
    va_list arguments;

    if (tried->len > 0)
        g_string_append(tried, ", ");
    va_start(arguments, format);
    g_string_append_vprintf(tried, format, arguments);
    va_end(arguments);
}

/* Each of these returns TRUE once the server is satisfied; FALSE without an error: try the next. */

static gboolean
try_identity(SshSession *session, LIBSSH2_AGENT *agent, const char *user, struct libssh2_agent_publickey *identity, GError **error)
{
    int result;

    SSH_AGAIN(session, result, ssh.libssh2_agent_userauth(agent, user, identity), error);
    return result == 0;
}

static gboolean
try_identities(SshSession *session, LIBSSH2_AGENT *agent, const char *user, GString *tried, GError **error)
{
    struct libssh2_agent_publickey *identity = NULL, *before = NULL;
    g_autoptr(GError) failed = NULL;
    guint count = 0;

    while (count < AGENT_KEYS_MAX && !failed && ssh.libssh2_agent_get_identity(agent, &identity, before) == 0) {
        g_autofree char *kind = host_key_kind(identity->blob, identity->blob_len), *print = host_key_fingerprint(identity->blob, identity->blob_len);

        before = identity;
        if (g_strcmp0(kind, RSA) == 0)
            continue;
        count++;
        if (try_identity(session, agent, user, identity, &failed))
            return TRUE;
        note(tried, "the agent's %s %s", kind ? kind : "key", print);
    }
    if (count == 0)
        note(tried, "the agent, which has no Ed25519 or ECDSA key");
    if (failed)
        g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static gboolean
try_agent(SshSession *session, const char *user, GString *tried, GError **error)
{
    LIBSSH2_AGENT *agent = g_getenv("SSH_AUTH_SOCK") ? ssh.libssh2_agent_init(ssh_session_handle(session)) : NULL;
    gboolean proven = FALSE;

    if (!agent) {
        note(tried, "no agent (SSH_AUTH_SOCK is not set)");
        return FALSE;
    }
    if (ssh.libssh2_agent_connect(agent) == 0) {
        if (ssh.libssh2_agent_list_identities(agent) == 0)
            proven = try_identities(session, agent, user, tried, error);
        ssh.libssh2_agent_disconnect(agent);
    } else
        note(tried, "the agent, which does not answer");
    ssh.libssh2_agent_free(agent);
    return proven;
}

/* The first of an openssh-key-v1 file that is not encrypted: magic, and the cipher "none". */
static gboolean
is_encrypted(const char *text)
{
    static const char plain[] = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
    const char *body = strstr(text, begin);

    if (!body)
        return strstr(text, "ENCRYPTED") != NULL;
    body += strlen(begin);
    return !g_str_has_prefix(body + strspn(body, "\r\n"), plain);
}

/* The passphrase of @path, asked for once and remembered; "" if the file needs none. */
static char *
passphrase_of(const char *path, const char *text, GError **error)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&mutex);
    g_autofree char *what = g_strdup_printf("passphrase of %s", path);
    const char *known = secrets ? g_hash_table_lookup(secrets, path) : NULL;
    char *secret;

    if (!is_encrypted(text) || known)
        return g_strdup(known ? known : "");
    if (!can_ask)
        return chama_error_null(error, CHAMA_ERROR_DENIED, "%s: SH5: want its passphrase, have nobody to ask: give the key to an agent with ssh-add, and leave [ssh] key empty, for beside it no agent is asked", path);
    secret = asking.secret(asking.data, what, error);
    if (!secret)
        return NULL;
    if (!secrets)
        secrets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_insert(secrets, g_strdup(path), g_strdup(secret));
    return secret;
}

static void
forget_passphrase(const char *path)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&mutex);
    char *secret = secrets ? g_hash_table_lookup(secrets, path) : NULL;

    if (secret) {
        explicit_bzero(secret, strlen(secret));
        g_hash_table_remove(secrets, path);
    }
}

/* A key file that is there and cannot be used is an error if it is the only one (@must). */
static gboolean
try_file(SshSession *session, const char *user, const char *path, gboolean must, GString *tried, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(GBytes) bytes = durable_read(path, KEY_FILE_MAX, must ? error : NULL);
    g_autofree char *text = bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;
    g_autofree char *passphrase = text ? passphrase_of(path, text, &failed) : NULL;
    int result;

    if (!bytes) {
        note(tried, "no %s", path);
        return FALSE;
    }
    if (!passphrase) {
        note(tried, "%s", failed->message);
        if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED))
            g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    SSH_AGAIN(session, result, ssh.libssh2_userauth_publickey_fromfile_ex(ssh_session_handle(session), user, (unsigned)strlen(user), NULL, path, passphrase), error);
    explicit_bzero(text, strlen(text));
    if (result == 0)
        return TRUE;
    note(tried, "%s%s", path, result == LIBSSH2_ERROR_FILE && *passphrase ? " (wrong passphrase)" : result == LIBSSH2_ERROR_FILE ? " (not a key that libssh2 reads)" : "");
    if (result == LIBSSH2_ERROR_FILE)
        forget_passphrase(path);
    explicit_bzero(passphrase, strlen(passphrase));
    return FALSE;
}

static gboolean
try_files(SshSession *session, const char *user, GString *tried, GError **error)
{
    static const char *const names[] = { "id_ed25519", "id_ecdsa" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(g_get_home_dir(), ".ssh", names[i], NULL);
        g_autoptr(GError) failed = NULL;

        if (try_file(session, user, path, FALSE, tried, &failed))
            return TRUE;
        if (failed) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
    }
    return FALSE;
}

/* What the server would take ("publickey,password"); NULL: nothing more is wanted, or (@error) it went. */
static const char *
wanted(SshSession *session, const char *user, GError **error)
{
    g_autoptr(GError) waited = NULL;
    const char *list;

    SSH_AGAIN_POINTER(session, list, ssh.libssh2_userauth_list(ssh_session_handle(session), user, (unsigned)strlen(user)), &waited);
    if (waited)
        g_propagate_error(error, g_steal_pointer(&waited));
    else if (!list && !ssh.libssh2_userauth_authenticated(ssh_session_handle(session)))
        ssh_session_error(session, "authentication", error);
    return list;
}

gboolean
ssh_proof_give(SshSession *session, const char *user, GError **error)
{
    g_autoptr(GString) tried = g_string_new(NULL);
    g_autoptr(GError) failed = NULL;
    const char *list = wanted(session, user, &failed);
    g_autofree char *only = NULL;
    gboolean proven = !list && !failed;

    g_mutex_lock(&mutex);
    only = g_strdup(key_path);
    g_mutex_unlock(&mutex);
    if (list && !strstr(list, "publickey"))
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: SH5: want a server that takes public keys, have one that takes %s", ssh_session_name(session), list);
    if (list && only)
        proven = try_file(session, user, only, TRUE, tried, &failed);
    else if (list)
        proven = try_agent(session, user, tried, &failed) || (!failed && try_files(session, user, tried, &failed));
    if (proven)
        return TRUE;
    if (failed) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    /* libssh2 says the same of a key that is refused and of a connection that ends meanwhile */
    if (ssh_session_is_gone(session))
        return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: SH5: the connection ended while the user was being proven; tried: %s", ssh_session_name(session), tried->str);
    return chama_error(error, CHAMA_ERROR_DENIED, "%s: SH5: the server takes none of this user's keys for %s; tried: %s", ssh_session_name(session), user, tried->str);
}
