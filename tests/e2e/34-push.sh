#!/bin/sh
# `chama push`: a node that nobody can reach lets a peer take what it follows; what is refused, cut, and gone on with.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
json() { python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }

mkdir data closed && head -c 6000000 /dev/urandom >data/noise && echo few >closed/few
make_node a Forestry
make_node b Tourism
make_node c Stranger
start b
# a knows b, and b nothing of a's address: it could not dial it.
chama a peer add "$(chama b invite 2>/dev/null)" >/dev/null
chama c peer add "$(chama b invite 2>/dev/null)" >/dev/null
id_a=$(chama a id | head -n 1)

# One that has no address comes to us: nothing failed where it has not.
want "a node without an address" 0 chama d init --name-en Hidden --url ''
chama d peer add "$(chama b invite 2>/dev/null)" >/dev/null
want "introduces itself" 4 chama d push tourism
want "and is accepted" 0 chama b peer accept "$(chama d id | head -n 1)"
want "a sync of all" 0 chama b sync
has_not "passes over it" "$out$err" "hidden"
want "of it alone" 5 chama b sync hidden
has "says whose turn it is" "$err" "it comes to us"
has_not "and notes no failure" "$(chama b status)" "failed"
want "it pushes" 0 chama d push tourism
printf '[peer nobody]\ninterval = 60\n' >>d/config.ini
want "a section for a peer that is none" 0 chama d status
has "is told of" "$out" "[peer nobody]: config.ini has a section for it, and no peer goes by that name"
want "a sync" 0 chama d sync
has "tells it, too" "$err" "[peer nobody]"
want "forgotten" 0 chama b peer rm hidden

chama a publish noise data --share open >/dev/null
chama a publish closed closed --share conditional >/dev/null 2>&1

want "not accepted there" 4 chama a push tourism
has "says what to do" "$err" "PS8: this node has introduced itself: its people accept it there (\`chama peer accept $id_a\`)"
has "and the receiver knows who waits" "$(chama b peer pending)" "$id_a"
want "of a node that is not known" 1 chama a push nobody
want "without a peer" 2 chama a push
want "with a bad rate" 2 chama a push tourism --limit-rate much
want "the receiver accepts it" 0 chama b peer accept "$id_a"
chama b follow 'forestry/*' >/dev/null 2>&1
chama a grant closed tourism >/dev/null
want "not the other one" 4 chama c push tourism

want "push" 0 chama a push tourism --json
equal "took two versions" "$(printf '%s' "$out" | json "['versions']")" 2
has "the receiver's log says what came" "$(cat b.log)" "push from=forestry records="
want "the receiver has the one" 0 chama b get forestry/noise got
same_tree "whole" data got
want "and the one that was granted" 0 chama b get forestry/closed got-closed
same_tree "whole" closed got-closed
want "verified" 0 chama b verify
want "once more" 0 chama a push tourism
has "nothing is new" "$out" "had all that it wants already"
want "the pusher fetches the receipt" 0 chama a sync tourism
want "a pair" 0 chama a receipts
has "of delivery and receipt" "$out" "matched"
equal "one alone" "$(printf '%s\n' "$out" | wc -l)" 1
want "nothing" 0 chama b receipts --unmatched
equal "is owed" "$out" ""

# Cut in the middle, on either side, and gone on with: no chunk comes twice.
log_has() {  # PATTERN COUNT
    for _ in $(seq 100); do [ "$(grep -c "$1" b.log)" -ge "$2" ] && return 0; sleep 0.05; done
    bad "the receiver's log has no $1" "$(tail -n 5 b.log)"
}
head -c 8000000 /dev/urandom >data/noise
chama a publish noise data --share open >/dev/null
whole=$(chama a show noise | awk '$1 == "chunks" { print $2 }')
"$CHAMA" --home "$FOLDER/a" push tourism --limit-rate 3M >/dev/null 2>&1 &
pusher=$!
sleep 0.8
want "while one is under way another" 1 chama a push tourism
equal "is refused" "$err" "chama: tourism: PS6: a push to tourism is under way here; wait for its end"
has_not "which is no failure of a push" "$(chama a peer ls)" "under way"
kill -9 $pusher; wait $pusher 2>/dev/null
log_has 'push from=forestry problem' 1

# Over a link that goes dead without a word: the receiver sees no end of it, and the next push takes its place at once.
mkdir link && touch link/calm
python3 "$SOURCE/tests/faults/cuts.py" link 1 1000 up 2>link/err &
servers="$servers $!"
address_of b >link/target
while [ ! -e link/address ]; do sleep 0.05; done
sed -i "s,^url = .*,url = https://$(cat link/address)," b/config.ini
want "the address over the link" 0 chama a peer add "$(chama b invite 2>/dev/null)"
"$CHAMA" --home "$FOLDER/a" push tourism --limit-rate 1M >/dev/null 2>&1 &
pusher=$!
while [ "$(cat link/bytes)" -lt 500000 ]; do sleep 0.05; done
touch link/frozen; sleep 0.2
kill -9 $pusher; wait $pusher 2>/dev/null
sleep 0.2
rm link/frozen
timeout --foreground --preserve-status -s INT 1.5 "$CHAMA" --home "$FOLDER/a" push tourism --limit-rate 500K >/dev/null 2>.push
equal "the next one is stopped by Ctrl-C" "$?" 1
equal "and says so" "$(cat .push)" "chama: tourism: push: stopped; the next push goes on from there"
log_has 'PS6: a newer push of this node has taken its place' 1
"$CHAMA" --home "$FOLDER/a" push tourism --limit-rate 3M >.push 2>&1 &
pusher=$!
sleep 0.8
kill -9 "$(cat b.pid)"; wait "$(cat b.pid)" 2>/dev/null
wait $pusher
equal "the receiver is killed: the pusher says so" "$?" 5
has "and what to do" "$(cat .push)" "the next push goes on"
rm b.log
start b
want "gone on with" 0 chama a push tourism --json
came=$(printf '%s' "$out" | json "['chunks']")
equal "took the version" "$(printf '%s' "$out" | json "['versions']")" 1
[ "$came" -lt "$whole" ] && ok "and not again what had come: $came chunks" || bad "all came again" "$came"
rm -rf got
want "it is there" 0 chama b get forestry/noise got
same_tree "whole" data got

# PS5, PS6 on the wire: answers go to the push with the same query alone, and a newer push ends the one before.
want "answers of no push, of another push, and a push that is replaced" 0 python3 - "$(address_of b)" a/keys <<'PYTHON'
import http.client, ssl, sys
host, port = sys.argv[1].split(":")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.load_cert_chain(sys.argv[2] + "/tls.crt", sys.argv[2] + "/tls.key")


def post(path, body=b""):
    connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=8)
    connection.request("POST", path, body)
    return connection.getresponse()


print(post("/v1/push/answers?push=1", b"x").status)
first = post("/v1/push?push=1")
print(first.status, first.readline().split()[0].decode())
print(post("/v1/push/answers?push=2", b"x").status)
second = post("/v1/push?push=2")
try:
    first.read()
except (http.client.HTTPException, OSError):
    pass
print(second.status, second.readline().split()[0].decode())
PYTHON
equal "are told" "$(echo $out)" "404 200 POST 404 200 POST"

# Another key at the address is not spoken to.
stop b
sed -i "s/^listen = .*/listen = $(address_of b)/" c/config.ini
start c
want "a stranger at the address" 3 chama a push tourism
has "is none" "$err" "shows a TLS key"

stop c

# The next address may be right, as for a sync (PS8); if none is, the stranger is told of.
sed -i "s/^listen = .*/listen = $(address_of c)/" c/config.ini
sed -i "s,^url = .*,url = https://$(address_of c)," b/config.ini
start c
start b
want "another address" 0 chama a peer add "$(chama b invite 2>/dev/null)"
want "a stranger at the first, the peer at the second" 0 chama a push tourism
stop b
want "a stranger at the first, nobody at the second" 3 chama a push tourism
has "the stranger is told of" "$err" "shows a TLS key"
stop c
want "nobody at any address" 5 chama a push tourism
