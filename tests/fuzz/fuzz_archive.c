/* Archives from strangers: what is accepted gives a listing that stands its own rules, and the same one each time. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "manifests/ingest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("archive", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    IngestOptions options = { .skip_special = TRUE };
    IngestResult first, second;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(write(fd, data, size), ==, (ssize_t)size);
    if (ingest_archive(NULL, path, &options, &first, &error)) {
        g_assert_true(ingest_archive(NULL, path, &options, &second, NULL));
        g_assert_true(digest_equal(&first.totals.root, &second.totals.root));
    } else
        g_assert_nonnull(error);
    close(fd);
    return 0;
}
