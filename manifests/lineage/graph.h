/*
 * graph: where a version comes from, or what was derived from it: versions, and the steps between them, each with its verdict (manifests/FORMAT.md,
 * part 14).  Built breadth first over a source of facts, so pure but for what that does; bounded by its options whatever the records say.
 *
 * A version is the address of its manifest, and names its sources by theirs: so there are no circles, and a version that is reached by
 * several ways stands here once.
 */
#ifndef CHAMA_MANIFESTS_LINEAGE_GRAPH_H
#define CHAMA_MANIFESTS_LINEAGE_GRAPH_H

#include "manifests/lineage/verdict.h"

#define LINEAGE_VERSIONS_MAX 10000   /* LI2 */
#define LINEAGE_EDGES_MAX 40000
#define LINEAGE_NOTHING G_MAXUINT    /* as the source of an edge: which it is, is not known */

/* What is known of one version. */
typedef struct {
    gboolean known;               /* its record is here; else only names are filled in, as whoever names it says */
    Digest manifest;
    char node[NODE_ID_SIZE], name[DATASET_NAME_MAX + 1];
    guint64 version, seq;
    gint64 time;
    Share share;
    char *title_zh, *title_en;    /* may be NULL */
    char *fault;                  /* what does not hold of its record; NULL: all that can be checked holds */
    char *place;                  /* how it is known to stand where it says; NULL with a fault */
    char *erased;                 /* why a tombstone stands where its content was; NULL: none does */
    char *disavowed;              /* that its node says since that the record is not its own; NULL: it does not */
    char *withdrawn;              /* why its node took it back; NULL: it did not */
    SourcesState sources;
    guint inputs;                 /* how many it states, if they are known */
    char *activity;               /* canonical JSON (M14), or NULL */
    gboolean has_listing;         /* it is known here, and not that of an empty folder */
    Digest listing;
    guint repeats;
} VersionFacts;
VersionFacts *version_facts_new(void);
void version_facts_free(VersionFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VersionFacts, version_facts_free)

/* Where facts come from. */
typedef struct {
    gpointer data;
    /* @named: what is said of it; of the version that is asked about, its own manifest's words.  @namer: the version that names it, or NULL. Never NULL
     * without an error that ends all. */
    VersionFacts *(*look)(gpointer data, const Input *named, const VersionFacts *namer, GError **error);
    /* What a version with SOURCES_KNOWN names: array of Input*, the caller's. */
    GPtrArray *(*sources)(gpointer data, const VersionFacts *version, GError **error);
    /* The address of the version that @named names by node, name and number, if it is known here; else FALSE. */
    gboolean (*rival)(gpointer data, const Input *named, Digest *address);
    /* Versions that name this one as a source: array of Input*, at most @max, each saying node, name, number, manifest of the derived one. */
    GPtrArray *(*derived)(gpointer data, const VersionFacts *source, guint max, GError **error);
} LineageFacts;

typedef struct {
    gboolean downstream;          /* what was derived from it, instead of where it comes from */
    guint depth;                  /* steps; 0: as far as it goes */
    guint versions_max, edges_max;/* 0: LINEAGE_VERSIONS_MAX, LINEAGE_EDGES_MAX */
} LineageOptions;

typedef struct {
    VersionFacts *facts;
    guint depth;
    gboolean looked_into;         /* its edges are here */
    char *label, *publisher;      /* for people: lineage_name() */
} LineageVersion;

typedef struct {
    guint derived, source;        /* indexes of versions; source may be LINEAGE_NOTHING */
    char *role;                   /* "source"; NULL if the source is LINEAGE_NOTHING */
    Verdict verdict;
    char *reason;
} LineageEdge;

typedef struct {
    gboolean downstream;
    GPtrArray *versions;          /* of LineageVersion*, by depth; the first is the one asked about */
    GPtrArray *edges;             /* of LineageEdge*, worst first, else by depth */
    guint not_looked_into;        /* versions beyond the depth or a limit */
    gboolean full;                /* a limit was reached: there is more */
    guint counts[VERDICTS];       /* edges of each verdict */
    Verdict verdict;              /* the worst; VERDICTS if nothing was to judge */
} Lineage;

Lineage *lineage_build(const LineageFacts *facts, const Input *root, const LineageOptions *options, GError **error);
void lineage_free(Lineage *lineage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lineage, lineage_free)

static inline const LineageVersion *
lineage_version(const Lineage *lineage, guint index)
{
    return lineage->versions->pdata[index];
}

static inline const LineageEdge *
lineage_edge(const Lineage *lineage, guint index)
{
    return lineage->edges->pdata[index];
}

/* Fills in what versions are called: @dataset gives "forestry/roads", @publisher "林业厅 Forestry" (both the caller's to free); each asked once a
 * dataset and node. */
void lineage_name(Lineage *lineage, char *(*dataset)(gpointer data, const char *node, const char *name),
                  char *(*publisher)(gpointer data, const char *node), gpointer data);

#endif
