#include "manifests/ledger/commit.h"

#include <string.h>

#include "keys/error.h"
#include "keys/sshsig.h"
#include "manifests/ledger/view.h"

#define SIGNATURE_HEADER "gpgsig "
#define COMMIT_SIZE_MAX (64 * 1024 * 1024)

/* G9: "7 forest-cover@3" or "7 grant/1". */
static void
append_label(GString *out, const Record *record, const View *view)
{
    g_string_append_printf(out, "%" G_GUINT64_FORMAT " ", record->seq);
    if (view->kind == VIEW_MANIFEST && view->version > 0)
        g_string_append_printf(out, "%s@%" G_GINT64_FORMAT, view->name, view->version);
    else
        g_string_append(out, record->type);
}

/* G9: each line of the message after four spaces; an empty one stays empty. */
static void
append_message(GString *out, const char *message)
{
    g_auto(GStrv) lines = g_strsplit(message, "\n", -1);

    for (guint i = 0; lines[i]; i++)
        g_string_append_printf(out, "%s%s\n", lines[i][0] ? "    " : "", lines[i]);
}

static void
append_text(GString *out, GPtrArray *records, GPtrArray *views)
{
    const Record *first = g_ptr_array_index(records, 0);
    const Record *last = g_ptr_array_index(records, records->len - 1);

    if (records->len == 1)
        append_label(out, first, g_ptr_array_index(views, 0));
    else
        g_string_append_printf(out, "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT " (%u records)", first->seq, last->seq, records->len);
    g_string_append(out, "\n\n");
    for (guint i = 0; i < records->len; i++) {
        const Record *record = g_ptr_array_index(records, i);
        const View *view = g_ptr_array_index(views, i);
        char address[DIGEST_TEXT_SIZE];

        append_label(out, record, view);
        g_string_append_printf(out, " %s\n", digest_format(&record->address, address));
        if (view->kind == VIEW_MANIFEST && view->message)
            append_message(out, view->message);
    }
}

GBytes *
commit_format(const git_oid *tree, const git_oid *parent, GPtrArray *records, GPtrArray *views)
{
    const Record *last = g_ptr_array_index(records, records->len - 1);
    GString *out = g_string_sized_new(1024);
    char id[GIT_OID_HEXSZ + 1];

    g_string_append_printf(out, "tree %s\n", oid_format(tree, id));
    if (!oid_is_zero(parent))
        g_string_append_printf(out, "parent %s\n", oid_format(parent, id));
    for (guint i = 0; i < 2; i++)
        g_string_append_printf(out, "%s %s <%s@chama.invalid> %" G_GINT64_FORMAT " +0000\n", i == 0 ? "author" : "committer", last->node, last->node,
                               last->time);
    g_string_append_c(out, '\n');
    append_text(out, records, views);
    return g_string_free_to_bytes(out);
}

GBytes *
commit_with_signature(GBytes *unsigned_bytes, GBytes *signature)
{
    gsize size;
    const char *text = g_bytes_get_data(unsigned_bytes, &size);
    const char *body = strstr(text, "\n\n") + 1;
    g_autofree char *armour = sshsig_armour(signature);
    g_auto(GStrv) lines = g_strsplit(armour, "\n", -1);
    GString *out = g_string_new_len(text, body - text);

    /* G10: continuation lines begin with a space; the armour's final line feed ends the header. */
    g_string_append(out, SIGNATURE_HEADER);
    for (guint i = 0; lines[i] && lines[i][0]; i++)
        g_string_append_printf(out, "%s%s\n", i == 0 ? "" : " ", lines[i]);
    g_string_append_len(out, body, (gssize)(size - (gsize)(body - text)));
    return g_string_free_to_bytes(out);
}

void
commit_clear(Commit *commit)
{
    g_clear_pointer(&commit->signature, g_bytes_unref);
}

static gboolean
read_id(const char **at, const char *header, git_oid *id)
{
    gsize size = strlen(header);

    if (strncmp(*at, header, size) != 0 || !oid_parse(*at + size, id) || (*at)[size + GIT_OID_HEXSZ] != '\n')
        return FALSE;
    *at += size + GIT_OID_HEXSZ + 1;
    return TRUE;
}

static gboolean
skip_line(const char **at, const char *header)
{
    const char *end = strchr(*at, '\n');

    if (!end || strncmp(*at, header, strlen(header)) != 0)
        return FALSE;
    *at = end + 1;
    return TRUE;
}

static gboolean
read_signature(const char **at, GBytes **signature)
{
    g_autoptr(GString) armour = g_string_new(NULL);

    if (!g_str_has_prefix(*at, SIGNATURE_HEADER))
        return FALSE;
    *at += strlen(SIGNATURE_HEADER);
    for (;;) {
        const char *end = strchr(*at, '\n');

        if (!end)
            return FALSE;
        g_string_append_len(armour, *at, end + 1 - *at);
        *at = end + 1;
        if (**at != ' ')
            break;
        (*at)++;
    }
    *signature = sshsig_dearmour(armour->str, armour->len, NULL);
    return *signature != NULL;
}

/* "7 ..." or "7-9 (3 records)". */
static gboolean
read_subject(const char *at, Commit *commit)
{
    char *end;

    commit->first = commit->last = g_ascii_strtoull(at, &end, 10);
    if (end == at)
        return FALSE;
    if (*end == '-')
        commit->last = g_ascii_strtoull(end + 1, &end, 10);
    return *end == ' ' && commit->first <= commit->last && commit->last <= RECORD_SEQ_MAX;
}

static gboolean
read_commit(const char *at, Commit *commit)
{
    if (!read_id(&at, "tree ", &commit->tree))
        return FALSE;
    if (g_str_has_prefix(at, "parent ") && !read_id(&at, "parent ", &commit->parent))
        return FALSE;
    return skip_line(&at, "author ") && skip_line(&at, "committer ") && read_signature(&at, &commit->signature) && *at == '\n'
        && read_subject(at + 1, commit);
}

gboolean
commit_parse(GBytes *bytes, Commit *commit, GError **error)
{
    g_autofree char *text = g_strndup(g_bytes_get_data(bytes, NULL), MIN(g_bytes_get_size(bytes), COMMIT_SIZE_MAX));

    memset(commit, 0, sizeof *commit);
    if (read_commit(text, commit))
        return TRUE;
    commit_clear(commit);
    return chama_error(error, CHAMA_ERROR_DAMAGED, "ledger: G8: a commit is not of the form that a batch has");
}
