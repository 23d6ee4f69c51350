/* Any bytes: a page is refused, or it is the only spelling of what it says, and its totals are those of its items. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "manifests/listing/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(gboolean holds)
{
    if (!holds)
        abort();
}

static void
build_again(const Page *page, GBytes *bytes)
{
    g_autoptr(PageBuilder) builder = page_builder_new(page_level(page));
    g_autoptr(GBytes) again = NULL;
    PageRef totals, reference;

    for (guint i = 0; i < page_count(page); i++)
        must(page_level(page) == 0 ? page_builder_add_item(builder, page_item(page, i)) : page_builder_add_child(builder, page_child(page, i)));
    again = page_builder_take(builder, &reference);
    page_totals(page, &totals);
    must(g_bytes_equal(again, bytes));
    must(totals.items == reference.items && totals.files == reference.files && totals.positions == reference.positions
         && totals.bytes == reference.bytes && g_strcmp0(totals.path, reference.path) == 0);
    page_ref_clear(&reference);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(Page) page = page_parse(bytes, &error);

    must((page == NULL) == (error != NULL));
    if (page)
        build_again(page, bytes);
    return 0;
}
