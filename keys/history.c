#include "keys/history.h"

#include <string.h>

#include "keys/sshsig.h"

const Identity *
identity_at(const Identity *newest, guint64 seq)
{
    while (newest->before && newest->since > seq)
        newest = newest->before;
    return newest;
}

static gboolean
same_key(const PublicKey *a, const PublicKey *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

const Identity *
identity_that_signed(const Identity *newest, const PublicKey *key)
{
    const Identity *found = NULL;

    for (const Identity *at = newest; at; at = at->before)
        if (same_key(&at->signing, key))
            found = at;
    return found;
}

const Identity *
identity_that_logged(const Identity *newest, const PublicKey *key)
{
    const Identity *found = NULL;

    for (const Identity *at = newest; at; at = at->before)
        if (same_key(&at->log, key))
            found = at;
    return found;
}

guint
identity_rotations(const Identity *newest)
{
    guint count = 0;

    for (; newest->before; newest = newest->before)
        count++;
    return count;
}

const Identity *
identity_rotated_from(const Identity *newest, guint64 seq)
{
    const Identity *found = NULL;

    for (const Identity *at = newest; at->before && at->since >= seq; at = at->before)
        found = at;
    return found;
}

static gboolean
in_history(const Identity *newest, const Identity *state)
{
    const Identity *then = identity_at(newest, state->since);

    return digest_equal(&then->record, &state->record);
}

/* The first state of @newest that the history of @other has not; NULL if it has all. */
static const Identity *
first_alone(const Identity *newest, const Identity *other)
{
    const Identity *found = NULL;

    for (const Identity *at = newest; at && !in_history(other, at); at = at->before)
        found = at;
    return found;
}

void
identity_rivals(const Identity *held, const Identity *offered, const Identity **ours, const Identity **theirs)
{
    *ours = first_alone(held, offered);
    *theirs = first_alone(offered, held);
}

BranchVerdict
identity_judge(const Identity *held, const Identity *offered)
{
    const Identity *ours, *theirs;

    identity_rivals(held, offered, &ours, &theirs);
    if (!ours && !theirs)
        return BRANCH_NEITHER;
    if (!ours || !theirs)
        return ours ? BRANCH_HELD : BRANCH_OFFERED;
    /* N15: one that was followed by another is never opened again: its key may have been stolen since. */
    if (held != ours)
        return BRANCH_HELD;
    if (ours->endorsed != theirs->endorsed)
        return ours->endorsed ? BRANCH_HELD : BRANCH_OFFERED;
    return BRANCH_FROZEN;
}

const Identity *
identity_disavowed(const Identity *newest, guint64 seq)
{
    for (const Identity *at = newest; at->before && at->since > seq; at = at->before)
        if (at->disavowed > 0 && seq >= at->disavowed)
            return at;
    return NULL;
}

static void
add_signers(GString *lines, const Identity *identity)
{
    g_autofree char *key = public_key_format_openssh(&identity->signing);

    if (identity->before)
        add_signers(lines, identity->before);
    g_string_append_printf(lines, "%s namespaces=\"" SSHSIG_NAMESPACE_RECORD "," SSHSIG_NAMESPACE_GIT "\" %s\n", identity->id, key);
}

char *
identity_allowed_signers(const Identity *identity)
{
    GString *lines = g_string_new(NULL);

    add_signers(lines, identity);
    return g_string_free(lines, FALSE);
}
