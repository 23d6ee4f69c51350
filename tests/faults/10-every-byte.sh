#!/bin/sh
# AU17: every byte of a small ledger, flipped in turn: of the repository, hash file and head file of a replica, of a plain clone, of what a home keeps about it in
# state.sqlite.  An audit fails and says what, or its answers are the same as before, because what was derived is not believed but made anew.
. "$SOURCE/tests/lib.sh"
# Each eleventh byte in every run of all tests; EVERY=1 takes some minutes.
export EVERY="${EVERY:-11}" PYTHONDONTWRITEBYTECODE=1
make_node a Forestry
make_node b Tourism
mkdir v1 v2 && echo 1 >v1/a && echo 2 >v2/a
chama a publish x v1 --share open >/dev/null 2>&1
start a && start b
pair a b
chama a sync >/dev/null 2>&1
want "a replica, cosigned" 0 chama b sync
stop a && stop b
id=$(chama a id --json | sed -n 's/.*"node": "\(.*\)".*/\1/p')
want "that holds" 0 chama b audit
git clone -q --bare --template= "b/ledgers/$id.git" clone 2>/dev/null

every() { python3 "$SOURCE/tests/faults/every_byte.py" "$CHAMA" "$FOLDER/work-$1" "$@" || bad "every_byte.py $1 ended badly"; }
every files b "ledgers/$id.git" "log/$id"
every clone clone
every rows b checkpoint,cosignature,verified

# Evidence: another history of the same node.
cp -a a twin
chama a publish x v2 >/dev/null 2>&1
start a
chama b sync >/dev/null 2>&1
stop a
"$CHAMA" --home twin publish y v2 --share open >/dev/null 2>&1
mv a honest && mv twin a
start a
chama b sync >/dev/null 2>&1
stop a
want "a fork" 3 chama b audit
every rows b evidence
