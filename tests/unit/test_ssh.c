#include <string.h>

#include "keys/error.h"
#include "sshd.h"
#include "sync/transport/known_hosts.h"
#include "sync/transport/ssh_session.h"

#define BIG (16 * 1024 * 1024)

static Sshd sshd;

/* What stands in for `chama serve --stdio`: reads heads of requests and answers by their path. */
static const char peer[] =
    "#!/bin/sh\n"
    "[ \"$*\" = 'serve --stdio' ] || [ \"$*\" = \"--home /srv/it's serve --stdio\" ] || { echo \"strange words: $*\" >&2; exit 9; }\n"
    "echo 'a word of greeting' >&2\n"
    "while read -r method path rest; do\n"
    "    while read -r line && [ \"$line\" != \"$(printf '\\r')\" ]; do :; done\n"
    "    case $path in\n"
    "    /v1/hello) printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello' ;;\n"
    "    /v1/talk) head -c 200000 /dev/zero | tr '\\0' x >&2; printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello' ;;\n"
    "    /v1/big) printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 16777216\\r\\n\\r\\n'; head -c 16777216 /dev/zero ;;\n"
    "    /v1/noisy) printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 16777216\\r\\n\\r\\n'; head -c 4000000 /dev/zero >&2 & head -c 16777216 /dev/zero; wait ;;\n"
    "    /v1/wait) sleep 2 ;;\n"
    "    /v1/cut) printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 500\\r\\n\\r\\nhello'; echo 'out of breath' >&2; exit 3 ;;\n"
    "    *) printf 'HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\n\\r\\n' ;;\n"
    "    esac\n"
    "done\n";

static Transport *
dial_as(const char *authority, const char *path, const char *known_hosts)
{
    const TransportOptions options = { .known_hosts = known_hosts, .connect_timeout = 5, .stall_timeout = 2, .patience = 3 };
    g_autofree char *url = g_strdup_printf("ssh://%s:%u%s", authority, sshd.port, path);
    g_autoptr(GError) error = NULL;
    Transport *transport = transport_open(url, &options, &error);

    g_assert_no_error(error);
    return transport;
}

static Transport *
dial(void)
{
    return dial_as("127.0.0.1", "", NULL);
}

static void
assert_size(Transport *transport, const char *path, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = transport_fetch(transport, "GET", path, NULL, NULL, BIG, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(bytes), ==, size);
}

/* All that the text of the error must hold. */
static void
assert_refused(Transport *transport, const char *path, int code, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = transport_fetch(transport, "GET", path, NULL, NULL, 1024, &error);

    g_assert_null(bytes);
    g_assert_error(error, CHAMA_ERROR, code);
    if (!strstr(error->message, text))
        g_error("want \"%s\" in \"%s\"", text, error->message);
    g_assert_null(strchr(error->message, '\n'));
}

static void
test_requests(void)
{
    g_autoptr(Transport) transport = dial(), below = dial_as("127.0.0.1", "/srv/it's", NULL);
    Digest pin;

    for (guint i = 0; i < 20; i++)
        assert_size(transport, "/v1/hello", 5);
    assert_size(transport, "/v1/talk", 5);
    assert_size(transport, "/v1/big", BIG);
    assert_refused(transport, "/v1/none", CHAMA_ERROR_NOT_FOUND, "");
    assert_size(transport, "/v1/hello", 5);
    assert_size(below, "/v1/hello", 5);
    g_assert_false(transport_peer_pin(transport, &pin));
    g_assert_false(transport_wants_pins("ssh://somewhere"));
    g_assert_true(transport_wants_pins("https://somewhere"));
}

/* Standard error beside the answer: neither waits for the other. */
static void
test_two_streams_at_once(void)
{
    g_autoptr(Transport) transport = dial();

    for (guint i = 0; i < 5; i++)
        assert_size(transport, "/v1/noisy", BIG);
}

/* As with HTTPS: what was broken off is no reason to give up, the next request finds a connection. */
static void
test_anew_after_a_cut(void)
{
    g_autoptr(Transport) transport = dial();

    assert_refused(transport, "/v1/cut", CHAMA_ERROR_UNREACHABLE, "SH6: want `chama serve --stdio` to answer there, have a command that ended with status 3; it said: out of breath");
    assert_size(transport, "/v1/hello", 5);
    assert_refused(transport, "/v1/big", CHAMA_ERROR_LIMIT, "");
    assert_size(transport, "/v1/hello", 5);
    assert_size(transport, "/v1/hello", 5);
}

static gpointer
set_soon(gpointer data)
{
    g_usleep(300 * 1000);
    g_atomic_int_set((gint *)data, 1);
    return NULL;
}

/* By a person, and by PU55; neither takes its time. */
static void
test_stopped(void)
{
    for (guint i = 0; i < 2; i++) {
        gint flag = 0;
        const TransportOptions options = { .connect_timeout = 5, .stall_timeout = 60, .cancelled = i == 0 ? &flag : NULL, .gives_way = i == 1 ? &flag : NULL };
        g_autofree char *url = g_strdup_printf("ssh://127.0.0.1:%u", sshd.port);
        g_autoptr(Transport) transport = transport_open(url, &options, NULL);
        gint64 since;
        GThread *thread;

        assert_size(transport, "/v1/hello", 5);
        thread = g_thread_new("set", set_soon, &flag);
        since = g_get_monotonic_time();
        assert_refused(transport, "/v1/wait", i == 0 ? CHAMA_ERROR_CANCELLED : CHAMA_ERROR_EXISTS, i == 0 ? "stopped" : "PU55");
        g_assert_cmpint(g_get_monotonic_time() - since, <, 1500 * 1000);
        g_thread_join(thread);
    }
}

static void
test_no_chama_there(void)
{
    g_autofree char *path = sshd_file(&sshd, "chama"), *away = sshd_file(&sshd, "away");
    g_autoptr(Transport) transport = dial(), other = dial_as("127.0.0.1", "/srv/other", NULL);

    assert_refused(other, "/v1/hello", CHAMA_ERROR_UNREACHABLE, "ended with status 9; it said: strange words: --home /srv/other serve --stdio");
    g_assert_cmpint(g_rename(path, away), ==, 0);
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_UNREACHABLE, "ended with status 127; it said: ");
    g_assert_cmpint(g_rename(away, path), ==, 0);
    sshd_write(&sshd, "chama", "#!/bin/sh\necho 'Welcome to this machine'\nexec \"$0.real\" \"$@\"\n");
    g_assert_cmpint(g_chmod(path, 0700), ==, 0);
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_UNREACHABLE, "");
    sshd_write(&sshd, "chama", peer);
    g_assert_cmpint(g_chmod(path, 0700), ==, 0);
}

static void
test_nobody_there(void)
{
    const TransportOptions options = { .connect_timeout = 1, .stall_timeout = 1 };
    g_autoptr(Transport) closed = transport_open("ssh://127.0.0.1:1", &options, NULL), nameless = transport_open("ssh://no..where", &options, NULL);

    assert_refused(closed, "/v1/hello", CHAMA_ERROR_UNREACHABLE, "ssh://127.0.0.1:1: ");
    assert_refused(nameless, "/v1/hello", CHAMA_ERROR_UNREACHABLE, "ssh://no..where: ");
}

/* Takes the connection and says nothing: costs the stall timeout. */
static void
test_who_is_silent(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const TransportOptions options = { .connect_timeout = 1, .stall_timeout = 1 };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof address;
    g_autofree char *url = NULL;
    g_autoptr(Transport) transport = NULL;

    g_assert_cmpint(bind(listener, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(listener, 1), ==, 0);
    g_assert_cmpint(getsockname(listener, (struct sockaddr *)&address, &size), ==, 0);
    url = g_strdup_printf("ssh://127.0.0.1:%u", ntohs(address.sin_port));
    transport = transport_open(url, &options, NULL);
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_UNREACHABLE, "want an answer within 1 seconds, have none");
    close(listener);
}

/* What the person at the terminal says in these tests, and what was asked. */
static struct {
    gboolean yes;
    const char *secret;
    guint accepts, secrets;
} person;

static gboolean
accept_host(gpointer data, const char *question)
{
    person.accepts++;
    g_assert_nonnull(strstr(question, "SHA256:"));
    return person.yes;
}

static char *
tell_secret(gpointer data, const char *what, GError **error)
{
    person.secrets++;
    g_assert_true(g_str_has_suffix(what, "id_ed25519"));
    return g_strdup(person.secret);
}

static const SshAsk ask = { .accept = accept_host, .secret = tell_secret };

static void
test_host_unknown(void)
{
    g_autofree char *own = sshd_file(&sshd, "own"), *line = sshd_line(&sshd), *written = NULL;
    g_autoptr(Transport) transport = dial_as("127.0.0.1", "", own), again = dial_as("127.0.0.1", "", own);

    sshd_write(&sshd, "home/.ssh/known_hosts", "# nobody\n");
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_DENIED, "SH4: want a host whose key is known, have ssh-ed25519 SHA256:");
    person.yes = FALSE;
    ssh_set_ask(&ask);
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_DENIED, "SH4");
    g_assert_cmpuint(person.accepts, ==, 1);
    g_assert_false(g_file_test(own, G_FILE_TEST_EXISTS));
    person.yes = TRUE;
    assert_size(transport, "/v1/hello", 5);
    assert_size(again, "/v1/hello", 5);
    g_assert_cmpuint(person.accepts, ==, 2);
    g_assert_true(g_file_get_contents(own, &written, NULL, NULL));
    g_assert_true(g_str_has_prefix(line, g_strchomp(written)));
    ssh_set_ask(NULL);
    g_unlink(own);
    sshd_write(&sshd, "home/.ssh/known_hosts", line);
}

static void
test_host_changed(void)
{
    g_autofree char *line = sshd_line(&sshd), *other = NULL, *revoked = g_strdup_printf("@revoked * %s%s", strchr(line, ' ') + 1, line), *key = NULL;
    g_autofree char *path = sshd_file(&sshd, "user.pub");
    g_autoptr(Transport) transport = dial();

    g_assert_true(g_file_get_contents(path, &key, NULL, NULL));
    other = g_strdup_printf("[127.0.0.1]:%u %s", sshd.port, key);
    ssh_set_ask(&ask);
    person.accepts = 0;
    person.yes = TRUE;
    sshd_write(&sshd, "home/.ssh/known_hosts", other);
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_VERIFY, "SH4: shows another host key");
    sshd_write(&sshd, "home/.ssh/known_hosts", revoked);
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_VERIFY, "SH4: shows a host key that is revoked");
    g_assert_cmpuint(person.accepts, ==, 0);
    ssh_set_ask(NULL);
    sshd_write(&sshd, "home/.ssh/known_hosts", line);
    assert_size(transport, "/v1/hello", 5);
}

static void
test_user_refused(void)
{
    g_autofree char *path = sshd_file(&sshd, "home/.ssh/id_ed25519");
    g_autoptr(Transport) transport = dial(), stranger = dial_as("nobody-of-this-name@127.0.0.1", "", NULL);

    assert_refused(stranger, "/v1/hello", CHAMA_ERROR_DENIED, "SH5: the server takes none of this user's keys for nobody-of-this-name");
    sshd_copy(&sshd, "host", "home/.ssh/id_ed25519");
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_DENIED, path);
    sshd_write(&sshd, "home/.ssh/id_ed25519", "rubbish");
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_DENIED, "not a key that libssh2 reads");
    g_unlink(path);
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_DENIED, "no agent (SSH_AUTH_SOCK is not set)");
    ssh_set_key("/none/such");
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_NOT_FOUND, "/none/such");
    ssh_set_key(NULL);
    sshd_copy(&sshd, "user", "home/.ssh/id_ed25519");
    assert_size(transport, "/v1/hello", 5);
}

static void
test_passphrase(void)
{
    g_autofree char *key = sshd_file(&sshd, "user"), *path = sshd_file(&sshd, "home/.ssh/id_ed25519");
    const char *const arguments[] = { "ssh-keygen", "-q", "-p", "-P", "", "-N", "geheim", "-f", path, NULL };
    g_autoptr(Transport) transport = dial(), again = dial();

    g_assert_true(g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_DENIED, "SH5: want its passphrase, have nobody to ask");
    ssh_set_ask(&ask);
    person.secret = "falsch";
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_DENIED, "wrong passphrase");
    person.secret = "geheim";
    assert_size(transport, "/v1/hello", 5);
    assert_size(again, "/v1/hello", 5);
    g_assert_cmpuint(person.secrets, ==, 2);
    ssh_set_ask(NULL);
    sshd_copy(&sshd, "user", "home/.ssh/id_ed25519");
}

static void
test_agent(void)
{
    g_autofree char *socket_path = sshd_file(&sshd, "agent"), *key = sshd_file(&sshd, "user"), *other = sshd_file(&sshd, "host"), *file = sshd_file(&sshd, "home/.ssh/id_ed25519");
    const char *const agent[] = { "ssh-agent", "-D", "-a", socket_path, NULL };
    const char *const add_other[] = { "ssh-add", "-q", other, NULL }, *const add[] = { "ssh-add", "-q", key, NULL };
    g_autoptr(Transport) transport = dial();
    GPid pid;

    g_unlink(file);
    g_setenv("SSH_AUTH_SOCK", socket_path, TRUE);
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_DENIED, "the agent, which does not answer");
    g_assert_true(g_spawn_async(NULL, (char **)agent, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, &pid, NULL));
    for (guint i = 0; i < 500 && !g_file_test(socket_path, G_FILE_TEST_EXISTS); i++)
        g_usleep(10 * 1000);
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_DENIED, "the agent, which has no Ed25519 or ECDSA key");
    g_assert_true(g_spawn_sync(NULL, (char **)add_other, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
    assert_refused(transport, "/v1/hello", CHAMA_ERROR_DENIED, "the agent's ssh-ed25519 SHA256:");
    g_assert_true(g_spawn_sync(NULL, (char **)add, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
    assert_size(transport, "/v1/hello", 5);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    g_unsetenv("SSH_AUTH_SOCK");
    sshd_copy(&sshd, "user", "home/.ssh/id_ed25519");
}

static void
test_addresses(void)
{
    static const struct {
        const char *url, *user, *host, *path;
        guint port;
    } cases[] = {
        { "ssh://me@example.org:2222/srv/chama", "me", "example.org", "/srv/chama", 2222 },
        { "ssh://me@Example.ORG", "me", "example.org", NULL, 22 },
        { "ssh://me@[2001:db8::1]:23/", "me", "2001:db8::1", NULL, 23 },
        { "ssh://me@h/~/a%20b/c", "me", "h", "a b/c", 22 },
        { "ssh://me@h/~", "me", "h", ".", 22 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SshAddress) address = ssh_address_parse(cases[i].url, "ssh://", NULL);

        g_assert_cmpstr(address->user, ==, cases[i].user);
        g_assert_cmpstr(address->host, ==, cases[i].host);
        g_assert_cmpstr(address->path, ==, cases[i].path);
        g_assert_cmpuint(address->port, ==, cases[i].port);
    }
    g_assert_null(ssh_address_parse("ssh://h", "sftp://", NULL));
    g_assert_null(ssh_address_parse("ssh://h/%00", "ssh://", NULL));
}

/* Keys as known_hosts and a server show them: of Ed25519 and of ECDSA, which differ in their first bytes. */
#define ED "AAAAC3NzaC1lZDI1NTE5AAAAIE"
#define ED_REST "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
test_known_hosts(void)
{
    static const char good[] = "ssh-ed25519 " ED ED_REST, other[] = "ssh-ed25519 " ED "b" ED_REST;
    static const struct {
        const char *line;
        int verdict;
    } cases[] = {
        { "# nothing", HOST_UNKNOWN },
        { "host G", HOST_KNOWN },
        { "  host G comment", HOST_KNOWN },
        { "aaa,host,bbb G", HOST_KNOWN },
        { "host O", HOST_CHANGED },
        { "host O\nhost G", HOST_KNOWN },
        { "[host]:2222 G", HOST_UNKNOWN },
        { "[host]:2222 O", HOST_UNKNOWN },
        { "*.host G", HOST_UNKNOWN },
        { "@cert-authority host G", HOST_UNKNOWN },
        { "@revoked host G\nhost G", HOST_REVOKED },
        { "@revoked * G\nhost G", HOST_REVOKED },
        { "@revoked other G\nhost G", HOST_KNOWN },
        { "@revokedh host G", HOST_UNKNOWN },
        { "host rubbish", HOST_UNKNOWN },
        { "db G", HOST_UNKNOWN },
        { "rubbish\n\nhost\nhost ssh-ed25519\nhost G", HOST_KNOWN },
        { "host ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7", HOST_CHANGED },
    };
    gsize size;
    g_autofree guchar *key = g_base64_decode(good + strlen("ssh-ed25519 "), &size);
    LIBSSH2_SESSION *session;

    g_assert_true(ssh_library_start(NULL));
    session = ssh.libssh2_session_init_ex(NULL, NULL, NULL, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) text = g_string_new(cases[i].line);
        g_autoptr(KnownHosts) hosts = NULL;

        g_string_replace(text, "G", good, 0);
        g_string_replace(text, "O", other, 0);
        hosts = known_hosts_parse(session, (const char *const[]){ text->str }, 1, NULL);
        g_assert_cmpint(known_hosts_check(hosts, "db", key, size), ==, strstr(text->str, "db ") ? HOST_KNOWN : known_hosts_check(hosts, "strange", key, size));
        if (known_hosts_check(hosts, "host", key, size) != (HostVerdict)cases[i].verdict)
            g_error("%s: want %d, have %d", cases[i].line, cases[i].verdict, known_hosts_check(hosts, "host", key, size));
    }
    ssh.libssh2_session_free(session);
}

static void
test_kinds_asked_for(void)
{
    static const char *const texts[] = { "host ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA\n" };
    g_autoptr(KnownHosts) hosts = NULL;
    g_autofree char *kinds = NULL, *others = NULL;
    LIBSSH2_SESSION *session;

    g_assert_true(ssh_library_start(NULL));
    session = ssh.libssh2_session_init_ex(NULL, NULL, NULL, NULL);
    hosts = known_hosts_parse(session, texts, 1, NULL);
    kinds = known_hosts_kinds(hosts, "host");
    others = known_hosts_kinds(hosts, "other");
    g_assert_cmpstr(kinds, ==, "ecdsa-sha2-nistp256,ssh-ed25519,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521");
    g_assert_true(g_str_has_prefix(others, "ssh-ed25519,"));
    g_clear_pointer(&hosts, known_hosts_free);
    ssh.libssh2_session_free(session);
}

static void
test_host_keys(void)
{
    static const struct {
        const char *bytes;
        gsize size;
        const char *kind;
    } cases[] = {
        { "\0\0\0\x0bssh-ed25519", 15, "ssh-ed25519" }, { "", 0, NULL },        { "\0\0\0", 3, NULL },         { "\0\0\0\0", 4, NULL },
        { "\0\0\0\x0bssh", 7, NULL },                   { "\xff\xff\xff\xff" "abc", 7, NULL }, { "\0\0\0\3a\nb", 7, NULL },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *kind = host_key_kind(cases[i].bytes, cases[i].size);

        g_assert_cmpstr(kind, ==, cases[i].kind);
    }
}

int
main(int argc, char **argv)
{
    g_autofree char *path = NULL;
    int status;

    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    sshd_start(&sshd);
    sshd_write(&sshd, "chama", peer);
    path = sshd_file(&sshd, "chama");
    g_assert_cmpint(g_chmod(path, 0700), ==, 0);
    g_test_add_func("/ssh/addresses", test_addresses);
    g_test_add_func("/ssh/known-hosts", test_known_hosts);
    g_test_add_func("/ssh/kinds-asked-for", test_kinds_asked_for);
    g_test_add_func("/ssh/host-keys", test_host_keys);
    g_test_add_func("/ssh/requests", test_requests);
    g_test_add_func("/ssh/two-streams-at-once", test_two_streams_at_once);
    g_test_add_func("/ssh/anew-after-a-cut", test_anew_after_a_cut);
    g_test_add_func("/ssh/stopped", test_stopped);
    g_test_add_func("/ssh/no-chama-there", test_no_chama_there);
    g_test_add_func("/ssh/nobody-there", test_nobody_there);
    g_test_add_func("/ssh/who-is-silent", test_who_is_silent);
    g_test_add_func("/ssh/host-unknown", test_host_unknown);
    g_test_add_func("/ssh/host-changed", test_host_changed);
    g_test_add_func("/ssh/user-refused", test_user_refused);
    g_test_add_func("/ssh/passphrase", test_passphrase);
    g_test_add_func("/ssh/agent", test_agent);
    status = g_test_run();
    sshd_stop(&sshd);
    return status;
}
