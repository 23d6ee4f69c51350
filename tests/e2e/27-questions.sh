#!/bin/sh
# chama audit: what statements of several nodes say together: withdrawals, erasures, receipts, keys, witnesses.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
make_node a Forestry
make_node b Tourism
chama a publish divisions v1 --share open -m first >/dev/null 2>&1
chama a publish secret v1 >/dev/null 2>&1
start a && start b
pair a b
chama b sync >/dev/null 2>&1
want "before anything" 0 chama b audit
has "this node is what saw it" "$out" "good: forestry: nodes known here that cosigned its 4 records: 1, earliest"
has_not "nothing was withdrawn" "$out" "withdrawn"
has_not "no keys changed" "$out" "keys"

chama b publish routes v2 --share open --from forestry/divisions@1 >/dev/null 2>&1
chama a withdraw divisions@1 --reason "wrong borders" >/dev/null 2>&1
chama b sync >/dev/null 2>&1
want "a source that was withdrawn" 0 chama b audit
has "is a warning where it is used" "$out" ": routes@1 was made from forestry/divisions@1, which was withdrawn: wrong borders"
has "and a note where it was" "$out" "note: forestry #4: divisions@1 was withdrawn by its owner: wrong borders"
want "in Chinese" 0 chama b audit --lang zh
has "it says the same" "$out" "routes@1 的来源 forestry/divisions@1 已被撤回：wrong borders"
chama a erase secret@1 --reason "asked for by a court" --yes >/dev/null 2>&1 || chama a erase secret@1 --reason "asked for by a court" >/dev/null 2>&1
want "what was erased" 0 chama a audit
has "is a note" "$out" "the content of secret@1 was erased: asked for by a court"

stop a
cp -a a unchanged
chama a keys rotate >/dev/null 2>"$FOLDER/rotate.err" || cat "$FOLDER/rotate.err"
want "a change of keys" 0 chama a audit
has "is a note" "$out" "changed its keys, with the old key's consent"
has "and all holds" "$out" "records hold: signatures, chain, commits, Merkle root"
want "with all signatures" 0 chama a audit --full

# A policy: the one witness it names has seen it, or not.
vkey() { python3 - "$1" "$2" <<'PY'
import base64, hashlib, json, sys
document = json.load(open(sys.argv[1]))
name = "chama/" + sys.argv[2]
key = bytes([int(sys.argv[3]) if len(sys.argv) > 3 else 4]) + base64.b64decode(document["log"].split(":")[1])
print(name + "+" + hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8] + "+" + base64.b64encode(key).decode())
PY
}
b=$(chama b id --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["node"])')
git -C b/ledger.git show HEAD:records/0000/00/00/000000000.json >inception.json
printf 'witness tourism %s\nquorum tourism\n' "$(vkey inception.json "$b")" >one.policy
want "a policy" 0 chama b audit forestry --policy one.policy
has "that is kept" "$out" "were seen by 1 of 1 witnesses, earliest"
a=$(chama a id --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["node"])')
git -C a/ledger.git show HEAD:records/0000/00/00/000000000.json >inception-a.json
printf 'witness tourism %s\nwitness other %s\ngroup both all tourism other\nquorum both\n' "$(vkey inception.json "$b")" "$(vkey inception-a.json "$a")" >two.policy
want "a policy that wants more" 0 chama b audit forestry --policy two.policy
has "is a warning" "$out" "were seen by only 1 of 2 witnesses"
want "no policy" 1 chama b audit --policy nowhere.policy
echo nonsense >bad.policy
want "one that cannot be read" 3 chama b audit --policy bad.policy
