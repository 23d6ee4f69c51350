#include "manifests/listing/varint.h"

guint
varint_size(guint64 value)
{
    guint size = 1;

    while (value >>= 7)
        size++;
    return size;
}

void
varint_append(GByteArray *bytes, guint64 value)
{
    guint8 text[10];
    guint size = 0;

    do {
        text[size] = value & 0x7f;
        value >>= 7;
        text[size++] |= value ? 0x80 : 0;
    } while (value);
    g_byte_array_append(bytes, text, size);
}

gboolean
varint_read(const guint8 **at, const guint8 *end, guint64 *value)
{
    const guint8 *next = *at;
    guint64 sum = 0;

    for (guint i = 0; i < VARINT_SIZE_MAX && next < end; i++) {
        guint8 byte = *next++;

        sum |= (guint64)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        if ((byte == 0 && i > 0) || sum > VARINT_MAX) /* L9: one spelling */
            return FALSE;
        *value = sum;
        *at = next;
        return TRUE;
    }
    return FALSE;
}
