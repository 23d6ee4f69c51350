/*
 * pacing: answers that rest because a limit says so (sync/PROTOCOL.md, PU50), so that no thread of the server sleeps: who sends suspends its connection, and a thread
 * here wakes it when the time has come.
 */
#ifndef CHAMA_NODE_HTTP_PACING_H
#define CHAMA_NODE_HTTP_PACING_H

#include <glib.h>

typedef struct Pacing Pacing;

/* @wake is called from a thread of its own, once for each rest. */
Pacing *pacing_new(void (*wake)(gpointer item));
/* Wakes all; from now on nobody rests. */
void pacing_stop(Pacing *pacing);
void pacing_free(Pacing *pacing);

/* @item rests until @until (monotonic microseconds): calls @pause(@item) and returns TRUE; FALSE if that is over already, or the pacing has stopped. */
gboolean pacing_rest(Pacing *pacing, gpointer item, gint64 until, void (*pause)(gpointer item));

#endif
