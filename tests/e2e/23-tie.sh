#!/bin/sh
# N15-N17: somebody has both keys of a node and rotates, too.  Nothing is adopted, until people decide, or the witnesses of a policy saw one of the two first.
. "$SOURCE/tests/lib.sh"
fixture v1
mkdir media
make_node a Forestry --next-key "$FOLDER/media/1.key"
for node in b c d e f g; do make_node $node "Node-$node"; done
start a
for node in b c d e f g; do
    start $node
    pair a $node
    chama $node follow 'forestry/*' >/dev/null 2>&1
done
pair b c && pair c d && pair b d && pair e f && pair b e && pair c e && pair b f && pair c f && pair b g && pair c g && pair d e
chama a publish divisions v1 --share open -m first >/dev/null
for node in b c d e f g; do chama $node sync forestry >/dev/null 2>&1; done
id=$(chama a id | head -n 1)
head_of() { git -C "$1/ledgers/$id.git" rev-parse main; }
rotation() { chama "$1" keys status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["rotation"][7:])'; }
spoken() { chama "$1" keys status | sed -n 's/^rotation    record 3, fingerprint \(.*\), sha256:.*/\1/p'; }

want "without two rotations" 1 chama b peer decide forestry
has "there is nothing to decide" "$err" "forestry: N16: no two rotations of one key are known of it: there is nothing to decide"
want "nor of a stranger" 1 chama b peer decide nobody

# b and d see the owner's rotation first; c, f and g the thief's.
stop a
cp -a a thief
start a
want "the owner rotates" 0 chama a keys rotate --next media/1.key --new-next media/2.key
ours=$(rotation a) fingerprint=$(spoken a)
want "status shows what its people read out" 0 chama a keys status
has "its fingerprint" "$out" "rotation    record 3, fingerprint "
chama a publish own v1 --share open >/dev/null
for node in b d; do want "$node takes it" 0 chama $node sync forestry; done
stop a
mv a honest && mv thief a
start a
sleep 1
want "the thief rotates, with both keys" 0 chama a keys rotate --next media/1.key --new-next media/3.key
theirs=$(rotation a)
chama a publish forged v1 --share open >/dev/null
for node in c f g; do want "$node takes the thief's" 0 chama $node sync forestry; done
want "and a second one, at once" 0 chama a keys rotate --next media/3.key --new-next media/4.key
want "g takes that, too" 0 chama g sync forestry
before=$(head_of b)
want "b takes neither for the other" 3 chama b sync forestry
has "and says what to do" "$err" "ledger: N15: two rotations of one key are known, and people must say which counts: see \`chama peer decide forestry\`"
equal "what it held stays" "$(head_of b)" "$before"
has "an alarm is up" "$(chama b status)" "ALARM"
has "that says why" "$(chama b status)" "somebody else has its keys; people must say which counts: \`chama peer decide forestry\`"
want "in JSON, too" 0 chama b status --json
has "with both" "$out" "$theirs"
stop a
mv a thief && mv honest a
start a
want "c is in the same case" 3 chama c sync forestry
want "also by a mirror" 3 chama f sync node-b
want "and d by another" 3 chama d sync node-c

# People decide.
want "what there is to decide" 0 chama c peer decide forestry
has "the owner's" "$out" "$ours  endorsed by the key before"
has "the thief's" "$out" "$theirs  endorsed by the key before, in the history held here"
has "the fingerprint to ask for" "$out" "$fingerprint"
has "with a hint" "$err" "by telephone or in person"
want "it takes eight digits" 1 chama c peer decide forestry "$(echo "$ours" | cut -c1-7)"
has "by its rule" "$err" "N16: want the spoken fingerprint (40 digits), or 8 or more digits of the address"
want "of one of the two" 1 chama c peer decide forestry 0123456789abcdef
want "nobody decides for oneself" 2 chama a peer decide self "$ours"
has "but rotates" "$err" "this node's own ledger is never replaced: rotate once more"
want "c decides by what was read out" 0 chama c peer decide forestry "$fingerprint"
has "and is told how to go on" "$out" "puts it in the place of the one held"
has_not "the alarm is over" "$(chama c status)" ALARM
want "it adopts the owner's" 0 chama c sync forestry
equal "wholly" "$(head_of c)" "$(git -C a/ledger.git rev-parse main)"
has_not "what was forged is gone" "$(chama c ls)" forged
equal "and kept as repudiated" "$(git -C c/ledgers/"$id".repudiated.1.git log --format=%s main | head -n 1 | cut -d' ' -f2)" forged@1
want "again" 0 chama c sync forestry
want "c verifies" 0 chama c verify
want "fsck" 0 chama c fsck
has "is clean" "$out" "0 problems"
want "b decides for what it holds" 0 chama b peer decide forestry "$(echo "$ours" | cut -c1-12)" --json
has "in JSON" "$out" '"decided": true'
has_not "its alarm is over" "$(chama b status)" ALARM
want "g decides, although the thief rotated twice" 0 chama g sync forestry
want "with the address" 0 chama g peer decide forestry "sha256:$ours"
want "and adopts the owner's" 0 chama g sync forestry
equal "wholly" "$(head_of g)" "$(git -C a/ledger.git rev-parse main)"

# The owner goes on under a key that the thief has not.
want "the owner hears of it" 3 chama a sync node-f
has "and is told what to do" "$err" "rotate once more, and have each peer's people decide for your rotation"
want "it signs nothing" 3 chama a publish other v1
want "it rotates once more" 0 chama a keys rotate --next media/2.key --new-next media/5.key
has "which begins an epoch" "$out" "epoch 1 of the log begins"
want "and signs" 0 chama a publish more v1 --share open
for node in b c g; do want "$node goes on with it" 0 chama $node sync forestry; done
equal "all alike" "$(for node in b c g; do head_of $node; done | sort -u)" "$(git -C a/ledger.git rev-parse main)"

# d and f have a policy: of b, c and d two are enough.  b and d saw the owner's first.
for node in b c d; do chama $node id | sed -n 's/^witness //p'; done | awk '{ printf "witness w%d %s\n", NR, $1 }' >policy.txt
printf 'group most 2 w1 w2 w3\nquorum most\n' >>policy.txt
for node in d f; do
    cp policy.txt $node/policy.txt
    sed -i 's/^policy =.*/policy = policy.txt/' $node/config.ini
done
chama a sync >/dev/null 2>&1
# Each learns the other's cosignature with the checkpoint that it fetches.
for node in b d; do want "$node syncs with all" 0 chama $node sync; done
for order in "b d" "d b"; do
    chama a publish more v1 -m "$order" --rehash >/dev/null
    chama a publish "more-${order%% *}" v1 --share open >/dev/null
    for node in $order; do chama $node sync forestry >/dev/null 2>&1; done
done
stop a
want "f, with the thief's, hears of the owner's by a mirror" 0 chama f sync node-b
equal "and adopts what the witnesses saw" "$(head_of f)" "$(head_of b)"
has_not "without an alarm" "$(chama f status)" ALARM
want "d stays with the owner's, though shown the thief's" 0 chama d sync node-b
equal "as all others" "$(head_of d)" "$(head_of b)"
mv a honest && mv thief a
start a
want "d is shown the thief's" 0 chama d sync forestry
equal "and stays" "$(head_of d)" "$(head_of b)"
has_not "without an alarm" "$(chama d status)" ALARM
for node in b c f g; do
    before=$(head_of $node)
    want "$node is shown it again" 0 chama $node sync forestry
    equal "$node stays" "$(head_of $node)" "$before"
done
want "e, who knows none of it, meets the thief's" 0 chama e sync forestry
want "and then the owner's: it keeps what it met" 0 chama e sync node-b
has "but its people are told" "$(chama e status)" "ALARM"
want "they decide" 0 chama e peer decide forestry "$ours"
want "and have the owner's" 0 chama e sync node-b
equal "as all others" "$(head_of e)" "$(head_of b)"
has_not "without an alarm" "$(chama e status)" ALARM
want "the second reader" 0 python3 "$SOURCE/tests/interop/reader.py" "$FOLDER/f"
