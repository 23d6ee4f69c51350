/* Canonical JSON: what is accepted is its own canonical form; its members can be asked for by every type. */
#include <stdint.h>
#include <string.h>

#include "keys/canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_spelling(const json_t *root, const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) again = canonical_format(root, NULL);
    g_autofree char *pretty = canonical_format_pretty(root);
    g_autoptr(json_t) same = pretty ? json_loads(pretty, JSON_REJECT_DUPLICATES, NULL) : NULL;

    if (!again || g_bytes_get_size(again) != size || memcmp(g_bytes_get_data(again, NULL), data, size) != 0)
        g_error("accepted what is not canonical");
    if (!same || !json_equal(same, (json_t *)root))
        g_error("the indented form is another document");
}

static void
check_time(const json_t *root, const char *name)
{
    char text[TIME_TEXT_SIZE];
    gint64 seconds;

    if (member_time(root, "fuzz", name, &seconds, NULL)
        && strcmp(time_format(seconds, text), json_string_value(json_object_get(root, name))) != 0)
        g_error("a time with two spellings");
}

static void
check_digest(const json_t *root, const char *name)
{
    char text[DIGEST_TEXT_SIZE];
    Digest digest;

    if (member_digest(root, "fuzz", name, &digest, NULL)
        && strcmp(digest_format(&digest, text), json_string_value(json_object_get(root, name))) != 0)
        g_error("a digest with two spellings");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) root = canonical_parse(data, size, 32768, "fuzz", &error);

    if (!root) {
        g_assert_nonnull(error);
        return 0;
    }
    check_spelling(root, data, size);
    for (void *at = json_object_iter(root); at; at = json_object_iter_next(root, at)) {
        const char *name = json_object_iter_key(at), *text;
        const json_t *value;
        gint64 number;

        check_time(root, name);
        check_digest(root, name);
        member_string(root, "fuzz", name, 100, &text, NULL);
        member_integer(root, "fuzz", name, -10, 10, &number, NULL);
        member_object(root, "fuzz", name, &value, NULL);
        member_array(root, "fuzz", name, 10, &value, NULL);
    }
    return 0;
}
