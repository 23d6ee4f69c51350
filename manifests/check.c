#include "manifests/check.h"

#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "keys/durable.h"
#include "keys/error.h"
#include "keys/seal.h"
#include "keys/tls.h"
#include "keys/token.h"
#include "manifests/checkout.h"
#include "manifests/check_catalogue.h"
#include "manifests/erasing.h"
#include "manifests/listing/known.h"
#include "manifests/statement.h"
#include "manifests/store/maintain.h"

static void
say(CheckReport report, gpointer data, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    report(data, message);
}

/* Keys. */

static void
check_mode(Home *home, const char *name, gboolean required, CheckReport report, gpointer data)
{
    g_autofree char *path = home_file(home, name);
    struct stat st;

    if (lstat(path, &st) != 0) {
        if (required)
            say(report, data, "%s: it is missing; restore it from a backup", name);
    } else if (st.st_mode & 077)
        say(report, data, "%s: want it readable by its owner only, have mode %04o; chmod 600 it", name, st.st_mode & 07777);
}

static void
check_tls(Home *home, CheckReport report, gpointer data)
{
    g_autofree char *key = home_file(home, "keys/tls.key"), *certificate = home_file(home, "keys/tls.crt");
    g_autoptr(GError) broken = NULL;
    g_autoptr(Profile) profile = catalogue_profile(home_catalogue(home, NULL), home_id(home), NULL);
    gboolean pinned = FALSE;
    Digest pin;

    if (!tls_pair_check(key, certificate, &broken) || !tls_pin_of_file(certificate, &pin, &broken)) {
        report(data, broken->message);
        return;
    }
    for (guint i = 0; profile && i < profile->pins->len; i++)
        pinned |= digest_equal(&pin, &g_array_index(profile->pins, Digest, i));
    if (!pinned)
        report(data, "keys/tls.crt: want the key that the profile pins, have another: peers will refuse this node");
}

static void
check_log_key(Home *home, CheckReport report, gpointer data)
{
    g_autoptr(GError) broken = NULL;

    if (!home_log_key(home, &broken))
        report(data, broken->message);
}

/* KT8: of a key in a token the reference is checked, for the token need not be here. */
static void
check_signing_key(Home *home, CheckReport report, gpointer data)
{
    g_autofree char *path = home_file(home, "keys/signing.key");
    g_auto(TokenReference) reference = { 0 };
    g_autoptr(GError) broken = NULL;

    if (token_reference_load(path, &reference, &broken)) {
        if (memcmp(&reference.key, &home_identity(home, NULL)->signing, sizeof reference.key) != 0)
            report(data, "keys/signing.key: want a reference to the key that the ledger names, have one to another; restore it from a backup");
    } else if (broken || (!keypair_file_is_encrypted(path) && !home_signing_key(home, &broken)))
        report(data, broken->message);
}

/* What is encrypted to the key that the ledger names must be opened by the file.  DENIED: it is under a passphrase. */
static void
check_encryption_key(Home *home, CheckReport report, gpointer data)
{
    g_autofree char *path = home_file(home, "keys/encryption.key");
    g_autoptr(GError) broken = NULL;
    g_autoptr(GBytes) probe = g_bytes_new_static("probe", 5);
    g_autoptr(GBytes) sealed = seal_encrypt(home_identity(home, NULL)->encryption, probe, &broken);
    g_autoptr(GBytes) opened = sealed ? seal_decrypt(path, NULL, sealed, &broken) : NULL;

    if (!opened && !g_error_matches(broken, CHAMA_ERROR, CHAMA_ERROR_DENIED))
        say(report, data, "keys/encryption.key: want the key that the ledger names: %s", broken->message);
}

/* The next key may be elsewhere, as it should; where it is here it must be the one committed to. */
static void
check_next_key(Home *home, CheckReport report, gpointer data)
{
    g_autofree char *path = home_file(home, "keys/next.key");
    g_auto(TokenReference) reference = { 0 };
    g_autoptr(GError) broken = NULL;
    g_autoptr(Keypair) next = NULL;
    Digest commitment;

    if (!g_file_test(path, G_FILE_TEST_EXISTS) || keypair_file_is_encrypted(path))
        return;
    if (!token_reference_load(path, &reference, &broken) && (broken || !(next = keypair_load(path, NULL, &broken)))) {
        report(data, broken->message);
        return;
    }
    commitment_of(next ? keypair_public(next) : &reference.key, &commitment);
    if (!digest_equal(&commitment, &home_identity(home, NULL)->next))
        report(data, "keys/next.key: want the key that the ledger commits to, have another");
}

gboolean
check_keys(Home *home, CheckReport report, gpointer data, GError **error)
{
    static const char *const secrets[] = { "keys/signing.key", "keys/log.key", "keys/encryption.key", "keys/tls.key" };

    if (!home_catalogue(home, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(secrets); i++)
        check_mode(home, secrets[i], TRUE, report, data);
    check_mode(home, "keys/next.key", FALSE, report, data);
    check_mode(home, "keys/tls-next.key", FALSE, report, data);
    check_tls(home, report, data);
    check_log_key(home, report, data);
    check_signing_key(home, report, data);
    check_encryption_key(home, report, data);
    check_next_key(home, report, data);
    return TRUE;
}

/* The store. */

typedef struct {
    CheckReport report;
    gpointer data;
} StoreFindings;

static void
report_object(gpointer data, const Digest *digest, const char *message)
{
    StoreFindings *findings = data;

    findings->report(findings->data, message);
}

gboolean
check_store(Home *home, CheckReport report, gpointer data, Progress *progress, GError **error)
{
    Store *store = home_store(home, error);
    StoreFindings findings = { report, data };
    StoreTotals totals;

    if (!store || !store_totals(store, &totals, error))
        return FALSE;
    if (progress)
        progress->bytes_total = (gint64)totals.pack_bytes;
    return store_check(store, report_object, &findings, progress ? &progress->bytes_done : NULL, error);
}

/* What versions held need. */

typedef struct {
    Home *home;
    Store *store;
    Scope owner;
    const char *name;
    CheckReport report;
    gpointer data;
    guint64 missing;
    gboolean release;
    KnownPages *whole;       /* of listings of @owner's of which nothing is missing: versions have most of theirs in common */
} HeldCheck;

static void
held_check_clear(HeldCheck *check)
{
    g_clear_pointer(&check->whole, known_pages_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HeldCheck, held_check_clear)

/* What is held for one owner need not be for another. */
static void
set_owner(HeldCheck *check, const char *node)
{
    Scope owner;

    node_id_parse(node, &owner, NULL);
    if (check->whole && digest_equal(&owner, &check->owner))
        return;
    check->owner = owner;
    g_clear_pointer(&check->whole, known_pages_free);
    check->whole = known_pages_new();
}

static gboolean
visit_page(gpointer data, const Digest *digest, const Page *page, guint64 first_item, GError **error)
{
    HeldCheck *check = data;
    PageRef reference;

    page_totals(page, &reference);
    reference.digest = *digest;
    if (reference.path && known_pages_has(check->whole, page_level(page), &reference))
        return FALSE;
    for (guint i = 0; page_level(page) == 0 && i < page_count(page); i++) {
        const Item *item = page_item(page, i);

        for (guint c = 0; c < item->chunk_count; c++) {
            if (store_has(check->store, &item->chunks[c].digest, &check->owner))
                continue;
            if (check->missing++ == 0) {
                g_autofree char *path = path_display(item->path);
                char text[DIGEST_TEXT_SIZE];

                say(check->report, check->data, "%s: %s: chunk %s is missing", check->name, path, digest_format(&item->chunks[c].digest, text));
            }
        }
    }
    return TRUE;
}

static gboolean
check_documents(HeldCheck *check, const Held *held, const Manifest *manifest)
{
    gboolean details = store_has(check->store, &held->details, &check->owner);
    gboolean content = manifest->share == SHARE_OPEN || store_has(check->store, &held->content, &check->owner);

    if (!details)
        say(check->report, check->data, "%s: its details document is missing", check->name);
    if (!content)
        say(check->report, check->data, "%s: its content document is missing", check->name);
    return details && content;
}

/* Its documents, pages and chunks are all here. */
static gboolean
check_one_held(HeldCheck *check, const Held *held, const Manifest *manifest)
{
    g_autoptr(GError) broken = NULL;
    gboolean good = check_documents(check, held, manifest);

    check->missing = 0;
    if (!listing_foreach_page(&held->listing, store_listing_get, check->store, visit_page, check, &broken))
        say(check->report, check->data, "%s: listing: %s", check->name, broken->message);
    if (check->missing > 1)
        say(check->report, check->data, "%s: %" G_GUINT64_FORMAT " chunk references in all lead to nothing", check->name, check->missing);
    if (!broken && check->missing == 0)
        known_pages_add(check->whole, &held->listing, store_listing_get, check->store, NULL);
    return good && !broken && check->missing == 0;
}

static gboolean
release(const HeldCheck *check, const Held *held, GError **error)
{
    Held partly = *held;

    partly.complete = FALSE;
    say(check->report, check->data, "%s: counts as held in part from now on; the next sync fetches what is missing", check->name);
    return state_hold(home_state(check->home, NULL), &partly, error);
}

static gboolean
check_version(HeldCheck *check, const Held *held, const Manifest *manifest, GError **error)
{
    g_autofree char *name = g_strdup_printf("%.8s/%s@%" G_GUINT64_FORMAT, manifest->node, manifest->name, manifest->version);

    check->name = name;
    set_owner(check, manifest->node);
    return check_one_held(check, held, manifest) || !check->release || strcmp(manifest->node, home_id(check->home)) == 0 ||
           release(check, held, error);
}

static gboolean
check_all_held(Home *home, gboolean releases, CheckReport report, gpointer data, GError **error)
{
    State *state = home_state(home, error);
    Catalogue *catalogue = home_catalogue(home, error);
    g_autoptr(GArray) all = state && catalogue ? state_all_held(state, error) : NULL;
    g_auto(HeldCheck) check = { .home = home, .report = report, .data = data, .store = home_store(home, error), .release = releases };

    for (guint i = 0; all && check.store && i < all->len; i++) {
        const Held *held = &g_array_index(all, Held, i);
        g_autoptr(Manifest) manifest = catalogue_manifest(catalogue, &held->manifest, NULL);
        char text[DIGEST_TEXT_SIZE];

        if (erasing_is_pending(home, &held->manifest)) /* its bytes may have gone already: gc or the next sync ends it */
            continue;
        if (manifest && held->complete && !check_version(&check, held, manifest, error))
            return FALSE;
        if (!manifest && !held->published) /* a publish that died before its record: gc lets go of it */
            say(report, data, "state.sqlite: %s is said to be held, and no ledger here has such a manifest", digest_format(&held->manifest, text));
    }
    return all && check.store;
}

gboolean
check_held(Home *home, CheckReport report, gpointer data, GError **error)
{
    return check_all_held(home, FALSE, report, data, error);
}

gboolean
check_held_and_release(Home *home, CheckReport report, gpointer data, GError **error)
{
    return check_all_held(home, TRUE, report, data, error);
}

/* Sealed statements. */

typedef struct {
    Home *home;
    CheckReport report;
    gpointer data;
} OwnSeals;

/* A peer's body may never have been for this node; what it sealed itself it has. */
static gboolean
visit_own_record(gpointer data, const Record *record, GError **error)
{
    OwnSeals *seals = data;
    g_autoptr(GBytes) opening = strcmp(record->type, "sealed/1") == 0 ? home_opening(seals->home, &record->address, NULL) : NULL;
    char hex[DIGEST_HEX_SIZE];

    if (!opening && strcmp(record->type, "sealed/1") == 0)
        say(seals->report, seals->data, "sealed/%s.json: the body of record %" G_GUINT64_FORMAT " is missing; restore it from a backup",
            digest_format_hex(&record->address, hex), record->seq);
    return TRUE;
}

gboolean
check_sealed(Home *home, CheckReport report, gpointer data, GError **error)
{
    g_autofree char *folder = home_file(home, "sealed");
    g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
    Catalogue *catalogue = home_catalogue(home, error);
    OwnSeals seals = { home, report, data };
    const char *name;

    while (dir && catalogue && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autoptr(GError) broken = NULL;
        g_autoptr(GBytes) bytes = durable_read(path, RECORD_SIZE_MAX * 4, &broken);
        g_autoptr(Opening) opening = bytes ? opening_parse(bytes, &broken) : NULL;

        /* One that is not whole: what a writer who died left, which gc removes. */
        if (g_pattern_match_simple("*.tmp-??????", name))
            continue;
        /* A body whose record was never committed (a crash in between) proves nothing and harms nothing. */
        if (opening && !catalogue_learn_opening(catalogue, opening, &broken) && g_error_matches(broken, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND))
            g_clear_error(&broken);
        if (broken)
            say(report, data, "sealed/%s: %s", name, broken->message);
    }
    return dir && catalogue && ledger_foreach(home_ledger(home, error), 0, visit_own_record, &seals, error);
}

/* Databases. */

static void
check_integrity(const char *path, const char *name, CheckReport report, gpointer data)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_ERROR;

    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(database, "PRAGMA integrity_check(10)", -1, &statement, NULL) == SQLITE_OK) {
        while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
            const char *line = (const char *)sqlite3_column_text(statement, 0);

            if (strcmp(line, "ok") != 0)
                say(report, data, "%s: %s", name, line);
        }
    }
    if (step != SQLITE_DONE)
        say(report, data, "%s: %s", name, database ? sqlite3_errmsg(database) : "cannot be opened");
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

typedef struct {
    CheckReport report;
    gpointer data;
} Reporter;

static void
report_table(gpointer data, const char *table)
{
    Reporter *reporter = data;

    say(reporter->report, reporter->data, "state.sqlite: rows of table %s are not those that were written; restore it from a backup, or, if they are right, "
        "sqlite3 state.sqlite \"DELETE FROM tally WHERE name = '%s'\"", table, table);
}

gboolean
check_databases(Home *home, CheckReport report, gpointer data, GError **error)
{
    static const char *const names[] = { "state.sqlite", "catalogue.sqlite" };
    Reporter reporter = { report, data };
    State *state;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = home_file(home, names[i]);

        if (g_file_test(path, G_FILE_TEST_EXISTS))
            check_integrity(path, names[i], report, data);
    }
    state = home_state(home, error);
    return state && state_check(state, report_table, &reporter, error) && check_catalogue(home, report, data, error);
}
