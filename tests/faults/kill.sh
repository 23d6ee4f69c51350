# For the tests that kill: `. "$SOURCE/tests/faults/kill.sh"`, after tests/lib.sh.

# milliseconds: now, on a clock that only serves to take differences.
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# moments COUNT DURATION: COUNT moments in seconds, spread evenly over DURATION milliseconds (and a tenth more), in an order that is shuffled but
# the same every time.
moments() {
    awk -v n="$1" -v d="$2" 'BEGIN { srand(7); for (i = 0; i < n; i++) m[i] = 0.002 + (i + rand()) * 1.1 * d / n / 1000;
        for (i = n - 1; i > 0; i--) { j = int(rand() * (i + 1)); t = m[i]; m[i] = m[j]; m[j] = t } for (i = 0; i < n; i++) printf "%.4f\n", m[i] }'
}

# killed MOMENT COMMAND...: runs it and kills it (SIGKILL) after so many seconds; status 137, or its own if it was done before.  `chama` of
# lib.sh is a function, which timeout(1) cannot run: give "$CHAMA" --home ...
killed() {
    killed_moment=$1
    shift
    timeout -s KILL "$killed_moment" "$@" >"$FOLDER/.out" 2>"$FOLDER/.err"
    status=$?
    out=$(cat "$FOLDER/.out") err=$(cat "$FOLDER/.err")
}
