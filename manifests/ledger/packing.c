#include <string.h>
#include <unistd.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/ledger/internal.h"
#include "manifests/ledger/packs.h"

/* Packs of like size (within this factor) are merged when there are more than this many: so there are few, for every look-up of an object that
 * is not in the newest pack tries the others, and an object is written again only once for each power of this that its pack has grown. */
#define LIKE_MAX 16
#define LOOSE_MAX 2000
/* A pack of this many is not written again: bounds time and memory of a consolidation. */
#define PACK_OBJECTS_MAX 100000

/* Which of @packs, smallest first, become one: @count of them from @first; none: 0. */
static guint
choose(GPtrArray *packs, guint *first)
{
    guint end = 0;

    for (*first = 0; *first < packs->len; *first = end) {
        guint64 smallest = ((const PackFile *)g_ptr_array_index(packs, *first))->objects;

        if (smallest >= PACK_OBJECTS_MAX)
            return 0;
        for (end = *first; end < packs->len; end++)
            if (((const PackFile *)g_ptr_array_index(packs, end))->objects > smallest * LIKE_MAX)
                break;
        if (end - *first > LIKE_MAX)
            return end - *first;
    }
    return 0;
}

static gboolean
collect(GPtrArray *packs, guint first, guint count, GArray *ids, GError **error)
{
    for (guint i = first; i < first + count; i++)
        if (!packs_read_index(g_ptr_array_index(packs, i), ids, error))
            return FALSE;
    return TRUE;
}

/* Writes a pack of @ids, durable when this returns.  Its name without suffix: the caller's. */
static char *
write_pack(Ledger *ledger, const GArray *ids, GError **error)
{
    g_autoptr(git_packbuilder) builder = NULL;
    int status = libgit2.git_packbuilder_new(&builder, repository_git(ledger->repository));

    if (status == 0)
        libgit2.git_packbuilder_set_threads(builder, 0);
    for (guint i = 0; i < ids->len && status == 0; i++)
        status = libgit2.git_packbuilder_insert(builder, &g_array_index(ids, git_oid, i), NULL);
    if (status == 0)
        status = libgit2.git_packbuilder_write(builder, NULL, 0444, NULL, NULL);
    if (status == 0)
        return g_strconcat("pack-", libgit2.git_packbuilder_name(builder), NULL);
    repository_error(error, status, ledger->git, "cannot write a pack");
    return NULL;
}

/* Index first: a pack without one is not there. */
static void
remove_packs(GPtrArray *packs, guint first, guint count, const char *kept)
{
    static const char *const suffixes[] = { ".idx", ".pack", ".rev", ".bitmap" };

    for (guint i = first; i < first + count; i++) {
        const PackFile *pack = g_ptr_array_index(packs, i);

        if (g_str_has_suffix(pack->base, kept))
            continue;
        for (guint j = 0; j < G_N_ELEMENTS(suffixes); j++) {
            g_autofree char *path = g_strconcat(pack->base, suffixes[j], NULL);

            unlink(path);
        }
    }
}

static void
remove_loose(Ledger *ledger, const GArray *loose)
{
    for (guint i = 0; i < loose->len; i++) {
        g_autofree char *path = packs_loose_path(ledger->git, &g_array_index(loose, git_oid, i));

        unlink(path);
    }
}

static gboolean
pack_locked(Ledger *ledger, GError **error)
{
    g_autoptr(GPtrArray) packs = packs_list(ledger->git, error);
    g_autoptr(GArray) loose = packs ? packs_loose(ledger->git, error) : NULL;
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(git_oid));
    g_autofree char *written = NULL;
    guint first, count;

    if (!loose)
        return FALSE;
    count = choose(packs, &first);
    if (loose->len <= LOOSE_MAX)
        g_array_set_size(loose, 0);
    if (count == 0 && loose->len == 0)
        return TRUE;
    if (!collect(packs, first, count, ids, error))
        return FALSE;
    g_array_append_vals(ids, loose->data, loose->len);
    written = write_pack(ledger, ids, error);
    if (!written)
        return FALSE;
    remove_packs(packs, first, count, written);
    remove_loose(ledger, loose);
    return repository_reopen(ledger->repository, error);
}

gboolean
ledger_pack(Ledger *ledger, GError **error)
{
    g_autoptr(LedgerLock) lock = NULL;

    if (ledger->transaction)
        return chama_error(error, CHAMA_ERROR_FAILED, "%s: cannot pack while it is being written", ledger->git);
    if (ledger->lock)
        return pack_locked(ledger, error);
    lock = ledger_lock(ledger, error);
    return lock && pack_locked(ledger, error);
}
