/*
 * boxes: what the drop boxes of this node did last, kept in the file "dropbox" of the home between the daemon, which writes it, and `chama status`.  Nothing rests on it.
 */
#ifndef CHAMA_NODE_BOXES_H
#define CHAMA_NODE_BOXES_H

#include <jansson.h>

#include "node/config.h"

typedef struct {
    char *box;                 /* "inbox DIR" or "outbox PEER:DIR" */
    gint64 looked;             /* seconds since 1970 */
    char *file;                /* the last one that was taken or left, or NULL, and */
    gint64 time;               /* when */
    char *error;               /* what stands in the way now, or what was refused last; or NULL, and */
    gint64 failed;             /* when */
    guint waiting;             /* files that wait */
    guint64 count, refused;    /* files since the beginning: done with well, refused */
} Box;

/* Of @box; all else zero or NULL if nothing is known.  The caller's. */
Box *box_load(const char *home, const char *box);
void box_free(Box *box);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Box, box_free)
/* FALSE if it cannot be written. */
gboolean box_save(const char *home, const Box *box, GError **error);

/* The boxes that the configuration names: of char*, "inbox DIR".  The caller's. */
GPtrArray *boxes_named(const Config *config);

/* "outbox PEER:DIR".  The caller's. */
char *boxes_name_of(const ConfigOutbox *outbox);

/* Each of @names, as lines of `chama status`, and for its --json. */
void boxes_print(const char *home, const GPtrArray *names);
json_t *boxes_json(const char *home, const GPtrArray *names);

#endif
