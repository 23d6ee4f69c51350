/* Rotations after the inception of keys/IDENTITY.md: what is accepted reveals the key that was committed to, and says nothing else. */
#include <stdint.h>
#include <string.h>

#include "keys/history.h"
#include "keys/rotation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char inception[] =
    "{\"encryption\":\"x25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\",\"log\":\"ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\","
    "\"next\":\"sha256:a8898d5be3e99725aeb1252a5276a41f66d6f2e19b8d41b53b1225a35801b457\",\"seq\":0,"
    "\"signing\":\"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\",\"time\":\"2026-05-01T08:00:00Z\",\"type\":\"inception/1\"}";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) first = g_bytes_new_static(inception, strlen(inception));
    g_autoptr(Identity) before = identity_parse_inception(first, NULL);
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(Identity) after = identity_rotate(before, bytes, &error);
    Digest revealed;

    if (!after) {
        g_assert_nonnull(error);
        return 0;
    }
    commitment_of(&after->signing, &revealed);
    if (!digest_equal(&revealed, &before->next) || after->before != before || after->since == 0 || (!after->endorsed && after->epoch != 1))
        g_error("a rotation that breaks a rule");
    return 0;
}
