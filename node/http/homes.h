/*
 * homes: Home handles for the listener's threads.  A Home serves one request at a time; handles that are free are kept for the next.
 */
#ifndef CHAMA_NODE_HTTP_HOMES_H
#define CHAMA_NODE_HTTP_HOMES_H

#include "manifests/home.h"

typedef struct Homes Homes;
Homes *homes_new(const char *path);
void homes_free(Homes *homes);
/* Up to date with what other processes did. */
Home *homes_take(Homes *homes, GError **error);
void homes_give(Homes *homes, Home *home);

#endif
