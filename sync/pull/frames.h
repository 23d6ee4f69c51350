/*
 * frames: the answer to a request for pages or chunks, taken apart as it comes: one frame for each thing asked for, in that order.  Pure;
 * keeps one frame.
 */
#ifndef CHAMA_SYNC_PULL_FRAMES_H
#define CHAMA_SYNC_PULL_FRAMES_H

#include "sync/wire.h"

/* Takes frame @index; @stored (borrowed) is NULL if the peer says that it is not there.  FALSE with an error stops the answer. */
typedef gboolean (*FrameTake)(gpointer data, guint index, const FrameHeader *header, GBytes *stored, GError **error);

typedef struct FrameReader FrameReader;
/* @kind: what every frame that is there must hold. */
FrameReader *frame_reader_new(guint count, ObjectKind kind, FrameTake take, gpointer data);
void frame_reader_free(FrameReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FrameReader, frame_reader_free)
/* A TransportSink whose data is the reader. */
gboolean frame_reader_feed(gpointer reader, const void *bytes, gsize size, GError **error);
/* MALFORMED unless all came. */
gboolean frame_reader_end(FrameReader *reader, GError **error);

#endif
