#!/bin/sh
# Runs tests/KIND/NN-*.sh, each in a folder of its own, as an ordinary user when started as root; sums up: "KIND: N passed, N failed".
# A test prints "ok - what" or "not ok - what" lines (tests/lib.sh) and its exit status counts too.
set -u
kind=${1:?e2e, interop or faults}
only=${2:-}
cd "$(dirname "$0")/.." || exit 1
root=$(pwd)
passed=0 failed=0

work=$(mktemp -d "${TMPDIR:-/tmp}/chama-$kind.XXXXXX") || exit 1
trap 'chmod -R u+rwX "$work" 2>/dev/null; rm -rf "$work"' EXIT
cp build/chama "$work/chama" && chmod 755 "$work" "$work/chama"

for test in tests/"$kind"/${only:-[0-9]}*.sh; do
    name=$(basename "$test" .sh)
    folder=$work/$name
    mkdir "$folder"
    log=$work/$name.log
    : >"$log"
    set -- env -i PATH="$PATH" HOME="$folder" TMPDIR="$folder" LANG=C.UTF-8 CHAMA="$work/chama" SOURCE="$root" FOLDER="$folder" sh "$root/$test"
    if [ "$(id -u)" -eq 0 ] && ! grep -q '^# needs root' "$test" && setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$root/$test" 2>/dev/null; then
        chown 65534:65534 "$folder"
        set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    fi
    timeout 300 "$@" >"$log" 2>&1 </dev/null
    status=$?
    ok=$(grep -c '^ok - ' "$log")
    bad=$(grep -c '^not ok - ' "$log")
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    if [ "$bad" -gt 0 ] || [ "$ok" -eq 0 ]; then
        [ "$bad" -gt 0 ] || bad=1
        echo "--- $name (exit $status)"
        grep -A 12 '^not ok - ' "$log" | head -n 200
        [ "$status" -eq 0 ] || tail -n 20 "$log"
    else
        echo "$name: $ok ok"
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
done
echo "$kind: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
