#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "keys/durable.h"
#include "keys/history.h"
#include "manifests/ledger/internal.h"
#include "manifests/ledger/packs.h"

#define SMALL_FILE_MAX (64 * 1024)
#define READ_SIZE (1024 * 1024)

/* G2, G3: a file that is the same in every ledger, or a function of the node. */
static void
check_text(Ledger *ledger, Findings *findings, const char *name, const char *want)
{
    g_autofree char *path = g_build_filename(ledger->git, name, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) have = durable_read(path, SMALL_FILE_MAX, &error);

    if (!have)
        findings_add(findings, "%s", error->message);
    else if (g_bytes_get_size(have) != strlen(want) || memcmp(g_bytes_get_data(have, NULL), want, strlen(want)) != 0)
        findings_add(findings, "%s: G2: is not what chama wrote there", path);
}

/* G12: the file is written before the ref moves, so a rotation that was killed between leaves a line for a key that no record names; the next writer takes it
 * away. */
static gboolean
has_line_to_come(Ledger *ledger, const char *lines)
{
    g_autofree char *path = g_build_filename(ledger->git, REPOSITORY_SIGNERS, NULL);
    g_autofree char *begins = g_strdup_printf("%s%s namespaces=", lines, ledger->identity->id);
    g_autofree char *have = NULL;

    return g_file_get_contents(path, &have, NULL, NULL) && g_str_has_prefix(have, begins) && strchr(have + strlen(lines), '\n') == have + strlen(have) - 1;
}

static void
check_texts(Ledger *ledger, Findings *findings)
{
    static const char *const names[] = { "HEAD", "config", "description" };
    g_autofree char *line = ledger->identity ? identity_allowed_signers(ledger->identity) : NULL;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        check_text(ledger, findings, names[i], repository_file_text(names[i]));
    if (line && !has_line_to_come(ledger, line))
        check_text(ledger, findings, REPOSITORY_SIGNERS, line);
}

/* Unless stock git moved it to packed-refs. */
static void
check_ref_file(Ledger *ledger, Findings *findings)
{
    g_autofree char *path = g_build_filename(ledger->git, REPOSITORY_REF, NULL);
    char text[GIT_OID_HEXSZ + 2];

    oid_format(&ledger->commit, text);
    g_strlcat(text, "\n", sizeof text);
    if (g_file_test(path, G_FILE_TEST_EXISTS))
        check_text(ledger, findings, REPOSITORY_REF, text);
}

/* G3: one ref, so that a clone brings nothing that no record stands for. */
static void
check_refs(Ledger *ledger, Findings *findings)
{
    git_strarray names = { 0 };

    if (libgit2.git_reference_list(&names, repository_git(ledger->repository)) != 0) {
        findings_add(findings, "%s: G3: the refs cannot be read", ledger->git);
        return;
    }
    for (size_t i = 0; i < names.count; i++)
        if (strcmp(names.strings[i], REPOSITORY_REF) != 0)
            findings_add(findings, "%s: G3: want no ref but " REPOSITORY_REF ", have %s", ledger->git, names.strings[i]);
    libgit2.git_strarray_dispose(&names);
}

/* Hashes the file but for its last 20 bytes, which it gives as @trailer. */
static gboolean
sha1_of_file(int fd, guint8 hash[GIT_OID_RAWSZ], guint8 trailer[GIT_OID_RAWSZ])
{
    g_autofree guint8 *buffer = g_malloc(READ_SIZE);
    off_t size = lseek(fd, 0, SEEK_END), offset = 0;
    gnutls_hash_hd_t state;

    if (size < GIT_OID_RAWSZ || gnutls_hash_init(&state, GNUTLS_DIG_SHA1) < 0)
        return FALSE;
    for (size -= GIT_OID_RAWSZ; offset < size;) {
        ssize_t got = pread(fd, buffer, (size_t)MIN(READ_SIZE, size - offset), offset);

        if (got <= 0)
            break;
        gnutls_hash(state, buffer, (size_t)got);
        offset += got;
    }
    gnutls_hash_deinit(state, hash);
    return offset == size && pread(fd, trailer, GIT_OID_RAWSZ, size) == GIT_OID_RAWSZ;
}

/* Every byte of a pack or index is under the SHA-1 at its end. */
static gboolean
check_trailer(Findings *findings, const char *base, const char *suffix, guint8 trailer[GIT_OID_RAWSZ])
{
    g_autofree char *path = g_strconcat(base, suffix, NULL);
    guint8 hash[GIT_OID_RAWSZ];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    gboolean good;

    if (fd < 0) {
        findings_add(findings, "%s: %s", path, g_strerror(errno));
        return FALSE;
    }
    good = sha1_of_file(fd, hash, trailer) && memcmp(hash, trailer, sizeof hash) == 0;
    close(fd);
    if (!good)
        findings_add(findings, "%s: G1: its checksum does not hold", path);
    return good;
}

/* The index names its pack by the pack's checksum, 40 bytes before its own end. */
static void
check_pair(Findings *findings, const char *base, const guint8 trailer[GIT_OID_RAWSZ])
{
    g_autofree char *path = g_strconcat(base, ".idx", NULL);
    guint8 named[GIT_OID_RAWSZ];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || pread(fd, named, sizeof named, lseek(fd, 0, SEEK_END) - 2 * GIT_OID_RAWSZ) != GIT_OID_RAWSZ
        || memcmp(named, trailer, sizeof named) != 0)
        findings_add(findings, "%s: G1: is the index of another pack", path);
    if (fd >= 0)
        close(fd);
}

static void
check_packs(Ledger *ledger, Findings *findings)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) packs = packs_list(ledger->git, &error);

    if (!packs) {
        findings_add(findings, "%s", error->message);
        return;
    }
    for (guint i = 0; i < packs->len; i++) {
        const char *base = ((const PackFile *)g_ptr_array_index(packs, i))->base;
        guint8 trailer[GIT_OID_RAWSZ], own[GIT_OID_RAWSZ];

        if (check_trailer(findings, base, ".pack", trailer) && check_trailer(findings, base, ".idx", own))
            check_pair(findings, base, trailer);
    }
}

/* libgit2 hashes what it reads. */
static void
check_loose(Ledger *ledger, Findings *findings)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) loose = packs_loose(ledger->git, &error);
    git_odb *database = NULL;

    if (!loose || libgit2.git_repository_odb(&database, repository_git(ledger->repository)) != 0) {
        findings_add(findings, "%s: G1: the loose objects cannot be read", ledger->git);
        return;
    }
    for (guint i = 0; i < loose->len; i++) {
        g_autoptr(git_odb_object) object = NULL;
        char text[GIT_OID_HEXSZ + 1];

        if (libgit2.git_odb_read(&object, database, &g_array_index(loose, git_oid, i)) != 0)
            findings_add(findings, "%s: G1: object %s cannot be read", ledger->git, oid_format(&g_array_index(loose, git_oid, i), text));
    }
    libgit2.git_odb_free(database);
}

void
integrity_check_objects(Ledger *ledger, Findings *findings)
{
    check_packs(ledger, findings);
    check_loose(ledger, findings);
}

void
integrity_check(Ledger *ledger, Findings *findings)
{
    check_texts(ledger, findings);
    check_ref_file(ledger, findings);
    check_refs(ledger, findings);
    integrity_check_objects(ledger, findings);
}
