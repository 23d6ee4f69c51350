/* chama grant, revoke: who may have a conditional dataset. */
#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "manifests/granting.h"
#include "node/command.h"
#include "node/print.h"
#include "node/show.h"
#include "sync/peers.h"

#define DAY (24 * 3600)
#define YEAR (365 * DAY)

/* The own dataset NAME and the node that PEER means. */
static gboolean
read_words(Home *home, const char *dataset, const char *peer, Grant *grant, Share *share, GError **error)
{
    DatasetName name;
    g_autofree char *node = NULL;
    g_autoptr(Manifest) newest = NULL;

    if (!peers_parse_dataset(home, dataset, &name, error) || !(node = peers_resolve(home, peer, error)))
        return FALSE;
    if (strcmp(name.node, home_id(home)) != 0)
        return chama_error(error, CHAMA_ERROR_DENIED, "%s: only its owner grants it; want a dataset of this node", dataset);
    if (*name.version)
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: want a dataset without @VERSION: a grant is for all of its versions", dataset);
    if (strcmp(node, home_id(home)) == 0)
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: that is this node itself", peer);
    newest = peers_find_version(home, dataset, error);
    if (!newest)
        return FALSE;
    *share = newest->share;
    g_strlcpy(grant->owner, name.node, sizeof grant->owner);
    g_strlcpy(grant->name, name.name, sizeof grant->name);
    g_strlcpy(grant->grantee, node, sizeof grant->grantee);
    return TRUE;
}

/* A grant counts for a conditional dataset alone. */
static void
warn_of_share(const Grant *grant, Share share)
{
    if (share == SHARE_OPEN)
        fprintf(stderr, "note: %s is open: anyone may have it, with or without a grant\n", grant->name);
    else if (share == SHARE_NONE)
        fprintf(stderr, "warning: %s is shared with nobody, whatever is granted; publish it with --share conditional to let the grant count\n", grant->name);
}

/* A second one that gives nothing more is only a second row to revoke: a day's difference is that of the default. */
static gboolean
check_new(Home *home, const Grant *grant, gboolean public, GError **error)
{
    g_autoptr(GPtrArray) grants = catalogue_grants(home_catalogue(home, error), grant->owner, grant->name, grant->grantee, error);
    g_autofree char *peer = peers_display(home, grant->grantee);
    char time[TIME_TEXT_SIZE];

    for (guint i = 0; grants && i < grants->len; i++) {
        const GrantRow *row = g_ptr_array_index(grants, i);

        if (!row->revoked && row->grant.until + DAY > grant->until && (!row->sealed || !public))
            return chama_error(error, CHAMA_ERROR_EXISTS, "%s: %s may have it until %s already; a longer grant has a later --until, a shorter one comes after `chama revoke`", grant->name, peer,
                               time_format(row->grant.until, time));
    }
    return grants != NULL;
}

static void
warn_of_stranger(Home *home, const Grant *grant, const char *name)
{
    g_autoptr(Peer) peer = peers_get(home, grant->grantee, NULL);

    if (!peer || peer->status != PEER_ACCEPTED)
        fprintf(stderr, "warning: %s is not an accepted peer of this node: it gets nothing here until it is (`chama peer add` with its invite, or `chama peer accept %s` once it has called)\n", name,
                grant->grantee);
}

gboolean
cmd_grant(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE, public = FALSE;
    char *until = NULL, time[TIME_TEXT_SIZE];
    const GOptionEntry entries[] = {
        { "until", 0, 0, G_OPTION_ARG_STRING, &until, "last day, UTC (default: a year from now)", "DATE" },
        { "public", 0, 0, G_OPTION_ARG_NONE, &public, "state it for all to read", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL },
        { 0 },
    };
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    Grant grant = { .until = now + YEAR };
    g_autoptr(Home) home = NULL;
    g_autoptr(Record) record = NULL;
    g_autofree char *peer = NULL;
    Share share;

    if (!command_parse(invocation, &argc, &argv, entries, 2, 2, error) || (until && !command_parse_date(until, &grant.until, error)))
        return FALSE;
    if (grant.until <= now)
        return chama_error(error, CHAMA_ERROR_USAGE, "--until: want a date that is still to come, have %s", until);
    if (!(home = command_home(invocation, error)) || !home_catalogue(home, error) || !read_words(home, argv[1], argv[2], &grant, &share, error) ||
        !check_new(home, &grant, public, error) || !(record = granting_state(home, &grant, public, error)))
        return FALSE;
    peer = peers_display(home, grant.grantee);
    warn_of_share(&grant, share);
    warn_of_stranger(home, &grant, peer);
    if (json)
        print_json(json_pack("{s:s, s:s, s:s, s:o, s:b, s:o}", "dataset", grant.name, "grantee", grant.grantee, "peer", peer, "until", json_time(grant.until),
                             "sealed", !public, "record", json_digest(&record->address)));
    else
        printf("%s may have %s until %s%s\n", peer, grant.name, time_format(grant.until, time), public ? " (public: whoever has the ledger can read this grant)" : " (sealed: only they can read this grant)");
    return TRUE;
}

gboolean
cmd_revoke(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL }, { 0 } };
    g_autoptr(Home) home = NULL;
    g_autoptr(GPtrArray) grants = NULL;
    g_autofree char *peer = NULL;
    Grant grant = { 0 };
    guint revoked = 0;
    Share share;

    if (!command_parse(invocation, &argc, &argv, entries, 2, 2, error) || !(home = command_home(invocation, error)) || !home_catalogue(home, error) ||
        !read_words(home, argv[1], argv[2], &grant, &share, error) ||
        !(grants = catalogue_grants(home_catalogue(home, error), grant.owner, grant.name, grant.grantee, error)))
        return FALSE;
    peer = peers_display(home, grant.grantee);
    for (guint i = 0; i < grants->len; i++) {
        const GrantRow *row = g_ptr_array_index(grants, i);

        if (row->revoked)
            continue;
        if (!granting_revoke(home, row, error))
            return FALSE;
        revoked++;
    }
    if (revoked == 0)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "%s: %s has no grant in force for it; see `chama grants`", grant.name, peer);
    if (json)
        print_json(json_pack("{s:s, s:s, s:I}", "dataset", grant.name, "grantee", grant.grantee, "revoked", (json_int_t)revoked));
    else
        printf("revoked %u grant%s of %s for %s; mirrors stop serving at their next sync\n", revoked, revoked == 1 ? "" : "s", peer, grant.name);
    return TRUE;
}
