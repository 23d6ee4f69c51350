#!/bin/sh
# A foreign reader, written from the format documents, agrees with what nodes wrote; and finds whatever was altered.
. "$SOURCE/tests/lib.sh"

reader() { python3 "$SOURCE/tests/interop/reader.py" "$@"; }
tamper() { python3 "$SOURCE/tests/interop/tamper.py" "$@" || bad "tamper $*"; }
counted() { has "$1" "$(printf '%s\n' "$out" | sed 's/^ *//')" "$2"; }

want "the shared vectors" 0 reader --vectors "$SOURCE/tests/vectors.json"

make_node a Forestry
make_node b Tourism
pair a b
for version in v1 v2 v3; do
    fixture $version
    want "publish $version" 0 chama a publish divisions $version --share open -m "divisions, $version
with a second line" --title-zh 行政区划 --label geography
done
mkdir -p odd/empty
truncate -s 3M odd/hole
head -c 2000000 /dev/urandom >odd/random
cat odd/random odd/hole odd/random >odd/large
chmod +x odd/random
ln -s random odd/link
printf x >"odd/$(printf 'line\nfeed')"
printf y >"odd/$(printf '\377\376')"
want "publish what is not open" 0 chama a publish odd odd --share conditional --from divisions@2
want "publish what nobody gets" 0 chama a publish closed v1 --share none
want "grant, sealed" 0 chama a grant odd tourism
want "grant, public" 0 chama a grant odd tourism --public
want "revoke" 0 chama a revoke odd tourism
want "grant again" 0 chama a grant odd tourism

want "a home" 0 reader a
counted "every version" "5  versions"
counted "every record" "12  signatures of chama-record"
counted "every commit" "11  commits"
counted "every file" "73  files"
counted "cut again where fastcdc/1 says" "files cut again"
counted "pages end as L25 and L26 say" "5  listings"
has_not "nothing to remark" "$out" "note: divisions"
want "--json" 0 reader a --json
equal "--json is JSON" "$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["verified"]["versions"])')" 5

start a
chama b follow '*' >/dev/null
want "sync" 0 chama b sync
stop a
want "a replica" 0 reader b
counted "what it may have" "4  versions"
counted "two ledgers, the own without a checkpoint until somebody asks" "1  checkpoints"
counted "what was sealed for it, two grants and a delivery; and its receipt" "4  openings"
want "a home after its peer came" 0 reader a
counted "has a checkpoint" "checkpoints"

# Someone whom nobody accepted.
make_node c Stranger
start a
chama c peer add "$(chama a invite 2>/dev/null)" >/dev/null
chama c follow '*' >/dev/null
want "a stranger syncs" 0 chama c sync
stop a
want "its home" 0 reader c
counted "has a sparse ledger" "1  sparse ledgers"
counted "a proof for each of its records" "5  inclusion proofs"
counted "what is open" "3  versions"
cp -a c d
tamper edit d/sparse/*/stream '"version":2' '"version":7'
want "a record in it altered" 3 reader d
has "named" "$out" "Z4"
rm -r d
cp -a c d
sed -i '$d' d/sparse/*/stream
want "a sparse ledger cut off" 3 reader d
has "named" "$out" "W12"

# Versions of which one row of a hundred is other than before are stored as patches; whoever syncs from one to the next gets them as such.
make_node p Patches
make_node q Quarry
pair p q
mkdir rows
# edition N: 300 KB, of which each edition has a hundredth other than the one before
edition() { python3 -c '
import random, sys
rows = [[row, f"place-{row * 7919 % 500}", random.Random(row).randrange(10**9)] for row in range(12000)]
for edition in range(1, int(sys.argv[1]) + 1):
    for row in random.Random(edition).sample(range(12000), 120):
        rows[row][2] = edition
print("\n".join(",".join(map(str, row)) for row in rows))' "$1" >rows/table.csv; }
edition 0
ln -s table.csv rows/link
want "publish a table" 0 chama p publish rows rows --share open
start p
chama q sync >/dev/null 2>&1
chama q follow '*' >/dev/null
want "sync" 0 chama q sync
for number in 1 2; do
    edition $number
    want "publish edition $number" 0 chama p publish rows rows
    want "sync" 0 chama q sync
done
stop p
for home in p q; do
    want "a home with patches" 0 reader $home --json
    patches=$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)["verified"].get("patches", 0))')
    [ "$patches" -ge 4 ] && ok "has $patches patches" || bad "want patches in $home, have $patches"
    want "its store" 0 reader $home
done
want "drop what they are made against" 0 chama p drop rows@1
want "gc" 0 chama p gc
want "the bases are still there" 0 reader p
# altered RULE WHAT COMMAND...: what the command makes of a copy of p is refused.
altered() {
    rm -rf x && cp -a p x
    rule=$1 what=$2
    shift 2
    tamper "$@"
    want "$what" 3 reader x
    has "$what: named" "$out" "$rule"
    chama x fsck >/dev/null 2>&1 && bad "$what: fsck finds nothing" || ok "$what: fsck, too"
}
altered P26 "a patch with too much reach" patch x 0 31
altered P26 "a patch without reach" patch x 0 0
altered P25 "a patch with nine bases" patch x 1 9
altered P27 "a patch against what is not here" patch x 9 77
altered P25 "a patch without zstd" patch x 34 0
altered P27 "the base of a patch is gone" unbase x
altered P14 "another base" reframe x 1
rm -rf x

# What follows alters copies of a small home.
make_node s Small
pair s a
mkdir tiny
seq 40000 >tiny/numbers
for i in $(seq 200); do echo "$i" >"tiny/file-$i"; done
chama s publish tiny tiny --share open -m one >/dev/null
echo more >>tiny/numbers
chama s publish tiny tiny -m two >/dev/null
chama s grant tiny forestry >/dev/null 2>&1
want "a small home" 0 reader s

# found WHAT RULE: the copy in x is refused, and why is said.
found() {
    want "$1" 3 reader x
    has "$1: named" "$out" "$2"
    chmod -R u+w x
    rm -rf x
    cp -a s x
}
cp -a s x

for pack in x/store/packs/*.pack; do tamper flip "$pack" 0.5; done
found "a bit in a pack" "P18"
for pack in x/store/packs/*.pack; do tamper flip "$pack" 30; done
found "a bit in the header of a pack" "P2"
tamper reframe x 1
found "another chunk, with its checksum" "P14"
tamper reframe x 2
found "another page, with its checksum" "P14"
tamper reframe x 3
found "other details, with their checksum" "P14"
tamper lose x 1
found "a chunk is gone" "not in any pack"
rm x/store/packs/*.pack
found "all packs are gone" "not in any pack"

chmod -R u+w x
for pack in x/ledger.git/objects/pack/*.pack; do tamper flip "$pack" 0.5; done
found "a bit in git's pack" "G1"
git -C x/ledger.git update-ref refs/heads/other refs/heads/main
found "another branch" "G3"
git -C x/ledger.git update-ref refs/heads/main "$(git -C x/ledger.git rev-parse main~1)"
found "a ledger cut short" "stands in no ledger"
tamper flip x/log/own/hashes 0.5
found "a bit in the hashes" "G14"

# rewrite COMMAND...: puts another commit on top of main's parent, from a work tree in which COMMAND was run, with main's own message.
rewrite() {
    git clone -q x/ledger.git work 2>/dev/null
    (cd work && "$@" && git add -A && git -c user.name=x -c user.email=x@invalid commit -q --amend --no-edit && git push -qf origin HEAD:main) || bad "rewrite $*"
    rm -rf work
}
record=$(cd s/ledger.git && git ls-tree -r --name-only main records | grep 'json$' | tail -n 1)
rewrite sed -i 's/"seq":4/"seq":5/' "$record"
found "a record altered" "R5"
rewrite sed -i 's/20\(..-..-..T\)/21\1/' "$record"
found "a time altered" "the signature does not hold"
rewrite sed -i 's/"digest"/ "digest"/' "$record"
found "another spelling" "C8"
rewrite cp "$(dirname "$record")/000000001.json.sig" "$record.sig"
found "the signature of another record" "the signature does not hold"
rewrite sed -i 's/"name": "tiny"/"name": "Tiny"/' datasets/tiny/manifest.json
found "a view altered" "G"
rewrite sh -c 'echo hello >README'
found "a file beside the records" "G"
rewrite true
found "a commit without a signature" "G8"

# Signed by ssh-keygen with another key: a good signature, of nobody.
ssh-keygen -q -t ed25519 -N '' -f other
rewrite sh -c "ssh-keygen -q -Y sign -f '$FOLDER/other' -n chama-record <'$record' >'$record.sig'"
found "a record signed by another key" "K13"

opening=$(basename x/sealed/*.json)
tamper edit "x/sealed/$opening" '"salt":"' '"salt":"A'
found "a salt that is no salt" "sealed"
tamper edit "x/sealed/$opening" opening/1 opening/2
found "an opening of another version" "opening/1"
mv "x/sealed/$opening" "x/sealed/$(printf '%064d' 0).json"
found "an opening of another record" "S10"

cp -a s y
start s
chama a sync small >/dev/null 2>&1
stop s
rm -rf x
cp -a s x
if [ -e s/log/own/checkpoint ]; then
    tamper edit x/log/own/checkpoint "$(sed -n 2p s/log/own/checkpoint)
" "9
"
    found "a checkpoint altered" "T5"
    cp y/log/own/hashes x/log/own/hashes
    git -C x/ledger.git update-ref refs/heads/main "$(git -C x/ledger.git rev-parse main~1)"
    found "a ledger shorter than its owner signed" "rolled back"
else
    bad "no checkpoint after a sync"
fi
