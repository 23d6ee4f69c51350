/* Judging evidence: EV6 to EV10 of manifests/FORMAT.md, part 13. */
#include <string.h>

#include "keys/error.h"
#include "keys/history.h"
#include "manifests/evidence_private.h"
#include "manifests/ledger/merkle.h"

#define BOTH_TRUE "evidence: %s: these can all be true: %s"

static gboolean
out_of_order(GError **error, const char *rule, const char *what)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: %s: want %s", rule, what);
}

/* EV6 */
static gboolean
judge_records(Contradiction *found, GError **error)
{
    const Record *first = contradiction_record(found, 0), *second = contradiction_record(found, 1);

    found->form = CONTRADICTION_RECORDS;
    found->size = first->seq + 1;
    if (first->seq == second->seq) {
        int order = digest_compare(&first->address, &second->address);

        if (order == 0)
            return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV6", "the two records are one");
        return order < 0 || out_of_order(error, "EV6", "the record of the lower address first");
    }
    if (second->seq < first->seq)
        return out_of_order(error, "EV6", "the record of the lower number first");
    if (second->seq > first->seq + 1)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV6", "the records do not have one number, nor follow each other");
    if (digest_equal(&second->prev, &first->address))
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV6", "the second record continues the first");
    return TRUE;
}

/* EV7 */
static gboolean
judge_roots(Contradiction *found, GError **error)
{
    const Checkpoint *first = contradiction_checkpoint(found, 0), *second = contradiction_checkpoint(found, 1);
    int order = digest_compare(&first->root, &second->root);

    found->form = CONTRADICTION_ROOTS;
    found->size = first->size;
    if (order == 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV7", "both checkpoints are of one size and root");
    return order < 0 || out_of_order(error, "EV7", "the checkpoint of the lower root first");
}

/* EV8: the proof shows which root the larger tree's first records have; by the hash function there is one alone. */
static gboolean
judge_prefix(const EvidenceReading *reading, GError **error)
{
    Contradiction *found = reading->found;
    const Checkpoint *smaller = contradiction_checkpoint(found, 0), *larger = contradiction_checkpoint(found, 1);

    found->form = CONTRADICTION_PREFIX;
    found->size = smaller->size;
    if (!reading->has_root)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV8", "the checkpoints are of different sizes, and no root shows that one does not continue the other");
    if (!merkle_check_consistency(smaller->size, &reading->root, larger->size, &larger->root, (const Digest *)(gpointer)reading->hashes->data,
                                  reading->hashes->len, error)) {
        g_prefix_error(error, "evidence: EV8: ");
        return FALSE;
    }
    if (digest_equal(&reading->root, &smaller->root))
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV8", "the larger checkpoint continues the smaller one");
    return TRUE;
}

/* EV10 */
static gboolean
judge_rollback(Contradiction *found, GError **error)
{
    const Checkpoint *before = contradiction_checkpoint(found, 0), *after = contradiction_checkpoint(found, 1);

    found->form = CONTRADICTION_ROLLBACK;
    if (before->time == 0 || after->time == 0)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV10", "not both checkpoints say when they were signed");
    if (after->size >= before->size || after->time <= before->time)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV10", "the second checkpoint is not of fewer records and a later time");
    return TRUE;
}

/* The complete subtrees of a tree that grows, the largest first. */
typedef struct {
    Digest peaks[EVIDENCE_HASHES_MAX];
    guint count;
    guint64 size;
} Frontier;

static void
frontier_add(Frontier *frontier, const Digest *leaf)
{
    frontier->peaks[frontier->count++] = *leaf;
    frontier->size++;
    for (guint64 size = frontier->size; size % 2 == 0; size /= 2) {
        merkle_node(&frontier->peaks[frontier->count - 2], &frontier->peaks[frontier->count - 1], &frontier->peaks[frontier->count - 2]);
        frontier->count--;
    }
}

static void
frontier_root(const Frontier *frontier, Digest *root)
{
    digest_of("", 0, root);
    if (frontier->count > 0)
        *root = frontier->peaks[frontier->count - 1];
    for (guint i = frontier->count; i > 1; i--)
        merkle_node(&frontier->peaks[i - 2], root, root);
}

/* EV9: where the records begin: at 0, or under the first checkpoint, of which the complete subtrees are given. */
static gboolean
begin_records(const EvidenceReading *reading, Frontier *frontier, GError **error)
{
    const Contradiction *found = reading->found;
    const Checkpoint *first = found->checkpoints->len == 2 ? contradiction_checkpoint(found, 0) : NULL;
    guint64 size = first ? first->size : 0;
    guint peaks = 0;
    Digest root;

    for (guint64 rest = size; rest > 0; rest &= rest - 1)
        peaks++;
    if (first && size == 0)
        return out_of_order(error, "EV9", "no first checkpoint where the records begin with the inception");
    if (reading->hashes->len != peaks)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV9: want %u hashes below the first checkpoint, have %u", peaks, reading->hashes->len);
    *frontier = (Frontier){ .count = peaks, .size = size };
    if (peaks > 0)
        memcpy(frontier->peaks, reading->hashes->data, peaks * sizeof(Digest));
    frontier_root(frontier, &root);
    if (first && !digest_equal(&root, &first->root))
        return chama_error(error, CHAMA_ERROR_VERIFY, "evidence: EV9: the hashes are not those below the first checkpoint");
    return TRUE;
}

static gboolean
add_records(const Contradiction *found, Frontier *frontier, GError **error)
{
    for (guint i = 0; i < found->records->len; i++) {
        const Record *record = contradiction_record(found, i);
        g_autoptr(GBytes) entry = record_entry(record);
        Digest leaf;

        if (record->seq != frontier->size || (i > 0 && !digest_equal(&record->prev, &contradiction_record(found, i - 1)->address)))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV9: want records from %" G_GUINT64_FORMAT " on that continue each other, have %" G_GUINT64_FORMAT,
                               frontier->size, record->seq);
        merkle_leaf(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &leaf);
        frontier_add(frontier, &leaf);
    }
    return TRUE;
}

static gboolean
judge_checkpoint(const EvidenceReading *reading, GError **error)
{
    Contradiction *found = reading->found;
    const Checkpoint *last = contradiction_checkpoint(found, found->checkpoints->len - 1);
    Frontier frontier;
    Digest root;

    found->form = CONTRADICTION_CHECKPOINT;
    found->size = last->size;
    if (!begin_records(reading, &frontier, error) || !add_records(found, &frontier, error))
        return FALSE;
    if (frontier.size != last->size)
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV9", "the checkpoint is of another number of records");
    frontier_root(&frontier, &root);
    if (digest_equal(&root, &last->root))
        return chama_error(error, CHAMA_ERROR_VERIFY, BOTH_TRUE, "EV9", "the checkpoint is that of the records");
    return TRUE;
}

/* What stands in the document says which form it has; each has its members, and no others. */
static gboolean
judge_form(const EvidenceReading *reading, GError **error)
{
    Contradiction *found = reading->found;
    guint records = found->records->len, checkpoints = found->checkpoints->len;
    gboolean bare = !reading->has_root && reading->hashes->len == 0;

    if (reading->rollback && records == 0 && checkpoints == 2 && bare)
        return judge_rollback(found, error);
    if (!reading->rollback && records == 2 && checkpoints == 0 && bare)
        return judge_records(found, error);
    if (!reading->rollback && records > 0 && checkpoints > 0 && !reading->has_root)
        return judge_checkpoint(reading, error);
    if (reading->rollback || records > 0 || checkpoints != 2)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV2: want one of the forms EV6 to EV10, have %u records and %u checkpoints", records, checkpoints);
    if (contradiction_checkpoint(found, 1)->size < contradiction_checkpoint(found, 0)->size)
        return out_of_order(error, "EV8", "the smaller checkpoint first");
    if (contradiction_checkpoint(found, 1)->size > contradiction_checkpoint(found, 0)->size)
        return judge_prefix(reading, error);
    return bare ? judge_roots(found, error) : out_of_order(error, "EV7", "neither root nor hashes beside two checkpoints of one size");
}

/* EV3: keys that came later say nothing here, and would be a second spelling. */
static gboolean
judge_keys(const Contradiction *found, GError **error)
{
    guint64 end = found->checkpoints->len == 0 ? contradiction_record(found, 0)->seq : 0;

    for (guint i = 0; i < found->checkpoints->len; i++)
        end = MAX(end, contradiction_checkpoint(found, i)->size);
    return !found->identity->before || found->identity->since < end ||
           chama_error(error, CHAMA_ERROR_MALFORMED, "evidence: EV3: want no rotation but those before record %" G_GUINT64_FORMAT ", have record %" G_GUINT64_FORMAT, end,
                       found->identity->since);
}

static void
find_oldest(Contradiction *found)
{
    guint64 first = G_MAXUINT64;

    for (guint i = 0; i < found->checkpoints->len; i++)
        first = MIN(first, contradiction_checkpoint(found, i)->size);
    first = first > 0 ? first - 1 : 0;
    for (guint i = 0; i < found->records->len; i++)
        first = MIN(first, contradiction_record(found, i)->seq);
    found->oldest = identity_at(found->identity, first);
}

gboolean
evidence_judge(const EvidenceReading *reading, GError **error)
{
    if (!judge_form(reading, error) || !judge_keys(reading->found, error))
        return FALSE;
    find_oldest(reading->found);
    return TRUE;
}
