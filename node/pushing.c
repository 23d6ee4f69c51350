#include "node/pushing.h"

#include "keys/error.h"
#include "node/http/descriptor.h"
#include "sync/push_contacts.h"

#define GOT_ON (1024 * 1024)   /* bytes sent: more than the beginning, which every attempt sends */

/* What the peer told; from the server's thread. */
typedef struct {
    Pushed pushed;
    gint told;
} Word;

static gboolean
hear(gpointer data, GBytes *body, GError **error)
{
    Word *word = data;

    if (!pushed_parse(body, &word->pushed, error))
        return FALSE;
    g_atomic_int_set(&word->told, TRUE);
    return TRUE;
}

static gboolean
judge_silence(Push *push, GError **error)
{
    g_autoptr(GError) trouble = NULL;

    push_trouble(push, &trouble);
    return chama_error(error, CHAMA_ERROR_UNREACHABLE, "%s: the connection has ended before it said what it took%s%s%s; the next push goes on from there", push_url(push),
                       trouble ? " (" : "", trouble ? trouble->message : "", trouble ? ")" : "");
}

static gboolean
judge(const Word *word, Push *push, GError **error)
{
    const GError said = { .domain = CHAMA_ERROR, .code = word->pushed.failed };
    const char *url = push_url(push);

    if (!g_atomic_int_get(&word->told))
        return judge_silence(push, error);
    if (!word->pushed.has_failed)
        return TRUE;
    if (word->pushed.failed == CHAMA_ERROR_EXISTS)
        return chama_error(error, CHAMA_ERROR_EXISTS, "%s: it syncs with this node already: try again later", url);
    return chama_error(error, (ChamaError)word->pushed.failed, "%s: it could not take what it wants (%s): its own log says why", url, chama_error_name(&said));
}

/* A person's word, in place of whose turn it was to hear it. */
static gboolean
say_stopped(GError **error)
{
    if (error && g_error_matches(*error, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
        g_clear_error(error);
        chama_error(error, CHAMA_ERROR_CANCELLED, "push: stopped; the next push goes on from there");
    }
    return FALSE;
}

static gboolean
push_once(Home *home, const Peer *peer, const Config *config, Limits *limits, Progress *progress, Pushed *pushed, GError **error)
{
    g_autoptr(Push) push = push_open(home, peer, config->slowest, progress, error);
    Word word = { 0 };
    const DescriptorOptions options = {
        .home = home_path(home), .node = peer->node, .address = "push", .limits = limits, .slowest = config->slowest, .told = hear, .told_data = &word, .progress = progress,
        .cancelled = &progress->cancelled,
    };

    if (!push || !descriptor_serve(push_descriptor(push), push_descriptor(push), &options, error))
        return say_stopped(error);
    *pushed = word.pushed;
    return judge(&word, push, error);
}

/* PS9.  Best effort: what is reported is what came of the push. */
static void
note(Home *home, const Peer *peer, const Config *config, const Progress *progress, const Pushed *pushed, const Digest *mark, const GError *failed)
{
    g_autofree char *problems = pushed->problems > 0 ? g_strdup_printf("%" G_GUINT64_FORMAT " problems with single ledgers or versions: its own log says which", pushed->problems) : NULL;
    const ContactOutcome outcome = { .error = failed ? failed->message : problems, .failed = failed != NULL,
                                     .got_on = pushed->records > 0 || pushed->bytes > 0 || __atomic_load_n(&progress->bytes_done, __ATOMIC_RELAXED) > GOT_ON,
                                     .interval = config_pushes(config, peer->alias) ? config_interval(config, peer->alias) : 0 };

    push_contacts_note(home, peer->node, &outcome, mark, NULL);
}

gboolean
pushing_run(Home *home, const Peer *peer, const Config *config, Limits *limits, Progress *progress, Pushed *pushed, GError **error)
{
    g_autoptr(Claim) claim = push_claim(home, peer, error);
    GError *failed = NULL;
    Digest mark;

    if (!claim || !push_mark(home, peer->node, &mark, error))
        return FALSE;
    push_once(home, peer, config, limits, progress, pushed, &failed);
    if (!g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED))
        note(home, peer, config, progress, pushed, &mark, failed);
    if (failed)
        g_propagate_error(error, failed);
    return failed == NULL;
}
