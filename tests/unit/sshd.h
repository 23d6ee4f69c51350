/*
 * sshd: a real OpenSSH server on loopback, run by whoever runs the test, with keys made for it.  HOME is a folder of the test's own, so that known hosts and
 * keys are those that the test puts there.
 */
#ifndef CHAMA_TESTS_SSHD_H
#define CHAMA_TESTS_SSHD_H

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#define SSHD "/usr/sbin/sshd"

typedef struct {
    char *folder;          /* holds "host", "user", "home/.ssh", "box" */
    char *home;
    guint16 port;
    GPid pid;
} Sshd;

static inline char *sshd_file(const Sshd *sshd, const char *name)
{
    return g_build_filename(sshd->folder, name, NULL);
}

static inline void sshd_key(const Sshd *sshd, const char *name, const char *passphrase)
{
    g_autofree char *path = sshd_file(sshd, name);
    const char *const arguments[] = { "ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", path, NULL };

    g_assert_true(g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
}

/* What known_hosts says of the server's key. */
static inline char *sshd_line(const Sshd *sshd)
{
    g_autofree char *path = sshd_file(sshd, "host.pub"), *key = NULL;

    g_assert_true(g_file_get_contents(path, &key, NULL, NULL));
    return g_strdup_printf("[127.0.0.1]:%u %s", sshd->port, key);
}

static inline void sshd_write(const Sshd *sshd, const char *name, const char *text)
{
    g_autofree char *path = sshd_file(sshd, name);

    g_assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static inline void sshd_copy(const Sshd *sshd, const char *from, const char *to)
{
    g_autofree char *path = sshd_file(sshd, from), *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    sshd_write(sshd, to, text);
}

/* A port that nobody listens at. */
static inline guint16 sshd_free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    for (;;) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        gboolean good;

        address.sin_port = htons((guint16)g_random_int_range(10000, 32000));
        good = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        if (good)
            return ntohs(address.sin_port);
    }
}

static inline gboolean sshd_answers(const Sshd *sshd)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(sshd->port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    gboolean good = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

    close(fd);
    return good;
}

static inline void sshd_run(Sshd *sshd)
{
    g_autofree char *config = sshd_file(sshd, "config");
    const char *const arguments[] = { SSHD, "-D", "-q", "-f", config, NULL };

    g_assert_true(g_spawn_async(NULL, (char **)arguments, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &sshd->pid, NULL));
    for (guint i = 0; i < 500 && !sshd_answers(sshd); i++)
        g_usleep(10 * 1000);
    g_assert_true(sshd_answers(sshd));
}

/* Cuts all connections that there are: ends the children of the server, which each have one. */
static inline void sshd_cut(const Sshd *sshd)
{
    GDir *processes = g_dir_open("/proc", 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(processes))) {
        g_autofree char *path = g_strdup_printf("/proc/%s/stat", name), *stat = NULL;
        const char *after = g_ascii_isdigit(*name) && g_file_get_contents(path, &stat, NULL, NULL) ? strrchr(stat, ')') : NULL;
        int parent = 0;

        if (after && sscanf(after, ") %*c %d", &parent) == 1 && parent == sshd->pid)
            kill(atoi(name), SIGKILL);
    }
    g_dir_close(processes);
}

/* Its children go on. */
static inline void sshd_halt(Sshd *sshd)
{
    kill(sshd->pid, SIGTERM);
    waitpid(sshd->pid, NULL, 0);
}

/* Its folder comes first in the PATH of commands that it runs. */
static inline void sshd_start(Sshd *sshd)
{
    g_autofree char *ssh = NULL, *box = NULL, *text = NULL;

    sshd->folder = g_dir_make_tmp("chama-sshd-XXXXXX", NULL);
    sshd->home = sshd_file(sshd, "home");
    /* Where a server of root's locks in what has not proven itself yet; its package leaves it to systemd. */
    g_mkdir("/run/sshd", 0755);
    ssh = g_build_filename(sshd->home, ".ssh", NULL);
    box = sshd_file(sshd, "box");
    g_assert_cmpint(g_mkdir_with_parents(ssh, 0700), ==, 0);
    g_assert_cmpint(g_mkdir(box, 0700), ==, 0);
    sshd_key(sshd, "host", "");
    sshd_key(sshd, "user", "");
    sshd->port = sshd_free_port();
    text = g_strdup_printf("Port %u\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/user.pub\nStrictModes no\nUsePAM no\nPidFile none\n"
                           "PermitRootLogin yes\nSetEnv PATH=%s:/usr/bin:/bin\nSubsystem sftp internal-sftp\n", sshd->port, sshd->folder, sshd->folder, sshd->folder);
    sshd_write(sshd, "config", text);
    sshd_copy(sshd, "user", "home/.ssh/id_ed25519");
    g_free(text);
    text = sshd_line(sshd);
    sshd_write(sshd, "home/.ssh/known_hosts", text);
    g_setenv("HOME", sshd->home, TRUE);
    g_unsetenv("SSH_AUTH_SOCK");
    sshd_run(sshd);
}

static inline void sshd_stop(Sshd *sshd)
{
    const char *const arguments[] = { "rm", "-rf", sshd->folder, NULL };

    sshd_halt(sshd);
    g_assert_true(g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
    g_free(sshd->folder);
    g_free(sshd->home);
}

#endif
