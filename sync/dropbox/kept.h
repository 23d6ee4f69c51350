/*
 * kept: what stays for a while of what was taken from an inbox (inbox.h).
 */
#ifndef CHAMA_SYNC_DROPBOX_KEPT_H
#define CHAMA_SYNC_DROPBOX_KEPT_H

#include "sync/dropbox/inbox.h"

#define KEPT_STAMP_SIZE 16       /* "20260101T000000Z", before a dash */
#define KEPT_LISTED_MAX 100000

/* DB7: removes from the folder the oldest of what has a name that inbox_kept_name() gives, until it is within the limits. */
void kept_trim(int folder, const InboxLimits *limits, gint64 now);

#endif
