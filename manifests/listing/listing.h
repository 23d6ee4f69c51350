/*
 * listing: trees of pages, written in one pass and read by descent (manifests/FORMAT.md, part 4).
 *
 * The same files give the same root everywhere (I9): pages are cut after an item whose path (of a file) or last chunk (of a part)
 * says so, never by who wrote them or what was there before.
 */
#ifndef CHAMA_MANIFESTS_LISTING_LISTING_H
#define CHAMA_MANIFESTS_LISTING_LISTING_H

#include "manifests/listing/page.h"

/* Takes a finished page; called from the thread that writes. */
typedef gboolean (*ListingPut)(gpointer data, GBytes *page, const Digest *digest, GError **error);
/* Gives a page by digest: its bytes hash to it (the store has checked), or an error. */
typedef GBytes *(*ListingGet)(gpointer data, const Digest *digest, GError **error);

typedef struct {
    Digest root;
    guint64 items, positions, bytes;
    guint64 files, folders, links;     /* regular files, empty folders, symbolic links */
} ListingTotals;

/* Writing: entries in strictly ascending path order.  Memory: one page a level and at most ITEM_CHUNKS_MAX references. */
typedef struct ListingWriter ListingWriter;
ListingWriter *listing_writer_new(ListingPut put, gpointer data);
void listing_writer_free(ListingWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ListingWriter, listing_writer_free)
/* A file: begin, its chunks in order (runs of equal chunks are joined here), end with size and digest (checked against the chunks' sizes). */
gboolean listing_writer_begin_file(ListingWriter *writer, const char *path, GError **error);
gboolean listing_writer_chunk(ListingWriter *writer, const ChunkRef *chunk, GError **error);
gboolean listing_writer_end_file(ListingWriter *writer, gboolean executable, guint64 size, const Digest *digest, GError **error);
gboolean listing_writer_link(ListingWriter *writer, const char *path, const char *target, GError **error);
/* Only a folder with nothing in it. */
gboolean listing_writer_folder(ListingWriter *writer, const char *path, GError **error);
gboolean listing_writer_finish(ListingWriter *writer, ListingTotals *totals, GError **error);

/* Reading: a cursor over items.  Each page that is read is checked against the reference that named it and against its neighbours'
 * order (MALFORMED, VERIFY), so a whole walk proves the whole tree.  One page a level in memory. */
typedef struct ListingCursor ListingCursor;
ListingCursor *listing_cursor_new(const Digest *root, ListingGet get, gpointer data, GError **error);
void listing_cursor_free(ListingCursor *cursor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ListingCursor, listing_cursor_free)
/* Asked before a page that holds nothing but parts of one file: may it, and what lies below it, be passed over?  Only such a page can stand in a listing
 * twice (L23), so who wants to see each thing once remembers them: a few pages that name each other over and over stand for 10^12 positions. */
typedef gboolean (*ListingPassOver)(gpointer data, const Digest *page);
void listing_cursor_pass_over(ListingCursor *cursor, ListingPassOver pass_over, gpointer data);
/* Asked before a page in which a file begins: is all that lies below it known, from another listing that was walked whole and held the very same reference
 * at this level?  Then it is left out.  LISTING_KNOWN_TOO: it followed there, too, on the page left out right before (@follows: there is one). */
typedef enum { LISTING_UNKNOWN, LISTING_KNOWN, LISTING_KNOWN_TOO } ListingKnown;
typedef ListingKnown (*ListingKnows)(gpointer data, guint level, const PageRef *page, gboolean follows);
void listing_cursor_leave_out(ListingCursor *cursor, ListingKnows knows, gpointer data);
/* Told before child @index of @page is read, below which item number @first_item is the first: who fetches pages can fetch many at once. */
typedef gboolean (*ListingAhead)(gpointer data, const Page *page, guint index, guint64 first_item, GError **error);
void listing_cursor_look_ahead(ListingCursor *cursor, ListingAhead ahead, gpointer data);
/* What the root page says; exact only after a whole walk. */
void listing_cursor_totals(const ListingCursor *cursor, PageRef *totals);
/* The next item, valid until the next call; FALSE without an error at the end.  @first_position is the position of the
 * item's first chunk, @offset where that chunk begins in its file; either may be NULL. */
gboolean listing_cursor_next(ListingCursor *cursor, const Item **item, guint64 *first_position, guint64 *offset, GError **error);
/* To the first item whose path is not before @path; or to the item that holds chunk @position. */
gboolean listing_cursor_seek_path(ListingCursor *cursor, const char *path, GError **error);
gboolean listing_cursor_seek_position(ListingCursor *cursor, guint64 position, GError **error);

/* Pages by their places, as sync asks for them (never by hash): @level and the number of the first item below.  What lies in order costs one look at
 * each page above; one page a level in memory.  The page itself is not read.  NOT_FOUND if none begins there. */
typedef struct ListingPages ListingPages;
ListingPages *listing_pages_new(const Digest *root, ListingGet get, gpointer data, GError **error);
void listing_pages_free(ListingPages *pages);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ListingPages, listing_pages_free)
gboolean listing_pages_find(ListingPages *pages, guint level, guint64 first_item, Digest *digest, GError **error);

/* Every page of the tree, each before those below it, in the order of their first items; one page a level in memory.  For marking, verifying
 * and fetching.  @visit may return FALSE with no error to skip what lies below a page. */
typedef gboolean (*ListingVisit)(gpointer data, const Digest *digest, const Page *page, guint64 first_item, GError **error);
gboolean listing_foreach_page(const Digest *root, ListingGet get, gpointer get_data, ListingVisit visit, gpointer visit_data, GError **error);

#endif
