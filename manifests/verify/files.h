/*
 * files: everything that a listing names, read and compared with it on all cores: pages, chunks, whole files.
 */
#ifndef CHAMA_MANIFESTS_VERIFY_FILES_H
#define CHAMA_MANIFESTS_VERIFY_FILES_H

#include "manifests/verify/batch.h"
#include "manifests/verify/found_good.h"

/* Each file that is wrong to @report; FALSE with an error if the listing is, or when stopped (CANCELLED).  @found_good may be NULL; the caller has a
 * StoreHold. */
gboolean files_verify(Store *store, const Digest *listing, FoundGood *found_good, VersionReport report, gpointer report_data, Progress *progress,
                      GError **error);

#endif
