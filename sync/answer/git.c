/* GET /ledgers/NODE.git/info/refs and POST /ledgers/NODE.git/git-upload-pack: who may have which ledger with stock git; part 10 of sync/PROTOCOL.md.
 * What is answered comes from git itself, which whoever has the Answer runs (answer_git()). */
#include <string.h>

#include "keys/error.h"
#include "sync/answer/answer_private.h"
#include "sync/upload_pack.h"

#define REFS_TYPE "application/x-git-upload-pack-advertisement"
#define PACK_TYPE "application/x-git-upload-pack-result"
#define REFS_QUERY "service=git-upload-pack"

/* GT3: before anything is looked up, so that it says nothing of what there is. */
static gboolean
is_installed(void)
{
    static gsize known;
    static gboolean found;

    if (g_once_init_enter(&known)) {
        g_autofree char *program = g_find_program_in_path("git");

        found = program != NULL;
        g_once_init_leave(&known, 1);
    }
    return found;
}

static gboolean
refuse_missing(Answer *answer)
{
    static const char problem[] = "{\"code\":\"unsupported\",\"detail\":\"GT3: want git installed at this node, have none\",\"status\":501,\"title\":\"Not Implemented\",\"type\":\"about:blank\"}";

    answer_set_body(answer, ANSWER_PROBLEM_TYPE, g_bytes_new_static(problem, strlen(problem)));
    answer->status = 501;
    answer_set_remark(answer, "GT3: git is not installed; apt-get install git");
    return TRUE;
}

void
answer_git_free(AnswerGit *git)
{
    g_free(git->repository);
    g_clear_pointer(&git->input, g_bytes_unref);
    g_free(git);
}

static char *
repository_of(Home *home, const char *node)
{
    g_autofree char *name = g_strdup_printf("%s.git", node);

    return strcmp(node, home_id(home)) == 0 ? home_file(home, "ledger.git") : g_build_filename(home_path(home), "ledgers", name, NULL);
}

/* GT2: the whole ledger, by A11 and A12; a ledger without a commit has nothing to show. */
static gboolean
set_git(Answer *answer, const AnswerRequest *request, const char *name, GBytes *input, GError **error)
{
    char node[NODE_ID_SIZE];
    Ledger *ledger = upload_pack_parse_name(name, node, error) ? answer_find_ledger(answer, request, node, TRUE, error) : NULL;

    if (!ledger)
        return FALSE;
    answer_set_body(answer, input ? PACK_TYPE : REFS_TYPE, NULL);
    answer->git = g_new0(AnswerGit, 1);
    answer->git->repository = repository_of(answer->home, node);
    answer->git->version = upload_pack_parse_version(request->git_protocol);
    answer->git->input = input ? g_bytes_ref(input) : NULL;
    return TRUE;
}

gboolean
answer_git_refs(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    if (!is_installed())
        return refuse_missing(answer);
    /* without the query git asks for files (the "dumb" protocol), with another service it wants to write: neither is here */
    if (g_strcmp0(request->query, REFS_QUERY) != 0)
        return chama_error(error, CHAMA_ERROR_NOT_FOUND, "request: GT1: want the query %s", REFS_QUERY);
    return set_git(answer, request, name, NULL, error);
}

gboolean
answer_git_pack(Answer *answer, const AnswerRequest *request, const char *name, GError **error)
{
    g_autoptr(GBytes) empty = g_bytes_new(NULL, 0), input = NULL;

    if (!is_installed())
        return refuse_missing(answer);
    if (!set_git(answer, request, name, empty, error))
        return FALSE;
    input = upload_pack_decode(request->encoding, request->body ? request->body : empty, REQUEST_BODY_MAX, error);
    if (!input)
        return FALSE;
    g_bytes_unref(answer->git->input);
    answer->git->input = g_steal_pointer(&input);
    return TRUE;
}
