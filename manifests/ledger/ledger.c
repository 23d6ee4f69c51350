#include "manifests/ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/ledger/commit.h"
#include "manifests/ledger/headfile.h"
#include "manifests/ledger/internal.h"

#define REF_SIZE_MAX 4096

static gboolean
damaged(Ledger *ledger, GError **error, const char *what)
{
    return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: %s", ledger->git, what);
}

void
ledger_set_identity(Ledger *ledger, Identity *identity)
{
    if (ledger->identity)
        g_ptr_array_add(ledger->former, ledger->identity);
    ledger->identity = identity;
}

static void
set_empty(Ledger *ledger)
{
    ledger_set_identity(ledger, NULL);
    g_ptr_array_set_size(ledger->keys, 0);
    memset(&ledger->rotations, 0, sizeof ledger->rotations);
    memset(&ledger->head, 0, sizeof ledger->head);
    memset(&ledger->commit, 0, sizeof ledger->commit);
    memset(&ledger->root, 0, sizeof ledger->root);
}

/* The number of the last record: the last entry of the last folder of the last folder (G5). */
static gboolean
find_last(Ledger *ledger, const git_oid *root, guint64 *last, GError **error)
{
    g_autoptr(GBytes) tree = repository_read(ledger->repository, root, GIT_OBJECT_TREE, error);
    char name[64];
    git_oid id;

    if (!tree)
        return FALSE;
    if (!tree_find(tree, "records", &id))
        return damaged(ledger, error, "G4: the tree lacks records");
    for (guint level = 0; level < TREE_LEVELS; level++) {
        g_autoptr(GBytes) folder = repository_read(ledger->repository, &id, GIT_OBJECT_TREE, error);

        if (!folder)
            return FALSE;
        if (!tree_last(folder, name, sizeof name, &id))
            return damaged(ledger, error, "G5: a folder of records is empty");
    }
    *last = g_ascii_strtoull(name, NULL, 10);
    return *last <= RECORD_SEQ_MAX || damaged(ledger, error, "G5: a record has no number");
}

/* The key state after record @seq, which changes it. */
static Identity *
follow_change(Ledger *ledger, guint64 seq, Identity *before, GError **error)
{
    g_autoptr(Identity) taken = before;
    g_autoptr(Record) record = ledger_get(ledger, seq, error);
    Identity *after = record ? record_identity_after(record, before, error) : NULL;

    if (record && !after)
        ledger_damaged(ledger, seq, error);
    if (after)
        g_ptr_array_add(ledger->keys, record_entry(record));
    return after;
}

/* G15: the tree says where the rotations are, so that no other record need be read. */
static GArray *
find_rotations(Ledger *ledger, const git_oid *rotations, GError **error)
{
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
    g_autoptr(GBytes) tree = NULL;

    if (oid_is_zero(rotations))
        return g_steal_pointer(&numbers);
    tree = repository_read(ledger->repository, rotations, GIT_OBJECT_TREE, error);
    if (!tree)
        return NULL;
    if (!tree_numbers(tree, numbers))
        return damaged(ledger, error, "G15: " TREE_ROTATIONS "/ is not a folder of rotations"), NULL;
    return g_steal_pointer(&numbers);
}

static gboolean
load_identity(Ledger *ledger, const git_oid *rotations, GError **error)
{
    g_autoptr(GArray) numbers = NULL;
    Identity *identity;

    if (ledger->identity && ledger->keys->len > 0 && oid_equal(rotations, &ledger->rotations))
        return TRUE;
    numbers = find_rotations(ledger, rotations, error);
    if (!numbers)
        return FALSE;
    g_ptr_array_set_size(ledger->keys, 0);
    identity = follow_change(ledger, 0, NULL, error);
    for (guint i = 0; identity && i < numbers->len; i++)
        identity = follow_change(ledger, g_array_index(numbers, guint64, i), identity, error);
    if (!identity)
        return FALSE;
    ledger_set_identity(ledger, identity);
    ledger->rotations = *rotations;
    return TRUE;
}

static gboolean
rotations_of(Ledger *ledger, const git_oid *root, git_oid *rotations, GError **error)
{
    g_autoptr(GBytes) tree = repository_read(ledger->repository, root, GIT_OBJECT_TREE, error);

    memset(rotations, 0, sizeof *rotations);
    if (tree)
        tree_find(tree, TREE_ROTATIONS, rotations);
    return tree != NULL;
}

static void
leaf_of(GBytes *entry, Digest *leaf)
{
    merkle_leaf(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), leaf);
}

/* G16 */
static void
write_head(const Ledger *ledger)
{
    const HeadFile head = { ledger->commit, ledger->root, ledger->rotations, ledger->head.size, ledger->head.head, ledger->leaf, ledger->keys };

    headfile_write(ledger->log, &head);
}

/* The state at commit @id.  Whatever fails, the ledger is as it was or empty. */
static gboolean
load_head(Ledger *ledger, const git_oid *id, GError **error)
{
    g_autoptr(GBytes) bytes = repository_read(ledger->repository, id, GIT_OBJECT_COMMIT, error);
    g_auto(Commit) commit = { 0 };
    g_autoptr(Record) record = NULL;
    g_autoptr(GBytes) entry = NULL;
    guint64 last = 0;
    git_oid rotations;

    if (!bytes || !commit_parse(bytes, &commit, error) || !find_last(ledger, &commit.tree, &last, error) ||
        !rotations_of(ledger, &commit.tree, &rotations, error))
        return FALSE;
    ledger->commit = *id;
    ledger->root = commit.tree;
    ledger->head.size = last + 1;
    record = ledger_get(ledger, last, error);
    if (!record || !load_identity(ledger, &rotations, error)) {
        set_empty(ledger);
        return FALSE;
    }
    entry = record_entry(record);
    leaf_of(entry, &ledger->leaf);
    ledger->head.head = record->address;
    ledger->head.identity = ledger->identity;
    write_head(ledger);
    return TRUE;
}

static Identity *
identity_of(const GPtrArray *keys)
{
    g_autoptr(Identity) identity = NULL;

    for (guint i = 0; i < keys->len; i++) {
        GBytes *entry = g_ptr_array_index(keys, i);
        g_autoptr(Record) record = record_trust(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), NULL);
        Identity *after = record ? record_identity_after(record, identity, NULL) : NULL;

        if (!after)
            return NULL;
        identity_free(identity);
        identity = after;
    }
    return g_steal_pointer(&identity);
}

/* G16: the state at commit @id without git. */
static gboolean
recall_head(Ledger *ledger, const git_oid *id)
{
    g_auto(HeadFile) head = { 0 };
    Identity *identity;

    if (!headfile_read(ledger->log, &head) || !oid_equal(&head.commit, id) || !(identity = identity_of(head.keys)))
        return FALSE;
    ledger_set_identity(ledger, identity);
    ledger->commit = head.commit;
    ledger->root = head.root;
    ledger->rotations = head.rotations;
    ledger->leaf = head.leaf;
    ledger->head = (LedgerHead){ head.size, head.head, identity };
    g_ptr_array_unref(ledger->keys);
    ledger->keys = g_steal_pointer(&head.keys);
    return TRUE;
}

static gboolean
load(Ledger *ledger, GError **error)
{
    git_oid id;

    if (!repository_head(ledger->repository, &id, error))
        return FALSE;
    if (oid_equal(&id, &ledger->commit))
        return TRUE;
    if (!oid_is_zero(&id))
        return recall_head(ledger, &id) || load_head(ledger, &id, error);
    set_empty(ledger);
    return TRUE;
}

gboolean
ledger_read_anew(Ledger *ledger, GError **error)
{
    git_oid id;

    if (!repository_reopen(ledger->repository, error) || !repository_head(ledger->repository, &id, error))
        return FALSE;
    if (!oid_is_zero(&id))
        return load_head(ledger, &id, error);
    set_empty(ledger);
    return TRUE;
}

Ledger *
ledger_open(const char *git, const char *log, GError **error)
{
    g_autoptr(Ledger) ledger = g_new0(Ledger, 1);
    g_autofree char *hashes = g_build_filename(log, "hashes", NULL);

    ledger->git = g_strdup(git);
    ledger->log = g_strdup(log);
    ledger->former = g_ptr_array_new_with_free_func((GDestroyNotify)identity_free);
    ledger->keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    ledger->repository = repository_open(git, error);
    if (!ledger->repository || !durable_mkdir(log, 0755, error))
        return NULL;
    ledger->merkle = merkle_file_open(hashes, error);
    if (!ledger->merkle || !load(ledger, error) || !ledger_align_hashes(ledger, error))
        return NULL;
    return g_steal_pointer(&ledger);
}

Ledger *
ledger_create(const char *git, const char *log, GError **error)
{
    return repository_create(git, error) ? ledger_open(git, log, error) : NULL;
}

void
ledger_close(Ledger *ledger)
{
    if (!ledger)
        return;
    ledger_replicate_abort(ledger);
    if (ledger->lock)
        ledger->lock->ledger = NULL;
    identity_free(ledger->identity);
    if (ledger->former)
        g_ptr_array_unref(ledger->former);
    if (ledger->keys)
        g_ptr_array_unref(ledger->keys);
    merkle_file_close(ledger->merkle);
    repository_close(ledger->repository);
    g_free(ledger->git);
    g_free(ledger->log);
    g_free(ledger);
}

gboolean
ledger_refresh(Ledger *ledger, GError **error)
{
    git_oid before = ledger->commit;

    if (ledger->transaction)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot be read anew while it is being written", ledger->git);
    if (!load(ledger, error))
        return FALSE;
    return oid_equal(&before, &ledger->commit) || ledger_align_hashes(ledger, error);
}

const LedgerHead *
ledger_head(Ledger *ledger)
{
    return &ledger->head;
}

const char *
ledger_node(Ledger *ledger)
{
    return ledger->identity ? ledger->identity->id : NULL;
}

const Identity *
ledger_identity(Ledger *ledger)
{
    return ledger->identity;
}

MerkleFile *
ledger_merkle(Ledger *ledger)
{
    return ledger->merkle;
}

gboolean
ledger_root(Ledger *ledger, guint64 size, Digest *root, GError **error)
{
    if (size > ledger->head.size)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: want a root of %" G_GUINT64_FORMAT " records, have %" G_GUINT64_FORMAT, ledger->git,
                           size, ledger->head.size);
    return merkle_file_root(ledger->merkle, size, root, error);
}

static gboolean
is_commit_id(const char *text)
{
    return strspn(text, "0123456789abcdef") >= GIT_OID_HEXSZ;
}

/* Stock git may have moved the ref to packed-refs: lines "<id> <ref>". */
static gboolean
peek_packed(const char *git, char commit[41])
{
    g_autofree char *path = g_build_filename(git, "packed-refs", NULL);
    g_autoptr(GBytes) bytes = durable_read(path, REF_SIZE_MAX, NULL);
    g_autofree char *text = bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : g_strdup("");
    const char *found = strstr(text, " " REPOSITORY_REF "\n");

    if (!found || found - text < GIT_OID_HEXSZ || !is_commit_id(found - GIT_OID_HEXSZ))
        return FALSE;
    g_strlcpy(commit, found - GIT_OID_HEXSZ, GIT_OID_HEXSZ + 1);
    return TRUE;
}

gboolean
ledger_peek(const char *git, char commit[41])
{
    g_autofree char *path = g_build_filename(git, REPOSITORY_REF, NULL);
    g_autoptr(GBytes) bytes = durable_read(path, REF_SIZE_MAX, NULL);
    g_autofree char *text = bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;

    commit[0] = '\0';
    if (!text || !is_commit_id(text))
        return peek_packed(git, commit);
    g_strlcpy(commit, text, GIT_OID_HEXSZ + 1);
    return TRUE;
}

static int
take_lock(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0) {
        chama_error_errno(error, errno, "%s", path);
        return -1;
    }
    while (flock(fd, LOCK_EX) < 0) {
        if (errno == EINTR)
            continue;
        chama_error_errno(error, errno, "%s", path);
        close(fd);
        return -1;
    }
    return fd;
}

/* What a killed writer left counts for nothing: locks of git, half a pack, leaves past the end, a signer to come. */
static gboolean
clean_up(Ledger *ledger, GError **error)
{
    repository_clear_stale(ledger->repository);
    if (!repository_reopen(ledger->repository, error) || !ledger_refresh(ledger, error) || !merkle_file_reload(ledger->merkle, error) ||
        (ledger->identity && !ledger_write_signers(ledger, ledger->identity, error)))
        return FALSE;
    return merkle_file_size(ledger->merkle) < ledger->head.size ? ledger_align_hashes(ledger, error)
                                                               : merkle_file_truncate(ledger->merkle, ledger->head.size, error);
}

LedgerLock *
ledger_lock(Ledger *ledger, GError **error)
{
    g_autofree char *path = g_build_filename(ledger->git, REPOSITORY_LOCK, NULL);
    int fd;

    /* A second flock() of one process would wait for itself. */
    if (ledger->lock)
        return chama_error_null(error, CHAMA_ERROR_FAILED, "%s: the lock is held already", ledger->git);
    fd = take_lock(path, error);
    if (fd < 0)
        return NULL;
    ledger->lock = g_new0(LedgerLock, 1);
    ledger->lock->ledger = ledger;
    ledger->lock->fd = fd;
    if (clean_up(ledger, error))
        return ledger->lock;
    ledger_unlock(ledger->lock);
    return NULL;
}

void
ledger_unlock(LedgerLock *lock)
{
    if (!lock)
        return;
    if (lock->ledger) {
        ledger_replicate_abort(lock->ledger);
        lock->ledger->lock = NULL;
    }
    close(lock->fd);
    g_free(lock);
}

char *
ledger_checkpoint(Ledger *ledger, GError **error)
{
    g_autofree char *path = g_build_filename(ledger->log, "checkpoint", NULL);
    g_autoptr(GError) problem = NULL;
    g_autoptr(GBytes) bytes = durable_read(path, NOTE_SIZE_MAX, &problem);

    if (bytes)
        return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    if (!g_error_matches(problem, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
        g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}

gboolean
ledger_keep_checkpoint(Ledger *ledger, const char *note, GError **error)
{
    g_autofree char *path = g_build_filename(ledger->log, "checkpoint", NULL);

    return durable_write(path, note, strlen(note), 0644, error);
}
