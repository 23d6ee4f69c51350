/*
 * sftp: one folder of an SSH server, as a drop box needs it: files put there whole under their names, taken from there, listed, removed.
 * Sessions, host keys and proofs are those of ssh_session.h.  One thread at a time.
 *
 * Names are those of entries below the folder: "a.tar", "done/a.tar", no ".." and nothing absolute (USAGE).
 * Errors, if not said otherwise: UNREACHABLE: no connection, or it went, or nothing moved for the stall timeout; NOT_FOUND, DENIED, NO_SPACE, EXISTS, FAILED as the
 * server says; CANCELLED (the flag of the options, which may be that of a Progress).  After UNREACHABLE and CANCELLED the connection is of no use: close it, open another, and go on.
 */
#ifndef CHAMA_SYNC_TRANSPORT_SFTP_H
#define CHAMA_SYNC_TRANSPORT_SFTP_H

#include "manifests/progress.h"
#include "sync/transport/transport.h"

#define SFTP_ENTRIES_MAX 10000

typedef struct Sftp Sftp;

typedef struct {
    char *name;
    guint64 size;
    gint64 time;             /* of its last change, in seconds of the epoch, by the server's clock */
    gboolean folder;         /* else a plain file; others are not listed */
} SftpEntry;

/* Connects.  @url "sftp://[USER@]HOST[:PORT]/DIR" (SH1), DIR absolute, or "/~/DIR" below the user's own folder there; it must be there.  Of @options count known_hosts,
 * connect_timeout, stall_timeout, patience and slowest (each call), limit and cancelled.  USAGE, and as ssh_session_open(). */
Sftp *sftp_open(const char *url, const TransportOptions *options, GError **error);
void sftp_close(Sftp *sftp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sftp, sftp_close)

/* Puts the file @path there as @name.  It grows under a temporary name beside it (".NAME.DIGEST.part", which sftp_list() leaves out) and is renamed once it is whole, so whoever looks sees all of it or
 * none.  Called again after it was broken off, it goes on where that ended: the temporary name has the digest of what is put, and those of others for the same @name are
 * removed.  EXISTS, and nothing is changed, if @name is there: SFTP writes over nothing.  (So it is, too, where the connection went while the server
 * renamed: sftp_look() says whether it is there and of what size.)  NO_SPACE before anything is sent if the server says that there is less.  @progress (may be NULL) counts bytes, those of an earlier attempt too. */
gboolean sftp_put(Sftp *sftp, const char *path, const char *name, Progress *progress, GError **error);

/* Takes @name, a file of at most @max bytes (LIMIT), to @path, whole or not at all; called again it goes on, if the file there has still the same size and time, with what is in
 * "PATH.SIZE-TIME.part" beside it.  EXISTS if @path is there. */
gboolean sftp_get(Sftp *sftp, const char *name, const char *path, guint64 max, Progress *progress, GError **error);

/* Of SftpEntry, by name, what is in the folder @name ("" for the folder itself); names that do not show on a terminal or are hidden are left out.  LIMIT: more than SFTP_ENTRIES_MAX. */
GPtrArray *sftp_list(Sftp *sftp, const char *name, GError **error);
/* NULL: NOT_FOUND.  The caller's. */
SftpEntry *sftp_look(Sftp *sftp, const char *name, GError **error);
void sftp_entry_free(SftpEntry *entry);

/* A file; one that is not there is NOT_FOUND. */
gboolean sftp_remove(Sftp *sftp, const char *name, GError **error);
/* EXISTS if @to is there. */
gboolean sftp_rename(Sftp *sftp, const char *from, const char *to, GError **error);
/* One level; one that is there is fine. */
gboolean sftp_make_folder(Sftp *sftp, const char *name, GError **error);
/* What is free for this user.  UNSUPPORTED if the server does not say. */
gboolean sftp_free_space(Sftp *sftp, guint64 *bytes, GError **error);

#endif
