#include "manifests/ingest/stamps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Compiled in, as in the store. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "manifests/store/littleendian.h"

#define HEAD_SIZE 136
#define HEAD_KEY 16
#define HEAD_ROOT 48
#define HEAD_STATE 80
#define HEAD_SEED 112
#define HEAD_COUNT 120
#define HEAD_CHECKSUM 128
#define STAMP_SIZE 40
#define BLOCK_STAMPS 1024
#define BLOCK_SIZE (BLOCK_STAMPS * STAMP_SIZE + 8)

static const char magic[HEAD_KEY] = "chama-stamps/2\n";

static guint64
checksum(const guint8 *block, guint count, guint64 seed, guint64 number)
{
    /* The seed is another in each file, so that no block of an earlier one holds here. */
    return XXH3_64bits_withSeed(block, count * STAMP_SIZE, seed + number);
}

static guint64
size_of(guint64 count)
{
    return HEAD_SIZE + count * STAMP_SIZE + (count + BLOCK_STAMPS - 1) / BLOCK_STAMPS * 8;
}

/* ---- reading ---- */

struct StampsReader {
    int fd;
    Digest root, state;
    guint64 seed, count, next;
    guint8 block[BLOCK_SIZE];
};

static gboolean
read_all(int fd, guint8 *room, gsize size, guint64 offset)
{
    gssize got;

    do
        got = pread(fd, room, size, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got >= 0 && (gsize)got == size;
}

static gboolean
read_head(StampsReader *reader, const Digest *key)
{
    guint8 head[HEAD_SIZE];
    struct stat st;

    if (fstat(reader->fd, &st) != 0 || !S_ISREG(st.st_mode) || !read_all(reader->fd, head, HEAD_SIZE, 0) ||
        memcmp(head, magic, HEAD_KEY) != 0 || memcmp(head + HEAD_KEY, key->bytes, DIGEST_SIZE) != 0 ||
        XXH3_64bits(head, HEAD_CHECKSUM) != get_le64(head + HEAD_CHECKSUM))
        return FALSE;
    memcpy(reader->root.bytes, head + HEAD_ROOT, DIGEST_SIZE);
    memcpy(reader->state.bytes, head + HEAD_STATE, DIGEST_SIZE);
    reader->seed = get_le64(head + HEAD_SEED);
    reader->count = get_le64(head + HEAD_COUNT);
    return reader->count <= (guint64)st.st_size / STAMP_SIZE && size_of(reader->count) == (guint64)st.st_size;
}

StampsReader *
stamps_reader_open(const char *path, const Digest *key)
{
    StampsReader *reader;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return NULL;
    reader = g_new(StampsReader, 1);
    reader->fd = fd;
    reader->next = 0;
    if (read_head(reader, key))
        return reader;
    stamps_reader_free(reader);
    return NULL;
}

void
stamps_reader_free(StampsReader *reader)
{
    if (!reader)
        return;
    close(reader->fd);
    g_free(reader);
}

const Digest *
stamps_reader_root(const StampsReader *reader)
{
    return &reader->root;
}

const Digest *
stamps_reader_state(const StampsReader *reader)
{
    return &reader->state;
}

guint64
stamps_reader_count(const StampsReader *reader)
{
    return reader->count;
}

static gboolean
read_block(StampsReader *reader)
{
    guint64 number = reader->next / BLOCK_STAMPS;
    guint count = (guint)MIN(reader->count - reader->next, BLOCK_STAMPS);

    return read_all(reader->fd, reader->block, count * STAMP_SIZE + 8, HEAD_SIZE + number * BLOCK_SIZE) &&
           checksum(reader->block, count, reader->seed, number) == get_le64(reader->block + count * STAMP_SIZE);
}

gboolean
stamps_reader_next(StampsReader *reader, Stamp *stamp)
{
    const guint8 *at = reader->block + reader->next % BLOCK_STAMPS * STAMP_SIZE;

    if (reader->next >= reader->count)
        return FALSE;
    if (reader->next % BLOCK_STAMPS == 0 && !read_block(reader)) {
        reader->next = reader->count;
        return FALSE;
    }
    reader->next++;
    *stamp = (Stamp){ get_le64(at), get_le64(at + 8), get_le64(at + 16), (gint64)get_le64(at + 24), (gint64)get_le64(at + 32) };
    return TRUE;
}

/* ---- writing ---- */

struct StampsWriter {
    char *path, *temporary;
    int fd;                    /* -1 once something went wrong */
    Digest key;
    guint64 seed, count;
    guint8 block[BLOCK_SIZE];
};

StampsWriter *
stamps_writer_new(const char *path, const Digest *key)
{
    StampsWriter *writer = g_new(StampsWriter, 1);

    writer->path = g_strdup(path);
    writer->temporary = g_strconcat(path, ".tmp-XXXXXX", NULL);
    writer->fd = mkostemp(writer->temporary, O_CLOEXEC);
    writer->key = *key;
    writer->seed = (guint64)g_random_int() << 32 | g_random_int();
    writer->count = 0;
    return writer;
}

static void
give_up(StampsWriter *writer)
{
    if (writer->fd < 0)
        return;
    close(writer->fd);
    unlink(writer->temporary);
    writer->fd = -1;
}

void
stamps_writer_free(StampsWriter *writer)
{
    if (!writer)
        return;
    give_up(writer);
    g_free(writer->temporary);
    g_free(writer->path);
    g_free(writer);
}

static void
write_all(StampsWriter *writer, const guint8 *data, gsize size, guint64 offset)
{
    while (writer->fd >= 0 && size > 0) {
        gssize put = pwrite(writer->fd, data, size, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            give_up(writer);
            return;
        }
        data += put;
        size -= (gsize)put;
        offset += (guint64)put;
    }
}

/* The block that holds the stamp before the next one; @count of it. */
static void
write_block(StampsWriter *writer, guint count)
{
    guint64 number = (writer->count - 1) / BLOCK_STAMPS;

    put_le64(writer->block + count * STAMP_SIZE, checksum(writer->block, count, writer->seed, number));
    write_all(writer, writer->block, count * STAMP_SIZE + 8, HEAD_SIZE + number * BLOCK_SIZE);
}

void
stamps_writer_add(StampsWriter *writer, const Stamp *stamp)
{
    guint8 *at = writer->block + writer->count % BLOCK_STAMPS * STAMP_SIZE;

    put_le64(at, stamp->device);
    put_le64(at + 8, stamp->inode);
    put_le64(at + 16, stamp->size);
    put_le64(at + 24, (guint64)stamp->modified);
    put_le64(at + 32, (guint64)stamp->changed);
    writer->count++;
    if (writer->count % BLOCK_STAMPS == 0)
        write_block(writer, BLOCK_STAMPS);
}

static void
write_head(StampsWriter *writer, const Digest *root, const Digest *state)
{
    guint8 head[HEAD_SIZE];

    memcpy(head, magic, HEAD_KEY);
    memcpy(head + HEAD_KEY, writer->key.bytes, DIGEST_SIZE);
    memcpy(head + HEAD_ROOT, root->bytes, DIGEST_SIZE);
    memcpy(head + HEAD_STATE, state->bytes, DIGEST_SIZE);
    put_le64(head + HEAD_SEED, writer->seed);
    put_le64(head + HEAD_COUNT, writer->count);
    put_le64(head + HEAD_CHECKSUM, XXH3_64bits(head, HEAD_CHECKSUM));
    write_all(writer, head, HEAD_SIZE, 0);
}

/* Not fsynced: what a power failure leaves is not whole, and so the same as none. */
gboolean
stamps_writer_keep(StampsWriter *writer, const Digest *root, const Digest *state)
{
    if (writer->count % BLOCK_STAMPS != 0)
        write_block(writer, (guint)(writer->count % BLOCK_STAMPS));
    write_head(writer, root, state);
    if (writer->fd < 0 || rename(writer->temporary, writer->path) != 0)
        return FALSE;
    close(writer->fd);
    writer->fd = -1;
    return TRUE;
}
