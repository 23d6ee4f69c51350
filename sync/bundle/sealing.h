/*
 * sealing: what a bundle holds, encrypted to nodes: a key of its own for each bundle, that key in a sealed box for each node, each file by itself (sync/BUNDLE.md, B20 to B24).
 */
#ifndef CHAMA_SYNC_BUNDLE_SEALING_H
#define CHAMA_SYNC_BUNDLE_SEALING_H

#include "manifests/home.h"

#define SEALING_KEY_FILE "key"            /* below data/: who can open the others */
#define SEALING_CONTENTS_FILE "contents"  /* the names of the others, sealed */
#define SEALING_RECEIVERS_MAX 16
#define SEALING_HINT_SIZE 17

typedef struct Sealing Sealing;
/* A new key. */
Sealing *sealing_new(void);
void sealing_free(Sealing *sealing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sealing, sealing_free)

/* The file that gives the key to each of @count X25519 keys: lines of a hint, which is half of a SHA-256 of the key, a space, and a sealed box in base64. */
GBytes *sealing_give(const Sealing *sealing, const guint8 (*keys)[ENCRYPTION_KEY_SIZE], guint count, GError **error);
/* The hints in such a file: of char*.  MALFORMED, LIMIT. */
GPtrArray *sealing_hints(GBytes *file, GError **error);
void sealing_hint(const guint8 key[ENCRYPTION_KEY_SIZE], char hint[SEALING_HINT_SIZE]);
/* With a key of this node.  DENIED if it is for none of them, or that is locked. */
Sealing *sealing_take(Home *home, GBytes *file, GError **error);

/* 32 hexadecimal digits that say which bundle it is, and nothing else. */
char *sealing_group(const Sealing *sealing);

/* @name goes with the bytes: another file in its place is refused (VERIFY). */
GBytes *sealing_close(const Sealing *sealing, const char *name, GBytes *plain);
GBytes *sealing_open(const Sealing *sealing, const char *name, GBytes *bytes, GError **error);

#endif
