#!/bin/sh
# Runs tests/KIND/NN-*.sh, one more at once than there are processors (most of them wait for something half of the time), and sums up in their order: "KIND: N passed, N failed".
# A test prints "ok - what" or "not ok - what" lines (tests/lib.sh) and its exit status counts too.
set -u
kind=${1:?e2e, interop or faults}
only=${2:-}
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0

work=$(mktemp -d "${TMPDIR:-/tmp}/chama-$kind.XXXXXX") || exit 1
trap 'chmod -R u+rwX "$work" 2>/dev/null; rm -rf "$work"' EXIT
cp build/chama "$work/chama" && chmod 755 "$work" "$work/chama"
# A copy that an ordinary user can read, wherever the project itself lies.
mkdir "$work/source" && cp -r README.md Makefile keys manifests sync node scripts tests "$work/source" && chmod -R a+rX "$work/source" || exit 1

printf '%s\n' tests/"$kind"/${only:-[0-9]}*.sh | xargs -P $(($(nproc) + 1)) -I {} sh tests/one.sh "$work" {}

for test in tests/"$kind"/${only:-[0-9]}*.sh; do
    name=$(basename "$test" .sh)
    log=$work/$name.log
    status=$(cat "$work/$name.status" 2>/dev/null || echo none)
    ok=$(grep -c '^ok - ' "$log")
    bad=$(grep -c '^not ok - ' "$log")
    if [ "$status" != 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    if [ "$bad" -gt 0 ] || [ "$ok" -eq 0 ]; then
        [ "$bad" -gt 0 ] || bad=1
        echo "--- $name (exit $status)"
        grep -A 12 '^not ok - ' "$log" | head -n 200
        [ "$status" = 0 ] || tail -n 20 "$log"
    else
        echo "$name: $ok ok"
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
done
echo "$kind: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
