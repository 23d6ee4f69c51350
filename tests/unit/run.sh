#!/bin/sh
# Runs unit test programs (GLib's TAP), as many at once as there are processors, and sums up: prints what failed and a closing line
# "unit: N passed, N failed".
logs=$(mktemp -d "${TMPDIR:-/tmp}/chama-unit.XXXXXX") || exit 1
trap 'rm -rf "$logs"' EXIT
passed=0 failed=0
# what tests leave goes with it
mkdir "$logs/tmp"

# They wait for the disk more than they compute.
printf '%s\n' "$@" | LOGS=$logs xargs -P "$(($(nproc) * 2))" -I {} sh -c '
    log=$LOGS/${1##*/}
    TMPDIR=$LOGS/tmp "$1" --tap >"$log" 2>&1
    echo $? >"$log.status"' sh {}

for program in "$@"; do
    log=$logs/${program##*/}
    status=$(cat "$log.status" 2>/dev/null || echo none)
    ok=$(grep -c '^ok ' "$log")
    bad=$(grep -c '^not ok ' "$log")
    if [ "$status" != 0 ] || [ "$bad" -gt 0 ]; then
        [ "$bad" -gt 0 ] || bad=1
        { echo "--- $program (exit $status)"; cat "$log"; } >&2
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
done
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
