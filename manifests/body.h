/*
 * body: what the statements of manifests/FORMAT.md, part 3, have in common, whether they stand in a record or were sealed: which members
 * they may have (S1), and the version that they are about (S13).  For their parsers only, but for Subject.
 */
#ifndef CHAMA_MANIFESTS_BODY_H
#define CHAMA_MANIFESTS_BODY_H

#include <jansson.h>

#include "manifests/manifest.h"

/* The version that a statement is about, of any node. */
typedef struct {
    Digest manifest;                 /* address of the manifest's record */
    char node[NODE_ID_SIZE];
    char name[DATASET_NAME_MAX + 1];
    guint64 version;
} Subject;

void subject_of(const Manifest *manifest, Subject *subject);
/* FALSE if the words of @subject are not those of @manifest, which it names by address: then it counts for nothing. */
gboolean subject_is(const Subject *subject, const Manifest *manifest);

/* The object of a statement of @type, which has the members @own, those of its form, and no other: of a record `type`, `node`, `seq`, `prev`, `time`;
 * of a @sealed body `type`, `node`.  UNSUPPORTED if it is of another type. */
json_t *body_parse(GBytes *bytes, const char *type, gboolean sealed, const char *const *own, GError **error);
/* What is to be sealed: @members (a canonical object), @type and @node.  The caller's. */
GBytes *body_seal(const char *type, const char *node, GBytes *members, GError **error);

/* The type and the node that a body says, with no other rule. */
gboolean body_read_head(GBytes *body, char type[RECORD_TYPE_MAX], char node[NODE_ID_SIZE], GError **error);

/* Members `manifest`, `dataset` and `version`. */
gboolean subject_read(const json_t *object, const char *what, Subject *subject, GError **error);
void subject_write(json_t *object, const Subject *subject);

void body_write_digest(json_t *object, const char *name, const Digest *digest);
void body_write_time(json_t *object, const char *name, gint64 seconds);

#endif
