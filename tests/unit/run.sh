#!/bin/sh
# Runs unit test programs (GLib's TAP) and sums up: prints what failed and a closing line "unit: N passed, N failed".
passed=0 failed=0
for program in "$@"; do
    output=$("$program" --tap 2>&1)
    status=$?
    ok=$(printf '%s\n' "$output" | grep -c '^ok ')
    bad=$(printf '%s\n' "$output" | grep -c '^not ok ')
    if [ "$status" -ne 0 ] || [ "$bad" -gt 0 ]; then
        [ "$bad" -gt 0 ] || bad=1
        printf '%s\n' "--- $program (exit $status)" "$output" >&2
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
done
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
