/*
 * littleendian: numbers as they lie in packs and in the index, whatever the machine.
 */
#ifndef CHAMA_MANIFESTS_STORE_LITTLEENDIAN_H
#define CHAMA_MANIFESTS_STORE_LITTLEENDIAN_H

#include <string.h>

#include <glib.h>

static inline void put_le16(guint8 *at, guint16 value)
{
    value = GUINT16_TO_LE(value);
    memcpy(at, &value, sizeof value);
}
static inline void put_le32(guint8 *at, guint32 value)
{
    value = GUINT32_TO_LE(value);
    memcpy(at, &value, sizeof value);
}
static inline void put_le64(guint8 *at, guint64 value)
{
    value = GUINT64_TO_LE(value);
    memcpy(at, &value, sizeof value);
}
static inline guint16 get_le16(const guint8 *at)
{
    guint16 value;

    memcpy(&value, at, sizeof value);
    return GUINT16_FROM_LE(value);
}
static inline guint32 get_le32(const guint8 *at)
{
    guint32 value;

    memcpy(&value, at, sizeof value);
    return GUINT32_FROM_LE(value);
}
static inline guint64 get_le64(const guint8 *at)
{
    guint64 value;

    memcpy(&value, at, sizeof value);
    return GUINT64_FROM_LE(value);
}

#endif
