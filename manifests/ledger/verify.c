#include <stdarg.h>
#include <string.h>

#include "keys/error.h"
#include "keys/sshsig.h"
#include "manifests/ledger/ahead.h"
#include "manifests/ledger/commit.h"
#include "manifests/ledger/internal.h"
#include "manifests/ledger/view.h"

/* Signatures that a core takes at once: one alone costs a tenth more in waking threads.  And how many such loads may wait: bounds memory. */
#define LOAD_JOBS 32
#define LOADS_MAX 32

struct Findings {
    GMutex mutex;
    GCond done;
    GQueue messages;  /* of char*, not yet handed on */
    guint loads;      /* under way */
    guint64 count;    /* handed on */
    const LedgerWatch *watch;
    gboolean quiet;   /* what is wrong is only counted */
};

/* A signature to check: of a record that continues @head, or of a commit (what it signs). */
typedef struct {
    RecordReceived *received;
    LedgerHead head;
    GBytes *unsigned_bytes, *signature;
    const Identity *identity;
    guint64 seq;
} Job;

typedef struct {
    Ledger *ledger;
    Findings *findings;
    const LedgerWatch *watch;
    gboolean stopped;       /* by who watches */
    Ahead *ahead;
    GThreadPool *pool;
    GPtrArray *load;        /* of Job*, not yet given to a core */
    git_odb *database;
    Projection *projection; /* NULL once a record could not be read: nothing can be rebuilt from there on */
    GPtrArray *records;     /* of the batch at hand, */
    GPtrArray *views;       /* and what they show */
    LedgerHead head;        /* before the next record */
    Identity *identity;     /* its key state: it leads back to all that jobs may use */
    git_oid parent;
    guint64 missing;        /* objects of the batch at hand that are not there */
    guint64 known;          /* records whose signatures were good before, as long as all else is the same */
    gboolean met;           /* the commits that hold them, and they are the same */
    LedgerVerified seen;    /* of what was read so far; root at the end alone */
} Check;

void
findings_add(Findings *findings, const char *format, ...)
{
    va_list arguments;
    char *message;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_mutex_lock(&findings->mutex);
    g_queue_push_tail(&findings->messages, message);
    g_mutex_unlock(&findings->mutex);
}

static void
hand_on(Findings *findings)
{
    for (;;) {
        g_autofree char *message = NULL;

        g_mutex_lock(&findings->mutex);
        message = g_queue_pop_head(&findings->messages);
        g_mutex_unlock(&findings->mutex);
        if (!message)
            return;
        findings->count++;
        if (!findings->quiet)
            findings->watch->report(findings->watch->data, message);
    }
}

static void
wait_for_loads(Findings *findings, guint at_most)
{
    g_mutex_lock(&findings->mutex);
    while (findings->loads > at_most)
        g_cond_wait(&findings->done, &findings->mutex);
    g_mutex_unlock(&findings->mutex);
}

static gboolean
check_record(const Job *job, GError **error)
{
    g_autoptr(Record) record = record_verify(job->received, &job->head, error);

    return record != NULL;
}

static gboolean
check_commit(const Job *job, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(job->unsigned_bytes, &size);

    return sshsig_verify(job->signature, &job->identity->signing, SSHSIG_NAMESPACE_GIT, data, size, error);
}

static void
job_free(gpointer data)
{
    Job *job = data;

    g_clear_pointer(&job->received, record_received_free);
    g_clear_pointer(&job->unsigned_bytes, g_bytes_unref);
    g_clear_pointer(&job->signature, g_bytes_unref);
    g_free(job);
}

static void
run_job(const Job *job, Findings *findings)
{
    g_autoptr(GError) error = NULL;

    if (job->received ? !check_record(job, &error) : !check_commit(job, &error))
        findings_add(findings, "%s %" G_GUINT64_FORMAT ": %s", job->received ? "record" : "commit of record", job->seq, error->message);
}

static void
run_load(gpointer data, gpointer user_data)
{
    GPtrArray *load = data;
    Findings *findings = user_data;

    for (guint i = 0; i < load->len; i++)
        run_job(g_ptr_array_index(load, i), findings);
    g_ptr_array_unref(load);
    g_mutex_lock(&findings->mutex);
    findings->loads--;
    g_cond_signal(&findings->done);
    g_mutex_unlock(&findings->mutex);
}

static void
send_load(Check *check)
{
    wait_for_loads(check->findings, LOADS_MAX);
    g_mutex_lock(&check->findings->mutex);
    check->findings->loads++;
    g_mutex_unlock(&check->findings->mutex);
    g_thread_pool_push(check->pool, g_steal_pointer(&check->load), NULL);
    check->load = g_ptr_array_new_with_free_func(job_free);
}

static void
push(Check *check, Job *job)
{
    g_ptr_array_add(check->load, job);
    if (check->load->len == LOAD_JOBS)
        send_load(check);
}

static void
check_leaf(Check *check, guint64 seq, const Digest *want)
{
    Digest have;
    g_autoptr(GError) error = NULL;

    if (!merkle_file_leaf(check->ledger->merkle, seq, &have, &error))
        findings_add(check->findings, "%s", error->message);
    else if (!digest_equal(want, &have))
        findings_add(check->findings, "record %" G_GUINT64_FORMAT ": G14: the hash file has another leaf", seq);
}

/* N13.  A rotation that breaks a rule is told of by the worker that verifies it; the keys before it go on. */
static void
follow_keys(Check *check, const Record *record)
{
    Identity *after = record_identity_after(record, check->identity, NULL);

    if (!after)
        return;
    identity_free(check->identity);
    check->identity = after;
}

static void
push_record(Check *check, guint64 seq, RecordReceived *received, const LedgerHead *head)
{
    Job *job;

    if (seq < check->known) {
        record_received_free(received);
        return;
    }
    job = g_new0(Job, 1);
    job->received = received;
    job->head = *head;
    job->seq = seq;
    push(check, job);
}

static void
push_commit(Check *check, guint64 first, GBytes *unsigned_bytes, GBytes *signature)
{
    Job *job;

    if (first < check->known)
        return;
    job = g_new0(Job, 1);
    job->unsigned_bytes = g_bytes_ref(unsigned_bytes);
    job->signature = g_bytes_ref(signature);
    job->identity = check->identity;
    job->seq = first;
    push(check, job);
}

/* Takes the record at its word to go on; a worker checks its signature. */
static void
take_record(Check *check, guint64 seq, AheadRecord *at)
{
    const Record *claims = record_received_claims(at->received);
    LedgerHead head = check->head;

    if (check->watch->visit && !check->watch->visit(check->watch->data, claims, at->looked))
        check->stopped = TRUE;
    g_ptr_array_add(check->records, record_copy(claims));
    g_ptr_array_add(check->views, g_steal_pointer(&at->view));
    follow_keys(check, claims);
    check->head = (LedgerHead){ seq + 1, claims->address, check->identity };
    push_record(check, seq, g_steal_pointer(&at->received), &head);
}

/* Only the record itself can be unreadable here, so the next one is tried all the same. */
static void
check_records(Check *check, guint64 first, guint64 end)
{
    AheadRecord *at;

    g_ptr_array_set_size(check->records, 0);
    g_ptr_array_set_size(check->views, 0);
    for (guint64 seq = first; seq < end && !check->stopped && ahead_next(check->ahead, &at); seq++) {
        if (at->read)
            check_leaf(check, seq, &at->leaf);
        if (at->received) {
            take_record(check, seq, at);
            continue;
        }
        if (at->read)
            findings_add(check->findings, "record %" G_GUINT64_FORMAT ": %s", seq, at->error->message);
        else
            findings_add(check->findings, "%s", at->error->message);
        g_clear_pointer(&check->projection, projection_free);
    }
}

/* An object that the projection makes must be in the repository. */
static void
look_up(gpointer data, git_object_t type, const void *bytes, gsize size, const char *hint, git_oid *id)
{
    Check *check = data;

    libgit2.git_odb_hash(id, bytes, size, type);
    if (!libgit2.git_odb_exists(check->database, id))
        check->missing++;
}

/* G4-G11: tree and commit are what the records say. */
static void
check_rebuilt(Check *check, const LedgerCommit *at, const Commit *commit)
{
    g_autoptr(GBytes) unsigned_bytes = NULL;
    g_autoptr(GBytes) signed_bytes = NULL;
    git_oid root, id;

    check->missing = 0;
    projection_add(check->projection, check->records, check->views, check->identity, &root);
    if (check->missing > 0)
        findings_add(check->findings, "commit of record %" G_GUINT64_FORMAT ": G4: %" G_GUINT64_FORMAT " of its objects are missing", at->first,
                     check->missing);
    if (!oid_equal(&root, &commit->tree))
        findings_add(check->findings, "commit of record %" G_GUINT64_FORMAT ": G4: its tree is not the one of the records", at->first);
    unsigned_bytes = commit_format(&root, &check->parent, check->records, check->views);
    signed_bytes = commit_with_signature(unsigned_bytes, commit->signature);
    libgit2.git_odb_hash(&id, g_bytes_get_data(signed_bytes, NULL), g_bytes_get_size(signed_bytes), GIT_OBJECT_COMMIT);
    if (!oid_equal(&id, &at->id))
        findings_add(check->findings, "commit of record %" G_GUINT64_FORMAT ": G8: is not the one of the records", at->first);
    push_commit(check, at->first, unsigned_bytes, commit->signature);
}

/* SHA-256 of the digest so far and that of the commit. */
static void
add_commit(LedgerVerified *seen, GBytes *commit, guint64 end)
{
    Digest both[2] = { seen->commits };

    digest_of(g_bytes_get_data(commit, NULL), g_bytes_get_size(commit), &both[1]);
    digest_of(both, sizeof both, &seen->commits);
    seen->size = end;
}

/* Records may stand in other commits than before, or end within one. */
static void
look_at_known(Check *check, const LedgerVerified *before)
{
    if (check->seen.size == before->size && digest_equal(&check->seen.commits, &before->commits))
        check->met = TRUE;
}

static void
check_batch(Check *check, const LedgerCommit *at, guint64 end)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = repository_read(check->ledger->repository, &at->id, GIT_OBJECT_COMMIT, &error);
    g_auto(Commit) commit = { 0 };

    check_records(check, at->first, end);
    if (check->stopped)
        return;
    if (!bytes || !commit_parse(bytes, &commit, &error))
        findings_add(check->findings, "commit of record %" G_GUINT64_FORMAT ": %s", at->first, error->message);
    else if (check->projection)
        check_rebuilt(check, at, &commit);
    if (bytes)
        add_commit(&check->seen, bytes, end);
    check->parent = at->id;
}

static void
check_history(Check *check, const LedgerVerified *before)
{
    const AheadOptions options = { TRUE, check->watch->look, check->watch->free };
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) commits = ledger_commits(check->ledger, 0, &error);

    if (!commits) {
        findings_add(check->findings, "%s", error->message);
        return;
    }
    check->ahead = ahead_new(check->ledger, &check->ledger->root, 0, check->ledger->head.size, &options);
    for (guint i = 0; i < commits->len && !check->stopped; i++) {
        guint64 end = i + 1 < commits->len ? g_array_index(commits, LedgerCommit, i + 1).first : check->ledger->head.size;

        check_batch(check, &g_array_index(commits, LedgerCommit, i), end);
        look_at_known(check, before);
        hand_on(check->findings);
    }
    g_clear_pointer(&check->ahead, ahead_free);
    if (check->stopped)
        return;
    if (before->size > 0 && !check->met)
        findings_add(check->findings, "the commits of the first %" G_GUINT64_FORMAT " records are not those that were verified before", before->size);
    if (!merkle_file_check(check->ledger->merkle, check->ledger->head.size, &error) ||
        !merkle_file_root(check->ledger->merkle, check->ledger->head.size, &check->seen.root, &error))
        findings_add(check->findings, "%s", error->message);
}

/* The owner's checkpoint holds for these records; one of more records says that this copy was rolled back. */
static gboolean
check_checkpoint(Ledger *ledger, const char *note, GError **error)
{
    g_autoptr(Checkpoint) checkpoint = checkpoint_verify_by(note, strlen(note), ledger->identity, error);
    Digest root;

    if (!checkpoint)
        return FALSE;
    if (checkpoint->size > ledger->head.size)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "checkpoint: T10: is of %" G_GUINT64_FORMAT " records, the ledger has %" G_GUINT64_FORMAT,
                           checkpoint->size, ledger->head.size);
    if (!merkle_file_root(ledger->merkle, checkpoint->size, &root, error))
        return FALSE;
    return digest_equal(&root, &checkpoint->root) || chama_error(error, CHAMA_ERROR_DAMAGED, "checkpoint: T10: its root is not the one of the records");
}

static void
check_kept_checkpoint(Ledger *ledger, Findings *findings)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *note = ledger_checkpoint(ledger, &error);

    if ((!note && error) || (note && ledger->identity && !check_checkpoint(ledger, note, &error)))
        findings_add(findings, "%s", error->message);
}

static void
check_all(Check *check, gboolean files, const LedgerVerified *before)
{
    (files ? integrity_check : integrity_check_objects)(check->ledger, check->findings);
    check->projection = projection_new(look_up, check);
    if (check->ledger->head.size > 0)
        check_history(check, before);
    check_kept_checkpoint(check->ledger, check->findings);
    if (check->load->len > 0)
        send_load(check);
    g_thread_pool_free(check->pool, FALSE, TRUE);
    hand_on(check->findings);
    projection_free(check->projection);
    identity_free(check->identity);
}

/* Each leaf is compared with the hash file, and the hash file with itself: so its root is that of what is stored, or there is a finding. */
static gboolean
is_known(Ledger *ledger, const LedgerVerified *before)
{
    Digest root;

    return before->size > 0 && before->size <= ledger->head.size && merkle_file_root(ledger->merkle, before->size, &root, NULL) &&
           digest_equal(&root, &before->root);
}

static gboolean
verify(Ledger *ledger, gboolean files, LedgerVerified *verified, const LedgerWatch *watch, gboolean quiet, GError **error)
{
    Findings findings = { .watch = watch, .quiet = quiet, .messages = G_QUEUE_INIT };
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_autoptr(GPtrArray) views = g_ptr_array_new_with_free_func((GDestroyNotify)view_free);
    g_autoptr(GPtrArray) load = NULL;
    Check check = { .ledger = ledger, .findings = &findings, .watch = watch, .records = records, .views = views, .known = verified->size };

    if (!repository_reopen(ledger->repository, error))
        return FALSE;
    if (libgit2.git_repository_odb(&check.database, repository_git(ledger->repository)) != 0)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot open the object database", ledger->git);
    g_mutex_init(&findings.mutex);
    g_cond_init(&findings.done);
    check.pool = g_thread_pool_new(run_load, &findings, (gint)g_get_num_processors(), FALSE, NULL);
    check.load = g_ptr_array_new_with_free_func(job_free);
    check_all(&check, files, verified);
    load = check.load;
    g_cond_clear(&findings.done);
    g_mutex_clear(&findings.mutex);
    libgit2.git_odb_free(check.database);
    *verified = check.seen;
    if (check.stopped)
        return chama_error(error, CHAMA_ERROR_CANCELLED, "%s: stopped before all was verified", ledger->git);
    return findings.count == 0
        || chama_error(error, CHAMA_ERROR_DAMAGED, "%s: %" G_GUINT64_FORMAT " things are wrong", ledger->git, findings.count);
}

gboolean
ledger_verify_again(Ledger *ledger, gboolean files, LedgerVerified *verified, const LedgerWatch *watch, GError **error)
{
    LedgerVerified again = *verified, all = { 0 };
    GError *failed = NULL;

    if (is_known(ledger, &again) && verify(ledger, files, &again, watch, TRUE, &failed)) {
        *verified = again;
        return TRUE;
    }
    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    g_clear_error(&failed);
    if (!verify(ledger, files, &all, watch, FALSE, error))
        return FALSE;
    *verified = all;
    return TRUE;
}

gboolean
ledger_verify(Ledger *ledger, void (*report)(gpointer data, const char *message), gpointer data, GError **error)
{
    const LedgerWatch watch = { .report = report, .data = data };
    LedgerVerified nothing = { 0 };

    return verify(ledger, TRUE, &nothing, &watch, FALSE, error);
}
