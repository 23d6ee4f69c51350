#include <string.h>

#include "keys/canonical.h"
#include "keys/error.h"
#include "manifests/statement.h"
#include "manifests/text.h"

#define WHAT "profile/1"
#define SECTORS 20

/* S1: the members of a profile record, with those that all records have. */
static const char *const known_members[] = { "type",   "node",     "seq",       "prev", "time",  "name",   "organisation",
                                             "sector", "division", "addresses", "pins", "roles", "ledger", NULL };

static const char *const audiences[] = { [LEDGER_PEERS] = "peers", [LEDGER_RELAYED] = "relayed", [LEDGER_PUBLIC] = "public" };

const char *
ledger_audience_format(LedgerAudience audience)
{
    return audiences[audience];
}

gboolean
ledger_audience_parse(const char *text, LedgerAudience *audience, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(audiences); i++)
        if (strcmp(text, audiences[i]) == 0) {
            *audience = i;
            return TRUE;
        }
    return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S8: want ledger peers, relayed or public, have another word", WHAT);
}

Profile *
profile_new(void)
{
    Profile *p = g_new0(Profile, 1);

    p->addresses = g_ptr_array_new_with_free_func(g_free);
    p->roles = g_ptr_array_new_with_free_func(g_free);
    p->pins = g_array_new(FALSE, FALSE, sizeof(Digest));
    p->ledger = LEDGER_RELAYED;
    return p;
}

void
profile_free(Profile *p)
{
    if (!p)
        return;
    g_free(p->name_zh);
    g_free(p->name_en);
    g_free(p->organisation);
    g_free(p->sector);
    g_free(p->division);
    g_ptr_array_unref(p->addresses);
    g_ptr_array_unref(p->roles);
    g_array_unref(p->pins);
    g_free(p);
}

static gboolean
port_valid(const char *port, gsize size)
{
    guint value = 0;

    for (gsize i = 0; i < size; i++) {
        if (!g_ascii_isdigit(port[i]) || i == 5)
            return FALSE;
        value = 10 * value + (guint)(port[i] - '0');
    }
    return size > 0 && port[0] != '0' && value <= 65535;
}

static gboolean
all_of(const char *text, gsize size, const char *allowed)
{
    for (gsize i = 0; i < size; i++)
        if (!g_ascii_isalnum(text[i]) && (text[i] == '\0' || !strchr(allowed, text[i])))
            return FALSE;
    return size > 0;
}

/* S5: neither user nor host begins with a dash, for both may end up among the arguments of ssh. */
static gboolean
authority_valid(const char *authority, gsize size, gboolean user_allowed)
{
    const char *at = memchr(authority, '@', size), *end = authority + size;
    const char *host = at ? at + 1 : authority, *host_end;

    if (at && (!user_allowed || authority[0] == '-' || !all_of(authority, (gsize)(at - authority), "._-")))
        return FALSE;
    if (host < end && *host == '[') {
        host_end = memchr(host, ']', (gsize)(end - host));
        if (!host_end || !all_of(host + 1, (gsize)(host_end - host - 1), ":."))
            return FALSE;
        host_end++;
    } else {
        host_end = memchr(host, ':', (gsize)(end - host));
        host_end = host_end ? host_end : end;
        if (!all_of(host, (gsize)(host_end - host), ".-") || *host == '-')
            return FALSE;
    }
    return host_end == end || (*host_end == ':' && port_valid(host_end + 1, (gsize)(end - host_end - 1)));
}

gboolean
address_valid(const char *address)
{
    gboolean ssh = g_str_has_prefix(address, "ssh://");
    const char *authority = address + (ssh ? strlen("ssh://") : strlen("https://"));
    gsize size;

    if (strlen(address) > ADDRESS_MAX || (!ssh && !g_str_has_prefix(address, "https://")))
        return FALSE;
    size = strcspn(authority, "/");
    return authority_valid(authority, size, ssh) && (authority[size] == '\0' || all_of(authority + size, strlen(authority + size), "/._~%!$&'()*+,;=:@-"));
}

static gboolean
read_addresses(Profile *p, const json_t *object, GError **error)
{
    const json_t *array;

    if (!member_array(object, WHAT, "addresses", PROFILE_ADDRESSES_MAX, &array, error))
        return FALSE;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *address = json_string_value(json_array_get(array, i));

        if (!address || strlen(address) != json_string_length(json_array_get(array, i)) || !address_valid(address))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S5: want addresses https://HOST[:PORT][/PATH] or ssh://[USER@]HOST[:PORT][/PATH], have %s", WHAT,
                               address ? address : "no text");
        g_ptr_array_add(p->addresses, g_strdup(address));
    }
    return TRUE;
}

static gboolean
read_pins(Profile *p, const json_t *object, GError **error)
{
    const json_t *array;

    if (!member_array(object, WHAT, "pins", PROFILE_PINS_MAX, &array, error))
        return FALSE;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        Digest pin;

        if (!text)
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S6: want digests in pins, have something else", WHAT);
        if (!digest_parse(text, &pin, error)) {
            g_prefix_error(error, "%s: S6: pins: ", WHAT);
            return FALSE;
        }
        g_array_append_val(p->pins, pin);
    }
    return TRUE;
}

/* S3: the sectors are those of the provincial list of 2017, S01 to S20. */
static gboolean
sector_valid(const char *sector)
{
    return sector[0] == 'S' && g_ascii_isdigit(sector[1]) && g_ascii_isdigit(sector[2]) && sector[3] == '\0' &&
           g_ascii_strtoull(sector + 1, NULL, 10) >= 1 && g_ascii_strtoull(sector + 1, NULL, 10) <= SECTORS;
}

/* S4 */
static gboolean
division_valid(const char *division)
{
    gsize size = strspn(division, "0123456789");

    return size >= 2 && size <= 12 && division[size] == '\0';
}

static gboolean
read_claims(Profile *p, const json_t *object, GError **error)
{
    if (!text_read_names(object, WHAT, "S2", "name", TITLE_MAX, &p->name_zh, &p->name_en, error) ||
        !text_read_optional(object, WHAT, "S2", "organisation", TITLE_MAX, &p->organisation, error) ||
        !text_read_optional(object, WHAT, "S3", "sector", LABEL_MAX, &p->sector, error) ||
        !text_read_optional(object, WHAT, "S4", "division", LABEL_MAX, &p->division, error))
        return FALSE;
    if (p->sector && !sector_valid(p->sector))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S3: want a sector S01 to S%d, have %s", WHAT, SECTORS, p->sector);
    if (p->division && !division_valid(p->division))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S4: want a division of 2 to 12 digits, have %s", WHAT, p->division);
    return TRUE;
}

/* S7 */
static gboolean
read_roles(Profile *p, const json_t *object, GError **error)
{
    if (!text_read_list(object, WHAT, "S7", "roles", PROFILE_ROLES_MAX, ROLE_MAX, p->roles, error))
        return FALSE;
    for (guint i = 0; i < p->roles->len; i++) {
        const char *role = g_ptr_array_index(p->roles, i);

        if (role[strspn(role, "abcdefghijklmnopqrstuvwxyz-")] != '\0')
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: S7: want roles of a-z and -, have %s", WHAT, role);
    }
    return TRUE;
}

static gboolean
read_members(Profile *p, const json_t *object, GError **error)
{
    const char *ledger;

    return member_only(object, WHAT, known_members, error) && read_claims(p, object, error) && read_addresses(p, object, error) &&
           read_pins(p, object, error) && read_roles(p, object, error) && member_string(object, WHAT, "ledger", LABEL_MAX, &ledger, error) &&
           ledger_audience_parse(ledger, &p->ledger, error);
}

Profile *
profile_parse_members(GBytes *members, GError **error)
{
    g_autoptr(Profile) p = profile_new();
    g_autoptr(json_t) object = canonical_parse(g_bytes_get_data(members, NULL), g_bytes_get_size(members), RECORD_SIZE_MAX, WHAT, error);

    if (!object || !read_members(p, object, error))
        return NULL;
    return g_steal_pointer(&p);
}

Profile *
profile_parse(const Record *record, GError **error)
{
    if (strcmp(record->type, WHAT) != 0)
        return chama_error_null(error, CHAMA_ERROR_UNSUPPORTED, "%s: S1: want a record of this type, have %s", WHAT, record->type);
    return profile_parse_members(record->bytes, error);
}

static void
write_pins(const Profile *p, json_t *object)
{
    json_t *array = json_array();
    char text[DIGEST_TEXT_SIZE];

    for (guint i = 0; i < p->pins->len; i++)
        json_array_append_new(array, json_string(digest_format(&g_array_index(p->pins, Digest, i), text)));
    json_object_set_new(object, "pins", array);
}

GBytes *
profile_format(const Profile *p, GError **error)
{
    g_autoptr(json_t) object = json_object();
    g_autoptr(Profile) again = profile_new();

    text_write_names(object, "name", p->name_zh, p->name_en);
    text_write(object, "organisation", p->organisation);
    text_write(object, "sector", p->sector);
    text_write(object, "division", p->division);
    json_object_set_new(object, "addresses", json_array());
    text_write_list(object, "addresses", p->addresses);
    write_pins(p, object);
    text_write_list(object, "roles", p->roles);
    text_write(object, "ledger", ledger_audience_format(p->ledger));
    if (!read_members(again, object, error))
        return NULL;
    return canonical_format(object, error);
}
