/* The body of add-checkpoint, as anyone may send it. */
#include <stdint.h>
#include <string.h>

#include "manifests/ledger/checkpoint.h"
#include "sync/witness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(Checkpoint) claims = NULL;
    g_autofree char *note = NULL, *again = NULL;
    AddCheckpoint request;

    if (!add_checkpoint_parse((const char *)data, size, &request, NULL))
        return 0;
    claims = checkpoint_claims(request.note, request.note_size, NULL);
    note = g_strndup(request.note, request.note_size);
    again = add_checkpoint_format(request.old_size, request.proof, request.count, note);
    /* one spelling */
    g_assert_true(strlen(note) != request.note_size || (strlen(again) == size && memcmp(again, data, size) == 0));
    return 0;
}
