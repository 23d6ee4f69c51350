/* Typed members of a json_t (canonical.h). */
#include <string.h>
#include <time.h>

#include "keys/canonical.h"
#include "keys/error.h"

#define SECONDS_MAX G_GINT64_CONSTANT(253402300799) /* 9999-12-31T23:59:59Z */

static const char *
type_name(const json_t *value)
{
    static const char *const names[] = {
        "an object", "an array", "a string", "an integer", "a real number", "true", "false", "null",
    };

    return value ? names[json_typeof(value)] : "none";
}

/* The member, if it is of @type. */
static const json_t *
get(const json_t *object, const char *what, const char *name, json_type type, const char *wanted, GError **error)
{
    const json_t *value = json_object_get(object, name);

    if (!value || json_typeof(value) != type)
        return chama_error_null(error, CHAMA_ERROR_MALFORMED, "%s: member \"%s\": want %s, have %s",
                                what, name, wanted, type_name(value));
    return value;
}

gboolean
member_string(const json_t *object, const char *what, const char *name, gsize max, const char **value, GError **error)
{
    const json_t *string = get(object, what, name, JSON_STRING, "a string", error);

    if (!string)
        return FALSE;
    if (json_string_length(string) > max)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: member \"%s\": want at most %zu bytes, have %zu",
                           what, name, max, json_string_length(string));
    *value = json_string_value(string);
    return TRUE;
}

gboolean
member_integer(const json_t *object, const char *what, const char *name, gint64 min, gint64 max, gint64 *value, GError **error)
{
    const json_t *integer = get(object, what, name, JSON_INTEGER, "an integer", error);
    gint64 number;

    if (!integer)
        return FALSE;
    number = json_integer_value(integer);
    if (number < min || number > max)
        return chama_error(error, CHAMA_ERROR_MALFORMED,
                           "%s: member \"%s\": want %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ", have %" G_GINT64_FORMAT,
                           what, name, min, max, number);
    *value = number;
    return TRUE;
}

gboolean
member_digest(const json_t *object, const char *what, const char *name, Digest *value, GError **error)
{
    const json_t *string = get(object, what, name, JSON_STRING, "a digest", error);

    if (!string)
        return FALSE;
    if (digest_parse(json_string_value(string), value, error))
        return TRUE;
    g_prefix_error(error, "%s: member \"%s\": ", what, name);
    return FALSE;
}

gboolean
member_time(const json_t *object, const char *what, const char *name, gint64 *seconds, GError **error)
{
    const json_t *string = get(object, what, name, JSON_STRING, "a time", error);

    if (!string)
        return FALSE;
    if (time_parse(json_string_value(string), seconds, error))
        return TRUE;
    g_prefix_error(error, "%s: member \"%s\": ", what, name);
    return FALSE;
}

gboolean
member_object(const json_t *object, const char *what, const char *name, const json_t **value, GError **error)
{
    const json_t *found = get(object, what, name, JSON_OBJECT, "an object", error);

    if (found)
        *value = found;
    return found != NULL;
}

gboolean
member_array(const json_t *object, const char *what, const char *name, gsize max, const json_t **value, GError **error)
{
    const json_t *array = get(object, what, name, JSON_ARRAY, "an array", error);

    if (!array)
        return FALSE;
    if (json_array_size(array) > max)
        return chama_error(error, CHAMA_ERROR_LIMIT, "%s: member \"%s\": want at most %zu elements, have %zu",
                           what, name, max, json_array_size(array));
    *value = array;
    return TRUE;
}

gboolean
member_has(const json_t *object, const char *name)
{
    return json_object_get(object, name) != NULL;
}

gboolean
member_only(const json_t *object, const char *what, const char *const *known, GError **error)
{
    json_t *readable = (json_t *)object;

    if (!json_is_object(object))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: want an object, have %s", what, type_name(object));
    for (void *at = json_object_iter(readable); at; at = json_object_iter_next(readable, at)) {
        if (!g_strv_contains(known, json_object_iter_key(at)))
            return chama_error(error, CHAMA_ERROR_MALFORMED, "%s: want only members that this type has, have \"%.64s\"",
                               what, json_object_iter_key(at));
    }
    return TRUE;
}

char *
time_format(gint64 seconds, char text[TIME_TEXT_SIZE])
{
    time_t clamped = (time_t)CLAMP(seconds, 0, SECONDS_MAX);
    struct tm tm;

    gmtime_r(&clamped, &tm);
    strftime(text, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return text;
}

/* The number that @count digits at @text spell, or -1. */
static int
digits(const char *text, int count)
{
    int number = 0;

    for (int i = 0; i < count; i++) {
        if (!g_ascii_isdigit(text[i]))
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

static gboolean
read_time(const char *text, struct tm *tm)
{
    int year, month, day;

    /* The places of the punctuation, then the digits between. */
    if (strnlen(text, TIME_TEXT_SIZE) != TIME_TEXT_SIZE - 1 || text[4] != '-' || text[7] != '-' || text[10] != 'T'
        || text[13] != ':' || text[16] != ':' || text[19] != 'Z')
        return FALSE;
    year = digits(text, 4);
    month = digits(text + 5, 2);
    day = digits(text + 8, 2);
    tm->tm_hour = digits(text + 11, 2);
    tm->tm_min = digits(text + 14, 2);
    tm->tm_sec = digits(text + 17, 2);
    if (year < 1970 || month < 1 || day < 1 || !g_date_valid_dmy((GDateDay)day, month, (GDateYear)year))
        return FALSE;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return tm->tm_hour >= 0 && tm->tm_hour < 24 && tm->tm_min >= 0 && tm->tm_min < 60 && tm->tm_sec >= 0 && tm->tm_sec < 60;
}

gboolean
time_parse(const char *text, gint64 *seconds, GError **error)
{
    struct tm tm = { 0 };

    if (!read_time(text, &tm))
        return chama_error(error, CHAMA_ERROR_MALFORMED, "time: C9: want the form 2026-05-01T08:00:00Z, have \"%.40s\"", text);
    *seconds = timegm(&tm);
    return TRUE;
}
