/* The pages of an index, as index_check reads them in LMDB's stead. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "manifests/store/index_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("index", MFD_CLOEXEC);

    if (write(fd, data, size) == (ssize_t)size)
        for (guint64 transaction = 0; transaction < 8; transaction++)
            index_check_pages(fd, transaction, TRUE, NULL);
    close(fd);
    return 0;
}
