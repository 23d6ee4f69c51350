/*
 * inbox: a folder in which bundles appear, put there by programs that this node does not know (sync/BUNDLE.md, DB1-DB9).  Each is taken once and whole, and goes
 * to "done" or, with the reason in a text file beside it, to "refused".  One that is no good holds up no other; a node that is killed at any time goes on where it was.
 *
 * One thread.
 */
#ifndef CHAMA_SYNC_DROPBOX_INBOX_H
#define CHAMA_SYNC_DROPBOX_INBOX_H

#include <glib.h>

#define INBOX_TAKING "taking"
#define INBOX_DONE "done"
#define INBOX_REFUSED "refused"
#define INBOX_NAMES_MAX 4096      /* DB8: that are looked at a time; the others' turn comes */
#define INBOX_TRIES_MAX 50        /* DB6 */

typedef struct {
    guint settle;                 /* seconds for which a file must not have changed (DB2) */
    guint64 keep_bytes;           /* of what was done, and as much of what was refused (DB7); 0: none is kept */
    guint keep_count, keep_days;
} InboxLimits;

typedef enum {
    INBOX_IS_DONE,
    INBOX_IS_REFUSED,             /* for ever: *@reason says why */
    INBOX_TRY_AGAIN,              /* something may mend it: *@reason */
    INBOX_WAIT                    /* something here is in the way (the disk is full, the daemon stops): does not count as a try */
} InboxVerdict;

/* Takes the file at @path; *@reason is for a person, the inbox's to g_free(). */
typedef InboxVerdict (*InboxTake)(gpointer data, const char *path, char **reason);
/* Something happened to the file called @name, as it may be shown; @reason NULL: it was taken. */
typedef void (*InboxTell)(gpointer data, const char *name, InboxVerdict verdict, const char *reason);

typedef struct Inbox Inbox;
Inbox *inbox_new(const char *folder, const InboxLimits *limits, InboxTake take, InboxTell tell, gpointer data);
void inbox_free(Inbox *inbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Inbox, inbox_free)

/* One look at the folder, at @now (seconds of a clock that only goes forward): takes what is complete.  *@waiting: files that are not done with.  FALSE if the folder cannot be
 * worked with. */
gboolean inbox_look(Inbox *inbox, gint64 now, guint *waiting, GError **error);

/* Pure. DB1: is @name one that who is still writing gives ("x.tar.part")?  DB3: is it called as a bundle is? */
gboolean inbox_is_temporary(const char *name);
gboolean inbox_is_bundle(const char *name);
/* The name under which a file that was called @name is kept: the time, and what of its name can be shown and is short enough.  The caller's. */
char *inbox_kept_name(const char *name, gint64 seconds, guint number);
/* The time in such a name; FALSE if it is none. */
gboolean inbox_kept_time(const char *kept, gint64 *seconds);

#endif
