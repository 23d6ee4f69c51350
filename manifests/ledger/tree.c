#include "manifests/ledger/tree.h"

#include <stdio.h>
#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "keys/history.h"
#include "keys/sshsig.h"
#include "manifests/ledger/view.h"

#define FILE_MODE "100644 "
#define FOLDER_MODE "40000 "

/* G5: records are in folders of ten, of a hundred folders, of a hundred folders.  What of a record's number names each level's folder. */
static const guint64 span[TREE_LEVELS] = { G_MAXUINT64, 100000, 1000, 10 };

/* One entry of datasets/. */
typedef struct {
    char name[VIEW_NAME_MAX + 1];
    git_oid id;
} Dataset;

/* A folder below records/ that is still growing: level 0 is records/ itself, level 3 holds files. */
typedef struct {
    GByteArray *bytes;
    guint64 number; /* seq / span */
} Level;

struct Projection {
    ObjectSink sink;
    gpointer data;
    Level level[TREE_LEVELS];
    GArray *datasets; /* of Dataset, in the order of git */
    GByteArray *rotations; /* the tree of that name */
    git_oid datasets_id, profile, signers;
    gboolean has_profile;
};

/* An entry read at @at: FALSE past the end or where the bytes are none. */
typedef struct {
    const char *name;
    git_oid id;
} Entry;

static gboolean
next_entry(const guint8 **at, const guint8 *end, Entry *entry)
{
    const guint8 *space = memchr(*at, ' ', (gsize)(end - *at));
    const guint8 *nul = space ? memchr(space, '\0', (gsize)(end - space)) : NULL;

    if (!nul || end - nul <= GIT_OID_RAWSZ)
        return FALSE;
    entry->name = (const char *)space + 1;
    oid_from_raw(&entry->id, nul + 1);
    *at = nul + 1 + GIT_OID_RAWSZ;
    return TRUE;
}

gboolean
tree_find(GBytes *tree, const char *name, git_oid *id)
{
    gsize size;
    const guint8 *at = g_bytes_get_data(tree, &size), *end = at + size;
    Entry entry;

    while (at < end && next_entry(&at, end, &entry)) {
        if (strcmp(entry.name, name) != 0)
            continue;
        *id = entry.id;
        return TRUE;
    }
    return FALSE;
}

gboolean
tree_last(GBytes *tree, char *name, gsize size, git_oid *id)
{
    gsize tree_size;
    const guint8 *at = g_bytes_get_data(tree, &tree_size), *end = at + tree_size;
    Entry entry = { 0 };

    while (at < end)
        if (!next_entry(&at, end, &entry))
            return FALSE;
    if (!entry.name)
        return FALSE;
    g_strlcpy(name, entry.name, size);
    *id = entry.id;
    return TRUE;
}

char *
tree_component(guint level, guint64 seq, char name[32])
{
    static const struct { guint64 divisor, modulus; int digits; } part[TREE_LEVELS] = {
        { 100000, 10000, 4 }, { 1000, 100, 2 }, { 10, 100, 2 }, { 1, RECORD_SEQ_MAX + 1, 9 }
    };

    g_snprintf(name, 32, "%0*" G_GUINT64_FORMAT "%s", part[level].digits, seq / part[level].divisor % part[level].modulus,
               level == TREE_LEVELS - 1 ? ".json" : "");
    return name;
}

gboolean
tree_numbers(GBytes *tree, GArray *numbers)
{
    gsize size;
    const guint8 *at = g_bytes_get_data(tree, &size), *end = at + size;
    Entry entry;

    while (at < end) {
        guint64 number;
        char name[32];

        if (!next_entry(&at, end, &entry))
            return FALSE;
        number = g_ascii_strtoull(entry.name, NULL, 10);
        if (number > RECORD_SEQ_MAX || strcmp(tree_component(TREE_LEVELS - 1, number, name), entry.name) != 0)
            return FALSE;
        g_array_append_val(numbers, number);
    }
    return TRUE;
}

static void
add_object(Projection *projection, git_object_t type, const void *bytes, gsize size, const char *hint, git_oid *id)
{
    projection->sink(projection->data, type, bytes, size, hint, id);
}

static void
append_entry(GByteArray *tree, const char *mode, const char *name, const git_oid *id)
{
    g_byte_array_append(tree, (const guint8 *)mode, (guint)strlen(mode));
    g_byte_array_append(tree, (const guint8 *)name, (guint)strlen(name) + 1);
    g_byte_array_append(tree, id->id, GIT_OID_RAWSZ);
}

/* Numbers only grow, so a folder is the last entry of its parent or a new one. */
static void
set_last_folder(GByteArray *tree, const char *name, const git_oid *id)
{
    gsize size = strlen(FOLDER_MODE) + strlen(name) + 1 + GIT_OID_RAWSZ;

    if (tree->len >= size && memcmp(tree->data + tree->len - size + strlen(FOLDER_MODE), name, strlen(name) + 1) == 0)
        g_byte_array_set_size(tree, tree->len - (guint)size);
    append_entry(tree, FOLDER_MODE, name, id);
}

/* Writes a folder below records/ into its parent. */
static void
close_level(Projection *projection, guint level)
{
    static const char *const hints[TREE_LEVELS] = { "records", "hundred-thousands", "thousands", "tens" };
    const Level *folder = &projection->level[level];
    char name[32];
    git_oid id;

    if (folder->bytes->len == 0)
        return;
    add_object(projection, GIT_OBJECT_TREE, folder->bytes->data, folder->bytes->len, hints[level], &id);
    tree_component(level - 1, folder->number * span[level], name);
    set_last_folder(projection->level[level - 1].bytes, name, &id);
}

static void
close_levels(Projection *projection)
{
    for (guint level = TREE_LEVELS - 1; level > 0; level--)
        close_level(projection, level);
}

/* Makes the levels those of record @seq. */
static void
enter(Projection *projection, guint64 seq)
{
    for (guint level = TREE_LEVELS - 1; level > 0; level--) {
        Level *folder = &projection->level[level];

        if (folder->number == seq / span[level])
            continue;
        close_level(projection, level);
        g_byte_array_set_size(folder->bytes, 0);
        folder->number = seq / span[level];
    }
}

static void
add_record(Projection *projection, const Record *record)
{
    GByteArray *leaf = projection->level[TREE_LEVELS - 1].bytes;
    g_autofree char *armour = sshsig_armour(record->signature);
    char name[32], signature_name[40];
    gsize size;
    const void *data = g_bytes_get_data(record->bytes, &size);
    git_oid id;

    enter(projection, record->seq);
    tree_component(TREE_LEVELS - 1, record->seq, name);
    g_snprintf(signature_name, sizeof signature_name, "%s.sig", name);
    add_object(projection, GIT_OBJECT_BLOB, data, size, "record", &id);
    append_entry(leaf, FILE_MODE, name, &id);
    add_object(projection, GIT_OBJECT_BLOB, armour, strlen(armour), "signature", &id);
    append_entry(leaf, FILE_MODE, signature_name, &id);
}

/* Git sorts folders as if their names ended in a slash. */
static int
compare_folders(const char *a, const char *b)
{
    gsize size = MIN(strlen(a), strlen(b));
    int order = memcmp(a, b, size);
    guchar next_a = a[size] ? (guchar)a[size] : '/', next_b = b[size] ? (guchar)b[size] : '/';

    return order != 0 ? order : (int)next_a - (int)next_b;
}

/* Where @name is in datasets/, or would be. */
static guint
dataset_position(const GArray *datasets, const char *name, gboolean *found)
{
    guint low = 0, high = datasets->len;

    *found = FALSE;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        int order = compare_folders(g_array_index(datasets, Dataset, middle).name, name);

        if (order == 0) {
            *found = TRUE;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A pretty-printed view: a blob. */
static void
add_view(Projection *projection, const View *view, git_oid *id)
{
    static const char *const hints[] = { [VIEW_MANIFEST] = "manifest", [VIEW_PROFILE] = "profile", [VIEW_ROTATION] = "rotation" };
    g_autofree char *text = canonical_format_pretty(view->object);

    add_object(projection, GIT_OBJECT_BLOB, text, strlen(text), hints[view->kind], id);
}

/* G15: each stays, since the keys that it ended still speak for the records before it. */
static void
add_rotation(Projection *projection, const View *view)
{
    char name[32];
    git_oid blob;

    add_view(projection, view, &blob);
    append_entry(projection->rotations, FILE_MODE, tree_component(TREE_LEVELS - 1, view->seq, name), &blob);
}

static void
set_dataset(Projection *projection, const View *view)
{
    g_autoptr(GByteArray) folder = g_byte_array_new();
    gboolean found;
    guint at = dataset_position(projection->datasets, view->name, &found);
    Dataset dataset = { 0 };
    git_oid blob;

    /* G6: each commit writes the whole of datasets/, so a ledger of ever new names must not grow it for ever. */
    if (!found && projection->datasets->len >= TREE_DATASETS_MAX)
        return;
    add_view(projection, view, &blob);
    append_entry(folder, FILE_MODE, "manifest.json", &blob);
    g_strlcpy(dataset.name, view->name, sizeof dataset.name);
    add_object(projection, GIT_OBJECT_TREE, folder->data, folder->len, "dataset", &dataset.id);
    if (found)
        g_array_index(projection->datasets, Dataset, at) = dataset;
    else
        g_array_insert_val(projection->datasets, at, dataset);
}

static void
write_datasets(Projection *projection)
{
    g_autoptr(GByteArray) tree = g_byte_array_new();

    for (guint i = 0; i < projection->datasets->len; i++) {
        const Dataset *dataset = &g_array_index(projection->datasets, Dataset, i);

        append_entry(tree, FOLDER_MODE, dataset->name, &dataset->id);
    }
    add_object(projection, GIT_OBJECT_TREE, tree->data, tree->len, "datasets", &projection->datasets_id);
}

/* TRUE if a later record of the batch shows the same thing. */
static gboolean
is_replaced(GPtrArray *views, guint i)
{
    const View *view = g_ptr_array_index(views, i);

    for (guint j = i + 1; j < views->len; j++) {
        const View *later = g_ptr_array_index(views, j);

        if (later->kind == view->kind && (view->kind == VIEW_PROFILE || strcmp(later->name, view->name) == 0))
            return TRUE;
    }
    return FALSE;
}

static void
add_views(Projection *projection, GPtrArray *views)
{
    gboolean changed = FALSE;

    for (guint i = 0; i < views->len; i++) {
        const View *view = g_ptr_array_index(views, i);

        if (view->kind == VIEW_NONE)
            continue;
        if (view->kind == VIEW_MANIFEST && !is_replaced(views, i)) {
            set_dataset(projection, view);
            changed = TRUE;
        }
        if (view->kind == VIEW_PROFILE && !is_replaced(views, i)) {
            add_view(projection, view, &projection->profile);
            projection->has_profile = TRUE;
        }
        if (view->kind == VIEW_ROTATION)
            add_rotation(projection, view);
    }
    if (changed && projection->datasets->len > 0)
        write_datasets(projection);
}

/* G4. */
static void
write_root(Projection *projection, git_oid *root)
{
    g_autoptr(GByteArray) tree = g_byte_array_new();
    const GByteArray *records = projection->level[0].bytes;
    git_oid id;

    append_entry(tree, FILE_MODE, REPOSITORY_SIGNERS, &projection->signers);
    if (projection->datasets->len > 0)
        append_entry(tree, FOLDER_MODE, "datasets", &projection->datasets_id);
    if (projection->has_profile)
        append_entry(tree, FILE_MODE, "profile.json", &projection->profile);
    add_object(projection, GIT_OBJECT_TREE, records->data, records->len, "records", &id);
    append_entry(tree, FOLDER_MODE, "records", &id);
    if (projection->rotations->len > 0) {
        add_object(projection, GIT_OBJECT_TREE, projection->rotations->data, projection->rotations->len, TREE_ROTATIONS, &id);
        append_entry(tree, FOLDER_MODE, TREE_ROTATIONS, &id);
    }
    add_object(projection, GIT_OBJECT_TREE, tree->data, tree->len, "root", root);
}

static gboolean
changes_keys(GPtrArray *views)
{
    for (guint i = 0; i < views->len; i++)
        if (((const View *)g_ptr_array_index(views, i))->kind == VIEW_ROTATION)
            return TRUE;
    return FALSE;
}

void
projection_add(Projection *projection, GPtrArray *records, GPtrArray *views, const Identity *identity, git_oid *root)
{
    for (guint i = 0; i < records->len; i++)
        add_record(projection, g_ptr_array_index(records, i));
    close_levels(projection);
    add_views(projection, views);
    if (oid_is_zero(&projection->signers) || changes_keys(views)) {
        g_autofree char *lines = identity_allowed_signers(identity);

        add_object(projection, GIT_OBJECT_BLOB, lines, strlen(lines), "signers", &projection->signers);
    }
    write_root(projection, root);
}

Projection *
projection_new(ObjectSink sink, gpointer data)
{
    Projection *projection = g_new0(Projection, 1);

    projection->sink = sink;
    projection->data = data;
    projection->datasets = g_array_new(FALSE, TRUE, sizeof(Dataset));
    projection->rotations = g_byte_array_new();
    for (guint level = 0; level < TREE_LEVELS; level++)
        projection->level[level].bytes = g_byte_array_new();
    return projection;
}

void
projection_free(Projection *projection)
{
    if (!projection)
        return;
    g_array_unref(projection->datasets);
    g_byte_array_unref(projection->rotations);
    for (guint level = 0; level < TREE_LEVELS; level++)
        g_byte_array_unref(projection->level[level].bytes);
    g_free(projection);
}

static gboolean
load_datasets(Projection *projection, GBytes *tree, GError **error)
{
    gsize size;
    const guint8 *at = g_bytes_get_data(tree, &size), *end = at + size;

    while (at < end) {
        Dataset dataset = { 0 };
        Entry entry;

        if (!next_entry(&at, end, &entry) || strlen(entry.name) > VIEW_NAME_MAX)
            return chama_error(error, CHAMA_ERROR_DAMAGED, "ledger: G6: datasets/ is not a tree of datasets");
        g_strlcpy(dataset.name, entry.name, sizeof dataset.name);
        dataset.id = entry.id;
        g_array_append_val(projection->datasets, dataset);
    }
    return TRUE;
}

static gboolean
load_rotations(Projection *projection, Repository *repository, GBytes *root, GError **error)
{
    g_autoptr(GBytes) tree = NULL;
    git_oid id;

    if (!tree_find(root, TREE_ROTATIONS, &id))
        return TRUE;
    tree = repository_read(repository, &id, GIT_OBJECT_TREE, error);
    if (tree)
        g_byte_array_append(projection->rotations, g_bytes_get_data(tree, NULL), (guint)g_bytes_get_size(tree));
    return tree != NULL;
}

static gboolean
load_root(Projection *projection, Repository *repository, GBytes *root, git_oid *records, GError **error)
{
    g_autoptr(GBytes) datasets = NULL;

    if (!tree_find(root, REPOSITORY_SIGNERS, &projection->signers) || !tree_find(root, "records", records))
        return chama_error(error, CHAMA_ERROR_DAMAGED, "ledger: G4: the tree lacks records or " REPOSITORY_SIGNERS);
    projection->has_profile = tree_find(root, "profile.json", &projection->profile);
    if (!load_rotations(projection, repository, root, error))
        return FALSE;
    if (!tree_find(root, "datasets", &projection->datasets_id))
        return TRUE;
    datasets = repository_read(repository, &projection->datasets_id, GIT_OBJECT_TREE, error);
    return datasets && load_datasets(projection, datasets, error);
}

/* The folders of the last record: they grow on. */
static gboolean
load_levels(Projection *projection, Repository *repository, const git_oid *records, guint64 last, GError **error)
{
    git_oid id = *records;

    for (guint level = 0; level < TREE_LEVELS; level++) {
        g_autoptr(GBytes) tree = repository_read(repository, &id, GIT_OBJECT_TREE, error);
        char name[32];

        if (!tree)
            return FALSE;
        g_byte_array_append(projection->level[level].bytes, g_bytes_get_data(tree, NULL), (guint)g_bytes_get_size(tree));
        projection->level[level].number = last / span[level];
        if (!tree_find(tree, tree_component(level, last, name), &id))
            return chama_error(error, CHAMA_ERROR_DAMAGED, "ledger: G5: record %" G_GUINT64_FORMAT " is not in the tree", last);
    }
    return TRUE;
}

Projection *
projection_load(Repository *repository, const git_oid *root, guint64 size, ObjectSink sink, gpointer data, GError **error)
{
    g_autoptr(Projection) projection = projection_new(sink, data);
    g_autoptr(GBytes) tree = repository_read(repository, root, GIT_OBJECT_TREE, error);
    git_oid records;

    if (!tree || !load_root(projection, repository, tree, &records, error) || !load_levels(projection, repository, &records, size - 1, error))
        return NULL;
    return g_steal_pointer(&projection);
}
