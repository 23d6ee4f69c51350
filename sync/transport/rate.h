/*
 * rate: how many bytes a second may go, by the time of day, as a person writes it in config.ini or after --limit-rate (sync/PROTOCOL.md, PU50):
 *
 *     RATE | HH:MM-HH:MM RATE [, ...]
 *
 * RATE is a number with K, M or G (1024 of the one before) or without, or `none`.  The first part whose hours it is counts, the hours from the first up to the second, also
 * over midnight, by the local clock; where none does, there is no limit.  Pure.
 */
#ifndef CHAMA_SYNC_TRANSPORT_RATE_H
#define CHAMA_SYNC_TRANSPORT_RATE_H

#include <glib.h>

#define RATE_PARTS_MAX 16
#define RATE_LEAST 1024     /* bytes a second: with less no session would ever end */
#define RATE_MINUTES (24 * 60)

typedef struct {
    guint count;            /* 0: no limit at any time */
    struct {
        guint from, until;  /* minutes of the day; the same: always */
        guint64 bytes;      /* a second; 0: no limit */
    } parts[RATE_PARTS_MAX];
} Rate;

/* A rate alone, without hours: USAGE. */
gboolean rate_parse_number(const char *text, guint64 *bytes, GError **error);
/* USAGE, saying which part is wrong. */
gboolean rate_parse(const char *text, Rate *rate, GError **error);
/* Bytes a second at that minute of the day; 0: no limit. */
guint64 rate_at(const Rate *rate, guint minute);

#endif
