/*
 * tally: tells whether the rows of a table are those that were written.  SQLite checks how a file hangs together, not what stands in its rows, and
 * state.sqlite cannot be rebuilt.
 *
 * Table `tally` holds for each watched table the sum (modulo 2^64) of a checksum of each of its rows: a change of one row changes the sum by that row alone,
 * so triggers of the connection keep it in the same transaction.  They stand in no file: stock sqlite3 opens it as it is (and a person who edits
 * rows with it deletes from `tally`, which then begins anew).
 */
#ifndef CHAMA_MANIFESTS_TALLY_H
#define CHAMA_MANIFESTS_TALLY_H

#include <sqlite3.h>

#include <glib.h>

/* Both watch every table that there is, the first once for a connection, the second after a table was made.  Return SQLite's result. */
int tally_begin(sqlite3 *database);
int tally_watch(sqlite3 *database);

/* Each table whose rows are not those that were written goes to @report.  Returns SQLite's result. */
int tally_check(sqlite3 *database, void (*report)(gpointer data, const char *table), gpointer data);

#endif
