/*
 * unsealing: opens what was encrypted to this node (keys/seal.h), with its encryption key or one that a rotation retired: what was sealed before others knew of the rotation
 * is still for it.
 */
#ifndef CHAMA_MANIFESTS_UNSEALING_H
#define CHAMA_MANIFESTS_UNSEALING_H

#include "manifests/home.h"

/* VERIFY if it is for none of these keys or was altered; DENIED if a key is under a passphrase that nobody gives. */
GBytes *unsealing_open(Home *home, GBytes *sealed, GError **error);

#endif
