#!/bin/sh
# Far away: a link of 100 ms there and back (bytes held back by a program), and one that also loses 2 of 100 packets (netem, where the kernel has it, in a network namespace of its own).
# All comes, and no slower than the requests that it takes: a few for the ledger, one for each 64 MiB.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
size=$((20000000 + 2000 * 4096))

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# transfer WHAT PER_REQUEST: a large file and 2000 small ones, in no more than PER_REQUEST milliseconds a request and 3 seconds.
transfer() {
    python3 -c '
import os
os.makedirs("data")
open("data/large", "wb").write(os.urandom(20000000))
for i in range(2000):
    open(f"data/{i}", "wb").write(os.urandom(4096))'
    chama a publish data data --share open >/dev/null
    chama b follow '*' >/dev/null 2>&1
    began=$(milliseconds)
    want "$1: a sync" 0 chama b sync --json
    took=$(($(milliseconds) - began))
    requests=$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["requests"])')
    equal "$1: all came, once" "$(printf '%s' "$out" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["bytes"])')" "$size"
    echo "# $1: $size bytes in 2001 files in $took ms, $requests requests"
    if [ "$took" -le $((3000 + requests * $2)) ]; then ok "$1: in the time of its requests"; else bad "$1: $took ms for $requests requests"; fi
    want "$1: verify" 0 chama b verify
}

if [ "${1:-}" = netem ]; then
    ip link set lo up
    if ! tc qdisc add dev lo root netem delay 50ms loss 2% 2>.err; then
        echo "ok - skipped: a link that loses packets: tc: $(tail -n 1 .err)"
        exit 0
    fi
    make_node a Forestry
    make_node b Tourism
    start a
    pair a b
    # a loss costs a round trip or more, and the sender's window
    transfer "100 ms and 2 % loss" 2000
    exit 0
fi

mkdir link
python3 "$SOURCE/tests/faults/delayed.py" link 50 &
servers="$servers $!"
while [ ! -e link/address ]; do sleep 0.05; done
make_node a Forestry --url "https://$(cat link/address)"
make_node b Tourism
address_of a >link/target
start a
pair a b
transfer "100 ms" 100
stop a
rm -rf a b data
if ! unshare -rn true 2>.err; then
    echo "ok - skipped: a link that loses packets: $(cat .err)"
elif ! command -v tc >/dev/null; then
    echo "ok - skipped: a link that loses packets: no tc"
else
    unshare -rn sh "$SOURCE/tests/faults/11-delay.sh" netem || bad "the network namespace ended badly"
fi
