/*
 * view: what a record shows in a ledger's tree and log beside itself (manifests/FORMAT.md, part 7, G6 and G9): the dataset and version
 * of a manifest/1, the pretty-printed text of a manifest/1, profile/1 or rotation/1.  A record that does not have what is needed shows nothing.
 */
#ifndef CHAMA_MANIFESTS_LEDGER_VIEW_H
#define CHAMA_MANIFESTS_LEDGER_VIEW_H

#include <jansson.h>

#include "manifests/record.h"

#define VIEW_NAME_MAX 64
#define VIEW_MESSAGE_MAX 4096

typedef enum { VIEW_NONE, VIEW_MANIFEST, VIEW_PROFILE, VIEW_ROTATION } ViewKind;

typedef struct {
    ViewKind kind;
    json_t *object;      /* NULL if VIEW_NONE */
    const char *name;    /* of a manifest: its dataset; borrowed from object */
    gint64 version;      /* 0 if it states none */
    guint64 seq;         /* of the record */
    const char *message; /* text in lines (M6), or NULL */
} View;

View *view_of(const Record *record);
void view_free(View *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(View, view_free)

/* Of every record of a batch, in order. */
GPtrArray *views_of(GPtrArray *records);

#endif
