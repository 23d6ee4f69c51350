#!/bin/sh
# I2, T19: a witness in several processes at once, all killed (SIGKILL) again and again, never cosigns two histories, never a smaller checkpoint after a larger
# one, and forgets nothing that left it.
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"
export PYTHONDONTWRITEBYTECODE=1
python() { python3 "$SOURCE/tests/faults/cosign.py" "$@"; }
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

make_node w Witness
make_node z Equivocator
make_node a Forestry
pair w z
pair w a
for home in w z a; do start $home; done
want "the witness sees a log" 0 chama w sync equivocator
want "whose owner knows the witness" 0 chama z sync

# The owner of that log signs two histories; the two daemons of the witness get one each at the same time.
id_z=$(chama z id --json | field node)
vkey=$(chama w id --json | field witness)
curl -s -k "https://$(address_of z)/log/$id_z/checkpoint" >note
size=$(sed -n 2p note)
curl -s -k "https://$(address_of z)/log/$id_z/tile/0/000.p/$size" >leaves
stop z
python3 - "$id_z" "$(chama z id --json | field log)" "$vkey" z/keys/log.key <<'END' >state
import json, sys
leaves = open("leaves", "rb").read()
print(json.dumps({"origin": "chama/" + sys.argv[1], "id": sys.argv[2].split("+")[1], "vkey": sys.argv[3], "key": sys.argv[4],
                  "leaves": [leaves[i:i + 32].hex() for i in range(0, len(leaves), 32)], "branches": [], "given": {}, "largest": 0}))
END
stop w
second=127.0.0.1:$(port)
kills=0 running=$servers
for moment in $(moments 40 900); do
    rm -f w.log second.log
    "$CHAMA" --home "$FOLDER/w" serve 2>>w.log &
    one=$!
    "$CHAMA" --home "$FOLDER/w" serve --listen "$second" 2>>second.log &
    two=$!
    servers="$running $one $two"
    for _ in $(seq 200); do
        grep -q listening w.log 2>/dev/null && grep -q listening second.log 2>/dev/null && break
        sleep 0.02
    done
    python fork state "$(address_of w)" "$second" >forked 2>&1 &
    client=$!
    sleep "$moment"
    kill -9 $one $two
    kills=$((kills + 2))
    wait $one $two 2>/dev/null
    wait $client || bad "after $kills kills" "$(cat forked)"
done
servers=$running
start w
want "what two processes gave, killed $kills times" 0 python judge state "$(address_of w)"
has "is of one history" "$out" "all of one history"
echo "# $out"
equal "each of them holds the other's work" "$([ "$(python3 -c 'import json; print(len(json.load(open("state"))["given"]))')" -gt 40 ] && echo enough)" enough

# A sync that is killed beside a daemon that is asked, of a ledger that grows.
id_a=$(chama a id --json | field node)
mkdir data
grown() { date +%N >data/now; chama a publish data data --share open >/dev/null 2>&1 || bad "publish"; }
grown
began=$(milliseconds)
want "an undisturbed sync, measured" 0 chama w sync forestry
duration=$(($(milliseconds) - began))
chama a sync >/dev/null 2>&1 || bad "the owner learns the witness's keys"
interrupted=0 pushed=0
: >lines
for moment in $(moments 40 "$duration"); do
    grown
    curl -s -k "https://$(address_of a)/log/$id_a/checkpoint" >note
    size=$(sed -n 2p note)
    : >leaves
    [ "$size" -lt 256 ] || curl -s -k "https://$(address_of a)/log/$id_a/tile/0/000" >>leaves
    [ "$size" -lt 256 ] && curl -s -k "https://$(address_of a)/log/$id_a/tile/0/000.p/$size" >>leaves
    python push note leaves "$(address_of w)" >line &
    client=$!
    killed "$moment" "$CHAMA" --home "$FOLDER/w" sync forestry
    wait $client || bad "the witness's answer" "$(cat line)"
    kills=$((kills + 1))
    [ "$status" -eq 137 ] && interrupted=$((interrupted + 1))
    if [ -s line ]; then
        pushed=$((pushed + 1))
        cat note line >cosigned
        python3 "$SOURCE/tests/interop/cosigned.py" "$vkey" cosigned >/dev/null || bad "a line that does not hold"
    fi
    curl -s -k --cert a/keys/tls.crt --key a/keys/tls.key "https://$(address_of w)/witness/$(printf %s "chama/$id_a" | sha256sum | cut -d' ' -f1)/checkpoint" >kept
    last=$(sed -n 2p kept)
    [ ! -s line ] || [ "$last" -ge "$size" ] || bad "of $size records it gave a line, and holds $last"
    [ "$last" -ge "${before:-0}" ] || bad "from $before records back to $last"
    before=$last
done
[ "$interrupted" -gt 0 ] && [ "$pushed" -gt 0 ] && ok "$interrupted of 40 syncs were interrupted, $pushed checkpoints cosigned by the daemon meanwhile" || bad "some of each" "$interrupted" "$pushed"
[ "$kills" -ge 100 ] && ok "$kills kills" || bad "$kills kills"
want "a whole sync then" 0 chama w sync forestry
want "and the owner's" 0 chama a sync
want "which has the witness's line" 0 chama a verify
has "of its newest records" "$out" "ledger of this node: cosigned by 1 known node"
want "no evidence against the honest one" 0 chama w evidence --json
has_not "is kept" "$out" "$id_a"
for home in w a; do want "the home of $home is sound" 0 chama $home fsck; done
