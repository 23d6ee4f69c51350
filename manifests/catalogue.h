/*
 * catalogue: the projection of all ledgers known here into SQLite (catalogue.sqlite): which nodes, datasets, versions,
 * grants, revocations and statements there are.  Rebuildable at any time (I8), never edited; every answer is what signed records say.
 *
 * It lies below sync because sync and access ask it what versions there are; without it each such question reads whole ledgers.
 */
#ifndef CHAMA_MANIFESTS_CATALOGUE_H
#define CHAMA_MANIFESTS_CATALOGUE_H

#include "manifests/ledger/ledger.h"
#include "manifests/manifest.h"
#include "manifests/statement.h"

typedef struct Catalogue Catalogue;

/* Makes the file if it is not there; a file of another schema version or one that SQLite calls damaged is made anew (empty).  Where the damage
 * shows only later, functions fail with DAMAGED and catalogue_close() removes the file, so that the next one to open makes it anew. */
Catalogue *catalogue_open(const char *path, GError **error);
void catalogue_close(Catalogue *catalogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Catalogue, catalogue_close)

/* Projects the records that the ledger has and the catalogue has not, in one transaction; cheap when there are none.  A ledger that is shorter than
 * what was projected of it (it is refreshed first), or that has another record there, is projected from the beginning.  A record whose body
 * breaks a rule of its type is kept and counts for nothing. */
gboolean catalogue_project(Catalogue *catalogue, Ledger *ledger, GError **error);
/* One verified record of a sparse ledger (idempotent): FORK if another one is known in its place. */
gboolean catalogue_project_record(Catalogue *catalogue, const Record *record, GError **error);
/* Forgets a node's rows (its ledger was removed). */
gboolean catalogue_forget(Catalogue *catalogue, const char *node, GError **error);
/* Records of @node projected so far without gaps. */
guint64 catalogue_size(Catalogue *catalogue, const char *node);

/* What ledger_peek() said of a ledger before it was opened and projected, kept so that who asks again need not open it: TRUE if it said
 * @commit the last time.  A reset or catalogue_forget() forgets it. */
gboolean catalogue_is_current(Catalogue *catalogue, const char *node, const char *commit);
gboolean catalogue_set_current(Catalogue *catalogue, const char *node, const char *commit, GError **error);

/* FALSE in a catalogue made anew and after a sealed record came, until who gave it all openings of sealed/ says so: what is sealed stands in no
 * ledger. */
gboolean catalogue_openings_learned(Catalogue *catalogue);
gboolean catalogue_set_openings_learned(Catalogue *catalogue, GError **error);

/* The newest profile of a node, or NULL without an error.  The caller's. */
Profile *catalogue_profile(Catalogue *catalogue, const char *node, GError **error);
/* The record that it is read from. */
Record *catalogue_profile_record(Catalogue *catalogue, const char *node, GError **error);
/* The newest key state known, with those before it (keys/history.h); NULL without an error if the node is not known.  The caller's. */
Identity *catalogue_identity(Catalogue *catalogue, const char *node, GError **error);
/* The records that it is read from: inception and rotations, in their order.  Array of Record*. */
GPtrArray *catalogue_key_records(Catalogue *catalogue, const char *node, GError **error);
/* Ids of all nodes known, by id; of char*. */
GPtrArray *catalogue_nodes(Catalogue *catalogue, GError **error);

/* The bytes of a record by its address (records of types inception, rotation, profile, manifest, sealed, grant, revocation, and of statements.c are kept). NOT_FOUND. */
Record *catalogue_record(Catalogue *catalogue, const Digest *address, GError **error);

/* Manifests: those that count as versions (M19), no others.  @version 0 is the newest.  NOT_FOUND. */
Manifest *catalogue_version(Catalogue *catalogue, const char *node, const char *name, guint64 version, GError **error);
Manifest *catalogue_manifest(Catalogue *catalogue, const Digest *address, GError **error);
/* By a prefix of at least 8 hex digits of the address: NOT_FOUND, or USAGE if several begin so. */
Manifest *catalogue_manifest_by_prefix(Catalogue *catalogue, const char *node, const char *name, const char *hex, GError **error);
/* Newest first. */
GPtrArray *catalogue_history(Catalogue *catalogue, const char *node, const char *name, GError **error);
/* The newest version of each dataset, by node and name; @node NULL for all. */
GPtrArray *catalogue_datasets(Catalogue *catalogue, const char *node, GError **error);
/* Every manifest of a node in ledger order. */
GPtrArray *catalogue_manifests(Catalogue *catalogue, const char *node, GError **error);
/* At most @max of them, from record @from on. */
GPtrArray *catalogue_manifests_from(Catalogue *catalogue, const char *node, guint64 from, guint max, GError **error);

/* The strictest of the version's own sharing and its dataset's newest (M20).  NOT_FOUND if no version of the dataset is known. */
gboolean catalogue_share_in_force(Catalogue *catalogue, const Manifest *manifest, Share *share, GError **error);

/* Open versions that name the manifest @source among their inputs, by node and number: at most @max addresses of their manifests; array of Digest. */
GArray *catalogue_derived(Catalogue *catalogue, const Digest *source, guint max, GError **error);
/* Those of other nodes than @node that say the same derivation (manifests/lineage/derivation.h); the same way. */
GArray *catalogue_same_derivation(Catalogue *catalogue, const Digest *digest, const char *node, guint max, GError **error);

/* TRUE if a revocation/1 in @node's ledger names @record, and if that cannot be read. */
gboolean catalogue_revoked(Catalogue *catalogue, const char *node, const Digest *record);

/* When the first revocation of it was stated, as that claims; FALSE if there is none that can be read. */
gboolean catalogue_revoked_at(Catalogue *catalogue, const char *node, const Digest *record, gint64 *time);

/* Grants whose body is known here (public ones, and sealed ones whose opening was given to catalogue_learn_opening()). */
typedef struct {
    Grant grant;
    Digest record;     /* address of the sealed/1 or grant/1 record */
    guint64 seq;
    gint64 time;
    gboolean sealed, revoked;
} GrantRow;
/* @owner, @name, @grantee may be NULL: any.  Array of GrantRow* (freed with g_free). */
GPtrArray *catalogue_grants(Catalogue *catalogue, const char *owner, const char *name, const char *grantee, GError **error);
/* Verifies the opening against its record (VERIFY) and notes the grant or the statement (manifests/statements.h).  NOT_FOUND if the record is not here,
 * UNSUPPORTED if the body is neither. */
gboolean catalogue_learn_opening(Catalogue *catalogue, const Opening *opening, GError **error);

#endif
