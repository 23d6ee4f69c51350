/* chama evidence: what nodes signed and cannot all be true, as it is known here. */
#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "manifests/evidence.h"
#include "node/command.h"
#include "node/print.h"
#include "sync/evidence.h"
#include "sync/peers.h"

#define ID_DIGITS 16
#define ID_DIGITS_MIN 8

/* One row, with what its text shows. */
typedef struct {
    const Evidence *row;
    char id[DIGEST_HEX_SIZE];
    Contradiction *found;     /* NULL: an observation */
} Known;

static void
known_free(gpointer data)
{
    Known *known = data;

    contradiction_free(known->found);
    g_free(known);
}

static GPtrArray *
read_all(const GPtrArray *rows)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(known_free);

    for (guint i = 0; i < rows->len; i++) {
        Known *known = g_new0(Known, 1);
        g_autoptr(GBytes) bytes = NULL;
        Digest address;

        known->row = g_ptr_array_index(rows, i);
        bytes = g_bytes_new(known->row->text, strlen(known->row->text));
        digest_of_bytes(bytes, &address);
        digest_format_hex(&address, known->id);
        known->found = evidence_verify(bytes, NULL);
        g_ptr_array_add(all, known);
    }
    return all;
}

static char *
words_of(const Known *known)
{
    if (known->found)
        return contradiction_describe(known->found);
    return g_strdup("what it showed does not fit what it signed before; seen here, and no proof for others");
}

static const Known *
find(const GPtrArray *all, const char *id, GError **error)
{
    gsize digits = strspn(id, "0123456789abcdef");
    const Known *found = NULL;

    if (digits < ID_DIGITS_MIN || id[digits])
        return chama_error_null(error, CHAMA_ERROR_USAGE, "%s: want %d or more digits of an id; see `chama evidence`", id, ID_DIGITS_MIN);
    for (guint i = 0; i < all->len; i++) {
        const Known *known = g_ptr_array_index(all, i);

        if (!g_str_has_prefix(known->id, id))
            continue;
        if (found)
            return chama_error_null(error, CHAMA_ERROR_USAGE, "%s: several begin so; give more digits", id);
        found = known;
    }
    return found ? found : chama_error_null(error, CHAMA_ERROR_NOT_FOUND, "%s: no such evidence here; see `chama evidence`", id);
}

static json_t *
known_json(const Known *known)
{
    g_autofree char *words = words_of(known);

    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:s, s:s}", "id", known->id, "node", known->row->node, "kind", known->row->kind, "proof", known->found != NULL,
                     "time", json_time(known->row->time), "what", words, "evidence", known->row->text);
}

static void
print_known(Home *home, const Known *known)
{
    g_autofree char *words = words_of(known), *peer = peers_display(home, known->row->node);
    char time[TIME_TEXT_SIZE];

    printf("id         %s\nnode       %s%s%s%s\nkind       %s\nknown      since %s\nwhat       %s\n", known->id, known->row->node, *peer ? " (" : "", peer, *peer ? ")" : "",
           known->row->kind, time_format(known->row->time, time), words);
    if (known->found)
        printf("proof      `chama evidence export %.*s FILE`, then `chama check FILE` on any machine\n", ID_DIGITS, known->id);
}

static void
print_all(Home *home, const GPtrArray *all)
{
    g_autoptr(Table) table = table_new(5);

    for (guint i = 0; i < all->len; i++) {
        const Known *known = g_ptr_array_index(all, i);
        g_autofree char *words = words_of(known), *peer = peers_display(home, known->row->node), *id = g_strndup(known->id, ID_DIGITS);
        char time[TIME_TEXT_SIZE];

        table_add(table, id, time_format(known->row->time, time), known->row->kind, *peer ? peer : "this node", words, NULL);
    }
    table_print(table);
}

static gboolean
export(const Known *known, const char *file, GError **error)
{
    if (!known->found)
        return chama_error(error, CHAMA_ERROR_USAGE, "%.*s: an observation of this node alone: nobody else can check it; see `chama evidence show %.*s`", ID_DIGITS,
                           known->id, ID_DIGITS, known->id);
    if (strcmp(file, "-") == 0)
        return fputs(known->row->text, stdout) >= 0 || chama_error(error, CHAMA_ERROR_FAILED, "standard output: cannot be written");
    return durable_write(file, known->row->text, strlen(known->row->text), 0644, error);
}

static gboolean
one(Home *home, const GPtrArray *all, char **words, gboolean json, GError **error)
{
    const Known *known = find(all, words[1], error);

    if (!known)
        return FALSE;
    if (strcmp(words[0], "export") == 0)
        return export(known, words[2], error);
    if (json)
        print_json(known_json(known));
    else
        print_known(home, known);
    return TRUE;
}

static gboolean
list(Home *home, const GPtrArray *all, gboolean json)
{
    json_t *array;

    if (!json) {
        print_all(home, all);
        return TRUE;
    }
    array = json_array();
    for (guint i = 0; i < all->len; i++)
        json_array_append_new(array, known_json(g_ptr_array_index(all, i)));
    print_json(array);
    return TRUE;
}

/* PU22: a person brings it, as a peer would. */
static gboolean
import(Home *home, const char *file, gboolean json, GError **error)
{
    g_autoptr(GBytes) document = durable_read(file, EVIDENCE_SIZE_MAX, error);
    g_autoptr(Contradiction) found = NULL;
    g_autofree char *words = NULL, *name = NULL;
    gboolean fresh;

    if (!document || !evidence_accept(home, home_id(home), document, &fresh, &found, error))
        return FALSE;
    words = contradiction_describe(found);
    name = peers_display(home, found->node);
    if (json)
        print_json(json_pack("{s:s, s:s, s:b, s:s}", "node", found->node, "kind", contradiction_kind(found), "new", fresh, "what", words));
    else
        printf("%s %s%s%s%s: %s\n", fresh ? "kept      " : "no news   ", found->node, *name ? " (" : "", name, *name ? ")" : "", words);
    return TRUE;
}

static gboolean
check_words(int argc, char **argv, GError **error)
{
    static const struct {
        const char *word;
        int argc;
    } forms[] = { { "ls", 2 }, { "show", 3 }, { "export", 4 }, { "import", 3 } };

    for (guint i = 0; i < G_N_ELEMENTS(forms); i++)
        if (argc == 1 || (strcmp(argv[1], forms[i].word) == 0 && argc == forms[i].argc))
            return TRUE;
    return chama_error(error, CHAMA_ERROR_USAGE, "evidence: want ls, show ID, export ID FILE or import FILE");
}

gboolean
cmd_evidence(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(GPtrArray) rows = NULL, all = NULL;
    State *state;

    if (!command_parse(invocation, &argc, &argv, entries, 0, 3, error) || !check_words(argc, argv, error) || !(home = command_home(invocation, error)))
        return FALSE;
    if (argc > 1 && strcmp(argv[1], "import") == 0)
        return import(home, argv[2], json, error);
    if (!(state = home_state(home, error)) || !(rows = state_evidence(state, error)))
        return FALSE;
    all = read_all(rows);
    return argc < 3 ? list(home, all, json) : one(home, all, argv + 1, json, error);
}
