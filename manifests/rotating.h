/*
 * rotating: how a node changes its keys (keys/IDENTITY.md, part 8).
 */
#ifndef CHAMA_MANIFESTS_ROTATING_H
#define CHAMA_MANIFESTS_ROTATING_H

#include "keys/rotation.h"
#include "manifests/record.h"

/* The rotation that continues @head: signed by @revealed, endorsed by @old unless that is lost (NULL; then the plan says that it is a recovery). */
Record *rotating_sign(const LedgerHead *head, const RotationPlan *plan, const Keypair *revealed, const Keypair *old, gint64 time, GError **error);

#endif
