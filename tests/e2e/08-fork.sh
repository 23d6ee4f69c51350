#!/bin/sh
# I3: a ledger that forks or shrinks is refused, kept as evidence, and shown; one's own records come back after a restore.
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
cp -a a twin
start a
chama a publish divisions v2 -m second >/dev/null
want "the replica takes the honest history" 0 chama b sync
head=$(git -C b/ledgers/*.git rev-parse main)

# The twin signs another history with the same key.
stop a
"$CHAMA" --home twin publish other v1 --share open >/dev/null
"$CHAMA" --home twin publish third v2 --share open >/dev/null
mv a honest && mv twin a
start a
want "a fork is refused" 3 chama b sync forestry
has "by name" "$err" "two histories"
equal "nothing of it was taken" "$(git -C b/ledgers/*.git rev-parse main)" "$head"
want "status shows it" 0 chama b status
has "as an alarm" "$out" "ALARM"
want "with evidence" 0 chama b status --json
has "that names both" "$out" "evidence"
stop a
mv a forked && mv honest a

# A shorter ledger from its own owner is a rollback, and the owner gets its records back before it signs.
start a
want "the honest node is taken again" 0 chama b sync
cp -a a newest
stop a
rm -rf a && cp -a forked scratch && rm -rf scratch
mkdir old && cp -a newest/. old/
mv old a
git -C a/ledger.git update-ref refs/heads/main "$(git -C a/ledger.git rev-parse main~1)"
rm -rf a/log a/catalogue.sqlite*
mkdir a/log
start a
want "a restored old backup opens" 0 chama a status
want "it syncs" 0 chama a sync
has "and takes its own records back" "$out$err" "taken back"
equal "its ledger is whole again" "$(git -C a/ledger.git rev-parse main)" "$(git -C newest/ledger.git rev-parse main)"
want "then it goes on" 0 chama a publish divisions v1 -m third
want "and its peer too" 0 chama b sync
want "fsck" 0 chama a fsck
