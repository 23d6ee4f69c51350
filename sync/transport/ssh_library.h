/*
 * ssh_library: libssh2, loaded when the first connection is made (keys/library.h), for the files beside this one that speak SSH.
 */
#ifndef CHAMA_SYNC_TRANSPORT_SSH_LIBRARY_H
#define CHAMA_SYNC_TRANSPORT_SSH_LIBRARY_H

#include <libssh2.h>
#include <libssh2_sftp.h>

#include "keys/library.h"

#define SSH_FUNCTIONS(f) \
    f(libssh2_agent_connect) f(libssh2_agent_disconnect) f(libssh2_agent_free) f(libssh2_agent_get_identity) f(libssh2_agent_init) \
    f(libssh2_agent_list_identities) f(libssh2_agent_userauth) f(libssh2_channel_close) f(libssh2_channel_eof) f(libssh2_channel_free) \
    f(libssh2_channel_get_exit_status) f(libssh2_channel_open_ex) f(libssh2_channel_process_startup) f(libssh2_channel_read_ex) f(libssh2_channel_send_eof) \
    f(libssh2_channel_write_ex) f(libssh2_exit) f(libssh2_hostkey_hash) f(libssh2_init) f(libssh2_knownhost_addc) f(libssh2_knownhost_checkp) \
    f(libssh2_knownhost_free) f(libssh2_knownhost_init) f(libssh2_knownhost_readline) f(libssh2_poll_channel_read) f(libssh2_session_abstract) f(libssh2_session_block_directions) \
    f(libssh2_session_disconnect_ex) f(libssh2_session_free) f(libssh2_session_handshake) f(libssh2_session_hostkey) f(libssh2_session_init_ex) \
    f(libssh2_session_last_errno) f(libssh2_session_last_error) f(libssh2_session_method_pref) f(libssh2_session_set_blocking) f(libssh2_sftp_close_handle) \
    f(libssh2_sftp_fsync) f(libssh2_sftp_init) f(libssh2_sftp_last_error) f(libssh2_sftp_mkdir_ex) f(libssh2_sftp_open_ex) f(libssh2_sftp_read) \
    f(libssh2_sftp_readdir_ex) f(libssh2_sftp_rename_ex) f(libssh2_sftp_seek64) f(libssh2_sftp_shutdown) f(libssh2_sftp_stat_ex) f(libssh2_sftp_statvfs) \
    f(libssh2_sftp_unlink_ex) f(libssh2_sftp_write) f(libssh2_userauth_authenticated) f(libssh2_userauth_list) f(libssh2_userauth_publickey_fromfile_ex) \
    f(libssh2_version)

typedef struct {
    SSH_FUNCTIONS(LIBRARY_POINTER)
} SshLibrary;
extern SshLibrary ssh;

/* Before anything of @ssh is called.  FAILED. */
gboolean ssh_library_start(GError **error);
/* Its version, "none" if it is not there. */
const char *ssh_library_version(void);

#endif
