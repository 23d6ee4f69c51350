#!/bin/sh
# I2: the receiver of a sync, then its daemon at the other end, killed (SIGKILL) at moments spread over the transfer: the next sync just works, asks only
# for what did not arrive, and nothing is damaged.
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"

# What was on its way when either end died: socket buffers of both ends and one buffer of the program.
on_its_way=$((12 * 1024 * 1024))

# more N: a version of 8 MB that were in none before, in files of 3 MB, 40 KB and 400 bytes.
size=$((2 * (3 << 20) + 45 * 40000 + 200 * 400))
more() {
    python3 - "$1" <<'PYTHON'
import os, random, sys
n = int(sys.argv[1])
random.seed(n)
os.makedirs("data", exist_ok=True)
for size, count in ((3 << 20, 2), (40000, 45), (400, 200)):
    for i in range(count):
        with open("data/%d-%d" % (size, i), "wb") as f:
            f.write(random.randbytes(size))
PYTHON
    "$CHAMA" --home a publish data data --share open >.out 2>.err || bad "publish $n" "$(cat .err)"
}

# wanted: bytes that are still to come, by a sync that fetches nothing.
wanted() { "$CHAMA" --home b sync --dry-run --json 2>.err | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["wanted_bytes"])'; }

# sent: bytes of content that the daemon has sent, by its own log.
sent() { sed -n 's/.*path=[^ ]*chunks.* bytes=\([0-9]*\).*/\1/p' a.log | awk '{ s += $1 } END { print s + 0 }'; }

make_node a Forestry
make_node b Tourism
start a
pair a b
want "follow" 0 chama b follow 'forestry/*'
duration=100000
for n in 1000 1001 1002 1003; do
    more "$n"
    began=$(milliseconds)
    want "an undisturbed sync, measured" 0 chama b sync
    took=$(($(milliseconds) - began))
    if [ "$took" -lt "$duration" ]; then duration=$took; fi
done
echo "# a sync takes $duration ms"

# attempt KILLER MOMENT: a new version, a kill of its sync; after every fifth a sync that completes.
number=0 hits=0 after=0
attempt() {
    number=$((number + 1))
    more "$number"
    before=$((after + size))
    "$1" "$2"
    after=$(wanted)
    if [ "$after" -gt "$before" ]; then bad "$1 at $2: $before bytes were to come, now $after"; fi
    if [ "$after" -gt 0 ]; then hits=$((hits + 1)); fi
    if [ $((number % 5)) -ne 0 ]; then return; fi
    if ! "$CHAMA" --home b sync --json >.out 2>.err; then bad "version $number: the sync after the kills" "$(cat .out .err)"; fi
    equal "version $number: only what was missing was fetched" "$(python3 -c 'import json; print(json.load(open(".out"))[0]["bytes"])')" "$after"
    after=0
}

kill_receiver() { killed "$1" "$CHAMA" --home b sync; sleep 0.02; }
kill_server() {
    "$CHAMA" --home b sync >.out 2>.err &
    receiver=$!
    sleep "$1"
    kill -KILL "$(cat a.pid)"
    wait "$receiver"
    status=$?
    case $status in 0 | 1 | 5) ;; *) bad "sync whose peer was killed at $1: want exit 0, 1 or 5, have $status" "$(cat .err)" ;; esac
    cp a.log before.log
    stop a 2>/dev/null
    start a
    cat before.log a.log >both.log && cat both.log >a.log
}

for moment in $(moments 60 "$duration"); do attempt kill_receiver "$moment"; done
want "fsck after the receiver was killed" 0 chama b fsck
echo "# $hits of 60 kills of the receiver left something to fetch"
[ "$hits" -ge 5 ] && ok "kills hit a transfer" || bad "only $hits of 60 kills hit a transfer"

hits=0
for moment in $(moments 40 "$duration"); do attempt kill_server "$moment"; done
echo "# $hits of 40 kills of the daemon left something to fetch"
[ "$hits" -ge 5 ] && ok "kills hit a transfer" || bad "only $hits of 40 kills hit a transfer"

# A large version, killed half a dozen times: each time what had arrived stays.
head -c 60000000 /dev/urandom >data/noise
want "publish a large file" 0 chama a publish data data
before=$(wanted) refetched=0
for times in 20 30 25 15 30 20; do
    moment=$(awk -v d="$duration" -v t="$times" 'BEGIN { printf "%.3f", d * t / 10000 }')
    sent_before=$(sent)
    kill_receiver "$moment"
    after=$(wanted)
    again=$(($(sent) - sent_before - (before - after)))
    if [ "$again" -gt "$refetched" ]; then refetched=$again; fi
    before=$after
done
echo "# at most $refetched bytes were sent for nothing, $after of 60000000 are still to come"
[ "$refetched" -le "$on_its_way" ] && ok "what had arrived was kept" || bad "what had arrived was kept: $refetched bytes were sent for nothing"
want "the sync that completes it" 0 chama b sync --json
equal "fetches only what was missing" "$(printf '%s' "$out" | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["bytes"])')" "$after"

want "fsck of the receiver" 0 chama b fsck
want "fsck of the sender" 0 chama a fsck
want "verify" 0 chama b verify
want "get" 0 chama b get forestry/data written
same_tree "what arrived is what was published" data written
# Temporary files of those who were killed go with the next gc, once nobody can be at work on them.
find a b -name '*.tmp-??????' -exec touch -d '2 hours ago' {} +
want "gc of a" 0 chama a gc
want "gc of b" 0 chama b gc
left=$(find a b -name '*.tmp-*' -o -name '*_git2_*' -o -name '*.lock' -path '*refs*')
equal "no temporary files are left" "$left" ""
