#!/bin/sh
# A node restored from an old backup cannot fork itself; versions that are disavowed show as that.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
make_node a Forestry
make_node b Tourism
start a && start b
pair a b
chama a publish divisions v1 --share open -m first >/dev/null
chama b sync >/dev/null
stop a
cp -a a old
: >old/recovering
start a
want "the node goes on" 0 chama a publish divisions v2 -m second
want "its peer has it" 0 chama b sync
head=$(git -C a/ledger.git rev-parse main)

# H8: the old backup takes its place.
stop a
rm -rf a && mv old a
start a
want "a restored node signs nothing" 3 chama a publish divisions v2 -m other
has "and says why" "$err" "this node: H8: it was restored from a backup, and signs nothing before its peers have said what they hold of this ledger: run \`chama sync\`, which says whom it waits for"
want "it syncs" 0 chama a sync
has "takes its own back" "$out$err" "of our own taken back"
has "and may sign" "$out$err" "it may sign again"
[ ! -e a/recovering ] && ok "it recovers no more" || bad "it is still recovering"
equal "its ledger is whole" "$(git -C a/ledger.git rev-parse main)" "$head"
want "it goes on" 0 chama a publish divisions v1 -m third
want "and its peer with it" 0 chama b sync
: >a/recovering
want "with nothing to take back" 3 chama a publish divisions v2 -m fourth
want "a sync is enough" 0 chama a sync
want "to sign again" 0 chama a publish divisions v2 -m fourth

# T10: the ledger alone was put back.
chama b sync >/dev/null
git -C a/ledger.git update-ref refs/heads/main "$(git -C a/ledger.git rev-parse main~1)"
rm -rf a/catalogue.sqlite*
want "what was signed is not signed away" 3 chama a publish divisions v2 -m other
has "by its rule" "$err" "this node: T10: it signed a checkpoint of "
want "its peer has the rest" 0 chama a sync
want "then it goes on" 0 chama a publish divisions v1 -m fifth
want "fsck" 0 chama a fsck
has "is clean" "$out" "0 problems"

# N12: from the second version on.
seq=$(chama a show divisions@2 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["seq"])')
want "a rotation that disavows" 0 chama a keys rotate --disavow-from "$seq"
want "publish after it" 0 chama a publish divisions v2 -m sixth
want "the peer takes it" 0 chama b sync
for home in a b; do
    name=divisions; [ $home = b ] && name=forestry/divisions
    want "the first version, at $home" 0 chama $home show $name@1
    has_not "is as it was" "$out" disavowed
    want "the second" 0 chama $home show $name@2
    has "was valid when seen" "$out" "valid when seen, disavowed on 20"
    want "what came after" 0 chama $home show $name
    has_not "is not disavowed" "$out" disavowed
    want "the log at $home" 0 chama $home log $name
    has "says so, too" "$out" "disavowed on"
done
want "in JSON" 0 chama b show forestry/divisions@2 --json
has "with the date" "$out" '"disavowed": "20'
want "it still verifies" 0 chama b verify
has_not "without a bad thing" "$out" BAD
want "ls" 0 chama a ls divisions --json
has_not "the newest is stood by" "$out" disavowed
want "the last record disavows what stands" 0 chama a keys rotate --disavow-from "$seq"
want "verify of a version that is held" 0 chama a verify divisions@6
has "is good" "$out" "divisions@6: good"
has "and says that it is disavowed" "$out" "divisions@6: valid when seen, disavowed on 20"
want "of one from before" 0 chama a verify divisions@1
has_not "says nothing" "$out" disavowed
want "as JSON" 0 chama a verify divisions@6 --json
has "with the date" "$out" '"disavowed": "20'
want "ls now" 0 chama a ls
has "shows it of the newest" "$out" "disavowed on 20"
want "and as JSON" 0 chama a ls --json
has "with the date" "$out" '"disavowed": "20'

# One peer that was away since before the backup knows no more than the backup does: its word is not enough.
stop a
make_node c Health
start a && start c
pair a c
pair b c
want "c copies the ledger" 0 chama c sync
stop c
stop a
rm -rf old && cp -a a old
: >old/recovering
start a
for n in 1 2; do chama a publish "later-$n" v1 --share open >/dev/null; done
want "b alone has what comes after" 0 chama b sync
head=$(git -C a/ledger.git rev-parse main)
stop a && stop b
rm -rf a && cp -a old a
start a
want "with all peers away" 5 chama a sync
want "nothing is signed" 3 chama a publish other v2
start c
want "with the one that was away" 0 chama a sync
has "there is another to hear" "$out$err" "it signs nothing before it has heard from tourism, too"
want "still nothing is signed" 3 chama a publish other v2
has "by its rule" "$err" "this node: H8:"
want "also when asked twice" 0 chama a sync health
want "still not" 3 chama a publish other v2
start b
want "with both" 0 chama a sync
has "it has its own back" "$out$err" "of our own taken back"
has "and may sign" "$out$err" "it may sign again"
equal "all of it" "$(git -C a/ledger.git rev-parse main)" "$head"
want "it publishes" 0 chama a publish other v2 --share open
for node in b c; do want "$node goes on" 0 chama $node sync forestry; done

# Restored twice, and from before a rotation that began an epoch: the keys of the backup are no longer those of the ledger.
stop a
cp -a a/keys/next.key next.key
cp -a a newest && start a
want "a recovery" 0 chama a keys rotate --stolen --new-next "$FOLDER/after.key"
want "publish under it" 0 chama a publish other v1 --share open
for node in b c; do want "$node has it" 0 chama $node sync forestry; done
for round in 1 2; do
    stop a
    rm -rf a && cp -a newest a
    : >a/recovering
    start a
    want "restored, $round: nothing is signed" 3 chama a publish "fresh-$round" v2
    want "it hears of the rotation" 0 chama a sync
    equal "and has it" "$(git -C a/ledger.git rev-parse main)" "$(git -C "b/ledgers/$(chama a id | head -n 1).git" rev-parse main)"
    want "with keys that are none any more" 3 chama a publish "fresh-$round" v2
    has "it is told what to do" "$err" "restore it from a backup made since the last rotation, or, if it is lost, run \`chama keys rotate --lost\` with the next key"
    want "the next key of before is worth nothing" 3 chama a keys rotate --lost --next next.key --new-next "$FOLDER/never.key"
    has "by its rule" "$err" "N7: want the next key that the ledger commits to, have another"
done
want "with the newest one it recovers" 0 chama a keys rotate --lost --next after.key --new-next "$FOLDER/last.key"
rm a/keys/next.key   # that of the backup
want "and publishes" 0 chama a publish fresh v2 --share open
for node in b c; do want "$node takes it, without an alarm" 0 chama $node sync forestry; done
for node in a b c; do
    has_not "no alarm at $node" "$(chama $node status)" ALARM
    want "fsck of $node" 0 chama $node fsck
    has "is clean" "$out" "0 problems"
done

# From before its TLS key was changed: its peers do not know the one that it comes back with.
stop a
rm -rf old && cp -a a old
: >old/recovering
start a
want "another TLS key" 0 chama a keys renew-tls --stolen
kill -HUP "$(cat a.pid)" && sleep 1
for node in b c; do
    want "$node is told" 0 chama $node peer add "$(chama a invite 2>/dev/null)"
    want "$node follows" 0 chama $node sync forestry
done
stop a
rm -rf a && mv old a
start a
want "restored with the old one it is a stranger" 0 chama a sync
has "and is told what to do" "$out$err" "tourism does not know this node by the TLS key that it shows; if it was a peer there, send its people the line of \`chama invite\`, for their \`chama peer add\`"
want "it signs nothing" 3 chama a publish stranger v2
for node in b c; do want "the line of an invite at $node" 0 chama $node peer add "$(chama a invite 2>/dev/null)"; done
want "is enough" 0 chama a sync
has "to have its own back" "$out$err" "of our own taken back"
has "and to sign" "$out$err" "it may sign again"
kill -HUP "$(cat a.pid)" && sleep 1
has_not "its daemon names the key that it has" "$(chama a keys status)" "no profile names it"
for node in b c; do want "$node goes on" 0 chama $node sync forestry; done
