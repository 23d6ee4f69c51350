/*
 * tenure: what a session has claimed (sync/claim.h), and for how long it may keep others waiting (sync/PROTOCOL.md, PU55).  A thread looks on: when someone has wished for a thing
 * that was held for so long, the flag is set, and the request under way ends with EXISTS.
 */
#ifndef CHAMA_SYNC_PULL_TENURE_H
#define CHAMA_SYNC_PULL_TENURE_H

#include "sync/claim.h"

typedef struct Tenure Tenure;
Tenure *tenure_new(void);
void tenure_free(Tenure *tenure);

/* @claim is borrowed until tenure_clear(); 0 @seconds: it gives way to nobody. */
void tenure_hold(Tenure *tenure, Claim *claim, guint seconds);
/* Nothing is held any more, and nothing is to give way. */
void tenure_clear(Tenure *tenure);
/* For TransportOptions.gives_way; NULL for @tenure NULL. */
gint *tenure_flag(Tenure *tenure);

#endif
