/*
 * big: one big file, its chunks read and written by all threads while the caller's makes the digest of the whole.
 */
#ifndef CHAMA_MANIFESTS_CHECKOUT_BIG_H
#define CHAMA_MANIFESTS_CHECKOUT_BIG_H

#include "manifests/checkout/write.h"

typedef struct BigWrite BigWrite;
BigWrite *big_write_new(const WriteTarget *target, const char *path, GError **error);
/* Without big_write_end() nothing is left of it. */
void big_write_free(BigWrite *big);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BigWrite, big_write_free)

gboolean big_write_add(BigWrite *big, const ChunkRef *chunks, guint count, GError **error);
/* @item is the file's last, its chunks already added: checks size and digest, and gives the file its name. */
gboolean big_write_end(BigWrite *big, const Item *item, gboolean replace, GError **error);

#endif
