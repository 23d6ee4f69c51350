#include "manifests/listing/known.h"

#include <string.h>

#define REFERENCES_MAX 250000

/* One reference: the digest of all that it says, and of the one after it on its level (zero: none, or not known). */
typedef struct {
    Digest key, next;
} Reference;

struct KnownPages {
    GHashTable *references;     /* Digest -> the Reference that it is in */
    GHashTable *roots;          /* set of Digest* */
    Digest last;                /* the reference that was said to be known last */
};

/* The place in the tree at which known_pages_add() is. */
typedef struct {
    KnownPages *known;
    ListingGet get;
    gpointer data;
    Reference *before[PAGE_LEVEL_MAX + 1];
} Addition;

KnownPages *
known_pages_new(void)
{
    KnownPages *known = g_new0(KnownPages, 1);

    known->references = g_hash_table_new_full(digest_hash, digest_equal, NULL, g_free);
    known->roots = g_hash_table_new_full(digest_hash, digest_equal, g_free, NULL);
    return known;
}

void
known_pages_free(KnownPages *known)
{
    if (!known)
        return;
    g_hash_table_unref(known->references);
    g_hash_table_unref(known->roots);
    g_free(known);
}

static Digest
key_of(guint level, const PageRef *page)
{
    const guint64 counts[] = { level, page->items, page->files, page->positions, page->bytes };
    guint8 bytes[DIGEST_SIZE + sizeof counts + PATH_SIZE_MAX];
    gsize length = strlen(page->path);
    Digest key;

    memcpy(bytes, page->digest.bytes, DIGEST_SIZE);
    memcpy(bytes + DIGEST_SIZE, counts, sizeof counts);
    memcpy(bytes + DIGEST_SIZE + sizeof counts, page->path, length);
    digest_of(bytes, DIGEST_SIZE + sizeof counts + length, &key);
    return key;
}

/* TRUE if it is new.  What stood before it on its level now knows what follows. */
static gboolean
add_reference(Addition *addition, guint level, const PageRef *page)
{
    GHashTable *references = addition->known->references;
    Digest key = key_of(level, page);
    Reference *reference = g_hash_table_lookup(references, &key);
    gboolean fresh = !reference;

    if (fresh && g_hash_table_size(references) < REFERENCES_MAX) {
        reference = g_new0(Reference, 1);
        reference->key = key;
        g_hash_table_insert(references, &reference->key, reference);
    }
    if (addition->before[level] && reference)
        addition->before[level]->next = key;
    addition->before[level] = reference;
    return fresh;
}

static gboolean
add_below(Addition *addition, const Digest *digest, GError **error)
{
    g_autoptr(GBytes) bytes = addition->get(addition->data, digest, error);
    g_autoptr(Page) page = bytes ? page_parse(bytes, error) : NULL;
    guint level = page ? page_level(page) : 0;

    for (guint i = 0; level > 0 && i < page_count(page); i++) {
        const PageRef *child = page_child(page, i);
        gboolean fresh = add_reference(addition, level - 1, child);

        if (level > 1 && fresh && !add_below(addition, &child->digest, error))
            return FALSE;
        /* What lies below is passed over, and nothing there is the neighbour of what comes next. */
        if (!fresh)
            memset(addition->before, 0, (level - 1) * sizeof *addition->before);
    }
    return page != NULL;
}

gboolean
known_pages_add(KnownPages *known, const Digest *root, ListingGet get, gpointer data, GError **error)
{
    Addition addition = { .known = known, .get = get, .data = data };

    if (known_pages_has_root(known, root))
        return TRUE;
    if (!add_below(&addition, root, error))
        return FALSE;
    if (g_hash_table_size(known->roots) < REFERENCES_MAX)
        g_hash_table_add(known->roots, g_memdup2(root, sizeof *root));
    return TRUE;
}

gboolean
known_pages_has_root(KnownPages *known, const Digest *root)
{
    return g_hash_table_contains(known->roots, root);
}

gboolean
known_pages_has(KnownPages *known, guint level, const PageRef *page)
{
    Digest key = key_of(level, page);

    return g_hash_table_contains(known->references, &key);
}

ListingKnown
known_pages_knows(gpointer data, guint level, const PageRef *page, gboolean follows)
{
    KnownPages *known = data;
    Digest key = key_of(level, page);
    const Reference *before = follows ? g_hash_table_lookup(known->references, &known->last) : NULL;

    if (!g_hash_table_contains(known->references, &key))
        return LISTING_UNKNOWN;
    known->last = key;
    return before && digest_equal(&before->next, &key) ? LISTING_KNOWN_TOO : LISTING_KNOWN;
}
