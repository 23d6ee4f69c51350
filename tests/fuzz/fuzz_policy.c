/* A policy file; one that is read judges nobody, everybody, and a note. */
#include <stdint.h>
#include <string.h>

#include "manifests/ledger/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char note[] = "text\n\n\xe2\x80\x94 a AAAAAAAA\n";
    g_autoptr(Policy) policy = policy_parse((const char *)data, size, NULL);
    gint64 times[POLICY_WITNESSES_MAX] = { 0 };
    PolicyVerdict verdict;

    if (!policy)
        return 0;
    verdict = policy_judge(policy, times);
    g_assert_cmpuint(verdict.seen, ==, 0);
    g_assert_cmpint(verdict.reached, ==, 0);
    for (guint i = 0; i < policy_witnesses(policy); i++) {
        g_assert_nonnull(policy_witness(policy, i).name);
        times[i] = i + 1;
    }
    /* Every quorum can be reached by all: a group wants no more than it has. */
    verdict = policy_judge(policy, times);
    g_assert_true(verdict.quorum);
    g_assert_cmpuint(verdict.seen, ==, policy_witnesses(policy));
    policy_read(policy, note, sizeof note - 1, times, NULL);
    return 0;
}
