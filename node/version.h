/* version: of this program and of the libraries it runs with. */
#ifndef CHAMA_NODE_VERSION_H
#define CHAMA_NODE_VERSION_H

#include <glib.h>

void print_version(gboolean json);

#endif
