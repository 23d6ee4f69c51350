#!/bin/sh
# Installs what is missing, builds with warnings as errors, runs every test; the last line is "N passed, N failed".
#   check.sh          all
#   check.sh e2e ...  only these stages: unit e2e interop faults fuzz sanitize
set -u
cd "$(dirname "$0")/.." || exit 1
stages=${*:-unit fuzz e2e interop faults sanitize}
jobs=$(nproc)
passed=0 failed=0

add() {  # passed failed
    passed=$((passed + $1)) failed=$((failed + $2))
}

# Runs a command whose last line is "NAME: N passed, N failed", and counts what it says; dying without one is a failure.
count() {
    log=$(mktemp)
    "$@" >"$log" 2>&1
    status=$?
    cat "$log"
    line=$(grep -E '^[a-z0-9]+: [0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
    rm -f "$log"
    # shellcheck disable=SC2046
    set -- $(printf '%s\n' "$line" | sed -E 's/^[a-z0-9]+: ([0-9]+) passed, ([0-9]+) failed$/\1 \2/')
    if [ $# -ne 2 ]; then add 0 1; echo "FAILED: no result (exit $status)"; return; fi
    add "$1" "$2"
    [ "$status" -eq 0 ] || [ "$2" -gt 0 ] || add 0 1
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

sh scripts/packages.sh test || { failed=1; finish; }
make -j"$jobs" all >build.log 2>&1 || { tail -n 40 build.log; rm -f build.log; echo "FAILED: build"; failed=1; finish; }
rm -f build.log

for stage in $stages; do
    echo "== $stage"
    case $stage in
    unit) count make -s -j"$jobs" unit ;;
    fuzz) count make -s -j"$jobs" fuzz ;;
    e2e) count sh tests/run.sh e2e ;;
    interop) count sh tests/run.sh interop ;;
    faults) count sh tests/run.sh faults ;;
    sanitize) count make -s -j"$jobs" SANITIZE=1 unit; count make -s -j"$jobs" SANITIZE=1 fuzz ;;
    *) echo "check.sh: $stage: no such stage" >&2; exit 2 ;;
    esac
done
finish
