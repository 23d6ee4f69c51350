#!/bin/sh
# N14 without anybody knowing of a theft: the owner rotates as it does each year, after a thief of the signing key has fed a peer, which cosigned what it was fed.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
mkdir media
make_node a Forestry --next-key "$FOLDER/media/1.key"
make_node b Tourism
make_node c Health
start a && start b && start c
pair a b && pair a c && pair b c
for node in b c; do chama $node follow 'forestry/*' >/dev/null 2>&1; done
chama a publish divisions v1 --share open -m first >/dev/null
for node in a b c; do chama $node sync >/dev/null 2>&1; done
id=$(chama a id | head -n 1)

stop a
cp -a a thief && mv a honest && mv thief a
start a
want "the thief publishes" 0 chama a publish forged v2 --share open
want "b takes it, and cosigns" 0 chama b sync forestry
cosigned() { sqlite3 b/state.sqlite "SELECT max(size) FROM cosignature WHERE node = '$id' AND witness = '$(chama b id | head -n 1)'"; }
before=$(cosigned)
stop a
mv a thief && mv honest a
start a
want "the owner goes on, knowing nothing" 0 chama a publish divisions v2 -m second
want "and rotates" 0 chama a keys rotate --next media/1.key --new-next media/2.key
has_not "in the epoch that it is in" "$out" epoch
want "and publishes" 0 chama a publish divisions v1 -m third
want "c follows" 0 chama c sync
want "b adopts the owner's" 0 chama b sync
has "and says why" "$out$err" "is kept as repudiated and counts for nothing"
for round in 1 2; do want "sync $round is quiet, though b cosigned another history under that origin" 0 chama b sync; done
has_not "no alarm" "$(chama b status)" ALARM
equal "they agree" "$(git -C "b/ledgers/$id.git" rev-parse main)" "$(git -C a/ledger.git rev-parse main)"
want "the owner hears nothing of it" 0 chama a sync
want "and may sign" 0 chama a publish divisions v2 -m fourth
for node in b c; do want "$node goes on" 0 chama $node sync; done
equal "b cosigns no second history under one origin" "$(cosigned)" "$before"
want "a recovery begins an epoch" 0 chama a keys rotate --stolen --next media/2.key --new-next media/3.key
want "and b" 0 chama b sync
[ "$(cosigned)" -gt "$before" ] && ok "cosigns anew" || bad "cosigns anew" "$(cosigned)"
want "fsck" 0 chama b fsck
has "is clean" "$out" "0 problems"
