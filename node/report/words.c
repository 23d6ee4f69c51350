#include "node/report/words.h"

#include <string.h>

#include "keys/error.h"

/* By kind; %1 to %4 are the finding's values. */
static const struct {
    AuditKind kind;
    const char *text[LANGUAGES];
} sentences[] = {
    { AUDIT_LEDGER_GOOD, { "all %1 records hold: signatures, chain, commits, Merkle root", "全部 %1 条记录成立：签名、链接、提交与 Merkle 根" } },
    { AUDIT_SPARSE_GOOD, { "%1 of %2 records are open to this node; each holds and is proven under the checkpoint",
                           "%2 条记录中有 %1 条对本节点公开；各条均成立，并可由检查点证明" } },
    { AUDIT_LEDGER_BROKEN, { "does not hold: %1", "不成立：%1" } },
    { AUDIT_LEDGER_UNREADABLE, { "cannot be read: %1", "无法读取：%1" } },
    { AUDIT_NO_CHECKPOINT, { "no checkpoint of its owner is held", "未持有其所有者签署的检查点" } },
    { AUDIT_CHECKPOINT_OLD, { "its owner's newest checkpoint held here is of %1; sync to know what came later", "本地持有的最新检查点签于 %1；请同步以获知其后内容" } },
    { AUDIT_CHECKPOINT_GOOD, { "the checkpoint that its owner signed at %3 is of its first %1 of %2 records", "其所有者于 %3 签署的检查点与其 %2 条记录中的前 %1 条一致" } },
    { AUDIT_CHECKPOINT_BEYOND, { "its owner has signed %1 records, this copy has %2: it is older", "其所有者已签署 %1 条记录，而此副本有 %2 条：此副本较旧" } },
    { AUDIT_CHECKPOINT_BROKEN, { "a checkpoint that was given does not hold: %1", "所给的检查点不成立：%1" } },
    { AUDIT_CHECKPOINT_BEHIND, { "the checkpoint covers %1 of %2 records", "检查点覆盖 %2 条记录中的 %1 条" } },
    { AUDIT_FORK, { "two histories of this ledger were signed: evidence is kept, one at most is held", "该账本签署了两份相互矛盾的历史：证据已保存，本节点至多持有其中之一" } },
    { AUDIT_ROLLBACK, { "its owner showed a shorter ledger than it had signed before: evidence is kept", "其所有者出示的账本短于先前签署的账本：证据已保存" } },
    { AUDIT_OWN_FORK, { "a peer holds another history of this node's own ledger: nothing more is signed until people decide",
                        "有对等节点持有本节点账本的另一份历史：在人工决定之前不再签署" } },
    { AUDIT_EVIDENCE_DAMAGED, { "evidence that is kept here does not hold any more: %1", "此处保存的证据已不成立：%1" } },
    { AUDIT_COSIGNATURES_DAMAGED, { "%1 cosignatures that are kept here do not hold, or are by witnesses that are not known any more: they count for nothing", "此处保存的 %1 份联署不成立，或其见证方已不可知：不予计入" } },
    { AUDIT_LIVE_GOOD, { "shows a log of %1 records now, which goes on from the %2 records that it had signed by %3", "现出示含 %1 条记录的日志，与其在 %3 前签署的 %2 条记录前后一致" } },
    { AUDIT_LIVE_FIRST, { "shows a log of %1 records; none was seen here before to compare it with", "现出示含 %1 条记录的日志；此前未曾见过，无可比较" } },
    { AUDIT_LIVE_ENTRIES, { "%1 of its %2 records were fetched and hold now: signatures, chain, place in the log; those before were checked earlier or are held here",
                            "其 %2 条记录中本次取得 %1 条，均成立：签名、链接、在日志中的位置；之前的记录已检查过或本地持有" } },
    { AUDIT_LIVE_WITHHELD, { "the text of %1 of its %2 records is withheld from this node: only their hashes were checked", "其 %2 条记录中有 %1 条的内容对本节点不公开：只检查了散列值" } },
    { AUDIT_LIVE_REPLACED, { "its owner recovered its keys and began a new log: it need not go on from the %1 records seen before", "其所有者已恢复密钥并启用新日志：不必与此前见过的 %1 条记录前后一致" } },
    { AUDIT_LIVE_BROKEN, { "what it shows does not hold: %1", "其出示的内容不成立：%1" } },
    { AUDIT_LIVE_UNREACHED, { "%1 did not answer: %2", "%1 未应答：%2" } },
    { AUDIT_CONTRADICTION_SEEN, { "was seen to contradict itself, in a way that cannot be shown to others as a proof: `chama status` says more", "曾被发现前后矛盾，但无法向他人出示为证据：详见 `chama status`" } },
    { AUDIT_TYPE_UNKNOWN, { "%2 records of type %1, which this version does not know: kept, not interpreted", "有 %2 条类型为 %1 的记录，本版本不识别：保留，不作解释" } },
    { AUDIT_BODY_INVALID, { "a record of type %1 breaks the rules of its type and counts for nothing", "一条类型为 %1 的记录违反该类型的规则，不予采信" } },
    { AUDIT_TIME_BACKWARDS, { "claims the time %1, the record before it %2", "自称时间 %1，而前一条记录为 %2" } },
    { AUDIT_TIME_AHEAD, { "claims the time %1, which is still to come", "自称时间 %1，尚未到来" } },
    { AUDIT_VERSION_UNCOUNTED, { "a manifest that calls itself %1@%2 does not continue its dataset and is no version", "自称 %1@%2 的清单未接续其数据集，不构成版本" } },
    { AUDIT_VERSION_BROKEN, { "%1 does not hold: %2", "%1 不成立：%2" } },
    { AUDIT_LINEAGE_BROKEN, { "%1 names the source %2, and that does not hold: %3", "%1 引用来源 %2，但该引用不成立：%3" } },
    { AUDIT_LINEAGE_MISSING, { "%1 names the source %2, which is not known here", "%1 引用的来源 %2 在本地未知" } },
    { AUDIT_LINEAGE_DISAVOWED, { "%1 was made from %2; the record of one of them was disavowed since by its own node", "%1 来源于 %2；其中一方的记录已被其节点声明不可采信" } },
    { AUDIT_LINEAGE_WITHHELD, { "sources of %1 are not for this node to know", "%1 的来源不对本节点公开" } },
    { AUDIT_LINEAGE_ABSENT, { "sources of %1 stand in content that is not held here", "%1 的来源记载于本地未持有的内容中" } },
    { AUDIT_LINEAGE_ERASED, { "%1 was made from %2, whose content was erased", "%1 来源于 %2，后者的内容已清除" } },
    { AUDIT_LINEAGE_FORGOTTEN, { "sources of %1 stood in details that were erased", "%1 的来源所在的详细信息已清除" } },
    { AUDIT_LINEAGE_STATED, { "%1 was made from %2, as its node states: nobody observed it", "%1 来源于 %2（其节点的声明，未经观察证实）" } },
    { AUDIT_LINEAGE_REPEATED, { "%1 was made from %2: another node states the same, with the same result", "%1 来源于 %2：另一节点作出相同声明且结果相同" } },
    { AUDIT_LINEAGE_PROVEN, { "%1 was made from %2: observed by the program that signed it, or its content is the source's own",
                              "%1 来源于 %2：由签署程序观察证实，或其内容即来源的内容" } },
    { AUDIT_GRANT_OVER, { "the grant of %1 to %2 was over on %3", "将 %1 授予 %2 的授权已于 %3 到期" } },
    { AUDIT_GRANT_ENDS, { "the grant of %1 to %2 ends on %3", "将 %1 授予 %2 的授权将于 %3 到期" } },
    { AUDIT_GRANT_REVOKED, { "the grant of %1 to %2 was revoked", "将 %1 授予 %2 的授权已撤销" } },
    { AUDIT_SEALED_CLOSED, { "%1 sealed statements cannot be read by this node", "有 %1 条密封声明对本节点不可读" } },
    { AUDIT_SHARE_LOOSENED, { "%1 is shared as %3, the version before as %2", "%1 的共享方式为 %3，前一版本为 %2" } },
    { AUDIT_ATTESTATION_LAPSED, { "what %3 attested of %2 (%1) lapsed on %4", "%3 对 %2 的证明（%1）已于 %4 失效" } },
    { AUDIT_ATTESTATION_FAIL, { "%3 attested of %2 (%1) that it fails", "%3 对 %2 的证明（%1）结论为不通过" } },
    { AUDIT_WITHDRAWN, { "%1 was withdrawn by its owner: %2", "%1 已由其所有者撤回：%2" } },
    { AUDIT_WITHDRAWN_IN_USE, { "%1 was made from %2, which was withdrawn: %3", "%1 的来源 %2 已被撤回：%3" } },
    { AUDIT_ERASED, { "the content of %1 was erased: %2", "%1 的内容已清除：%2" } },
    { AUDIT_ERASED_AFTER, { "the content of %1 was erased here, as its owner did before", "%1 的内容已随其所有者在此清除" } },
    { AUDIT_KEYS_ROTATED, { "changed its keys, with the old key's consent", "更换了密钥，并由旧密钥确认" } },
    { AUDIT_KEYS_RECOVERED, { "recovered by the key committed to before, without the old key: ask its people why", "以预先承诺的密钥恢复，未经旧密钥确认：请向其人员询问原因" } },
    { AUDIT_RECORDS_DISAVOWED, { "says that its records from number %1 up to this one are not to be relied on", "声明自第 %1 条至此条的记录不可采信" } },
    { AUDIT_WITNESSED, { "its %4 records were seen by %1 of %2 witnesses, earliest %3", "其 %4 条记录已由 %2 个见证方中的 %1 个见证，最早于 %3" } },
    { AUDIT_WITNESSES_MISSING, { "its %4 records were seen by only %1 of %2 witnesses, earliest %3: the policy wants more",
                                 "其 %4 条记录仅由 %2 个见证方中的 %1 个见证，最早于 %3：未达策略要求" } },
    { AUDIT_LOG_NOT_IN_POLICY, { "is no log of the policy: no witness counts for it", "不在策略所列日志之中：任何见证均不计" } },
    { AUDIT_COSIGNED, { "nodes known here that cosigned its %3 records: %1, earliest %2", "其 %3 条记录已由 %1 个已知节点联署，最早于 %2" } },
    { AUDIT_COSIGNED_BY_NONE, { "no known node has cosigned its %1 records: nobody else vouches for when they were there",
                                "其 %1 条记录尚无已知节点联署：其存在时间无他方佐证" } },
    { AUDIT_TIME_TOO_EARLY, { "%1 claims the time %2, but it follows what %4 stated at %3", "%1 自称时间 %2，但其晚于 %4 在 %3 的声明" } },
    { AUDIT_TIME_TOO_LATE, { "%1 claims the time %2, but %4 had seen it by %3", "%1 自称时间 %2，但 %4 在 %3 已见到它" } },
    { AUDIT_TIME_CROSSED, { "%1 claims the time %2; what others say of it cannot all be true, such as that it follows %3 of %4", "%1 自称时间 %2；他方说法互相矛盾，例如其晚于 %4 的 %3" } },
    { AUDIT_RECEIPT_OWED, { "%1 was delivered to %2, who owes a receipt", "%1 已交付 %2，对方尚欠回执" } },
    { AUDIT_DELIVERY_OWED, { "%1 was received from %2, who owes the record of its delivery", "已从 %2 收到 %1，对方尚欠交付记录" } },
    { AUDIT_RECEIPT_CONTRADICTS, { "a receipt for %1 names a delivery by %2 that says something else, or that was answered before",
                                   "%1 的回执所指的 %2 的交付记录内容不符，或该交付已有回执" } },
    { AUDIT_DELIVERY_WITHOUT_GRANT, { "%1 was delivered to %2 under a grant that was not in force then, or is another's", "将 %1 交付 %2 时所依据的授权当时未生效，或并非对其的授权" } },
    { AUDIT_MORE, { "%1 more of the kind %2", "另有 %1 项 %2" } },
};

gboolean
language_parse(const char *text, Language *language, GError **error)
{
    if (strcmp(text, "en") == 0 || strcmp(text, "zh") == 0) {
        *language = *text == 'z' ? LANGUAGE_ZH : LANGUAGE_EN;
        return TRUE;
    }
    return chama_error(error, CHAMA_ERROR_USAGE, "--lang: want en or zh, have \"%s\"", text);
}

const char *
language_tag(Language language)
{
    return language == LANGUAGE_ZH ? "zh-Hans" : "en";
}

const char *
words_of(Language language, Word word)
{
    static const char *const words[][LANGUAGES] = {
#define WORDS_ROW(word, en, zh) { en, zh },
        WORDS(WORDS_ROW)
#undef WORDS_ROW
    };

    return words[word][language];
}

const char *
words_verdict(Language language, AuditVerdict verdict)
{
    static const Word words[] = { WORD_GOOD, WORD_NOTE, WORD_WARNING, WORD_FAILED };

    return words_of(language, words[verdict]);
}

static const char *
sentence_of(Language language, AuditKind kind)
{
    for (guint i = 0; i < G_N_ELEMENTS(sentences); i++)
        if (sentences[i].kind == kind)
            return sentences[i].text[language];
    g_assert_not_reached(); /* a unit test looks at every kind */
}

char *
words_sentence(Language language, AuditKind kind, const char *const values[AUDIT_VALUES])
{
    GString *text = g_string_new(NULL);

    for (const char *at = sentence_of(language, kind); *at; at++) {
        if (*at != '%') {
            g_string_append_c(text, *at);
            continue;
        }
        at++;
        g_string_append(text, values[*at - '1'] ? values[*at - '1'] : "?");
    }
    return g_string_free(text, FALSE);
}
