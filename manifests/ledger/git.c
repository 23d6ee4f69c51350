#include "manifests/ledger/git.h"

/* What libgit2 may keep of objects that were read. */
#define CACHE_SIZE (4 * 1024 * 1024)

struct GitLibrary libgit2;

#define ROW(function) { #function, &libgit2.function },
static const LibraryFunction functions[] = { GIT_FUNCTIONS(ROW) };
#undef ROW
static Library library = { .file = SONAME_GIT, .functions = functions, .count = G_N_ELEMENTS(functions) };

/* Found before mbed TLS's own by libgit2, which reads the certificates of all authorities when it starts (5 ms, a third of a short command) for a
 * transport that is never used here (needed by none other: libcurl and libmicrohttpd have GnuTLS). */
int mbedtls_x509_crt_parse_file(void *chain, const char *path);

int
mbedtls_x509_crt_parse_file(void *chain, const char *path)
{
    return 0;
}

static gpointer
start(gpointer unused)
{
    libgit2.git_libgit2_init();
    /* The person's own git configuration must not change what a ledger is. */
    for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; level <= GIT_CONFIG_LEVEL_GLOBAL; level++)
        libgit2.git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    libgit2.git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    libgit2.git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
    /* Nothing in a repository is ever run, so it may be another user's: a service's ledger read by its administrator. */
    libgit2.git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    libgit2.git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)CACHE_SIZE);
    return NULL;
}

gboolean
git_load(GError **error)
{
    static GOnce once = G_ONCE_INIT;

    if (!library_load(&library, error))
        return FALSE;
    g_once(&once, start, NULL);
    return TRUE;
}
