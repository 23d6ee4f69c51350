#!/bin/sh
# Replays tests/fuzz/corpus/NAME/* through each target build/fuzz_NAME; closing line "fuzz: N passed, N failed".
passed=0 failed=0
for program in "$@"; do
    name=${program##*/fuzz_}
    if output=$("$program" tests/fuzz/corpus/"$name"/* 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s\n' "--- $program" "$output" >&2
    fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
