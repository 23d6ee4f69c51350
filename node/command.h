/*
 * command: what every command shares: its row in the table of main.c, reading options, opening the home, and how it ends.
 */
#ifndef CHAMA_NODE_COMMAND_H
#define CHAMA_NODE_COMMAND_H

#include <glib.h>
#include <jansson.h>

#include "keys/error.h"
#include "manifests/home.h"

typedef struct Command Command;

/* Where a command runs: the home that --home, CHAMA_HOME or the default names. */
typedef struct {
    const Command *command;
    const char *home;
} Invocation;

struct Command {
    const char *name;
    /* Gets its own name as argv[0].  Returns the exit status; a FALSE with an error is printed by main(). */
    gboolean (*run)(const Invocation *invocation, int argc, char **argv, int *status, GError **error);
    const char *arguments;
    const char *summary;
    const char *description;   /* more for --help, or NULL */
};

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_VERIFY = 3, EXIT_DENIED = 4, EXIT_UNREACHABLE = 5 };

/* Reads @entries out of argv; what is left must be @min to @max words (@max -1: any number), which stay in argv[1..].  --help prints and exits
 * here.  USAGE. */
gboolean command_parse(const Invocation *invocation, int *argc, char ***argv, const GOptionEntry *entries, int min, int max, GError **error);

/* The home, with the passphrase asked for at the terminal, or taken from CHAMA_PASSPHRASE_FILE or CHAMA_PASSPHRASE; so with PINs of tokens, from CHAMA_PIN_FILE. */
Home *command_home(const Invocation *invocation, GError **error);

/* From here on the PIN of a token, where no file has it, is asked for at the terminal; command_home() says so, too. */
void command_ask_pins(void);

/* From here on nobody is asked about what SSH lacks (hosts that are not known, passphrases of its keys), which is then refused; after command_home(), which says the opposite. */
void command_batch(void);

/* A passphrase for new keys: from the same places, asked for twice at a terminal. */
char *command_new_passphrase(GError **error);

/* Every option's text must be UTF-8: USAGE. */
gboolean command_check_utf8(const char *option, const char *text, GError **error);

/* What a parser says of words that a person typed is a mistake in using the command: MALFORMED, LIMIT and UNSUPPORTED become USAGE. */
void command_blame_usage(GError **error);

/* The same of files that a person named: what they hold is no one's broken proof (exit 1, not 3). */
void command_blame_input(GError **error);

/* "2027-01-31", to its last second, or RFC 3339: USAGE. */
gboolean command_parse_date(const char *text, gint64 *seconds, GError **error);

/* "4G", powers of 1024, more than nothing: USAGE. */
gboolean command_parse_size(const char *option, const char *text, guint64 *size, GError **error);

/* TRUE if standard output is a pipe that nobody reads any more (`chama files NAME | head`): no reason to complain. */
gboolean command_reader_left(void);

#define COMMAND(name) gboolean cmd_##name(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
COMMAND(init);
COMMAND(id);
COMMAND(profile);
COMMAND(publish);
COMMAND(ls);
COMMAND(show);
COMMAND(log);
COMMAND(lineage);
COMMAND(files);
COMMAND(diff);
COMMAND(drop);
COMMAND(gc);
COMMAND(get);
COMMAND(cat);
COMMAND(serve);
COMMAND(invite);
COMMAND(peer);
COMMAND(follow);
COMMAND(unfollow);
COMMAND(sync);
COMMAND(bundle);
COMMAND(push);
COMMAND(grant);
COMMAND(revoke);
COMMAND(grants);
COMMAND(receipts);
COMMAND(reveal);
COMMAND(attest);
COMMAND(withdraw);
COMMAND(evidence);
COMMAND(erase);
COMMAND(endorse);
COMMAND(verify);
COMMAND(audit);
COMMAND(prove);
COMMAND(tiles);
COMMAND(check);
COMMAND(fsck);
COMMAND(keys);
COMMAND(status);

#endif
