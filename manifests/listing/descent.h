/*
 * descent: a place in a tree of pages, as the stack of pages from the root to it.  What cursors, comparison and the fetching of pages have in
 * common: every page that is opened is checked against the reference that named it (manifests/FORMAT.md, L23, L24).
 * Private to manifests/listing.
 */
#ifndef CHAMA_MANIFESTS_LISTING_DESCENT_H
#define CHAMA_MANIFESTS_LISTING_DESCENT_H

#include "manifests/listing/listing.h"

/* One open page, and how much of the tree lies before its item or child @index. */
typedef struct {
    Page *page;
    GBytes *bytes;
    Digest digest;
    guint index;
    guint64 items, positions, content;  /* content: bytes of files */
} Frame;

typedef struct {
    ListingGet get;
    gpointer data;
    guint depth;                        /* frames in use: at least 1 (the root) once opened */
    Frame frames[PAGE_LEVEL_MAX + 1];
} Descent;

/* Opens the root.  After a failure there is nothing to close. */
gboolean descent_open(Descent *descent, const Digest *root, ListingGet get, gpointer data, GError **error);
void descent_close(Descent *descent);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Descent, descent_close)

Frame *descent_top(Descent *descent);
/* Opens the child at which the top frame stands; it becomes the top. */
gboolean descent_enter(Descent *descent, GError **error);
/* Closes the top, which must not be the root; the frame above still stands at it. */
void descent_leave(Descent *descent);
/* Back to the root's first child or item. */
void descent_rewind(Descent *descent);

gboolean frame_at_end(const Frame *frame);
void frame_step(Frame *frame);

/* From the root to a leaf, to its first item whose path is not before @path (that may be its end), or to the item that holds chunk @position
 * (which must be less than the tree's positions). */
gboolean descent_seek_path(Descent *descent, const char *path, GError **error);
gboolean descent_seek_position(Descent *descent, guint64 position, GError **error);
/* To the leaf of item number @item (which must be less than the tree's items), and to that item. */
gboolean descent_seek_item(Descent *descent, guint64 item, GError **error);
/* Down to the page of @level that item number @item lies below, from where the descent stands if that is on the way; it becomes the top.  FALSE
 * without an error if there is none. */
gboolean descent_go_to_page(Descent *descent, guint level, guint64 item, GError **error);
/* Steps the top, below which it lies, to item number @item; TRUE if that is the first of what it then stands at. */
gboolean descent_stand_at_item(Descent *descent, guint64 item);

#endif
