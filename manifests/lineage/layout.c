/* Layers by the longest path, order by barycentres, heights by least squares: the method of Sugiyama and others, of which nothing here needs more. */
#include "manifests/lineage/layout.h"

#include <math.h>
#include <stdlib.h>

#define ORDER_SWEEPS 12
#define HEIGHT_SWEEPS 16
#define WAY_HEIGHT 8.0        /* room that a passing line takes */

typedef struct {
    const Lineage *lineage;
    Layout *layout;
    guint columns;
    GPtrArray *in, *out;      /* of each box: GArray of guint, boxes one column to the left and to the right that a line joins to it */
    GPtrArray *order;         /* of each column: GArray of guint, boxes from top to bottom */
    double *centre;           /* of each box: the middle of its height */
    double *weight;           /* of each box, for sorting */
} Laying;

static LayoutBox *
box_at(Laying *l, guint index)
{
    return &g_array_index(l->layout->boxes, LayoutBox, index);
}

static void
free_way(gpointer data)
{
    LayoutLine *line = data;

    g_array_unref(line->ways);
}

void
layout_free(Layout *layout)
{
    if (!layout)
        return;
    g_array_unref(layout->boxes);
    g_array_unref(layout->lines);
    g_free(layout);
}

/* Boxes: versions, and beside each version whose sources are not known a box for them. */
static void
make_boxes(Laying *l)
{
    const Lineage *lineage = l->lineage;
    const LayoutBox box = { .width = LAYOUT_BOX_WIDTH, .height = LAYOUT_BOX_HEIGHT, .version = LINEAGE_NOTHING };

    for (guint i = 0; i < lineage->versions->len; i++) {
        LayoutBox of_version = box;

        of_version.version = i;
        g_array_append_val(l->layout->boxes, of_version);
    }
    for (guint i = 0; i < lineage->edges->len; i++) {
        const LineageEdge *edge = lineage_edge(lineage, i);
        LayoutLine line = { .edge = i, .from = edge->source, .to = edge->derived, .ways = g_array_new(FALSE, FALSE, sizeof(guint)) };

        if (edge->source == LINEAGE_NOTHING) {
            line.from = l->layout->boxes->len;
            g_array_append_val(l->layout->boxes, box);
        }
        g_array_append_val(l->layout->lines, line);
    }
    l->layout->count = l->layout->boxes->len;
}

/* Steps from the version asked about, as many as the longest way has.  Rounds are bounded by the number of boxes, should there be a circle after all. */
static void
choose_columns(Laying *l)
{
    const GArray *lines = l->layout->lines;
    gboolean down = l->lineage->downstream, changed = TRUE;

    for (guint round = 0; changed && round < l->layout->count; round++) {
        changed = FALSE;
        for (guint i = 0; i < lines->len; i++) {
            const LayoutLine *line = layout_line(l->layout, i);
            const LayoutBox *near = box_at(l, down ? line->from : line->to);
            LayoutBox *far = box_at(l, down ? line->to : line->from);

            if (far->column > near->column || line->from == line->to || near->column + 1 >= l->layout->count)
                continue;
            far->column = near->column + 1;
            changed = TRUE;
        }
    }
    for (guint i = 0; i < l->layout->count; i++)
        l->columns = MAX(l->columns, box_at(l, i)->column + 1);
    for (guint i = 0; !down && i < l->layout->count; i++)
        box_at(l, i)->column = l->columns - 1 - box_at(l, i)->column;
}

static guint
count_ways(Laying *l)
{
    guint64 ways = 0;

    for (guint i = 0; i < l->layout->lines->len && ways <= LAYOUT_WAYS_MAX; i++) {
        const LayoutLine *line = layout_line(l->layout, i);
        guint from = box_at(l, line->from)->column, to = box_at(l, line->to)->column;

        ways += to > from + 1 ? to - from - 1 : 0;
    }
    return (guint)MIN(ways, LAYOUT_WAYS_MAX + 1);
}

/* A line that is longer than one column gets a place in each that it passes, so that no box stands in its way. */
static void
make_ways(Laying *l)
{
    if (count_ways(l) > LAYOUT_WAYS_MAX)
        return;
    for (guint i = 0; i < l->layout->lines->len; i++) {
        const LayoutLine *line = layout_line(l->layout, i);

        for (guint column = box_at(l, line->from)->column + 1; column < box_at(l, line->to)->column; column++) {
            const LayoutBox way = { .width = LAYOUT_BOX_WIDTH, .column = column, .version = LINEAGE_NOTHING };
            guint index = l->layout->boxes->len;

            g_array_append_val(l->layout->boxes, way);
            g_array_append_val(line->ways, index);
        }
    }
}

static void
join(Laying *l, guint left, guint right)
{
    g_array_append_val((GArray *)l->out->pdata[left], right);
    g_array_append_val((GArray *)l->in->pdata[right], left);
}

static void
join_all(Laying *l)
{
    for (guint i = 0; i < l->layout->boxes->len; i++) {
        g_ptr_array_add(l->in, g_array_new(FALSE, FALSE, sizeof(guint)));
        g_ptr_array_add(l->out, g_array_new(FALSE, FALSE, sizeof(guint)));
    }
    for (guint i = 0; i < l->layout->lines->len; i++) {
        const LayoutLine *line = layout_line(l->layout, i);
        guint at = line->from;

        for (guint w = 0; w < line->ways->len; w++) {
            join(l, at, g_array_index(line->ways, guint, w));
            at = g_array_index(line->ways, guint, w);
        }
        if (at != line->to)
            join(l, at, line->to);
    }
    for (guint i = 0; i < l->layout->count; i++) {
        guint ports = MAX(((GArray *)l->in->pdata[i])->len, ((GArray *)l->out->pdata[i])->len);

        box_at(l, i)->height = MAX(LAYOUT_BOX_HEIGHT, (ports + 1) * LAYOUT_PORT);
    }
}

static void
fill_columns(Laying *l)
{
    for (guint i = 0; i < l->columns; i++)
        g_ptr_array_add(l->order, g_array_new(FALSE, FALSE, sizeof(guint)));
    for (guint i = 0; i < l->layout->boxes->len; i++)
        g_array_append_val((GArray *)l->order->pdata[box_at(l, i)->column], i);
}

static double
mean_of(Laying *l, const GArray *others, double otherwise)
{
    double sum = 0;

    for (guint i = 0; i < others->len; i++)
        sum += l->centre[g_array_index(others, guint, i)];
    return others->len > 0 ? sum / others->len : otherwise;
}

static int
compare_weights(gconstpointer a, gconstpointer b, gpointer data)
{
    const Laying *l = data;
    guint x = *(const guint *)a, y = *(const guint *)b;

    if (l->weight[x] != l->weight[y])
        return l->weight[x] < l->weight[y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* While columns are ordered, the centre of a box is its rank. */
static void
rank(Laying *l, const GArray *order)
{
    for (guint i = 0; i < order->len; i++)
        l->centre[g_array_index(order, guint, i)] = i;
}

static void
order_column(Laying *l, guint column, const GPtrArray *neighbours)
{
    GArray *order = l->order->pdata[column];

    for (guint i = 0; i < order->len; i++) {
        guint box = g_array_index(order, guint, i);

        l->weight[box] = mean_of(l, neighbours->pdata[box], l->centre[box]);
    }
    g_qsort_with_data(order->data, (int)order->len, sizeof(guint), compare_weights, l);
    rank(l, order);
}

static void
order_columns(Laying *l)
{
    for (guint c = 0; c < l->columns; c++)
        rank(l, l->order->pdata[c]);
    for (guint sweep = 0; sweep < ORDER_SWEEPS; sweep++) {
        for (guint c = 1; c < l->columns; c++)
            order_column(l, c, l->in);
        for (guint c = l->columns - 1; c-- > 0;)
            order_column(l, c, l->out);
    }
}

/* Room from the middle of one box to the middle of the one below it. */
static double
distance(Laying *l, guint above, guint below)
{
    const LayoutBox *a = box_at(l, above), *b = box_at(l, below);
    double half = (MAX(a->height, WAY_HEIGHT) + MAX(b->height, WAY_HEIGHT)) / 2;

    return half + (a->height > 0 && b->height > 0 ? LAYOUT_GAP_Y : LAYOUT_GAP_Y / 2);
}

/* Boxes of a column that stand together: their mean shift is what all want, at least squares. */
typedef struct {
    double sum;
    guint count, last;
} Block;

/* The places nearest to those wanted that keep order and distances (pool adjacent violators). */
static void
place_column(Laying *l, guint column, const double *wanted)
{
    GArray *order = l->order->pdata[column];
    g_autofree Block *blocks = g_new(Block, order->len + 1);
    g_autofree double *offset = g_new0(double, order->len + 1);
    guint count = 0, at = 0;

    for (guint i = 0; i < order->len; i++) {
        guint box = g_array_index(order, guint, i);

        offset[i] = i == 0 ? 0 : offset[i - 1] + distance(l, g_array_index(order, guint, i - 1), box);
        blocks[count++] = (Block){ wanted[box] - offset[i], 1, i };
        while (count > 1 && blocks[count - 2].sum / blocks[count - 2].count >= blocks[count - 1].sum / blocks[count - 1].count) {
            blocks[count - 2].sum += blocks[count - 1].sum;
            blocks[count - 2].count += blocks[count - 1].count;
            blocks[count - 2].last = blocks[count - 1].last;
            count--;
        }
    }
    for (guint b = 0; b < count; b++)
        for (; at <= blocks[b].last; at++)
            l->centre[g_array_index(order, guint, at)] = blocks[b].sum / blocks[b].count + offset[at];
}

static void
place_by(Laying *l, guint column, const GPtrArray *neighbours)
{
    const GArray *order = l->order->pdata[column];

    for (guint i = 0; i < order->len; i++) {
        guint box = g_array_index(order, guint, i);

        l->weight[box] = mean_of(l, neighbours->pdata[box], l->centre[box]);
    }
    place_column(l, column, l->weight);
}

static void
place_columns(Laying *l)
{
    for (guint i = 0; i < l->layout->boxes->len; i++)
        l->weight[i] = 0;
    for (guint c = 0; c < l->columns; c++)
        place_column(l, c, l->weight);
    for (guint sweep = 0; sweep < HEIGHT_SWEEPS; sweep++) {
        for (guint c = 1; c < l->columns; c++)
            place_by(l, c, l->in);
        for (guint c = l->columns - 1; c-- > 0;)
            place_by(l, c, l->out);
    }
}

static void
set_places(Laying *l)
{
    double top = G_MAXDOUBLE, bottom = -G_MAXDOUBLE;

    for (guint i = 0; i < l->layout->boxes->len; i++) {
        top = MIN(top, l->centre[i] - box_at(l, i)->height / 2);
        bottom = MAX(bottom, l->centre[i] + box_at(l, i)->height / 2);
    }
    for (guint i = 0; i < l->layout->boxes->len; i++) {
        LayoutBox *box = box_at(l, i);

        box->x = box->column * (LAYOUT_BOX_WIDTH + LAYOUT_GAP_X);
        box->y = round(l->centre[i] - box->height / 2 - top);
    }
    l->layout->width = l->columns * (LAYOUT_BOX_WIDTH + LAYOUT_GAP_X) - LAYOUT_GAP_X;
    l->layout->height = round(bottom - top);
}

/* What a line meets next to box @at: to the right of its source, to the left of where it arrives. */
static double
height_of_next(Laying *l, const LayoutLine *line, gboolean leaving)
{
    guint next = leaving ? line->to : line->from;

    if (line->ways->len > 0)
        next = g_array_index(line->ways, guint, leaving ? 0 : line->ways->len - 1);
    return box_at(l, next)->y + box_at(l, next)->height / 2;
}

typedef struct {
    guint box, line;
    double height;
} Port;

static int
compare_ports(gconstpointer a, gconstpointer b)
{
    const Port *x = a, *y = b;

    if (x->box != y->box)
        return x->box < y->box ? -1 : 1;
    if (x->height != y->height)
        return x->height < y->height ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

/* Lines at one side of a box stand in the order of where they go, in equal distances around its middle. */
static void
set_ports(Laying *l, gboolean leaving)
{
    GArray *lines = l->layout->lines;
    g_autofree Port *ports = g_new(Port, lines->len + 1);

    for (guint i = 0; i < lines->len; i++) {
        const LayoutLine *line = layout_line(l->layout, i);

        ports[i] = (Port){ leaving ? line->from : line->to, i, height_of_next(l, line, leaving) };
    }
    qsort(ports, lines->len, sizeof *ports, compare_ports);
    for (guint i = 0, end; i < lines->len; i = end) {
        const LayoutBox *box = box_at(l, ports[i].box);

        for (end = i; end < lines->len && ports[end].box == ports[i].box;)
            end++;
        for (guint p = i; p < end; p++) {
            LayoutLine *line = &g_array_index(lines, LayoutLine, ports[p].line);
            double y = box->y + box->height / 2 + ((double)(p - i) - (end - i - 1) / 2.0) * LAYOUT_PORT;

            *(leaving ? &line->from_y : &line->to_y) = y;
        }
    }
}

static void
free_array(gpointer array)
{
    g_array_unref(array);
}

Layout *
layout_new(const Lineage *lineage)
{
    g_autoptr(GPtrArray) in = g_ptr_array_new_with_free_func(free_array), out = g_ptr_array_new_with_free_func(free_array);
    g_autoptr(GPtrArray) order = g_ptr_array_new_with_free_func(free_array);
    g_autofree double *centre = NULL, *weight = NULL;
    Laying l = { .lineage = lineage, .layout = g_new0(Layout, 1), .in = in, .out = out, .order = order };

    l.layout->boxes = g_array_new(FALSE, TRUE, sizeof(LayoutBox));
    l.layout->lines = g_array_new(FALSE, TRUE, sizeof(LayoutLine));
    g_array_set_clear_func(l.layout->lines, free_way);
    make_boxes(&l);
    choose_columns(&l);
    make_ways(&l);
    join_all(&l);
    fill_columns(&l);
    l.centre = centre = g_new0(double, l.layout->boxes->len);
    l.weight = weight = g_new0(double, l.layout->boxes->len);
    order_columns(&l);
    place_columns(&l);
    set_places(&l);
    set_ports(&l, TRUE);
    set_ports(&l, FALSE);
    return l.layout;
}
