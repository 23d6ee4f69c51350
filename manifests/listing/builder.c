/* builder: the bytes of a page (manifests/FORMAT.md, L8-L21), the counterpart of the parser in page.c. */
#include <string.h>

#include "manifests/listing/format.h"
#include "manifests/listing/varint.h"

struct PageBuilder {
    guint level;
    guint count;
    GByteArray *body;                 /* all after the count */
    GString *path;                    /* of the last item or child */
    char *first_path;
    gsize paths_size;                 /* L12 */
    PageRef totals;
};

PageBuilder *
page_builder_new(guint level)
{
    PageBuilder *builder = g_new0(PageBuilder, 1);

    builder->level = level;
    builder->body = g_byte_array_sized_new(PAGE_SIZE_MAX / 2);
    builder->path = g_string_sized_new(PATH_SIZE_MAX + 1);
    return builder;
}

void
page_builder_free(PageBuilder *builder)
{
    if (!builder)
        return;
    g_byte_array_unref(builder->body);
    g_string_free(builder->path, TRUE);
    g_free(builder->first_path);
    g_free(builder);
}

gsize
page_builder_size(const PageBuilder *builder)
{
    return PAGE_HEAD_SIZE + varint_size(builder->count) + builder->body->len;
}

guint
page_builder_count(const PageBuilder *builder)
{
    return builder->count;
}

/* L11: the longest prefix shared with the path before; 0 for the first. */
static void
append_path(PageBuilder *builder, const char *path)
{
    const char *before = builder->path->str;
    gsize shared = 0, size = strlen(path);

    while (before[shared] != '\0' && before[shared] == path[shared])
        shared++;
    varint_append(builder->body, shared);
    varint_append(builder->body, size - shared);
    g_byte_array_append(builder->body, (const guint8 *)path + shared, (guint)(size - shared));
}

static void
append_chunks(GByteArray *body, const Item *item)
{
    varint_append(body, item->chunk_count);
    for (guint i = 0; i < item->chunk_count; i++) {
        const ChunkRef *chunk = &item->chunks[i];

        varint_append(body, (guint64)chunk->size << 1 | (chunk->run > 1));
        g_byte_array_append(body, chunk->digest.bytes, DIGEST_SIZE);
        if (chunk->run > 1)
            varint_append(body, chunk->run - 2); /* L16: one spelling of a run */
    }
}

static void
append_item(PageBuilder *builder, const Item *item)
{
    guint8 kind = (guint8)item->kind;

    g_byte_array_append(builder->body, &kind, 1);
    append_path(builder, item->path);
    if (item_is_file(item))
        varint_append(builder->body, item->size);
    if (item->kind == ITEM_PART || item_is_file(item))
        append_chunks(builder->body, item);
    if (item_is_file(item) && !item_digest_is_implied(item))
        g_byte_array_append(builder->body, item->digest.bytes, DIGEST_SIZE);
    if (item->kind == ITEM_LINK) {
        varint_append(builder->body, strlen(item->target));
        g_byte_array_append(builder->body, (const guint8 *)item->target, (guint)strlen(item->target));
    }
}

/* Takes what was appended after @before back if the page has become too large. */
static gboolean
keep(PageBuilder *builder, guint before, const char *path)
{
    gsize paths_size = builder->paths_size + strlen(path) + 1;

    builder->count++;
    if (page_builder_size(builder) > PAGE_SIZE_MAX || paths_size > PAGE_PATHS_MAX) {
        builder->count--;
        g_byte_array_set_size(builder->body, before);
        return FALSE;
    }
    builder->paths_size = paths_size;
    if (!builder->first_path)
        builder->first_path = g_strdup(path);
    g_string_assign(builder->path, path);
    return TRUE;
}

gboolean
page_builder_add_item(PageBuilder *builder, const Item *item)
{
    guint before = builder->body->len;

    append_item(builder, item);
    if (!keep(builder, before, item->path))
        return FALSE;
    builder->totals.items++;
    builder->totals.files += item->kind != ITEM_PART;
    builder->totals.positions += item->chunk_count;
    builder->totals.bytes += item_bytes(item);
    return TRUE;
}

gboolean
page_builder_add_child(PageBuilder *builder, const PageRef *child)
{
    guint before = builder->body->len;

    g_byte_array_append(builder->body, child->digest.bytes, DIGEST_SIZE);
    append_path(builder, child->path);
    varint_append(builder->body, child->items);
    varint_append(builder->body, child->files);
    varint_append(builder->body, child->positions);
    varint_append(builder->body, child->bytes);
    if (!keep(builder, before, child->path))
        return FALSE;
    builder->totals.items += child->items;
    builder->totals.files += child->files;
    builder->totals.positions += child->positions;
    builder->totals.bytes += child->bytes;
    return TRUE;
}

static GBytes *
join(const PageBuilder *builder)
{
    const guint8 place[2] = { (guint8)builder->level, PAGE_CHUNKER_FASTCDC_1 };
    GByteArray *page = g_byte_array_sized_new((guint)page_builder_size(builder));

    g_byte_array_append(page, (const guint8 *)PAGE_MAGIC, PAGE_MAGIC_SIZE);
    g_byte_array_append(page, place, sizeof place);
    varint_append(page, builder->count);
    g_byte_array_append(page, builder->body->data, builder->body->len);
    return g_byte_array_free_to_bytes(page);
}

GBytes *
page_builder_take(PageBuilder *builder, PageRef *reference)
{
    GBytes *page = join(builder);

    *reference = builder->totals;
    reference->path = g_steal_pointer(&builder->first_path);
    digest_of_bytes(page, &reference->digest);

    builder->count = 0;
    builder->paths_size = 0;
    builder->totals = (PageRef){ .path = NULL };
    g_byte_array_set_size(builder->body, 0);
    g_string_truncate(builder->path, 0);
    return page;
}

void
page_ref_clear(PageRef *reference)
{
    g_free((char *)reference->path);
    reference->path = NULL;
}
