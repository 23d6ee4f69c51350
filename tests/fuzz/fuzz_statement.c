/* Profiles, sealed statements, openings, grants, revocations, attestations, withdrawals, tombstones and endorsements from any bytes: what is let through can be written again, and
 * documents that are no records to the same bytes. */
#include <stdint.h>
#include <string.h>

#include "manifests/anchor.h"
#include "manifests/attestation.h"
#include "manifests/endorsement.h"
#include "manifests/erasure.h"
#include "manifests/statement.h"
#include "manifests/withdrawal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_profile(GBytes *bytes)
{
    Record record = { .bytes = bytes, .type = "profile/1" };
    g_autoptr(Profile) profile = profile_parse(&record, NULL);
    g_autoptr(GBytes) again = profile ? profile_format(profile, NULL) : NULL;

    g_assert_true((again != NULL) == (profile != NULL));
}

static void
try_grant(GBytes *bytes)
{
    Record record = { .bytes = bytes, .type = "grant/1" };
    Grant grant;

    if (grant_parse(&record, &grant, NULL)) {
        g_autoptr(GBytes) again = grant_format(&grant, NULL);

        g_assert_nonnull(again);
    }
    if (grant_parse_body(bytes, &grant, NULL)) {
        g_autoptr(GBytes) again = grant_format_body(&grant, NULL);

        g_assert_true(g_bytes_equal(bytes, again));
    }
}

static void
try_digests(GBytes *bytes)
{
    Record sealed = { .bytes = bytes, .type = "sealed/1" }, revocation = { .bytes = bytes, .type = "revocation/1" };
    Digest digest;

    sealed_parse(&sealed, &digest, NULL);
    revocation_parse(&revocation, &digest, NULL);
}

static void
try_opening(GBytes *bytes)
{
    g_autoptr(Opening) opening = opening_parse(bytes, NULL);
    g_autoptr(GBytes) again = opening ? opening_format(opening, NULL) : NULL;

    g_assert_true(!opening || g_bytes_equal(bytes, again));
}

static void
try_attestation(GBytes *bytes)
{
    g_autoptr(Attestation) attestation = attestation_parse(bytes, NULL);
    g_autoptr(GBytes) again = attestation ? attestation_format(attestation, NULL) : NULL;

    g_assert_true((again != NULL) == (attestation != NULL));
}

static void
try_ends(GBytes *bytes)
{
    static const Digest none;
    g_autoptr(Withdrawal) w = withdrawal_parse(bytes, NULL);
    g_autoptr(Erasure) e = erasure_parse(bytes, NULL);
    g_autoptr(GBytes) withdrawn = w ? withdrawal_format(&w->manifest, w->reason, NULL) : NULL;
    g_autoptr(GBytes) erased = e ? erasure_format(&e->manifest, e->reason, digest_equal(&e->of, &none) && e->reason ? NULL : &e->of, NULL) : NULL;

    g_assert_true((withdrawn != NULL) == (w != NULL));
    g_assert_true((erased != NULL) == (e != NULL));
}

static void
try_endorsement(GBytes *bytes)
{
    g_autoptr(Endorsement) e = endorsement_parse(bytes, NULL);
    g_autoptr(GBytes) again = e ? endorsement_format(&e->body, e->note, NULL) : NULL;

    g_assert_true((again != NULL) == (e != NULL));
}

static void
try_anchor(GBytes *bytes)
{
    g_autoptr(GArray) ledgers = anchor_parse(bytes, NULL);
    g_autoptr(GBytes) again = ledgers ? anchor_format(ledgers, NULL) : NULL;

    g_assert_true((again != NULL) == (ledgers != NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);

    try_profile(bytes);
    try_grant(bytes);
    try_digests(bytes);
    try_opening(bytes);
    try_attestation(bytes);
    try_ends(bytes);
    try_endorsement(bytes);
    try_anchor(bytes);
    return 0;
}
