/*
 * limits: how fast this machine does each part of the work alone, on the bytes of a folder.  Prints one JSON object.
 *
 *   limits FOLDER WORK
 *
 * Parts run on one thread over a sample of the files held in memory, so that reading costs nothing; `walk` and `read` run over all files, and so
 * do all parts together (plain_pipeline.h), on all cores.  WORK is a folder for a key and a pack.
 */
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <zstd.h>

#include "keys/digest.h"
#include "keys/tls.h"
#include "manifests/store/chunker.h"
#include "tests/bench/plain_pipeline.h"

#define SAMPLE_LIMIT (256u * 1024 * 1024)
#define READ_BLOCK (1024 * 1024)
#define PASSES 3 /* the best counts */
#define TLS_TOTAL (512u * 1024 * 1024)
#define TLS_BLOCK (256 * 1024)

/* The folder's files, and the chunks that the sample was cut into.  @work: where a key and a pack may be written. */
typedef struct {
    const char *work;
    GPtrArray *paths;
    guint64 bytes;
    GByteArray *sample;
    GArray *file_ends;  /* gsize: where each file of the sample ends in it */
    GArray *chunk_ends; /* gsize */
} Folder;

/* The sample's chunks, compressed one after the other. */
typedef struct {
    guint8 *data;
    gsize size;
    GArray *ends; /* gsize */
} Packed;

static Folder folder;
static Packed packed;

static double
seconds_since(gint64 start)
{
    return (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
}

static int
note_file(const char *path, const struct stat *state, int type, struct FTW *where)
{
    if (type == FTW_F && S_ISREG(state->st_mode)) {
        g_ptr_array_add(folder.paths, g_strdup(path));
        folder.bytes += (guint64)state->st_size;
    }
    return 0;
}

static void
die(const char *what)
{
    fprintf(stderr, "limits: %s: %s\n", what, g_strerror(errno));
    exit(1);
}

/* One stat of every file, as who looks for changes must. */
static double
walk(const char *path)
{
    gint64 start = g_get_monotonic_time();

    if (nftw(path, note_file, 64, FTW_PHYS) != 0)
        die(path);
    return seconds_since(start);
}

/* Reads @path; what it holds goes into the sample as long as there is room. */
static void
read_file(const char *path, guint8 *block)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        die(path);
    while ((got = read(fd, block, READ_BLOCK)) > 0)
        if (folder.sample && folder.sample->len + (guint)got <= SAMPLE_LIMIT)
            g_byte_array_append(folder.sample, block, (guint)got);
    close(fd);
}

static double
read_all(void)
{
    g_autofree guint8 *block = g_malloc(READ_BLOCK);
    gint64 start = g_get_monotonic_time();

    for (guint i = 0; i < folder.paths->len; i++)
        read_file(folder.paths->pdata[i], block);
    return seconds_since(start);
}

/* Every so many files, so that a sample of a large folder holds all its kinds. */
static void
take_sample(void)
{
    g_autofree guint8 *block = g_malloc(READ_BLOCK);
    guint64 stride = 1 + folder.bytes / SAMPLE_LIMIT;

    folder.sample = g_byte_array_sized_new(READ_BLOCK);
    for (guint64 i = 0; i < folder.paths->len; i += stride) {
        gsize end;
        read_file(folder.paths->pdata[i], block);
        end = folder.sample->len;
        g_array_append_val(folder.file_ends, end);
    }
}

static double
cut(void)
{
    gint64 start = g_get_monotonic_time();
    gsize at = 0;

    g_array_set_size(folder.chunk_ends, 0);
    for (guint i = 0; i < folder.file_ends->len; i++)
        for (gsize end = g_array_index(folder.file_ends, gsize, i); at < end;) {
            at += chunker_cut(folder.sample->data + at, end - at);
            g_array_append_val(folder.chunk_ends, at);
        }
    return seconds_since(start);
}

/* The best of a few passes of one part: the first pays for page faults, and any may be disturbed. */
static double
best_of(double (*part)(void))
{
    double best = part();

    for (int i = 1; i < PASSES; i++)
        best = MIN(best, part());
    return best;
}

static double
hash(void)
{
    gint64 start = g_get_monotonic_time();
    gsize at = 0;

    for (guint i = 0; i < folder.chunk_ends->len; i++) {
        gsize end = g_array_index(folder.chunk_ends, gsize, i);
        Digest digest;
        digest_of(folder.sample->data + at, end - at, &digest);
        at = end;
    }
    return seconds_since(start);
}

/* Compresses every chunk by itself with zstd-1. */
static double
compress_chunks(void)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    gsize at = 0, from = 0;
    gint64 start = g_get_monotonic_time();
    double spent;

    g_array_set_size(packed.ends, 0);
    for (guint i = 0; i < folder.chunk_ends->len; i++) {
        gsize end = g_array_index(folder.chunk_ends, gsize, i);
        gsize made = ZSTD_compressCCtx(context, packed.data + at, packed.size - at, folder.sample->data + from, end - from, 1);
        if (ZSTD_isError(made))
            die("zstd");
        at += made;
        from = end;
        g_array_append_val(packed.ends, at);
    }
    spent = seconds_since(start);
    ZSTD_freeCCtx(context);
    return spent;
}

static double
expand_chunks(void)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    g_autofree guint8 *plain = g_malloc0(CHUNK_SIZE_LIMIT);
    gint64 start = g_get_monotonic_time();
    gsize from = 0;
    double spent;

    for (guint i = 0; i < packed.ends->len; i++) {
        gsize end = g_array_index(packed.ends, gsize, i);
        if (ZSTD_isError(ZSTD_decompressDCtx(context, plain, CHUNK_SIZE_LIMIT, packed.data + from, end - from)))
            die("zstd");
        from = end;
    }
    spent = seconds_since(start);
    ZSTD_freeDCtx(context);
    return spent;
}

static void
must(int status, const char *what)
{
    if (status < 0) {
        fprintf(stderr, "limits: %s: %s\n", what, gnutls_strerror(status));
        exit(1);
    }
}

static gnutls_session_t
session_on(int fd, unsigned int side, gnutls_certificate_credentials_t credentials)
{
    gnutls_session_t session;

    must(gnutls_init(&session, side), "session");
    must(gnutls_priority_set_direct(session, TLS_PRIORITY, NULL), "priorities");
    must(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials), "credentials");
    gnutls_transport_set_int(session, fd);
    return session;
}

typedef struct {
    int fd;
    gnutls_certificate_credentials_t credentials;
} Sender;

static void *
send_all(void *data)
{
    Sender *sender = data;
    gnutls_session_t session = session_on(sender->fd, GNUTLS_SERVER, sender->credentials);
    g_autofree guint8 *block = g_malloc0(TLS_BLOCK);

    must(gnutls_handshake(session), "handshake of the server");
    for (gsize sent = 0; sent < TLS_TOTAL; sent += TLS_BLOCK)
        for (gsize at = 0; at < TLS_BLOCK;) {
            ssize_t wrote = gnutls_record_send(session, block + at, TLS_BLOCK - at);
            must((int)wrote, "send");
            at += (gsize)wrote;
        }
    gnutls_deinit(session);
    return NULL;
}

/* Two ends of a TCP connection over loopback. */
static void
connect_pair(int ends[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 || connect(ends[1], (struct sockaddr *)&address, size) != 0 ||
        (ends[0] = accept(listener, NULL, NULL)) < 0)
        die("loopback");
    close(listener);
}

/* One connection between two threads: what one client can get from one node at best. */
static double
tls(void)
{
    g_autofree char *key = g_build_filename(folder.work, "limits.key", NULL), *certificate = g_build_filename(folder.work, "limits.crt", NULL);
    gnutls_certificate_credentials_t server, client;
    int ends[2];
    g_autofree guint8 *block = g_malloc0(TLS_BLOCK);
    g_autoptr(GError) error = NULL;

    if (!tls_generate(key, certificate, "limits", NULL, &error)) {
        fprintf(stderr, "limits: %s\n", error->message);
        exit(1);
    }
    must(gnutls_certificate_allocate_credentials(&server), "credentials");
    must(gnutls_certificate_allocate_credentials(&client), "credentials");
    must(gnutls_certificate_set_x509_key_file(server, certificate, key, GNUTLS_X509_FMT_PEM), "key");
    connect_pair(ends);

    Sender sender = { ends[0], server };
    GThread *thread = g_thread_new("sender", send_all, &sender);
    gnutls_session_t session = session_on(ends[1], GNUTLS_CLIENT, client);
    must(gnutls_handshake(session), "handshake of the client");
    gint64 start = g_get_monotonic_time();
    for (gsize received = 0; received < TLS_TOTAL;) {
        ssize_t got = gnutls_record_recv(session, block, TLS_BLOCK);
        must((int)got, "receive");
        received += (gsize)got;
    }
    double spent = seconds_since(start);
    g_thread_join(thread);
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(server);
    gnutls_certificate_free_credentials(client);
    close(ends[0]);
    close(ends[1]);
    unlink(key);
    unlink(certificate);
    return spent;
}

static double
pipeline(void)
{
    return plain_pipeline(folder.paths, folder.work);
}

static void
print_rate(const char *name, gsize bytes, double seconds)
{
    printf("  \"%s\": %.0f,\n", name, (double)bytes / MAX(seconds, 1e-6));
}

static void
start_arrays(void)
{
    folder.paths = g_ptr_array_new_with_free_func(g_free);
    folder.file_ends = g_array_new(FALSE, FALSE, sizeof(gsize));
    folder.chunk_ends = g_array_new(FALSE, FALSE, sizeof(gsize));
    packed.ends = g_array_new(FALSE, FALSE, sizeof(gsize));
}

static void
make_room_for_packed(void)
{
    packed.size = folder.sample->len + ZSTD_compressBound(CHUNK_SIZE_LIMIT) + folder.chunk_ends->len * 64;
    packed.data = g_malloc0(packed.size);
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: limits FOLDER WORK\n");
        return 2;
    }
    start_arrays();
    folder.work = argv[2];
    double walking = walk(argv[1]), reading = best_of(read_all);
    take_sample();
    double cutting = best_of(cut), hashing = best_of(hash);
    make_room_for_packed();
    double compressing = best_of(compress_chunks), expanding = best_of(expand_chunks);
    gsize bytes = folder.sample->len, packed_bytes = packed.ends->len ? g_array_index(packed.ends, gsize, packed.ends->len - 1) : 0;

    printf("{\n  \"files\": %u,\n  \"bytes\": %" G_GUINT64_FORMAT ",\n  \"sample\": %" G_GSIZE_FORMAT ",\n", folder.paths->len, folder.bytes, bytes);
    printf("  \"walk_seconds\": %.6f,\n  \"read_seconds\": %.6f,\n", walking, reading);
    print_rate("chunker", bytes, cutting);
    print_rate("sha256", bytes, hashing);
    print_rate("zstd", bytes, compressing);
    print_rate("unzstd", bytes, expanding);
    printf("  \"zstd_ratio\": %.4f,\n", bytes ? (double)packed_bytes / (double)bytes : 1.0);
    print_rate("tls", TLS_TOTAL, best_of(tls));
    printf("  \"pipeline_seconds\": %.6f,\n", best_of(pipeline));
    printf("  \"cores\": %ld\n}\n", sysconf(_SC_NPROCESSORS_ONLN));
    return 0;
}
