#include "sync/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "keys/error.h"
#include "sync/pull/bringing.h"
#include "sync/pull/content.h"
#include "sync/pull/cosigning.h"
#include "sync/pull/erasures.h"
#include "sync/pull/ledgers.h"
#include "sync/pull/receipts.h"
#include "sync/pull/rumours.h"
#include "sync/pull/session.h"

#define LOCK_PAUSE (100 * 1000)   /* microseconds between looks at a lock that another process holds */

/* The order of events of one sync. */
static gboolean (*const steps[])(Session *, GError **) = { pull_exchange, pull_evidence, pull_own_ledger, pull_bring, pull_ledgers, pull_cosignatures, pull_rumours, pull_openings,
                                                            pull_erasures, pull_content, pull_receipts, pull_bring };

void
pull_options_defaults(PullOptions *options)
{
    *options = (PullOptions){
        .ledgers_max = 256,
        .records_max = 1000000,
        .ledger_bytes_max = G_GUINT64_CONSTANT(1) << 30,
        .peer_bytes_max = G_GUINT64_CONSTANT(2) << 30,
        .reserve = G_GUINT64_CONSTANT(256) << 20,
        .retry_after = 3600,
    };
}

void
pull_result_clear(PullResult *result)
{
    g_clear_pointer(&result->problems, g_ptr_array_unref);
    g_clear_pointer(&result->alarms, g_ptr_array_unref);
}

/* Waits in small steps, so that a person can stop it.  Returns the lock, to be closed, or -1. */
static int
lock_sync(Session *session, GError **error)
{
    g_autofree char *path = home_file(session->home, "sync.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    gboolean told = FALSE;

    if (fd < 0) {
        chama_error_errno(error, errno, "%s: cannot open", path);
        return -1;
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        gboolean busy = errno == EWOULDBLOCK || errno == EINTR;

        if (!busy)
            chama_error_errno(error, errno, "%s: cannot lock", path);
        if (!busy || !session_check(session, error)) {
            close(fd);
            return -1;
        }
        if (!told)
            session_talk(session, "another sync of this node is under way; waiting for it");
        told = TRUE;
        g_usleep(LOCK_PAUSE);
    }
    return fd;
}

/* Who serves does not wait: two that sync with each other would wait for ever. */
static int
try_lock(Home *home, GError **error)
{
    g_autofree char *path = home_file(home, "sync.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    chama_error(error, CHAMA_ERROR_EXISTS, "W24: a sync is under way here: bring it the next time");
    return -1;
}

/* What others changed while this one waited: ledgers; the peer's addresses, keys, openings already asked for. */
static gboolean
reload(Session *session, const char *node, GError **error)
{
    if (!home_refresh(session->home, error))
        return FALSE;
    session->peer = peers_get(session->home, node, error);
    return session->peer != NULL;
}

static gboolean
run(Session *session, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (!steps[i](session, error))
            return FALSE;
    }
    return TRUE;
}

/* Something was reached and done before the trouble: that is a sync with a problem, not one that could not be. */
static gboolean
judge(Session *session, GError *failed, GError **error)
{
    if (!failed)
        return TRUE;
    if (!session->reply || g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED)) {
        g_propagate_error(error, failed);
        return FALSE;
    }
    session_problem(session, session->peer->alias ? session->peer->alias : session->peer->node, failed);
    return TRUE;
}

/* Best effort after a failure: what is reported is the failure. */
static gboolean
note_contact(Session *session, const GError *failed, GError **error)
{
    const GPtrArray *problems = session->result->problems;
    const char *text = failed ? failed->message : problems->len > 0 ? problems->pdata[0] : NULL;

    if (g_error_matches(failed, CHAMA_ERROR, CHAMA_ERROR_CANCELLED))
        return TRUE;
    return peers_note_contact(session->home, session->peer->node, text, error);
}

/* @session: its home, options, result, and the transport if one is given. */
static gboolean
pull(Session *session, const Peer *peer, GError **error)
{
    GError *failed = NULL;
    gboolean good;
    int lock;

    *session->result = (PullResult){ .problems = g_ptr_array_new_with_free_func(g_free), .alarms = g_ptr_array_new_with_free_func(g_free) };
    lock = lock_sync(session, error);
    if (lock < 0)
        return FALSE;
    good = reload(session, peer->node, error);
    if (good) {
        run(session, &failed);
        session_hang_up(session);
        good = note_contact(session, failed, failed ? NULL : error) || failed;
        good = judge(session, failed, error) && good;
    }
    close(lock);
    return good;
}

gboolean
pull_peer(Home *home, Peer *peer, const PullOptions *options, PullResult *result, GError **error)
{
    g_auto(Session) session = { .home = home, .options = options, .result = result };

    return pull(&session, peer, error);
}

gboolean
pull_over(Home *home, Peer *peer, Transport *transport, const PullOptions *options, PullResult *result, GError **error)
{
    g_auto(Session) session = { .home = home, .options = options, .result = result, .transport = transport };

    return pull(&session, peer, error);
}

gboolean
pull_brought(Home *home, const char *node, GBytes *body, PullResult *result, GError **error)
{
    PullOptions options;
    g_auto(Session) session = { .home = home, .options = &options, .result = result };
    gboolean good;
    int lock;

    pull_options_defaults(&options);
    *result = (PullResult){ .problems = g_ptr_array_new_with_free_func(g_free), .alarms = g_ptr_array_new_with_free_func(g_free) };
    lock = try_lock(home, error);
    if (lock < 0)
        return FALSE;
    good = reload(&session, node, error) && bringing_read(&session, body, error) && pull_ledgers(&session, error) && pull_openings(&session, error);
    close(lock);
    return good;
}
