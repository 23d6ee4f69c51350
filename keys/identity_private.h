/*
 * identity_private: what identity.c and rotation.c share.
 */
#ifndef CHAMA_KEYS_IDENTITY_PRIVATE_H
#define CHAMA_KEYS_IDENTITY_PRIVATE_H

#include "keys/canonical.h"
#include "keys/identity.h"

/* A reference of its own, all zero. */
Identity *identity_new(void);

/* The members that inceptions and rotations have in common: signing, log, encryption, next (N3).  @what and @rule name them in errors. */
gboolean identity_read_keys(const json_t *root, const char *what, const char *rule, Identity *identity, GError **error);

#endif
