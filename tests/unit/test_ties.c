/* sync/ties.h: N15-N17: who decides, and that all who know the same agree, in whatever order they came to know it. */
#include "keys/error.h"
#include "manifests/ledger/cosignature.h"
#include "sync/ties.h"
#include "tests/unit/home_fixture.h"
#include "tests/unit/rotation_node.h"

#define T G_GINT64_CONSTANT(1790000000)

static void
test_weighed(void)
{
    static const struct {
        const char *what;
        TieFacts facts;
        BranchVerdict verdict;
    } cases[] = {
        { "nobody tells", { .verdict = BRANCH_FROZEN, .same_kind = TRUE }, BRANCH_FROZEN },
        { "the held one was seen", { .verdict = BRANCH_FROZEN, .same_kind = TRUE, .held_seen = T }, BRANCH_HELD },
        { "the offered one was seen", { .verdict = BRANCH_FROZEN, .same_kind = TRUE, .offered_seen = T }, BRANCH_OFFERED },
        { "the held one first", { .verdict = BRANCH_FROZEN, .same_kind = TRUE, .held_seen = T, .offered_seen = T + 1 }, BRANCH_HELD },
        { "the offered one first", { .verdict = BRANCH_FROZEN, .same_kind = TRUE, .held_seen = T + 1, .offered_seen = T }, BRANCH_OFFERED },
        { "in the same second", { .verdict = BRANCH_FROZEN, .same_kind = TRUE, .held_seen = T, .offered_seen = T }, BRANCH_OFFERED },
        { "in the same second, the other way", { .verdict = BRANCH_FROZEN, .same_kind = TRUE, .held_is_less = TRUE, .held_seen = T, .offered_seen = T }, BRANCH_HELD },
        { "never opened again, and nobody saw either", { .verdict = BRANCH_HELD, .same_kind = TRUE }, BRANCH_HELD },
        { "never opened again: the other was seen later", { .verdict = BRANCH_HELD, .same_kind = TRUE, .held_seen = T, .offered_seen = T + 1 }, BRANCH_HELD },
        { "followed, yet the quorum saw the other first", { .verdict = BRANCH_HELD, .same_kind = TRUE, .held_seen = T + 1, .offered_seen = T }, BRANCH_OFFERED },
        { "the endorsed one counts, whoever saw the other", { .verdict = BRANCH_HELD, .offered_seen = T }, BRANCH_HELD },
        { "the endorsed one counts, whoever saw the held one", { .verdict = BRANCH_OFFERED, .held_seen = T }, BRANCH_OFFERED },
        { "a person decides for the held one", { .verdict = BRANCH_OFFERED, .decided_held = TRUE, .offered_seen = T }, BRANCH_HELD },
        { "a person decides for the offered one", { .verdict = BRANCH_HELD, .same_kind = TRUE, .decided_offered = TRUE, .held_seen = T }, BRANCH_OFFERED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].what);
        g_assert_cmpint(ties_weigh(&cases[i].facts), ==, cases[i].verdict);
    }
}

/* Three witnesses, of whom two are enough. */
static Policy *
make_policy(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    Policy *policy;

    for (guint i = 0; i < 3; i++) {
        g_autoptr(Keypair) witness = key(201 + i);
        g_autofree char *name = g_strdup_printf("w%u", i), *verifier = note_verifier_format(name, NOTE_COSIGNATURE, keypair_public(witness));

        g_string_append_printf(text, "witness w%u %s\n", i, verifier);
    }
    g_string_append(text, "group two 2 w0 w1 w2\nquorum two\n");
    policy = policy_parse(text->str, text->len, &error);
    g_assert_no_error(error);
    return policy;
}

/* A checkpoint of @size records of the history, cosigned by those of "0", "1", "2" in @who at the @time. */
static char *
make_note(const Identity *history, guint log_seed, guint64 size, const char *who, gint64 time)
{
    g_autoptr(Keypair) log = key(log_seed);
    g_autofree char *origin = checkpoint_origin_of(history), *bare = NULL;
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func((GDestroyNotify)note_signature_free);
    g_autoptr(GError) error = NULL;
    Digest root = { { (guint8)size, (guint8)log_seed } };
    gsize text_size;
    char *note;

    bare = checkpoint_sign(origin, size, &root, T, log, &error);
    text_size = (gsize)(g_strrstr(bare, "\n\n") - bare) + 1;
    for (; *who; who++) {
        g_autoptr(Keypair) witness = key(201 + (guint)(*who - '0'));
        g_autofree char *name = g_strdup_printf("w%c", *who);

        g_ptr_array_add(lines, cosignature_sign(bare, text_size, name, witness, time, &error));
    }
    note = note_merge(bare, strlen(bare), lines, &error);
    g_assert_no_error(error);
    return note;
}

/* Two histories of one node, and what may be met of each, in any order. */
typedef struct {
    guint branch;          /* 0 or 1 */
    const char *who;
    gint64 time;
    guint64 size;
} Event;
#define EVENTS 4

typedef struct {
    Home *home;
    Policy *policy;
    Identity *branches[2];
} World;

static void
forget(Home *home)
{
    sqlite3 *database = state_database(home_state(home, NULL));

    sqlite3_exec(database, "DELETE FROM tie", NULL, NULL, NULL);
    sqlite3_exec(database, "DELETE FROM tie_seen", NULL, NULL, NULL);
    sqlite3_exec(database, "DELETE FROM tie_decided", NULL, NULL, NULL);
}

/* One node that meets the events in this order, and then each once more; which history it holds in the end. */
static guint
play(const World *world, const Event *events, const guint *order, gboolean *frozen)
{
    guint held = events[order[0]].branch;

    forget(world->home);
    for (guint i = 0; i < 2 * EVENTS; i++) {
        const Event *event = &events[order[i % EVENTS]];
        const Identity *offered = world->branches[event->branch];
        g_autofree char *note = make_note(offered, event->branch ? 103 : 102, event->size, event->who, event->time);
        g_autoptr(GError) error = NULL;
        const Identity *ours, *theirs;

        identity_rivals(world->branches[event->branch], world->branches[!event->branch], &ours, &theirs);
        if (event->branch == held) {
            g_assert_true(ties_learn(world->home, world->policy, ours, note, &error));
            continue;
        }
        switch (ties_judge(world->home, world->policy, world->branches[held], offered, note, NULL, &error)) {
        case BRANCH_OFFERED:
            held = event->branch;
            *frozen = FALSE;
            break;
        case BRANCH_FROZEN:
            *frozen = TRUE;
            break;
        default:
            *frozen = FALSE;
        }
        g_assert_no_error(error);
    }
    return held;
}

static void
permute(const World *world, const Event *events, guint *order, guint from, guint want, guint *count)
{
    if (from == EVENTS) {
        gboolean frozen = FALSE;

        g_test_message("order %u %u %u %u", order[0], order[1], order[2], order[3]);
        g_assert_cmpuint(play(world, events, order, &frozen), ==, want == 2 ? events[order[0]].branch : want);
        g_assert_cmpint(frozen, ==, want == 2);
        (*count)++;
        return;
    }
    for (guint i = from; i < EVENTS; i++) {
        guint kept = order[from];

        order[from] = order[i];
        order[i] = kept;
        permute(world, events, order, from + 1, want, count);
        order[i] = order[from];
        order[from] = kept;
    }
}

static guint
lesser(const World *world)
{
    const Identity *ours, *theirs;

    identity_rivals(world->branches[0], world->branches[1], &ours, &theirs);
    return memcmp(ours->record.bytes, theirs->record.bytes, DIGEST_SIZE) < 0 ? 0 : 1;
}

static void
test_n17_all_agree_in_any_order(HomeFixture *f, gconstpointer data)
{
    static const Turn one = { .revealed = 2, .old = 1, .next = 3, .log = 102 }, other = { .revealed = 2, .old = 1, .next = 3, .log = 103 };
    /* Records 0 inception, 1 a profile, 2 the rotation: a checkpoint of two records says nothing of it. */
    static const struct {
        const char *what;
        Event events[EVENTS];
        guint want;        /* 2: frozen, each stays with what it held; 3: the one of the lesser address */
    } cases[] = {
        { "the quorum of the first is earlier", { { 0, "01", T, 3 }, { 0, "2", T + 300, 4 }, { 1, "2", T - 50, 3 }, { 1, "1", T + 20, 4 } }, 0 },
        { "that of the second is", { { 0, "01", T + 100, 3 }, { 0, "2", T + 300, 4 }, { 1, "2", T - 50, 3 }, { 1, "1", T + 20, 4 } }, 1 },
        { "only the second has one", { { 0, "0", T - 100, 3 }, { 0, "0", T - 90, 4 }, { 1, "12", T + 500, 3 }, { 1, "", T, 4 } }, 1 },
        { "neither has", { { 0, "0", T, 3 }, { 0, "0", T + 1, 4 }, { 1, "1", T, 3 }, { 1, "1", T + 1, 4 } }, 2 },
        { "both in the same second", { { 0, "01", T, 3 }, { 0, "2", T + 1, 4 }, { 1, "12", T, 3 }, { 1, "0", T + 1, 4 } }, 3 },
        { "what was seen before the rotation does not count", { { 0, "01", T - 900, 2 }, { 0, "", T, 3 }, { 1, "12", T, 3 }, { 1, "", T, 4 } }, 1 },
    };
    World world = { .home = f->home, .policy = make_policy() };

    for (guint more = 0; more < 4; more++) {
        world.branches[0] = history_of(&one, more & 1);
        world.branches[1] = history_of(&other, more & 2);
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
            guint order[EVENTS] = { 0, 1, 2, 3 }, count = 0;

            /* One that was followed by another is held fast where nobody tells: that is N15. */
            if (cases[i].want == 2 && more != 0)
                continue;
            g_test_message("%s, %u", cases[i].what, more);
            permute(&world, cases[i].events, order, 0, cases[i].want == 3 ? lesser(&world) : cases[i].want, &count);
            g_assert_cmpuint(count, ==, 24);
        }
        identity_free(world.branches[0]);
        identity_free(world.branches[1]);
    }
    policy_free(world.policy);
}

static void
test_n16_a_person_decides(HomeFixture *f, gconstpointer data)
{
    static const Turn one = { .revealed = 2, .old = 1, .next = 3, .log = 102 }, other = { .revealed = 2, .old = 1, .next = 3, .log = 103 };
    g_autoptr(Identity) held = history_of(&one, TRUE), offered = history_of(&other, FALSE), plain = history_of(NULL, FALSE);
    g_autofree char *note = make_note(offered, 103, 3, "", T);
    g_autoptr(GError) unknown = NULL, error = NULL;
    g_autoptr(GArray) ties = NULL;
    Digest nothing = { { 1 } };
    gboolean fresh;

    /* Nothing to decide where there is no tie. */
    g_assert_cmpint(ties_judge(f->home, NULL, held, plain, note, &fresh, &error), ==, BRANCH_HELD);
    g_assert_false(ties_decide(f->home, held->id, &held->record, &unknown));
    g_assert_error(unknown, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);
    g_clear_error(&unknown);

    g_assert_cmpint(ties_judge(f->home, NULL, offered, held, note, &fresh, &error), ==, BRANCH_FROZEN);
    g_assert_true(fresh);
    g_assert_cmpint(ties_judge(f->home, NULL, offered, held, note, &fresh, &error), ==, BRANCH_FROZEN);
    g_assert_false(fresh);     /* it is no news */
    ties = ties_of(f->home, held->id, &error);
    g_assert_cmpuint(ties->len, ==, 2);
    g_assert_true(g_array_index(ties, Tie, 0).open && g_array_index(ties, Tie, 1).open);
    g_assert_false(ties_decide(f->home, held->id, &nothing, &unknown));
    g_assert_error(unknown, CHAMA_ERROR, CHAMA_ERROR_NOT_FOUND);

    /* The one that was followed by another is kept, but those who met the other first keep that: an alarm. */
    g_array_unref(g_steal_pointer(&ties));
    g_assert_cmpint(ties_judge(f->home, NULL, held, offered, note, &fresh, &error), ==, BRANCH_HELD);
    ties = ties_of(f->home, held->id, &error);
    g_assert_true(g_array_index(ties, Tie, 0).open && g_array_index(ties, Tie, 1).open);

    /* Also where the one held was followed by another: it is this node's people who say so. */
    g_assert_true(ties_decide(f->home, held->id, &offered->record, &error));
    g_assert_cmpint(ties_judge(f->home, NULL, held, offered, note, &fresh, &error), ==, BRANCH_OFFERED);
    g_assert_cmpint(ties_judge(f->home, NULL, offered, held, note, &fresh, &error), ==, BRANCH_HELD);
    /* And think better of it. */
    g_assert_true(ties_decide(f->home, held->id, &held->before->record, &error));
    g_assert_cmpint(ties_judge(f->home, NULL, held, offered, note, &fresh, &error), ==, BRANCH_HELD);
    g_assert_cmpint(ties_judge(f->home, NULL, offered, held, note, &fresh, &error), ==, BRANCH_OFFERED);
    g_assert_no_error(error);
}

/* A thief must not fill the disk with rotations. */
static void
test_bounded(HomeFixture *f, gconstpointer data)
{
    static const Turn one = { .revealed = 2, .old = 1, .next = 3, .log = 102 };
    g_autoptr(Identity) held = history_of(&one, FALSE);
    g_autoptr(GArray) ties = NULL;

    for (guint i = 0; i < 2 * TIES_NODE_MAX; i++) {
        Turn other = { .revealed = 2, .old = 1, .next = 3, .log = 110 + i };
        g_autoptr(Identity) offered = history_of(&other, FALSE);
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(ties_judge(f->home, NULL, held, offered, "", NULL, &error), ==, BRANCH_FROZEN);
        g_assert_no_error(error);
    }
    ties = ties_of(f->home, NULL, NULL);
    g_assert_cmpuint(ties->len, ==, TIES_NODE_MAX);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ties/n15-n16-n17/weighed", test_weighed);
    g_test_add("/ties/n17/all-agree-in-any-order", HomeFixture, NULL, home_fixture_make, test_n17_all_agree_in_any_order, home_fixture_clear);
    g_test_add("/ties/n16/a-person-decides", HomeFixture, NULL, home_fixture_make, test_n16_a_person_decides, home_fixture_clear);
    g_test_add("/ties/bounded", HomeFixture, NULL, home_fixture_make, test_bounded, home_fixture_clear);
    return g_test_run();
}
