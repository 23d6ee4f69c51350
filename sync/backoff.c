#include "sync/backoff.h"

guint
backoff_pause(guint failures, guint first, guint most)
{
    guint64 pause = failures == 0 ? 0 : (guint64)first << MIN(failures - 1, 31);

    return (guint)MIN(pause, most);
}

guint
backoff_spread(guint pause, double chance)
{
    return (guint)((double)pause * (0.75 + chance / 2) + 0.5);
}

guint
backoff_next(guint failures, guint interval, double chance)
{
    if (failures == 0 || interval == 0)
        return interval;
    return MAX(1, backoff_spread(backoff_pause(failures, MIN(BACKOFF_FIRST, interval), MAX(BACKOFF_MOST, interval)), chance));
}
