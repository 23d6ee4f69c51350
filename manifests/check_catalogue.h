/*
 * check_catalogue: the catalogue against a projection made anew (part of fsck, manifests/check.h).
 */
#ifndef CHAMA_MANIFESTS_CHECK_CATALOGUE_H
#define CHAMA_MANIFESTS_CHECK_CATALOGUE_H

#include "manifests/check.h"

/* Makes a catalogue of everything in the home in a temporary folder and compares the rows of all tables.  One that differs is reported, and removed when
 * the home is closed, so that the next command makes it anew. */
gboolean check_catalogue(Home *home, CheckReport report, gpointer data, GError **error);

#endif
