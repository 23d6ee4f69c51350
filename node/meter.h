/*
 * meter: shows a Progress on stderr while it is a terminal: bytes, rate, time left.  Its own thread; costs the work nothing.
 */
#ifndef CHAMA_NODE_METER_H
#define CHAMA_NODE_METER_H

#include "manifests/progress.h"

typedef struct Meter Meter;

/* Starts showing @progress as @what ("publishing"); does nothing unless stderr is a terminal.  The first Ctrl-C sets progress->cancelled so that the
 * work ends cleanly; the second ends the program. */
Meter *meter_start(const char *what, Progress *progress);
/* Takes the line away. */
void meter_stop(Meter *meter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Meter, meter_stop)

#endif
