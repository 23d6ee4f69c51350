#include "manifests/store/patch.h"

#include <string.h>

#include "keys/error.h"

gboolean
patch_parse(const void *stored, gsize size, Patch *patch, GError **error)
{
    const guint8 *bytes = stored;

    if (size < PATCH_HEAD_SIZE)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "patch: P25: want a head of %d bytes, have %zu", PATCH_HEAD_SIZE, size);
    patch->reach = bytes[0];
    patch->base_count = bytes[1];
    if (patch->base_count == 0 || patch->base_count > PATCH_BASES_MAX)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "patch: P25: want 1 to %d bases, have %u", PATCH_BASES_MAX, patch->base_count);
    if (patch->reach < patch->base_count || patch->reach > PATCH_REACH_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "patch: P26: want a reach of %u to %d, have %u", patch->base_count, PATCH_REACH_MAX,
                           patch->reach);
    if (size <= patch_head_size(patch->base_count))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "patch: P25: want more than %zu bytes, have %zu", patch_head_size(patch->base_count),
                           size);
    memcpy(patch->bases, bytes + PATCH_HEAD_SIZE, patch->base_count * sizeof *patch->bases);
    patch->delta = bytes + patch_head_size(patch->base_count);
    patch->delta_size = size - patch_head_size(patch->base_count);
    return TRUE;
}

void
patch_head_format(const Digest *bases, guint base_count, guint reach, guint8 *room)
{
    room[0] = (guint8)reach;
    room[1] = (guint8)base_count;
    memcpy(room + PATCH_HEAD_SIZE, bases, base_count * sizeof *bases);
}
