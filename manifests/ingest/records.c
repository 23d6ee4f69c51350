#include "manifests/ingest/records.h"

#include <string.h>

#include "manifests/tree/spool.h"

/* A record lies as its Archived (the two pointers mean nothing) and its two strings, each with its NUL. */
typedef struct {
    Archived archived;
    guint32 path_size, target_size;
} Head;

/* A sorted run in the spool, and the record that it has come to. */
typedef struct {
    guint64 at, end;
    Head head;
    char *strings;
    gboolean loaded;
} Run;

struct Records {
    gsize limit;
    GByteArray *bytes;         /* the run that is being collected, */
    GArray *offsets;           /* and where its records begin */
    Spool *spool;
    GArray *runs;
    GArray *begins;            /* of the runs, for rewinding */
    Run *given;                /* the run whose record was given last */
};

static void
run_clear(gpointer data)
{
    g_free(((Run *)data)->strings);
}

Records *
records_new(gsize memory_limit)
{
    Records *records = g_new0(Records, 1);

    records->limit = memory_limit;
    records->bytes = g_byte_array_new();
    records->offsets = g_array_new(FALSE, FALSE, sizeof(guint32));
    records->spool = spool_new(memory_limit);
    records->runs = g_array_new(FALSE, FALSE, sizeof(Run));
    g_array_set_clear_func(records->runs, run_clear);
    records->begins = g_array_new(FALSE, FALSE, sizeof(guint64));
    return records;
}

void
records_free(Records *records)
{
    if (!records)
        return;
    g_byte_array_unref(records->bytes);
    g_array_unref(records->offsets);
    spool_free(records->spool);
    g_array_unref(records->runs);
    g_array_unref(records->begins);
    g_free(records);
}

static int
compare_archived(const Archived *a, const char *a_path, const Archived *b, const char *b_path)
{
    int order = path_compare(a_path, b_path);

    return order ? order : a->number < b->number ? -1 : a->number > b->number;
}

/* Records lie unaligned. */
static void
head_at(const GByteArray *bytes, guint32 offset, Head *head)
{
    memcpy(head, bytes->data + offset, sizeof(*head));
}

static gint
compare_offsets(gconstpointer a, gconstpointer b, gpointer data)
{
    const GByteArray *bytes = data;
    guint32 left = *(const guint32 *)a, right = *(const guint32 *)b;
    Head left_head, right_head;

    head_at(bytes, left, &left_head);
    head_at(bytes, right, &right_head);
    return compare_archived(&left_head.archived, (const char *)bytes->data + left + sizeof(Head), &right_head.archived,
                            (const char *)bytes->data + right + sizeof(Head));
}

static gboolean
write_run(Records *records, GError **error)
{
    guint64 begin = spool_size(records->spool);

    g_array_sort_with_data(records->offsets, compare_offsets, records->bytes);
    for (guint i = 0; i < records->offsets->len; i++) {
        guint32 offset = g_array_index(records->offsets, guint32, i);
        Head head;

        head_at(records->bytes, offset, &head);
        if (!spool_add(records->spool, records->bytes->data + offset, sizeof(head) + head.path_size + head.target_size, error))
            return FALSE;
    }
    g_array_append_val(records->begins, begin);
    g_array_set_size(records->offsets, 0);
    g_byte_array_set_size(records->bytes, 0);
    return TRUE;
}

gboolean
records_add(Records *records, const Archived *archived, GError **error)
{
    guint32 offset = records->bytes->len;
    Head head = { *archived, (guint32)strlen(archived->path) + 1, (guint32)strlen(archived->target) + 1 };

    g_byte_array_append(records->bytes, (const guint8 *)&head, sizeof(head));
    g_byte_array_append(records->bytes, (const guint8 *)archived->path, head.path_size);
    g_byte_array_append(records->bytes, (const guint8 *)archived->target, head.target_size);
    g_array_append_val(records->offsets, offset);
    return records->bytes->len < records->limit || write_run(records, error);
}

static gboolean
load(Records *records, Run *run, GError **error)
{
    run->loaded = run->at < run->end;
    if (!run->loaded)
        return TRUE;
    if (!spool_read(records->spool, run->at, &run->head, sizeof(run->head), error))
        return FALSE;
    gsize size = run->head.path_size + run->head.target_size;

    run->strings = g_realloc(run->strings, size);
    if (!spool_read(records->spool, run->at + sizeof(run->head), run->strings, size, error))
        return FALSE;
    run->at += sizeof(run->head) + size;
    return TRUE;
}

gboolean
records_rewind(Records *records, GError **error)
{
    if (records->offsets->len > 0 && !write_run(records, error))
        return FALSE;
    g_array_set_size(records->runs, 0);
    records->given = NULL;
    for (guint i = 0; i < records->begins->len; i++) {
        gboolean last = i + 1 == records->begins->len;
        Run run = { g_array_index(records->begins, guint64, i), last ? spool_size(records->spool) : g_array_index(records->begins, guint64, i + 1) };

        if (!load(records, &run, error))
            return FALSE;
        g_array_append_val(records->runs, run);
    }
    return TRUE;
}

static Run *
lowest_run(Records *records)
{
    Run *lowest = NULL;

    for (guint i = 0; i < records->runs->len; i++) {
        Run *run = &g_array_index(records->runs, Run, i);

        if (run->loaded && (!lowest || compare_archived(&run->head.archived, run->strings, &lowest->head.archived, lowest->strings) < 0))
            lowest = run;
    }
    return lowest;
}

gboolean
records_next(Records *records, Archived *archived, GError **error)
{
    if (records->given && !load(records, records->given, error))
        return FALSE;
    Run *run = records->given = lowest_run(records);

    if (!run)
        return FALSE;
    *archived = run->head.archived;
    archived->path = run->strings;
    archived->target = run->strings + run->head.path_size;
    return TRUE;
}
