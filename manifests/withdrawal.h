/*
 * withdrawal: withdrawal/1, by which a node takes back a version of its own: nobody serves it any more, its history stays (manifests/FORMAT.md, part 3,
 * S16, S17).  Parsing is pure and bounded.
 */
#ifndef CHAMA_MANIFESTS_WITHDRAWAL_H
#define CHAMA_MANIFESTS_WITHDRAWAL_H

#include "manifests/statements.h"

#define WITHDRAWAL "withdrawal/1"
#define REASON_MAX 1024

typedef struct {
    Digest manifest;
    char *reason;
    Digest record;     /* where it stands; zero of one that is being made */
    gint64 time;
} Withdrawal;
void withdrawal_free(Withdrawal *withdrawal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Withdrawal, withdrawal_free)

/* Of a record's bytes. */
Withdrawal *withdrawal_parse(GBytes *record, GError **error);
/* Members of a record; refuses what withdrawal_parse() would. */
GBytes *withdrawal_format(const Digest *manifest, const char *reason, GError **error);
/* As a kind of statement (manifests/statements.h). */
gboolean withdrawal_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error);

/* The first one of the version's own node: *@withdrawal (the caller's) is NULL if there is none. */
gboolean withdrawal_of(Catalogue *catalogue, const Manifest *manifest, Withdrawal **withdrawal, GError **error);

#endif
