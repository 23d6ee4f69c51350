#!/bin/sh
# For tests/run.sh: runs one test in a folder of its own below WORK, as an ordinary user when started as root; leaves NAME.log, NAME.status.
#   one.sh WORK TEST
work=$1 test=$2
root=$work/source
name=$(basename "$test" .sh)
folder=$work/$name
mkdir "$folder"
set -- env -i PATH="$PATH" HOME="$folder" TMPDIR="$folder" LANG=C.UTF-8 CHAMA="$work/chama" SOURCE="$root" FOLDER="$folder" CHAMA_CUTS="${CHAMA_CUTS:-}" sh "$root/$test"
if [ "$(id -u)" -eq 0 ] && ! grep -q '^# needs root' "$root/$test"; then
    chown 65534:65534 "$folder"
    set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
fi
timeout "${CHAMA_TEST_SECONDS:-300}" "$@" >"$work/$name.log" 2>&1 </dev/null
echo $? >"$work/$name.status"
