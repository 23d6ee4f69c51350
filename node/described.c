#include "node/described.h"

#include <string.h>

#include "keys/error.h"
#include "manifests/text.h"
#include "node/command.h"

void
described_clear(Described *d)
{
    g_free(d->name_zh);
    g_free(d->name_en);
    g_free(d->organisation);
    g_free(d->sector);
    g_free(d->division);
    g_free(d->ledger);
}

gboolean
described_any(const Described *d)
{
    return d->name_zh || d->name_en || d->organisation || d->sector || d->division || d->ledger;
}

static gboolean
set_text(char **field, const char *option, const char *rule, const char *text, GError **error)
{
    if (!text)
        return TRUE;
    if (!command_check_utf8(option, text, error))
        return FALSE;
    if (strlen(text) > TITLE_MAX)
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: %s: want at most %d bytes, have %" G_GSIZE_FORMAT, option, rule, TITLE_MAX, strlen(text));
    if (!text_shows(text, FALSE))
        return chama_error(error, CHAMA_ERROR_USAGE, "%s: %s: want text in one line, have characters that do not show", option, rule);
    g_free(*field);
    *field = *text ? g_strdup(text) : NULL;
    return TRUE;
}

static gboolean
set_audience(const char *text, LedgerAudience *audience, GError **error)
{
    return !text || ledger_audience_parse(text, audience, NULL) || chama_error(error, CHAMA_ERROR_USAGE, "--ledger: S8: want peers, relayed or public, have %s", text);
}

gboolean
described_apply(const Described *d, Profile *profile, GError **error)
{
    if (!set_text(&profile->name_zh, "--name-zh", "S2", d->name_zh, error) || !set_text(&profile->name_en, "--name-en", "S2", d->name_en, error) ||
        !set_text(&profile->organisation, "--organisation", "S2", d->organisation, error) || !set_text(&profile->sector, "--sector", "S3", d->sector, error) ||
        !set_text(&profile->division, "--division", "S4", d->division, error) || !set_audience(d->ledger, &profile->ledger, error))
        return FALSE;
    return profile->name_zh || profile->name_en ||
           chama_error(error, CHAMA_ERROR_USAGE, "S2: want --name-zh or --name-en, have neither; example: --name-zh 林业厅 --name-en Forestry");
}
