#include "sync/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keys/error.h"

struct Claim {
    int fd;
    off_t wish;   /* where those lock who wish for it */
};

#define WISH 0x100   /* to a ClaimKind */

/* Of 2^62 places two names hardly ever have the same, and then one session waits for nothing. */
static off_t
place_of(int kind, const char *name)
{
    g_autofree char *text = g_strdup_printf("%d %s", kind, name);
    Digest digest;
    guint64 place;

    digest_of(text, strlen(text), &digest);
    memcpy(&place, digest.bytes, sizeof place);
    return (off_t)(GUINT64_FROM_LE(place) >> 2);
}

static Claim *
lock_byte(Home *home, short type, off_t place, off_t wish, GError **error)
{
    g_autofree char *path = home_file(home, "sync.lock");
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = place, .l_len = 1 };
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
    claim->wish = wish;
    return claim;
}

Claim *
claim_try(Home *home, ClaimKind kind, const char *name, GError **error)
{
    return lock_byte(home, F_WRLCK, place_of((int)kind, name), place_of((int)kind | WISH, name), error);
}

Claim *
claim_wish(Home *home, ClaimKind kind, const char *name, GError **error)
{
    return lock_byte(home, F_RDLCK, place_of((int)kind | WISH, name), 0, error);
}

gboolean
claim_is_wished(const Claim *claim)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = claim->wish, .l_len = 1 };

    return fcntl(claim->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void
claim_release(Claim *claim)
{
    if (!claim)
        return;
    close(claim->fd);
    g_free(claim);
}
