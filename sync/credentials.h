/*
 * credentials: what a node shows of itself to one who does not know it: its inception, its rotations and its newest profile, as log entries
 * (sync/PROTOCOL.md, W4, E4, E6).
 */
#ifndef CHAMA_SYNC_CREDENTIALS_H
#define CHAMA_SYNC_CREDENTIALS_H

#include "keys/canonical.h"
#include "manifests/home.h"

/* A rotation and its signature. */
#define ROTATION_ENTRY_MAX 3420

typedef struct {
    char *inception, *profile;
    GPtrArray *rotations;        /* of char*, in order; may be empty */
} Credentials;
void credentials_free(Credentials *credentials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Credentials, credentials_free)

/* The members inception, profile and (if there are any) rotations of @object, which @what names in errors.  Nothing is verified but their sizes. */
Credentials *credentials_parse(const json_t *object, const char *what, GError **error);
void credentials_add(const Credentials *credentials, json_t *object);

/* This node's own. */
Credentials *credentials_own(Home *home, GError **error);

/* The inception hashes to @node; each rotation is one (N6-N12); the profile is signed by the key that counted at its number.  @known (may be NULL): the key
 * state of the node known here: if it is further on, it counts, so that a key that was given up cannot be shown any more.  @identity gets the newest key
 * state.  @what names them in errors. */
Profile *credentials_verify(const Credentials *credentials, const char *node, const Identity *known, const char *what, Identity **identity, GError **error);

#endif
