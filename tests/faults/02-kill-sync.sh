#!/bin/sh
# I2: the receiver of a sync, then its daemon at the other end, killed (SIGKILL) at moments spread over the transfer: the next sync just works, asks only
# for what did not arrive, and nothing is damaged.
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"

# What was on its way when either end died: socket buffers of both ends and one buffer of the program.
on_its_way=$((12 * 1024 * 1024))

# more N: 24 MB that were in no version before, in files of 4 MB, 40 KB and 400 bytes.
more() {
    python3 - "$1" <<'PYTHON'
import os, random, sys
n = int(sys.argv[1])
random.seed(n)
os.makedirs("data", exist_ok=True)
for size, count in ((4 << 20, 5), (40000, 80), (400, 200)):
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
more 0
began=$(milliseconds)
want "an undisturbed sync, measured" 0 chama b sync
duration=$(($(milliseconds) - began))
echo "# a sync takes $duration ms"

# attempts KILLER: one version and five kills of it, then a sync that completes.
number=0 hits=0 refetched=0
attempt() {
    killer=$1
    shift
    number=$((number + 1))
    more "$number"
    before=$(wanted)
    for moment in "$@"; do
        sent_before=$(sent)
        "$killer" "$moment"
        after=$(wanted)
        if [ "$after" -gt "$before" ]; then bad "version $number, $killer at $moment: $before bytes were to come, now $after"; fi
        again=$(($(sent) - sent_before - (before - after)))
        if [ "$again" -gt "$refetched" ]; then refetched=$again; fi
        if [ "$after" -gt 0 ]; then hits=$((hits + 1)); fi
        before=$after
    done
    if ! "$CHAMA" --home b sync --json >.out 2>.err; then bad "version $number: the sync after the kills" "$(cat .out .err)"; fi
    equal "version $number: only what was missing was fetched" "$(python3 -c 'import json; print(json.load(open(".out"))[0]["bytes"])')" "$before"
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

moments 60 "$duration" >moments
while read -r m1 && read -r m2 && read -r m3 && read -r m4 && read -r m5 && read -r m6; do attempt kill_receiver "$m1" "$m2" "$m3" "$m4" "$m5" "$m6"; done <moments
want "fsck after the receiver was killed" 0 chama b fsck
echo "# $hits of 60 kills of the receiver hit a transfer; at most $refetched bytes were sent for nothing"
[ "$hits" -ge 15 ] && ok "many kills hit a transfer" || bad "only $hits of 60 kills hit a transfer"
[ "$refetched" -le "$on_its_way" ] && ok "what had arrived was kept" || bad "what had arrived was kept: $refetched bytes were sent for nothing"

hits=0
moments 40 "$duration" >moments
while read -r m1 && read -r m2 && read -r m3 && read -r m4 && read -r m5; do attempt kill_server "$m1" "$m2" "$m3" "$m4" "$m5"; done <moments
echo "# $hits of 40 kills of the daemon hit a transfer"
[ "$hits" -ge 10 ] && ok "many kills hit a transfer" || bad "only $hits of 40 kills hit a transfer"

want "fsck of the receiver" 0 chama b fsck
want "fsck of the sender" 0 chama a fsck
want "verify" 0 chama b verify
want "get" 0 chama b get forestry/data written
same_tree "what arrived is what was published" data written
left=$(find a b -name '*.tmp-*' -o -name '*_git2_*')
equal "no temporary files are left" "$left" ""
