#!/bin/sh
# What changed little is stored and sent as patches: sizes against what zstd makes of the two files, and everything that can happen to their bases.
. "$SOURCE/tests/lib.sh"
json() { python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }

# table EDITION FILE: 200 000 rows; each edition has another value in a hundredth of those of the one before.
table() {
    awk -v edition="$1" 'BEGIN {
        srand(7)
        for (row = 0; row < 200000; row++) {
            value = int(rand() * 1e9)
            for (e = 1; e <= edition; e++) if (rand() < 0.01) value = int(rand() * 1e9); else rand()
            print row ",place-" row * 7919 % 500 "," value
        }
    }' >"$2"
}
packs() { du -cb "$1"/store/packs/*.pack | tail -n 1 | cut -f 1; }
# most WHAT HAVE LIMIT
most() { if [ "$2" -le "$3" ]; then ok "$1 ($2 of at most $3 bytes)"; else bad "$1: want at most $3 bytes, have $2"; fi; }
sent() { printf '%s' "$out" | json "[0]['bytes']"; }
patch_size() { zstd -q -3 --long=27 --patch-from="$1" "$2" -c | wc -c; }

mkdir data
make_node a Forestry
make_node b Tourism
start a && start b
pair a b
for edition in 0 1 2 3; do table $edition table-$edition; done

cp table-0 data/table.csv
want "publish" 0 chama a publish rows data --share open
first=$(packs a)
chama b sync >/dev/null 2>&1
chama b follow 'forestry/*' >/dev/null
want "first sync" 0 chama b sync --json
cp table-1 data/table.csv
want "publish with one row of a hundred edited" 0 chama a publish rows data
ideal=$(patch_size table-0 table-1)
most "is stored as patches" $(($(packs a) - first)) $((5 * ideal))
before=$(packs b)
want "sync" 0 chama b sync --json
most "is sent as patches" "$(sent)" $((3 * ideal))
most "and stored as patches" $(($(packs b) - before)) $((5 * ideal))
want "get" 0 chama b get forestry/rows out
same_tree "is what was published" data out

# The receiver misses a version: it is sent the next one against what it has, though the owner stored it against the one between.
cp table-2 data/table.csv
want "publish" 0 chama a publish rows data
chama b drop forestry/rows@1 >/dev/null
cp table-3 data/table.csv
want "publish" 0 chama a publish rows data
want "drop the one between" 0 chama a drop rows@3
want "gc" 0 chama a gc
want "sync" 0 chama b sync --json
most "is sent as patches against an older version" "$(sent)" $((3 * $(patch_size table-1 table-3)))
want "get" 0 chama b get forestry/rows out
same_tree "is what was published" data out
want "verify" 0 chama b verify
want "fsck" 0 chama b fsck

# What a version that stays is stored against stays, too.
for node in a b; do
    case $node in a) name=rows ;; b) name=forestry/rows ;; esac
    for version in 1 2; do chama $node drop $name@$version >/dev/null 2>&1; done
    want "gc" 0 chama $node gc
    want "verify after gc" 0 chama $node verify
    want "fsck after gc" 0 chama $node fsck
    rm -rf out
    want "get after gc" 0 chama $node get $name out
    same_tree "the newest version is whole" data out
    want "fsck --rebuild-index" 0 chama $node fsck --rebuild-index
    want "verify with the new index" 0 chama $node verify
done
want "drop the rest" 0 chama b drop forestry/rows
want "gc" 0 chama b gc
most "then nothing is kept for patches" "$(du -cb b/store/packs | tail -n 1 | cut -f 1)" 100000
want "get of what was dropped" 1 chama b get forestry/rows gone

# A node that has nothing gets all of it whole.
make_node c Audit
pair a c
chama c sync >/dev/null 2>&1
chama c follow 'forestry/*' >/dev/null
want "sync of a new node" 0 chama c sync
rm -rf out
want "get" 0 chama c get forestry/rows out
same_tree "is what was published" data out

# From an archive, for one grantee.
cp table-0 data/table.csv
tar -C data -cf rows.tar table.csv
want "publish an archive" 0 chama a publish closed rows.tar --unpack --share conditional
want "grant" 0 chama a grant closed tourism --until 2099-12-31
first=$(packs a)
cp table-1 data/table.csv
tar -C data -cf rows.tar table.csv
want "sync" 0 chama b sync
chama b follow 'forestry/closed' >/dev/null
want "sync" 0 chama b sync
want "publish it changed" 0 chama a publish closed rows.tar --unpack
most "is stored as patches" $(($(packs a) - first)) $((5 * ideal))
want "sync" 0 chama b sync --json
most "is sent as patches" "$(sent)" $((3 * ideal))
rm -rf out
want "get" 0 chama b get forestry/closed out
same_tree "is what was published" data out
want "sync of who has no grant" 0 chama c sync
want "gets none of it" 1 chama c get forestry/closed none
