/*
 * oid: ids of git objects as values.  libgit2 has the same functions, and is loaded only when a repository is opened (git.h).
 */
#ifndef CHAMA_MANIFESTS_LEDGER_OID_H
#define CHAMA_MANIFESTS_LEDGER_OID_H

#include <string.h>

#include <git2.h>
#include <glib.h>

static inline gboolean
oid_equal(const git_oid *a, const git_oid *b)
{
    return memcmp(a->id, b->id, GIT_OID_RAWSZ) == 0;
}

static inline gint
oid_compare(const git_oid *a, const git_oid *b)
{
    return memcmp(a->id, b->id, GIT_OID_RAWSZ);
}

static inline gboolean
oid_is_zero(const git_oid *id)
{
    static const git_oid zero;

    return oid_equal(id, &zero);
}

static inline void
oid_from_raw(git_oid *id, const guint8 raw[GIT_OID_RAWSZ])
{
    memcpy(id->id, raw, GIT_OID_RAWSZ);
}

/* Returns @text. */
static inline char *
oid_format(const git_oid *id, char text[GIT_OID_HEXSZ + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (guint i = 0; i < GIT_OID_RAWSZ; i++) {
        text[2 * i] = digits[id->id[i] >> 4];
        text[2 * i + 1] = digits[id->id[i] & 15];
    }
    text[GIT_OID_HEXSZ] = '\0';
    return text;
}

/* TRUE if @text begins with 40 lower-case hex digits. */
static inline gboolean
oid_parse(const char *text, git_oid *id)
{
    if (strspn(text, "0123456789abcdef") < GIT_OID_HEXSZ)
        return FALSE;
    for (guint i = 0; i < GIT_OID_RAWSZ; i++)
        id->id[i] = (guint8)(g_ascii_xdigit_value(text[2 * i]) << 4 | g_ascii_xdigit_value(text[2 * i + 1]));
    return TRUE;
}

#endif
