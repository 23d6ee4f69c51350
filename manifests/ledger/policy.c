#include "manifests/ledger/policy.h"

#include <stdlib.h>
#include <string.h>

#include "keys/canonical.h"
#include "keys/durable.h"
#include "keys/error.h"
#include "manifests/ledger/cosignature.h"

#define NONE "none"
/* T33: each name is a member once, so no line can have more words than names, its keyword, name and number. */
#define WORDS_MAX (POLICY_WITNESSES_MAX + POLICY_GROUPS_MAX + 3)

/* What a name stands for: a witness, or a group of what was named before it. */
typedef struct {
    char *name;
    gint witness;    /* its number, -1 for a group */
    guint threshold; /* of a group */
    GArray *members; /* of a group: guint, numbers of names */
    gboolean taken;  /* is a member of a group */
} Name;

typedef struct {
    char *url;
    NoteVerifier *verifier;
    guint name; /* number of its name */
} Witness;

struct Policy {
    GPtrArray *logs;  /* of NoteVerifier */
    GArray *witnesses;
    GArray *names;    /* in the order of their lines */
    gint quorum;      /* number of a name; QUORUM_NONE, or QUORUM_MISSING while there was no line */
};
enum { QUORUM_NONE = -1, QUORUM_MISSING = -2 };

static void
name_clear(gpointer data)
{
    Name *name = data;

    g_free(name->name);
    g_clear_pointer(&name->members, g_array_unref);
}

static void
witness_clear(gpointer data)
{
    Witness *witness = data;

    g_free(witness->url);
    note_verifier_free(witness->verifier);
}

static Policy *
policy_new(void)
{
    Policy *policy = g_new0(Policy, 1);

    policy->logs = g_ptr_array_new_with_free_func((GDestroyNotify)note_verifier_free);
    policy->witnesses = g_array_new(FALSE, TRUE, sizeof(Witness));
    g_array_set_clear_func(policy->witnesses, witness_clear);
    policy->names = g_array_new(FALSE, TRUE, sizeof(Name));
    g_array_set_clear_func(policy->names, name_clear);
    policy->quorum = QUORUM_MISSING;
    return policy;
}

void
policy_free(Policy *policy)
{
    if (!policy)
        return;
    g_ptr_array_unref(policy->logs);
    g_array_unref(policy->witnesses);
    g_array_unref(policy->names);
    g_free(policy);
}

static gint
find_name(const Policy *policy, const char *name)
{
    for (guint i = 0; i < policy->names->len; i++)
        if (strcmp(g_array_index(policy->names, Name, i).name, name) == 0)
            return (gint)i;
    return -1;
}

static gboolean
malformed(GError **error, const char *what)
{
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s", what);
}

/* T33: one name space, in which "none" is taken. */
static gboolean
check_new_name(const Policy *policy, const char *name, GError **error)
{
    if (strcmp(name, NONE) == 0)
        return malformed(error, "T33: want another name than none, which means no witness at all");
    if (find_name(policy, name) >= 0)
        return malformed(error, "T33: want each name given once, have one a second time");
    return TRUE;
}

static gboolean
parse_log(Policy *policy, GPtrArray *words, GError **error)
{
    g_autoptr(NoteVerifier) verifier = NULL;

    if (words->len < 2 || words->len > 3)
        return malformed(error, "T31: want log VKEY [URL]");
    if (policy->logs->len == POLICY_LOGS_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "T36: want at most %d logs", POLICY_LOGS_MAX);
    verifier = note_verifier_parse(words->pdata[1], error);
    if (!verifier)
        return FALSE;
    if (verifier->algorithm != NOTE_ED25519)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "T32: want the key of a log to have algorithm 1 (Ed25519), have %d", (int)verifier->algorithm);
    for (guint i = 0; i < policy->logs->len; i++)
        if (digest_equal(&((const NoteVerifier *)policy->logs->pdata[i])->key_digest, &verifier->key_digest))
            return malformed(error, "T32: want each log's key once, have one a second time");
    g_ptr_array_add(policy->logs, g_steal_pointer(&verifier));
    return TRUE;
}

/* T32: by its key, whatever it is called; and no two that a signature line could not tell apart. */
static gboolean
check_new_witness(const Policy *policy, const NoteVerifier *verifier, GError **error)
{
    if (verifier->algorithm == NOTE_ED25519)
        return chama_error(error, CHAMA_ERROR_UNSUPPORTED, "T32: want the key of a witness to have algorithm 4 or 6, have 1 (of a log)");
    for (guint i = 0; i < policy->witnesses->len; i++) {
        const NoteVerifier *other = g_array_index(policy->witnesses, Witness, i).verifier;

        if (digest_equal(&other->key_digest, &verifier->key_digest)
            || (strcmp(other->name, verifier->name) == 0 && memcmp(&other->id, &verifier->id, sizeof other->id) == 0))
            return malformed(error, "T32: want each witness's key once, have one a second time");
    }
    return TRUE;
}

static gboolean
parse_witness(Policy *policy, GPtrArray *words, GError **error)
{
    g_autoptr(NoteVerifier) verifier = NULL;
    Name name = { .witness = (gint)policy->witnesses->len };
    Witness witness = { .name = policy->names->len };

    if (words->len < 3 || words->len > 4)
        return malformed(error, "T31: want witness NAME VKEY [URL]");
    if (policy->witnesses->len == POLICY_WITNESSES_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "T36: want at most %d witnesses", POLICY_WITNESSES_MAX);
    if (!check_new_name(policy, words->pdata[1], error) || !(verifier = note_verifier_parse(words->pdata[2], error))
        || !check_new_witness(policy, verifier, error))
        return FALSE;
    name.name = g_strdup(words->pdata[1]);
    witness.url = words->len == 4 ? g_strdup(words->pdata[3]) : NULL;
    witness.verifier = g_steal_pointer(&verifier);
    g_array_append_val(policy->names, name);
    g_array_append_val(policy->witnesses, witness);
    return TRUE;
}

/* T33: all, any, or a number from one to as many as there are. */
static gboolean
parse_threshold(const char *word, guint members, guint *threshold, GError **error)
{
    guint64 number = 0;

    if (strcmp(word, "all") == 0)
        number = members;
    else if (strcmp(word, "any") == 0)
        number = 1;
    else if (word[0] == '0' || !g_ascii_string_to_unsigned(word, 10, 1, members, &number, NULL))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "T33: want all, any, or a number of 1 to %u (its members)", members);
    *threshold = (guint)number;
    return TRUE;
}

static gboolean
parse_members(Policy *policy, GPtrArray *words, GArray *members, GError **error)
{
    for (guint i = 3; i < words->len; i++) {
        gint at = find_name(policy, words->pdata[i]);
        guint number = (guint)at;
        Name *member;

        if (at < 0)
            return malformed(error, "T33: want members that lines above this one name");
        member = &g_array_index(policy->names, Name, number);
        if (member->taken)
            return malformed(error, "T33: want each name to be a member of one group at most");
        member->taken = TRUE;
        g_array_append_val(members, number);
    }
    return TRUE;
}

static gboolean
parse_group(Policy *policy, GPtrArray *words, GError **error)
{
    g_autoptr(GArray) members = g_array_new(FALSE, FALSE, sizeof(guint));
    Name name = { .witness = -1 };

    if (words->len < 4)
        return malformed(error, "T31: want group NAME all|any|NUMBER MEMBER...");
    if (policy->names->len - policy->witnesses->len == POLICY_GROUPS_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "T36: want at most %d groups", POLICY_GROUPS_MAX);
    if (!check_new_name(policy, words->pdata[1], error) || !parse_threshold(words->pdata[2], words->len - 3, &name.threshold, error)
        || !parse_members(policy, words, members, error))
        return FALSE;
    name.name = g_strdup(words->pdata[1]);
    name.members = g_steal_pointer(&members);
    g_array_append_val(policy->names, name);
    return TRUE;
}

static gboolean
parse_quorum(Policy *policy, GPtrArray *words, GError **error)
{
    if (words->len != 2)
        return malformed(error, "T31: want quorum NAME");
    if (policy->quorum != QUORUM_MISSING)
        return malformed(error, "T34: want one quorum line, have two");
    policy->quorum = strcmp(words->pdata[1], NONE) == 0 ? QUORUM_NONE : find_name(policy, words->pdata[1]);
    if (policy->quorum >= 0 || strcmp(words->pdata[1], NONE) == 0)
        return TRUE;
    return malformed(error, "T34: want a quorum that a line above this one names, or none");
}

static const struct {
    const char *keyword;
    gboolean (*parse)(Policy *policy, GPtrArray *words, GError **error);
} lines[] = {
    { "log", parse_log },
    { "witness", parse_witness },
    { "group", parse_group },
    { "quorum", parse_quorum },
};

/* T31: words between spaces and tabs; a line that begins with # is a comment. */
static GPtrArray *
split_words(const char *line, gsize size, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    const char *end = line + size;

    while (line < end) {
        const char *word;

        while (line < end && (*line == ' ' || *line == '\t'))
            line++;
        for (word = line; line < end && *line != ' ' && *line != '\t';)
            line++;
        if (word == line || (words->len == 0 && *word == '#'))
            break;
        if (words->len == WORDS_MAX)
            return chama_error_null(error, CHAMA_ERROR_LIMIT, "T36: want at most %d words in a line", WORDS_MAX);
        g_ptr_array_add(words, g_strndup(word, (gsize)(line - word)));
    }
    return g_steal_pointer(&words);
}

static gboolean
parse_line(Policy *policy, const char *line, gsize size, GError **error)
{
    g_autoptr(GPtrArray) words = split_words(line, size, error);

    if (!words)
        return FALSE;
    if (words->len == 0)
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        if (strcmp(words->pdata[0], lines[i].keyword) == 0)
            return lines[i].parse(policy, words, error);
    return malformed(error, "T31: want a line to begin with log, witness, group, quorum or #");
}

/* T30: bytes of a text in whatever encoding; of the control characters only tab and line feed. */
static gboolean
check_bytes(const char *text, gsize size, GError **error)
{
    if (size > POLICY_SIZE_MAX)
        return chama_error(error, CHAMA_ERROR_LIMIT, "policy: T36: want at most %d bytes, have %" G_GSIZE_FORMAT, POLICY_SIZE_MAX, size);
    for (gsize i = 0; i < size; i++)
        if (((guchar)text[i] < 0x20 && text[i] != '\n' && text[i] != '\t') || text[i] == 0x7f)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "policy: T30: want no control characters but tab and line feed");
    if (size > 0 && text[size - 1] != '\n')
        return chama_error(error, CHAMA_ERROR_MALFORMED, "policy: T30: want a line feed at the end of each line");
    return TRUE;
}

Policy *
policy_parse(const char *text, gsize size, GError **error)
{
    g_autoptr(Policy) policy = policy_new();
    const char *end = text + size;

    if (!check_bytes(text, size, error))
        return NULL;
    for (guint number = 1; text < end; number++) {
        const char *line = text;

        text = (const char *)memchr(line, '\n', (gsize)(end - line)) + 1;
        if (!parse_line(policy, line, (gsize)(text - line) - 1, error)) {
            g_prefix_error(error, "policy: line %u: ", number);
            return NULL;
        }
    }
    if (policy->quorum == QUORUM_MISSING)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "policy: T34: want a quorum line, have none");
    return g_steal_pointer(&policy);
}

Policy *
policy_load(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = durable_read(path, POLICY_SIZE_MAX, error);
    Policy *policy = bytes ? policy_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error) : NULL;

    if (bytes && !policy)
        g_prefix_error(error, "%s: ", path);
    return policy;
}

guint
policy_witnesses(const Policy *policy)
{
    return policy->witnesses->len;
}

PolicyWitness
policy_witness(const Policy *policy, guint index)
{
    const Witness *witness = &g_array_index(policy->witnesses, Witness, index);

    return (PolicyWitness){ g_array_index(policy->names, Name, witness->name).name, witness->url, witness->verifier };
}

gboolean
policy_allows_log(const Policy *policy, const char *origin, const PublicKey *key)
{
    for (guint i = 0; i < policy->logs->len; i++) {
        const NoteVerifier *log = policy->logs->pdata[i];

        if (strcmp(log->name, origin) == 0 && memcmp(&log->key, key, sizeof *key) == 0)
            return TRUE;
    }
    return policy->logs->len == 0;
}

gboolean
policy_read(const Policy *policy, const char *note, gsize size, gint64 *times, GError **error)
{
    gsize text_size;
    g_autoptr(GPtrArray) signatures = note_signatures(note, size, &text_size, error);

    if (!signatures)
        return FALSE;
    for (guint i = 0; i < policy->witnesses->len; i++) {
        const NoteVerifier *verifier = g_array_index(policy->witnesses, Witness, i).verifier;
        const NoteSignature *signature = note_signatures_find(signatures, verifier->name, &verifier->id);

        times[i] = 0;
        /* T32: who signs by what nothing here can check has not been seen to. */
        if (!signature || verifier->algorithm != NOTE_COSIGNATURE)
            continue;
        if (!cosignature_check(signature, note, text_size, verifier->name, &verifier->key, &times[i], error))
            return FALSE;
    }
    return TRUE;
}

/* T34: members stand before their groups, so one walk decides all. */
static gboolean
quorum_at(const Policy *policy, const gint64 *times, gint64 until)
{
    gboolean saw[POLICY_WITNESSES_MAX + POLICY_GROUPS_MAX] = { FALSE };

    if (policy->quorum == QUORUM_NONE)
        return TRUE;
    for (guint i = 0; i < policy->names->len; i++) {
        const Name *name = &g_array_index(policy->names, Name, i);
        guint count = 0;

        if (name->witness >= 0) {
            saw[i] = times[name->witness] > 0 && times[name->witness] <= until;
            continue;
        }
        for (guint m = 0; m < name->members->len; m++)
            count += saw[g_array_index(name->members, guint, m)] ? 1 : 0;
        saw[i] = count >= name->threshold;
    }
    return saw[policy->quorum];
}

PolicyVerdict
policy_judge(const Policy *policy, const gint64 *times)
{
    PolicyVerdict verdict = { .witnesses = policy->witnesses->len, .quorum = quorum_at(policy, times, G_MAXINT64) };

    for (guint i = 0; i < policy->witnesses->len; i++) {
        if (times[i] <= 0)
            continue;
        verdict.seen++;
        if (verdict.earliest == 0 || times[i] < verdict.earliest)
            verdict.earliest = times[i];
        if (policy->quorum != QUORUM_NONE && (verdict.reached == 0 || times[i] < verdict.reached) && quorum_at(policy, times, times[i]))
            verdict.reached = times[i];
    }
    return verdict;
}

char *
policy_verdict_format(const PolicyVerdict *verdict)
{
    const char *more = verdict->quorum ? "" : "; the policy wants more";
    const char *plural = verdict->witnesses == 1 ? "" : "es";
    char time[TIME_TEXT_SIZE];

    if (verdict->seen == 0)
        return g_strdup_printf("seen by none of %u witness%s%s", verdict->witnesses, plural, more);
    return g_strdup_printf("seen by %u of %u witness%s, earliest %s%s", verdict->seen, verdict->witnesses, plural, time_format(verdict->earliest, time), more);
}
