/* Heads of answers to a push, and its results, from any bytes: what is let through can be written again. */
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "sync/pushed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size), written = NULL;
    Pushed pushed, again;
    guint status;

    if (push_head_parse((const char *)data, size, &status, NULL))
        g_assert_true(status >= 101 && status <= 999);
    if (!pushed_parse(bytes, &pushed, NULL))
        return 0;
    written = pushed_format(&pushed);
    g_assert_true(pushed_parse(written, &again, NULL));
    g_assert_true(memcmp(&pushed, &again, sizeof pushed) == 0);
    return 0;
}
