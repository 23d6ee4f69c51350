/*
 * store: the objects this node holds (chunks, listing pages, details and content documents), addressed by the SHA-256 of their plain
 * bytes.  On disk: manifests/FORMAT.md, part 6: append-only packs in which every byte is under a checksum, and an LMDB index that
 * can be rebuilt from them.
 *
 * An object is either absent or whole and correct.  Each writer fills a pack of its own, so several processes write at once;
 * what was appended but not committed when a writer died is salvaged or cut off by the next one.
 *
 * Scope (P15): an object is held *for* a scope: SCOPE_OPEN, or the node id of the owner of a restricted dataset. It
 * counts as held for a version only under SCOPE_OPEN or the scope of the version's owner, though it is stored once.
 */
#ifndef CHAMA_MANIFESTS_STORE_STORE_H
#define CHAMA_MANIFESTS_STORE_STORE_H

#include <glib.h>

#include "keys/digest.h"

typedef enum { OBJECT_CHUNK = 1, OBJECT_PAGE = 2, OBJECT_DOCUMENT = 3 } ObjectKind;
typedef enum { CODEC_STORED = 0, CODEC_ZSTD = 1, CODEC_PATCH = 2 } Codec;

#define OBJECT_SIZE_MAX (1024 * 1024)   /* plain bytes of any object */
#define PATCH_BASES_MAX 4               /* P25: objects that a patch is made against */
#define PATCH_REACH_MAX 30              /* P26 */

/* A scope is the 32 bytes of an owner's node id; all zero is SCOPE_OPEN. */
typedef Digest Scope;
extern const Scope SCOPE_OPEN;

typedef struct Store Store;

/* Opens the store at @path, making it if it is not there.  DAMAGED if the index cannot be read: fsck --rebuild-index. */
Store *store_open(const char *path, GError **error);
void store_close(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

/* Is it here, for @owner's version (under SCOPE_OPEN or @owner)?  @owner NULL: under any scope.  No I/O beyond the index. */
gboolean store_has(Store *store, const Digest *digest, const Scope *owner);

/* The plain bytes, hashed and compared: NOT_FOUND, or DAMAGED naming pack, offset and digest.  The caller's.  Thread-safe. */
GBytes *store_get(Store *store, const Digest *digest, GError **error);

/* Lets go of an object that is here but damaged, so that a put stores it anew; one that can be read stays.  For repair. */
gboolean store_forget(Store *store, const Digest *digest, GError **error);

/* The bytes as they lie in the pack, after their checksum (not their SHA-256) was checked: for sending to a peer. */
typedef struct {
    ObjectKind kind;
    Codec codec;
    guint32 plain_size;
    GBytes *stored;
} StoredObject;
gboolean store_get_stored(Store *store, const Digest *digest, const Scope *owner, StoredObject *object, GError **error);
void stored_object_clear(StoredObject *object);

/* Turns what a peer sent, under any codec but CODEC_PATCH, into plain bytes: bounded by @plain_size (a bomb is LIMIT), compared with @digest
 * (VERIFY).  Pure. */
GBytes *stored_object_open(const Digest *digest, Codec codec, guint32 plain_size, const void *stored, gsize stored_size, GError **error);

/* The same under any codec: a patch only against objects that are held here for @owner (P28: VERIFY). */
GBytes *store_open_received(Store *store, const Scope *owner, const Digest *digest, Codec codec, guint32 plain_size, const void *stored,
                            gsize stored_size, GError **error);

/* Makes a patch that store_get_stored() gave into the same object under another codec: for a peer that may not have what it is made against. */
gboolean store_make_whole(Store *store, const Digest *digest, StoredObject *object, GError **error);

/* What the stored bytes of a patch say it was made against: MALFORMED or LIMIT.  Pure. */
gboolean stored_patch_bases(const void *stored, gsize stored_size, Digest bases[PATCH_BASES_MAX], guint *count, GError **error);

/* The plain bytes at @data as a patch against the objects @bases, all of which are here: NULL if that would not be worth it.  For a peer that holds them;
 * what it says of reach is @count. */
GBytes *store_make_patch(Store *store, const Digest *bases, guint count, const void *data, gsize size);

/* Writing.  A writer holds a shared lock, so that gc leaves alone what it counts on.  What it has put can be read through @store at once, by others
 * only once it is committed.  Thread-safe: put from all cores. */
typedef struct StoreWriter StoreWriter;
/* Of two writers of one store only one may have put what it has not committed, if patches from peers are put (P28). */
StoreWriter *store_writer_new(Store *store, const Scope *scope, GError **error);
/* Stores @size plain bytes unless they are held for this scope already (then only that is noted); @digest is their SHA-256, computed by the caller.  @new_bytes
 * (may be NULL) is increased by the bytes the pack grew. */
gboolean store_writer_put(StoreWriter *writer, ObjectKind kind, const Digest *digest, const void *data, gsize size, guint64 *new_bytes, GError **error);
/* Which objects, one after the other, are likely to be nearly the same as the @size bytes at @data; asked only for what is to be stored, from any
 * thread. Fills @bases and returns how many, 0 for none.  @attempt counts from 0: it is asked again as long as what it said was of little use. */
typedef guint (*StoreLikeness)(gpointer data, guint attempt, const void *bytes, gsize size, Digest bases[PATCH_BASES_MAX]);
/* The same as store_writer_put(), as a patch where @likeness knows objects that make it much smaller. */
gboolean store_writer_put_like(StoreWriter *writer, ObjectKind kind, const Digest *digest, const void *data, gsize size, StoreLikeness likeness,
                               gpointer likeness_data, guint64 *new_bytes, GError **error);
/* The same for bytes as a peer sent them, already opened (and so verified) by store_open_received(), which gave @plain. */
gboolean store_writer_put_stored(StoreWriter *writer, ObjectKind kind, const Digest *digest, Codec codec, GBytes *plain, const void *stored, gsize stored_size, guint64 *new_bytes, GError **error);
/* Is it held for this writer's scope, counting what this writer itself has put? */
gboolean store_writer_has(StoreWriter *writer, const Digest *digest);
/* Are all of them held for this writer's scope, by what is committed?  One look at the index for all. */
gboolean store_writer_holds(StoreWriter *writer, const Digest *digests, guint count);
/* Names what is held for this writer's scope, and maybe more: as long as it is the same, what was held is held.  FALSE if it cannot be told. */
gboolean store_writer_state(StoreWriter *writer, Digest *state);
/* Makes all that was put durable (pack, folder) and then visible (index).  The writer can go on.  Called by put, too, every 256 MiB. */
gboolean store_writer_commit(StoreWriter *writer, GError **error);
/* Frees; what was not committed is left for salvage (it may be wanted by the next attempt). */
void store_writer_free(StoreWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreWriter, store_writer_free)

/* A shared lock for readers of a whole version, so that gc waits for them. */
typedef struct StoreHold StoreHold;
StoreHold *store_hold(Store *store, GError **error);
void store_release(StoreHold *hold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreHold, store_release)

typedef struct {
    guint64 packs, objects, pack_bytes, plain_bytes;
} StoreTotals;
gboolean store_totals(Store *store, StoreTotals *totals, GError **error);

#endif
