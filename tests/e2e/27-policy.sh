#!/bin/sh
# AU16: chama audit --policy: which witnesses count, for ledgers of a home, for a node that is asked over the network, and for a clone with a checkpoint.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
make_node a Forestry
make_node b Tourism
make_node c Auditor
make_node d Health
key_of() { chama "$1" id --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["witness"])'; }
log_of() { chama "$1" id --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["log"])'; }
id_of() { chama "$1" id --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["node"])'; }
a=$(id_of a)
printf 'witness tourism %s\nquorum tourism\n' "$(key_of b)" >one
printf 'witness tourism %s\nwitness health %s\ngroup both all tourism health\nquorum both\n' "$(key_of b)" "$(key_of d)" >both
printf 'log %s\nwitness tourism %s\nquorum tourism\n' "$(log_of d)" "$(key_of b)" >other
chama a publish divisions v1 --share open >/dev/null 2>&1
start a && start b
pair a b
want "its owner learns who the witness is" 0 chama a sync
want "which sees it" 0 chama b sync
want "the checkpoint" 0 sh -c "curl -sfk https://$(address_of a)/log/$a/checkpoint >note"
equal "bears two lines" "$(grep -c '^— ' note)" 2

want "a live node, by a policy" 0 chama c audit --live "https://$(address_of a)" --policy one
has "is seen by the witness" "$out" "its 3 records were seen by 1 of 1 witnesses, earliest 20"
want "by one that wants more" 0 chama c audit --live "https://$(address_of a)" --policy both --lang zh
has "is a warning" "$out" "提醒: "
has "which says how many" "$out" "其 3 条记录仅由 2 个见证方中的 1 个见证"
want "by one of other logs" 0 chama c audit --live "https://$(address_of a)" --policy other
has "is a warning, too" "$out" "is no log of the policy: no witness counts for it"
want "without one" 0 chama c audit --live "https://$(address_of a)"
has_not "nothing is said of witnesses" "$out" "witness"

want "a clone" 0 git clone -q a/ledger.git clone
want "by a policy, without a checkpoint" 0 "$CHAMA" audit --clone clone --policy one
has "nobody is known to have seen it" "$out" "warning: $(printf %.8s "$a"): its 3 records were seen by only 0 of 1 witnesses, earliest -: the policy wants more"
want "with its checkpoint" 0 "$CHAMA" audit --clone clone --checkpoint note --policy one
has "that holds" "$out" "good: $(printf %.8s "$a"): the checkpoint that its owner signed at 20"
has "it is that of all" "$out" "is of its first 3 of 3 records"
has "who saw it counts" "$out" "its 3 records were seen by 1 of 1 witnesses"
want "as JSON" 0 "$CHAMA" audit --clone clone --checkpoint note --policy both --json
has "too few" "$out" '"kind": "witnesses-missing"'
want "a checkpoint without a policy" 0 "$CHAMA" audit --clone clone --checkpoint note
has "is compared all the same" "$out" "is of its first 3 of 3 records"
want "by other logs" 0 "$CHAMA" audit --clone clone --checkpoint note --policy other
has "nobody counts" "$out" "is no log of the policy"

# What does not hold.
sed 's/^3$/2/' note >smaller
want "a checkpoint that nobody signed" 3 "$CHAMA" audit --clone clone --checkpoint smaller --policy one
has "fails" "$out" "failed: $(printf %.8s "$a"): a checkpoint that was given does not hold: "
python3 - note >flipped <<'PY'
import base64, sys
lines = open(sys.argv[1], encoding="utf-8").read().split("\n")
at = max(i for i, line in enumerate(lines) if line.startswith("— "))
head, blob = lines[at].rsplit(" ", 1)
raw = bytearray(base64.b64decode(blob)); raw[-1] ^= 1
lines[at] = head + " " + base64.b64encode(raw).decode()
print("\n".join(lines), end="")
PY
want "a cosignature that is not good" 3 "$CHAMA" audit --clone clone --checkpoint flipped --policy one
has "is told of" "$out" "a checkpoint that was given does not hold: "
chama a publish divisions v2 -m again >/dev/null 2>&1
chama b sync >/dev/null 2>&1
want "a later checkpoint" 0 sh -c "curl -sfk https://$(address_of a)/log/$a/checkpoint >later"
want "of more than the clone has" 0 "$CHAMA" audit --clone clone --checkpoint later --policy one
has "says that the clone is old" "$out" "warning: $(printf %.8s "$a"): its owner has signed "
want "both" 0 "$CHAMA" audit --clone clone --checkpoint note --checkpoint later --policy one
want "another history of it" 0 cp -a a twin
stop a
"$CHAMA" --home twin publish twins v1 -m twin >/dev/null 2>&1 && chama a publish divisions v1 -m third >/dev/null 2>&1
git clone -q twin/ledger.git forked 2>/dev/null
start a
want "whose checkpoint" 0 sh -c "curl -sfk https://$(address_of a)/log/$a/checkpoint >third"
want "is not the clone's" 3 "$CHAMA" audit --clone forked --checkpoint third
has "fails" "$out" "does not hold: T10: its root is not the one of the first "
git clone -q b/ledger.git tourism 2>/dev/null
want "a checkpoint of no clone that is given" 1 "$CHAMA" audit --clone tourism --checkpoint note
equal "is refused" "$err" "chama: note: want a checkpoint of a clone that is given, have one of another ledger"
echo nonsense >nonsense
want "no checkpoint" 3 "$CHAMA" audit --clone clone --checkpoint nonsense
has "is refused, too" "$err" "nonsense: "
want "none there" 1 "$CHAMA" audit --clone clone --checkpoint nowhere
want "without a clone" 2 chama c audit --checkpoint note
equal "it has no use" "$err" "chama: audit: --checkpoint is for clones: want --clone, too"
