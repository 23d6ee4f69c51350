#include "manifests/ledger/merkle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/digest.h"
#include "keys/durable.h"
#include "keys/error.h"

/* Hashes written at once: bounds memory whatever the number of leaves. */
#define WRITE_HASHES 4096

struct MerkleFile {
    int fd;
    char *path;
    guint64 size; /* leaves */
};

/* Hashes that a tree of @size leaves has stored: each leaf completes as many nodes as its number has trailing ones. */
static guint64
stored_count(guint64 size)
{
    return 2 * size - (guint64)__builtin_popcountll(size);
}

/* Where the hash of node @n of @level is: written with the last of its leaves, after that leaf and the nodes below. */
static guint64
stored_index(guint level, guint64 n)
{
    return stored_count(((n + 1) << level) - 1) + level;
}

/* The largest number of leaves all of whose hashes fit into @count. */
static guint64
leaves_of_count(guint64 count)
{
    guint64 size = count / 2;

    while (stored_count(size + 1) <= count)
        size++;
    return size;
}

static gboolean
read_size(MerkleFile *file, GError **error)
{
    struct stat st;

    if (fstat(file->fd, &st) < 0)
        return chama_error_errno(error, errno, "%s", file->path);
    file->size = leaves_of_count((guint64)st.st_size / DIGEST_SIZE);
    return TRUE;
}

MerkleFile *
merkle_file_open(const char *path, GError **error)
{
    g_autoptr(MerkleFile) file = g_new0(MerkleFile, 1);

    file->path = g_strdup(path);
    file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file->fd < 0) {
        chama_error_errno(error, errno, "%s", path);
        return NULL;
    }
    return read_size(file, error) ? g_steal_pointer(&file) : NULL;
}

void
merkle_file_close(MerkleFile *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    g_free(file->path);
    g_free(file);
}

guint64
merkle_file_size(const MerkleFile *file)
{
    return file->size;
}

static gboolean
read_hash(MerkleFile *file, guint64 index, Digest *hash, GError **error)
{
    ssize_t got = pread(file->fd, hash->bytes, DIGEST_SIZE, (off_t)(index * DIGEST_SIZE));

    if (got < 0)
        return chama_error_errno(error, errno, "%s", file->path);
    if (got != DIGEST_SIZE)
        return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: G14: hash %" G_GUINT64_FORMAT " is missing", file->path, index);
    return TRUE;
}

static gboolean
write_hashes(MerkleFile *file, guint64 index, GArray *hashes, GError **error)
{
    const char *data = hashes->data;
    gsize left = hashes->len * DIGEST_SIZE;
    off_t offset = (off_t)(index * DIGEST_SIZE);

    while (left > 0) {
        ssize_t done = pwrite(file->fd, data, left, offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return chama_error_errno(error, errno, "%s", file->path);
        data += done;
        offset += done;
        left -= (gsize)done;
    }
    return TRUE;
}

/* The roots of the complete subtrees of which a tree of @size leaves consists, left to right, by level. */
static gboolean
read_frontier(MerkleFile *file, guint64 size, Digest frontier[MERKLE_PROOF_MAX], GError **error)
{
    for (guint level = 0; size >> level; level++)
        if (((size >> level) & 1) && !read_hash(file, stored_index(level, (size >> level) - 1), &frontier[level], error))
            return FALSE;
    return TRUE;
}

gboolean
merkle_file_append(MerkleFile *file, const Digest *leaves, gsize count, GError **error)
{
    g_autoptr(GArray) hashes = g_array_new(FALSE, FALSE, sizeof(Digest));
    Digest frontier[MERKLE_PROOF_MAX];
    guint64 size = file->size, start = stored_count(size);

    if (!read_frontier(file, size, frontier, error))
        return FALSE;
    for (gsize i = 0; i < count; i++) {
        Digest hash = leaves[i];
        guint level = 0;

        g_array_append_val(hashes, hash);
        for (; (size >> level) & 1; level++) {
            merkle_node(&frontier[level], &hash, &hash);
            g_array_append_val(hashes, hash);
        }
        frontier[level] = hash;
        size++;
        if (hashes->len < WRITE_HASHES && i + 1 < count)
            continue;
        if (!write_hashes(file, start, hashes, error))
            return FALSE;
        g_array_set_size(hashes, 0);
        start = stored_count(size);
    }
    file->size = size;
    return TRUE;
}

/* Follows merkle_file_append() from the first leaf on, comparing where that one writes. */
gboolean
merkle_file_check(MerkleFile *file, guint64 size, GError **error)
{
    Digest frontier[MERKLE_PROOF_MAX];
    guint64 index = 0;

    for (guint64 leaf = 0; leaf < size; leaf++) {
        Digest hash, stored;
        guint level = 0;

        if (!read_hash(file, index++, &hash, error))
            return FALSE;
        for (; (leaf >> level) & 1; level++) {
            merkle_node(&frontier[level], &hash, &hash);
            if (!read_hash(file, index++, &stored, error))
                return FALSE;
            if (!digest_equal(&hash, &stored))
                return chama_error(error, CHAMA_ERROR_DAMAGED, "%s: G14: hash %" G_GUINT64_FORMAT " is not the one of its leaves", file->path,
                                   index - 1);
        }
        frontier[level] = hash;
    }
    return TRUE;
}

gboolean
merkle_file_truncate(MerkleFile *file, guint64 size, GError **error)
{
    g_return_val_if_fail(size <= file->size, FALSE);
    if (ftruncate(file->fd, (off_t)(stored_count(size) * DIGEST_SIZE)) < 0)
        return chama_error_errno(error, errno, "%s", file->path);
    file->size = size;
    return TRUE;
}

gboolean
merkle_file_sync(MerkleFile *file, GError **error)
{
    return durable_fsync(file->fd, file->path, error);
}

gboolean
merkle_file_reload(MerkleFile *file, GError **error)
{
    return read_size(file, error);
}

/* A MerkleRead whose data is the file. */
static gboolean
read_node(gpointer file, guint level, guint64 n, Digest *node, GError **error)
{
    return read_hash(file, stored_index(level, n), node, error);
}

/* Sizes may be those that a checkpoint states: no more than is here may be read. */
static gboolean
check_size(MerkleFile *file, guint64 size, GError **error)
{
    if (size > file->size && !read_size(file, error))
        return FALSE;
    if (size > file->size)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: want a tree of %" G_GUINT64_FORMAT " leaves, have %" G_GUINT64_FORMAT,
                           file->path, size, file->size);
    return TRUE;
}

gboolean
merkle_file_root(MerkleFile *file, guint64 size, Digest *root, GError **error)
{
    if (!check_size(file, size, error))
        return FALSE;
    return merkle_root_of(read_node, file, 0, size, root, error);
}

gboolean
merkle_file_leaf(MerkleFile *file, guint64 index, Digest *leaf, GError **error)
{
    return check_size(file, index + 1, error) && read_hash(file, stored_index(0, index), leaf, error);
}

gboolean
merkle_file_node(MerkleFile *file, guint level, guint64 n, Digest *node, GError **error)
{
    if (level >= 63 || n >= (file->size >> level))
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: node %" G_GUINT64_FORMAT " of level %u is not in a tree of %" G_GUINT64_FORMAT,
                           file->path, n, level, file->size);
    return read_hash(file, stored_index(level, n), node, error);
}

GArray *
merkle_file_inclusion(MerkleFile *file, guint64 index, guint64 size, GError **error)
{
    Digest hashes[MERKLE_PROOF_MAX];
    guint64 from = 0, to = size;
    guint count = 0;

    if (!check_size(file, size, error))
        return NULL;
    if (index >= size)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: leaf %" G_GUINT64_FORMAT " is not in a tree of %" G_GUINT64_FORMAT,
                                file->path, index, size);
    while (to - from > 1) {
        guint64 middle = from + merkle_split(to - from);
        gboolean left = index < middle;

        if (!merkle_root_of(read_node, file, left ? middle : from, left ? to : middle, &hashes[count++], error))
            return NULL;
        from = left ? from : middle;
        to = left ? middle : to;
    }
    return merkle_proof_of(hashes, count);
}

GArray *
merkle_file_consistency(MerkleFile *file, guint64 size1, guint64 size2, GError **error)
{
    if (!check_size(file, size2, error))
        return NULL;
    if (size1 > size2)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: a tree of %" G_GUINT64_FORMAT " is not within one of %" G_GUINT64_FORMAT,
                                file->path, size1, size2);
    return merkle_consistency_of(read_node, file, size1, size2, error);
}

GArray *
merkle_file_peaks(MerkleFile *file, guint64 size, GError **error)
{
    g_autoptr(GArray) peaks = g_array_new(FALSE, FALSE, sizeof(Digest));
    Digest frontier[MERKLE_PROOF_MAX];

    if (!check_size(file, size, error) || !read_frontier(file, size, frontier, error))
        return NULL;
    for (guint level = MERKLE_PROOF_MAX; level-- > 0;)
        if ((size >> level) & 1)
            g_array_append_val(peaks, frontier[level]);
    return g_steal_pointer(&peaks);
}
