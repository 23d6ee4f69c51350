#!/bin/sh
# A thief with a copy of the home (signing key and log key, not the next key) feeds three records to half of six nodes; the owner rotates; all six agree, and what
# the thief stated counts for nothing, whatever each saw first.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
mkdir media
make_node a Forestry --next-key "$FOLDER/media/1.key"
for node in b c d e f g h; do make_node $node "Node-$node"; done
start a
for node in b c d e f g; do
    start $node
    pair a $node
    chama $node follow 'forestry/*' >/dev/null
done
# c and e know each other: c will hear of the rotation from a mirror alone.
pair c e
# h is a stranger, with the open part.
chama h peer add "https://$(address_of a)" --id "$(chama a id | head -n 1)" >/dev/null
chama a publish divisions v1 --share open -m first >/dev/null
for node in b c d e f g h; do chama $node sync forestry >/dev/null 2>&1; done
equal "all hold the beginning" "$(for node in b c d e f g; do git -C $node/ledgers/"$(chama a id | head -n 1)".git rev-parse main; done | sort -u | wc -l)" 1
id=$(chama a id | head -n 1)
head_of() { git -C "$1/ledgers/$id.git" rev-parse main; }

# The thief, at the owner's address.
stop a
cp -a a thief && mv a honest && mv thief a
start a
for n in 1 2 3; do chama a publish "forged-$n" v2 --share open -m stolen >/dev/null; done
for node in b c d h; do want "$node takes what the thief signed" 0 chama $node sync forestry; done
want "with the forged versions" 0 chama b ls forestry/forged-1
has "held" "$out" forged-1
want "a thief without the next key cannot rotate" 1 chama a keys rotate
want "nor with the key in use" 3 chama a keys rotate --next a/keys/signing.key
stop a
mv a thief && mv honest a
start a

# The owner goes on, knowing nothing; then a peer tells.
want "the owner publishes" 0 chama a publish divisions v2 -m second
for node in e f g; do want "$node takes it" 0 chama $node sync forestry; done
want "b sees two histories" 3 chama b sync forestry
has "and says so" "$err" "two histories"
has "with an alarm" "$(chama b status)" ALARM
want "the owner hears of it" 3 chama a sync
want "and signs nothing more" 3 chama a publish divisions v1 -m third
has "but is told what to do" "$err" "chama keys rotate --help"
want "rotation says that it settles it" 0 chama a keys rotate --next media/1.key --new-next media/2.key --dry-run
has "before it is done" "$out" "would be repudiated"
want "the owner rotates" 0 chama a keys rotate --next media/1.key --new-next media/2.key
has "which begins an epoch of the log" "$out" "epoch 1 of the log begins"
has "and repudiates the other history" "$out" "is repudiated"
want "and signs again" 0 chama a publish divisions v1 -m third
has_not "its alarm is over" "$(chama a status)" ALARM

# Everybody agrees.
want "b adopts the owner's history" 0 chama b sync forestry
has "and says why" "$out$err" "is kept as repudiated and counts for nothing"
for node in d e f g; do want "$node follows" 0 chama $node sync forestry; done
stop a
want "c hears of it from e alone" 0 chama c sync node-e
has "and says why" "$out$err" "is kept as repudiated and counts for nothing"
start a
for node in b c d e f g; do equal "$node has the owner's history" "$(head_of $node)" "$(git -C a/ledger.git rev-parse main)"; done
want "the stranger adopts the open part" 0 chama h sync
has "the owner's version" "$(chama h ls)" "@3"
has_not "and not the thief's" "$(chama h ls)" forged
for node in b c d; do
    has_not "$node shows no alarm" "$(chama $node status)" ALARM
    has_not "$node lists nothing forged" "$(chama $node ls)" forged
    equal "$node keeps what it had" "$(git -C $node/ledgers/"$id".repudiated.1.git log --format=%s main | head -n 1 | cut -d' ' -f2)" forged-3@1
    want "$node frees its content" 0 chama $node gc
    want "$node verifies" 0 chama $node verify
    has_not "without a bad thing" "$out" BAD
    want "fsck of $node" 0 chama $node fsck
    has "is clean" "$out" "0 problems"
done
has "b shows it as repudiated" "$(chama b status)" "repudiated"
want "the second reader" 0 python3 "$SOURCE/tests/interop/reader.py" "$FOLDER/b"
want "the owner syncs without an alarm" 0 chama a sync
want "and publishes" 0 chama a publish divisions v2 -m fourth

# The thief goes on, with more records than the owner.
stop a
mv a honest && mv thief a
start a
for n in 4 5 6 7 8; do chama a publish "forged-$n" v1 --share open >/dev/null; done
for node in b e h; do
    before=$(head_of $node 2>/dev/null)
    want "$node is shown the thief's history again" 0 chama $node sync forestry
    equal "$node stays with the owner's" "$(head_of $node 2>/dev/null)" "$before"
    has_not "without an alarm" "$(chama $node status)" ALARM
    has_not "and nothing forged" "$(chama $node ls)" forged
done
want "again" 0 chama b sync forestry
equal "at most so many are kept" "$([ "$(ls -d b/ledgers/*.repudiated.* | wc -l)" -le 4 ] && echo yes)" yes
stop a
mv a thief && mv honest a
start a
for node in b c d e f g; do want "$node goes on with the owner" 0 chama $node sync forestry; done
equal "all of them" "$(for node in b c d e f g; do head_of $node; done | sort -u)" "$(git -C a/ledger.git rev-parse main)"
