/*
 * page_pool: pages of listings in memory, counted as they are read, and entries to write listings from.  For the unit tests of listings.
 */
#ifndef CHAMA_TESTS_PAGE_POOL_H
#define CHAMA_TESTS_PAGE_POOL_H

#include <string.h>

#include "keys/error.h"
#include "manifests/listing/listing.h"

typedef struct {
    GHashTable *pages;      /* Digest -> GBytes */
    guint gets, puts, fresh;
} Pool;

static inline void
pool_init(Pool *pool)
{
    *pool = (Pool){ .pages = g_hash_table_new_full(digest_hash, digest_equal, g_free, (GDestroyNotify)g_bytes_unref) };
}

static inline void
pool_clear(Pool *pool)
{
    g_clear_pointer(&pool->pages, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pool, pool_clear)

static inline gboolean
pool_put(gpointer data, GBytes *page, const Digest *digest, GError **error)
{
    Pool *pool = data;

    g_assert_cmpuint(g_bytes_get_size(page), <=, PAGE_SIZE_MAX);
    pool->puts++;
    pool->fresh += g_hash_table_replace(pool->pages, g_memdup2(digest, sizeof *digest), g_bytes_ref(page));
    return TRUE;
}

static inline GBytes *
pool_get(gpointer data, const Digest *digest, GError **error)
{
    Pool *pool = data;
    GBytes *page = g_hash_table_lookup(pool->pages, digest);

    pool->gets++;
    if (!page)
        return chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "page: want one that is here, have none");
    return g_bytes_ref(page);
}

/* Puts bytes that need not be a page. */
static inline Digest
pool_add(Pool *pool, const void *data, gsize size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    Digest digest;

    digest_of_bytes(bytes, &digest);
    g_hash_table_replace(pool->pages, g_memdup2(&digest, sizeof digest), g_bytes_ref(bytes));
    return digest;
}

typedef struct {
    char *path;
    ItemKind kind;
    guint64 size;
    Digest digest;
    char *target;
    GArray *chunks;         /* of ChunkRef, as the chunker would give them; NULL for links and folders */
} Entry;

static inline void
entry_free(Entry *entry)
{
    g_free(entry->path);
    g_free(entry->target);
    g_clear_pointer(&entry->chunks, g_array_unref);
    g_free(entry);
}

static inline Digest
digest_of_number(guint64 number)
{
    guint64 bytes = GUINT64_TO_LE(number);
    Digest digest;

    digest_of(&bytes, sizeof bytes, &digest);
    return digest;
}

/* A file of one chunk, @content standing for its bytes. */
static inline Entry *
entry_small(const char *path, guint64 content, guint32 size)
{
    Entry *entry = g_new0(Entry, 1);
    ChunkRef chunk = { .digest = digest_of_number(content), .size = size, .run = 1 };

    entry->path = g_strdup(path);
    entry->kind = ITEM_FILE;
    entry->size = size;
    entry->digest = chunk.digest;
    entry->chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));
    g_array_append_val(entry->chunks, chunk);
    return entry;
}

static inline gboolean
entry_write(ListingWriter *writer, const Entry *entry, GError **error)
{
    if (entry->kind == ITEM_LINK)
        return listing_writer_link(writer, entry->path, entry->target, error);
    if (entry->kind == ITEM_FOLDER)
        return listing_writer_folder(writer, entry->path, error);
    if (!listing_writer_begin_file(writer, entry->path, error))
        return FALSE;
    for (guint i = 0; i < entry->chunks->len; i++) {
        if (!listing_writer_chunk(writer, &g_array_index(entry->chunks, ChunkRef, i), error))
            return FALSE;
    }
    return listing_writer_end_file(writer, entry->kind == ITEM_EXECUTABLE, entry->size, &entry->digest, error);
}

/* Writes @entries (of Entry*, in order) and returns the totals. */
static inline ListingTotals
pool_write(Pool *pool, GPtrArray *entries)
{
    g_autoptr(ListingWriter) writer = listing_writer_new(pool_put, pool);
    g_autoptr(GError) error = NULL;
    ListingTotals totals;

    for (guint i = 0; i < entries->len; i++) {
        entry_write(writer, entries->pdata[i], &error);
        g_assert_no_error(error);
    }
    listing_writer_finish(writer, &totals, &error);
    g_assert_no_error(error);
    return totals;
}

/* @count files of one chunk, a hundred in a folder. */
static inline GPtrArray *
entries_small(guint count)
{
    GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);

    for (guint i = 0; i < count; i++) {
        g_autofree char *path = g_strdup_printf("county-%04u/parcel-%02u.csv", i / 100, i % 100);

        g_ptr_array_add(entries, entry_small(path, i, 1000 + i % 5000));
    }
    return entries;
}

static inline int
entry_compare(gconstpointer a, gconstpointer b)
{
    const Entry *const *one = a, *const *two = b;

    return path_compare((*one)->path, (*two)->path);
}

/* Entries with awkward names, runs of equal chunks, some files long enough for several pages; sorted, none below another. */
static inline GArray *
random_chunks(GRand *random, guint64 *size)
{
    static const guint counts[] = { 0, 1, 1, 1, 1, 2, 5, 40, 300, 3000 };
    guint count = counts[g_rand_int_range(random, 0, 100) < 97 ? g_rand_int_range(random, 0, 8) : g_rand_int_range(random, 8, 10)];
    GArray *chunks = g_array_new(FALSE, FALSE, sizeof(ChunkRef));

    *size = 0;
    for (guint i = 0; i < count; i++) {
        guint number = g_rand_int_range(random, 0, 10) < 3 ? 7 : g_rand_int(random);
        ChunkRef chunk = { .digest = digest_of_number(number), .size = 1 + number % CHUNK_SIZE_MAX, .run = number == 7 ? 5 : 1 };

        g_array_append_val(chunks, chunk);
        *size += chunk.size * chunk.run;
    }
    return chunks;
}

static inline Entry *
random_entry(GRand *random)
{
    static const char *const folders[] = { "a", "b", "ab", "\xff", "林地", "a long name of a folder", "a+" };
    static const char *const names[] = { "a!", "a-", "a.csv", "a", "b\xff", "z z", "林地.shp", "a0" };
    GString *path = g_string_new(NULL);
    Entry *entry = g_new0(Entry, 1);

    for (int depth = g_rand_int_range(random, 0, 5); depth > 0; depth--)
        g_string_append_printf(path, "%s/", folders[g_rand_int_range(random, 0, G_N_ELEMENTS(folders))]);
    g_string_append(path, names[g_rand_int_range(random, 0, G_N_ELEMENTS(names))]);
    if (g_rand_int_range(random, 0, 8) != 0)
        g_string_append_printf(path, "%d", g_rand_int_range(random, 0, 30));
    entry->path = g_string_free(path, FALSE);
    entry->kind = (ItemKind)g_rand_int_range(random, 0, 12);
    if (entry->kind == ITEM_LINK) {
        entry->target = g_strdup_printf("../%u", g_rand_int(random));
    } else if (entry->kind != ITEM_FOLDER) {
        entry->kind = entry->kind == ITEM_EXECUTABLE ? ITEM_EXECUTABLE : ITEM_FILE;
        entry->chunks = random_chunks(random, &entry->size);
        entry->digest = digest_of_number(g_rand_int(random));
        if (entry->chunks->len == 0)
            digest_of("", 0, &entry->digest);
        else if (entry->chunks->len == 1 && g_array_index(entry->chunks, ChunkRef, 0).run == 1)
            entry->digest = g_array_index(entry->chunks, ChunkRef, 0).digest;
    }
    return entry;
}

static inline GPtrArray *
entries_random(GRand *random, guint count)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);

    for (guint i = 0; i < count; i++)
        g_ptr_array_add(all, random_entry(random));
    g_ptr_array_sort(all, entry_compare);
    for (guint i = 0; i < all->len; i++) {
        Entry *entry = all->pdata[i], *last = entries->len > 0 ? entries->pdata[entries->len - 1] : NULL;

        if (last && (strcmp(last->path, entry->path) == 0 || path_is_below(entry->path, last->path)))
            entry_free(entry);
        else
            g_ptr_array_add(entries, entry);
    }
    return entries;
}

#endif
