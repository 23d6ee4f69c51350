#!/bin/sh
# B1 to B28: a dataset on a disk, from a node to one that has never seen a network.
. "$SOURCE/tests/lib.sh"
for home in a b c; do make_node $home "$(case $home in a) echo Forestry ;; b) echo Tourism ;; c) echo Customs ;; esac)"; done
mkdir data && seq 1 60000 >data/one.csv && head -c 2500000 /dev/urandom >data/two
chama a publish cover data --share open >/dev/null 2>&1
mkdir secret && echo harvest >secret/plan

# For anyone.
want "an open version for anyone" 0 chama a bundle create disk.tar cover
equal "names its file" "$out" "disk.tar"
want "once" 1 chama a bundle create disk.tar cover
has "not over another" "$err" "is there already"
want "the same bytes" 0 chama a bundle create disk2.tar cover
mkdir -p one two && tar -C one -xf disk.tar && tar -C two -xf disk2.tar
same_tree "each time" one/disk/data two/disk2/data
want "into a folder that is not there" 1 chama a bundle create nowhere/x.tar cover
equal "leaves nothing" "$(find . -maxdepth 1 -name '.*tar*')" ""
want "a name that says no format" 2 chama a bundle create disk.zip cover
chama a publish plan secret >/dev/null 2>&1
want "a conditional one is not for anyone" 4 chama a bundle create no.tar plan
has "says why" "$err" "--for"
[ -e no.tar ] && bad "and writes nothing" || ok "and writes nothing"
want "without a node" 0 "$CHAMA" --home "$FOLDER/none" bundle show disk.tar
has "it is shown what is in it" "$out" "/cover@1  open  2 files"
has "and who wrote it" "$out" "written by"
has "and that checksums hold" "$out" "checksums hold"
want "a node without a network" 0 chama b bundle apply disk.tar
has "shows who is not pinned" "$out" "not pinned: fingerprint"
has "holds it" "$out" "1 of its 1 versions held"
want "it" 0 chama b get "$(chama b ls | sed 's/ .*//')" got
same_tree "is the same" data got
want "all of it" 0 chama b verify
want "again" 0 chama b bundle apply disk.tar
has "brings nothing" "$out" " 0 chunks"
want "who wrote it" 2 chama a bundle apply disk.tar
has "does not apply it" "$err" "B25"

# The ledger has grown: the open part is proven to go on from where it was held.
echo more >>data/one.csv
chama a publish cover data --share open >/dev/null 2>&1
want "the next version, compressed" 0 chama a bundle create next.tar.zst cover@2
want "applies" 0 chama b bundle apply next.tar.zst
has "whole only with the version before" "$out" "1 of its 1 versions held"

# An older one after a newer one is only stale, by hand and in an inbox.
want "an older bundle after a newer one" 0 chama b bundle apply disk.tar
has "brings nothing" "$out" " 0 chunks"
mkdir in && printf '\n[dropbox]\ninbox = %s\ninterval = 1\nsettle = 0\n' "$FOLDER/in" >>b/config.ini
cp disk.tar in/late.tar && start b
for _ in $(seq 100); do ls in/done/*late.tar >/dev/null 2>&1 && break; sleep 0.1; done
equal "an inbox is done with it" "$(ls in/done in/taking in/refused | grep -c 'late.tar$') $(ls in/done | grep -c 'late.tar$')" "1 1"
stop b
want "what is held is whole" 0 chama b verify

# Volumes.
want "volumes" 0 chama a bundle create vol.tar cover@1 cover@2 --volumes 1M
count=$(printf '%s\n' "$out" | grep -c .)
[ "$count" -ge 2 ] && ok "are several" || bad "are several" "$out"
want "the last one first" 1 chama c bundle apply "vol.00$count.tar"
has "tells what is missing" "$err" "lacks"
has "and which volumes may have it" "$err" "vol.00$count.tar: B12: not here of this bundle: volume 1$([ "$count" -eq 2 ] || echo " to $((count - 1))"); apply those that were not applied before"
# shellcheck disable=SC2046
want "then the others" 0 chama c bundle apply $(ls vol.00*.tar | grep -v "vol.00$count.tar")
has "make it whole" "$out" "2 of its 2 versions held"
want "for a node that is known and no peer" 1 chama c bundle create no.tar --for "$(chama a id | head -n 1)"
has "says how to make it one" "$err" "chama peer add"
# PU41: more than may wait is in volumes that are not here.
python3 -c 'import os, sys; sys.stdout.buffer.writelines(os.urandom(32) * 4096 for _ in range(1200))' >data/wide
head -c 9500000 /dev/urandom >data/z
chama a publish wide data --share open >/dev/null 2>&1
chama a bundle create wide.tar wide --volumes 1M >/dev/null 2>&1
last=$(ls wide.*.tar | tail -n 1) first=$(ls wide.*.tar | head -n 1)
want "a volume without what fills up the walk" 1 timeout 30 "$CHAMA" --home "$FOLDER/b" bundle apply "$last"
has "brings its own" "$out" " 0 of its 1 versions held"
want "the first one alone" 1 chama c bundle apply "$first"
has "cannot say how many follow" "$err" "not here of this bundle: volume 2 and what follows it;"
# shellcheck disable=SC2046
want "the others" 0 chama b bundle apply $(ls wide.*.tar | grep -v "$last")
has "make it whole" "$out" "1 of its 1 versions held"
rm -f data/wide data/z wide.*.tar
want "too small a volume" 2 chama a bundle create small.tar cover --volumes 10K

# Damage: a byte of a volume's chunks, a byte of a manifest, a cut, another thing.
rm -rf c && make_node c Customs
python3 - <<'PY'
import tarfile
data = bytearray(open("vol.001.tar", "rb").read())
at = next(m.offset_data for m in tarfile.open("vol.001.tar") if "/chunks-" in m.name)
data[at + 5000] ^= 1
open("flipped.tar", "wb").write(data)
data = open("disk.tar", "rb").read()
open("cut.tar", "wb").write(data[:len(data) // 2])
text = bytearray(data)
at = text.rindex(b"exchange.json")
text[at - 20] ^= 1
open("manifest.tar", "wb").write(text)
open("none.tar", "wb").write(b"no tar " * 1000)
PY
# shellcheck disable=SC2046
want "a volume with a flipped byte" 3 chama c bundle apply flipped.tar $(ls vol.00*.tar | grep -v vol.001)
has "is named" "$err" "flipped.tar: B11: data/versions/"
want "and costs itself alone" 0 chama c bundle apply vol.001.tar
has "as the copy shows" "$out" "2 of its 2 versions held"
rm -rf c && make_node c Customs
want "damage is shown" 3 "$CHAMA" --home "$FOLDER/none" bundle show flipped.tar
has "by its file" "$err" "B11: data/versions/"
want "a cut archive" 3 chama c bundle apply cut.tar
has "by its rule" "$err" "B1"
want "a manifest that was changed" 3 chama c bundle apply manifest.tar
has "by its rule" "$err" "B8"
want "no archive" 3 chama c bundle apply none.tar
want "nothing of them" 0 chama c ls
equal "is there" "$out" ""
want "good ones beside bad ones" 3 chama c bundle apply none.tar disk.tar
has "are applied" "$out" "1 of its 1 versions held"

# No room beside what is to stay free.
cp c/config.ini kept.ini
sed -i 's/^reserve = .*/reserve = 1073741823/' c/config.ini
chama a publish more secret --share open >/dev/null 2>&1 && chama a bundle create more.tar more >/dev/null 2>&1
want "a disk that is to stay free" 1 chama c bundle apply more.tar
has "says how much is wanted, and what to do" "$err" "disk: PU19: want "
has "by the name of the setting" "$err" "bytes for what is to come, have 0 beside the 1125899905794048 that stay free ([sync] reserve in config.ini): free some"
cp kept.ini c/config.ini
want "with room" 0 chama c bundle apply more.tar

# For a peer, sealed.  Its key comes with its own ledger.
chama a peer add "$(chama b invite 2>/dev/null)" >/dev/null || bad "a adds b"
want "for a peer without a grant" 4 chama a bundle create sealed.tar plan --for tourism
has "says so" "$err" "not for tourism"
chama a grant plan tourism >/dev/null
want "for a peer whose key is not known here" 1 chama a bundle create sealed.tar plan --for tourism
has "says how it comes" "$err" "B20"
want "the peer writes its own ledger" 0 chama b bundle create tourism.tar
want "which has its key" 0 chama a bundle apply tourism.tar
want "for the peer" 0 chama a bundle create sealed.tar plan --for tourism
has "is encrypted" "$err" "encrypted to the receiver"
for word in plan harvest Forestry "$(chama a id | grep -oE '[a-z2-7]{52}' | head -n 1)" exchange.json versions/; do
    if tar -O -xf sealed.tar | grep -qaF -e "$word"; then bad "the sealed bundle does not show $word"; else ok "the sealed bundle does not show $word"; fi
done
want "without a node" 0 "$CHAMA" --home "$FOLDER/none" bundle show sealed.tar
has "only keys are shown" "$out" "encrypted to key"
has_not "and no writer" "$out" "written by"
want "another" 4 chama c bundle apply sealed.tar
has "cannot open it" "$err" "B22"
want "the peer" 0 chama b bundle apply sealed.tar
has "can" "$out" "1 of its 1 versions held"
python3 - <<'PY'
import hashlib
import io
import tarfile
old = tarfile.open("sealed.tar")
members = [(m.name, old.extractfile(m).read()) for m in old]
payload = [i for i, (name, _) in enumerate(members) if "/data/001-" in name]
def write(path, members):
    manifest = "".join("%s  %s\n" % (hashlib.sha256(b).hexdigest(), n.split("/", 1)[1]) for n, b in members if "/data/" in n).encode()
    members = [(n, manifest if n.endswith("/manifest-sha256.txt") else b) for n, b in members]
    tags = "".join("%s  %s\n" % (hashlib.sha256(b).hexdigest(), n.split("/", 1)[1]) for n, b in members if "/data/" not in n and "/tagmanifest" not in n).encode()
    members = [(n, tags if "/tagmanifest" in n else b) for n, b in members]
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as out:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
swapped = list(members)
i, j = payload[0], payload[1]
swapped[i], swapped[j] = (members[i][0], members[j][1]), (members[j][0], members[i][1])
write("swapped.tar", swapped)
cut = list(members)
cut[i] = (members[i][0], members[i][1][:-40])
write("shorter.tar", cut)
PY
rm -rf b2 && cp -r b b2
want "files that were exchanged" 3 chama b2 bundle apply swapped.tar
has "are found out" "$err" "B23"
want "a file that was shortened" 3 chama b2 bundle apply shorter.tar
has "is found out" "$err" "B23"

# Two bundles of one writer that show two histories are evidence, of one length or not: the second is compared with what the first brought.
cp -r a forked
chama a publish one data --share open >/dev/null 2>&1 || bad "one history"
chama forked publish two data --share open >/dev/null 2>&1 || bad "another"
chama forked bundle create as-long.tar >/dev/null 2>&1
chama forked publish three data --share open >/dev/null 2>&1
chama forked bundle create longer.tar >/dev/null 2>&1
chama a bundle create first.tar >/dev/null 2>&1
for other in as-long longer; do
    make_node "$other" Guest
    want "the first history" 0 chama "$other" bundle apply first.tar
    want "$other: the other is refused" 3 chama "$other" bundle apply $other.tar
    has "$other: and evidence is kept" "$(chama "$other" evidence)" "  fork  "
done
mkfifo pipe.tar
want "what is no file is not waited for" 2 timeout 5 "$CHAMA" --home c bundle apply pipe.tar
