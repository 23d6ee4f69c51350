/*
 * What sftp.c (the folder) and sftp_file.c (bytes of files) share.
 */
#ifndef CHAMA_SYNC_TRANSPORT_SFTP_PRIVATE_H
#define CHAMA_SYNC_TRANSPORT_SFTP_PRIVATE_H

#include "sync/transport/sftp.h"
#include "sync/transport/ssh_session.h"

struct Sftp {
    SshSession *session;
    LIBSSH2_SFTP *handle;
    char *name;              /* the address, for errors */
    char *base;              /* path of the folder there */
    Limit *limit;            /* or NULL */
};

/* What became of a call: TRUE for @result >= 0, else an error about @name; @waited is taken. */
gboolean sftp_done(Sftp *sftp, gssize result, const char *name, GError *waited, GError **error);
/* The path of @name there ("": the folder itself).  USAGE.  The caller's. */
char *sftp_path(const Sftp *sftp, const char *name, GError **error);

LIBSSH2_SFTP_HANDLE *sftp_open_handle(Sftp *sftp, const char *name, unsigned long flags, long mode, int type, GError **error);
/* @handle is gone afterwards. */
gboolean sftp_close_handle(Sftp *sftp, LIBSSH2_SFTP_HANDLE *handle, const char *name, GError **error);

/* As sftp_list(), those that are hidden, too. */
GPtrArray *sftp_entries(Sftp *sftp, const char *folder, gboolean hidden, GError **error);
gboolean sftp_there(Sftp *sftp, const char *name, gboolean *there, GError **error);

#endif
