/* version_verify(): the documents of one version, and all that its listing names. */
#include "keys/error.h"
#include "manifests/verify/files.h"
#include "manifests/version.h"

typedef struct {
    Store *store;
    VersionReport report;
    gpointer report_data;
    Progress *progress;
} Verification;

static void
say(Verification *v, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    v->report(v->report_data, message);
}

/* The documents are what the manifest names: content (salted) or listing and details. */
static gboolean
check_documents(Home *home, const Manifest *manifest, const Held *held, Verification *v)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = NULL;
    Content content;

    if (manifest->share == SHARE_OPEN) {
        if (digest_equal(&held->listing, &manifest->listing) && digest_equal(&held->details, &manifest->details))
            return TRUE;
        say(v, "state.sqlite: want the listing and details that the manifest names, have others");
        return FALSE;
    }
    bytes = store_get(home_store(home, NULL), &manifest->content, &error);
    if (!bytes || !content_parse(bytes, &content, &error)) {
        say(v, "content: %s", error->message);
        return FALSE;
    }
    if (digest_equal(&held->listing, &content.listing) && digest_equal(&held->details, &content.details))
        return TRUE;
    say(v, "state.sqlite: want the listing and details that the content document names, have others");
    return FALSE;
}

static void
check_details(Home *home, const Manifest *manifest, const Held *held, Verification *v)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = store_get(home_store(home, NULL), &held->details, &error);
    g_autoptr(Details) details = bytes ? details_parse(bytes, &error) : NULL;

    if (!details)
        say(v, "details: %s", error->message);
    else if (manifest->share == SHARE_OPEN && details->bytes != manifest->bytes)
        say(v, "details: bytes: want %" G_GUINT64_FORMAT " as the manifest says, have %" G_GUINT64_FORMAT, manifest->bytes, details->bytes);
    else if (v->progress)
        v->progress->bytes_total = (gint64)details->bytes;
}

gboolean
version_verify(Home *home, const Manifest *manifest, FoundGood *found_good, VersionReport report, gpointer data, Progress *progress, GError **error)
{
    Verification v = { .report = report, .report_data = data, .progress = progress };
    g_autoptr(GError) broken = NULL;
    g_autoptr(StoreHold) hold = NULL;
    Held held;

    v.store = home_store(home, error);
    if (!v.store || !version_roots(home, manifest, &held, error) || !(hold = store_hold(v.store, error)))
        return FALSE;
    check_details(home, manifest, &held, &v);
    if (check_documents(home, manifest, &held, &v) && !files_verify(v.store, &held.listing, found_good, report, data, progress, &broken) &&
        !progress_cancelled(progress))
        say(&v, "listing: %s", broken->message);
    if (progress_cancelled(progress))
        return chama_error(error, CHAMA_ERROR_CANCELLED, "stopped before all was read");
    return TRUE;
}
