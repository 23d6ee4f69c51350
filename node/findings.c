#include "node/findings.h"

#include <stdio.h>

#include "node/command.h"
#include "node/print.h"
#include "sync/peers.h"
#include "sync/sparse.h"

void
findings_report(gpointer data, const char *message)
{
    Findings *findings = data;

    findings->bad++;
    if (!findings->json) {
        printf("%s: BAD: %s\n", findings->subject, message);
        return;
    }
    if (!findings->list)
        findings->list = json_array();
    json_array_append_new(findings->list, json_pack("{s:s, s:s}", "subject", findings->subject, "problem", message));
}

void
findings_close_subject(Findings *findings, guint bad_before)
{
    findings->checked++;
    if (!findings->json && findings->bad == bad_before)
        printf("%s: good\n", findings->subject);
    if (!findings->subjects)
        findings->subjects = json_array();
    json_array_append_new(findings->subjects, json_pack("{s:s, s:b}", "subject", findings->subject, "good", findings->bad == bad_before));
    g_free(findings->closed);
    findings->closed = g_strdup(findings->subject);
}

void
findings_remark(Findings *findings, const char *name, const char *text, json_t *value)
{
    if (!findings->json)
        printf("%s: %s\n", findings->closed, text);
    json_object_set_new(json_array_get(findings->subjects, json_array_size(findings->subjects) - 1), name, value);
}

void
findings_excuse(Findings *findings, const char *why)
{
    if (!findings->json)
        printf("%s: %s\n", findings->subject, why);
    if (!findings->subjects)
        findings->subjects = json_array();
    json_array_append_new(findings->subjects, json_pack("{s:s, s:b, s:s}", "subject", findings->subject, "good", TRUE, "note", why));
    g_free(findings->closed);
    findings->closed = g_strdup(findings->subject);
}

static gboolean
check_whole(Findings *findings, Home *home, const char *node, gboolean own)
{
    g_autoptr(GError) broken = NULL;
    Ledger *ledger = own ? home_ledger(home, &broken) : home_peer_ledger(home, node, &broken);

    if (!ledger || !ledger_verify(ledger, findings_report, findings, &broken))
        findings_report(findings, broken->message);
    return ledger != NULL;
}

GPtrArray *
findings_ledgers(Home *home, GError **error)
{
    g_autoptr(GPtrArray) nodes = home_ledgers(home, error), sparse = nodes ? sparse_nodes(home, error) : NULL;

    for (guint i = 0; sparse && i < sparse->len; i++) {
        if (!g_ptr_array_find_with_equal_func(nodes, g_ptr_array_index(sparse, i), g_str_equal, NULL))
            g_ptr_array_add(nodes, g_strdup(g_ptr_array_index(sparse, i)));
    }
    return sparse ? g_steal_pointer(&nodes) : NULL;
}

gboolean
findings_check_ledger(Findings *findings, Home *home, const char *node, GError **error)
{
    gboolean own = g_strcmp0(node, home_id(home)) == 0;
    g_autofree char *name = peers_display(home, node);
    g_autofree char *subject = g_strdup_printf("ledger of %s", own ? "this node" : name);
    g_autofree char *git = g_strdup_printf("%s/ledgers/%s.git", home_path(home), node);
    g_autoptr(GError) broken = NULL;
    guint before = findings->bad;

    findings->subject = subject;
    if (own || g_file_test(git, G_FILE_TEST_EXISTS))
        check_whole(findings, home, node, own);
    else if (!sparse_verify(home, node, &broken))
        findings_report(findings, broken->message);
    findings_close_subject(findings, before);
    findings->subject = NULL;
    return TRUE;
}

int
findings_finish(Findings *findings)
{
    g_clear_pointer(&findings->closed, g_free);
    if (findings->json)
        print_json(json_pack("{s:I, s:I, s:O, s:O}", "checked", (json_int_t)findings->checked, "bad", (json_int_t)findings->bad, "subjects",
                             findings->subjects ? findings->subjects : json_array(), "problems", findings->list ? findings->list : json_array()));
    else
        printf("%u checked, %u problem%s\n", findings->checked, findings->bad, findings->bad == 1 ? "" : "s");
    return findings->bad ? EXIT_VERIFY : EXIT_DONE;
}
