#include "sync/transport/rate.h"

#include <string.h>

#include "keys/error.h"

#define NUMBER_MAX (G_GUINT64_CONSTANT(1) << 40)   /* bytes a second */

static gboolean
bad_number(const char *text, GError **error)
{
    return chama_error(error, CHAMA_ERROR_USAGE, "PU50: want a number of bytes a second from %d on, with K, M or G if it is large (500K, 10M), or none, have %s", RATE_LEAST, text);
}

/* 1 for no unit; 0 if it is none. */
static guint64
unit_of(const char *text)
{
    static const char units[] = "kmg";
    const char *unit = text[0] && !text[1] ? strchr(units, g_ascii_tolower(text[0])) : NULL;

    if (!*text)
        return 1;
    return unit ? G_GUINT64_CONSTANT(1024) << (10 * (unit - units)) : 0;
}

gboolean
rate_parse_number(const char *text, guint64 *bytes, GError **error)
{
    gsize digits = strspn(text, "0123456789");
    g_autofree char *number = g_strndup(text, digits);
    guint64 unit = unit_of(text + digits), count;

    *bytes = 0;
    if (strcmp(text, "none") == 0)
        return TRUE;
    if (unit == 0 || !g_ascii_string_to_unsigned(number, 10, 1, NUMBER_MAX / unit, &count, NULL) || count * unit < RATE_LEAST)
        return bad_number(text, error);
    *bytes = count * unit;
    return TRUE;
}

static gboolean
is_time(const char *text)
{
    return g_ascii_isdigit(text[0]) && g_ascii_isdigit(text[1]) && text[2] == ':' && g_ascii_isdigit(text[3]) && g_ascii_isdigit(text[4]);
}

/* HH:MM; 24:00 is the end of the day. */
static gboolean
minute_of(const char *text, guint *minute)
{
    guint hour;

    if (!is_time(text))
        return FALSE;
    hour = (guint)(g_ascii_digit_value(text[0]) * 10 + g_ascii_digit_value(text[1]));
    *minute = (guint)(g_ascii_digit_value(text[3]) * 10 + g_ascii_digit_value(text[4]));
    if (hour > 24 || *minute > 59 || (hour == 24 && *minute > 0))
        return FALSE;
    *minute = (*minute + hour * 60) % RATE_MINUTES;
    return TRUE;
}

/* "HH:MM-HH:MM RATE" or "RATE". */
static gboolean
parse_part(const char *text, guint *from, guint *until, guint64 *bytes, GError **error)
{
    const char *space = strpbrk(text, " \t");
    g_autofree char *number = space ? g_strstrip(g_strdup(space)) : NULL;

    *from = *until = 0;
    if (!space)
        return rate_parse_number(text, bytes, error);
    if (space - text != 11 || text[5] != '-' || !minute_of(text, from) || !minute_of(text + 6, until))
        return chama_error(error, CHAMA_ERROR_USAGE, "PU50: want RATE or HH:MM-HH:MM RATE, have %s", text);
    if (*from == *until && !g_str_has_prefix(text, "00:00-24:00"))
        return chama_error(error, CHAMA_ERROR_USAGE, "PU50: want two different times, or RATE alone for all day, have %s", text);
    return rate_parse_number(number, bytes, error);
}

gboolean
rate_parse(const char *text, Rate *rate, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", RATE_PARTS_MAX + 1);

    *rate = (Rate){ .count = g_strv_length(parts) };
    if (rate->count > RATE_PARTS_MAX)
        return chama_error(error, CHAMA_ERROR_USAGE, "PU50: want at most %d parts, have more", RATE_PARTS_MAX);
    for (guint i = 0; i < rate->count; i++) {
        if (!parse_part(g_strstrip(parts[i]), &rate->parts[i].from, &rate->parts[i].until, &rate->parts[i].bytes, error))
            return FALSE;
    }
    return rate->count > 0 || bad_number(text, error);
}

guint64
rate_at(const Rate *rate, guint minute)
{
    for (guint i = 0; i < rate->count; i++) {
        guint from = rate->parts[i].from, until = rate->parts[i].until;

        if (from == until || (from < until ? minute >= from && minute < until : minute >= from || minute < until))
            return rate->parts[i].bytes;
    }
    return 0;
}
