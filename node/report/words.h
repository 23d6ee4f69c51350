/*
 * words: what an audit says, in Chinese and English: the sentence of each kind of finding, and the report's own words.
 */
#ifndef CHAMA_NODE_REPORT_WORDS_H
#define CHAMA_NODE_REPORT_WORDS_H

#include "sync/audit/audit.h"

typedef enum { LANGUAGE_EN, LANGUAGE_ZH, LANGUAGES } Language;

/* "en" or "zh": USAGE. */
gboolean language_parse(const char *text, Language *language, GError **error);
/* As HTML names it. */
const char *language_tag(Language language);

#define WORDS(w) \
    w(TITLE, "Audit of ledgers", "账本审计报告") \
    w(MADE, "made at", "生成时间") \
    w(BY, "by the node", "审计节点") \
    w(OF_CLONES, "of clones alone, without a node", "仅依据克隆的账本，无节点") \
    w(VERDICT_GOOD, "Everything that was looked at holds.", "所检查的各项全部成立。") \
    w(VERDICT_WARNING, "All proofs hold; somebody should look at the warnings.", "全部证明成立；请查看提醒事项。") \
    w(VERDICT_FAILED, "Something does not hold: see what failed.", "有证明不成立：请看“不成立”各项。") \
    w(GOOD, "good", "成立") \
    w(NOTE, "note", "说明") \
    w(WARNING, "warning", "提醒") \
    w(FAILED, "failed", "不成立") \
    w(NODES, "Nodes", "节点") \
    w(NODE, "Node", "节点") \
    w(THIS_NODE, "this node", "本节点") \
    w(OTHER, "others", "其他") \
    w(NAME, "Name (a claim)", "名称（自称）") \
    w(LEDGER, "Ledger", "账本") \
    w(WHOLE, "whole", "完整") \
    w(SPARSE, "open part", "公开部分") \
    w(LIVE, "asked over the network", "在线询问") \
    w(RECORDS, "Records", "记录数") \
    w(VERSIONS, "Datasets / versions", "数据集／版本") \
    w(ROOT, "Merkle root", "Merkle 根") \
    w(CHECKPOINT, "Checkpoint signed", "检查点签署时间") \
    w(SPAN, "Times claimed", "自称时间范围") \
    w(NONE, "none", "无") \
    w(FINDINGS, "Findings", "审计结果") \
    w(VERDICT, "Verdict", "结论") \
    w(WHAT, "A node is the computer of an organisation that shares data. All that it states (versions of datasets, grants, receipts) stands in its ledger, record by record, each " \
            "signed and bound to the one before; nothing can be changed or left out later without breaking a proof. This report checks those proofs.", \
      "节点是共享数据的单位所运行的系统。其全部声明（数据集版本、授权、回执）逐条记入其账本，每条均经签名并与前一条相连；事后更改或遗漏任何一条都会使证明不成立。本报告检查这些证明。") \
    w(MEANS, "Failed: a proof does not hold, or two signed statements contradict. Warning: somebody should look. Note: to know, and nobody's fault. Good: was checked and holds. " \
             "NAME@3 is the third version of the dataset NAME.", \
      "不成立：证明不成立，或两份已签署的声明互相矛盾。提醒：需有人查看。说明：供知悉，并非过错。成立：已检查且成立。名称@3 表示该数据集的第 3 个版本。") \
    w(FINDING, "Finding", "结果") \
    w(RECORD, "Record", "记录号") \
    w(TIME, "Time claimed", "自称时间") \
    w(TIMELINE, "Timeline", "时间线") \
    w(TIMELINE_NOTE, "Each mark is a record at the time that it claims; the taller, the more in that place. All records are counted.", "每个标记为一条记录，位于其自称的时间；越高表示该处记录越多。所有记录均已计入。") \
    w(LANE_VERSION, "versions", "版本") \
    w(LANE_SEALED, "sealed", "密封") \
    w(LANE_GIVEN, "grants, deliveries", "授权与交付") \
    w(LANE_TAKEN_BACK, "taken back", "撤回与清除") \
    w(LANE_ATTESTED, "attestations", "证明") \
    w(LANE_KEYS, "keys", "密钥") \
    w(TO_DO, "What to do", "应采取的措施") \
    w(MANY, "How many", "数量") \
    w(AT, "Where", "位置") \
    w(EVENTS, "Records, newest first", "记录（由新到旧）") \
    w(TYPE, "Type", "类型") \
    w(ABOUT, "About", "涉及") \
    w(LEFT_OUT, "more records are not listed here; --json has up to 20 000", "条更早的记录未列出；--json 最多给出 20 000 条") \
    w(NEXT, "What this report does not say", "本报告不能说明的") \
    w(LIMIT_NAMES, "Names, organisations and times are claims of the nodes that signed them. Compare a node's fingerprint by telephone before believing its name.", \
      "名称、单位与时间均为签署节点的自称。采信名称前，请用电话核对该节点的指纹。") \
    w(LIMIT_UNSEEN, "It covers the ledgers held by the auditing node. What was withheld from it is named, not judged.", "本报告仅涉及审计节点所持有的账本；对其不可见的内容只列出，不作判断。") \
    w(LIMIT_CONTENT, "Content was not read again; `chama verify` does that.", "本次未重新读取数据内容；由 `chama verify` 检查。") \
    w(LIMIT_AFTER, "Nobody can prove what a receiver did with data after delivery, or that it was deleted there.", "任何人都无法证明接收方在交付之后如何使用数据，或是否已删除数据。")

typedef enum {
#define WORDS_ENUM(word, en, zh) WORD_##word,
    WORDS(WORDS_ENUM)
#undef WORDS_ENUM
} Word;

const char *words_of(Language language, Word word);
const char *words_verdict(Language language, AuditVerdict verdict);
/* What is to be done about it, or NULL.  advice.c. */
const char *words_advice(Language language, AuditKind kind);
/* The sentence of a kind of finding, with @values as they are to be shown; the caller's. */
char *words_sentence(Language language, AuditKind kind, const char *const values[AUDIT_VALUES]);

#endif
