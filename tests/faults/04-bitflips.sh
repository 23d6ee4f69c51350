#!/bin/sh
# I5, I8: a bit flipped, a byte cut off, a file gone, in every file of a node's home: fsck says so, or it provably does not matter; and no command ever
# crashes or gives bytes that are not what was published.  The classes of what does not matter stand, with reasons, in bitflips.py.
. "$SOURCE/tests/lib.sh"

make_node a Forestry
make_node b Tourism
start a
pair a b
mkdir -p published own restricted
for i in 1 2 3 4 5; do seq "$i" 400 >"published/$i.csv"; done
head -c 70000 /dev/zero | tr '\0' x >published/run && ln -s 1.csv published/link && seq 6000 >published/table
seq 5000 >own/list && echo secret >restricted/secret
want "publish at the peer" 0 chama a publish published published --share open
want "publish" 0 chama b publish own own --share open
want "publish conditionally" 0 chama b publish restricted restricted
want "grant, sealed" 0 chama b grant restricted forestry
want "follow" 0 chama b follow 'forestry/*'
want "sync" 0 chama b sync
# A second version of each, one row of a hundred other than before: in the store of b they are patches, its own and those of its peer.
sed -i 's/..50$/edited/' own/list published/table
want "publish again at the peer" 0 chama a publish published published
want "publish again" 0 chama b publish own own
want "sync" 0 chama b sync
stop a
want "what is there, to a reader of its own" 0 python3 "$SOURCE/tests/interop/reader.py" b --json
patches=$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["verified"].get("patches", 0))')
[ "$patches" -ge 2 ] && ok "there are $patches patches" || bad "want patches, have $patches"
want "get, so that state knows a checkout" 0 chama b get own checkout
want "fsck of the whole home" 0 chama b fsck

python3 "$SOURCE/tests/faults/bitflips.py" "$CHAMA" "$FOLDER/b" "$FOLDER/work" published=forestry/published own=own restricted=restricted
