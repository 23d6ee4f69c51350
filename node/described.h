/*
 * described: what a person says this node is: names, organisation, sector, division, who may have its ledger (manifests/FORMAT.md, S2 to S4, S8), as options of `init` and `profile`.
 */
#ifndef CHAMA_NODE_DESCRIBED_H
#define CHAMA_NODE_DESCRIBED_H

#include <glib.h>

#include "manifests/statement.h"

/* As typed; NULL: not said. */
typedef struct {
    char *name_zh, *name_en, *organisation, *sector, *division, *ledger;
} Described;
void described_clear(Described *described);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Described, described_clear)

#define DESCRIBED_OPTIONS(d) \
    { "name-zh", 0, 0, G_OPTION_ARG_STRING, &(d)->name_zh, "the department's name in Chinese", "NAME" }, \
    { "name-en", 0, 0, G_OPTION_ARG_STRING, &(d)->name_en, "the department's name in English", "NAME" }, \
    { "organisation", 0, 0, G_OPTION_ARG_STRING, &(d)->organisation, "the organisation it belongs to", "NAME" }, \
    { "sector", 0, 0, G_OPTION_ARG_STRING, &(d)->sector, "sector code, S01 to S20", "CODE" }, \
    { "division", 0, 0, G_OPTION_ARG_STRING, &(d)->division, "administrative division code", "CODE" }, \
    { "ledger", 0, 0, G_OPTION_ARG_STRING, &(d)->ledger, "who may copy the whole ledger: peers, relayed (as init has it) or public", "WHO" }

gboolean described_any(const Described *described);

/* Puts what was said into @profile; an empty text takes away what was there.  USAGE, naming the option. */
gboolean described_apply(const Described *described, Profile *profile, GError **error);

#endif
