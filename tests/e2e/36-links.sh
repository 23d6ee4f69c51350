#!/bin/sh
# Slow, broken and hostile links: rate limits (PU50), sessions side by side (PU51), backoff (PU52), turns (PU54), and peers that speak rubbish or for ever.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1

milliseconds() { echo $(($(date +%s%N) / 1000000)); }
# between WHAT LEAST MOST HAVE
between() { if [ "$4" -ge "$2" ] && [ "$4" -le "$3" ]; then ok "$1: $4"; else bad "$1: want $2 to $3, have $4"; fi; }
# configure HOME GROUP LINE: LINE in the place of the key of that name in [GROUP].
configure() { python3 -c '
import sys
path, group, line = sys.argv[1:]
text, key = open(path).read().split("\n"), line.split(" =")[0]
start = text.index(f"[{group}]")
end = next((i for i in range(start + 1, len(text)) if text[i].startswith("[")), len(text))
text[start + 1:end] = [line] + [kept for kept in text[start + 1:end] if not kept.startswith(key + " =")]
open(path, "w").write("\n".join(text))' "$FOLDER/$1/config.ini" "$2" "$3"; }
# until SECONDS COMMAND...
until_true() {
    tries=$(($1 * 10))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.1
    done
}

make_node a Forestry
make_node b Tourism
make_node v Victim
pair a b
chama b follow '*' >/dev/null
mkdir data
publish() { head -c 600000 /dev/urandom >data/noise && chama a publish noise data --share open >/dev/null; }
publish

# PU50: what is fetched.
want "a limit that is none" 2 chama b sync --limit-rate fast
has "is refused by name" "$err" "--limit-rate: PU50: want a number of bytes a second"
want "hours that are none" 2 chama b sync --limit-rate '9:00-17:00 1M'
want "no time at all" 2 chama b sync --limit-rate '08:00-08:00 1M'
has "is refused by name" "$err" "--limit-rate: PU50: want two different times, or RATE alone for all day, have 08:00-08:00 1M"
start a
chama b sync --dry-run >/dev/null
began=$(milliseconds)
want "a sync at 300K" 0 chama b sync --limit-rate 300K
between "takes its time in ms" 1400 6000 $(($(milliseconds) - began))
publish
began=$(milliseconds)
want "at other hours there is no limit" 0 chama b sync --limit-rate "$(date -d '2 hours' +%H):00-$(date -d '3 hours' +%H):00 1K"
between "in ms" 0 1500 $(($(milliseconds) - began))

# PU51: owner and mirror at once, in two processes: each chunk comes once.  Two that sync with each other.
make_node m Mirror
start m
pair a m
pair b m
chama m follow '*' >/dev/null
publish
chama m sync >/dev/null 2>&1 || bad "the mirror's sync"
chama b sync --dry-run >/dev/null 2>&1
"$CHAMA" --home b sync --json --limit-rate 400K mirror >one.json 2>one.err &
one=$!
sleep 0.3
want "PU51: a sync beside another one, with another peer" 0 chama b sync --json --limit-rate 400K forestry
printf '%s' "$out" >two.json
wait "$one"
equal "both end well" "$?" 0
equal "and each chunk came once" "$(python3 -c 'import json; print(sum(json.load(open(f))[0]["bytes"] for f in ("one.json", "two.json")))')" 600000
start b
publish
"$CHAMA" --home a sync >.one 2>&1 &
one=$!
want "PU51: two that sync with each other" 0 timeout 20 "$CHAMA" --home b sync forestry
wait "$one"
equal "do not wait for each other" "$?" 0
stop b

# PU55: a mirror that is slow has the dataset, the owner has it, too.
stop m
printf '\n[peer tourism]\nlimit-rate = 4K\n' >>m/config.ini
start m
publish
chama m sync >/dev/null 2>&1
sed -i 's/^parallel = .*/&\nturn = 1/' b/config.ini
"$CHAMA" --home b sync mirror >one.out 2>one.err &
one=$!
sleep 1.5
want "PU55: a sync with the owner" 0 timeout 15 "$CHAMA" --home b sync forestry
has "has the dataset from it" "$out$err" "chunks fetched"
wait "$one"
has "for the slow mirror gives way" "$(cat one.err)" "PU55: gives way to a session with another peer"

# Ctrl-C.
publish
timeout --preserve-status -s INT 2 "$CHAMA" --home b sync forestry --limit-rate 60K >.out 2>.err
equal "a sync is stopped" "$?" 1
equal "and says how it goes on" "$(tail -n 1 .err)" "chama: forestry: sync: stopped; the next sync goes on from there"

# PU50: what is served, to one peer; others are not held up.
stop a
printf '\n[peer tourism]\nlimit-rate = 300K\n[peer turism]\ninterval = 5\n' >>a/config.ini
start a
publish
began=$(milliseconds)
chama b sync forestry >/dev/null 2>&1 &
syncing=$!
sleep 0.4
for _ in 1 2 3 4 5 6 7 8; do curl -sk -o /dev/null "https://$(address_of a)/v1/node" || bad "no answer beside a limited one"; done
between "others are answered meanwhile, in ms" 0 1200 $(($(milliseconds) - began))
wait "$syncing"
between "a peer that is limited takes its time in ms" 1400 6000 $(($(milliseconds) - began))
want "and it has all" 0 chama b verify
has "a section for nobody is told of" "$(cat a.log)" "config peer=turism error="
has_not "one for a peer is not" "$(cat a.log)" "config peer=tourism"
want "status" 0 chama a status
has "says it, too" "$out" "CONFIG     [peer turism]: config.ini has a section for it, and no peer goes by that name"

# Rubbish, floods, no end.
python3 "$SOURCE/tests/e2e/hostile_links.py" "$CHAMA" "$FOLDER/v" "$FOLDER" all || bad "hostile_links.py ended badly"

# PU54, PU51: one place, a peer that trickles, and another one; then a person, too.
pair a v
chama v follow '*' >/dev/null
python3 "$SOURCE/tests/e2e/hostile_links.py" "$CHAMA" "$FOLDER/v" "$FOLDER" slow >slow.out &
servers="$servers $!"
until_true 20 grep -q ready slow.out || bad "the slow peer is not ready"
configure v sync 'parallel = 1'
configure v sync 'turn = 1'
configure v sync 'interval = 1'
start v
until_true 10 grep -q 'gives way' v.log || bad "the slow peer does not give way" "$(cat v.log)"
publish
newest=$(chama a show noise --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')
if until_true 15 chama v verify "forestry/noise@$newest"; then ok "PU54: a peer that trickles holds up nobody, with one place"; else bad "PU54: the other peer waits" "$(tail -n 5 v.log)"; fi
want "PU51: a person's sync with another peer does not wait for it" 0 timeout 10 "$CHAMA" --home v sync forestry

# PU52: a peer that is gone.
stop a
until_true 10 sh -c 'chama_json=$("$0" --home v status --json) && echo "$chama_json" | grep -q "\"failures\": [1-9]"' "$CHAMA" || bad "no failure is kept"
status_of() { chama v status --json | python3 -c 'import json, sys; print(next(p for p in json.load(sys.stdin)["peers"] if p["peer"] == "forestry").get(sys.argv[1]))' "$1"; }
has "status tells what happened" "$(chama v status)" "failed "
has "and when it is tried again" "$(chama v status)" "; again at 20"
has_not "also to scripts" "$(status_of next_try)" "None"
has "and peer ls" "$(chama v peer ls)" "; again at 20"
until_true 10 grep -q 'error="as before"' v.log || bad "a second failure is not told" "$(grep error v.log)"
equal "the same failure is told at full length once" "$(grep 'peer=forestry' v.log | grep -c 'error=.*https://')" 1
start a
want "by hand at once" 0 chama v sync forestry
equal "and all is well" "$(status_of failures)" 0
kill "$(cat v.pid)"
wait "$(cat v.pid)"
equal "a daemon with a session that trickles ends at once" "$?" 0
want "fsck" 0 chama v fsck
