/* chama: the command table, and the one place where an error becomes an exit status. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "node/command.h"
#include "node/version.h"
#include "sync/sparse.h"

static const Command commands[] = {
    { "init", cmd_init, "", "make a node: keys, ledger, configuration",
      "The next signing key, with which a lost or stolen key is replaced, should leave the machine: give --next-key FILE on removable media.\n"
      "A key in a token (HSM, smart card) is named by its URI: --key 'pkcs11:token=office;object=signing'; see chama(1), \"Keys in a token\"." },
    { "id", cmd_id, "", "show who this node is: id, spoken fingerprint, keys, addresses", NULL },
    { "profile", cmd_profile, "", "show what this node says it is (names, sector, who may have its ledger), or change it",
      "Each option changes one thing, an empty text (--division '') takes it away; without any it is shown.  Changes are a new record: those before stay in the ledger.\n"
      "Addresses are those of [node] url in config.ini." },
    { "publish", cmd_publish, "NAME PATH", "make a version of a dataset from a folder, a file or an archive",
      "PATH is published as it is; with --unpack, what is inside an archive (\"-\": a tar on stdin).  A file .chamaignore at the top of a folder "
      "leaves out what it lists, as .gitignore would.  Unless --share says otherwise a new dataset is conditional: nobody gets it without a grant." },
    { "ls", cmd_ls, "[PATTERN]", "list datasets, own and peers'",
      "PATTERN is a glob over names of any node, or PEER/GLOB.  Columns: name, newest version, sharing, whether its content is held, files, bytes\n"
      "(~: at most, rounded up, where sharing is not open), time, title; or how it ended: withdrawn or erased, when and why." },
    { "show", cmd_show, "NAME[@V]", "show one version's manifest", NULL },
    { "log", cmd_log, "NAME", "show the history of a dataset, newest first", NULL },
    { "lineage", cmd_lineage, "NAME[@V]", "show what a version was made from, or what was made from it, each step judged",
      "Verdicts, worst first: broken, missing, withheld, erased, stated, repeated, proven.  The whole is as good as its worst step.  Exit 3 if that is broken." },
    { "files", cmd_files, "NAME[@V]", "list the files of a version", NULL },
    { "diff", cmd_diff, "NAME@A NAME@B", "show what changed between two versions", NULL },
    { "get", cmd_get, "NAME[@V] DIR|FILE", "write a version's files into a folder, or bring the folder up to date; or into an archive",
      "Files that were edited in DIR are never overwritten unless --force is given. A FILE that ends in .tar or .zip needs no --format; of one version each "
      "format has always the same bytes." },
    { "cat", cmd_cat, "NAME[@V] PATH", "write one file of a version to standard output", NULL },
    { "drop", cmd_drop, "NAME[@V]", "stop holding content (the record of it stays); without @V, of all versions",
      "What was dropped of another node's dataset comes back when the dataset is followed again (`chama follow`), not by itself." },
    { "gc", cmd_gc, "", "free the space of what no version held needs", NULL },
    { "serve", cmd_serve, "", "run the daemon: answer peers, and sync with them", "SIGTERM stops it cleanly, SIGHUP reads the configuration again.\n"
      "With --stdio it is no daemon: it answers one caller on standard input and output, for sshd: command=\"chama serve --stdio --as NODE-ID\" before a key in\n"
      "authorized_keys says which node has that key.  Without --as the caller is nobody, and gets what anyone may." },
    { "invite", cmd_invite, "", "print the line with which another node adds this one", NULL },
    { "peer", cmd_peer, "add|ls|pending|accept|rm|decide ...", "the nodes that this node knows and trusts to be who they are",
      "  peer add INVITE          add a node by the line it gave (asks nothing)\n"
      "  peer add URL [--id ID]   add a node by its address: shows its spoken fingerprint and asks\n"
      "  peer add NODE [--id ID]  add one of `peer ls --known`: shows its spoken fingerprint and asks\n"
      "  peer ls                  list accepted peers\n"
      "  peer ls --known          list nodes that peers brought word of, and which peers\n"
      "  peer pending             list nodes that dialled in and wait\n"
      "  peer accept ID           accept one of them\n"
      "  peer rm PEER             forget a peer (its ledger and what was held of it stay)" },
    { "follow", cmd_follow, "[[PEER/]PATTERN]", "fetch content of matching datasets at each sync; without a pattern: list what is followed",
      "PATTERN is a glob over dataset names; \"PEER/*\" is all of one node, \"*\" everything known." },
    { "unfollow", cmd_unfollow, "[PEER/]PATTERN", "stop following (what is held stays)", NULL },
    { "sync", cmd_sync, "[PEER ...]", "copy peers' ledgers, then the content that is followed and allowed",
      "Without a PEER all peers are asked: exit 0 if any answered, 5 if none did or one that was named did not.  Versions that are followed and not\n"
      "given (no grant, or no longer held there) are counted, and are no failure." },
    { "bundle", cmd_bundle, "create|apply|show ...", "the same exchange on a disk, for machines that no network joins",
      "  bundle create FILE [NAME[@V] ...]   write a bundle, NAME.tar or NAME.tar.zst: ledgers, and versions with their content\n"
      "  bundle apply FILE ...               take what bundles hold; volumes in any order; --receipt: write what is to be carried back\n"
      "  bundle show FILE ...                list what is in them, and whether checksums hold; needs no node\n"
      "Without --for it holds what anyone may have.  What is applied is verified as if a peer had sent it." },
    { "push", cmd_push, "PEER | DIR|sftp://HOST/DIR [NAME[@V] ...]", "let a peer that cannot reach this node take what it follows; or leave a bundle in a folder",
      "This node dials, and the peer asks: it takes what it would take in a sync of its own, within its limits, and verifies all.  It has to have accepted this node as a peer.\n"
      "A push that was cut is gone on with by the next.  A folder is a path with a slash in it (./DIR): a bundle is left there, of the NAMEs or of what is new of this node's datasets." },
    { "grant", cmd_grant, "NAME PEER", "let a peer have a conditional dataset", "Sealed (only the peer can read it) unless --public.  Ends after a year unless --until." },
    { "revoke", cmd_revoke, "NAME PEER", "end a peer's grants for a dataset", NULL },
    { "grants", cmd_grants, "", "list grants, given and received", NULL },
    { "receipts", cmd_receipts, "[NAME]", "list what was delivered and received of datasets that are not open, and who owes what",
      "Columns: version, provider, receiver, when it was delivered (in brackets: served or arrived, and in no ledger yet), when it was received, how it stands,\n"
      "by whom something is owed.  A receipt is stated at the sync that brought the content, or at the next." },
    { "reveal", cmd_reveal, "RECORD --to PEER|--file FILE", "show a sealed statement (grant, delivery, receipt) to an auditor",
      "RECORD is the address of its record (sha256:..., as `chama grants --json` and `chama receipts --json` show), or its number in this node's ledger.\n"
      "The auditor verifies it against the ledger before believing it.  It cannot be taken back." },
    { "attest", cmd_attest, "NAME@V --type TYPE --result pass|fail", "state in this node's ledger what it found of a version, of any node",
      "TYPE is quality, review, approval, valuation, or a URI that says what was looked at.  Everyone who has this node's ledger can read it.\n"
      "A later one of the same type on the same version takes the place of the earlier." },
    { "withdraw", cmd_withdraw, "NAME@V --reason TEXT", "take back a version of this node: nobody serves it any more, its history stays",
      "Replicas stop serving it at their next sync; what was copied stays where it is.  There is no taking it back: publish anew.\n"
      "Versions known here that were made from it are listed." },
    { "erase", cmd_erase, "NAME@V --reason TEXT", "take a version's content away for good, here and, of one's own, at replicas",
      "The manifest stays, and a tombstone that says when it was erased and why.  Replicas follow at their next sync, with tombstones of their own.\n"
      "Of another node's version the content goes here alone.  What other versions consist of, too, stays." },
    { "endorse", cmd_endorse, "FILE|DIGEST", "stand by a document that others stand by, too, and list who does",
      "The document itself stays where it is: what is stated is its SHA-256.  Each party endorses it in its own ledger." },
    { "verify", cmd_verify, "[NAME[@V]]", "verify signatures, chain, listing and every chunk of versions held", NULL },
    { "audit", cmd_audit, "[NODE ...]", "check everything that ledgers say, and report it",
      "Every signature, chain, root, fork, version, source and grant in the ledgers known here, worst first.  Exit 3 if anything does not hold.\n"
      "Content is not read: `chama verify` does that.\n"
      "With --live the nodes themselves are asked, nothing is copied, and what they show must go on from what was seen before." },
    { "prove", cmd_prove, "[NAME[@V]]", "write a proof of one version, or of any record, to standard output",
      "The file is complete in itself: the record, its signature, the keys of its node, its place in the node's history and who saw that, to be checked with\n"
      "`chama check` on any machine.  Of a sealed record or of a version that is not open it has only the digest, unless --show is given." },
    { "tiles", cmd_tiles, "DIR", "write the Merkle log of a ledger as files that any web server can serve (C2SP tlog-tiles)",
      "Each run writes what is new, the checkpoint last.  Records go with it only if the ledger is for anyone, or with --entries." },
    { "check", cmd_check, "FILE", "check a proof or evidence, with no node and no network, and say what it proves and what not",
      "Exit 3 if anything in it does not hold." },
    { "keys", cmd_keys, "status|rotate|renew-tls|make URI ...", "how old this node's keys are, and changing them",
      "  keys status   age of each key, in which token it is, whether the next key is here, the end of the TLS certificate\n"
      "  keys rotate   the next key becomes the signing key, and a new next key is made; log and encryption key change, too\n"
      "  keys renew-tls  a new TLS certificate over the same key\n"
      "  keys make     a new Ed25519 key in a PKCS#11 token, for `init --key`, `--next-key` or `rotate --new-next`\n"
      "Rotate once a year, and at once when a key may have been stolen: whoever has the signing key and not the next one loses it." },
    { "evidence", cmd_evidence, "[ls|show ID|export ID FILE|import FILE]", "what nodes signed and cannot all be true: rewritten histories",
      "Evidence comes from the syncs of this node and from its peers, and was verified.  Exported, it is one file (\"-\": standard output) that `chama check`\n"
      "verifies on any machine; imported, it counts as if a peer had brought it, and goes on to the peers.  ID is 8 or more digits of the first column." },
    { "fsck", cmd_fsck, "", "check the whole home: store, ledgers, keys, databases", NULL },
    { "status", cmd_status, "", "node, ledger, store, peers: what is where and how it is", NULL },
};

static void
print_help(FILE *out)
{
    fputs("Usage: chama [--home DIR] COMMAND [ARGUMENTS]\n\n"
          "chama shares datasets between departments: versions are signed, synced between nodes, and anyone can verify them.\n\n"
          "Commands:\n", out);
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`chama COMMAND --help` says more.  The home is --home DIR, else $CHAMA_HOME, else $XDG_DATA_HOME/chama.\n"
          "Exit status: 0 done, 1 failed, 2 usage, 3 verification failed, 4 not allowed, 5 peer unreachable.\n", out);
}

static const Command *
find_command(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static char *
default_home(void)
{
    const char *home = g_getenv("CHAMA_HOME");

    return home && *home ? g_strdup(home) : g_build_filename(g_get_user_data_dir(), "chama", NULL);
}

/* Options before the command: returns the index of the command's name, or -1 when all is said (with @status). */
static int
read_global_options(int argc, char **argv, char **home, int *status)
{
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(stdout);
            return *status = EXIT_DONE, -1;
        }
        if (strcmp(argv[i], "--version") == 0) {
            print_version(i + 1 < argc && strcmp(argv[i + 1], "--json") == 0);
            return *status = EXIT_DONE, -1;
        }
        if (g_str_has_prefix(argv[i], "--home=") && argv[i][7])
            g_free(*home), *home = g_strdup(argv[i] + 7);
        else if (strcmp(argv[i], "--home") == 0 && i + 1 < argc && argv[i + 1][0])
            g_free(*home), *home = g_strdup(argv[++i]);
        else {
            fprintf(stderr, "chama: %s: want --home DIR, --version or --help before the command; see `chama --help`\n", argv[i]);
            return *status = EXIT_USAGE, -1;
        }
    }
    return i;
}

static int
run(const Command *command, const char *home, int argc, char **argv)
{
    const Invocation invocation = { command, home };
    g_autoptr(GError) error = NULL;
    int status = EXIT_DONE;

    if (!command->run(&invocation, argc, argv, &status, &error)) {
        fprintf(stderr, "chama: %s\n", error->message);
        status = chama_error_exit_status(error);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (status == EXIT_DONE && !command_reader_left())
            fprintf(stderr, "chama: standard output: %s\n", g_strerror(errno));
        return status ? status : EXIT_FAILED;
    }
    return status;
}

/* A file of the home that was opened as number 1 or 2 would get what is said there. Who closed one of the three gets an error: each is held by what it cannot be used for. */
static gboolean
hold_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return FALSE;
    }
    return TRUE;
}

int
main(int argc, char **argv)
{
    g_autofree char *home = default_home();
    const Command *command;
    int status, at;

    if (!hold_standard_files())
        return EXIT_FAILED;
    /* Names and texts are UTF-8 whatever the locale says, also in what GLib reads and prints. */
    g_setenv("CHARSET", "UTF-8", TRUE);
    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    home_set_projector(sparse_project_all);

    at = read_global_options(argc, argv, &home, &status);
    if (at < 0)
        return status;
    if (at >= argc) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[at], "help") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    command = find_command(argv[at]);
    if (!command) {
        fprintf(stderr, "chama: %s: no such command; see `chama --help`\n", argv[at]);
        return EXIT_USAGE;
    }
    return run(command, home, argc - at, argv + at);
}
