#include "node/command.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <termios.h>
#include <unistd.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "keys/token.h"
#include "node/config.h"
#include "sync/transport/ssh_session.h"

#define PASSPHRASE_MAX 1024

/* GLib leaves the "--" in front of words that begin with a dash. */
static void
drop_end_of_options(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") != 0)
            continue;
        memmove(argv + i, argv + i + 1, (gsize)(*argc - i) * sizeof *argv);
        (*argc)--;
        return;
    }
}

gboolean
command_parse(const Invocation *invocation, int *argc, char ***argv, const GOptionEntry *entries, int min, int max, GError **error)
{
    const Command *command = invocation->command;
    g_autoptr(GOptionContext) context = g_option_context_new(*command->arguments ? command->arguments : NULL);
    g_autofree char *program = g_strdup_printf("chama %s", command->name);
    g_autofree char *summary = g_strdup_printf("chama %s: %s", command->name, command->summary);
    g_autoptr(GError) wrong = NULL;
    int words;

    g_set_prgname(program);
    g_option_context_set_summary(context, summary);
    if (command->description)
        g_option_context_set_description(context, command->description);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, &wrong))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: %s; see `chama %s --help`", command->name, wrong->message, command->name);
    drop_end_of_options(argc, *argv);
    words = *argc - 1;
    if (words < min || (max >= 0 && words > max))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want `chama %s%s%s`, have %d argument%s; see `chama %s --help`", command->name, command->name,
                           *command->arguments ? " " : "", command->arguments, words, words == 1 ? "" : "s", command->name);
    return TRUE;
}

gboolean
command_check_utf8(const char *option, const char *text, GError **error)
{
    return !text || g_utf8_validate(text, -1, NULL) || chama_error(error, CHAMA_ERROR_USAGE, "%s: want UTF-8 text, have other bytes", option);
}

static char *
passphrase_from_file(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = durable_read(path, PASSPHRASE_MAX, error);
    gsize size;
    const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;

    if (!bytes)
        return NULL;
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
        size--;
    if (size == 0)
        return chama_error_null(error, CHAMA_ERROR_USAGE, "%s: want a passphrase, have an empty file", path);
    return g_strndup(text, size);
}

/* Reads a line from the terminal without showing it. */
static char *
secret_from_terminal(const char *prompt, const char *what, const char *variable, GError **error)
{
    FILE *terminal = fopen("/dev/tty", "r+");
    struct termios shown, hidden;
    char line[PASSPHRASE_MAX];
    gboolean cancelled;
    gssize size;
    char *got;

    if (!terminal)
        return chama_error_null(error, CHAMA_ERROR_DENIED, "want a %s, have no terminal to ask at; set %s", what, variable);
    tcgetattr(fileno(terminal), &shown);
    hidden = shown;
    /* Ctrl-C ends the line instead of the program, which would leave the terminal mute. */
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    hidden.c_cc[VEOL] = shown.c_cc[VINTR];
    /* Before the prompt: what is typed after it is neither shown nor flushed away. */
    tcsetattr(fileno(terminal), TCSAFLUSH, &hidden);
    fprintf(terminal, "%s: ", prompt);
    fflush(terminal);
    size = read(fileno(terminal), line, sizeof line - 1);
    tcsetattr(fileno(terminal), TCSAFLUSH, &shown);
    fputc('\n', terminal);
    fclose(terminal);
    cancelled = size <= 0 || line[size - 1] == (char)shown.c_cc[VINTR];
    line[MAX(size, 0)] = '\0';
    got = cancelled ? chama_error_null(error, CHAMA_ERROR_CANCELLED, "no %s was given", what) : g_strndup(line, strcspn(line, "\r\n"));
    explicit_bzero(line, sizeof line);
    return got;
}

static char *
passphrase_from_terminal(const char *prompt, GError **error)
{
    return secret_from_terminal(prompt, "passphrase", "CHAMA_PASSPHRASE_FILE", error);
}

static char *
ask_pin(gpointer data, const char *label, GError **error)
{
    g_autofree char *shown = g_strescape(label, NULL);
    g_autofree char *prompt = g_strdup_printf("PIN of the token \"%s\"", shown);

    return secret_from_terminal(prompt, "PIN", "CHAMA_PIN_FILE", error);
}

void
command_ask_pins(void)
{
    token_set_ask(ask_pin, NULL);
}

/* A script that has a terminal somewhere does not read what stands there. */
static gboolean
accept_host(gpointer data, const char *question)
{
    FILE *terminal = isatty(STDIN_FILENO) ? fopen("/dev/tty", "r+") : NULL;
    char answer[16] = "";

    if (!terminal)
        return FALSE;
    fprintf(terminal, "%s [y/N] ", question);
    fflush(terminal);
    if (!fgets(answer, sizeof answer, terminal))
        answer[0] = '\0';
    fclose(terminal);
    return answer[0] == 'y' || answer[0] == 'Y';
}

static char *
ask_secret(gpointer data, const char *what, GError **error)
{
    return secret_from_terminal(what, "passphrase", "SSH_AUTH_SOCK and use ssh-add", error);
}

void
command_batch(void)
{
    ssh_set_ask(NULL);
}

/* TRUE if the environment decides: *@passphrase, or an error. */
static gboolean
passphrase_from_environment(char **passphrase, GError **error)
{
    const char *file = g_getenv("CHAMA_PASSPHRASE_FILE"), *text = g_getenv("CHAMA_PASSPHRASE");

    if (file && *file)
        *passphrase = passphrase_from_file(file, error);
    else if (text && *text)
        *passphrase = g_strdup(text);
    else
        return FALSE;
    return TRUE;
}

static char *
ask_passphrase(gpointer data, const char *key_path, GError **error)
{
    g_autofree char *prompt = g_strdup_printf("Passphrase of %s", key_path);
    char *passphrase = NULL;

    return passphrase_from_environment(&passphrase, error) ? passphrase : passphrase_from_terminal(prompt, error);
}

char *
command_new_passphrase(GError **error)
{
    char *passphrase = NULL;
    g_autofree char *again = NULL;

    if (passphrase_from_environment(&passphrase, error))
        return passphrase;
    passphrase = passphrase_from_terminal("New passphrase for the signing keys", error);
    again = passphrase ? passphrase_from_terminal("The same again", error) : NULL;
    if (again && *passphrase && strcmp(passphrase, again) == 0)
        return passphrase;
    g_free(passphrase);
    return again ? chama_error_null(error, CHAMA_ERROR_USAGE, "want the same passphrase twice, not empty") : NULL;
}

/* A configuration with a mistake in it is the business of commands that need one. */
static void
command_set_key(const Invocation *invocation)
{
    g_autoptr(Config) config = config_load(invocation->home, NULL);

    if (config)
        ssh_set_key(config->ssh_key);
}

Home *
command_home(const Invocation *invocation, GError **error)
{
    static const SshAsk ask = { .accept = accept_host, .secret = ask_secret };
    Home *home = home_open(invocation->home, error);

    if (home)
        home_set_passphrase(home, ask_passphrase, NULL);
    command_ask_pins();
    ssh_set_ask(&ask);
    command_set_key(invocation);
    return home;
}

gboolean
command_parse_size(const char *option, const char *text, guint64 *size, GError **error)
{
    static const char units[] = "KMGT";
    char *end = NULL;
    guint64 number = g_ascii_isdigit(*text) ? g_ascii_strtoull(text, &end, 10) : 0;
    const char *unit = end && *end ? strchr(units, g_ascii_toupper(*end)) : NULL;
    guint shift = unit ? 10 * (guint)(unit - units + 1) : 0;

    if (!end || (*end && (!unit || end[1])) || number == 0 || number > ((guint64)G_MAXINT64 >> shift))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want a size as 650M or 4G, have \"%s\"", option, text);
    *size = number << shift;
    return TRUE;
}

gboolean
command_reader_left(void)
{
    struct pollfd out = { .fd = STDOUT_FILENO };

    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

static void
blame(GError **error, ChamaError code)
{
    if (error && *error && ((*error)->code == CHAMA_ERROR_MALFORMED || (*error)->code == CHAMA_ERROR_LIMIT || (*error)->code == CHAMA_ERROR_UNSUPPORTED))
        (*error)->code = code;
}

void
command_blame_usage(GError **error)
{
    blame(error, CHAMA_ERROR_USAGE);
}

void
command_blame_input(GError **error)
{
    blame(error, CHAMA_ERROR_FAILED);
}

gboolean
command_parse_date(const char *text, gint64 *seconds, GError **error)
{
    g_autofree char *moment = strlen(text) == 10 ? g_strdup_printf("%sT23:59:59Z", text) : g_strdup(text);

    return time_parse(moment, seconds, NULL) ||
           chama_error(error, CHAMA_ERROR_USAGE, "%s: want a date as 2027-01-31 or 2027-01-31T00:00:00Z", text);
}
