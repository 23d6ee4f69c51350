#!/bin/sh
# A chunk that is damaged is told of in each version that has it, also when versions are verified together.
. "$SOURCE/tests/lib.sh"
mkdir data
head -c 700000 /dev/urandom >data/shared.bin
echo 1 >data/changes
chama a init --name-en A >/dev/null 2>&1
for n in 1 2 3; do
    echo "$n" >data/changes
    want "publish $n" 0 chama a publish set data
done
want "verify" 0 chama a verify set
pack=$(find a/store/packs -type f -size +600k)
printf 'damage' | dd of="$pack" bs=1 seek=300000 conv=notrunc 2>/dev/null
for what in "set" ""; do
    # shellcheck disable=SC2086
    want "verify $what" 3 chama a verify $what
    for n in 1 2 3; do has "version $n is bad" "$out$err" "set@$n: BAD: shared.bin"; done
done
want "verify one version" 3 chama a verify set@2
want "fsck" 3 chama a fsck

# A peer's ledger that was damaged here takes nothing else away.
make_node b Tourism && make_node c Audit
start b && start c
pair b c
want "C syncs" 0 chama c sync
object=$(find c/ledgers/*.git/objects/pack -name '*.pack' | head -n 1)
chmod u+w "$object"
for at in 20 60 100 140 180 220; do printf 'damage' | dd of="$object" bs=1 seek=$at conv=notrunc 2>/dev/null; done
chama b publish set data --share open >/dev/null
want "fsck names the ledger" 3 chama c fsck
has "that was damaged" "$out" "ledger of tourism: BAD"
want "other commands work" 0 chama c publish own data
want "also without a catalogue" 0 rm -f c/catalogue.sqlite
want "ls" 0 chama c ls
has "shows the own dataset" "$out" "own"
want "and C serves" 0 chama b sync audit

# An index of a git pack that leads outside of its pack: told of, never followed.
make_node d Health
index=$(find d/ledger.git -name 'pack-*.idx' | head -n 1)
size=$(stat -c %s "$index")
chmod u+w "$index"
cp "$index" whole.idx
for back in 42 43 44; do
    printf '\177' | dd of="$index" bs=1 seek=$((size - back)) conv=notrunc 2>/dev/null
    "$CHAMA" --home d status >/dev/null 2>&1
    [ $? -le 5 ] && ok "no crash at $back bytes from the end" || bad "a crash at $back bytes from the end"
    want "fsck at $back" 3 chama d fsck
    has "names the file" "$out$err" ".idx"
    cp whole.idx "$index"
done
want "and with the index whole again" 0 chama d fsck

# What a version held here lost is no base for the next one: that comes whole, whether the loss is known or not.
make_node p Rivers && make_node q Quarry
start p
pair p q
mkdir rows
python3 -c 'import random
random.seed(1)
for row in range(12000): print(row, random.randrange(10**9), sep=",")' >rows/table
want "publish a table" 0 chama p publish rows rows --share open
chama q sync >/dev/null 2>&1
chama q follow '*' >/dev/null
want "sync" 0 chama q sync
sed -i 's/..77$/changed/' rows/table
want "publish it changed" 0 chama p publish rows rows
pack=$(find q/store/packs -type f -size +10k)
size=$(stat -c %s "$pack")
for part in 1 2 3; do printf 'damage' | dd of="$pack" bs=1 seek=$((size * part / 4)) conv=notrunc 2>/dev/null; done
cp -a q r
want "the loss becomes known" 3 chama r fsck --rebuild-index
for node in q r; do
    want "$node syncs" 0 chama $node sync
    want "$node gets what was published" 0 chama $node get rivers/rows "out-$node"
    same_tree "$node has it" rows "out-$node"
done
# The index made anew leaves out what is damaged; what then lacks something is fetched again.
want "r verifies all that it holds" 0 chama r verify
want "q makes its index anew" 3 chama q fsck --rebuild-index
has "and says what it does about it" "$out" "the next sync fetches what is missing"
want "q syncs" 0 chama q sync
want "q verifies all that it holds" 0 chama q verify
want "fsck of q" 0 chama q fsck
sed -i 's/..55$/changed/' rows/table
want "publish it changed again" 0 chama p publish rows rows
want "sync" 0 chama q sync --json
fewer=$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["bytes"] < 20000)')
equal "comes as patches again" "$fewer" True

# A base that is lost takes with it what was made against it: all of it is fetched again.
find q/store/packs -type f -size +10k | while read -r pack; do
    size=$(stat -c %s "$pack")
    for part in 1 2 3; do printf 'damage' | dd of="$pack" bs=1 seek=$((size * part / 4 + 100)) conv=notrunc 2>/dev/null; done
done
want "q makes its index anew" 3 chama q fsck --rebuild-index
has "without what was made against what is lost" "$out" "P27: left out"
want "q syncs" 0 chama q sync
want "q verifies all that it holds" 0 chama q verify
want "fsck of q" 0 chama q fsck
