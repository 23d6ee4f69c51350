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
