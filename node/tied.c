#include "node/tied.h"

#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/identity.h"
#include "node/print.h"
#include "sync/peers.h"
#include "sync/pull/branches.h"
#include "sync/ties.h"

#define ADDRESS_DIGITS_MIN 8
#define FINGERPRINT_DIGITS 40

/* The rotation stands in the history that is held here. */
static gboolean
is_held(Home *home, const Tie *tie)
{
    g_autoptr(Identity) newest = catalogue_identity(home_catalogue(home, NULL), tie->node, NULL);
    const Identity *then = newest ? identity_at(newest, tie->seq) : NULL;

    return then && digest_equal(&then->record, &tie->rotation);
}

gboolean
tied_print_alarms(Home *home, GError **error)
{
    g_autoptr(GArray) ties = ties_of(home, NULL, error);
    const char *told = "";
    char time[TIME_TEXT_SIZE];

    for (guint i = 0; ties && i < ties->len; i++) {
        const Tie *tie = &g_array_index(ties, Tie, i);
        g_autofree char *name = peers_display(home, tie->node);

        if (!tie->open || strcmp(told, tie->node) == 0 || strcmp(tie->node, home_id(home)) == 0)
            continue;
        told = tie->node;
        printf("ALARM      %s %s: two rotations of one key of its ledger are known, so somebody else has its keys; people must say which counts: `chama peer decide %s`\n",
               time_format(tie->met, time), name, name);
    }
    return ties != NULL;
}

json_t *
tied_json(Home *home, const char *node, GError **error)
{
    g_autoptr(GArray) ties = ties_of(home, node, error);
    json_t *list = ties ? json_array() : NULL;

    for (guint i = 0; ties && i < ties->len; i++) {
        const Tie *tie = &g_array_index(ties, Tie, i);
        char fingerprint[FINGERPRINT_SIZE];
        json_t *one = json_pack("{s:s, s:I, s:o, s:s, s:o, s:o, s:b, s:b, s:b, s:b, s:i}", "node", tie->node, "record", (json_int_t)tie->seq, "rotation", json_digest(&tie->rotation),
                                "fingerprint", fingerprint_format(&tie->rotation, fingerprint), "time", json_time(tie->time), "met", json_time(tie->met), "endorsed",
                                tie->endorsed, "open", tie->open, "decided", tie->decided, "held", is_held(home, tie), "witnesses", (int)tie->witnesses);

        if (tie->seen)
            json_object_set_new(one, "seen", json_time(tie->seen));
        json_array_append_new(list, one);
    }
    return list;
}

static void
print_one(Home *home, const Tie *tie)
{
    char address[DIGEST_TEXT_SIZE], fingerprint[FINGERPRINT_SIZE], time[TIME_TEXT_SIZE];

    printf("record %" G_GUINT64_FORMAT "  %s  %s%s%s\n", tie->seq, digest_format(&tie->rotation, address), tie->endorsed ? "endorsed by the key before" : "a recovery",
           is_held(home, tie) ? ", in the history held here" : "", tie->decided ? ", the one that counts: decided here" : "");
    printf("    fingerprint  %s\n", fingerprint_format(&tie->rotation, fingerprint));
    printf("    time         %s, as it says\n", time_format(tie->time, time));
    if (tie->seen)
        printf("    seen         by %u of the policy's witnesses, first %s\n", tie->witnesses, time_format(tie->seen, time));
}

static gboolean
no_tie(Home *home, const char *node, GError **error)
{
    g_autofree char *name = peers_display(home, node);

    return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: N16: no two rotations of one key are known of it: there is nothing to decide", *name ? name : "this node");
}

gboolean
tied_print(Home *home, const char *node, GError **error)
{
    g_autoptr(GArray) ties = ties_of(home, node, error);
    g_autofree char *name = peers_display(home, node);

    if (!ties)
        return FALSE;
    if (ties->len == 0)
        return no_tie(home, node, error);
    for (guint i = 0; i < ties->len; i++)
        print_one(home, &g_array_index(ties, Tie, i));
    fprintf(stderr, "note: ask the people of %s, by telephone or in person, for the fingerprint that `chama keys status` shows there as that of their rotation; then `chama peer decide %s FINGERPRINT`\n",
            name, name);
    return TRUE;
}

/* Digits alone, as they may be typed with spaces. */
static char *
digits_of(const char *word)
{
    GString *digits = g_string_new(NULL);

    for (; *word; word++)
        if (*word != ' ')
            g_string_append_c(digits, g_ascii_tolower(*word));
    return g_string_free(digits, FALSE);
}

static gboolean
is_meant(const Tie *tie, const char *digits)
{
    char hex[DIGEST_HEX_SIZE], fingerprint[FINGERPRINT_SIZE];
    g_autofree char *spoken = digits_of(fingerprint_format(&tie->rotation, fingerprint));

    if (strlen(digits) == FINGERPRINT_DIGITS && strcmp(spoken, digits) == 0)
        return TRUE;
    return strlen(digits) >= ADDRESS_DIGITS_MIN && g_str_has_prefix(digest_format_hex(&tie->rotation, hex), digits);
}

static const Tie *
find(const GArray *ties, const char *word, GError **error)
{
    g_autofree char *digits = digits_of(g_str_has_prefix(word, "sha256:") ? word + strlen("sha256:") : word);
    const Tie *found = NULL;

    for (guint i = 0; i < ties->len; i++) {
        const Tie *tie = &g_array_index(ties, Tie, i);

        if (!is_meant(tie, digits))
            continue;
        if (found)
            return chama_error_null(error, CHAMA_ERROR_USAGE, "%s: several rotations begin so; give more digits", word);
        found = tie;
    }
    return found ? found : chama_error_null(error, CHAMA_ERROR_NOT_FOUND,
                                            "%s: N16: want the spoken fingerprint (40 digits), or 8 or more digits of the address, of a rotation that `chama peer decide PEER` lists", word);
}

gboolean
tied_decide(Home *home, const char *node, const char *word, GError **error)
{
    g_autoptr(GArray) ties = ties_of(home, node, error);
    g_autofree char *name = peers_display(home, node);
    const Tie *tie;

    if (!ties)
        return FALSE;
    if (strcmp(node, home_id(home)) == 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "peer decide: N16: this node's own ledger is never replaced: rotate once more (`chama keys rotate`), and have peers decide for your rotation");
    if (ties->len == 0)
        return no_tie(home, node, error);
    tie = find(ties, word, error);
    if (!tie || !ties_decide(home, node, &tie->rotation, error) || !branches_forget(home, node, error))
        return FALSE;
    printf("%s: the history with the rotation in record %" G_GUINT64_FORMAT " counts%s\n", name, tie->seq,
           is_held(home, tie) ? ", as it is held here" : "; `chama sync` with a peer that holds it puts it in the place of the one held");
    return TRUE;
}
