# For the tests that cut: `. "$SOURCE/tests/faults/cuts.sh"`, after tests/lib.sh and kill.sh.  A test defines nodes_ROAD, which makes homes a (the sender) and b, with an address over
# the link for whom the other dials, prepare_ROAD, called before they are paired, and server_ROAD, which prints what the link leads to; and calls cuts ROAD.
# What it defines after this file takes the place of what is here: session and complete.
export PYTHONDONTWRITEBYTECODE=1
cuts_wanted=${CHAMA_CUTS:-8}
size=6291456
in_flight=$((1024 * 1024))   # what may be lost with a cut: buffers of both ends and of the link between them

# fresh N: another version of `data`, random bytes in files of all sizes.
fresh() {
    python3 - "$1" "$size" <<'PYTHON'
import os, random, sys
chance, size = random.Random(int(sys.argv[1])), int(sys.argv[2])
os.makedirs("data", exist_ok=True)
sizes = [400] * 200 + [40000] * 30
for number, length in enumerate(sizes + [size - sum(sizes)]):
    with open(f"data/{number}", "wb") as file:
        file.write(chance.randbytes(length))
PYTHON
    "$CHAMA" --home a publish data data --share conditional >/dev/null 2>.err || bad "publish $1" "$(cat .err)"
}

# number FILE NAME: of the first object in a file of JSON.
number() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[0][sys.argv[2]])' "$1" "$2"; }

# wanted: bytes that are still to come, asked for while the link is calm.
wanted() {
    touch link/calm
    "$CHAMA" --home b sync --dry-run --json >.json 2>.err || bad "a dry run" "$(cat .err)"
    rm link/calm
    number .json wanted_bytes
}

# records HOME: how many its ledger has: inception and profile; a manifest and a delivery of each version, a grant; a receipt.
records() { chama "$1" status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["records"])'; }

# session: one sync, killed now and then; what it says that it stored must be what is no longer wanted.
session() {
    sessions=$((sessions + 1)) before=$after
    if [ $((sessions % 5)) -eq 4 ]; then
        killed "$(awk -v s="$sessions" 'BEGIN { srand(s); printf "%.3f", 0.02 + rand() * 0.25 }')" "$CHAMA" --home b sync
        kills=$((kills + 1)) after=$(wanted)
        [ "$after" -le "$before" ] || bad "session $sessions: killed: $before bytes were to come, now $after"
        return
    fi
    "$CHAMA" --home b sync --json >.session 2>.err
    status=$?
    case $status in 0 | 5) ;; *) bad "session $sessions: want exit 0 or 5, have $status" "$(cat .session .err)" ;; esac
    after=$(wanted)
    stored=$(number .session bytes)
    [ $((before - after)) -eq "$stored" ] || bad "session $sessions: $before bytes were to come, now $after, but $stored were stored"
}

complete() { want "$road: the sync that completes it" 0 chama b sync --json; }

# cuts ROAD [up]: all of it over that road; up: content goes from who dials to who answers.
cuts() {
    road=$1 direction=${2:-down} sessions=0 kills=0 versions=1
    rm -rf a b link data && mkdir link
    touch link/calm
    python3 "$SOURCE/tests/faults/cuts.py" link 7 3000000 "$direction" 2>link/err &
    servers="$servers $!"
    proxy=$!
    while [ ! -e link/address ]; do sleep 0.05; done
    "nodes_$road"
    "prepare_$road"
    "server_$road" >link/target
    start a
    start b
    pair a b
    chama b follow 'forestry/*' >/dev/null
    fresh 1
    chama a grant data tourism >/dev/null
    after=$(wanted)
    equal "$road: all is to come" "$after" "$size"
    while [ "$(cat link/cuts)" -lt "$cuts_wanted" ]; do
        if [ "$after" -eq 0 ]; then
            versions=$((versions + 1))
            fresh "$versions"
            after=$(wanted)
        fi
        session
    done
    touch link/calm
    complete
    sent=$(cat link/bytes) needed=$((versions * size))
    want "$road: and the sender's, for the receipts" 0 chama a sync
    echo "# $road: $(cat link/cuts) cuts and $kills kills in $sessions sessions, $versions versions of $size bytes; $((sent - needed)) bytes beside them went over the link"
    if [ $((sent - needed)) -le $((in_flight + needed / 20 + (kills + $(cat link/cuts)) * in_flight / 4)) ]; then
        ok "$road: what was sent beside what was needed is what a cut can lose"
    else
        bad "$road: $sent bytes were sent for $needed"
    fi
    want "$road: verify" 0 chama b verify
    want "$road: fsck of the receiver" 0 chama b fsck
    want "$road: fsck of the sender" 0 chama a fsck
    want "$road: get" 0 chama b get forestry/data written
    same_tree "$road: what arrived is what was published" data written
    rm -rf written
    for home in a b; do
        want "$road: receipts of $home" 0 chama $home receipts --json
        equal "$road: one delivery and one receipt of each version" "$(printf '%s\n' "$out" | grep -c '"standing": "matched"')/$(printf '%s\n' "$out" | grep -c '"standing":')" "$versions/$versions"
    done
    equal "$road: and no more in the ledgers" "$(records a) $(records b)" "$((3 + 2 * versions)) $((2 + versions))"
    stop b
    stop a
    kill "$proxy"
}
