#!/bin/sh
# Three nodes in a line: C takes A's work from B and never meets A.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2

make_node a Forestry
make_node b Tourism
make_node c Audit
start a && start b && start c
pair a b
pair b c
chama a publish divisions v1 --share open -m first >/dev/null
mkdir secret && echo "nests at 25.0389" >secret/kranich-nester.csv
chama a publish nests secret --share conditional >/dev/null
chama b follow '*' >/dev/null
want "B syncs from A" 0 chama b sync
chama c follow '*' >/dev/null
want "C syncs from B" 0 chama c sync
want "C knows A's dataset" 0 chama c ls
name=$(printf '%s\n' "$out" | awk '$1 ~ /divisions/ { print $1 }')
has "under a name that says A is not pinned" "$name" "forestry~"
want "C gets it by that name" 0 chama c get "$name" out
same_tree "and it is right" v1 out
want "also by the bare name, since no other node has it" 0 chama c show forestry/divisions
want "C verifies A's ledger and content" 0 chama c verify
has_not "nothing is wrong" "$out" BAD
want "the restricted dataset is known by its card alone" 0 chama c show forestry/nests
want "and not to be had" 1 chama c get forestry/nests nests
chama a publish divisions v2 -m second >/dev/null
want "B syncs" 0 chama b sync
want "C syncs" 0 chama c sync
want "C updates" 0 chama c get "$name" out
same_tree "the update is right" v2 out
for home in b c; do
    if grep -rqs kranich-nester "$home"; then bad "a file name of the restricted dataset lies in $home"; else ok "no file name of the restricted dataset lies in $home"; fi
done
want "C publishes what it made from it" 0 chama c publish summary v1 --from "$name@2" --share open
want "B syncs from C" 0 chama b sync
want "B sees the lineage" 0 chama b show audit/summary
has "by its own name for A" "$out" "from       forestry/divisions@2"
for home in a b c; do want "fsck of $home" 0 chama $home fsck; done
