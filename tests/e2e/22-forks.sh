#!/bin/sh
# PU7, PU22, PU23, PU27: a node that shows different histories to different peers is found out by the first two that meet, whatever they were shown; evidence
# goes from node to node, and the fork is refused.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2

# records HOME: how many of Forestry's are held there.
records() {
    git -C "$1/ledgers/$forger.git" rev-list --count main 2>/dev/null || echo 0
}
alarms() {
    chama "$1" evidence --json | python3 -c 'import json, sys; print(sum(1 for e in json.load(sys.stdin) if e["kind"] == "fork" and e["proof"]))'
}

# split TAG A B [ARGUMENTS]: Forestry shows A more versions to east and B other ones to west; north knows only what both have; ARGUMENTS are of its init.
split() {
    tag=$1 a=$2 b=$3
    shift 3
    mkdir "$FOLDER/$tag" && FOLDER=$FOLDER/$tag && cd "$FOLDER" || exit 1
    make_node forestry Forestry "$@"
    for node in east west north; do make_node $node $node; done
    forger=$(chama forestry id --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["node"])')
    for node in forestry east west north; do start $node; done
    for node in east west north; do pair $node forestry; done
    pair east west && pair west north
    chama forestry publish first ../v1 --share open >/dev/null
    for node in east west north; do chama $node sync forestry >/dev/null || bad "$node syncs"; done
    stop forestry && cp -a forestry twin
    for i in $(seq "$a"); do chama forestry publish "a$i" ../v1 --share open >/dev/null; done
    for i in $(seq "$b"); do chama twin publish "b$i" ../v2 --share open >/dev/null; done
    start forestry && chama east sync forestry >/dev/null || bad "east syncs"
    stop forestry && mv forestry honest && mv twin forestry
    start forestry && chama west sync forestry >/dev/null || bad "west syncs"
    had=$(records north)
}
leave() {
    for node in forestry east west north; do stop $node; done
    cd .. && FOLDER=$(pwd)
}

for lengths in "1 1" "1 2" "2 1"; do
    set -- $lengths
    split "split-$1-$2" "$1" "$2"
    want "$lengths: the first two that meet find it" 3 chama east sync west
    has "$lengths: and say so" "$err" "two histories"
    equal "$lengths: with evidence" "$(alarms east)" 1
    want "$lengths: told once" 0 chama east sync west
    equal "$lengths: the other has it, too" "$(alarms west)" 1
    want "$lengths: it goes on to who met neither" 3 chama north sync west
    has "$lengths: who says from whom" "$err" "evidence from west"
    equal "$lengths: and has it" "$(alarms north)" 1
    want "$lengths: status raises the alarm" 0 chama north status
    has "$lengths: of whom" "$out" "ALARM"
    has_not "$lengths: north cannot tell which is right" "$(records north)" "$((had + 1))"
    want "$lengths: so it takes nothing more of it" 3 chama north sync forestry
    has "$lengths: by rule" "$err" "PU23"
    equal "$lengths: nothing" "$(records north)" "$had"
    want "$lengths: east refuses the other branch of its owner" 3 chama east sync forestry
    has "$lengths: by name" "$err" "two histories"
    leave
done

# The ledger is for the owner's peers alone, so east and west may not pass it on; the checkpoints are compared all the same.
split private 2 1 --ledger peers
want "private: found though neither may have the other's copy" 3 chama east sync west
equal "private: with evidence" "$(alarms east)" 1
leave
split private-other 1 2 --ledger peers
want "private: the other way round" 3 chama east sync west
equal "private: with evidence here" "$(alarms east)" 1
want "private: passed on" 0 chama east sync west
equal "private: to the other" "$(alarms west)" 1

# The file that is handed over.
id=$(chama east evidence --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
want "evidence is exported" 0 chama east evidence export "$id" "$FOLDER/evidence.json"
equal "as it was verified" "$(sha256sum <evidence.json | cut -d' ' -f1)" "$id"
want "a machine without a node checks it" 0 chama nowhere check "$FOLDER/evidence.json"
has "in plain words" "$out" "it signed"
has "and says what it does not say" "$out" "who had the keys"
want "as JSON" 0 chama nowhere check --json "$FOLDER/evidence.json"
equal "whose it is" "$(echo "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["node"])')" "$forger"
sed 's/fork/tork/' evidence.json >altered.json
want "altered it is refused" 3 chama nowhere check "$FOLDER/altered.json"
python3 -c '
import json
e = json.load(open("evidence.json"))
e["checkpoints"] = e["checkpoints"][:1] * 2 if "checkpoints" in e else None
e.pop("root", None), e.pop("hashes", None)
if e["checkpoints"] is None: del e["checkpoints"]; e["records"] = [e["keys"][0], e["keys"][0]]
print(json.dumps(e, sort_keys=True, separators=(",", ":"), ensure_ascii=False), end="")' >same.json
want "what can be true is no evidence" 3 chama nowhere check "$FOLDER/same.json"
has "and says so" "$err" "these can all be true"
want "and shown" 0 chama east evidence show "$id"
has "in words" "$out" "it signed"
make_node outside Outside && start outside
pair outside north
want "it is brought on a disk" 0 chama outside evidence import "$FOLDER/evidence.json"
has "and kept" "$out" "kept       $forger"
want "once" 0 chama outside evidence import --json "$FOLDER/evidence.json"
has "as it says" "$out" '"new": false'
equal "like a peer's" "$(chama outside evidence export "$id" - | sha256sum | cut -d' ' -f1)" "$id"
has "an alarm" "$(chama outside status)" "ALARM"
for file in altered same; do
    want "what does not hold is not kept: $file" 3 chama outside evidence import "$FOLDER/$file.json"
done
want "nor what is not there" 1 chama outside evidence import "$FOLDER/nothing.json"
want "nor what is not said" 2 chama outside evidence import
equal "there is one" "$(alarms outside)" 1
before=$(alarms north)
chama outside sync north >/dev/null 2>&1
equal "the peers get it" "$before $(alarms north)" "0 1"
stop outside
want "no such evidence" 1 chama east evidence show 0123456789abcdef
want "no id" 2 chama east evidence show xyz
want "no such word" 2 chama east evidence forget "$id"
leave

# One of the two holds only the open part, and is not to have more.
opened() {  # TAG A B: a guest that saw A more versions, and west that holds B others
    split "$1" "$2" "$3"
    stop forestry && mv forestry forked && mv honest forestry && start forestry
    make_node guest Guest && start guest
    chama guest peer add "https://$(address_of forestry)" --id "$(chama forestry id | head -n 1)" >/dev/null
    chama guest sync forestry >/dev/null 2>&1
    equal "$1: the guest holds the open part" "$(ls guest/sparse)" "$forger"
    pair guest west
}
opened open-shorter 1 3
want "open-shorter: west's longer history is not that of the open part" 3 chama guest sync west
has "open-shorter: and that is said" "$err" "two histories"
equal "open-shorter: with evidence" "$(alarms guest)" 1
stop guest; leave
opened open-longer 3 1
want "open-longer: west is behind, which alone says nothing" 0 chama guest sync west
equal "open-longer: so there is no evidence" "$(alarms guest)" 0
want "open-longer: the owner is asked about what was heard" 3 chama guest sync forestry
equal "open-longer: and gives itself away" "$(alarms guest)" 1
want "open-longer: west is told" 0 chama guest sync west
equal "open-longer: too" "$(alarms west)" 1
stop guest; leave

# Anchors: a version's time lies between what its ledger knew and who knew it.
mkdir "$FOLDER/anchors" && FOLDER=$FOLDER/anchors && cd "$FOLDER" || exit 1
make_node p Publisher && make_node q Reader
start p && start q
pair p q
chama p publish first ../v1 --share open >/dev/null
chama q sync >/dev/null && chama p sync >/dev/null
want "a version with an anchor" 0 chama p publish first ../v2
chama q sync >/dev/null
chama q publish other ../v1 --share open >/dev/null
chama p sync >/dev/null
want "its time is a bracket" 0 chama p show first@2
has "between two" "$out" "between"
# The reader cosigned it, too, and whichever was first says the second.
has "that others say" "$(echo "$out" | sed 's/(reader cosigned)/(reader anchored)/')" "(reader anchored)"
want "as JSON" 0 chama p show --json first@2
equal "within" "$(echo "$out" | python3 -c 'import json, sys; w = json.load(sys.stdin)["when"]; print(w["verdict"], w["not_before"]["basis"], w["not_after"]["basis"] in ("anchor", "cosignature"))')" "within anchor True"
want "the older one has an end alone" 0 chama p show --json first@1
equal "not after" "$(echo "$out" | python3 -c 'import json, sys; w = json.load(sys.stdin)["when"]; print(w["verdict"], "not_before" in w, "not_after" in w)')" "within False True"
equal "one commit for both" "$(git -C p/ledger.git log -1 --format=%s main)" "$(git -C p/ledger.git log -1 --format=%s main | grep records)"
want "whoever reads the ledger sees it" 0 git -C q/ledgers/*.git -c gpg.ssh.allowedSignersFile=allowed_signers verify-commit main
for node in p q; do want "fsck of $node" 0 chama $node fsck; done
for node in p q; do stop $node; done
