/*
 * layout: where the versions of a lineage stand in a picture: in columns, each step leading from a column to one further right, boxes never on each
 * other and lines never through a box (manifests/FORMAT.md, part 14, LI15).  Pure; the same lineage gives the same layout.
 *
 * Time runs to the right: sources stand left of what was made from them.
 */
#ifndef CHAMA_MANIFESTS_LINEAGE_LAYOUT_H
#define CHAMA_MANIFESTS_LINEAGE_LAYOUT_H

#include "manifests/lineage/graph.h"

#define LAYOUT_BOX_WIDTH 232.0
#define LAYOUT_BOX_HEIGHT 64.0      /* at least: it grows with the lines that end at a side */
#define LAYOUT_PORT 15.0            /* between two lines at one side */
#define LAYOUT_GAP_X 132.0          /* between two columns: lines turn there, and verdicts are written there */
#define LAYOUT_GAP_Y 22.0
#define LAYOUT_WAYS_MAX 100000      /* places at which long lines pass columns; beyond, they go straight */

typedef struct {
    double x, y, width, height;     /* of the box; of a place where a line passes, height is 0 */
    guint column;
    guint version;                  /* LINEAGE_NOTHING: the unknown sources of a version, or a place where a line passes */
} LayoutBox;

typedef struct {
    guint edge;                     /* of the lineage */
    guint from, to;                 /* boxes: the source, the derived one */
    double from_y, to_y;            /* where the line leaves and arrives */
    GArray *ways;                   /* of guint: boxes that are places where it passes, from left to right */
} LayoutLine;

typedef struct {
    double width, height;
    guint count;                    /* boxes of versions and of unknown sources come first, then places where lines pass */
    GArray *boxes;                  /* of LayoutBox */
    GArray *lines;                  /* of LayoutLine */
} Layout;

Layout *layout_new(const Lineage *lineage);
void layout_free(Layout *layout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Layout, layout_free)

static inline const LayoutBox *
layout_box(const Layout *layout, guint index)
{
    return &g_array_index(layout->boxes, LayoutBox, index);
}

static inline const LayoutLine *
layout_line(const Layout *layout, guint index)
{
    return &g_array_index(layout->lines, LayoutLine, index);
}

#endif
