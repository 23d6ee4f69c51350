#!/bin/sh
# S30: a daemon states what it holds of others at least daily, whether it publishes or not, and no more often; two that anchor each other come to rest.
. "$SOURCE/tests/lib.sh"
fixture v1

anchors() {
    git -C "$1/ledger.git" log -p --format= main | grep -c '^+{.*"type":"anchor/1"}$'
}
size() {
    chama "$1" status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["records"])'
}
# until WHAT COMMAND...: waits up to 20 s for it.
until_so() {
    what=$1
    shift
    for _ in $(seq 100); do
        "$@" && { ok "$what"; return; }
        sleep 0.2
    done
    bad "$what: not within 20 s" "$(cat "$FOLDER"/*.log)"
}
holds() { [ "$(git -C "$1"/ledgers/*.git rev-parse main 2>/dev/null)" = "$(git -C "$2/ledger.git" rev-parse main)" ]; }
anchored() { [ "$(anchors "$1")" -ge 1 ]; }

for node in p q; do
    make_node $node $node
    sed -i 's/^interval = 300/interval = 1/' $node/config.ini
    start $node
done
pair p q
chama p publish first v1 --share open >/dev/null
until_so "one that states nothing anchors what it took" anchored q
has "and says so in its log" "$(cat q.log)" "anchor"
until_so "and the other way round" anchored p
for i in 2 3 4; do
    chama p publish "set$i" v1 --share open >/dev/null
    until_so "it takes version $i" holds q p
done
sleep 2.5
equal "once a day is enough" "$(anchors q)" 1
before="$(size p) $(size q)"
sleep 4
equal "two that anchor each other come to rest" "$(size p) $(size q)" "$before"
stop q && start q
sleep 2.5
equal "a daemon that starts again has not forgotten when it was" "$(anchors q)" 1
stop p
chama q sync >/dev/null 2>&1
chama q publish own v1 --share open >/dev/null
equal "a version brings one of its own, of what came since" "$(anchors q)" 2
chama q publish own v1 --share open -m again >/dev/null 2>&1
equal "and none where nothing came" "$(anchors q)" 2
want "all of it is in order" 0 chama q fsck
