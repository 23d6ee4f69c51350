#include "sync/decimal.h"

gboolean
decimal_read(const char **cursor, guint64 max, guint64 *value)
{
    const char *p = *cursor;
    guint64 number = 0;

    if (!g_ascii_isdigit(*p) || (p[0] == '0' && g_ascii_isdigit(p[1])))
        return FALSE;
    for (; g_ascii_isdigit(*p); p++) {
        guint digit = (guint)(*p - '0');

        if (number > (max - MIN(digit, max)) / 10)
            return FALSE;
        number = number * 10 + digit;
    }
    if (number > max)
        return FALSE;
    *value = number;
    *cursor = p;
    return TRUE;
}

gboolean
decimal_parse(const char *text, guint64 max, guint64 *value)
{
    guint64 number;

    if (!decimal_read(&text, max, &number) || *text)
        return FALSE;
    *value = number;
    return TRUE;
}
