# For the tests that cut pushes: `. "$SOURCE/tests/faults/cuts_push.sh"`, after cuts.sh, in place of what a sync does there.

# session: one push.  What it brought is known by what is still to come; the peer says the same, where it could still say it.  The one before never keeps it waiting (PS6).
session() {
    sessions=$((sessions + 1)) before=$after
    if [ $((sessions % 5)) -eq 4 ]; then
        killed "$(awk -v s="$sessions" 'BEGIN { srand(s); printf "%.3f", 0.02 + rand() * 0.25 }')" "$CHAMA" --home a push tourism
        kills=$((kills + 1)) after=$(wanted)
        [ "$after" -le "$before" ] || bad "session $sessions: killed: $before bytes were to come, now $after"
        return
    fi
    begun=$(milliseconds)
    "$CHAMA" --home a push tourism --json >.session 2>.err
    status=$? took=$(($(milliseconds) - begun))
    case $status in 0 | 5) ;; *) bad "session $sessions: want exit 0 or 5, have $status" "$(cat .session .err)" ;; esac
    [ "$took" -le "$longest" ] || longest=$took
    after=$(wanted)
    [ "$after" -le "$before" ] || bad "session $sessions: $before bytes were to come, now $after"
    [ "$status" -ne 0 ] || equal_or_bad "session $sessions: stored bytes" $((before - after)) "$(sed -n 's/^ *"bytes": \([0-9]*\).*/\1/p' .session)"
}
longest=0

equal_or_bad() { [ "$2" = "$3" ] || bad "$1: want $2, have $3" "$(cat .session)"; }

complete() {
    echo "# $road: the longest push took $longest ms"
    if [ "$longest" -lt 20000 ]; then ok "$road: none was kept waiting"; else bad "$road: the longest push took $longest ms"; fi
    want "$road: the push that completes it" 0 chama a push tourism
}
