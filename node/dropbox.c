#include "node/dropbox.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "keys/error.h"
#include "node/boxes.h"
#include "node/leaving.h"
#include "node/rounds.h"
#include "sync/bundle/bundle.h"
#include "sync/dropbox/inbox.h"

#define REASON_LINES 20
#define RETRY_EVERY 300       /* seconds, of an outbox in trouble */

typedef struct {
    const ConfigOutbox *config;
    Box *box;
    gint64 next;                 /* monotonic seconds */
    char *told;
} Out;

struct Dropbox {
    char *home;
    const Config *config;
    PullOptions options;
    Policy *policy;
    Journal *journal;
    Progress progress;
    Inbox *inbox;                /* NULL: none */
    Box *in;                     /* what is known of it */
    Home *opened;                /* while it is looked at */
    char *told;                  /* the trouble that was told last */
    GArray *outs;                /* of Out */
    GMutex lock;
    GCond changed;
    gboolean stopped;
    GThread *thread;
};

static gint64
now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

static void
set_text(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value);
}

/* ---- taking one file ---- */

/* Room for @bytes more, and the reserve: without it nothing is even begun. */
static gboolean
has_room(const Dropbox *dropbox, guint64 bytes, char **reason)
{
    struct statvfs disk;
    guint64 room;

    if (statvfs(dropbox->home, &disk) != 0)
        return TRUE;
    room = (guint64)disk.f_bavail * disk.f_frsize;
    if (room >= dropbox->options.reserve + bytes)
        return TRUE;
    g_free(*reason);
    *reason = g_strdup_printf("the disk is full: want %" G_GUINT64_FORMAT " MiB free for it, have %" G_GUINT64_FORMAT,
                              (dropbox->options.reserve + bytes) >> 20, room >> 20);
    return FALSE;
}

static char *
join_problems(const BundleApplyResult *result)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < result->problems->len && i < REASON_LINES; i++)
        g_string_append_printf(text, "%s%s", text->len ? "\n" : "", (char *)result->problems->pdata[i]);
    for (guint b = 0; b < result->bundles->len; b++) {
        const GPtrArray *problems = ((const BundleApplied *)result->bundles->pdata[b])->pulled.problems;

        for (guint i = 0; problems && i < problems->len && i < REASON_LINES; i++)
            g_string_append_printf(text, "%s%s", text->len ? "\n" : "", (char *)problems->pdata[i]);
    }
    return g_string_free(text, FALSE);
}

/* What stands in the way here may go; what is wrong with the file stays. */
static InboxVerdict
judge(const Dropbox *dropbox, int status, guint64 size, char **reason)
{
    if (status == 0)
        return INBOX_IS_DONE;
    if (status != 1 && status != 5)
        return INBOX_IS_REFUSED;
    return has_room(dropbox, size, reason) ? INBOX_TRY_AGAIN : INBOX_WAIT;
}

static void
log_applied(Dropbox *dropbox, const BundleApplyResult *result)
{
    for (guint i = 0; i < result->bundles->len; i++) {
        const BundleApplied *applied = result->bundles->pdata[i];
        g_autofree char *records = g_strdup_printf("%" G_GUINT64_FORMAT, applied->pulled.records), *held = g_strdup_printf("%u of %u", applied->complete, applied->versions);
        g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT, applied->pulled.bytes);

        for (guint n = 0; applied->pulled.alarms && n < applied->pulled.alarms->len; n++)
            journal_write(dropbox->journal, "ALARM", "writer", applied->writer, "evidence", applied->pulled.alarms->pdata[n], NULL);
        if (*applied->writer)
            journal_write(dropbox->journal, "inbox", "writer", applied->writer, "pinned", applied->accepted ? "yes" : "no", "records", records, "bytes", bytes, "versions", held, NULL);
    }
}

static InboxVerdict
take(gpointer data, const char *path, char **reason)
{
    Dropbox *dropbox = data;
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    BundleApplyOptions options = { .pull = &dropbox->options };
    g_auto(BundleApplyResult) result = { 0 };
    g_autoptr(GError) failed = NULL;
    struct stat status = { 0 };

    if (!has_room(dropbox, 0, reason))
        return INBOX_WAIT;
    stat(path, &status);
    g_ptr_array_add(paths, (gpointer)path);
    if (!bundle_apply(dropbox->opened, paths, &options, &result, &failed)) {
        *reason = g_strdup(failed->message);
        return progress_cancelled(&dropbox->progress) ? INBOX_WAIT : judge(dropbox, chama_error_exit_status(failed), (guint64)status.st_size, reason);
    }
    log_applied(dropbox, &result);
    *reason = join_problems(&result);
    return progress_cancelled(&dropbox->progress) && result.worst_exit ? INBOX_WAIT : judge(dropbox, result.worst_exit, (guint64)status.st_size, reason);
}

static void
tell(gpointer data, const char *name, InboxVerdict verdict, const char *reason)
{
    static const char *const words[] = { "done", "refused", "later", "waits" };
    Dropbox *dropbox = data;
    Box *box = dropbox->in;

    journal_write(dropbox->journal, "inbox", "file", name, "verdict", words[verdict], reason ? "reason" : NULL, reason, NULL);
    if (verdict == INBOX_IS_DONE) {
        set_text(&box->file, name);
        box->time = now();
        box->count++;
        return;
    }
    box->refused += verdict == INBOX_IS_REFUSED;
    g_free(box->error);
    box->error = g_strdup_printf("%s: %s", name, reason);
    g_strdelimit(box->error, "\n", ' ');
    box->failed = now();
}

/* ---- looking ---- */

/* The same trouble once; NULL: there is none any more. */
static void
tell_trouble(Dropbox *dropbox, Box *box, char **told, const char *trouble)
{
    if (g_strcmp0(*told, trouble) != 0)
        journal_write(dropbox->journal, "dropbox", "box", box->box, trouble ? "error" : "message", trouble ? trouble : "is well again", NULL);
    set_text(told, trouble);
    if (trouble) {
        set_text(&box->error, trouble);
        box->failed = now();
    }
}

static void
save(Dropbox *dropbox, Box *box)
{
    g_autoptr(GError) failed = NULL;

    box->looked = now();
    if (!box_save(dropbox->home, box, &failed))
        journal_write(dropbox->journal, "dropbox", "box", box->box, "error", failed->message, NULL);
}

static void
look_in(Dropbox *dropbox, Home *home)
{
    g_autoptr(GError) failed = NULL;

    dropbox->opened = home;
    inbox_look(dropbox->inbox, g_get_monotonic_time() / G_USEC_PER_SEC, &dropbox->in->waiting, &failed);
    dropbox->opened = NULL;
    tell_trouble(dropbox, dropbox->in, &dropbox->told, failed ? failed->message : NULL);
    save(dropbox, dropbox->in);
}

static void
note_left(Dropbox *dropbox, Out *out, const OutboxResult *result)
{
    g_autofree char *files = g_strdup_printf("%u", result->left), *bytes = g_strdup_printf("%" G_GUINT64_FORMAT, result->bytes);

    out->box->waiting = result->waiting;
    if (result->left == 0)
        return;
    journal_write(dropbox->journal, "outbox", "box", out->box->box, "files", files, "bytes", bytes, "last", result->last, NULL);
    set_text(&out->box->file, result->last);
    out->box->time = now();
    out->box->count += result->left;
}

/* DB13: what nobody took is never removed; no more is left until somebody has. */
static void
leave(Dropbox *dropbox, Out *out, Home *home)
{
    const Config *config = dropbox->config;
    g_autoptr(GError) failed = NULL;
    g_autofree char *node = peers_resolve(home, out->config->peer, &failed), *full = NULL;
    LeavingOptions options = { .address = out->config->address, .peer = node, .limits = { config->outbox_files, config->outbox_bytes }, .progress = &dropbox->progress };
    OutboxResult result = { 0 };

    if (node)
        leaving_run(home, &options, &result, &failed);
    note_left(dropbox, out, &result);
    if (!failed && result.full)
        full = g_strdup_printf("DB13: it is full: want fewer than %u files and %" G_GUINT64_FORMAT " MiB there that nobody took, have %u files; nothing more is left until some are taken",
                               config->outbox_files, config->outbox_bytes >> 20, result.there);
    if (!progress_cancelled(&dropbox->progress))
        tell_trouble(dropbox, out->box, &out->told, failed ? failed->message : full);
    if (!failed && !full)
        g_clear_pointer(&out->box->error, g_free);
    save(dropbox, out->box);
}

static void
look(Dropbox *dropbox)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(Home) home = home_open(dropbox->home, &failed);
    gint64 since = g_get_monotonic_time() / G_USEC_PER_SEC;

    if (!home) {
        journal_write(dropbox->journal, "dropbox", "error", failed->message, NULL);
        return;
    }
    if (dropbox->inbox)
        look_in(dropbox, home);
    for (guint i = 0; i < dropbox->outs->len && !progress_cancelled(&dropbox->progress); i++) {
        Out *out = &g_array_index(dropbox->outs, Out, i);

        if (since < out->next)
            continue;
        leave(dropbox, out, home);
        out->next = since + (out->told ? MIN(RETRY_EVERY, dropbox->config->outbox_interval) : dropbox->config->outbox_interval);
    }
}

static gpointer
run(gpointer data)
{
    Dropbox *dropbox = data;

    g_mutex_lock(&dropbox->lock);
    while (!dropbox->stopped) {
        gint64 until;

        g_mutex_unlock(&dropbox->lock);
        look(dropbox);
        g_mutex_lock(&dropbox->lock);
        until = g_get_monotonic_time() + (gint64)dropbox->config->box_interval * G_USEC_PER_SEC;
        while (!dropbox->stopped && g_cond_wait_until(&dropbox->changed, &dropbox->lock, until))
            continue;
    }
    g_mutex_unlock(&dropbox->lock);
    return NULL;
}

static void
out_clear(gpointer data)
{
    Out *out = data;

    box_free(out->box);
    g_free(out->told);
}

static GArray *
outs_of(const char *home, const Config *config)
{
    GArray *outs = g_array_new(FALSE, TRUE, sizeof(Out));

    g_array_set_clear_func(outs, out_clear);
    for (guint i = 0; i < config->outboxes->len; i++) {
        g_autofree char *name = boxes_name_of(config->outboxes->pdata[i]);
        Out out = { .config = config->outboxes->pdata[i], .box = box_load(home, name) };

        g_array_append_val(outs, out);
    }
    return outs;
}

static void
open_inbox(Dropbox *dropbox)
{
    const Config *config = dropbox->config;
    InboxLimits limits = { .settle = config->settle, .keep_bytes = config->keep_bytes, .keep_count = config->keep_count, .keep_days = config->keep_days };
    g_autofree char *name = g_strconcat("inbox ", config->inbox, NULL);

    if (!config->inbox)
        return;
    dropbox->in = box_load(dropbox->home, name);
    dropbox->inbox = inbox_new(config->inbox, &limits, take, tell, dropbox);
}

static void
set_pull_options(Dropbox *dropbox)
{
    g_autoptr(GError) error = NULL;

    rounds_pull_options(dropbox->config, &dropbox->options);
    if (!config_policy(dropbox->home, NULL, &dropbox->policy, &error))
        journal_write(dropbox->journal, "policy", "error", error->message, NULL);
    dropbox->options.policy = dropbox->policy;
    dropbox->options.retry_after = 0;
    dropbox->options.patient = TRUE;
    dropbox->options.progress = &dropbox->progress;
}

Dropbox *
dropbox_start(const char *home, const Config *config, Journal *journal)
{
    Dropbox *dropbox;

    if (!config->inbox && config->outboxes->len == 0)
        return NULL;
    dropbox = g_new0(Dropbox, 1);
    *dropbox = (Dropbox){ .home = g_strdup(home), .config = config, .journal = journal, .outs = outs_of(home, config) };
    set_pull_options(dropbox);
    open_inbox(dropbox);
    g_mutex_init(&dropbox->lock);
    g_cond_init(&dropbox->changed);
    dropbox->thread = g_thread_new("dropbox", run, dropbox);
    return dropbox;
}

void
dropbox_stop(Dropbox *dropbox)
{
    if (!dropbox)
        return;
    g_atomic_int_set(&dropbox->progress.cancelled, 1);
    g_mutex_lock(&dropbox->lock);
    dropbox->stopped = TRUE;
    g_cond_signal(&dropbox->changed);
    g_mutex_unlock(&dropbox->lock);
    g_thread_join(dropbox->thread);
    g_mutex_clear(&dropbox->lock);
    g_cond_clear(&dropbox->changed);
    inbox_free(dropbox->inbox);
    box_free(dropbox->in);
    g_array_unref(dropbox->outs);
    g_clear_pointer(&dropbox->policy, policy_free);
    g_free(dropbox->told);
    g_free(dropbox->home);
    g_free(dropbox);
}
