#include "manifests/ingest/left_out.h"

#include <errno.h>
#include <fcntl.h>

#include "keys/error.h"
#include "manifests/ingest/source.h"
#include "manifests/tree/beneath.h"

gboolean
left_out_add(Patterns *patterns, char **exclude, GError **error)
{
    for (; exclude && *exclude; exclude++)
        if (!patterns_add(patterns, *exclude, error))
            return FALSE;
    return TRUE;
}

static gboolean
read_lines(Patterns *patterns, const Source *source, GError **error)
{
    g_autofree char *text = g_malloc(LEFT_OUT_SIZE_MAX + 1);
    gsize size;

    if (!source_read(source, LEFT_OUT_NAME, 0, (guint8 *)text, LEFT_OUT_SIZE_MAX + 1, &size, error))
        return FALSE;
    if (size > LEFT_OUT_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, LEFT_OUT_NAME ": want at most %d bytes", LEFT_OUT_SIZE_MAX);
    if (patterns_add_text(patterns, text, size, error))
        return TRUE;
    g_prefix_error(error, LEFT_OUT_NAME ": ");
    return FALSE;
}

gboolean
left_out_read(Patterns *patterns, int root, char **exclude, GError **error)
{
    g_auto(Source) source = { .fd = -1 };
    SourceState state = source_open(&source, root, LEFT_OUT_NAME, error);

    /* Not there is well; but something else under that name might hide what the person wants left out. */
    if (state == SOURCE_CHANGED && (source.fd >= 0 || errno != ENOENT))
        return chama_error(error, CHAMA_ERROR_MALFORMED, LEFT_OUT_NAME ": want a regular file");
    if (state == SOURCE_FAILED || (state == SOURCE_READ && !read_lines(patterns, &source, error)))
        return FALSE;
    return left_out_add(patterns, exclude, error);
}
