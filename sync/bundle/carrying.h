/*
 * carrying: what one node tells another on a disk: what it holds, and what it would have posted to it (sync/BUNDLE.md, B29 to B31).
 */
#ifndef CHAMA_SYNC_BUNDLE_CARRYING_H
#define CHAMA_SYNC_BUNDLE_CARRYING_H

#include "sync/bundle/making.h"
#include "sync/bundle/road.h"

#define BUNDLE_HOLDS "holds.json"              /* what the writer holds, as an exchange/1 */
#define BUNDLE_HOLDS_VERSIONS "holds-versions" /* and versions of the receiver, a line each */
#define BUNDLE_POSTED "posted/"
#define BUNDLE_POSTED_NOTE "posted/note"

/* B29: into a sealed bundle for a peer. */
gboolean carrying_put_holds(Making *making, GError **error);
/* B31 */
gboolean carrying_put_posted(Making *making, GError **error);

/* B30: from an earlier bundle: for whom the new one is, and what that node holds. */
gboolean carrying_learn(Making *making, const char *path, GError **error);

/* B31: takes what @node, an accepted peer, posted; *@taken is how much.  VERIFY unless its log key signed that. */
gboolean carrying_take_posted(Home *home, Parcel *parcel, const char *node, guint *taken, GError **error);

#endif
