/*
 * pump: carries bytes between a socket and another pair of descriptors, both ways, until the near side has ended.
 */
#ifndef CHAMA_SYNC_TRANSPORT_PUMP_H
#define CHAMA_SYNC_TRANSPORT_PUMP_H

#include <glib.h>

/* @near a socket of this process; @far_in and @far_out the other side, which may be one socket or two pipes.  All are made not to block; none is closed.
 * When the far side ends, @near is shut down for writing.  Returns when @near has ended (what it wrote before goes out first), or the far side takes nothing
 * more, or, at once, when @stop is readable (-1: never).  SIGPIPE must be ignored. */
void pump_run(int near, int far_in, int far_out, int stop);

#endif
