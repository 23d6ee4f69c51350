#!/bin/sh
# Part 8 of what roads promise: a node verifies a ledger that it only gets by a relay; a relay that drops, reorders, cuts or edits is found out and named, and
# nothing of it is stored; one that holds back is overtaken by another's word.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
proxy=$(port)
make_node a Forestry
make_node b Tourism
make_node c Hub --url "https://127.0.0.1:$proxy"
make_node d Other
for relay in c d; do pair a $relay; done
for relay in c d; do pair b $relay; done
for home in a c d; do start $home; done
id=$(chama a id | head -n 1)
mkdir data && echo 1 >data/file
chama a publish cover data --share open >/dev/null 2>&1
chama a publish inner data --share none >/dev/null 2>&1
chama c sync forestry >/dev/null 2>&1
echo none >mode
python3 "$SOURCE/tests/interop/tampering.py" "$proxy" "$(address_of c)" c/keys/tls.crt c/keys/tls.key b/keys/tls.crt b/keys/tls.key mode >proxy.log 2>&1 &
servers="$servers $!"
for _ in $(seq 100); do grep -q listening proxy.log && break; sleep 0.05; done

held() { git -C "b/ledgers/$id.git" rev-list --count main 2>/dev/null; }
chama b follow '*' >/dev/null 2>&1
want "a ledger by a relay alone" 0 chama b sync hub
equal "is whole" "$(git -C "b/ledgers/$id.git" rev-parse main)" "$(git -C a/ledger.git rev-parse main)"
want "and verified" 0 chama b verify
want "so is content that the relay may pass on" 0 chama c follow 'forestry/*'
chama c sync forestry >/dev/null 2>&1
want "with the next sync" 0 chama b sync hub
want "though the publisher was never met" 0 chama b get "forestry~$(echo "$id" | cut -c 1-6)/cover" out
same_tree "as it was published" data out

n=1
for case in edit drop reorder cut checkpoint; do
    n=$((n + 1))
    echo $n >data/file
    chama a publish cover data >/dev/null 2>&1
    chama a publish inner data >/dev/null 2>&1
    echo none >mode
    chama c sync forestry >/dev/null 2>&1
    before=$(held)
    echo "$case $id" >mode
    want "a relay that does this: $case" 3 chama b sync hub
    has "is named" "$err" "hub"
    has "with the ledger" "$err" "forestry"
    equal "and nothing of it is stored" "$(held)" "$before"
    echo none >mode
    want "an honest relay after it" 0 chama b sync hub
    equal "brings what is new" "$(git -C "b/ledgers/$id.git" rev-parse main)" "$(git -C a/ledger.git rev-parse main)"
done
want "no alarm is left: the publisher did nothing" 0 chama b evidence
equal "none" "$out" ""

echo 99 >data/file
chama a publish cover data >/dev/null 2>&1
chama c sync forestry >/dev/null 2>&1
before=$(held)
echo "hide $id" >mode
want "a relay that holds back" 0 chama b sync hub
equal "shows nothing new" "$(held)" "$before"
chama d sync forestry >/dev/null 2>&1
want "another one" 0 chama b sync other
equal "does" "$(git -C "b/ledgers/$id.git" rev-parse main)" "$(git -C a/ledger.git rev-parse main)"
echo none >mode
echo 100 >data/file
chama a publish cover data >/dev/null 2>&1
chama d sync forestry >/dev/null 2>&1
chama b sync other >/dev/null 2>&1
want "a relay that is behind" 0 chama b sync hub
equal "takes nothing away" "$(git -C "b/ledgers/$id.git" rev-parse main)" "$(git -C a/ledger.git rev-parse main)"
