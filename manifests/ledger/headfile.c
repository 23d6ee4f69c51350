#include "manifests/ledger/headfile.h"

#include <fcntl.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <xxhash.h>

#include "keys/durable.h"
#include "keys/rotation.h"
#include "manifests/record.h"

#define NAME "head"
#define TITLE "chama-head/1\n"
#define KEYS_MAX (1 + ROTATIONS_MAX)
#define SIZE_MAX_HERE (KEYS_MAX * (ROTATION_SIZE_MAX + 2048) + 1024)
#define SUM_LINE 17 /* 16 hex digits, LF */

void
headfile_clear(HeadFile *head)
{
    g_clear_pointer(&head->keys, g_ptr_array_unref);
}

/* The next line without its LF, which becomes a NUL; NULL at the end. */
static char *
take_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');

    if (!end)
        return NULL;
    *end = '\0';
    *at = end + 1;
    return line;
}

static gboolean
take_oid(char **at, git_oid *id)
{
    const char *line = take_line(at);

    return line && strlen(line) == GIT_OID_HEXSZ && oid_parse(line, id);
}

static gboolean
take_digest(char **at, Digest *digest)
{
    const char *line = take_line(at);

    return line && digest_parse(line, digest, NULL);
}

static gboolean
take_size(char **at, guint64 *size)
{
    const char *line = take_line(at);

    return line && g_ascii_string_to_unsigned(line, 10, 1, (guint64)RECORD_SEQ_MAX + 1, size, NULL);
}

/* A log entry is two lines (R2). */
static gboolean
take_keys(char **at, GPtrArray *keys)
{
    while (**at) {
        const char *record = take_line(at), *signature = record ? take_line(at) : NULL;
        char *entry;

        if (!signature || keys->len == KEYS_MAX)
            return FALSE;
        entry = g_strconcat(record, "\n", signature, "\n", NULL);
        g_ptr_array_add(keys, g_bytes_new_take(entry, strlen(entry)));
    }
    return keys->len > 0;
}

static void
format_sum(const char *text, gsize size, char sum[SUM_LINE + 1])
{
    g_snprintf(sum, SUM_LINE + 1, "%016" G_GINT64_MODIFIER "x\n", (guint64)XXH3_64bits(text, size));
}

gboolean
headfile_parse(const char *text, gsize size, HeadFile *head)
{
    gsize body = size > SUM_LINE ? size - SUM_LINE : 0;
    g_autofree char *copy = NULL;
    char sum[SUM_LINE + 1], *at;

    memset(head, 0, sizeof *head);
    if (size > SIZE_MAX_HERE || body < strlen(TITLE) || memchr(text, '\0', size) || memcmp(text, TITLE, strlen(TITLE)) != 0)
        return FALSE;
    format_sum(text, body, sum);
    if (memcmp(sum, text + body, SUM_LINE) != 0)
        return FALSE;
    copy = g_strndup(text, body);
    at = copy + strlen(TITLE);
    head->keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    if (take_oid(&at, &head->commit) && take_oid(&at, &head->root) && take_oid(&at, &head->rotations) && take_size(&at, &head->size) &&
        take_digest(&at, &head->head) && take_digest(&at, &head->leaf) && take_keys(&at, head->keys))
        return TRUE;
    headfile_clear(head);
    return FALSE;
}

char *
headfile_format(const HeadFile *head)
{
    GString *text = g_string_new(TITLE);
    char commit[GIT_OID_HEXSZ + 1], root[GIT_OID_HEXSZ + 1], rotations[GIT_OID_HEXSZ + 1], last[DIGEST_TEXT_SIZE], leaf[DIGEST_TEXT_SIZE], sum[SUM_LINE + 1];

    g_string_append_printf(text, "%s\n%s\n%s\n%" G_GUINT64_FORMAT "\n%s\n%s\n", oid_format(&head->commit, commit), oid_format(&head->root, root),
                           oid_format(&head->rotations, rotations), head->size, digest_format(&head->head, last), digest_format(&head->leaf, leaf));
    for (guint i = 0; i < head->keys->len; i++) {
        GBytes *entry = g_ptr_array_index(head->keys, i);

        g_string_append_len(text, g_bytes_get_data(entry, NULL), (gssize)g_bytes_get_size(entry));
    }
    format_sum(text->str, text->len, sum);
    g_string_append(text, sum);
    return g_string_free(text, FALSE);
}

gboolean
headfile_read(const char *folder, HeadFile *head)
{
    g_autofree char *path = g_build_filename(folder, NAME, NULL);
    g_autoptr(GBytes) bytes = durable_read(path, SIZE_MAX_HERE, NULL);

    memset(head, 0, sizeof *head);
    return bytes && headfile_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), head);
}

/* Renamed, so that no reader sees a part of it. */
void
headfile_write(const char *folder, const HeadFile *head)
{
    g_autofree char *path = g_build_filename(folder, NAME, NULL), *temporary = g_strconcat(path, ".tmp-XXXXXX", NULL), *text = headfile_format(head);
    gsize size = strlen(text);
    int fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0644);
    gboolean written = fd >= 0 && write(fd, text, size) == (gssize)size;

    if (fd >= 0)
        close(fd);
    if (fd >= 0 && (!written || g_rename(temporary, path) != 0))
        g_unlink(temporary);
}
