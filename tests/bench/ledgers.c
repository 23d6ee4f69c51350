/*
 * ledgers: how fast a ledger grows and is verified, against what the signatures alone cost on the same cores.  Prints one JSON object.
 *
 *   ledgers FOLDER RECORDS BATCH
 *
 * Makes a ledger of RECORDS statements in FOLDER (which must not exist), committed BATCH at a time, extends its Merkle tree, verifies all of it,
 * once and again, and makes a proof.  The limit is as many Ed25519 checks (a record each, a commit each batch) on all cores and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <glib/gstdio.h>

#include "keys/sshsig.h"
#include "manifests/ledger/ledger.h"

#define START G_GINT64_CONSTANT(1777622400)
#define PROOFS 1000

typedef struct {
    Keypair *signing, *log;
    GBytes *inception;
    Identity *identity;
} Owner;

/* Checks of one signature by a thread. */
typedef struct {
    const Owner *owner;
    GBytes *message, *signature;
    guint64 count;
} Checks;

static void
fail(const GError *error)
{
    fprintf(stderr, "ledgers: %s\n", error->message);
    exit(1);
}

static double
seconds_since(gint64 start)
{
    return (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
}

static void
owner_make(Owner *owner)
{
    static const guint8 encryption[ENCRYPTION_KEY_SIZE] = "an encryption key of thirty-two";
    const Digest next = { { 1 } };
    guint8 seed[32] = { 7 };
    g_autoptr(GError) error = NULL;

    owner->signing = keypair_from_seed(seed, &error);
    seed[0]++;
    owner->log = owner->signing ? keypair_from_seed(seed, &error) : NULL;
    if (owner->log)
        owner->inception = inception_format(keypair_public(owner->signing), keypair_public(owner->log), encryption, &next, START, &error);
    owner->identity = owner->inception ? identity_parse_inception(owner->inception, &error) : NULL;
    if (!owner->identity)
        fail(error);
}

static Record *
make_record(const Owner *owner, const LedgerHead *head, GError **error)
{
    g_autofree char *members = g_strdup_printf("{\"note\":\"statement number %" G_GUINT64_FORMAT "\",\"result\":\"pass\"}", head->size);
    g_autoptr(GBytes) bytes = g_bytes_new(members, strlen(members));

    if (head->size == 0)
        return record_sign(head, "inception/1", owner->inception, START, owner->signing, error);
    return record_sign(head, "statement/1", bytes, START + (gint64)head->size, owner->signing, error);
}

static gboolean
append_batch(Ledger *ledger, const Owner *owner, guint64 count, GError **error)
{
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_autoptr(LedgerLock) lock = ledger_lock(ledger, error);
    LedgerHead head;

    if (!lock)
        return FALSE;
    for (head = *ledger_head(ledger); records->len < count; head.size++) {
        Record *record = make_record(owner, &head, error);

        if (!record)
            return FALSE;
        g_ptr_array_add(records, record);
        head.head = record->address;
        head.identity = owner->identity;
    }
    return ledger_append(ledger, records, owner->signing, error);
}

static gpointer
check_many(gpointer data)
{
    const Checks *checks = data;
    gsize size;
    const void *bytes = g_bytes_get_data(checks->message, &size);

    for (guint64 i = 0; i < checks->count; i++)
        if (!sshsig_verify(checks->signature, &checks->owner->identity->signing, SSHSIG_NAMESPACE_RECORD, bytes, size, NULL))
            abort();
    return NULL;
}

/* Seconds that @count checks take on all cores. */
static double
limit(const Owner *owner, Ledger *ledger, guint64 count)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Record) record = ledger_get(ledger, 0, &error);
    guint cores = g_get_num_processors();
    g_autofree GThread **threads = g_new(GThread *, cores);
    gint64 start = g_get_monotonic_time();

    if (!record)
        fail(error);
    Checks checks = { owner, record->bytes, record->signature, count / cores };

    for (guint i = 0; i < cores; i++)
        threads[i] = g_thread_new("checks", check_many, &checks);
    for (guint i = 0; i < cores; i++)
        g_thread_join(threads[i]);
    return seconds_since(start);
}

static void
print_fault(gpointer data, const char *message)
{
    fprintf(stderr, "ledgers: %s\n", message);
}

/* With what the verification before it says that it was of. */
static double
verify(Ledger *ledger, LedgerVerified *verified)
{
    const LedgerWatch watch = { .report = print_fault };
    g_autoptr(GError) error = NULL;
    gint64 start = g_get_monotonic_time();

    if (!ledger_verify_again(ledger, TRUE, verified, &watch, &error))
        fail(error);
    return seconds_since(start);
}

/* Of this process, on all cores. */
static double
cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / G_USEC_PER_SEC;
}

/* Seconds of one inclusion proof. */
static double
prove(Ledger *ledger)
{
    guint64 size = ledger_head(ledger)->size;
    gint64 start = g_get_monotonic_time();

    for (guint64 i = 0; i < PROOFS; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) proof = merkle_file_inclusion(ledger_merkle(ledger), i * 7919 % size, size, &error);

        if (!proof)
            fail(error);
    }
    return seconds_since(start) / PROOFS;
}

int
main(int argc, char **argv)
{
    guint64 count = argc == 4 ? g_ascii_strtoull(argv[2], NULL, 10) : 0, batch = argc == 4 ? g_ascii_strtoull(argv[3], NULL, 10) : 0;
    g_autofree char *git = NULL, *log = NULL;
    g_autoptr(Ledger) ledger = NULL;
    g_autoptr(GError) error = NULL;
    LedgerVerified verified = { 0 };
    Owner owner = { 0 };
    gint64 start;
    double cpu;

    if (count == 0 || batch == 0 || batch > LEDGER_BATCH_MAX || g_mkdir(argv[1], 0700) != 0) {
        fprintf(stderr, "usage: ledgers FOLDER RECORDS BATCH (a folder that does not exist, at least one record, batches of 1 to %d)\n", LEDGER_BATCH_MAX);
        return 2;
    }
    git = g_build_filename(argv[1], "ledger.git", NULL);
    log = g_build_filename(argv[1], "log", NULL);
    owner_make(&owner);
    ledger = ledger_create(git, log, &error);
    start = g_get_monotonic_time();
    for (guint64 n = 0; ledger && !error && n < count; n += batch)
        append_batch(ledger, &owner, MIN(batch, count - n), &error);
    if (error)
        fail(error);
    printf("{\"records\": %" G_GUINT64_FORMAT ", \"batch\": %" G_GUINT64_FORMAT ", \"append_seconds\": %.3f, ", count, batch, seconds_since(start));
    cpu = cpu_seconds();
    printf("\"verify_seconds\": %.3f, ", verify(ledger, &verified));
    printf("\"verify_cpu_seconds\": %.3f, ", cpu_seconds() - cpu);
    cpu = cpu_seconds();
    printf("\"verify_again_seconds\": %.3f, ", verify(ledger, &verified));
    printf("\"verify_again_cpu_seconds\": %.3f, ", cpu_seconds() - cpu);
    printf("\"limit_seconds\": %.3f, ", limit(&owner, ledger, count + (count + batch - 1) / batch));
    printf("\"proof_seconds\": %.6f}\n", prove(ledger));
    return 0;
}
