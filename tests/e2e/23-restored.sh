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
has "and says why" "$err" "this node: H8: it was restored from a backup, and signs nothing before a peer has said what it holds of this ledger: run \`chama sync\`"
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
