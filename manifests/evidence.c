#include "manifests/evidence_private.h"

#include "keys/canonical.h"

void
contradiction_free(Contradiction *contradiction)
{
    if (!contradiction)
        return;
    identity_free(contradiction->identity);
    g_ptr_array_unref(contradiction->records);
    g_ptr_array_unref(contradiction->checkpoints);
    g_free(contradiction);
}

Contradiction *
contradiction_new(void)
{
    Contradiction *contradiction = g_new0(Contradiction, 1);

    contradiction->records = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    contradiction->checkpoints = g_ptr_array_new_with_free_func((GDestroyNotify)checkpoint_free);
    return contradiction;
}

const char *
contradiction_kind(const Contradiction *contradiction)
{
    return contradiction->form == CONTRADICTION_ROLLBACK ? EVIDENCE_KIND_ROLLBACK : EVIDENCE_KIND_FORK;
}

const Checkpoint *
contradiction_checkpoint(const Contradiction *contradiction, guint i)
{
    return g_ptr_array_index(contradiction->checkpoints, i);
}

const Record *
contradiction_record(const Contradiction *contradiction, guint i)
{
    return g_ptr_array_index(contradiction->records, i);
}

static char *
describe_records(const Contradiction *contradiction)
{
    const Record *first = contradiction_record(contradiction, 0), *second = contradiction_record(contradiction, 1);
    char address[2][DIGEST_TEXT_SIZE];

    if (first->seq == second->seq)
        return g_strdup_printf("it signed two different records with the number %" G_GUINT64_FORMAT ": %s and %s", first->seq,
                               digest_format(&first->address, address[0]), digest_format(&second->address, address[1]));
    return g_strdup_printf("it signed record %" G_GUINT64_FORMAT " as %s, and a record %" G_GUINT64_FORMAT " that continues another, %s", first->seq,
                           digest_format(&first->address, address[0]), second->seq, digest_format(&second->prev, address[1]));
}

static char *
describe_rollback(const Contradiction *contradiction)
{
    const Checkpoint *before = contradiction_checkpoint(contradiction, 0), *after = contradiction_checkpoint(contradiction, 1);
    char time[2][TIME_TEXT_SIZE];

    return g_strdup_printf("it signed that it had %" G_GUINT64_FORMAT " records on %s, and %" G_GUINT64_FORMAT " on %s", before->size,
                           time_format(before->time, time[0]), after->size, time_format(after->time, time[1]));
}

char *
contradiction_describe(const Contradiction *contradiction)
{
    switch (contradiction->form) {
    case CONTRADICTION_RECORDS:
        return describe_records(contradiction);
    case CONTRADICTION_ROOTS:
        return g_strdup_printf("it signed two checkpoints of %" G_GUINT64_FORMAT " records with different roots", contradiction->size);
    case CONTRADICTION_PREFIX:
        return g_strdup_printf("it signed a checkpoint of %" G_GUINT64_FORMAT " records, and one of %" G_GUINT64_FORMAT " of which the first %" G_GUINT64_FORMAT
                               " are others", contradiction->size, contradiction_checkpoint(contradiction, 1)->size, contradiction->size);
    case CONTRADICTION_CHECKPOINT:
        return g_strdup_printf("it signed a checkpoint of %" G_GUINT64_FORMAT " records that is not that of the records that it signed", contradiction->size);
    case CONTRADICTION_ROLLBACK:
        break;
    }
    return describe_rollback(contradiction);
}

Contradiction *
evidence_verify(GBytes *bytes, GError **error)
{
    g_auto(EvidenceReading) reading = { 0 };

    if (!evidence_read(&reading, bytes, error) || !evidence_judge(&reading, error))
        return NULL;
    digest_of_bytes(bytes, &reading.found->address);
    return g_steal_pointer(&reading.found);
}
