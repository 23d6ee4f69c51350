/*
 * cursor_private: what the files of the cursor share.  Private to manifests/listing.
 */
#ifndef CHAMA_MANIFESTS_LISTING_CURSOR_PRIVATE_H
#define CHAMA_MANIFESTS_LISTING_CURSOR_PRIVATE_H

#include "manifests/listing/descent.h"

struct ListingCursor {
    Descent tree;
    /* The item before, at the end of the page before; not known at the begin and after a seek. */
    gboolean has_previous;
    char previous[PATH_SIZE_MAX + 1];
    ItemKind previous_kind;
    Digest previous_chunk;           /* its last, of a part */
    gboolean in_file;                /* the next item goes on with the file of the one before */
    guint64 file_start;              /* content before that file */
    gboolean gap;                    /* pages were left out since: what is above says what was before them */
    Descent aside;                   /* for looks at what was left out; depth 0: none yet */
    ListingPassOver pass_over;
    ListingKnows knows;
    ListingAhead ahead;
    gpointer pass_over_data, knows_data, ahead_data;
};

/* Takes note of the last item of @page, which the cursor leaves. */
void cursor_remember_last(ListingCursor *cursor, const Page *page);
/* L14, L15: may an item of @path follow what was before?  @goes_on: it is of a kind that can go on with a file. */
gboolean cursor_check_path(const ListingCursor *cursor, const char *path, gboolean goes_on, GError **error);

/* gap.c.  Leaves out the child that comes next if it is known: *@passed. */
gboolean cursor_pass_known(ListingCursor *cursor, gboolean *passed, GError **error);
/* Finds out what the last item was that was left out. */
gboolean cursor_close_gap(ListingCursor *cursor, GError **error);

#endif
