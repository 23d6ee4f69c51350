/* What is to be done about findings, for people who have never seen one. */
#include "node/report/words.h"

static const struct {
    AuditKind kind;
    const char *text[LANGUAGES];
} advice[] = {
    { AUDIT_LEDGER_BROKEN, { "Rely on nothing of this ledger until it is mended: run `chama fsck --rebuild-index` and `chama sync` here; ask its owner if it stays.",
                             "修复之前不要采信该账本的任何内容：在本地运行 `chama fsck --rebuild-index` 与 `chama sync`；若仍存在，请询问其所有者。" } },
    { AUDIT_LEDGER_UNREADABLE, { "Look at the disk and the rights of the files, then audit again.", "检查磁盘与文件权限，然后重新审计。" } },
    { AUDIT_FORK, { "Stop relying on this node; keep the evidence (`chama evidence export`) and ask its people who signed the second history.",
                    "停止采信该节点；保存证据（`chama evidence export`），并询问其人员由谁签署了第二份历史。" } },
    { AUDIT_ROLLBACK, { "Ask its people whether they restored an old backup; until then go by what it had signed before.", "询问其人员是否恢复了旧备份；在此之前以其先前签署的内容为准。" } },
    { AUDIT_OWN_FORK, { "Find out who else has this node's signing key, or where a second copy of it runs: nothing is signed until people decide.",
                        "查明还有谁持有本节点的签名密钥，或何处运行着其第二份副本：在人工决定之前不再签署。" } },
    { AUDIT_EVIDENCE_DAMAGED, { "Restore state.sqlite from a backup: evidence cannot be made anew.", "从备份恢复 state.sqlite：证据无法重新生成。" } },
    { AUDIT_COSIGNATURES_DAMAGED, { "Run `chama fsck`, then sync: witnesses' lines are collected again.", "运行 `chama fsck` 后同步：将重新收集见证方的联署。" } },
    { AUDIT_LIVE_BROKEN, { "Ask its people; do not rely on what it shows now.", "询问其人员；不要采信其现在出示的内容。" } },
    { AUDIT_CHECKPOINT_BROKEN, { "Find out where this checkpoint or this copy comes from: one of both is not its owner's.", "查明该检查点或该副本的来源：其中之一并非出自其所有者。" } },
    { AUDIT_VERSION_BROKEN, { "Do not use this version.", "不要使用该版本。" } },
    { AUDIT_LINEAGE_BROKEN, { "Do not rely on where this version is said to come from; ask who published it.", "不要采信该版本所称的来源；询问其发布者。" } },
    { AUDIT_RECEIPT_CONTRADICTS, { "Ask provider and receiver which of both is right.", "询问提供方与接收方何者属实。" } },
    { AUDIT_DELIVERY_WITHOUT_GRANT, { "Ask the provider why it gave this away: no grant covered it.", "询问提供方为何交付：没有有效的授权。" } },
    { AUDIT_NO_CHECKPOINT, { "Sync with the node, or with one that follows it.", "与该节点或其关注者同步。" } },
    { AUDIT_CHECKPOINT_OLD, { "Sync: what came later is not known here.", "请同步：其后的内容在本地未知。" } },
    { AUDIT_CHECKPOINT_BEYOND, { "Get a newer copy.", "取得更新的副本。" } },
    { AUDIT_CONTRADICTION_SEEN, { "Read `chama status`, and ask its people.", "查看 `chama status`，并询问其人员。" } },
    { AUDIT_BODY_INVALID, { "Tell its people: the program that made it breaks a rule.", "告知其人员：生成该记录的程序违反规则。" } },
    { AUDIT_TIME_AHEAD, { "Tell its people to set their clock.", "请其人员校准时钟。" } },
    { AUDIT_VERSION_UNCOUNTED, { "Ask who signed it: no honest program makes such a manifest.", "询问由谁签署：正常程序不会生成此类清单。" } },
    { AUDIT_LINEAGE_MISSING, { "Add the source's node as a peer and sync, or ask for the record: `chama lineage` fetches it.", "将来源节点添加为对等节点并同步，或用 `chama lineage` 取得该记录。" } },
    { AUDIT_LINEAGE_DISAVOWED, { "Ask its people whether the version is still good.", "询问其人员该版本是否仍然有效。" } },
    { AUDIT_GRANT_ENDS, { "Grant anew in time if it is to go on.", "如需继续，请及时重新授权。" } },
    { AUDIT_ATTESTATION_LAPSED, { "Have it attested anew before it is relied on.", "采信之前请重新出具证明。" } },
    { AUDIT_ATTESTATION_FAIL, { "Read why before using the version.", "使用该版本之前请查看原因。" } },
    { AUDIT_WITHDRAWN_IN_USE, { "Publish it anew without that source, or withdraw it.", "去除该来源后重新发布，或将其撤回。" } },
    { AUDIT_KEYS_RECOVERED, { "Ask its people by telephone whether that was them.", "请电话确认是否为其本人操作。" } },
    { AUDIT_RECORDS_DISAVOWED, { "Do not rely on these records unless others had seen them before.", "除非他方此前已见到，否则不要采信这些记录。" } },
    { AUDIT_WITNESSES_MISSING, { "Sync, and ask the witnesses to.", "请同步，并请各见证方同步。" } },
    { AUDIT_RECEIPT_OWED, { "Sync with the receiver; ask for the receipt if it stays.", "与接收方同步；若仍缺失，请索取回执。" } },
    { AUDIT_DELIVERY_OWED, { "Sync with the provider; ask for its record if it stays.", "与提供方同步；若仍缺失，请索取交付记录。" } },
    { AUDIT_TIME_TOO_EARLY, { "Go by what the others say of the time.", "时间以他方所述为准。" } },
    { AUDIT_TIME_TOO_LATE, { "Go by what the others say of the time.", "时间以他方所述为准。" } },
    { AUDIT_LIVE_UNREACHED, { "Try again later.", "请稍后重试。" } },
};

const char *
words_advice(Language language, AuditKind kind)
{
    for (guint i = 0; i < G_N_ELEMENTS(advice); i++)
        if (advice[i].kind == kind)
            return advice[i].text[language];
    return NULL;
}
