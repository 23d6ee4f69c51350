/* chama gc: free the space of what no version held needs. */
#include <stdio.h>

#include "manifests/version.h"
#include "node/command.h"
#include "node/print.h"

static void
say_waiting(void)
{
    fprintf(stderr, "chama: waiting for other commands that use the store\n");
}

gboolean
cmd_gc(const Invocation *invocation, int argc, char **argv, int *status, GError **error)
{
    gboolean json = FALSE, dry_run = FALSE;
    const GOptionEntry entries[] = {
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "only say what would be freed", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL },
        { 0 },
    };
    g_autoptr(Home) home = NULL;
    g_autofree char *freed = NULL, *kept = NULL;
    GcTotals totals = { 0 };

    if (!command_parse(invocation, &argc, &argv, entries, 0, 0, error) || !(home = command_home(invocation, error)) ||
        !version_gc(home, dry_run, say_waiting, &totals, error))
        return FALSE;
    freed = size_display(totals.bytes_freed);
    kept = size_display(totals.bytes_kept);
    if (json)
        print_json(json_pack("{s:b, s:I, s:I, s:I, s:I, s:I}", "dry_run", dry_run, "objects_freed", (json_int_t)totals.objects_freed, "bytes_freed",
                             (json_int_t)totals.bytes_freed, "bytes_kept", (json_int_t)totals.bytes_kept, "packs_rewritten", (json_int_t)totals.packs_rewritten,
                             "packs_removed", (json_int_t)totals.packs_removed));
    else
        printf("%s %" G_GUINT64_FORMAT " objects, %" G_GUINT64_FORMAT " bytes (%s); %s kept\n", dry_run ? "would free" : "freed", totals.objects_freed,
               totals.bytes_freed, freed, kept);
    return TRUE;
}
