#!/bin/sh
# Publishing a folder again reads what changed and nothing else (AR9-AR11); and whatever is wrong with what is remembered, what comes out is right.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
case $(stat -f -c %T v1) in ext* | xfs | btrfs | tmpfs | f2fs | overlay* | zfs) ;; *) echo "ok - skipped: not on this file system"; exit 0 ;; esac

"$CHAMA" --home "$FOLDER/a" init --name-en Forestry >/dev/null 2>&1
# recalled HOME DATASET FOLDER...: how many files were not read.
recalled() { chama "$@" --json 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["recalled"])'; }
publish() { home=$1 name=$2; shift 2; recalled "$home" publish "$name" "$@"; }
# right WHAT DATASET FOLDER: a checkout of the newest version is the folder.
right() { rm -rf out; chama a get "$2" out >/dev/null 2>&1; same_tree "$1" "$3" out; }
settle() { sleep 2.2; }

equal "the first version reads everything" "$(publish a d v1)" 0
equal "so does the next: the files were written just now" "$(publish a d v1)" 0
settle
equal "and one more, for then they were still new" "$(publish a d v1)" 0
equal "now nothing is read" "$(publish a d v1)" 17
want "without it, says the person" 0 chama a publish d v1
has "nothing changed" "$out" "nothing changed"
equal "--rehash reads everything" "$(publish a d v1 --rehash)" 0
equal "and writes down what it read" "$(publish a d v1)" 17
equal "of another dataset nothing is known" "$(publish a e v1)" 0
equal "but now" "$(publish a e v1)" 17
equal "of another folder nothing is known" "$(publish a d v2)" 0
right "and it is that folder" d v2
equal "the first folder is still known" "$(publish a d v1)" 17
right "and is as it was" d v1
settle
equal "by any name" "$(cd v2 && publish a d ../v1/.)" 17

cp -p v1/README.md before
size=$(stat -c %s v1/README.md)
head -c "$size" /dev/zero | tr '\0' x >v1/README.md
touch -r before v1/README.md
equal "new content of the old size and time is read" "$(publish a d v1)" 16
right "and published" d v1
cp -p before v1/new && mv v1/new v1/README.md
equal "a file put in the place of another is read" "$(publish a d v1)" 16
right "and published" d v1
settle
equal "(they settle)" "$(publish a d v1)" 16
chmod +x v1/LICENSE
equal "a new mode is seen" "$(publish a d v1)" 16
right "and published" d v1
touch -d '+1 day' v1/LICENSE
settle
publish a d v1 >/dev/null
equal "a file of tomorrow is read each time" "$(publish a d v1)" 16
touch -d '-1 day' v1/LICENSE
ln -s LICENSE v1/link && ln v1/LICENSE v1/hard
settle
publish a d v1 >/dev/null
equal "a link is none of the files, a hard link is one" "$(publish a d v1)" 18
rm v1/link && echo now a file >v1/link
equal "what takes the place of a link is read" "$(publish a d v1)" 18
right "and published" d v1
settle
publish a d v1 >/dev/null
mv v1/dist v1/other
equal "a renamed folder is read" "$(publish a d v1)" 4
right "and published" d v1
equal "and known from then on" "$(publish a d v1)" 19
equal "a dry run knows it" "$(publish a d v1 -n)" 19
tar -cf v1.tar -C v1 .
equal "of archives nothing is remembered" "$(publish a d v1.tar --unpack)" 0
equal "one file is" "$(publish a one v1.tar)" 0
settle
publish a one v1.tar >/dev/null
equal "now" "$(publish a one v1.tar)" 1

# What is dropped and collected is read, and stored, again.
chama a publish gone v2 >/dev/null 2>&1
equal "(known)" "$(publish a gone v2)" 17
for dataset in d gone; do
    for version in 1 2 3 4 5 6 7 8 9; do chama a drop "$dataset@$version" >/dev/null 2>&1; done
done
chama a gc >/dev/null
equal "after drop and gc everything is read" "$(publish a gone v2)" 0
right "and stored" gone v2
want "all of it" 0 chama a verify gone

# Sharing with anyone: what is held for those with a grant counts as not held.
equal "(known)" "$(publish a gone v2)" 17
chama a publish gone v2 --share open >/dev/null 2>&1
want "opened" 0 chama a verify gone
equal "(known)" "$(publish a gone v2)" 17

# What is remembered is no part of the truth.
before=$(chama a show gone --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["listing"])')
for file in a/stamps/*; do printf 'XXXX' | dd of="$file" bs=1 seek=150 conv=notrunc 2>/dev/null; done
equal "damaged stamps are none" "$(publish a gone v2)" 0
for file in a/stamps/*; do : >"$file"; done
equal "empty ones are none" "$(publish a gone v2)" 0
rm -rf a/stamps
equal "lost ones are none" "$(publish a gone v2)" 0
equal "and are made anew" "$(publish a gone v2)" 17
"$CHAMA" --home "$FOLDER/b" init --name-en Other >/dev/null 2>&1
mkdir b/stamps && cp a/stamps/* b/stamps/
equal "those of another node are none" "$(publish b gone v2)" 0
want "what it published is whole" 0 chama b verify gone
rm -rf a/stamps && : >a/stamps
want "a file in the place of the folder does no harm" 0 chama a publish gone v2
rm a/stamps && mkdir a/stamps && chmod 500 a/stamps
want "nor does a folder that cannot be written" 0 chama a publish gone v2
chmod 700 a/stamps
equal "all that time it was the same version" "$(chama a show gone --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["listing"])')" "$before"
for i in $(seq 70); do mkdir -p "many/$i" && echo same >"many/$i/file" && publish a many "many/$i" >/dev/null; done
equal "64 places are remembered" "$(find a/stamps -type f | wc -l)" 64
want "fsck" 0 chama a fsck
