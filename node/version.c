#include "node/version.h"

#include <stdio.h>

#include <gnutls/gnutls.h>
#include <jansson.h>
#include <lmdb.h>
#include <microhttpd.h>
#include <sodium.h>
#include <sqlite3.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

#include "manifests/ingest/archive_reader.h"
#include "manifests/ledger/repository.h"
#include "node/print.h"
#include "sync/transport/transport.h"

void
print_version(gboolean json)
{
    int major, minor, revision;
    g_autofree char *git = NULL, *glib = NULL, *lmdb = NULL, *xxhash = NULL;

    git = repository_library();
    glib = g_strdup_printf("%u.%u.%u", glib_major_version, glib_minor_version, glib_micro_version);
    mdb_version(&major, &minor, &revision);
    lmdb = g_strdup_printf("%d.%d.%d", major, minor, revision);
    xxhash = g_strdup_printf("%u.%u.%u", XXH_versionNumber() / 10000, XXH_versionNumber() / 100 % 100, XXH_versionNumber() % 100);
    const struct { const char *name, *version; } libraries[] = {
        { "GLib", glib }, { "GnuTLS", gnutls_check_version(NULL) }, { "jansson", jansson_version_str() }, { "libarchive", archive_reader_library() },
        { "libcurl", transport_library("https://") }, { "libssh2", transport_library("ssh://") }, { "libgit2", git }, { "libmicrohttpd", MHD_get_version() },
        { "libsodium", sodium_version_string() }, { "LMDB", lmdb }, { "SQLite", sqlite3_libversion() }, { "xxHash", xxhash }, { "zlib", zlibVersion() }, { "zstd", ZSTD_versionString() },
    };

    if (json) {
        json_t *root = json_pack("{s:s, s:{}}", "chama", CHAMA_VERSION, "libraries");

        for (guint i = 0; i < G_N_ELEMENTS(libraries); i++)
            json_object_set_new(json_object_get(root, "libraries"), libraries[i].name, json_string(libraries[i].version));
        print_json(root);
        return;
    }
    printf("chama %s\n", CHAMA_VERSION);
    for (guint i = 0; i < G_N_ELEMENTS(libraries); i++)
        printf("%-14s %s\n", libraries[i].name, libraries[i].version);
}
