/*
 * plain_pipeline: a first version taken in with nothing but the parts: on every core read, cut, hash each chunk and each file, compress, append to one file.  No names, no index, no
 * listing, no dataset: what a program that has those is compared with.
 */
#ifndef CHAMA_BENCH_PLAIN_PIPELINE_H
#define CHAMA_BENCH_PLAIN_PIPELINE_H

#include <glib.h>

/* Over all files (of char*), into a file in @work that is gone afterwards.  Seconds until all of it is on disk.  Ends the program if anything goes wrong. */
double plain_pipeline(const GPtrArray *paths, const char *work);

#endif
