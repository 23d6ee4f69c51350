#include "sync/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keys/error.h"

struct Claim {
    int fd;
};

/* Of 2^62 places two names hardly ever have the same, and then one session waits for nothing. */
static off_t
place_of(ClaimKind kind, const char *name)
{
    g_autofree char *text = g_strdup_printf("%d %s", (int)kind, name);
    Digest digest;
    guint64 place;

    digest_of(text, strlen(text), &digest);
    memcpy(&place, digest.bytes, sizeof place);
    return (off_t)(GUINT64_FROM_LE(place) >> 2);
}

Claim *
claim_try(Home *home, ClaimKind kind, const char *name, GError **error)
{
    g_autofree char *path = home_file(home, "sync.lock");
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = place_of(kind, name), .l_len = 1 };
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    Claim *claim;

    if (fd < 0) {
        chama_error_errno(error, errno, "%s: cannot open", path);
        return NULL;
    }
    /* Of the open file, not of the process: another thread is another one. */
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno != EAGAIN && errno != EACCES)
            chama_error_errno(error, errno, "%s: cannot lock", path);
        close(fd);
        return NULL;
    }
    claim = g_new(Claim, 1);
    claim->fd = fd;
    return claim;
}

void
claim_release(Claim *claim)
{
    if (!claim)
        return;
    close(claim->fd);
    g_free(claim);
}
