/*
 * statement: the other records of version 1: profile, sealed, grant, revocation (manifests/FORMAT.md, part 3, rules S1-S12).
 * Pure and bounded.
 */
#ifndef CHAMA_MANIFESTS_STATEMENT_H
#define CHAMA_MANIFESTS_STATEMENT_H

#include "keys/seal.h"
#include "manifests/manifest.h"
#include "manifests/record.h"

#define PROFILE_ADDRESSES_MAX 8
#define PROFILE_PINS_MAX 8
#define PROFILE_ROLES_MAX 8
#define ADDRESS_MAX 256
/* Base64 of a body of RECORD_SIZE_MAX bytes, and the rest. */
#define OPENING_SIZE_MAX (RECORD_SIZE_MAX / 3 * 4 + 512)

typedef enum { LEDGER_PEERS, LEDGER_RELAYED, LEDGER_PUBLIC } LedgerAudience;
const char *ledger_audience_format(LedgerAudience audience);
gboolean ledger_audience_parse(const char *text, LedgerAudience *audience, GError **error);

/* TRUE if @address is spelt as S5 says: https://HOST[:PORT][/PATH] or ssh://[USER@]HOST[:PORT][/PATH]. */
gboolean address_valid(const char *address);

typedef struct {
    char *name_zh, *name_en;        /* at least one */
    char *organisation;             /* may be NULL */
    char *sector;                   /* "S02", may be NULL */
    char *division;                 /* administrative division code, may be NULL */
    GPtrArray *addresses;           /* of char*: https:// or ssh:// URLs */
    GArray *pins;                   /* of Digest: TLS keys in use */
    GPtrArray *roles;               /* of char* */
    LedgerAudience ledger;
} Profile;
Profile *profile_new(void);
void profile_free(Profile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Profile, profile_free)
Profile *profile_parse(const Record *record, GError **error);
/* Of the members alone, as profile_format() gives them. */
Profile *profile_parse_members(GBytes *members, GError **error);
GBytes *profile_format(const Profile *profile, GError **error);

/* sealed/1: {"digest": SHA-256(salt, body)}.  The body says its own type ("grant/1"), so that nobody else learns it. */
gboolean sealed_parse(const Record *record, Digest *digest, GError **error);
GBytes *sealed_format(const Digest *digest, GError **error);

/* The body of a sealed statement beside its salt, as kept in sealed/ and sent to its audience:
 * {"body":"<base64>","record":"sha256:...","salt":"<base64>","type":"opening/1"}. */
typedef struct {
    Digest record;            /* address of the sealed/1 record */
    guint8 salt[SALT_SIZE];
    GBytes *body;             /* canonical JSON, at most 32 KiB */
} Opening;
Opening *opening_parse(GBytes *bytes, GError **error);
GBytes *opening_format(const Opening *opening, GError **error);
void opening_free(Opening *opening);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Opening, opening_free)

/* grant/1, as a record (public) or as a sealed body: {"grantee","name","type","until"}; in a body also "node", the owner. */
typedef struct {
    char owner[NODE_ID_SIZE];
    char name[DATASET_NAME_MAX + 1];
    char grantee[NODE_ID_SIZE];
    gint64 until;
} Grant;
gboolean grant_parse(const Record *record, Grant *grant, GError **error);
gboolean grant_parse_body(GBytes *body, Grant *grant, GError **error);
GBytes *grant_format(const Grant *grant, GError **error);      /* members of a public record */
GBytes *grant_format_body(const Grant *grant, GError **error); /* sealed body */

/* revocation/1: {"of": address of a sealed/1 or grant/1 record of the same ledger}.  Always public. */
gboolean revocation_parse(const Record *record, Digest *of, GError **error);
GBytes *revocation_format(const Digest *of, GError **error);

#endif
