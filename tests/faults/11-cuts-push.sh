#!/bin/sh
# A push, cut again and again: CHAMA_CUTS cuts (4 if it is not set) at random bytes in either direction, and kills of the pusher between them.  What came stays, and in the end all is
# here, verified, with one delivery and one receipt of each version.  The receiver cannot dial over the link; it dials the sender elsewhere to tell what is still to come.
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"
CHAMA_CUTS=${CHAMA_CUTS:-4}
. "$SOURCE/tests/faults/cuts.sh"

nodes_push() {
    make_node a Forestry
    make_node b Tourism --url "https://$(cat link/address)"
}
prepare_push() { :; }
server_push() { address_of b; }

# session: one push.  What one that was cut brought is known by what is still to come; the receiver may be at the one before for a moment (PS6: exit 1).
session() {
    sessions=$((sessions + 1)) before=$after
    if [ $((sessions % 5)) -eq 4 ]; then
        killed "$(awk -v s="$sessions" 'BEGIN { srand(s); printf "%.3f", 0.02 + rand() * 0.25 }')" "$CHAMA" --home a push tourism
        kills=$((kills + 1))
    else
        "$CHAMA" --home a push tourism --json >.session 2>.err
        status=$?
        case $status in 0 | 1 | 5) ;; *) bad "session $sessions: want exit 0, 1 or 5, have $status" "$(cat .session .err)" ;; esac
    fi
    after=$(wanted)
    [ "$after" -le "$before" ] || bad "session $sessions: $before bytes were to come, now $after"
}

cuts push up
