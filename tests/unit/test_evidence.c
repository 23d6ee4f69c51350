/* evidence/1: EV1 to EV10 of manifests/FORMAT.md, part 13. */
#include "tests/unit/ledger_node.h"

#include "keys/history.h"
#include "manifests/evidence.h"
#include "manifests/rotating.h"

#define RECORDS 13

/* One node with two histories that part at record @part: records, and the hash file of each. */
typedef struct {
    Node node;
    GPtrArray *records[2];
    MerkleFile *trees[2];
} Forked;

static void
extend(Forked *forked, guint branch, LedgerHead *head, const char *members)
{
    g_autoptr(GError) error = NULL;
    Record *record = node_record(&forked->node, head, "note/1", members);
    g_autoptr(GBytes) entry = record_entry(record);
    Digest leaf;

    merkle_leaf(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), &leaf);
    merkle_file_append(forked->trees[branch], &leaf, 1, &error);
    g_assert_no_error(error);
    g_ptr_array_add(forked->records[branch], record);
}

static void
forked_make(Forked *forked, guint part)
{
    node_set_up(&forked->node, 7);
    for (guint branch = 0; branch < 2; branch++) {
        g_autofree char *path = g_strdup_printf("%s/hashes-%u", forked->node.folder, branch);
        LedgerHead head = { .size = 0 };

        forked->trees[branch] = merkle_file_open(path, NULL);
        forked->records[branch] = g_ptr_array_new_with_free_func(node_free_record);
        for (guint i = 0; i < RECORDS; i++)
            extend(forked, branch, &head, branch == 1 && i == part ? "{\"text\":\"other\"}" : "{\"text\":\"x\"}");
    }
}

static void
forked_clear(Forked *forked)
{
    for (guint branch = 0; branch < 2; branch++) {
        g_ptr_array_unref(forked->records[branch]);
        merkle_file_close(forked->trees[branch]);
    }
    node_tear_down(&forked->node);
}

static char *
sign(const Forked *forked, guint64 size, const Digest *root, gint64 time)
{
    g_autofree char *origin = checkpoint_origin(forked->node.identity->id);
    g_autoptr(GError) error = NULL;
    char *note = checkpoint_sign(origin, size, root, time, forked->node.log_key, &error);

    g_assert_no_error(error);
    return note;
}

static char *
note_of(const Forked *forked, guint branch, guint64 size, gint64 time)
{
    Digest root;

    g_assert_true(merkle_file_root(forked->trees[branch], size, &root, NULL));
    return sign(forked, size, &root, time);
}

/* Makes it, checks it again from its bytes, and that the form is @form. */
static GBytes *
make(const EvidenceParts *parts, ContradictionForm form, guint64 size)
{
    g_autoptr(GError) error = NULL;
    GBytes *bytes = evidence_make(parts, &error);
    g_autoptr(Contradiction) found = bytes ? evidence_verify(bytes, &error) : NULL;
    g_autofree char *words = NULL;

    g_assert_no_error(error);
    g_assert_cmpint(found->form, ==, form);
    g_assert_cmpuint(found->size, ==, size);
    words = contradiction_describe(found);
    g_assert_true(g_str_has_prefix(words, "it signed "));
    return bytes;
}

static void
assert_refused(const EvidenceParts *parts, int code, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = evidence_make(parts, &error);

    g_assert_null(bytes);
    if (!g_error_matches(error, CHAMA_ERROR, code) || !strstr(error->message, text))
        g_error("want %d and \"%s\" in: %d %s", code, text, error->code, error->message);
}

#define KEYS(forked) .keys = (const Record *const *)(forked).records[0]->pdata, .key_count = 1

static void
test_two_records(void)
{
    Forked f;

    forked_make(&f, 5);
    {
        const Record *same_number[] = { f.records[1]->pdata[5], f.records[0]->pdata[5] };
        const Record *turned[] = { same_number[1], same_number[0] };
        const Record *not_continued[] = { f.records[1]->pdata[6], f.records[0]->pdata[5] };
        const Record *one[] = { same_number[0], same_number[0] };
        const Record *continued[] = { f.records[0]->pdata[5], f.records[0]->pdata[6] };
        const Record *apart[] = { f.records[0]->pdata[5], f.records[1]->pdata[7] };
        g_autoptr(GBytes) a = make(&(EvidenceParts){ KEYS(f), .records = same_number, .record_count = 2 }, CONTRADICTION_RECORDS, 6);
        g_autoptr(GBytes) b = make(&(EvidenceParts){ KEYS(f), .records = turned, .record_count = 2 }, CONTRADICTION_RECORDS, 6);
        g_autoptr(GBytes) c = make(&(EvidenceParts){ KEYS(f), .records = not_continued, .record_count = 2 }, CONTRADICTION_RECORDS, 6);

        g_assert_true(g_bytes_equal(a, b));
        assert_refused(&(EvidenceParts){ KEYS(f), .records = one, .record_count = 2 }, CHAMA_ERROR_VERIFY, "EV6: these can all be true");
        assert_refused(&(EvidenceParts){ KEYS(f), .records = continued, .record_count = 2 }, CHAMA_ERROR_VERIFY, "EV6: these can all be true");
        assert_refused(&(EvidenceParts){ KEYS(f), .records = apart, .record_count = 2 }, CHAMA_ERROR_VERIFY, "EV6: these can all be true");
        assert_refused(&(EvidenceParts){ KEYS(f), .records = one, .record_count = 1 }, CHAMA_ERROR_MALFORMED, "EV2");
        assert_refused(&(EvidenceParts){ KEYS(f), .records = same_number, .record_count = 2, .rollback = TRUE }, CHAMA_ERROR_MALFORMED, "EV2");
    }
    forked_clear(&f);
}

static void
test_two_roots(void)
{
    Forked f;

    forked_make(&f, 5);
    {
        g_autofree char *a = note_of(&f, 0, 9, TIME), *b = note_of(&f, 1, 9, TIME + 1), *again = note_of(&f, 0, 9, TIME + 2);
        Digest root = { { 0 } };
        g_autoptr(GBytes) one = make(&(EvidenceParts){ KEYS(f), .checkpoints = { a, b } }, CONTRADICTION_ROOTS, 9);
        g_autoptr(GBytes) two = make(&(EvidenceParts){ KEYS(f), .checkpoints = { b, a } }, CONTRADICTION_ROOTS, 9);

        g_assert_true(g_bytes_equal(one, two));
        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { a, again } }, CHAMA_ERROR_VERIFY, "EV7: these can all be true");
        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { a, a } }, CHAMA_ERROR_VERIFY, "EV7: these can all be true");
        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { a, b }, .root = &root }, CHAMA_ERROR_MALFORMED, "EV7");
        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { a } }, CHAMA_ERROR_MALFORMED, "EV2");
    }
    forked_clear(&f);
}

/* Of every two sizes, powers of two among them: a proof from the larger tree shows that it does not hold the smaller one. */
static void
test_prefix(void)
{
    Forked f;

    forked_make(&f, 3);
    for (guint64 smaller = 1; smaller < RECORDS; smaller++)
        for (guint64 larger = smaller + 1; larger <= RECORDS; larger++) {
            g_autofree char *a = note_of(&f, 0, smaller, TIME), *b = note_of(&f, 1, larger, TIME);
            g_autoptr(GArray) proof = merkle_file_consistency(f.trees[1], smaller, larger, NULL);
            Digest root;
            const EvidenceParts parts = { KEYS(f), .checkpoints = { b, a }, .root = &root, .hashes = (Digest *)(gpointer)proof->data, .hash_count = proof->len };

            g_assert_true(merkle_file_root(f.trees[1], smaller, &root, NULL));
            if (smaller > 3) {
                g_autoptr(GBytes) bytes = make(&parts, CONTRADICTION_PREFIX, smaller);
            } else {
                assert_refused(&parts, CHAMA_ERROR_VERIFY, "EV8: these can all be true");
            }
            /* Another root is not what the proof shows. */
            g_assert_true(merkle_file_root(f.trees[0], smaller, &root, NULL));
            if (smaller > 3)
                assert_refused(&parts, CHAMA_ERROR_VERIFY, "EV8: proof: T9");
            root.bytes[0] ^= 1;
            assert_refused(&parts, CHAMA_ERROR_VERIFY, "EV8: proof: T9");
        }
    {
        g_autofree char *a = note_of(&f, 0, 5, TIME), *b = note_of(&f, 1, 9, TIME);

        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { a, b } }, CHAMA_ERROR_VERIFY, "EV8: these can all be true");
    }
    forked_clear(&f);
}

static void
add_leaves(MerkleFile *tree, guint count, guint odd)
{
    g_autofree Digest *leaves = g_new(Digest, count);

    for (guint i = 0; i < count; i++) {
        const guint32 text[2] = { i, i == odd };

        merkle_leaf(text, sizeof text, &leaves[i]);
    }
    g_assert_true(merkle_file_append(tree, leaves, count, NULL));
}

/* However far apart two checkpoints are, the evidence stays small and needs no records; and of one history it cannot be made, whatever root is claimed. */
static void
test_far_apart(void)
{
    static const guint64 sizes[] = { 1, 2, 3, 4, 1000, 16384, 16385, 32768, 39999 };
    const guint64 many = 40000;
    Node node;

    node_set_up(&node, 7);
    {
        g_autofree char *path = g_build_filename(node.folder, "a", NULL), *other_path = g_build_filename(node.folder, "b", NULL);
        g_autoptr(MerkleFile) one = merkle_file_open(path, NULL), other = merkle_file_open(other_path, NULL);
        g_autofree char *origin = checkpoint_origin(node.identity->id);
        LedgerHead head = { .size = 0 };
        g_autoptr(Record) inception = node_record(&node, &head, "inception/1", "");
        const Record *keys[] = { inception };
        Digest last, root, false_root;
        g_autofree char *larger = NULL;

        add_leaves(one, (guint)many, G_MAXUINT);
        add_leaves(other, (guint)many, 0);
        g_assert_true(merkle_file_root(one, many, &last, NULL));
        larger = checkpoint_sign(origin, many, &last, TIME, node.log_key, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
            g_autoptr(GArray) proof = merkle_file_consistency(one, sizes[i], many, NULL);
            g_autofree char *forked = NULL, *honest = NULL;
            EvidenceParts parts = { .keys = keys, .key_count = 1, .root = &root, .hashes = (Digest *)(gpointer)proof->data, .hash_count = proof->len };

            g_assert_true(merkle_file_root(one, sizes[i], &root, NULL) && merkle_file_root(other, sizes[i], &false_root, NULL));
            forked = checkpoint_sign(origin, sizes[i], &false_root, TIME, node.log_key, NULL);
            honest = checkpoint_sign(origin, sizes[i], &root, TIME, node.log_key, NULL);
            parts.checkpoints[0] = larger;
            parts.checkpoints[1] = forked;
            {
                g_autoptr(GBytes) bytes = make(&parts, CONTRADICTION_PREFIX, sizes[i]);

                g_assert_cmpuint(g_bytes_get_size(bytes), <, 4096);
            }
            parts.checkpoints[1] = honest;
            assert_refused(&parts, CHAMA_ERROR_VERIFY, "EV8: these can all be true");
            parts.root = &false_root;
            assert_refused(&parts, CHAMA_ERROR_VERIFY, "EV8: proof: T9");
            for (guint h = 0; h < proof->len; h++) {
                g_array_index(proof, Digest, h).bytes[h % 32] ^= 1;
                assert_refused(&parts, CHAMA_ERROR_VERIFY, "EV8: proof: T9");
            }
        }
    }
    node_tear_down(&node);
}

/* The complete subtrees below the first @size records. */
static GArray *
peaks_of(MerkleFile *tree, guint64 size)
{
    GArray *peaks = g_array_new(FALSE, FALSE, sizeof(Digest));
    guint64 at = 0;

    for (gint bit = 62; bit >= 0; bit--) {
        guint64 width = G_GUINT64_CONSTANT(1) << bit;
        Digest hashes[RECORDS];

        if (!(size & width))
            continue;
        for (guint64 i = 0; i < width; i++)
            g_assert_true(merkle_file_leaf(tree, at + i, &hashes[i], NULL));
        for (guint64 left = width; left > 1; left /= 2)
            for (guint64 i = 0; i < left / 2; i++)
                merkle_node(&hashes[2 * i], &hashes[2 * i + 1], &hashes[i]);
        g_array_append_val(peaks, hashes[0]);
        at += width;
    }
    return peaks;
}

static void
test_records_and_a_checkpoint(void)
{
    Forked f;

    forked_make(&f, 8);
    for (guint64 begin = 0; begin < RECORDS; begin++) {
        g_autofree char *first = begin > 0 ? note_of(&f, 0, begin, TIME) : NULL, *last = note_of(&f, 1, RECORDS, TIME), *fits = note_of(&f, 0, RECORDS, TIME);
        g_autofree char *shorter = note_of(&f, 1, RECORDS - 1, TIME);
        g_autoptr(GArray) peaks = peaks_of(f.trees[0], begin);
        const EvidenceParts parts = { KEYS(f), .checkpoints = { first, last }, .records = (const Record *const *)f.records[0]->pdata + begin,
                                      .record_count = RECORDS - (guint)begin, .hashes = (Digest *)(gpointer)peaks->data, .hash_count = peaks->len };
        EvidenceParts wrong = parts;
        g_autoptr(GBytes) bytes = make(&parts, CONTRADICTION_CHECKPOINT, RECORDS);

        wrong.checkpoints[1] = fits;
        assert_refused(&wrong, CHAMA_ERROR_VERIFY, "EV9: these can all be true");
        if (begin < RECORDS - 1) {
            wrong.checkpoints[1] = shorter;
            assert_refused(&wrong, CHAMA_ERROR_VERIFY, "EV9: these can all be true");
        }
        if (peaks->len > 0) {
            g_array_index(peaks, Digest, 0).bytes[0] ^= 1;
            assert_refused(&parts, CHAMA_ERROR_VERIFY, "EV9: the hashes are not those");
            wrong = parts;
            wrong.hash_count--;
            assert_refused(&wrong, CHAMA_ERROR_MALFORMED, "EV9: want");
        }
    }
    {
        g_autofree char *last = note_of(&f, 1, RECORDS, TIME);
        const Record *gap[] = { f.records[0]->pdata[0], f.records[0]->pdata[2] };
        const Record *two[] = { f.records[0]->pdata[8], f.records[1]->pdata[9] };
        g_autofree char *first = note_of(&f, 0, 8, TIME);
        g_autoptr(GArray) peaks = peaks_of(f.trees[0], 8);

        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { last }, .records = gap, .record_count = 2 }, CHAMA_ERROR_MALFORMED, "EV9: want records from 1 on");
        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { first, last }, .records = two, .record_count = 2, .hashes = (Digest *)(gpointer)peaks->data,
                                         .hash_count = 1 }, CHAMA_ERROR_MALFORMED, "EV9: want records from 9 on");
    }
    forked_clear(&f);
}

static void
test_rollback(void)
{
    Forked f;

    forked_make(&f, 5);
    {
        g_autofree char *nine = note_of(&f, 0, 9, TIME), *later_seven = note_of(&f, 0, 7, TIME + 1), *seven = note_of(&f, 0, 7, TIME),
                        *later_nine = note_of(&f, 0, 9, TIME + 1), *other_seven = note_of(&f, 1, 7, TIME + 5);
        g_autoptr(GBytes) a = make(&(EvidenceParts){ KEYS(f), .checkpoints = { nine, later_seven }, .rollback = TRUE }, CONTRADICTION_ROLLBACK, 0);
        g_autoptr(GBytes) b = make(&(EvidenceParts){ KEYS(f), .checkpoints = { other_seven, nine }, .rollback = TRUE }, CONTRADICTION_ROLLBACK, 0);

        /* In the same second, and from before: it grew. */
        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { nine, seven }, .rollback = TRUE }, CHAMA_ERROR_VERIFY, "EV10: these can all be true");
        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { later_nine, seven }, .rollback = TRUE }, CHAMA_ERROR_VERIFY, "EV10: these can all be true");
        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { nine, later_nine }, .rollback = TRUE }, CHAMA_ERROR_VERIFY, "EV10: these can all be true");
    }
    forked_clear(&f);
}

/* What another signed, or nobody, shows nothing. */
static void
test_forged(void)
{
    Forked f, other;
    g_autoptr(Keypair) thief = node_key(99);

    forked_make(&f, 5);
    forked_make(&other, 5);
    {
        g_autofree char *origin = checkpoint_origin(f.node.identity->id), *good = note_of(&f, 0, 9, TIME);
        Digest root = { { 1 } };
        g_autofree char *forged = checkpoint_sign(origin, 9, &root, TIME, thief, NULL);
        g_autofree char *foreign = g_strdup(good);
        g_autoptr(Record) altered = record_copy(f.records[1]->pdata[5]);
        const Record *records[] = { f.records[0]->pdata[5], altered };
        const guint8 *signature = g_bytes_get_data(altered->signature, NULL);
        g_autofree guint8 *flipped = g_memdup2(signature, g_bytes_get_size(altered->signature));

        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { good, forged } }, CHAMA_ERROR_VERIFY, "T5");
        /* a log key signs no records, and a signature of another record is none of this one */
        flipped[g_bytes_get_size(altered->signature) - 1] ^= 1;
        g_bytes_unref(altered->signature);
        altered->signature = g_bytes_new(flipped, g_bytes_get_size(((Record *)f.records[1]->pdata[5])->signature));
        assert_refused(&(EvidenceParts){ KEYS(f), .records = records, .record_count = 2 }, CHAMA_ERROR_VERIFY, "EV4");
        foreign[strlen("chama/")] = foreign[strlen("chama/")] == 'a' ? 'b' : 'a';
        assert_refused(&(EvidenceParts){ KEYS(f), .checkpoints = { good, foreign } }, CHAMA_ERROR_VERIFY, "T5");
    }
    {
        const Record *records[] = { f.records[0]->pdata[5], f.records[1]->pdata[5] }, *keys[] = { f.records[0]->pdata[0], f.records[0]->pdata[1] };

        assert_refused(&(EvidenceParts){ .keys = keys, .key_count = 2, .records = records, .record_count = 2 }, CHAMA_ERROR_MALFORMED, "EV3");
    }
    forked_clear(&f);
    forked_clear(&other);
}

/* Lines of others below a checkpoint are left out, so that there is one spelling. */
static void
test_cosigned(void)
{
    Forked f;

    forked_make(&f, 5);
    {
        g_autofree char *a = note_of(&f, 0, 9, TIME), *b = note_of(&f, 1, 9, TIME);
        g_autofree char *cosigned = g_strconcat(a, "\xe2\x80\x94 witness.example 0unaiwAAAABqHisQm2XY8p2J4A==\n", NULL);
        g_autoptr(GBytes) plain = make(&(EvidenceParts){ KEYS(f), .checkpoints = { a, b } }, CONTRADICTION_ROOTS, 9);
        g_autoptr(GBytes) stripped = make(&(EvidenceParts){ KEYS(f), .checkpoints = { b, cosigned } }, CONTRADICTION_ROOTS, 9);
        g_autofree char *text = g_strndup(g_bytes_get_data(plain, NULL), g_bytes_get_size(plain));
        g_auto(GStrv) parts = g_strsplit(text, "=\\n\"", 2);
        g_autofree char *with = g_strconcat(parts[0], "=\\n\xe2\x80\x94 witness.example 0unaiwAAAABqHisQm2XY8p2J4A==\\n\"", parts[1], NULL);
        g_autoptr(GBytes) bytes = g_bytes_new(with, strlen(with));
        g_autoptr(GError) error = NULL;

        g_assert_true(g_bytes_equal(plain, stripped));
        g_assert_null(evidence_verify(bytes, &error));
        g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
        g_assert_nonnull(strstr(error->message, "EV5"));
    }
    forked_clear(&f);
}

/* From `"keys":[` to its end. */
static char *
cut_keys(GBytes *document, char **before, char **after)
{
    g_autofree char *text = g_strndup(g_bytes_get_data(document, NULL), g_bytes_get_size(document));
    char *from = strstr(text, "\"keys\":["), *to = strstr(text, "],\"kind\"");

    if (before)
        *before = g_strndup(text, (gsize)(from - text));
    if (after)
        *after = g_strdup(to);
    return g_strndup(from, (gsize)(to - from));
}

/* A document says which keys signed the oldest part of it; and holds none that came later. */
static void
test_oldest(const Record *const *keys, const Keypair *old_log, const Keypair *new_log, const char *id)
{
    g_autofree char *origin = checkpoint_origin(id), *all_keys = NULL, *few_keys = NULL, *before = NULL, *after = NULL, *text = NULL;
    const Digest one = { { 1 } }, two = { { 2 } };
    g_autofree char *old = checkpoint_sign(origin, 3, &one, TIME, old_log, NULL), *old_other = checkpoint_sign(origin, 3, &two, TIME, old_log, NULL);
    g_autofree char *later = checkpoint_sign(origin, 2, &one, TIME + 9, old_log, NULL), *now = checkpoint_sign(origin, 7, &one, TIME, new_log, NULL);
    const EvidenceParts mixed = { .keys = keys, .key_count = 2, .checkpoints = { now, later }, .rollback = TRUE };
    const EvidenceParts former = { .keys = keys, .key_count = 2, .checkpoints = { old, old_other } };
    g_autoptr(GBytes) rolled = make(&mixed, CONTRADICTION_ROLLBACK, 0), roots = make(&former, CONTRADICTION_ROOTS, 3), more = NULL;
    g_autoptr(Contradiction) of_rolled = evidence_verify(rolled, NULL), of_roots = evidence_verify(roots, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(of_rolled->identity->since, ==, 4);
    g_assert_cmpuint(of_rolled->oldest->since, ==, 0);
    g_assert_cmpuint(of_roots->identity->since, ==, 0);
    g_assert_true(of_roots->oldest == of_roots->identity);
    all_keys = cut_keys(rolled, NULL, NULL);
    few_keys = cut_keys(roots, &before, &after);
    g_assert_cmpuint(strlen(few_keys), <, strlen(all_keys));
    text = g_strconcat(before, all_keys, after, NULL);
    more = g_bytes_new(text, strlen(text));
    g_assert_null(evidence_verify(more, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_MALFORMED);
    g_assert_cmpstr(error->message, ==, "evidence: EV3: want no rotation but those before record 3, have record 4");
}

/* Records 0 to 3 by the first key, 4 the rotation, 5 and on by the second: what is shown is judged by the keys that counted there, and holds no later ones. */
static void
test_rotated(void)
{
    Node node;
    g_autoptr(Keypair) first = node_key(1), second = node_key(2), third = node_key(3), log_key = node_key(101), new_log = node_key(102);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(node_free_record);
    RotationPlan plan = { .signing = *keypair_public(second), .log = *keypair_public(new_log) };
    const Record *keys[2], *pair[2];
    LedgerHead head = { .size = 0 }, before;
    g_autoptr(Identity) rotated = NULL;
    Digest next, root = { { 1 } }, other_root = { { 2 } };
    char *notes[2];

    node_set_up(&node, 1);
    commitment_of(keypair_public(second), &next);
    commitment_of(keypair_public(third), &plan.next);
    g_bytes_unref(node.inception);
    identity_free(node.identity);
    node.inception = inception_format(keypair_public(first), keypair_public(log_key), (const guint8 *)"an encryption key of thirty-two b", &next, TIME, &error);
    node.identity = identity_parse_inception(node.inception, &error);
    for (guint i = 0; i < 4; i++)
        g_ptr_array_add(records, node_record(&node, &head, "note/1", "{\"text\":\"x\"}"));
    before = head;
    g_ptr_array_add(records, rotating_sign(&head, &plan, second, first, TIME + 4, &error));
    g_assert_no_error(error);
    rotated = record_identity_after(records->pdata[4], node.identity, &error);
    g_assert_no_error(error);
    keys[0] = records->pdata[0];
    keys[1] = records->pdata[4];

    /* Two records 5, by the new key: both keys are shown. */
    for (guint i = 0; i < 2; i++) {
        const LedgerHead at = { 5, ((Record *)records->pdata[4])->address, rotated };
        g_autoptr(GBytes) members = g_bytes_new(i ? "{\"text\":\"y\"}" : "{\"text\":\"x\"}", 12);

        pair[i] = record_sign(&at, "note/1", members, TIME + 5, second, &error);
        g_assert_no_error(error);
    }
    {
        g_autoptr(GBytes) bytes = make(&(EvidenceParts){ .keys = keys, .key_count = 2, .records = pair, .record_count = 2 }, CONTRADICTION_RECORDS, 6);

        assert_refused(&(EvidenceParts){ .keys = keys, .key_count = 1, .records = pair, .record_count = 2 }, CHAMA_ERROR_VERIFY, "EV4");
    }
    /* Who still signs with the old key after the rotation signs nothing; before it, two records are two histories, and the rotation is not shown. */
    {
        g_autoptr(GBytes) members = g_bytes_new("{\"text\":\"z\"}", 12);
        const LedgerHead late = { 5, ((Record *)records->pdata[4])->address, node.identity };
        g_autoptr(Record) thief = record_sign(&before, "note/1", members, TIME + 4, first, &error), afterwards = record_sign(&late, "note/1", members, TIME, first, &error);
        const Record *fork[] = { records->pdata[4], thief }, *old[] = { pair[0], afterwards };
        g_autoptr(GBytes) bytes = make(&(EvidenceParts){ .keys = keys, .key_count = 2, .records = fork, .record_count = 2 }, CONTRADICTION_RECORDS, 5);
        g_autoptr(Contradiction) found = evidence_verify(bytes, NULL);

        g_assert_cmpuint(identity_rotations(found->identity), ==, 0);
        assert_refused(&(EvidenceParts){ .keys = keys, .key_count = 2, .records = old, .record_count = 2 }, CHAMA_ERROR_VERIFY, "EV4");
    }
    /* Checkpoints by the log key of their size. */
    {
        g_autofree char *origin = checkpoint_origin(node.identity->id);

        notes[0] = checkpoint_sign(origin, 7, &root, TIME, new_log, NULL);
        notes[1] = checkpoint_sign(origin, 7, &other_root, TIME, new_log, NULL);
    }
    {
        g_autoptr(GBytes) bytes = make(&(EvidenceParts){ .keys = keys, .key_count = 2, .checkpoints = { notes[0], notes[1] } }, CONTRADICTION_ROOTS, 7);

        assert_refused(&(EvidenceParts){ .keys = keys, .key_count = 1, .checkpoints = { notes[0], notes[1] } }, CHAMA_ERROR_VERIFY, "T5");
    }
    test_oldest(keys, log_key, new_log, node.identity->id);
    for (guint i = 0; i < 2; i++) {
        g_free(notes[i]);
        record_free((Record *)pair[i]);
    }
    node_tear_down(&node);
}

/* A bit of every byte (all of them with -m thorough): refused. */
static void
test_every_bit(void)
{
    Forked f;

    forked_make(&f, 5);
    {
        const Record *records[] = { f.records[0]->pdata[5], f.records[1]->pdata[6] };
        g_autofree char *a = note_of(&f, 0, 7, TIME), *b = note_of(&f, 1, 11, TIME);
        g_autoptr(GArray) proof = merkle_file_consistency(f.trees[1], 7, 11, NULL);
        Digest root;
        GBytes *documents[2];

        g_assert_true(merkle_file_root(f.trees[1], 7, &root, NULL));
        documents[0] = make(&(EvidenceParts){ KEYS(f), .records = records, .record_count = 2 }, CONTRADICTION_RECORDS, 6);
        documents[1] = make(&(EvidenceParts){ KEYS(f), .checkpoints = { a, b }, .root = &root, .hashes = (Digest *)(gpointer)proof->data, .hash_count = proof->len },
                            CONTRADICTION_PREFIX, 7);
        for (guint d = 0; d < 2; d++) {
            gsize size;
            const guint8 *data = g_bytes_get_data(documents[d], &size);

            for (gsize i = 0; i < size; i++)
                for (guint bit = g_test_thorough() ? 0 : i % 8; bit < (g_test_thorough() ? 8 : i % 8 + 1); bit++) {
                    g_autofree guint8 *copy = g_memdup2(data, size);
                    g_autoptr(GBytes) bytes = NULL;
                    g_autoptr(Contradiction) found = NULL;

                    copy[i] ^= (guint8)(1u << bit);
                    bytes = g_bytes_new(copy, size);
                    found = evidence_verify(bytes, NULL);
                    if (found)
                        g_error("byte %" G_GSIZE_FORMAT ", bit %u of document %u: accepted", i, bit, d);
                }
            g_bytes_unref(documents[d]);
        }
    }
    forked_clear(&f);
}

static const struct {
    const char *name, *text;
    int code;
    const char *message;
} malformed[] = {
    { "EV1/empty", "", CHAMA_ERROR_MALFORMED, "" },
    { "EV1/array", "[]", CHAMA_ERROR_MALFORMED, "EV1" },
    { "EV1/no-type", "{}", CHAMA_ERROR_MALFORMED, "type" },
    { "EV1/type", "{\"type\":\"evidence/2\"}", CHAMA_ERROR_UNSUPPORTED, "EV1" },
    { "EV1/member", "{\"text\":\"x\",\"type\":\"evidence/1\"}", CHAMA_ERROR_MALFORMED, "text" },
    { "EV2/node", "{\"kind\":\"fork\",\"node\":\"x\",\"type\":\"evidence/1\"}", CHAMA_ERROR_MALFORMED, "EV2" },
    { "EV2/kind", "{\"kind\":\"own-fork\",\"node\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"type\":\"evidence/1\"}", CHAMA_ERROR_UNSUPPORTED, "EV2" },
    { "EV3/none", "{\"kind\":\"fork\",\"node\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"type\":\"evidence/1\"}", CHAMA_ERROR_MALFORMED, "EV3" },
    { "EV1/empty-list", "{\"keys\":[],\"kind\":\"fork\",\"node\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"type\":\"evidence/1\"}",
      CHAMA_ERROR_MALFORMED, "EV1" },
    { "EV1/numbers", "{\"keys\":[1],\"kind\":\"fork\",\"node\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"type\":\"evidence/1\"}",
      CHAMA_ERROR_MALFORMED, "EV1" },
};

static void
test_malformed(gconstpointer which)
{
    guint i = GPOINTER_TO_UINT(which);
    g_autoptr(GBytes) bytes = g_bytes_new(malformed[i].text, strlen(malformed[i].text));
    g_autoptr(GError) error = NULL;

    g_assert_null(evidence_verify(bytes, &error));
    g_assert_error(error, CHAMA_ERROR, malformed[i].code);
    if (!strstr(error->message, malformed[i].message))
        g_error("want \"%s\" in: %s", malformed[i].message, error->message);
}

static void
test_too_large(void)
{
    g_autofree char *text = g_strnfill(EVIDENCE_SIZE_MAX + 1, ' ');
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(GError) error = NULL;

    g_assert_null(evidence_verify(bytes, &error));
    g_assert_error(error, CHAMA_ERROR, CHAMA_ERROR_LIMIT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/evidence/EV6/records", test_two_records);
    g_test_add_func("/evidence/EV7/roots", test_two_roots);
    g_test_add_func("/evidence/EV8/prefix", test_prefix);
    g_test_add_func("/evidence/EV8/far-apart", test_far_apart);
    g_test_add_func("/evidence/EV9/records-and-checkpoint", test_records_and_a_checkpoint);
    g_test_add_func("/evidence/EV10/rollback", test_rollback);
    g_test_add_func("/evidence/EV3-EV5/forged", test_forged);
    g_test_add_func("/evidence/EV5/cosigned", test_cosigned);
    g_test_add_func("/evidence/EV3/rotated", test_rotated);
    g_test_add_func("/evidence/every-bit", test_every_bit);
    g_test_add_func("/evidence/EV1/too-large", test_too_large);
    for (guint i = 0; i < G_N_ELEMENTS(malformed); i++) {
        g_autofree char *path = g_strconcat("/evidence/", malformed[i].name, NULL);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_malformed);
    }
    return g_test_run();
}
