/*
 * joint: a connection that libcurl has made, TLS and all (CURLOPT_CONNECT_ONLY), and a socket of this process, joined by a thread that carries bytes both ways.
 */
#ifndef CHAMA_SYNC_TRANSPORT_JOINT_H
#define CHAMA_SYNC_TRANSPORT_JOINT_H

#include <glib.h>

typedef struct Joint Joint;
/* @curl is the thread's alone until joint_stop().  *@fd, the caller's: a stream socket; closing it ends the connection once what was written is sent, and it ends when the connection does. */
Joint *joint_start(gpointer curl, int *fd, GError **error);
void joint_stop(Joint *joint);

#endif
