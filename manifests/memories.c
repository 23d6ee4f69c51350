#include "manifests/memories.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifests/checkout.h"

#define FOLDER "stamps"
/* AR11: there is one for each dataset and place, and places come and go. */
#define MEMORIES_MAX 64

/* AR11: a memory says nothing for another node, dataset or place. */
static void
make_key(Home *home, const char *name, const char *real, Digest *key)
{
    g_autofree char *text = g_strdup_printf("chama-stamps\n%s\n%s\n%s", home_id(home), name, real);

    digest_of(text, strlen(text), key);
}

static char *
make_file(Home *home, const Digest *key)
{
    g_autofree char *folder = home_file(home, FOLDER);
    char hex[DIGEST_HEX_SIZE];

    mkdir(folder, 0700);
    return g_build_filename(folder, digest_format_hex(key, hex), NULL);
}

Memory *
memories_open(Home *home, const char *name, const char *path, gboolean anew, StoreWriter *writer)
{
    MemoryPlace place = { .anew = anew, .begun = stamp_now(), .get = store_listing_get, .get_data = home_store(home, NULL) };
    g_autofree char *file = NULL;
    char *real = realpath(path, NULL);

    if (!real || !place.get_data) {
        free(real);
        return NULL;
    }
    make_key(home, name, real, &place.key);
    free(real);
    if (writer)
        store_writer_state(writer, &place.state);
    place.file = file = make_file(home, &place.key);
    return memory_open(&place);
}

typedef struct {
    char *path;
    struct timespec used;
} Kept;

static void
kept_clear(gpointer data)
{
    g_free(((Kept *)data)->path);
}

static gint
last_used_first(gconstpointer a, gconstpointer b)
{
    const struct timespec *x = &((const Kept *)a)->used, *y = &((const Kept *)b)->used;

    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? 1 : -1;
    return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}

static GArray *
list(const char *folder)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Kept));
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    g_array_set_clear_func(all, kept_clear);
    while (dir && (name = g_dir_read_name(dir))) {
        Kept kept = { .path = g_build_filename(folder, name, NULL) };
        struct stat st;

        if (strlen(name) == 2 * DIGEST_SIZE && lstat(kept.path, &st) == 0) {
            kept.used = st.st_mtim;
            g_array_append_val(all, kept);
        } else
            g_free(kept.path);
    }
    return all;
}

char *
memories_of_checkout(Home *home, const char *real, Digest *key)
{
    /* No dataset has this name. */
    make_key(home, "", real, key);
    return make_file(home, key);
}

void
memories_keep(Home *home, Memory *memory, StoreWriter *writer, const Digest *root)
{
    Digest state = { .bytes = { 0 } };

    /* While there is a writer nobody takes anything out of the store. */
    store_writer_state(writer, &state);
    memory_keep(memory, root, &state);
    memories_trim(home);
}

void
memories_trim(Home *home)
{
    g_autofree char *folder = home_file(home, FOLDER);
    g_autoptr(GArray) all = list(folder);

    g_array_sort(all, last_used_first);
    for (guint i = MEMORIES_MAX; i < all->len; i++)
        unlink(g_array_index(all, Kept, i).path);
}
