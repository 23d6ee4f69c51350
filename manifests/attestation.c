#include "manifests/attestation.h"

#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/text.h"

static const char *const members[] = { "manifest", "dataset", "version", "kind", "result", "note", "until", NULL };

Attestation *
attestation_new(void)
{
    return g_new0(Attestation, 1);
}

void
attestation_free(Attestation *attestation)
{
    if (!attestation)
        return;
    g_free(attestation->kind);
    g_free(attestation->note);
    g_free(attestation);
}

/* S14: the scheme, a colon, and at least one more of the characters of RFC 3986. */
static gboolean
is_uri(const char *text)
{
    gsize scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
    gsize rest;

    if (!g_ascii_islower(text[0]) || text[scheme] != ':')
        return FALSE;
    text += scheme + 1;
    rest = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%");
    return rest > 0 && text[rest] == '\0';
}

gboolean
attestation_kind_valid(const char *kind)
{
    static const char *const words[] = { "quality", "review", "approval", "valuation", NULL };

    return strlen(kind) <= ATTESTATION_KIND_MAX && (g_strv_contains(words, kind) || is_uri(kind));
}

static gboolean
read_kind(Attestation *a, const json_t *object, GError **error)
{
    const char *kind;

    if (!member_string(object, ATTESTATION, "kind", ATTESTATION_KIND_MAX, &kind, error))
        return FALSE;
    if (!attestation_kind_valid(kind))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S14: want quality, review, approval, valuation or a URI in kind, have another text", ATTESTATION);
    a->kind = g_strdup(kind);
    return TRUE;
}

static gboolean
read_result(Attestation *a, const json_t *object, GError **error)
{
    const char *result;

    if (!member_string(object, ATTESTATION, "result", RECORD_TYPE_MAX, &result, error))
        return FALSE;
    a->pass = strcmp(result, "pass") == 0;
    if (!a->pass && strcmp(result, "fail") != 0)
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S15: want pass or fail in result, have another word", ATTESTATION);
    return TRUE;
}

static gboolean
read_note(Attestation *a, const json_t *object, GError **error)
{
    return !member_has(object, "note") || text_read_lines(object, ATTESTATION, "S15", "note", ATTESTATION_NOTE_MAX, &a->note, error);
}

static gboolean
read_until(Attestation *a, const json_t *object, GError **error)
{
    a->has_until = member_has(object, "until");
    return !a->has_until || member_time(object, ATTESTATION, "until", &a->until, error);
}

static Attestation *
read_all(const json_t *object, GError **error)
{
    g_autoptr(Attestation) a = attestation_new();

    if (!subject_read(object, ATTESTATION, &a->subject, error) || !read_kind(a, object, error) || !read_result(a, object, error) ||
        !read_note(a, object, error) || !read_until(a, object, error))
        return NULL;
    return g_steal_pointer(&a);
}

Attestation *
attestation_parse(GBytes *record, GError **error)
{
    g_autoptr(json_t) object = body_parse(record, ATTESTATION, FALSE, members, error);

    return object ? read_all(object, error) : NULL;
}

GBytes *
attestation_format(const Attestation *a, GError **error)
{
    g_autoptr(json_t) object = json_object();
    g_autoptr(Attestation) again = NULL;

    subject_write(object, &a->subject);
    text_write(object, "kind", a->kind);
    text_write(object, "result", a->pass ? "pass" : "fail");
    text_write(object, "note", a->note);
    if (a->has_until)
        body_write_time(object, "until", a->until);
    again = read_all(object, error);
    return again ? canonical_format(object, error) : NULL;
}

void
attested_free(Attested *attested)
{
    if (!attested)
        return;
    attestation_free(attested->said);
    g_free(attested);
}

gboolean
attested_lapsed(const Attested *attested, gint64 now)
{
    return attested->said->has_until && attested->said->until <= now;
}

/* NULL if it speaks of another version than the manifest that it names is (S13). */
static Attested *
read_attested(const Statement *statement, const Manifest *manifest)
{
    g_autoptr(Attestation) said = attestation_parse(statement->body, NULL);
    Attested *attested;

    if (!said || !subject_is(&said->subject, manifest))
        return NULL;
    attested = g_new0(Attested, 1);
    attested->said = g_steal_pointer(&said);
    g_strlcpy(attested->node, statement->record->node, sizeof attested->node);
    attested->record = statement->record->address;
    attested->time = statement->record->time;
    return attested;
}

/* S14: a later one of the same node and kind takes the place of an earlier one. */
static void
take(GPtrArray *all, Attested *attested)
{
    for (guint i = 0; i < all->len; i++) {
        const Attested *earlier = g_ptr_array_index(all, i);

        if (strcmp(earlier->node, attested->node) == 0 && strcmp(earlier->said->kind, attested->said->kind) == 0) {
            g_ptr_array_remove_index(all, i);
            break;
        }
    }
    g_ptr_array_add(all, attested);
}

GPtrArray *
attestations_of(Catalogue *catalogue, const Manifest *manifest, GError **error)
{
    g_autoptr(GPtrArray) statements = catalogue_statements(catalogue, NULL, ATTESTATION, &manifest->address, error);
    GPtrArray *all = statements ? g_ptr_array_new_with_free_func((GDestroyNotify)attested_free) : NULL;

    for (guint i = 0; statements && i < statements->len; i++) {
        Attested *attested = read_attested(g_ptr_array_index(statements, i), manifest);

        if (attested)
            take(all, attested);
    }
    return all;
}

gboolean
attestation_subject(const char *node, GBytes *body, gboolean sealed, Digest *subject, GError **error)
{
    g_autoptr(Attestation) a = attestation_parse(body, error);

    if (a)
        *subject = a->subject.manifest;
    return a != NULL;
}
