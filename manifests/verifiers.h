/*
 * verifiers: witnesses that are no chama nodes, by their C2SP verifier keys (manifests/FORMAT.md, T18).  Whoever names one (a policy) has it noted here, so that
 * its cosignatures are known when they come, and can be verified afterwards although the policy names it no more.  At most VERIFIERS_MAX.
 *
 * Where sightings name a witness by the id of its node, such a one goes by a word that no node has as its id: "key-" and 40 hex digits.
 */
#ifndef CHAMA_MANIFESTS_VERIFIERS_H
#define CHAMA_MANIFESTS_VERIFIERS_H

#include "manifests/home.h"
#include "manifests/ledger/note.h"

#define VERIFIERS_MAX 1024

/* What sightings call the witness: of its name, algorithm and key. */
void verifiers_word(const NoteVerifier *verifier, char word[NODE_ID_SIZE]);
/* TRUE for such a word. */
gboolean verifiers_is_word(const char *witness);

/* Durable, idempotent.  Its name must not be that of a node, and one that can be shown (USAGE), nor its algorithm one that is never seen to sign here (UNSUPPORTED); LIMIT. */
gboolean verifiers_keep(Home *home, const NoteVerifier *verifier, GError **error);
/* By what sightings call it, or by what a signature line says: NULL if it is not known.  The caller's. */
NoteVerifier *verifiers_by_word(Home *home, const char *word);
NoteVerifier *verifiers_by_line(Home *home, const NoteSignature *line);

#endif
