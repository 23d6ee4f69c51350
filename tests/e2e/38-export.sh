#!/bin/sh
# chama get --format tar|zip|bagit: the same bytes for the same version, on every node; other programs read them; nothing half written; what goes in again
# is the same version.
. "$SOURCE/tests/lib.sh"
make_node a Forestry
make_node b Tourism
pair a b
mkdir -p data/数据/空 data/deep/er
printf '1,2\n' >data/数据/林地.csv
printf '#!/bin/sh\n' >data/run && chmod 755 data/run
printf x >"data/$(printf 'n%.0s' $(seq 230))"
printf y >'data/100%'
printf z >data/deep/er/z
: >data/nothing
head -c 5000000 /dev/urandom >data/large
truncate -s 3M data/hole && echo end >>data/hole
mkdir links && cp -r data links/ && ln -s data/数据 links/链接 && ln -s deep links/data/short
want "publish" 0 chama a publish plain data --share open --message "first survey"
want "publish what has links" 0 chama a publish links links --share open
want "publish what is not open" 0 chama a publish closed data --share conditional
start a
want "follow" 0 chama b follow 'forestry/*'
want "sync" 0 chama b sync
listing() { chama "$1" show "$2" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["listing"])'; }

# EX1, EX2: the same bytes, here and elsewhere, by whatever name, whatever the clock, zone, umask and language.
for format in tar zip bagit; do
    want "$format" 0 chama a get --format $format plain plain.$format
    (umask 077 && TZ=Asia/Shanghai LC_ALL=C "$CHAMA" --home a get --format $format plain@1 - >again)
    cmp plain.$format again && ok "$format: the same again, on standard output" || bad "$format: other bytes"
    want "$format at a peer" 0 chama b get --format $format forestry/plain peer.$format
    cmp plain.$format peer.$format && ok "$format: the same at a peer" || bad "$format: other bytes at a peer"
done

# What was opened as number 1 or 2 in the place of a closed output would be written over.
(chama a get plain - --format tar >&- 2>.err) && bad "an output that is closed counts as written" || equal "says once that it is closed" "$(cat .err)" "chama: plain@1: standard output: Bad file descriptor"
chama a publish quiet data >&- 2>&-
equal "what nobody hears is in no file of the home" "$(grep -rl "shared conditionally" a)" ""

for format in tar zip; do
    want "links, by the name of the file" 0 chama a get links links.$format
    want "$format: goes in again" 0 chama a publish back-$format links.$format --unpack --share open
    equal "$format: as the same version" "$(listing a back-$format)" "$(listing a links)"
    want "--json" 0 chama a get plain --json json.$format
    has "$format: says how large it is" "$out" "\"size\": $(stat -c %s json.$format)"
done
equal "FILE is readable as the umask says" "$(stat -c %a plain.tar)" "$(umask 022; : >mode; stat -c %a mode)"

# Other programs read them.
mkdir tar bsdtar zip python && tar -C tar -xf links.tar && bsdtar -C bsdtar -xf links.tar
same_tree "GNU tar" links tar
same_tree "bsdtar" links bsdtar
(cd zip && unzip -q ../links.zip) && same_tree "unzip" links zip
bsdtar -C python -xf links.zip && same_tree "bsdtar, a zip" links python
equal "time and owner in a tar" "$(TZ=UTC tar --full-time -tvf links.tar --numeric-owner | awk '{print $2, $4 "T" $5 "Z"}' | sort -u)" \
    "0/0 $(chama a show links --json | sed -n 's/.*"time": "\(.*\)".*/\1/p' | head -n 1)"
python3 - <<'PYTHON'
import tarfile, zipfile
with zipfile.ZipFile("plain.zip") as archive, tarfile.open("plain.tar") as tar:
    names = [name.rstrip("/") for name in archive.namelist()]
    good = archive.testzip() is None and names == [member.name for member in tar] and "数据/林地.csv" in names
    print("ok" if good else "not ok", "- Python's zipfile and tarfile")
PYTHON

# A bag.
mkdir bag && tar -C bag -xf plain.bagit
want "is valid" 0 python3 "$SOURCE/tests/e2e/bag.py" bag/plain-1
printf 'x' >>bag/plain-1/data/run
want "and the validator would say if not" 1 python3 "$SOURCE/tests/e2e/bag.py" bag/plain-1
printf '#!/bin/sh\n' >bag/plain-1/data/run
want "sha256sum" 0 sh -c 'cd bag/plain-1 && grep -v "%25" manifest-sha256.txt | sha256sum --strict -c - && sha256sum --strict -c tagmanifest-sha256.txt'
same_tree "has the files" data bag/plain-1/data
info=$(cat bag/plain-1/bag-info.txt)
has "says which version it is" "$info" "External-Identifier: $(chama a id | head -n 1)/plain@1"
has "and its message" "$info" "Internal-Sender-Description: first survey"
want "the record is signed" 0 sh -c 'cd bag/plain-1/chama && ssh-keygen -Y check-novalidate -n chama-record -s record.json.sig <record.json'
has "and is that of the version" "$info" "Chama-Record: sha256:$(sha256sum bag/plain-1/chama/record.json | cut -d' ' -f1)"
want "with a proof" 0 chama b get --format bagit --proof forestry/plain proven.tar
mkdir proven && tar -C proven -xf proven.tar
want "is valid, too" 0 python3 "$SOURCE/tests/e2e/bag.py" proven/plain-1
want "and the proof is one" 0 "$CHAMA" check proven/plain-1/chama/proof.txt
want "of what is not open" 0 chama a get --format bagit closed closed.tar
mkdir closed && tar -C closed -xf closed.tar
has "the content document is in the bag" "$(cat closed/closed-1/chama/content.json)" '"salt"'
want "a link" 2 chama a get --format bagit links refused
has "has no place in a bag" "$err" "links@1: data/short: EX10: want files only, which a bag can hold, have a link"
want "without it" 0 chama a get --format bagit links --only '*.csv' some.tar
tar -xOf some.tar links-1/bag-info.txt >.info
has "the bag says what was chosen" "$(cat .info)" "Chama-Only: *.csv"

# Refusals: nothing under FILE, nothing replaced.
cp plain.tar before
want "a FILE that is there" 1 chama a get --format zip links plain.tar
has "is not replaced" "$err" "plain.tar: EX6: want no file of this name, have one; --force replaces it"
cmp plain.tar before && ok "it is as it was" || bad "it was touched"
want "but by --force" 0 chama a get --format zip links plain.tar --force
cmp plain.tar links.zip && ok "it is" || bad "it is not"
mkdir folder.zip
want "--format to a folder" 1 chama a get --format zip links folder.zip
has "is refused" "$err" "folder.zip: EX6: want a file to write, have something else"
want "a folder that has such a name" 0 chama a get plain folder.zip
same_tree "is written into" data folder.zip
want "what cannot be written" 1 chama a get --format tar plain nowhere/x.tar
want "no --format" 2 chama a get plain -
has "for standard output" "$err" "-: want --format tar, zip or bagit"
want "another format" 2 chama a get --format 7z plain x
has "is not known" "$err" "--format: want tar, zip or bagit, have \"7z\""
want "packed" 2 chama a get plain x.tar.gz
has "is for others to do" "$err" "x.tar.gz: want a file that ends in .tar or .zip"
want "--proof" 2 chama a get --proof plain x.tar
want "--json and the archive on standard output" 2 chama a get --format tar --json plain -
want "--only that takes nothing" 1 chama a get --format tar plain --only nope none.tar
has "says so" "$err" "plain@1: want a file that --only nope matches, have none"
want "a version that is not there" 1 chama a get plain@7 x.tar
mkdir latin && printf x >"latin/$(printf '\351t\351')"
want "a name that is not UTF-8" 0 chama a publish latin latin --share open
want "in a zip" 3 chama a get latin latin.zip
has "is refused" "$err" 'latin@1: \xe9t\xe9: EX4: want a name in UTF-8, which a zip can hold, have other bytes; a tar holds them'
want "in a tar" 0 chama a get latin latin.tar
mkdir latin.out && tar -C latin.out -xf latin.tar 2>/dev/null
same_tree "is as it was" latin latin.out
chama a get --format tar plain - 2>.err | head -c 100000 >/dev/null
equal "a reader who leaves is no failure to speak of" "$(cat .err)" ""

# EX5: a store that is damaged.
pack=$(find b/store/packs -type f -size +4000k | head -n 1)
python3 - "$pack" <<'PYTHON'
import os, sys
os.chmod(sys.argv[1], 0o600)
with open(sys.argv[1], "r+b") as pack:
    pack.seek(os.path.getsize(sys.argv[1]) // 2)
    byte = pack.read(1)
    pack.seek(-1, 1)
    pack.write(bytes([byte[0] ^ 1]))
PYTHON
for format in tar zip bagit; do
    want "$format of damaged content" 3 chama b get --format $format forestry/plain damaged.$format
    has "names it" "$err" "forestry/plain@1: large: "
done
"$CHAMA" --home b get --format tar forestry/plain - >cut.tar 2>.err
equal "on standard output" $? 3
want "what came of it is no whole archive" 1 chama a publish cut cut.tar --unpack
equal "nothing is left under FILE or beside it" "$(ls | grep -E 'damaged|refused|none|tmp')" ""
# A process that is killed, at any time, leaves the old FILE or the new one.
cp links.tar killed.tar
for delay in 0.00 0.01 0.02 0.04 0.08; do
    "$CHAMA" --home a get --format tar --force plain killed.tar >/dev/null & sleep $delay; kill -9 $! 2>/dev/null; wait $! 2>/dev/null
    cmp -s killed.tar before || cmp -s killed.tar links.tar || bad "half a file after a kill after $delay s"
done
want "and the next one writes it" 0 chama a get --format tar --force plain killed.tar
cmp killed.tar before && ok "a kill leaves no half FILE" || bad "another file after kills"
